//! The load: the clients and their requests. A counter takes the place of chance: every run has the same order.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::common::client::{Answer, Client};
use crate::common::{Explain, Outcome, key};
use crate::told::Told;

/// The number of worlds that are never reset or ended. None of their callbacks may be lost.
pub const STEADY: usize = 4;
/// All callback types.
pub const TYPES: [&str; 7] = [
    "BANK_NAME_VALIDATOR_DETAILS",
    "ENTITY_CFT_PEP",
    "FACE_COMPARISON",
    "ID_CARD_VERIFICATION",
    "INDIVIDUAL_CFT_PEP",
    "NAME_VALIDATOR_REQUEST",
    "NPWP_DATA_REQUEST",
];
/// The pause between two requests of one client.
const PAUSE: Duration = Duration::from_millis(200);
const REQUESTS_MAX: u64 = 1_000_000;

/// All requests that the clients can send.
pub struct Plan {
    pub asks: Vec<Ask>,
    pub endpoints: usize,
}

pub struct Ask {
    method: String,
    path: String,
    outcome: String,
    status: u16,
    reads: bool,
    calls_back: bool,
}

impl Plan {
    pub fn of(catalog: &[u8]) -> Outcome<Self> {
        let catalog: Value = serde_json::from_slice(catalog).explain("the catalogue is no JSON")?;
        let endpoints = catalog["endpoints"].as_array().ok_or("no endpoints")?;
        let mut asks = Vec::new();
        for endpoint in endpoints {
            let text = |name: &str| endpoint[name].as_str().unwrap_or_default().to_owned();
            let called = !endpoint["callback_type"].is_null();
            for outcome in endpoint["outcomes"].as_array().into_iter().flatten() {
                let status = outcome["status"]
                    .as_u64()
                    .and_then(|s| u16::try_from(s).ok());
                let breaks = outcome["breaks"]
                    .as_array()
                    .is_some_and(|list| !list.is_empty());
                let (Some(name), Some(status), false) = (outcome["name"].as_str(), status, breaks)
                else {
                    continue;
                };
                asks.push(Ask {
                    method: text("method"),
                    path: text("path").replace("{digits}", "628123456789"),
                    outcome: name.to_owned(),
                    status,
                    reads: !endpoint["read_back"].is_null(),
                    calls_back: called && !outcome["callback"].is_null(),
                });
            }
        }
        if asks.is_empty() {
            return Err("the catalogue names nothing to ask for".to_owned());
        }
        Ok(Self {
            asks,
            endpoints: endpoints.len(),
        })
    }
}

/// Starts all clients. Each ends by itself.
pub fn all(
    address: SocketAddr,
    plan: Arc<Plan>,
    folder: &Path,
    told: &Arc<Told>,
    until: Instant,
) -> Vec<JoinHandle<()>> {
    let mut loads = Vec::new();
    for number in 0..STEADY {
        let client = Client::new(address, &key(number + 1));
        loads.push(tokio::spawn(steady(
            client,
            number,
            plan.clone(),
            told.clone(),
            until,
        )));
    }
    loads.push(tokio::spawn(worlds(address, plan, told.clone(), until)));
    loads.push(tokio::spawn(readers(address, told.clone(), until)));
    loads.push(tokio::spawn(events(address, told.clone(), until)));
    loads.push(tokio::spawn(reloads(
        address,
        folder.to_owned(),
        told.clone(),
        until,
    )));
    loads.push(tokio::spawn(rude(address, until)));
    loads
}

fn go_on(told: &Told, until: Instant) -> bool {
    Instant::now() < until && told.so_far().0 < REQUESTS_MAX
}

/// Requests every outcome, one client after another, and reads the records.
async fn steady(
    mut client: Client,
    number: usize,
    plan: Arc<Plan>,
    told: Arc<Told>,
    until: Instant,
) {
    let mut next = number * plan.asks.len() / STEADY;
    while go_on(&told, until) {
        let ask = &plan.asks[next % plan.asks.len()];
        next += 1;
        one(&mut client, ask, &told, true).await;
        sleep(PAUSE).await;
    }
}

/// Requests one outcome, and reads the record if there is one.
async fn one(client: &mut Client, ask: &Ask, told: &Told, counts: bool) {
    let header = format!("x-magic-reply: {}\r\n", ask.outcome);
    let answer = client.ask(&ask.method, &ask.path, &header, b"").await;
    let what = format!("{} {} {}", ask.method, ask.path, ask.outcome);
    let Some(answer) = told.answer(&what, ask.status, answer) else {
        return;
    };
    let record: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let Some(id) = record["id"].as_str().filter(|_| answer.status < 300) else {
        return;
    };
    if ask.calls_back && counts {
        told.expect(id);
    }
    if ask.reads {
        let read = client.get(&format!("{}/{id}", ask.path)).await;
        told.answer(&format!("GET {}", ask.path), 200, read);
    }
}

/// Worlds that are created, used, reset, used again, and ended while callbacks are under way.
async fn worlds(address: SocketAddr, plan: Arc<Plan>, told: Arc<Told>, until: Instant) {
    let mut next = 0;
    while go_on(&told, until) {
        let mut asker = Client::new(address, &key(0));
        let minted = asker.ask("POST", "/__sandbox/worlds", JSON, b"{}").await;
        let Some(minted) = told.answer_untimed("POST worlds", 201, minted) else {
            continue;
        };
        let minted: Value = serde_json::from_slice(&minted.body).unwrap_or_default();
        let mut client = Client::new(address, minted["api_key"].as_str().unwrap_or_default());
        for turn in 0..20 {
            one(
                &mut client,
                &plan.asks[next % plan.asks.len()],
                &told,
                false,
            )
            .await;
            next += 7;
            if turn == 9 {
                let reset = client.ask("POST", "/__sandbox/reset", "", b"").await;
                told.answer_untimed("POST reset", 200, reset);
            }
            sleep(PAUSE).await;
        }
        let ended = client.ask("DELETE", "/__sandbox/worlds", "", b"").await;
        told.answer_untimed("DELETE worlds", 200, ended);
    }
}

/// Clients that read the control API: exports, journals, metrics, snapshots, documents.
async fn readers(address: SocketAddr, told: Arc<Told>, until: Instant) {
    let mut client = Client::new(address, &key(1));
    let paths = [
        "export?world=all",
        "requests?limit=100",
        "metrics",
        "deliveries?limit=100",
        "snapshot",
        "coverage",
        "worlds",
        "catalog",
        "readyz",
        "openapi.json",
        "fidelity",
    ];
    for path in paths.iter().cycle() {
        if !go_on(&told, until) {
            return;
        }
        let answer = client.get(&format!("/__sandbox/{path}")).await;
        told.answer_untimed(path, 200, answer);
        sleep(Duration::from_secs(2)).await;
    }
}

/// A reader of events that stays for ten seconds, disconnects, and connects again.
async fn events(address: SocketAddr, told: Arc<Told>, until: Instant) {
    while go_on(&told, until) {
        let read = timeout(Duration::from_secs(20), look_on(address)).await;
        let read = read
            .explain("no events for 20 s")
            .and_then(|read| read.explain("GET events"));
        let answer = read.map(|read| Answer {
            status: if read > 1000 { 200 } else { 0 },
            body: vec![],
            took: Duration::ZERO,
        });
        told.answer_untimed("GET events", 200, answer);
    }
}

async fn look_on(address: SocketAddr) -> std::io::Result<usize> {
    let mut socket = TcpStream::connect(address).await?;
    let head = b"GET /__sandbox/events?world=all HTTP/1.1\r\nhost: localhost\r\n\r\n";
    socket.write_all(head).await?;
    let (mut read, mut buffer) = (0, vec![0; 1 << 16]);
    let until = Instant::now() + Duration::from_secs(10);
    while Instant::now() < until {
        match socket.read(&mut buffer).await? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            bytes => read += bytes,
        }
    }
    Ok(read)
}

/// Scenario files that change every ten seconds, every third time to a broken file.
async fn reloads(address: SocketAddr, folder: PathBuf, told: Arc<Told>, until: Instant) {
    let mut client = Client::new(address, &key(0));
    for turn in 0_u32.. {
        if !go_on(&told, until) {
            return;
        }
        let text = if turn % 3 == 2 {
            "[outcomes\nthis is broken".to_owned()
        } else {
            format!(
                "extends = \"v1.1/bank_account_data_requests\"\n\n\
                 [outcomes.SOAK]\nstatus = 422\nerror = \"turn {turn}\"\n"
            )
        };
        if std::fs::write(folder.join("soak.toml"), text).is_err() {
            told.failed("the scenario file cannot be written");
        }
        sleep(Duration::from_secs(10)).await;
        let ready = client.get("/__sandbox/readyz").await;
        told.answer_untimed("readyz", 200, ready);
    }
}

/// Clients that send nonsense or leave in the middle of a request. Their answers do not matter.
async fn rude(address: SocketAddr, until: Instant) {
    let words: [&[u8]; 4] = [
        b"POST /v0/identity/individual_cft_peps HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{",
        b"\x16\x03\x01 nonsense \r\n\r\n",
        b"GET /hea",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ];
    for words in words.iter().cycle() {
        if Instant::now() >= until {
            return;
        }
        if let Ok(mut socket) = TcpStream::connect(address).await {
            socket.write_all(words).await.ok();
        }
        sleep(Duration::from_secs(1)).await;
    }
}

const JSON: &str = "content-type: application/json\r\n";
