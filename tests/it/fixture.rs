//! The library as a fixture of Rust tests.

use std::time::Duration;

use iluma_sandbox::{DeliveryState, Expectation, Query, Sandbox, World};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::receiver::StandingClock;
use crate::stage::{BANK, TYPE};

const ENDPOINT: &str = "v1.1/bank_account_data_requests";

async fn post(world: &World, body: &Value) -> (u16, Value) {
    let request = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client")
        .post(format!("{}{BANK}", world.url()))
        .basic_auth(world.api_key(), Some(""))
        .json(body);
    let response = request.send().await.expect("an answer");
    (
        response.status().as_u16(),
        response.json().await.expect("JSON"),
    )
}

fn account() -> Value {
    json!({"bank_account_number": "1234567890", "bank_code": "BCA"})
}

/// What a panic says.
fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .expect("a text")
}

fn panics(misuse: impl FnOnce() + std::panic::UnwindSafe) -> String {
    said(&*std::panic::catch_unwind(misuse).expect_err("it panics"))
}

#[tokio::test]
async fn each_world_is_fresh_and_the_same_in_every_run() {
    let (one, again) = (
        Sandbox::start().await.expect("it starts"),
        Sandbox::start().await.expect("it starts"),
    );
    assert_eq!(one.world().api_key(), again.world().api_key());
    let (first, second) = (one.world(), one.world());
    first.next(ENDPOINT, "SERVER_ERROR");
    assert_eq!(post(&second, &account()).await.0, 200);
    assert_eq!(post(&first, &account()).await.0, 500);
    assert_eq!((first.requests().len(), second.requests().len()), (1, 1));
    assert_eq!(one.requests().len(), 0, "the default world has none of it");
    assert_eq!(
        one.world_named("my test").api_key(),
        again.world_named("my test").api_key()
    );
}

#[tokio::test]
async fn what_is_misspelt_panics_with_the_nearest_there_is() {
    let sandbox = Sandbox::start().await.expect("it starts");
    let world = std::panic::AssertUnwindSafe(sandbox.world());
    let next = |endpoint: &'static str, outcome: &'static str| {
        let world = std::panic::AssertUnwindSafe(&*world);
        panics(move || world.next(endpoint, outcome))
    };
    assert_eq!(
        next("v1.1/bank_acount_data_requests", "SERVER_ERROR"),
        "there is no endpoint `v1.1/bank_acount_data_requests`: did you mean `v1.1/bank_account_data_requests`?"
    );
    let message = next(ENDPOINT, "COMPLETED_FUOND");
    assert!(
        message.starts_with("`COMPLETED_FUOND` is no x-magic-reply of this endpoint. Did you mean `COMPLETED_FOUND`?"),
        "{message}"
    );
    let world = std::panic::AssertUnwindSafe(&*world);
    assert_eq!(
        panics(move || world.call_back("NAME_VALIDATOR", "http://127.0.0.1:1/"))
            .split(": ")
            .next(),
        Some("no product sends callbacks of the type `NAME_VALIDATOR`")
    );
}

#[tokio::test]
async fn what_was_asked_is_verified_with_the_closest_request_shown() {
    let sandbox = Sandbox::start().await.expect("it starts");
    let world = sandbox.world();
    post(&world, &account()).await;
    let asked = Query::any().endpoint(BANK).body("bank_code", "BCA");
    world.verify(&Expectation::exactly(1, asked.clone()));
    let other = Query::any().endpoint(ENDPOINT).body("bank_code", "BNI");
    world.verify(&Expectation::never(other.clone()));
    let unwind = std::panic::AssertUnwindSafe(&world);
    let message = panics(move || drop(unwind.verify(&Expectation::exactly(1, other))));
    assert!(
        message.ends_with("\n    body.bank_code: expected \"BNI\", received \"BCA\""),
        "{message}"
    );
}

#[tokio::test]
async fn a_request_is_waited_for_that_comes_later() {
    let sandbox = Sandbox::start().await.expect("it starts");
    let world = sandbox.world();
    let waiting = {
        let world = world.clone();
        tokio::spawn(async move { world.wait_for(Query::any().status(200)).await })
    };
    post(&world, &json!({})).await;
    assert!(!waiting.is_finished());
    post(&world, &account()).await;
    let found = waiting.await.expect("it comes");
    assert_eq!((found.seq, found.path()), (2, BANK));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_never_comes_panics_with_what_did() {
    let sandbox = Sandbox::start().await.expect("it starts");
    let world = sandbox.world();
    post(&world, &account()).await;
    let waiting = {
        let world = world.clone();
        tokio::spawn(async move { world.wait_for(Query::any().status(500)).await })
    };
    let panic = waiting.await.expect_err("it panics").into_panic();
    let message = said(&*panic);
    assert!(message.starts_with("waited 10s: "), "{message}");
    assert!(
        message.ends_with("\n    status: expected 500, received 200"),
        "{message}"
    );
}

#[tokio::test]
async fn a_receiver_takes_callbacks_and_refuses_as_it_is_told() {
    let _still = StandingClock::hold();
    let sandbox = Sandbox::start().await.expect("it starts");
    let world = sandbox.world();
    let receiver = sandbox.receiver();
    world.call_back(TYPE, &receiver.url());
    receiver.refuse(503, 1);
    let (_, record) = post(&world, &account()).await;
    let refused = receiver.next().await;
    assert_eq!(
        (refused.answered, refused.token()),
        (
            StatusCode::SERVICE_UNAVAILABLE,
            Some(&*world.callback_token())
        )
    );
    let tried = world.advance(Duration::from_mins(1)).await;
    let taken = receiver.next().await;
    assert_eq!(
        (taken.answered, taken.json()),
        (StatusCode::OK, record.clone())
    );
    assert_eq!(taken.body, refused.body);
    world.idle().await;
    let deliveries = world.deliveries();
    assert_eq!(tried, deliveries);
    assert_eq!(
        (deliveries[0].state, deliveries[0].attempts),
        (DeliveryState::Delivered, 2)
    );
    assert_eq!(deliveries[0].json(), record);
    assert_eq!(receiver.received().len(), 2);
    assert_eq!(world.reset().await, 0);
    assert_eq!(world.deliveries(), []);
}

#[test]
fn a_blocking_test_has_the_sandbox_in_a_thread_of_its_own() {
    let sandbox = Sandbox::builder()
        .seed(7)
        .start_in_thread()
        .expect("it starts");
    let world = sandbox.world();
    let receiver = sandbox.receiver();
    world.call_back(TYPE, &receiver.url());
    world.next(ENDPOINT, "COMPLETED_NOT_FOUND");
    let (status, _) = sandbox.block_on(post(&world, &account()));
    assert_eq!(status, 200);
    let found = sandbox.wait_for(&world, Query::any().outcome("COMPLETED_NOT_FOUND"));
    assert_eq!(found.seq, 1);
    let callback = sandbox.block_on(receiver.next());
    assert_eq!(callback.json()["result"]["is_found"], false);
    assert_eq!(sandbox.advance(&world, Duration::from_secs(1)), []);
    let address = sandbox.address();
    drop(sandbox);
    assert!(
        std::net::TcpStream::connect(address).is_err(),
        "it has stopped"
    );
}

/// 200 tests at once on one sandbox, each in a world of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_tests_at_once_never_see_each_other() {
    let sandbox = Sandbox::start().await.expect("it starts");
    let receiver = std::sync::Arc::new(sandbox.receiver());
    let mut tests = tokio::task::JoinSet::new();
    for number in 0..200_usize {
        let world = sandbox.world_named(&format!("test {number}"));
        let receiver = receiver.clone();
        tests.spawn(async move {
            world.call_back(TYPE, &receiver.url());
            let own = format!("{:010}", 7_000_000_000 + number as u64);
            let input = json!({"bank_account_number": own, "bank_code": "BCA"});
            if number % 3 == 0 {
                world.next(ENDPOINT, "SERVICE_UNAVAILABLE_ERROR");
                assert_eq!(post(&world, &input).await.0, 503);
            }
            let (_, record) = post(&world, &input).await;
            assert_eq!(record["bank_account_number"], own.as_str());
            world.idle().await;
            if number % 4 == 0 {
                world.reset().await;
                assert_eq!(world.requests().len(), 0);
                world.call_back(TYPE, &receiver.url());
                let (_, again) = post(&world, &input).await;
                assert_eq!(again, record, "after a reset the same bytes");
                world.idle().await;
            }
            let steps = world.advance(Duration::from_hours(number as u64)).await;
            assert_eq!(steps, []);
            let asked = Query::any().body("bank_account_number", own.as_str());
            let all = world.requests().len() as u64;
            world.verify(&Expectation::exactly(all, asked));
            for callback in world.deliveries() {
                assert_eq!(callback.json()["bank_account_number"], own.as_str());
                assert_eq!(callback.state, DeliveryState::Delivered);
            }
            world.callback_token()
        });
    }
    let mut tokens: Vec<_> = tests.join_all().await;
    tokens.sort();
    tokens.dedup();
    assert_eq!(tokens.len(), 200);
    assert_eq!(receiver.received().len(), 250, "200, and 50 after a reset");
}
