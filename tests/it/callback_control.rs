//! How tests control callbacks: list, wait, redeliver, trigger, move the clock, reset, stop.
//!
//! The clock is paused: time passes only when a test moves it, exact to the millisecond.

use std::collections::HashSet;
use std::time::Duration;

use iluma_sandbox::{Retries, Sandbox};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::time::advance;

use crate::client::{Answer, Client};
use crate::raw::{Raw, request_as};
use crate::receiver::{Reaction, Receiver, StandingClock, after_exactly, refusing_url};
use crate::stage::{BANK, Stage, TYPE, URLS, attempts, each, key, list};

const PENDING: &str = "PENDING_THEN_COMPLETED_FOUND";

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Sends a request to the control API on its own task, because the request may wait.
fn control(client: &Client, method: &str, path: &str, body: Option<Value>) -> Waiting {
    let request = client.request(method, &format!("/__sandbox/{path}"));
    let request = match body {
        Some(body) => request.json(&body),
        None => request,
    };
    tokio::spawn(Answer::of(request))
}

type Waiting = tokio::task::JoinHandle<Answer>;

/// Checks that other requests are answered while this one still waits.
async fn still_waits(client: &Client, waiting: &Waiting) {
    for _ in 0..3 {
        client.get("/health").await;
    }
    assert!(!waiting.is_finished());
}

// --- Looking and waiting

#[tokio::test(start_paused = true)]
async fn deliveries_are_filtered_by_type_record_state_and_seq_newest_first() {
    let entities = Receiver::start().await;
    let stage = Stage::with(|builder| builder.callback("ENTITY_CFT_PEP", entities.url())).await;
    let first = stage.ask("COMPLETED_FOUND").await.json()["id"].take();
    let first = first.as_str().expect("an id");
    let entity = "/v0/identity/entity_cft_peps";
    stage
        .client
        .magic(entity, "PENDING_THEN_COMPLETED_FOUND")
        .await;
    stage.ask("COMPLETED_NOT_FOUND; callback=none").await;
    stage.receiver.received(1).await;
    stage.tried(1).await;
    for (query, seqs) in [
        (String::new(), vec![3, 2, 1]),
        (format!("?type={TYPE}"), vec![3, 1]),
        ("?type=ENTITY_CFT_PEP".to_owned(), vec![2]),
        ("?type=INDIVIDUAL_CFT_PEP".to_owned(), vec![]),
        (format!("?record={first}"), vec![1]),
        ("?state=delivered".to_owned(), vec![1]),
        ("?state=scheduled".to_owned(), vec![2]),
        ("?state=suppressed".to_owned(), vec![3]),
        ("?after_seq=1".to_owned(), vec![3, 2]),
        (format!("?type={TYPE}&after_seq=1"), vec![3]),
        ("?limit=2".to_owned(), vec![3, 2]),
    ] {
        let answer = stage.control(&format!("deliveries{query}")).await;
        let found = list(answer["deliveries"].clone());
        let found: Vec<_> = found.iter().map(|one| one["seq"].clone()).collect();
        assert_eq!(json!(found), json!(seqs), "{query}");
        assert_eq!(answer["last_seq"], 3);
    }
    assert_eq!(stage.control("deliveries?limit=1").await["matching"], 3);
}

#[tokio::test(start_paused = true)]
async fn a_filter_that_means_nothing_is_refused() {
    let stage = Stage::start().await;
    for (query, said) in [
        ("tpye=X", "unknown parameter `tpye`: did you mean `type`?"),
        (
            "world=all",
            "`world` is the tag of a world: eight hex digits",
        ),
        (
            "state=sent",
            "`state` is scheduled, sending, retrying, delivered, failed, cancelled, suppressed, dropped or no_url",
        ),
        (
            "state=deliverd",
            "`state` is scheduled, sending, retrying, delivered, failed, cancelled, suppressed, dropped or no_url: \
             did you mean `delivered`?",
        ),
        (
            "type=NAME_VALIDATOR_REQUST",
            "`type`: no endpoint sends callbacks of the type `NAME_VALIDATOR_REQUST`: did you mean \
             `NAME_VALIDATOR_REQUEST`?",
        ),
        (
            "type=NAME_VALIDATOR_REQUST&wait=60s",
            "`type`: no endpoint sends callbacks of the type `NAME_VALIDATOR_REQUST`: did you mean \
             `NAME_VALIDATOR_REQUEST`?",
        ),
        (
            "type=",
            "`type`: no endpoint sends callbacks of the type ``: known are `ENTITY_CFT_PEP`, `ID_CARD_VERIFICATION`, `INDIVIDUAL_CFT_PEP`, `NPWP_DATA_REQUEST`, \
             `NAME_VALIDATOR_REQUEST`, `BANK_NAME_VALIDATOR_DETAILS` and `FACE_COMPARISON`",
        ),
        ("after_seq=-1", "`after_seq`: `-1` is no whole number"),
        (
            "count=2",
            "`count` says how many to wait for: it needs `wait`",
        ),
        (
            "wait=5",
            "`wait`: `5` is no duration: write `250ms`, `10s`, `5m`, `2h` or `3d`",
        ),
        ("wait=61s", "`wait`: a request waits 60 s at most"),
    ] {
        let answer = stage
            .client
            .get(&format!("/__sandbox/deliveries?{query}"))
            .await;
        assert_eq!(
            (answer.status, answer.message().as_str()),
            (400, said),
            "{query}"
        );
    }
}

#[tokio::test]
async fn types_of_own_scenario_files_filter_deliveries_even_after_they_are_gone() {
    let folder = tempfile::tempdir().expect("a folder");
    let own = folder.path().join("v9/x.toml");
    std::fs::create_dir(own.parent().expect("a folder")).expect("a folder");
    let text = "path = \"/v9/x\"\n[callback]\ntype = \"OWN_CHECK\"\n[outcomes.DONE]\ndefault = true\n\
                callback = true\nbody.status = \"DONE\"\n";
    std::fs::write(&own, text).expect("it is written");
    let client = Client::of(Sandbox::builder().scenarios(folder.path())).await;
    let path = "/__sandbox/deliveries?type=OWN_CHECK&state=no_url";
    let none = client.get(path).await;
    assert_eq!((none.status, &none.json()["matching"]), (200, &json!(0)));
    let misspelt = client.get("/__sandbox/deliveries?type=OWN_CHEK").await;
    assert_eq!(
        (misspelt.status, misspelt.message().as_str()),
        (
            400,
            "`type`: no endpoint sends callbacks of the type `OWN_CHEK`: did you mean `OWN_CHECK`?"
        )
    );

    let made = client.post("/v9/x", &json!({})).await;
    assert_eq!(made.status, 200, "{}", made.text);
    std::fs::remove_file(&own).expect("it is there");
    client.sandbox.reloaded(0).await;
    let sent = client.get(path).await;
    assert_eq!((sent.status, &sent.json()["matching"]), (200, &json!(1)));
    let other = Answer::of(client.bare("GET", path).basic_auth(key('o'), Some(""))).await;
    assert_eq!(other.status, 400, "{}", other.text);
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_deliveries_is_answered_as_soon_as_there_are_enough() {
    let stage = Stage::start().await;
    let waiting = control(
        &stage.client,
        "GET",
        "deliveries?state=delivered&count=2&wait=1m",
        None,
    );
    stage.ask("COMPLETED_FOUND").await;
    stage.tried(1).await;
    still_waits(&stage.client, &waiting).await;
    stage.ask("COMPLETED_NOT_FOUND").await;
    let answer = waiting.await.expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.text);
    let found = list(answer.json()["deliveries"].take());
    assert_eq!(each(&found, "seq"), [&json!(2), &json!(1)]);
}

/// The result of a wait for a delivered callback after five seconds: the message and the reasons.
async fn in_vain(client: &Client, query: &str) -> (String, Vec<String>) {
    let waiting = control(client, "GET", &format!("deliveries?{query}&wait=5s"), None);
    still_waits(client, &waiting).await;
    after_exactly(seconds(5), || still_waits(client, &waiting)).await;
    let answer = waiting.await.expect("an answer");
    assert_eq!(
        (answer.status, &answer.json()["error"]),
        (408, &json!("timeout"))
    );
    let why = list(answer.json()["why"].take());
    let why = why
        .iter()
        .map(|one| one.as_str().expect("a text").to_owned());
    (answer.message(), why.collect())
}

#[tokio::test(start_paused = true)]
async fn who_waits_in_vain_is_told_why() {
    let _still = StandingClock::hold();
    let client = Client::start().await;
    let none = "0 of 1 deliveries matched in time".to_owned();
    assert_eq!(
        in_vain(&client, &format!("type={TYPE}")).await,
        (
            none.clone(),
            vec![
                format!("no URL is registered for {TYPE}"),
                "no request of this world has caused a callback".to_owned(),
            ]
        )
    );
    assert_eq!(
        in_vain(&client, "").await,
        (
            none.clone(),
            vec![
                "no URL is registered for any callback type".to_owned(),
                "no request of this world has caused a callback".to_owned(),
            ]
        )
    );

    let stage = Stage::with(|builder| builder.retries(&Retries::Realistic)).await;
    stage.receiver.usually(Reaction::status(500));
    stage.ask("COMPLETED_FOUND").await;
    stage.ask("COMPLETED_FOUND; callback=none").await;
    stage.ask("COMPLETED_FOUND; callback=late(1h)").await;
    stage.tried(1).await;
    assert_eq!(
        in_vain(&stage.client, "state=delivered").await,
        (
            none.clone(),
            vec![
                format!("dlv_3 of type {TYPE} is still pending until 2026-01-01T01:00:00.000Z"),
                format!("dlv_2 of type {TYPE} was not sent, on purpose"),
                format!(
                    "dlv_1 of type {TYPE} is tried again at 2026-01-01T00:15:00.000Z after: status 500"
                ),
            ]
        )
    );

    let url = refusing_url().parse().expect("a URL");
    let stage =
        Stage::with(|builder| builder.retries(&Retries::After(vec![])).callback(TYPE, url)).await;
    stage.ask("COMPLETED_FOUND").await;
    stage.ended().await;
    assert_eq!(
        in_vain(&stage.client, "state=delivered").await,
        (
            none,
            vec![format!(
                "dlv_1 of type {TYPE} failed after: connection refused"
            )]
        )
    );
}

#[tokio::test(start_paused = true)]
async fn idle_answers_when_nothing_is_pending_and_lists_what_is_when_time_is_up() {
    let stage = Stage::start().await;
    assert_eq!(stage.control("idle").await, json!({"status": "idle"}));
    stage.ask(PENDING).await;
    let waiting = control(&stage.client, "GET", "idle?wait=500ms", None);
    still_waits(&stage.client, &waiting).await;
    advance(Duration::from_millis(500)).await;
    let answer = waiting.await.expect("an answer");
    assert_eq!(
        (answer.status, answer.message().as_str()),
        (408, "1 callbacks are pending")
    );
    assert_eq!(answer.json()["deliveries"][0]["state"], "scheduled");
    let waiting = control(&stage.client, "GET", "idle?wait=1m", None);
    still_waits(&stage.client, &waiting).await;
    advance(Duration::from_millis(500)).await;
    assert_eq!(waiting.await.expect("an answer").status, 200);
    assert_eq!(stage.receiver.so_far().len(), 1);
}

// --- Sending again, firing

#[tokio::test(start_paused = true)]
async fn a_redelivery_sends_the_same_bytes_whatever_became_of_the_first() {
    let stage = Stage::with(|builder| builder.retries(&Retries::After(vec![]))).await;
    stage.receiver.then([Reaction::status(500)]);
    stage.ask("COMPLETED_FOUND").await;
    assert_eq!(each(&stage.ended().await, "state"), ["failed"]);
    for id in ["dlv_1", "dlv_2"] {
        let path = format!("deliveries/{id}/redeliver");
        let answer = stage.tell(&path, &json!({})).await;
        assert_eq!(
            (answer.status, &answer.json()["redelivery_of"]),
            (202, &json!("dlv_1"))
        );
        stage.ended().await;
    }
    let log = stage.ended().await;
    assert_eq!(each(&log, "state"), ["failed", "delivered", "delivered"]);
    let received = stage.receiver.received(3).await;
    assert!(received.iter().all(|one| one.body == received[0].body));
    for id in ["dlv_9", "1", "dlv_x"] {
        let answer = stage
            .tell(&format!("deliveries/{id}/redeliver"), &json!({}))
            .await;
        assert_eq!(
            (answer.status, answer.message()),
            (404, format!("this world has no delivery `{id}`"))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_trigger_fires_without_a_request_and_the_get_agrees() {
    let stage = Stage::start().await;
    let body = json!({
        "type": TYPE,
        "outcome": "COMPLETED_FOUND",
        "set": {"result.is_found": false, "extra.deep": [1], "reference_id": "mine"},
    });
    let answer = stage.tell("trigger", &body).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    let callback = stage.receiver.only().await;
    let sent = callback.json();
    assert_eq!(
        (
            &sent["result"]["is_found"],
            &sent["extra"],
            &sent["reference_id"]
        ),
        (&json!(false), &json!({"deep": [1]}), &json!("mine"))
    );
    assert_eq!(stage.read(&sent).await, callback.text());
    assert_eq!(answer.json()["record"], sent["id"]);
    let token = stage.client.sandbox.callback_token();
    assert_eq!(callback.header("x-callback-token"), Some(token.as_str()));

    let failed = json!({"endpoint": "v1.1/bank_account_data_requests", "outcome": "FAILED"});
    assert_eq!(stage.tell("trigger", &failed).await.status, 202);
    let second = stage.receiver.received(2).await[1].json();
    assert_eq!(second["failure_reason"], "TEMPORARY_NETWORK_ERROR");
    assert_ne!(second["id"], sent["id"]);
}

#[tokio::test(start_paused = true)]
async fn a_trigger_that_cannot_be_fired_says_why() {
    let stage = Stage::start().await;
    for (body, said) in [
        (json!({}), "`type` is missing: one of "),
        (
            json!({"type": "NAME_VALIDATOR"}),
            "`type`: no endpoint sends callbacks of the type `NAME_VALIDATOR`: did you mean `NAME_VALIDATOR_REQUEST`?",
        ),
        (
            json!({"endpoint": "v1.1/bank_account_data_request"}),
            "`endpoint`: there is no endpoint `v1.1/bank_account_data_request`: did you mean `v1.1/bank_account_data_requests`?",
        ),
        (
            json!({"type": TYPE, "outcome": "COMPLETED_FUOND"}),
            "`outcome`: `COMPLETED_FUOND` is no x-magic-reply of this endpoint. Did you mean `COMPLETED_FOUND`?",
        ),
        (
            json!({"type": "ENTITY_CFT_PEP"}),
            "no URL is registered for ENTITY_CFT_PEP: POST one to /v1/callback/urls, or start with --callback",
        ),
        (
            json!({"type": TYPE, "set": {"status.deep": 1}}),
            "`set`: `status.deep` reaches into a plain value",
        ),
        (
            json!({"type": TYPE, "sets": {}}),
            "the body cannot be taken: unknown field `sets`: did you mean `set`?",
        ),
    ] {
        let answer = stage.tell("trigger", &body).await;
        let message = answer.message();
        assert_eq!(answer.status, 400, "{body}");
        assert!(message.starts_with(said), "{body}: {message}");
    }
    assert_eq!(stage.ended().await, Vec::<Value>::new());
}

// --- The clock

#[tokio::test(start_paused = true)]
async fn the_clock_is_shown_set_and_advanced_and_never_put_back() {
    let stage = Stage::start().await;
    assert_eq!(
        stage.control("clock").await,
        json!({"now": "2026-01-01T00:00:00.000Z", "advanced_ms": 0, "frozen": true})
    );
    advance(Duration::from_hours(1)).await;
    assert_eq!(
        stage.control("clock").await["advanced_ms"],
        0,
        "it is frozen"
    );
    stage.advance("3d").await;
    let set = json!({"now": "2026-01-05T12:00:00Z"});
    let answer = stage.tell("clock", &set).await.json();
    assert_eq!(
        (&answer["now"], &answer["deliveries"]),
        (&json!("2026-01-05T12:00:00.000Z"), &json!([]))
    );
    let created = stage.ask("PENDING").await.json()["created"].take();
    assert_eq!(created, "2026-01-05T12:00:00.000Z");
    for (path, body, said) in [
        (
            "clock",
            json!({"now": "2026-01-05T11:59:59Z"}),
            "`now`: a clock is never put back, and this one shows 2026-01-05T12:00:00.000Z",
        ),
        (
            "clock",
            json!({"now": "noon"}),
            "`now`: `noon` is no instant such as `2026-01-02T00:00:00Z`",
        ),
        (
            "clock/advance",
            json!({"by": "-1s"}),
            "`by`: `-1s` is no duration: write `250ms`, `10s`, `5m`, `2h` or `3d`",
        ),
    ] {
        let answer = stage.tell(path, &body).await;
        assert_eq!((answer.status, answer.message().as_str()), (400, said));
    }
    assert_eq!(
        stage.control("clock").await["now"],
        "2026-01-05T12:00:00.000Z"
    );
    let other = stage.client.as_key(&key('o'), "GET", "/__sandbox/clock");
    assert_eq!(
        Answer::of(other).await.json()["advanced_ms"],
        0,
        "a world has its own clock"
    );
}

#[tokio::test(start_paused = true)]
async fn a_day_of_retries_passes_in_one_advance_and_no_time() {
    let stage = Stage::with(|builder| builder.retries(&Retries::Realistic)).await;
    stage.receiver.usually(Reaction::status(500));
    stage.ask("COMPLETED_FOUND").await;
    stage.tried(1).await;
    let before = tokio::time::Instant::now();
    let tried = stage.advance("1d").await;
    assert_eq!(before.elapsed(), Duration::ZERO);
    assert_eq!(each(&tried, "state"), ["failed"]);
    let at = each(attempts(&tried[0]), "at");
    let hours_and_minutes: Vec<_> = at
        .iter()
        .map(|at| &at.as_str().expect("a time")[11..16])
        .collect();
    assert_eq!(
        hours_and_minutes,
        [
            "00:00", "00:15", "01:00", "03:00", "06:00", "12:00", "00:00"
        ]
    );
    assert_eq!(at[6], "2026-01-02T00:00:00.000Z");
    assert_eq!(stage.receiver.so_far().len(), 7);
    assert_eq!(
        stage.control("clock").await["now"],
        "2026-01-02T00:00:00.000Z"
    );
}

#[tokio::test(start_paused = true)]
async fn an_advance_completes_what_is_pending_in_the_order_in_which_it_is_due() {
    let stage = Stage::start().await;
    let late = stage
        .ask("COMPLETED_FOUND; callback=late(10m)")
        .await
        .json();
    let pending = stage.ask(PENDING).await;
    assert_eq!(
        each(&stage.advance("999ms").await, "seq"),
        Vec::<&Value>::new()
    );
    assert_eq!(stage.read(&pending.json()).await, pending.text);
    let tried = stage.advance("1h").await;
    assert_eq!(each(&tried, "seq"), [&json!(2), &json!(1)]);
    assert_eq!(
        [&attempts(&tried[0])[0]["at"], &attempts(&tried[1])[0]["at"]],
        ["2026-01-01T00:00:01.000Z", "2026-01-01T00:10:00.000Z"]
    );
    let received = stage.receiver.so_far();
    assert_eq!(received[0].text(), stage.read(&pending.json()).await);
    assert_eq!(received[0].json()["status"], "COMPLETED");
    assert_eq!(received[1].json(), late);
}

#[tokio::test(start_paused = true)]
async fn an_advance_waits_for_a_receiver_that_hangs_until_its_time_is_up() {
    let stage = Stage::start().await;
    stage.receiver.then([Reaction::Hang, Reaction::Hang]);
    stage.ask("COMPLETED_FOUND").await;
    stage.receiver.received(1).await;
    // The first try is in flight when the advance begins. The second falls due during the advance.
    let advancing = control(
        &stage.client,
        "POST",
        "clock/advance",
        Some(json!({"by": "1m"})),
    );
    after_exactly(seconds(30), || still_waits(&stage.client, &advancing)).await;
    stage.receiver.received(2).await;
    assert_eq!(
        stage.control("clock").await["advanced_ms"],
        1000,
        "the world's time stands still during an attempt"
    );
    after_exactly(seconds(30), || still_waits(&stage.client, &advancing)).await;
    let answer = advancing.await.expect("an answer").json();
    assert_eq!(answer["advanced_ms"], 60_000);
    let delivery = &answer["deliveries"][0];
    assert_eq!(delivery["state"], "delivered");
    assert_eq!(
        each(attempts(delivery), "at"),
        [
            "2026-01-01T00:00:00.000Z",
            "2026-01-01T00:00:01.000Z",
            "2026-01-01T00:00:03.000Z"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn two_advances_at_once_are_one_after_the_other() {
    let stage = Stage::start().await;
    stage.receiver.usually(Reaction::Hang);
    stage.ask(PENDING).await;
    let advances = [1, 2].map(|_| {
        control(
            &stage.client,
            "POST",
            "clock/advance",
            Some(json!({"by": "1s"})),
        )
    });
    stage.receiver.received(1).await;
    for advance in &advances {
        still_waits(&stage.client, advance).await;
    }
    stage.receiver.usually(Reaction::status(200));
    advance(seconds(30)).await;
    let mut shown = Vec::new();
    for advance in advances {
        shown.push(advance.await.expect("an answer").json()["advanced_ms"].take());
    }
    shown.sort_by_key(Value::as_u64);
    assert_eq!(shown[1], 2000);
    assert_eq!(
        stage.receiver.so_far().len(),
        2,
        "the second advance tried again"
    );
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_twice_at_once_shows_what_it_was_set_to() {
    let stage = Stage::start().await;
    stage.receiver.then([Reaction::Hang]);
    stage.ask(PENDING).await;
    let now = json!({"now": "2026-01-01T01:00:00Z"});
    let sets = [1, 2].map(|_| control(&stage.client, "POST", "clock", Some(now.clone())));
    stage.receiver.received(1).await;
    for set in &sets {
        still_waits(&stage.client, set).await;
    }
    advance(seconds(30)).await;
    for set in sets {
        let answer = set.await.expect("an answer").json();
        assert_eq!(answer["now"], "2026-01-01T01:00:00.000Z");
    }
}

// --- The inbox

#[tokio::test(start_paused = true)]
async fn an_inbox_keeps_what_comes_newest_first() {
    let _still = StandingClock::hold();
    let client = Client::start().await;
    let inbox = format!("{}/__sandbox/inbox/mine", client.sandbox.url());
    let body = json!({"type": TYPE, "url": inbox});
    assert_eq!(client.post(URLS, &body).await.status, 200);
    let waiting = control(&client, "GET", "inbox/mine?count=2&wait=1m", None);
    still_waits(&client, &waiting).await;
    let record = client.magic(BANK, "COMPLETED_FOUND").await;
    let answer = waiting.await.expect("an answer").json();
    let received = list(answer["received"].clone());
    assert_eq!(each(&received, "seq"), [&json!(2), &json!(1)]);
    assert_eq!(each(&received, "answered"), [&json!(200), &json!(200)]);
    assert_eq!(received[0]["body"], record.text);
    let token = client.sandbox.callback_token();
    assert_eq!(received[0]["headers"]["x-callback-token"], token);

    let newer = client.get("/__sandbox/inbox/mine?after_seq=1").await.json();
    assert_eq!(list(newer["received"].clone()), received[..1]);
    let gone = Answer::of(client.bare("DELETE", "/__sandbox/inbox/mine")).await;
    assert_eq!(gone.json(), json!({"deleted": 2}));
    let empty = client.get("/__sandbox/inbox/mine").await.json();
    assert_eq!(
        empty,
        json!({"inbox": "mine", "received": [], "dropped": 0})
    );
}

#[tokio::test(start_paused = true)]
async fn an_inbox_refuses_twice_and_then_accepts_so_that_retries_can_be_seen() {
    let _still = StandingClock::hold();
    let client = Client::start().await;
    let inbox = format!("{}/__sandbox/inbox/picky", client.sandbox.url());
    let register = async |url: &str| {
        let body = json!({"type": TYPE, "url": url});
        client.post(URLS, &body).await.status
    };
    assert_eq!(register(&format!("{inbox}?status=503&times=1")).await, 400);
    assert_eq!(register(&format!("{inbox}?status=503&times=3")).await, 400);
    assert_eq!(register(&inbox).await, 200);
    assert_eq!(register(&format!("{inbox}?status=503&times=2")).await, 200);
    Answer::of(client.bare("DELETE", "/__sandbox/inbox/picky")).await;

    client.magic(BANK, "COMPLETED_FOUND").await;
    let first = client.get("/__sandbox/inbox/picky?count=1&wait=1m").await;
    assert_eq!(first.json()["received"][0]["answered"], 503);
    let advanced = client
        .post("/__sandbox/clock/advance", &json!({"by": "1m"}))
        .await
        .json();
    let delivery = &advanced["deliveries"][0];
    assert_eq!(delivery["state"], "delivered");
    assert_eq!(
        each(attempts(delivery), "status"),
        [&json!(503), &json!(503), &json!(200)]
    );
    let received = client.get("/__sandbox/inbox/picky").await.json();
    let received = list(received["received"].clone());
    assert_eq!(
        each(&received, "answered"),
        [&json!(200), &json!(503), &json!(503)]
    );
}

// --- Reset, stop, worlds

#[tokio::test(start_paused = true)]
async fn a_reset_in_the_midst_counts_what_it_cancels_and_nothing_is_sent_afterwards() {
    let stage = Stage::start().await;
    stage.receiver.usually(Reaction::Hang);
    for _ in 0..20 {
        stage.ask("COMPLETED_FOUND").await;
    }
    stage.ask(PENDING).await;
    stage.ask("COMPLETED_FOUND; callback=late(1h)").await;
    stage.receiver.open(20).await;
    let answer = stage.tell("reset", &json!({})).await;
    assert_eq!(
        (answer.status, answer.json()),
        (200, json!({"status": "reset", "cancelled_callbacks": 22}))
    );
    stage.receiver.open(0).await;
    assert_eq!(stage.ended().await, Vec::<Value>::new());
    advance(Duration::from_hours(100)).await;
    assert_eq!(stage.ended().await, Vec::<Value>::new());
    assert_eq!(stage.receiver.so_far().len(), 20);

    // The world works as a new one does.
    stage.receiver.usually(Reaction::status(200));
    stage.ask("COMPLETED_FOUND").await;
    let log = stage.ended().await;
    assert_eq!(
        (&log[0]["seq"], &log[0]["state"]),
        (&json!(1), &json!("delivered"))
    );
}

/// Closing a connection cannot take back bytes that the receiver's system has.
#[tokio::test]
async fn what_had_been_sent_before_a_reset_may_be_read_after_it_from_a_connection_that_has_ended() {
    for (method, path) in [("POST", "reset"), ("DELETE", "worlds"), ("PUT", "snapshot")] {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let url = format!("http://{address}/callbacks");
        let builder = Sandbox::builder().callback(TYPE, url.parse().expect("a URL"));
        let client = Client::of(builder).await;
        let snapshot = client.get("/__sandbox/snapshot").await.json();
        client.magic(BANK, "COMPLETED_FOUND").await;
        let (mut socket, _) = listener.accept().await.expect("a connection");
        socket.readable().await.expect("a callback");
        let body = (method == "PUT").then_some(snapshot);
        let answer = control(&client, method, path, body).await;
        assert_eq!(answer.expect("an answer").status, 200, "{method} {path}");
        let log = client.get("/__sandbox/deliveries").await.json();
        assert_eq!(log["matching"], 0, "{method} {path}");
        let mut came = String::new();
        let read = socket.read_to_string(&mut came).await;
        read.expect("the connection ends");
        assert!(came.starts_with("POST /callbacks HTTP/1.1\r\n"), "{came}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reset_ends_an_advance_that_waits_for_a_receiver() {
    let stage = Stage::start().await;
    stage.receiver.usually(Reaction::Hang);
    stage.ask(PENDING).await;
    let advancing = control(
        &stage.client,
        "POST",
        "clock/advance",
        Some(json!({"by": "1d"})),
    );
    stage.receiver.received(1).await;
    let answer = stage.tell("reset", &json!({})).await;
    assert_eq!(
        answer.json(),
        json!({"status": "reset", "cancelled_callbacks": 1})
    );
    assert_eq!(advancing.await.expect("an answer").status, 200);
    assert_eq!(stage.control("clock").await["advanced_ms"], 0);
}

#[tokio::test(start_paused = true)]
async fn after_a_stop_in_the_midst_nothing_arrives() {
    let stage = Stage::start().await;
    stage.receiver.usually(Reaction::Hang);
    for _ in 0..3 {
        stage.ask("COMPLETED_FOUND").await;
    }
    stage.ask(PENDING).await;
    stage.receiver.open(3).await;
    let address = stage.client.sandbox.address();
    let Stage {
        client,
        receiver,
        still,
    } = stage;
    client.sandbox.stop().await;
    receiver.open(0).await;
    tokio::net::TcpStream::connect(address)
        .await
        .expect_err("nobody listens");
    advance(Duration::from_hours(100)).await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(receiver.so_far().len(), 3);
    drop(still);
}

#[tokio::test(start_paused = true)]
async fn worlds_see_nothing_of_each_other_s_deliveries() {
    let stage = Stage::start().await;
    let other = key('o');
    stage.ask("COMPLETED_FOUND").await;
    stage.ask(PENDING).await;
    stage.ask_as(&other, PENDING).await;
    stage.tried(1).await;
    let as_other = async |method: &str, path: &str| {
        let path = format!("/__sandbox/{path}");
        Answer::of(stage.client.as_key(&other, method, &path)).await
    };
    assert_eq!(as_other("GET", "deliveries").await.json()["matching"], 1);
    assert_eq!(
        as_other("POST", "deliveries/dlv_2/redeliver").await.status,
        404
    );
    stage.advance("1s").await;
    let theirs = as_other("GET", "deliveries").await.json();
    assert_eq!(theirs["deliveries"][0]["state"], "scheduled");
    let reset = as_other("POST", "reset").await.json();
    assert_eq!(reset["cancelled_callbacks"], 1);
    assert_eq!(each(&stage.ended().await, "state"), ["delivered"; 2]);
    assert_eq!(stage.receiver.so_far().len(), 2);
}

// --- Many

/// Sends this many requests on one connection and reads every answer.
pub(crate) async fn flood(sandbox: &Sandbox, key: &str, magic: &str, count: usize) -> Vec<String> {
    let header = format!("x-magic-reply: {magic}");
    let request = request_as(key, &format!("POST {BANK}"), &[&header], b"");
    let mut raw = Raw::connect(sandbox).await;
    let mut records = Vec::with_capacity(count);
    for _ in 0..count.div_ceil(100) {
        let batch = 100.min(count - records.len());
        raw.send(request.repeat(batch)).await;
        for _ in 0..batch {
            let answer = raw.answer().await;
            assert_eq!(answer.status(), 200, "{}", answer.text());
            records.push(answer.json()["id"].as_str().expect("an id").to_owned());
        }
    }
    records
}

#[tokio::test(start_paused = true)]
async fn five_thousand_callbacks_come_each_once() {
    let stage = Stage::start().await;
    let key = stage.client.sandbox.api_key();
    let mut records = flood(&stage.client.sandbox, &key, "COMPLETED_FOUND", 5000).await;
    let received = stage.receiver.received(5000).await;
    stage.control("idle?wait=1m").await;
    assert_eq!(stage.receiver.so_far().len(), 5000);
    let mut came: Vec<_> = received
        .iter()
        .map(|one| one.json()["id"].as_str().expect("an id").to_owned())
        .collect();
    came.sort();
    records.sort();
    assert_eq!(came.iter().collect::<HashSet<_>>().len(), 5000);
    assert!(came == records, "those that were asked for, and no others");
    let log = stage.control("deliveries?state=delivered&limit=1").await;
    assert_eq!(
        (&log["matching"], &log["dropped"]),
        (&json!(1000), &json!(4000))
    );
    assert!(stage.receiver.most_open() <= 86);
}

#[tokio::test(start_paused = true)]
async fn a_world_with_five_hundred_callbacks_to_a_hanging_receiver_delays_no_other_world() {
    let hanging = Receiver::that(Reaction::Hang).await;
    let stage = Stage::start().await;
    let busy = key('b');
    let register = stage.client.as_key(&busy, "POST", URLS);
    hanging.then([Reaction::status(200)]);
    let body = json!({"type": TYPE, "url": hanging.url_text()});
    assert_eq!(Answer::of(register.json(&body)).await.status, 200);
    flood(&stage.client.sandbox, &busy, "COMPLETED_FOUND", 500).await;
    hanging.open(86).await; // a third of the places
    stage.ask("COMPLETED_FOUND").await;
    assert_eq!(each(&stage.ended().await, "state"), ["delivered"]);
    assert_eq!(hanging.most_open(), 86);
    let pending = stage.client.as_key(&busy, "GET", "/__sandbox/idle");
    let pending = Answer::of(pending).await;
    assert_eq!(pending.message(), "500 callbacks are pending");
}

#[tokio::test(start_paused = true)]
async fn a_callback_beyond_ten_thousand_pending_is_dropped_and_the_log_says_so() {
    let stage = Stage::start().await;
    let key = stage.client.sandbox.api_key();
    let late = "COMPLETED_FOUND; callback=late(1d)";
    flood(&stage.client.sandbox, &key, late, 10_000).await;
    for _ in 0..2 {
        stage.ask("COMPLETED_FOUND").await;
    }
    let dropped = stage.control("deliveries?state=dropped").await;
    assert_eq!(
        (&dropped["matching"], &dropped["last_seq"]),
        (&json!(2), &json!(10_002))
    );
    assert_eq!(
        dropped["deliveries"][0]["reason"],
        "10000 callbacks are pending already"
    );
    assert_eq!(stage.receiver.so_far().len(), 0);
    let reset = stage.tell("reset", &json!({})).await.json();
    assert_eq!(reset["cancelled_callbacks"], 10_000);
    stage.ask("COMPLETED_FOUND").await;
    assert_eq!(each(&stage.ended().await, "state"), ["delivered"]);
}
