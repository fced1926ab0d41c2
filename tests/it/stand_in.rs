//! A server on loopback that stands in for the real API: it passes requests on to a sandbox, and changes its replies.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::Value;

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// `POST /v0/identity/individual_cft_peps`
    pub line: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// A reply on its way.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Whether the connection is closed without a reply.
    pub is_lost: bool,
}

pub(crate) struct StandIn {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The value of `x-magic-reply`.
    pub(crate) fn magic(&self) -> &str {
        self.header("x-magic-reply").unwrap_or_default()
    }
}

impl Given {
    pub(crate) fn of(status: u16, body: &Value) -> Self {
        Self {
            status,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: body.to_string().into_bytes(),
            is_lost: false,
        }
    }

    /// Changes the body as JSON.
    pub(crate) fn edit(&mut self, change: impl FnOnce(&mut Value)) {
        let mut json = serde_json::from_slice(&self.body).expect("JSON");
        change(&mut json);
        self.body = json.to_string().into_bytes();
    }
}

impl StandIn {
    /// Passes requests on to the sandbox at this URL. It does not know the paths of a sandbox.
    pub(crate) fn of(
        sandbox: &str,
        change: impl FnMut(&Asked, &mut Given) + Send + 'static,
    ) -> Self {
        let host = sandbox.trim_start_matches("http://").to_owned();
        let change = Mutex::new(change);
        Self::that(move |asked| {
            let mut given = if asked.line.contains(" /__sandbox/") {
                Given::of(404, &serde_json::json!({"message": "no such path"}))
            } else {
                passed_on(&host, asked)
            };
            change.lock().expect("no panic")(asked, &mut given);
            given
        })
    }

    /// Answers by itself.
    pub(crate) fn that(answer: impl Fn(&Asked) -> Given + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (answer, log) = (Arc::new(answer), asked.clone());
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let (answer, log) = (answer.clone(), log.clone());
                std::thread::spawn(move || {
                    let Some(asked) = read(&mut stream) else {
                        return;
                    };
                    log.lock().expect("no panic").push(asked.clone());
                    let given = answer(&asked);
                    if !given.is_lost {
                        write(&mut stream, &given);
                    }
                });
            }
        });
        Self { url, asked }
    }

    /// The requests so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no panic").clone()
    }

    /// Method and path of the requests so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.line).collect()
    }
}

/// None if the connection ends within the request.
fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        let mut chunk = [0; 4096];
        let length = stream.read(&mut chunk).ok().filter(|length| *length > 0)?;
        bytes.extend_from_slice(&chunk[..length]);
    };
    let (line, headers) = head(&bytes[..end]);
    let mut body = bytes.split_off(end + 4);
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.map_or(0, |(_, length)| length.parse().expect("a length"));
    let begun = body.len();
    body.resize(length, 0);
    stream.read_exact(&mut body[begun..]).ok()?;
    let line = line.trim_end_matches(" HTTP/1.1").to_owned();
    Some(Asked {
        line,
        headers,
        body,
    })
}

fn head(bytes: &[u8]) -> (String, Vec<(String, String)>) {
    let text = String::from_utf8(bytes.to_vec()).expect("heads are text");
    let mut lines = text.lines();
    let first = lines.next().expect("a first line").to_owned();
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
    (first, headers.collect())
}

fn passed_on(host: &str, asked: &Asked) -> Given {
    let mut stream = TcpStream::connect(host).expect("the sandbox listens");
    let line = &asked.line;
    let mut request = format!("{line} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
    for (name, value) in &asked.headers {
        if !["host", "connection"].contains(&name.as_str()) {
            write!(request, "{name}: {value}\r\n").expect("texts grow");
        }
    }
    request += "\r\n";
    stream.write_all(request.as_bytes()).expect("it is read");
    stream.write_all(&asked.body).expect("it is read");
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("an answer");
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    let end = end.expect("a head");
    let (line, headers) = head(&bytes[..end]);
    Given {
        status: line[9..12].parse().expect("a status"),
        headers,
        body: bytes.split_off(end + 4),
        is_lost: false,
    }
}

fn write(stream: &mut TcpStream, given: &Given) {
    let mut head = format!("HTTP/1.1 {} X\r\nconnection: close\r\n", given.status);
    for (name, value) in &given.headers {
        if !["content-length", "connection", "transfer-encoding"].contains(&name.as_str()) {
            write!(head, "{name}: {value}\r\n").expect("texts grow");
        }
    }
    write!(head, "content-length: {}\r\n\r\n", given.body.len()).expect("texts grow");
    stream.write_all(head.as_bytes()).expect("it is read");
    stream.write_all(&given.body).expect("it is read");
}
