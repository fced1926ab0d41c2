//! The cost of open inspectors: the same server without viewers, with one reader of events, and with fifty.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpStream};

use crate::common::load::{Amount, Request};
use crate::common::pinned::{Server, Subject};
use crate::common::rounds::{
    CPU, Plan, RATE, Round, Side, in_turns, print_head, print_rounds, round,
};
use crate::common::{Explain, Outcome};

const MANY: usize = 50;

/// Without a backlog: opening is not measured.
const STREAM: &[u8] = b"GET /__sandbox/events?world=all HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n";

pub fn measure(plan: Plan) -> Outcome<()> {
    eprintln!("inspectors");
    let server = Server::start(&Subject::sandbox())?;
    let amount = Amount::during(plan.round_length);
    let server = &server;
    let side = |readers| -> Side { Box::new(move || watched_round(server, readers, amount)) };
    let mut rounds = in_turns(plan, &mut [side(0), side(1), side(MANY)])?;
    let many = rounds.pop().expect("three sides");
    for (name, watched) in [
        ("one inspector is open", rounds.pop()),
        (&format!("{MANY} inspectors are open"), Some(many)),
    ] {
        rounds.truncate(1);
        rounds.extend(watched);
        print_head("medians", &["nobody looks on", name]);
        print_rounds(&rounds, &[RATE, CPU]);
    }
    Ok(())
}

/// One round while so many readers watch.
fn watched_round(server: &Server, readers: usize, amount: Amount) -> Outcome<Round> {
    let readers: Outcome<Vec<Reader>> = (0..readers).map(|_| Reader::open(server.port())).collect();
    let readers = readers?;
    let round = round(server, &mut Request::screening(), amount)?;
    readers.into_iter().try_for_each(Reader::close)?;
    Ok(round)
}

/// Reads a stream of events on its own thread, as a page would.
struct Reader {
    stream: TcpStream,
    thread: std::thread::JoinHandle<u64>,
}

impl Reader {
    fn open(port: u16) -> Outcome<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port));
        let mut stream = stream.explain("cannot open the stream of events")?;
        stream.write_all(STREAM).explain("cannot ask for events")?;
        let mut reading = stream.try_clone().explain("cannot read the events")?;
        let thread = std::thread::spawn(move || {
            let mut buffer = vec![0; 64 << 10];
            let mut total = 0;
            while let Ok(read @ 1..) = reading.read(&mut buffer) {
                total += read as u64;
            }
            total
        });
        Ok(Self { stream, thread })
    }

    /// Checks that the stream had events: an empty stream would measure nothing.
    fn close(self) -> Outcome<()> {
        self.stream
            .shutdown(Shutdown::Both)
            .explain("cannot close the stream of events")?;
        match self.thread.join() {
            Ok(read) if read > 10_000 => Ok(()),
            Ok(read) => Err(format!("the stream of events had {read} bytes under load")),
            Err(_) => Err("the reader of events panicked".to_owned()),
        }
    }
}
