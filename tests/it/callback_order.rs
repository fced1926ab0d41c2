//! The order of first attempts, and the fair sharing of what all callbacks need.

use std::io::{BufRead, BufReader, Read, Write};
use std::time::Duration;

use iluma_sandbox::Sandbox;
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::advance;

use crate::callback_control::flood;
use crate::client::{Answer, Client};
use crate::receiver::{Reaction, Receiver};
use crate::stage::{BANK, Stage, TYPE, URLS, attempts, each, key};

/// Another type, which the product of `OTHER_BANK` sends.
const OTHER_TYPE: &str = "BANK_NAME_VALIDATOR_DETAILS";
const OTHER_BANK: &str = "/v1.2/identity/bank_account_validation_details";

/// Accepts one connection at a time, reads its callback, answers it slowly, and closes it. Returns the ids of the
/// records in the order of arrival.
fn one_at_a_time(listener: &std::net::TcpListener, count: usize) -> Vec<String> {
    let mut ids = Vec::with_capacity(count);
    while ids.len() < count {
        let (mut socket, _) = listener.accept().expect("a connection");
        let mut reader = BufReader::new(socket.try_clone().expect("a socket"));
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).expect("a head");
            if let Some(text) = line.strip_prefix("content-length: ") {
                length = text.trim().parse().expect("a length");
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).expect("a body");
        let body: Value = serde_json::from_slice(&body).expect("JSON");
        ids.push(body["id"].as_str().expect("an id").to_owned());
        for _ in 0..100 {
            std::thread::yield_now();
        }
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
        socket.write_all(answer).expect("an answer");
    }
    ids
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn first_attempts_keep_their_order_at_a_receiver_that_accepts_one_connection_at_a_time() {
    for run in 0..5 {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let url = format!("http://{address}/callbacks");
        let builder = Sandbox::builder().callback(TYPE, url.parse().expect("a URL"));
        let client = Client::of(builder).await;
        let arrived = tokio::task::spawn_blocking(move || one_at_a_time(&listener, 200));
        let key = client.sandbox.api_key();
        let records = flood(&client.sandbox, &key, "COMPLETED_FOUND", 200).await;
        assert_eq!(arrived.await.expect("all callbacks"), records, "run {run}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_callback_that_waits_for_its_answer_holds_up_none_behind_it() {
    let stage = Stage::start().await;
    stage.receiver.usually(Reaction::Hang);
    let key = stage.client.sandbox.api_key();
    let records = flood(&stage.client.sandbox, &key, "COMPLETED_FOUND", 80).await;
    let received = stage.receiver.received(80).await;
    let ids: Vec<_> = received
        .iter()
        .map(|one| one.json()["id"].clone())
        .collect();
    assert_eq!(ids, records);
    assert_eq!(stage.receiver.most_open(), 80);
}

#[tokio::test(start_paused = true)]
async fn unanswered_callbacks_of_many_worlds_delay_neither_the_callbacks_nor_the_clock_of_another()
{
    let stage = Stage::start().await;
    stage.receiver.usually(Reaction::Hang);
    for letter in 'a'..='p' {
        flood(&stage.client.sandbox, &key(letter), "COMPLETED_FOUND", 30).await;
    }
    // One receiver has a third of the places, however many worlds call it.
    stage.receiver.open(86).await;
    let other = Receiver::start().await;
    let body = json!({"type": TYPE, "url": other.url_text()});
    assert_eq!(stage.client.post(URLS, &body).await.status, 200);
    stage.ask("COMPLETED_FOUND").await;
    assert_eq!(each(&stage.ended().await, "state"), ["delivered"]);
    stage.ask("PENDING_THEN_COMPLETED_FOUND").await;
    assert_eq!(each(&stage.advance("1s").await, "state"), ["delivered"]);
    assert_eq!(stage.receiver.most_open(), 86);
}

#[tokio::test(start_paused = true)]
async fn the_world_with_most_pending_callbacks_gives_way_and_everything_says_so() {
    let stage = Stage::start().await;
    let greedy = key('g');
    let late = "COMPLETED_FOUND; callback=late(1d)";
    flood(&stage.client.sandbox, &greedy, late, 10_000).await;
    for _ in 0..3 {
        stage.ask("COMPLETED_FOUND").await;
    }
    assert_eq!(each(&stage.ended().await, "state"), ["delivered"; 3]);
    let as_greedy = async |path: &str| {
        let path = format!("/__sandbox/{path}");
        Answer::of(stage.client.as_key(&greedy, "GET", &path))
            .await
            .json()
    };
    let dropped = as_greedy("deliveries?state=dropped").await;
    let dropped_at_first = dropped["matching"].as_u64().expect("a number");
    assert!((1..=3).contains(&dropped_at_first), "{dropped}");
    assert_eq!(
        (
            &dropped["deliveries"][0]["seq"],
            &dropped["deliveries"][0]["reason"]
        ),
        (
            &json!(10_000),
            &json!("10000 callbacks are pending already")
        )
    );
    let ready = stage.control("readyz").await;
    assert_eq!(ready["deliveries"]["pending_dropped"], dropped["matching"]);
    assert_eq!(stage.control("idle").await, json!({"status": "idle"}));
    let advance = stage
        .client
        .as_key(&greedy, "POST", "/__sandbox/clock/advance");
    let advanced = Answer::of(advance.json(&json!({"by": "1d"}))).await;
    assert_eq!(advanced.status, 200, "{}", advanced.text);
    assert_eq!(
        as_greedy("idle").await,
        json!({"status": "idle", "dropped_callbacks": dropped_at_first})
    );
}

#[tokio::test(start_paused = true)]
async fn unanswered_callbacks_to_one_receiver_delay_no_other_receiver_of_the_same_world() {
    let (hanging, good) = (
        Receiver::that(Reaction::Hang).await,
        Receiver::start().await,
    );
    let stage = Stage::with(|builder| builder.callback(OTHER_TYPE, good.url())).await;
    let body = json!({"type": TYPE, "url": hanging.url_text()});
    hanging.then([Reaction::status(200)]);
    assert_eq!(stage.client.post(URLS, &body).await.status, 200);
    let key = stage.client.sandbox.api_key();
    flood(&stage.client.sandbox, &key, "COMPLETED_FOUND", 200).await;
    hanging.open(86).await;
    let answer = stage.client.magic(OTHER_BANK, "COMPLETED_FOUND").await;
    assert_eq!(good.only().await.text(), answer.text);
}

/// A listener whose queue is full, so that a connection to it is never made.
async fn never_accepting() -> (tokio::net::TcpListener, Vec<TcpStream>) {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket
        .bind("127.0.0.1:0".parse().expect("an address"))
        .expect("a port");
    let listener = socket.listen(1).expect("a listener");
    let address = listener.local_addr().expect("an address");
    let mut waiting = Vec::new();
    // Linux queues one more than it is asked for.
    for _ in 0..2 {
        waiting.push(TcpStream::connect(address).await.expect("a place"));
    }
    (listener, waiting)
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_never_accepts_holds_up_only_the_first_attempts_to_it() {
    let (listener, _waiting) = never_accepting().await;
    let url = format!("http://{}/in", listener.local_addr().expect("an address"));
    let good = Receiver::start().await;
    let stage = Stage::with(|builder| {
        builder
            .callback(TYPE, url.parse().expect("a URL"))
            .callback(OTHER_TYPE, good.url())
            .retries(&iluma_sandbox::Retries::After(vec![]))
    })
    .await;
    for _ in 0..2 {
        stage.ask("COMPLETED_FOUND").await;
    }
    let answer = stage.client.magic(OTHER_BANK, "COMPLETED_FOUND").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    good.received(1).await;
    let world = stage.client.as_key(&key('w'), "POST", BANK);
    assert_eq!(
        Answer::of(world.header("x-magic-reply", "COMPLETED_FOUND"))
            .await
            .status,
        200
    );
    while stage.log().await[0]["state"] != "sending" || stage.log().await[2]["state"] != "delivered"
    {
    }
    assert_eq!(
        each(&stage.log().await, "state"),
        ["sending", "scheduled", "delivered"]
    );
    advance(Duration::from_secs(30)).await;
    while stage.log().await[1]["state"] != "sending" {}
    let log = stage.log().await;
    assert_eq!(each(&log, "state"), ["failed", "sending", "delivered"]);
    assert_eq!(attempts(&log[0])[0]["error"], "timed out after 30s");
}
