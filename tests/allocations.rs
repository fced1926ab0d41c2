//! How much a request allocates. The test fails if it becomes more than what is recorded here.
//!
//! ```text
//! make allocations     # the numbers, the steps that allocate, and the most frequent call stacks
//! ```
//!
//! The sandbox runs on a thread of its own, and only that thread is counted. The client waits until this thread sleeps
//! before it reads the counts, so that everything that a request needs is in them, also what follows the reply.

#[path = "allocations/stacks.rs"]
mod stacks;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use iluma_sandbox::Sandbox;
use iluma_sandbox_count_allocations::{
    Counting, count_this_thread, counts, keep_stacks, take_stacks,
};
use stacks::print_stacks;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The allocations of one request. Lower it when a change needs fewer.
const RECORDED_ALLOCATIONS: u64 = 13;

/// Fills the journal, the records of the world and all tables that grow at first.
const WARM_UP_REQUESTS: usize = 10_100;
const COUNTED_REQUESTS: usize = 1000;
/// Call stacks are slow to read.
const REQUESTS_WITH_STACKS: usize = 20;

/// A reply is here after microseconds. A server that sends none must not stop the tests.
const PATIENCE: Duration = Duration::from_secs(30);

/// The documentation's key.
const AUTHORIZATION: &str = "Basic aWx1bWFfZGV2ZWxvcG1lbnRfRlg0ZjBNNXN4RGdrNXFGeVpuazYwWmVuZ0FmQTlvMz\
    F4M2VjZDI5dmloamM0Vmh5SjhGY2xaaEhqanc6";
const BODY: &str = r#"{"given_names":"Eko Hadi Salim","user_id":"foo123","nationality":"ID","score_threshold":90,"scopes":["PEP"]}"#;

/// Whether the thread of the sandbox sleeps, because it has nothing to do.
static SLEEPS: AtomicBool = AtomicBool::new(false);

#[test]
fn a_screening_with_a_magic_reply_needs_no_more_allocations_than_recorded() {
    let mut client = Client::connect(start_sandbox());
    for _ in 0..WARM_UP_REQUESTS {
        client.ask();
    }

    let mut allocations = Vec::with_capacity(COUNTED_REQUESTS);
    let mut bytes = Vec::with_capacity(COUNTED_REQUESTS);
    for _ in 0..COUNTED_REQUESTS {
        let before = counts();
        client.ask();
        let after = counts();
        allocations.push(after.allocations - before.allocations);
        bytes.push(after.bytes - before.bytes);
    }
    // A table that grows now and then makes a few requests dearer; the median does not show them.
    let (allocations, bytes) = (median(allocations), median(bytes));
    println!("a request needs {allocations} allocations with {bytes} bytes");

    if std::env::var_os("ALLOCATION_STACKS").is_some() {
        keep_stacks(true);
        for _ in 0..REQUESTS_WITH_STACKS {
            client.ask();
        }
        keep_stacks(false);
        print_stacks(&take_stacks(), REQUESTS_WITH_STACKS);
    }
    assert!(
        allocations <= RECORDED_ALLOCATIONS + 1,
        "a request needs {allocations} allocations, {RECORDED_ALLOCATIONS} are recorded: `make allocations` shows \
         where they are made"
    );
}

/// Starts a sandbox with its usual settings on a thread that is counted.
fn start_sandbox() -> SocketAddr {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        count_this_thread();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .on_thread_park(|| SLEEPS.store(true, SeqCst))
            .on_thread_unpark(|| SLEEPS.store(false, SeqCst))
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let sandbox = Sandbox::start().await.expect("a sandbox");
            send.send(sandbox.address()).expect("the test waits");
            std::future::pending::<()>().await;
        });
    });
    receive.recv().expect("an address")
}

struct Client {
    stream: TcpStream,
    request: String,
    buffer: [u8; 4096],
}

impl Client {
    fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_nodelay(true).expect("an option of sockets");
        stream
            .set_read_timeout(Some(PATIENCE))
            .expect("an option of sockets");
        let request = format!(
            "POST /v0/identity/individual_cft_peps HTTP/1.1\r\nhost: 127.0.0.1\r\n\
             authorization: {AUTHORIZATION}\r\ncontent-type: application/json\r\n\
             x-magic-reply: COMPLETED_FOUND\r\ncontent-length: {}\r\n\r\n{BODY}",
            BODY.len()
        );
        Self {
            stream,
            request,
            buffer: [0; _],
        }
    }

    /// Sends the request, reads the reply, and waits until the sandbox has done everything that follows it.
    fn ask(&mut self) {
        self.stream
            .write_all(self.request.as_bytes())
            .expect("the sandbox reads");
        let mut length = 0;
        while !is_whole(&self.buffer[..length]) {
            let read = self.stream.read(&mut self.buffer[length..]);
            let read = read.expect("a reply");
            assert_ne!(read, 0, "the reply is cut off, or longer than the buffer");
            length += read;
        }
        let began = Instant::now();
        while !SLEEPS.load(SeqCst) {
            assert!(began.elapsed() < PATIENCE, "the sandbox never rests");
            thread::yield_now();
        }
    }
}

/// Whether a reply with status 200 is here with its body.
fn is_whole(reply: &[u8]) -> bool {
    let Some(end) = reply.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
        return false;
    };
    assert!(
        reply.starts_with(b"HTTP/1.1 200 "),
        "{}",
        String::from_utf8_lossy(reply)
    );
    let length = str::from_utf8(&reply[..end])
        .expect("a head is text")
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .expect("a length");
    reply.len() == end + 4 + length.parse::<usize>().expect("a number")
}

fn median(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    values[values.len() / 2]
}
