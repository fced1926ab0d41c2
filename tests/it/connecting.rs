//! Connecting to a host with several addresses. `localhost` has two, `::1` and 127.0.0.1.
//!
//! Linux only: elsewhere a full queue of connections does not swallow packets.
#![cfg(target_os = "linux")]

use std::net::{Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use iluma_sandbox::Sandbox;
use serde_json::json;
use tokio::net::{TcpListener, TcpSocket};
use tokio::time::{Instant, advance};

use crate::client::{Answer, Client};
use crate::process::{command, run};
use crate::receiver::{Receiver, StandingClock};
use crate::stage::{TYPE, URLS};

/// Listens at `::1` but accepts nothing. As its queue is full, the system drops the packets of further connections.
struct Swallowing {
    _listener: TcpListener,
    _queued: Vec<TcpStream>,
}

impl Swallowing {
    fn at(port: u16) -> Self {
        let address = SocketAddr::from((Ipv6Addr::LOCALHOST, port));
        let socket = TcpSocket::new_v6().expect("IPv6");
        socket.bind(address).expect("the port is free");
        let listener = socket.listen(0).expect("it listens");
        let mut queued = Vec::new();
        while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
            queued.push(stream);
        }
        Self {
            _listener: listener,
            _queued: queued,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_address_that_swallows_packets_costs_a_callback_250_ms() {
    let _still = StandingClock::hold();
    let receiver = Receiver::start().await;
    let _swallowing = Swallowing::at(receiver.port());
    let client = Client::start().await;
    let url = format!("http://localhost:{}/callbacks", receiver.port());
    let request = client.request("POST", URLS);
    let request = request.json(&json!({"type": TYPE, "url": url}));
    let registering = tokio::spawn(Answer::of(request));
    let before = Instant::now();
    while receiver.so_far().is_empty() {
        client.get("/health").await; // lets the attempt begin
        advance(Duration::from_millis(5)).await;
        assert!(before.elapsed() < Duration::from_secs(1));
    }
    let took = receiver.so_far()[0].at - before;
    let expected = Duration::from_millis(250)..Duration::from_millis(300);
    assert!(expected.contains(&took), "{took:?}");
    let answer = registering.await.expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test(start_paused = true)]
async fn an_address_that_refuses_costs_a_callback_nothing() {
    let _still = StandingClock::hold();
    let receiver = Receiver::start().await;
    let client = Client::start().await;
    for host in ["localhost", "LOCALHOST.", "my-app.localhost"] {
        let url = format!("http://{host}:{}/callbacks", receiver.port());
        let answer = client.post(URLS, &json!({"type": TYPE, "url": url})).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    assert_eq!(receiver.so_far().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn each_address_may_use_the_whole_time() {
    let _still = StandingClock::hold();
    let receiver = Receiver::start().await;
    let _swallowing = Swallowing::at(receiver.port());
    let client = Client::start().await;
    let url = format!("http://[::1]:{}/callbacks", receiver.port());
    let request = client.request("POST", URLS);
    let request = request.json(&json!({"type": TYPE, "url": url}));
    let registering = tokio::spawn(Answer::of(request));
    let before = Instant::now();
    while !registering.is_finished() {
        client.get("/health").await;
        advance(Duration::from_millis(100)).await;
    }
    let took = before.elapsed();
    let expected = Duration::from_secs(10)..Duration::from_secs(12);
    assert!(expected.contains(&took), "{took:?}");
    let answer = registering.await.expect("an answer");
    assert_eq!(
        answer.message(),
        "The test callback was not answered with a 2xx: timed out after 10s."
    );
}

#[tokio::test]
async fn an_address_that_swallows_packets_does_not_hold_up_a_command() {
    let sandbox = Sandbox::start().await.expect("a sandbox");
    let port = sandbox.address().port();
    let _swallowing = Swallowing::at(port);
    let url = format!("http://localhost:{port}");
    let asked = tokio::task::spawn_blocking(move || {
        // Without the race this fails after ten seconds.
        run(&["readyz", "--url", &url])
    });
    let (code, out, err) = asked.await.expect("it ends");
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
}

#[test]
fn commands_and_callbacks_reach_a_receiver_by_every_spelling_of_localhost() {
    for host in ["localhost", "LocalHost", "127.0.0.1", "[::1]"] {
        let mut asked = command(&["readyz", "--url", &format!("http://{host}:1")]);
        let output = asked.output().expect("the binary runs");
        let err = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(err.contains("connection refused"), "{host}: {err}");
    }
}
