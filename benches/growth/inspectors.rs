//! The cost of an open inspector: the same server without viewers, and with one reader of events.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpStream};

use crate::measure::{Server, Subject, print_row, same_request};
use crate::{Explain, Outcome, Plan};

const STREAM: &[u8] =
    b"GET /__sandbox/events?world=all&backlog=10000 HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n";

/// Measures in turns, and prints the two with their ratio.
pub fn measure_inspector(plan: &Plan) -> Outcome<()> {
    eprintln!(
        "inspector: {} rounds of {:?} each",
        plan.rounds, plan.round_length
    );
    let server = Server::start(&Subject::sandbox())?;
    let mut rates = [vec![], vec![]];
    for number in 0..=plan.rounds {
        for (is_open, rates) in [false, true].into_iter().zip(&mut rates) {
            let stream = is_open.then(|| Reader::open(server.port())).transpose()?;
            let load = server.load(&mut same_request(), u64::MAX, plan.round_length)?;
            if let Some(stream) = stream {
                stream.close()?;
            }
            if number > 0 {
                rates.push(load.requests_per_second); // number 0 was for warming up
            }
        }
    }
    println!("\n| medians | nobody looks on | one inspector is open | open / not (min to max) |");
    println!("|---|---:|---:|---:|");
    print_row("requests per second", 0, &rates);
    Ok(())
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
