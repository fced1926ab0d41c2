//! Many callbacks to one receiver: how many come per second, and whether they come in the order of their requests.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use crate::common::load::{Connection, Request};
use crate::common::pinned::{Server, Subject};
use crate::common::rounds::{Plan, print_head, print_row};
use crate::common::{Explain, Outcome};

const FEW: usize = 500;
const MANY: usize = 5000;
const PATIENCE: Duration = Duration::from_mins(1);

pub fn measure(plan: Plan) -> Outcome<()> {
    eprintln!("callbacks");
    let (url, came) = receive()?;
    let subject =
        Subject::sandbox().with(["--callback".into(), format!("NAME_VALIDATOR_REQUEST={url}")]);
    let mut rates = [vec![], vec![]];
    for number in 0..plan.warm_up_rounds + plan.rounds {
        for (rates, callbacks) in rates.iter_mut().zip([FEW, MANY]) {
            let rate = send(&Server::start(&subject)?, callbacks, &came)?;
            if number >= plan.warm_up_rounds {
                rates.push(rate);
            }
        }
    }
    print_head(
        "medians, all in the order of their requests",
        &[&format!("{FEW} callbacks"), &format!("{MANY} callbacks")],
    );
    print_row("callbacks per second", 0, &rates);
    Ok(())
}

/// Sends requests one after the other, and waits for their callbacks. Returns how many came per second.
fn send(server: &Server, callbacks: usize, came: &Receiver<String>) -> Outcome<f64> {
    // The first product whose usual outcome has a callback.
    let mut request = Request::post(
        "/v1.1/identity/bank_account_data_requests",
        r#"{"bank_account_number":"7000000001","bank_code":"BCA"}"#,
    );
    let mut connection = Connection::open(server.port())?;
    let began = Instant::now();
    let mut ids = Vec::new();
    for _ in 0..callbacks {
        let (_, body) = connection.ask(request.next())?;
        ids.push(id_of(&body)?);
    }
    for (number, id) in ids.into_iter().enumerate() {
        let next = came
            .recv_timeout(PATIENCE)
            .explain(format_args!("no callback after {number}"))?;
        if next != id {
            return Err(format!(
                "callback {number} is out of order: {next} came instead of {id}"
            ));
        }
    }
    Ok(callbacks as f64 / began.elapsed().as_secs_f64())
}

/// Starts a receiver that takes connections in their order. Returns its URL and the ids of the records, as they come.
fn receive() -> Outcome<(String, Receiver<String>)> {
    let listener = TcpListener::bind("127.0.0.1:0").explain("the receiver cannot listen")?;
    let address = listener.local_addr();
    let address = address.explain("the receiver has no address")?;
    let (send, came) = channel();
    std::thread::spawn(move || {
        for socket in listener.incoming().map_while(Result::ok) {
            match read(socket) {
                Err(sentence) => eprintln!("{sentence}"),
                Ok(id) => {
                    if send.send(id).is_err() {
                        return; // nobody waits any more
                    }
                }
            }
        }
    });
    Ok((format!("http://{address}/"), came))
}

/// Reads one callback and accepts it. Returns the id of its record.
fn read(mut socket: TcpStream) -> Outcome<String> {
    let mut read = Vec::new();
    let mut buffer = [0; 4096];
    let body = loop {
        let count = socket.read(&mut buffer).explain("a callback breaks off")?;
        if count == 0 {
            return Err("a callback breaks off".into());
        }
        read.extend(&buffer[..count]);
        let Some(end) = read.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8_lossy(&read[..end]).to_ascii_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok())
            .ok_or("a callback has no length")?;
        if read.len() == end + 4 + length {
            break &read[end + 4..];
        }
    };
    let reply = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    socket
        .write_all(reply)
        .explain("cannot accept a callback")?;
    id_of(body)
}

fn id_of(record: &[u8]) -> Outcome<String> {
    let record: serde_json::Value = serde_json::from_slice(record).explain("no JSON")?;
    let id = record["id"].as_str().or(record["data"]["id"].as_str());
    Ok(id.ok_or("a record has no id")?.to_owned())
}
