//! Queries of the control API that grow with what worlds hold, over worlds that are full. Prints how long another client
//! waits at most while they are repeated.

use std::fmt::Write;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::attacks::together;
use super::{BANK, PEACE, Witness};
use crate::common::client::Client;
use crate::common::process::Server;
use crate::common::{Explain, Outcome, basic, key, p99};

/// How long a query is repeated.
const LENGTH: Duration = Duration::from_secs(3);
/// How many clients repeat it.
const CLIENTS: usize = 4;
/// The waiting requests of one world.
const WAITING: usize = 500;

const CALLBACK: &str = "NAME_VALIDATOR_REQUEST";
const JSON: &str = "content-type: application/json\r\n";

/// The worlds: one with a full journal, one with many deliveries, one with many records, and others.
const JOURNAL: usize = 1000;
const DELIVERIES: usize = 1001;
const RECORDS: usize = 1002;
const OTHERS: std::ops::Range<usize> = 1100..1300;

/// A query that is repeated.
struct Load {
    name: &'static str,
    world: usize,
    kind: Kind,
}

enum Kind {
    Get(&'static str),
    Verify(fn() -> Value),
    /// Requests that wait, while new requests come to their world.
    Waiting(&'static str, fn() -> Value),
    /// A stream of events, until its backlog has been read.
    Events(&'static str),
    Restore,
}

const LOADS: &[Load] = &[
    get("requests?limit=1000", JOURNAL),
    get("requests?limit=1000&world=all", JOURNAL),
    get(
        "requests?limit=1000&endpoint=v0/individual_cft_peps",
        JOURNAL,
    ),
    load("verify, 100 filters", JOURNAL, Kind::Verify(many_filters)),
    load(
        "verify, another endpoint",
        JOURNAL,
        Kind::Verify(other_endpoint),
    ),
    load(
        "500 waiting verify",
        JOURNAL,
        Kind::Waiting("POST /__sandbox/verify", awaited),
    ),
    load(
        "500 waiting deliveries",
        DELIVERIES,
        Kind::Waiting("GET /__sandbox/deliveries?state=delivered&wait=3s", || {
            Value::Null
        }),
    ),
    get("export", JOURNAL),
    get("export?world=all", JOURNAL),
    load("events?backlog=1000", JOURNAL, Kind::Events("")),
    load(
        "events?backlog=10000&world=all",
        JOURNAL,
        Kind::Events("&world=all"),
    ),
    get("deliveries?limit=5000", DELIVERIES),
    get("idle", DELIVERIES),
    get("inbox", JOURNAL),
    get("inbox/large", JOURNAL),
    get("snapshot", RECORDS),
    load("PUT snapshot", RECORDS, Kind::Restore),
    get("worlds", JOURNAL),
    get("metrics", JOURNAL),
    get("readyz", JOURNAL),
    get("coverage", JOURNAL),
    get("coverage?world=own", JOURNAL),
    get("catalog", JOURNAL),
    get("fidelity", JOURNAL),
    get("setup", JOURNAL),
    get("callback_urls", JOURNAL),
    get("next", JOURNAL),
    get("faults", JOURNAL),
];

const fn get(path: &'static str, world: usize) -> Load {
    load(path, world, Kind::Get(path))
}

const fn load(name: &'static str, world: usize, kind: Kind) -> Load {
    Load { name, world, kind }
}

fn many_filters() -> Value {
    let filters = (0..100).map(|at| (format!("body.field_{at}"), json!(at + 1)));
    let filters: serde_json::Map<_, _> = filters.collect();
    json!({"request": filters})
}

fn other_endpoint() -> Value {
    json!({"request": {"body.given_names": "Testy", "endpoint": "v0/individual_cft_peps"}})
}

fn awaited() -> Value {
    json!({"request": {"endpoint": "v1.1/bank_account_data_requests", "body.field_1": "never"}, "wait": "3s"})
}

/// A large body. It is refused for its unknown fields, and kept in the journal.
fn large_body() -> Vec<u8> {
    let mut body = json!({"bank_account_number": "7000000001", "bank_code": "BCA"});
    for at in 0..400 {
        body[format!("field_{at}")] = at.into();
    }
    body.to_string().into_bytes()
}

/// Prints the table. `only` are parts of names; without any, all queries are measured.
pub fn measure(only: &[&String]) -> Outcome<()> {
    let is_asked =
        |load: &&Load| only.is_empty() || only.iter().any(|name| load.name.contains(name.as_str()));
    let loads: Vec<_> = LOADS.iter().filter(is_asked).collect();
    if loads.is_empty() {
        return Ok(());
    }
    let callback = format!("{CALLBACK}=http://127.0.0.1:9/");
    let arguments = ["--callback", &callback, "--log-format", "off"].map(str::to_owned);
    let server = Server::sandbox(&arguments)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .explain("cannot start a runtime")?;
    let snapshot = runtime.block_on(fill(server.address))?;
    println!(
        "\n| {CLIENTS} clients repeat | answers | another client waits: p99, ms | at most, ms |"
    );
    println!("|---|--:|--:|--:|");
    let witness = Witness::start(server.address)?;
    witness.warm_up();
    witness.forget()?;
    print_row("nothing", 0, witness.latencies(PEACE)?);
    for load in loads {
        witness.forget()?;
        let answers = runtime.block_on(load.run(server.address, &snapshot));
        print_row(load.name, answers, witness.latencies(Duration::ZERO)?);
    }
    witness.stop()
}

fn print_row(name: &str, answers: usize, mut latencies: Vec<Duration>) {
    let ms = |duration: Duration| duration.as_secs_f64() * 1e3;
    let p99 = ms(p99(&mut latencies));
    let longest = ms(latencies.last().copied().unwrap_or_default());
    println!("| `{name}` | {answers} | {p99:.1} | {longest:.1} |");
}

impl Load {
    /// Returns how many answers came.
    async fn run(&self, address: SocketAddr, snapshot: &[u8]) -> usize {
        let answers = std::cell::Cell::new(0);
        let until = Instant::now() + LENGTH;
        let count = |is_answered: bool| answers.set(answers.get() + usize::from(is_answered));
        let repeated = async || {
            let mut client = Client::new(address, &key(self.world));
            while Instant::now() < until {
                count(self.once(&mut client, address, snapshot).await);
            }
        };
        if let Kind::Waiting(line, body) = self.kind {
            let (method, path) = line.split_once(' ').unwrap_or_default();
            let body = body().to_string();
            let waiting = async || {
                let mut client = Client::new(address, &key(self.world));
                count(
                    client
                        .ask(method, path, JSON, body.as_bytes())
                        .await
                        .is_ok(),
                );
            };
            let news = async || {
                let mut client = Client::new(address, &key(self.world));
                while Instant::now() < until {
                    client.ask("POST", BANK, JSON, &large_body()).await.ok();
                }
            };
            let waiting = (0..WAITING)
                .map(|_| Box::pin(waiting()) as std::pin::Pin<Box<dyn Future<Output = ()>>>);
            let news =
                std::iter::once(Box::pin(news()) as std::pin::Pin<Box<dyn Future<Output = ()>>>);
            together(waiting.chain(news).collect()).await;
        } else {
            together((0..CLIENTS).map(|_| repeated()).collect()).await;
        }
        answers.get()
    }

    async fn once(&self, client: &mut Client, address: SocketAddr, snapshot: &[u8]) -> bool {
        let answer = match self.kind {
            Kind::Get(path) => client.get(&format!("/__sandbox/{path}")).await,
            Kind::Verify(body) => {
                let body = body().to_string();
                client
                    .ask("POST", "/__sandbox/verify", JSON, body.as_bytes())
                    .await
            }
            Kind::Restore => {
                client
                    .ask("PUT", "/__sandbox/snapshot", JSON, snapshot)
                    .await
            }
            Kind::Events(world) => return backlog(address, &key(self.world), world).await.is_ok(),
            Kind::Waiting(..) => return false,
        };
        answer.is_ok_and(|answer| answer.status < 500)
    }
}

/// Reads a stream of events until nothing comes for a moment. In all worlds something always comes.
async fn backlog(address: SocketAddr, key: &str, world: &str) -> std::io::Result<()> {
    let most = if world.is_empty() { 1000 } else { 10_000 };
    let mut socket = TcpStream::connect(address).await?;
    let head = format!(
        "GET /__sandbox/events?backlog={most}{world} HTTP/1.1\r\nhost: localhost\r\nauthorization: {}\r\n\r\n",
        basic(key)
    );
    socket.write_all(head.as_bytes()).await?;
    let mut piece = vec![0; 1 << 16];
    let until = Instant::now() + LENGTH;
    while Instant::now() < until
        && let Ok(Ok(1..)) = timeout(Duration::from_millis(300), socket.read(&mut piece)).await
    {
    }
    Ok(())
}

/// Fills the worlds and the inboxes. Returns a large snapshot.
async fn fill(address: SocketAddr) -> Outcome<Vec<u8>> {
    let mut client = Client::new(address, &key(JOURNAL));
    for _ in 0..1000 {
        client.ask("POST", BANK, JSON, &large_body()).await?;
    }
    for world in OTHERS {
        let mut client = Client::new(address, &key(world));
        for outcome in ["COMPLETED_FOUND", "COMPLETED_NOT_FOUND", "SERVER_ERROR"].repeat(20) {
            let headers = format!("x-magic-reply: {outcome}\r\n");
            client.ask("POST", BANK, &headers, b"").await?;
        }
    }
    let mut client = Client::new(address, &key(DELIVERIES));
    let trigger = json!({"type": CALLBACK}).to_string();
    for _ in 0..5000 {
        client
            .ask("POST", "/__sandbox/trigger", JSON, trigger.as_bytes())
            .await?;
    }
    for _ in 0..48 {
        client
            .ask("POST", "/__sandbox/inbox/large", "", &vec![b'x'; 1 << 20])
            .await?;
    }
    for at in 0..900 {
        let path = format!("/__sandbox/inbox/name_{at}");
        client.ask("POST", &path, JSON, &large_body()).await?;
    }
    let mut client = Client::new(address, &key(RECORDS));
    client
        .ask("POST", BANK, "x-magic-reply: COMPLETED_FOUND\r\n", b"")
        .await?;
    let taken = client.get("/__sandbox/snapshot").await?;
    let mut snapshot: Value = serde_json::from_slice(&taken.body).explain("the snapshot")?;
    let mut record = snapshot["records"][0].take();
    record["body"] = "x".repeat(4000).into();
    let records = (0..10_000).map(|at| {
        record["id"] = format!("record_{at}").into();
        record.clone()
    });
    snapshot["records"] = records.collect();
    snapshot["counters"] = (0..100_000)
        .map(|at| json!([format!("{at:016x}"), 1, 0]))
        .collect();
    let snapshot = snapshot.to_string().into_bytes();
    let restored = client
        .ask("PUT", "/__sandbox/snapshot", JSON, &snapshot)
        .await?;
    let mut shown = String::new();
    write!(shown, "{}", String::from_utf8_lossy(&restored.body)).ok();
    match restored.status {
        200 => Ok(snapshot),
        status => Err(format!("the snapshot was answered with {status}: {shown}")),
    }
}
