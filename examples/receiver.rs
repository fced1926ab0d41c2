//! A receiver of callbacks that checks the token and processes each event once: `cargo run --example receiver`.
//!
//! Callbacks come at least once and in any order, and anybody can POST to a public address. So a receiver refuses
//! callbacks without its token (401) and unreadable ones (400), answers 200 to those that it already has, and never
//! goes back from a final state to a pending one. In the tests below, the sandbox misbehaves in each of these ways:
//! `cargo test --example receiver`.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use iluma_sandbox::{CallbackUrl, Retries, Sandbox};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// The code under test. It learns its token after it has started: the sandbox must know its address first.
#[derive(Clone, Default)]
struct Receiver {
    token: Arc<Mutex<String>>,
    verdicts: Arc<Mutex<Verdicts>>,
    answered: Arc<Mutex<Vec<u16>>>,
}

/// The known state of each verification.
#[derive(Default)]
struct Verdicts {
    by_id: HashMap<String, String>,
    /// How often a verdict was passed on: once for each, even if it came several times.
    told: usize,
}

impl Receiver {
    /// Listens on a free port of loopback.
    async fn listen(&self) -> io::Result<SocketAddr> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let receiver = self.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let receiver = receiver.clone();
                tokio::spawn(async move { receiver.serve(socket).await });
            }
        });
        Ok(address)
    }

    /// One request and its answer.
    async fn serve(&self, socket: TcpStream) -> io::Result<()> {
        let mut socket = BufReader::new(socket);
        socket.read_line(&mut String::new()).await?; // every path and method is the same to it
        let (mut token, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            socket.read_line(&mut line).await?;
            match line.trim_end().split_once(": ") {
                Some(("x-callback-token", value)) => value.clone_into(&mut token),
                Some(("content-length", value)) => length = value.parse().unwrap_or(0),
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length];
        socket.read_exact(&mut body).await?;
        let status = self.receive(&token, &body);
        locked(&self.answered).push(status);
        let answer = format!("HTTP/1.1 {status} \r\ncontent-length: 0\r\n\r\n");
        socket.write_all(answer.as_bytes()).await
    }

    /// The status of the answer to a callback.
    fn receive(&self, token: &str, body: &[u8]) -> u16 {
        if *locked(&self.token) != token {
            return 401; // in production, compare in constant time
        }
        let Ok(event) = serde_json::from_slice::<Value>(body) else {
            return 400;
        };
        let (Some(id), Some(status)) = (event["id"].as_str(), event["status"].as_str()) else {
            return 400;
        };
        let mut verdicts = locked(&self.verdicts);
        let is_final = |status: &str| matches!(status, "COMPLETED" | "FAILED");
        if is_final(status) && !verdicts.by_id.contains_key(id) {
            verdicts.by_id.insert(id.to_owned(), status.to_owned());
            verdicts.told += 1;
        }
        200
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A sandbox that sends callbacks to a receiver, with two retries.
async fn start() -> Result<(Sandbox, Receiver), Box<dyn std::error::Error>> {
    let receiver = Receiver::default();
    let url: CallbackUrl = format!("http://{}/callbacks", receiver.listen().await?).parse()?;
    let sandbox = Sandbox::builder()
        .callback("NAME_VALIDATOR_REQUEST", url)
        .retries(&"1s,1s".parse::<Retries>()?)
        .start()
        .await?;
    *locked(&receiver.token) = sandbox.callback_token();
    Ok((sandbox, receiver))
}

/// Asks for the holder of an account with this magic reply, and moves the sandbox's clock forward until nothing is
/// pending. Returns the states of the deliveries, oldest first.
async fn verify(sandbox: &Sandbox, magic: &str) -> Result<Vec<String>, reqwest::Error> {
    let http = reqwest::Client::new();
    let post = |path: &str| {
        http.post(format!("{}{path}", sandbox.url()))
            .basic_auth(sandbox.api_key(), Some(""))
    };
    post("/v1.1/identity/bank_account_data_requests")
        .header("x-magic-reply", magic)
        .send()
        .await?
        .error_for_status()?;
    post("/__sandbox/clock/advance")
        .json(&json!({"by": "1d"}))
        .send()
        .await?;
    let log: Value = http
        .get(format!("{}/__sandbox/deliveries", sandbox.url()))
        .basic_auth(sandbox.api_key(), Some(""))
        .send()
        .await?
        .json()
        .await?;
    let states = log["deliveries"].as_array().into_iter().flatten().rev();
    Ok(states
        .filter_map(|delivery| delivery["state"].as_str().map(str::to_owned))
        .collect())
}

/// As a program, it shows the result of each misbehaviour.
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    for magic in [
        "PENDING_THEN_COMPLETED_FOUND",
        "COMPLETED_FOUND; callback=duplicate",
        "COMPLETED_FOUND; callback=stale",
        "COMPLETED_FOUND; callback=wrong-token",
        "COMPLETED_FOUND; callback=truncated",
    ] {
        let (sandbox, receiver) = start().await?;
        let states = verify(&sandbox, magic).await?;
        let answered = locked(&receiver.answered).clone();
        let told = locked(&receiver.verdicts).told;
        println!("{magic}: {states:?}, answered {answered:?}, told of {told}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The states of the deliveries, the answers of the receiver, and the number of verdicts that were passed on.
    async fn outcome(magic: &str) -> (Vec<String>, Vec<u16>, usize) {
        let (sandbox, receiver) = start().await.expect("both start");
        let states = verify(&sandbox, magic).await.expect("answers");
        let answered = locked(&receiver.answered).clone();
        let told = locked(&receiver.verdicts).told;
        (states, answered, told)
    }

    fn states(states: &[&str]) -> Vec<String> {
        states.iter().copied().map(str::to_owned).collect()
    }

    #[tokio::test]
    async fn a_verdict_that_comes_later_is_taken() {
        assert_eq!(
            outcome("PENDING_THEN_COMPLETED_FOUND").await,
            (states(&["delivered"]), vec![200], 1)
        );
    }

    #[tokio::test]
    async fn a_duplicate_is_accepted_and_the_business_told_once() {
        assert_eq!(
            outcome("COMPLETED_FOUND; callback=duplicate").await,
            (states(&["delivered", "delivered"]), vec![200, 200], 1)
        );
    }

    #[tokio::test]
    async fn a_state_that_is_older_changes_nothing() {
        assert_eq!(
            outcome("COMPLETED_FOUND; callback=stale").await,
            (states(&["delivered", "delivered"]), vec![200, 200], 1)
        );
    }

    #[tokio::test]
    async fn a_wrong_token_and_a_broken_body_are_refused_every_time() {
        for (behaviour, status) in [
            ("wrong-token", 401),
            ("no-token", 401),
            ("truncated", 400),
            ("invalid-json", 400),
        ] {
            assert_eq!(
                outcome(&format!("COMPLETED_FOUND; callback={behaviour}")).await,
                (states(&["failed"]), vec![status; 3], 0),
                "{behaviour}"
            );
        }
    }

    #[tokio::test]
    async fn fields_that_are_new_do_no_harm() {
        assert_eq!(
            outcome("COMPLETED_FOUND; callback=unknown-fields").await,
            (states(&["delivered"]), vec![200], 1)
        );
    }
}
