//! The attacks. The measuring code closes what an attack leaves open.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::common::client::Client;
use crate::common::key;

/// How long an attack without an own end lasts.
const LENGTH: Duration = Duration::from_secs(5);
/// The worlds whose keys [`repeat`] uses.
pub const ATTACKERS_WORLDS: std::ops::Range<usize> = 10..40;
const BANK: &str = "/v1.1/identity/bank_account_data_requests";
const JSON: &str = "content-type: application/json\r\n";

#[derive(Default)]
pub struct Held(Vec<TcpStream>);

pub struct Attack {
    pub name: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    Load,
    /// This many connections that send these bytes and then nothing.
    Hold(usize, &'static [u8]),
    /// This many heads and bodies, a byte every tenth of a second.
    Trickle(usize),
    /// Connections that are opened and reset.
    Churn,
    /// The same requests again and again, each on its own connection.
    Nonsense,
    Pipeline,
    /// A body again and again, on this many connections.
    Bodies(usize, fn() -> Vec<u8>, &'static str, &'static str),
    /// Answers that nobody reads.
    Unread,
    /// A folder with a file that changes all the time and with unreadable files.
    Folder,
}

pub const ATTACKS: &[Attack] = &[
    Attack {
        name: "load alone, 20 connections",
        kind: Kind::Load,
    },
    Attack {
        name: "1,000 slow heads and 1,000 slow bodies",
        kind: Kind::Trickle(1000),
    },
    Attack {
        name: "11,000 connections, which is more than are served",
        kind: Kind::Hold(11_000, b"GET /hea"),
    },
    Attack {
        name: "5,000 connections that say nothing",
        kind: Kind::Hold(5000, b""),
    },
    Attack {
        name: "connections that are opened and reset",
        kind: Kind::Churn,
    },
    Attack {
        name: "bytes that are not HTTP, and request smuggling",
        kind: Kind::Nonsense,
    },
    Attack {
        name: "pipelines of 1,000 requests",
        kind: Kind::Pipeline,
    },
    Attack {
        name: "answers that nobody reads",
        kind: Kind::Unread,
    },
    Attack {
        name: "heads of 64 KiB",
        kind: Kind::Bodies(4, long_head, "GET", ""),
    },
    Attack {
        name: "bodies of 10 MiB of `[`",
        kind: Kind::Bodies(4, brackets, "POST", JSON),
    },
    Attack {
        name: "bodies of 1 MiB of `[`",
        kind: Kind::Bodies(4, fewer_brackets, "POST", JSON),
    },
    Attack {
        name: "images of 100,000 x 100,000 pixels",
        kind: Kind::Bodies(4, image, "POST", MULTIPART),
    },
    Attack {
        name: "a folder of a gigabyte, a FIFO and a file that changes",
        kind: Kind::Folder,
    },
];

const MULTIPART: &str = "content-type: multipart/form-data; boundary=x\r\n";

fn brackets() -> Vec<u8> {
    b"[".repeat(10 << 20)
}

fn fewer_brackets() -> Vec<u8> {
    b"[".repeat(1 << 20)
}

fn long_head() -> Vec<u8> {
    Vec::new()
}

fn image() -> Vec<u8> {
    let mut body =
        b"--x\r\ncontent-disposition: form-data; name=\"selfie_image\"; filename=\"me\"\r\n\r\n"
            .to_vec();
    body.extend(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
    body.extend(100_000_u32.to_be_bytes());
    body.extend(100_000_u32.to_be_bytes());
    body.extend([8, 2, 0, 0, 0]);
    body.resize(200_000, 0);
    body.extend(b"\r\n--x--\r\n");
    body
}

impl Attack {
    /// Warms a fresh server up: its code is read from the file, an endpoint is compiled, and each thread creates the
    /// data that it keeps for such requests.
    pub async fn begin(&self, address: SocketAddr, folder: &Path) {
        match self.kind {
            Kind::Bodies(count, body, method, headers) => {
                let made = body();
                let clients = (0..count).map(|number| {
                    let made = &made;
                    async move {
                        let mut client =
                            Client::new(address, &key(ATTACKERS_WORLDS.start + number));
                        for _ in 0..25 {
                            send_body(&mut client, made, method, headers).await;
                        }
                    }
                });
                together(clients.collect()).await;
            }
            Kind::Folder => change(folder, 0),
            _ => {}
        }
    }

    pub async fn run(&self, address: SocketAddr, folder: &Path, open: &mut Held) {
        match self.kind {
            Kind::Load => {
                repeat(20, address, |mut client| async move {
                    let found = "x-magic-reply: COMPLETED_FOUND\r\n";
                    client.ask("POST", BANK, found, b"").await.ok();
                    client
                })
                .await;
            }
            Kind::Hold(count, bytes) => {
                for _ in 0..count {
                    // Above the limits of both, a connection is not accepted at once.
                    let connecting =
                        timeout(Duration::from_millis(100), TcpStream::connect(address));
                    if let Ok(Ok(mut socket)) = connecting.await {
                        socket.write_all(bytes).await.ok();
                        open.0.push(socket);
                    }
                }
                sleep(LENGTH).await;
            }
            Kind::Trickle(count) => trickle(count, address, open).await,
            Kind::Churn => {
                each(address, |mut socket| async move {
                    socket.write_all(b"POST / HTTP/1.1\r\n").await.ok();
                    rustix::net::sockopt::set_socket_linger(&socket, Some(Duration::ZERO)).ok();
                })
                .await;
            }
            Kind::Nonsense => {
                each(address, |mut socket| async move {
                    for words in NONSENSE {
                        socket.write_all(words).await.ok();
                    }
                    let mut read = Vec::new();
                    timeout(Duration::from_secs(1), socket.read_to_end(&mut read))
                        .await
                        .ok();
                })
                .await;
            }
            Kind::Pipeline => {
                each(address, |mut socket| async move {
                    socket.write_all(&HEALTH.repeat(999)).await.ok();
                    socket
                        .write_all(b"GET /health HTTP/1.1\r\nconnection: close\r\n\r\n")
                        .await
                        .ok();
                    let mut read = Vec::new();
                    timeout(Duration::from_secs(5), socket.read_to_end(&mut read))
                        .await
                        .ok();
                })
                .await;
            }
            Kind::Unread => {
                let until = Instant::now() + LENGTH;
                for _ in 0..200 {
                    if let Ok(socket) = TcpStream::connect(address).await {
                        open.0.push(socket);
                    }
                }
                while Instant::now() < until {
                    for socket in &open.0 {
                        socket.try_write(&OPENAPI.repeat(10)).ok();
                    }
                    sleep(Duration::from_millis(10)).await;
                }
            }
            Kind::Bodies(count, body, method, headers) => {
                let made = body();
                repeat(count, address, |mut client| {
                    let made = &made;
                    async move {
                        send_body(&mut client, made, method, headers).await;
                        client
                    }
                })
                .await;
            }
            Kind::Folder => {
                std::fs::File::create(folder.join("large.toml"))
                    .and_then(|file| file.set_len(1 << 30))
                    .ok();
                std::process::Command::new("mkfifo")
                    .arg(folder.join("fifo.toml"))
                    .status()
                    .ok();
                let until = Instant::now() + LENGTH;
                for turn in 0_u32.. {
                    change(folder, turn);
                    if Instant::now() > until {
                        break;
                    }
                    sleep(Duration::from_millis(5)).await;
                }
            }
        }
    }
}

const HEALTH: &[u8] = b"GET /health HTTP/1.1\r\nhost: a\r\n\r\n";
const OPENAPI: &[u8] = b"GET /__sandbox/openapi.json HTTP/1.1\r\nhost: localhost\r\n\r\n";

const NONSENSE: [&[u8]; 3] = [
    b"POST / HTTP/1.1\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx",
    b"\x16\x03\x01\x02 hello \r\n\r\n",
];

/// A body, or a long head if there is no body.
async fn send_body(client: &mut Client, body: &[u8], method: &str, headers: &str) {
    let extra = if body.is_empty() {
        format!("x: {}\r\n", "y".repeat(60_000))
    } else {
        headers.to_owned()
    };
    let path = if headers == MULTIPART {
        "/v0/identity/id_card_verifications"
    } else {
        BANK
    };
    client.ask(method, path, &extra, body).await.ok();
}

/// Saves a scenario file again.
fn change(folder: &Path, turn: u32) {
    let text = format!(
        "extends = \"v1.1/bank_account_data_requests\"\n\n[outcomes.TURN_{turn}]\nstatus = 422\nerror = \"x\"\n"
    );
    std::fs::write(folder.join("changes.toml"), text).ok();
}

/// This many clients that repeat an action.
async fn repeat<F>(count: usize, address: SocketAddr, once: impl Fn(Client) -> F)
where
    F: Future<Output = Client>,
{
    let until = Instant::now() + LENGTH;
    let clients = (0..count).map(|number| {
        let once = &once;
        async move {
            let mut client = Client::new(address, &key(ATTACKERS_WORLDS.start + number));
            while Instant::now() < until {
                client = once(client).await;
            }
        }
    });
    together(clients.collect()).await;
}

/// Repeats requests, ten at a time, each on its own connection.
async fn each<F>(address: SocketAddr, once: impl Fn(TcpStream) -> F)
where
    F: Future<Output = ()>,
{
    let until = Instant::now() + LENGTH;
    let workers = (0..10).map(|_| {
        let once = &once;
        async move {
            while Instant::now() < until {
                if let Ok(socket) = TcpStream::connect(address).await {
                    once(socket).await;
                }
            }
        }
    });
    together(workers.collect()).await;
}

/// Polls all of them; there are few.
pub async fn together<F: Future<Output = ()>>(futures: Vec<F>) {
    let mut left: Vec<_> = futures.into_iter().map(Box::pin).map(Some).collect();
    std::future::poll_fn(|context| {
        for one in &mut left {
            if let Some(future) = one
                && future.as_mut().poll(context).is_ready()
            {
                *one = None;
            }
        }
        if left.iter().all(Option::is_none) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
}

async fn trickle(count: usize, address: SocketAddr, open: &mut Held) {
    let head = b"GET /health HTTP/1.1\r\nx: ".to_vec();
    let body = format!("POST {BANK} HTTP/1.1\r\nhost: a\r\n{JSON}content-length: 100000\r\n\r\n{{");
    for start in [head, body.into_bytes()] {
        for _ in 0..count {
            if let Ok(mut socket) = TcpStream::connect(address).await {
                socket.write_all(&start).await.ok();
                open.0.push(socket);
            }
        }
    }
    let until = Instant::now() + LENGTH;
    while Instant::now() < until {
        for socket in &open.0 {
            socket.try_write(b" ").ok();
        }
        sleep(Duration::from_millis(100)).await;
    }
}
