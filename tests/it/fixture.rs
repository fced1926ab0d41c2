//! The library as a fixture of Rust tests.

use std::sync::LazyLock;
use std::time::Duration;

use iluma_sandbox::{BlockingSandbox, DeliveryState, Expectation, Query, Retries, Sandbox, World};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::receiver::{Reaction, Receiver as Hanging, StandingClock};
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

/// The message of a panic.
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
        panics(move || world.register_callback_url("NAME_VALIDATOR", "http://127.0.0.1:1/"))
            .split(": ")
            .next(),
        Some("no endpoint sends callbacks of the type `NAME_VALIDATOR`")
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

#[tokio::test(start_paused = true)]
async fn a_receiver_takes_callbacks_and_refuses_as_it_is_told() {
    let _still = StandingClock::hold();
    let sandbox = Sandbox::start().await.expect("it starts");
    let world = sandbox.world();
    let receiver = sandbox.receiver();
    world.register_callback_url(TYPE, &receiver.url());
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
    world.register_callback_url(TYPE, &receiver.url());
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

/// 200 tests at once on one sandbox, each in its own world.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_tests_at_once_never_see_each_other() {
    let sandbox = Sandbox::start().await.expect("it starts");
    let receiver = std::sync::Arc::new(sandbox.receiver());
    let mut tests = tokio::task::JoinSet::new();
    for number in 0..200_usize {
        let world = sandbox.world_named(&format!("test {number}"));
        let receiver = receiver.clone();
        tests.spawn(async move {
            world.register_callback_url(TYPE, &receiver.url());
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
                world.register_callback_url(TYPE, &receiver.url());
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

/// The place of the last panic of this thread.
fn place_of_panic() -> String {
    use std::cell::RefCell;
    use std::sync::Once;
    thread_local!(static PLACE: RefCell<String> = RefCell::default());
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let place = panic.location().map_or("", |location| location.file());
            PLACE.with_borrow_mut(|last| place.clone_into(last));
            before(panic);
        }));
    });
    PLACE.take()
}

#[tokio::test]
async fn a_panic_names_the_line_of_the_test() {
    let sandbox = Sandbox::builder()
        .api_key(
            "iluma_development_TheOnlyKeyThatIsLetInHere000000"
                .parse()
                .expect("a key"),
        )
        .start()
        .await
        .expect("it starts");
    let (world, receiver) = (sandbox.world(), sandbox.receiver());
    place_of_panic();
    let of = |misuse: &dyn Fn()| {
        let message = panics(std::panic::AssertUnwindSafe(misuse));
        assert_eq!(place_of_panic(), file!(), "{message}");
        message
    };
    let unknown = Query::any().endpoint("v1.1/bank_account");
    let misspelt = Query::any().outcome("COMPLETED_FUOND");
    let told = [
        of(&|| sandbox.next(ENDPOINT, "NONE_SUCH")),
        of(&|| world.next("v0/cft_pep_listings", "NOT_FOUND_ERROR")),
        of(&|| world.next_read(ENDPOINT, "COMPLETED_FOUND")),
        of(&|| world.next_times(ENDPOINT, "SERVER_ERROR", 0)),
        of(&|| world.register_callback_url(TYPE, "ftp://127.0.0.1/")),
        of(&|| world.set_faults(json!({"faults": [{"fault": "rset"}]}))),
        of(&|| world.set_faults(json!({"faults": [], "ttl": "1y"}))),
        of(&|| drop(world.trigger(json!({"type": TYPE})))),
        of(&|| drop(world.trigger(json!({"typ": TYPE})))),
        of(&|| drop(world.explain("1a2b3c4d-1"))),
        of(&|| drop(world.verify(&Expectation::never(unknown.clone())))),
        of(&|| drop(world.verify(&Expectation::never(misspelt.clone())))),
        of(&|| drop(sandbox.verify(&Expectation::at_least(1, Query::any())))),
        of(&|| drop(sandbox.world_of("secret"))),
        of(&|| drop(sandbox.world_of(iluma_sandbox::PUBLIC_KEY))),
        of(&|| receiver.refuse(100, 1)),
    ];
    let sentences = told
        .iter()
        .map(|told| told.split(". ").next().expect("a sentence"));
    assert_eq!(
        sentences.collect::<Vec<_>>(),
        [
            "`NONE_SUCH` is no x-magic-reply of this endpoint",
            "`v0/cft_pep_listings` only reads: `next_read` queues for that",
            "`COMPLETED_FOUND` is no x-magic-reply of a GET; only errors can be asked for there",
            "`times` must be at least 1",
            "callbacks cannot go there: `ftp://127.0.0.1/` is not an http URL",
            "`faults[0]`: `rset` is no fault",
            "`ttl`: `1y` is no duration: write `250ms`, `10s`, `5m`, `2h` or `3d`",
            "no URL is registered for NAME_VALIDATOR_REQUEST: POST one to /v1/callback/urls, or start with --callback",
            "this cannot be taken: unknown field `typ`: did you mean `type`?",
            "`1a2b3c4d-1`: there is no such world, or it was ended",
            "there is no endpoint `v1.1/bank_account`: did you mean `v1.1/bank_account_data_requests`?",
            "there is no outcome `COMPLETED_FUOND`: did you mean `COMPLETED_FOUND`?",
            "expected at least 1 request with anything, but no request came",
            "an API key begins with `iluma_development_`, `iluma_live_` or `iluma_production_`",
            "This sandbox was started for other API keys than the one that was sent.",
            "100 ends no request: a status from 200 to 599 does",
        ]
    );
}

#[tokio::test]
async fn a_world_is_broken_healed_explained_and_ended() {
    let sandbox = Sandbox::start().await.expect("it starts");
    let world = sandbox.world();
    world.set_faults(json!({"faults": [{"endpoint": ENDPOINT, "fault": "503"}], "ttl": "1m"}));
    assert_eq!(post(&world, &account()).await.0, 503);
    world.advance(Duration::from_mins(1)).await;
    assert_eq!(post(&world, &account()).await.0, 200, "its time is over");
    world.set_faults(json!({"faults": [{"fault": "500"}, {"delay": "1ms"}]}));
    world.heal();
    assert_eq!(post(&world, &account()).await.0, 200, "it is healed");

    let last = world.requests().pop().expect("a request");
    assert_eq!(world.explain(&last.trace())["status"], 200);

    let callbacks = sandbox.receiver();
    world.register_callback_url(TYPE, &callbacks.url());
    let sent = world.trigger(json!({"type": TYPE, "set": {"result.is_found": false}}));
    assert_eq!(callbacks.next().await.json(), sent.json());
    world.idle().await;

    world.next_times(ENDPOINT, "SERVER_ERROR", 2);
    world.set_faults(json!({"faults": [{"fault": "500"}, {"delay": "1ms"}]}));
    let unfinished = world.end().await;
    assert_eq!((unfinished.queued, unfinished.faults), (2, 2));
    assert_eq!(unfinished.callbacks, []);
    assert_eq!(
        world.requests().len(),
        0,
        "what is in hand is the fresh world"
    );
    assert_eq!(post(&world, &account()).await.0, 200);
    assert_eq!(world.requests()[0].seq, 1);
}

#[tokio::test]
async fn what_was_pending_at_the_end_is_told() {
    let sandbox = Sandbox::start().await.expect("it starts");
    let (world, receiver) = (sandbox.world(), sandbox.receiver());
    world.register_callback_url(TYPE, &receiver.url());
    let ask = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    let ask = ask
        .post(format!("{}{BANK}", world.url()))
        .basic_auth(world.api_key(), Some(""))
        .header("x-magic-reply", "COMPLETED_FOUND; callback=late(1h)");
    assert_eq!(ask.send().await.expect("an answer").status(), 200);
    let unfinished = world.end().await;
    assert_eq!(unfinished.callbacks.len(), 1);
    assert_eq!(
        unfinished.callbacks[0].to_string(),
        format!(
            "{TYPE} to {} is still pending until 2026-01-01T01:00:00.000Z",
            receiver.url()
        )
    );
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_is_far_away_is_not_waited_for() {
    let sandbox = Sandbox::builder()
        .retries(&Retries::Realistic)
        .start()
        .await
        .expect("it starts");
    let (world, receiver) = (sandbox.world(), sandbox.receiver());
    world.register_callback_url(TYPE, &receiver.url());
    receiver.refuse(503, 1);
    world.trigger(json!({"type": TYPE}));
    receiver.next().await;
    let waiting = {
        let world = world.clone();
        tokio::spawn(async move { world.idle().await })
    };
    let panic = waiting.await.expect_err("it panics").into_panic();
    assert_eq!(
        said(&*panic),
        format!(
            "waited 10s: callbacks are still pending; `advance` moves the clock forward to them:\n  \
             {TYPE} to {} is tried again at 2026-01-01T00:15:00.000Z after: status 503",
            receiver.url()
        )
    );
    let pending = world.idle_within(Duration::from_secs(1)).await;
    assert_eq!(pending, Err(world.deliveries()));
    world.advance(Duration::from_mins(15)).await;
    world.idle_within(Duration::MAX).await.expect("all is over");
    assert!(receiver.next_within(Duration::from_secs(1)).await.is_some());
    assert!(receiver.next_within(Duration::from_secs(1)).await.is_none());
}

/// A receiver that never answers would block an advance for half a minute.
#[tokio::test]
async fn an_advance_that_is_given_up_leaves_nothing_half_done() {
    let sandbox = Sandbox::start().await.expect("it starts");
    let world = sandbox.world();
    let hanging = Hanging::that(Reaction::Hang).await;
    world.register_callback_url(TYPE, &hanging.url_text());
    let ask = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    let ask = ask
        .post(format!("{}{BANK}", world.url()))
        .basic_auth(world.api_key(), Some(""))
        .header("x-magic-reply", "COMPLETED_FOUND; callback=late(1h)");
    assert_eq!(ask.send().await.expect("an answer").status(), 200);
    tokio::select! {
        tried = world.advance(Duration::from_hours(1)) => panic!("{tried:?}"),
        _ = hanging.received(1) => {}
    }
    let reset = tokio::time::timeout(Duration::from_secs(10), world.reset());
    assert_eq!(reset.await, Ok(1), "what is on its way is called back");
    assert_eq!(world.deliveries(), []);
}

#[tokio::test]
async fn a_clock_is_not_moved_on_by_more_than_a_year() {
    let sandbox = Sandbox::start().await.expect("it starts");
    let world = sandbox.world();
    let moving = tokio::spawn(async move { world.advance(Duration::MAX).await });
    let panic = moving.await.expect_err("it panics").into_panic();
    assert!(said(&*panic).starts_with("a clock is moved on by 366 days at most, and this is "));
}

#[tokio::test]
async fn an_expectation_is_waited_for_as_long_as_it_can_hold() {
    let sandbox = Sandbox::start().await.expect("it starts");
    let world = sandbox.world();
    let waiting = {
        let world = world.clone();
        let twice = Expectation::exactly(2, Query::any().endpoint(BANK));
        tokio::spawn(async move { world.verify_within(Duration::MAX, &twice).await })
    };
    post(&world, &account()).await;
    post(&world, &account()).await;
    let verified = waiting.await.expect("no panic").expect("it holds");
    assert_eq!(verified.matched, 2);
    let once = Expectation::exactly(1, Query::any());
    let never = world.verify_within(Duration::MAX, &once).await;
    assert_eq!(never.expect_err("there were two").matched, 2);
}

/// A `static`, as in a test binary with async tests. Each test has its own runtime.
#[test]
fn async_tests_share_a_sandbox_and_outlive_each_others_runtimes() {
    const NEXT_TRY: Duration = Duration::from_hours(1); // it does not come by itself
    static SHARED: LazyLock<BlockingSandbox> = LazyLock::new(|| {
        let builder = Sandbox::builder().retries(&Retries::After(vec![NEXT_TRY]));
        builder.start_in_thread().expect("it starts")
    });
    let test = async || {
        let world = SHARED.world();
        let receiver = SHARED.receiver();
        world.register_callback_url(TYPE, &receiver.url());
        receiver.refuse(503, 1);
        assert_eq!(post(&world, &account()).await.0, 200);
        receiver.next().await;
        (world, receiver)
    };
    let runtime = || tokio::runtime::Runtime::new().expect("a runtime");
    let (world, receiver) = runtime().block_on(test());
    runtime().block_on(async {
        let tried = world.advance(NEXT_TRY).await;
        assert_eq!(tried[0].attempts, 2);
        assert_eq!(receiver.next().await.answered, 200);
        test().await;
    });
    let own = runtime().block_on(async { Sandbox::start_in_thread().expect("it starts") });
    assert_eq!(own.requests().len(), 0);
    runtime().block_on(async move { drop(own) });
}

#[tokio::test]
async fn a_url_that_takes_the_place_of_another_keeps_the_time_when_that_was_created() {
    let sandbox = Sandbox::start().await.expect("it starts");
    let world = sandbox.world();
    let urls = async || -> Value {
        let request = reqwest::Client::new().get(format!("{}/v1/callback/urls", world.url()));
        let request = request.basic_auth(world.api_key(), Some(""));
        let answer = request.send().await.expect("an answer");
        answer.json().await.expect("JSON")
    };
    world.register_callback_url(TYPE, "http://127.0.0.1:1/");
    let before = urls().await;
    world.advance(Duration::from_hours(1)).await;
    world.register_callback_url(TYPE, "http://127.0.0.1:2/");
    let after = urls().await;
    let text = |urls: &Value, name: &str| {
        let found = urls.as_array().and_then(|urls| urls.first());
        let found = found.unwrap_or_else(|| panic!("a list of URLs: {urls}"));
        found[name].as_str().expect("a text").to_owned()
    };
    assert_eq!(text(&before, "created"), "2026-01-01T00:00:00.000Z");
    assert_eq!(text(&after, "created"), "2026-01-01T00:00:00.000Z");
    assert_eq!(text(&after, "updated"), "2026-01-01T01:00:00.000Z");
}

#[tokio::test(start_paused = true)]
#[should_panic(
    expected = "no callback came within 10s; 0 had come before. `deliveries` of the world shows where the others went, and `callbacks_without_url` those that had no URL"
)]
async fn a_receiver_that_waits_in_vain_says_where_to_look() {
    let sandbox = Sandbox::start().await.expect("it starts");
    sandbox.receiver().next().await;
}

/// A line that continues a text needs a backslash before it. Otherwise its indentation becomes part of the message.
#[test]
fn no_message_of_the_library_has_stray_blanks() {
    let stray = regex::Regex::new(r#"^[^/]*"[^"]*[^ "\\] {3,}[^ "\\][^"]*""#).expect("a pattern");
    for file in std::fs::read_dir("src/sandbox").expect("the sources") {
        let path = file.expect("a file").path();
        let text = std::fs::read_to_string(&path).expect("UTF-8");
        let lines = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        let found: Vec<_> = lines.filter(|line| stray.is_match(line)).collect();
        assert_eq!(found, [""; 0], "{}", path.display());
    }
}
