//! Verifying requests, from Rust and over HTTP.

use iluma_sandbox::{Expectation, Query, Sandbox, verify};
use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::stage::{BANK, TYPE, list};

const PERSON: &str = "/v0/identity/individual_cft_peps";

fn account(number: &str) -> Value {
    json!({"bank_account_number": number, "bank_code": "BCA"})
}

/// Three requests: two accounts, and a refused person.
async fn asked() -> Client {
    let client = Client::start().await;
    client.post(BANK, &account("7000000001")).await;
    client.post(BANK, &account("7000000002")).await;
    client.post(PERSON, &json!({"given_names": "Testy"})).await;
    client
}

fn bank() -> Query {
    Query::any().endpoint("v1.1/bank_account_data_requests")
}

fn number(number: &str) -> Query {
    bank().body("bank_account_number", number)
}

#[tokio::test]
async fn what_was_asked_is_held_against_what_was_expected() {
    let client = asked().await;
    let asked = client.sandbox.requests();
    let verified = |expectation| verify(&asked, &expectation).map(|verified| verified.matched);
    assert_eq!(verified(Expectation::exactly(2, bank())).ok(), Some(2));
    assert_eq!(
        verified(Expectation::exactly(1, number("7000000002"))).ok(),
        Some(1)
    );
    assert_eq!(
        verified(Expectation::at_least(3, Query::any())).ok(),
        Some(3)
    );
    assert_eq!(verified(Expectation::at_most(2, bank())).ok(), Some(2));
    assert_eq!(verified(Expectation::between(1, 2, bank())).ok(), Some(2));
    assert_eq!(
        verified(Expectation::never(bank().status(500))).ok(),
        Some(0)
    );
    let in_order = [number("7000000001"), Query::any().status(400)];
    assert_eq!(verified(Expectation::in_order(in_order)).ok(), Some(2));
    assert_eq!(
        verified(Expectation::exactly(1, bank()).after(1)).ok(),
        Some(1)
    );
}

#[tokio::test]
async fn what_does_not_hold_is_told_with_the_closest_requests_field_by_field() {
    let client = asked().await;
    let asked = client.sandbox.requests();
    let tag = asked[0].world().to_owned();
    let said = |expectation| {
        let error = verify(&asked, &expectation).expect_err("it does not hold");
        error.to_string().replace(&tag, "W")
    };
    assert_eq!(
        said(Expectation::exactly(1, number("7000000003"))),
        r#"expected exactly 1 request with endpoint "v1.1/bank_account_data_requests", body.bank_account_number "7000000003", but 0 of 3 matched
  close was W-2, POST /v1.1/identity/bank_account_data_requests → 200 COMPLETED_FOUND:
    body.bank_account_number: expected "7000000003", received "7000000002"
  close was W-1, POST /v1.1/identity/bank_account_data_requests → 200 COMPLETED_FOUND:
    body.bank_account_number: expected "7000000003", received "7000000001""#
    );
    assert_eq!(
        said(Expectation::never(bank())),
        r#"expected no request with endpoint "v1.1/bank_account_data_requests", but 2 of 3 matched"#
    );
    let (one, two) = (number("7000000001"), number("7000000002"));
    assert_eq!(
        said(Expectation::in_order([two, one])).lines().next(),
        Some(
            r#"expected 2 requests in order: endpoint "v1.1/bank_account_data_requests", body.bank_account_number "7000000002"; then endpoint "v1.1/bank_account_data_requests", body.bank_account_number "7000000001", but of 3 requests none was the 2nd after W-2: it came before that, as W-1"#
        )
    );
}

async fn ask(client: &Client, question: &Value) -> Answer {
    client.post("/__sandbox/verify", question).await
}

#[tokio::test]
async fn over_http_what_holds_is_answered_with_200_and_what_does_not_with_417() {
    let client = asked().await;
    let bank = json!({"endpoint": BANK});
    for (question, matched) in [
        (json!({}), 3),
        (json!({"request": bank}), 2),
        (json!({"request": bank, "exactly": 2}), 2),
        (json!({"request": bank, "at_least": 1, "at_most": 2}), 2),
        (json!({"request": {"status": "400"}, "exactly": 1}), 1),
        (json!({"request": {"body.given_names": 5}, "exactly": 0}), 0),
        (json!({"request": bank, "exactly": 1, "after_seq": 1}), 1),
        (
            json!({"request": {"status": 500}, "never_within": "1ms"}),
            0,
        ),
        (json!({"in_order": [bank, {"status": 400}]}), 2),
    ] {
        let answer = ask(&client, &question).await;
        assert_eq!(answer.status, 200, "{question}: {}", answer.text);
        assert_eq!(answer.json()["verified"], true);
        assert_eq!(answer.json()["matched"], matched, "{question}");
    }
    for (question, expected) in [
        (json!({"at_least": 4}), "at least 4 requests with anything"),
        (
            json!({"request": bank, "at_most": 1}),
            r#"at most 1 request with endpoint "v1.1/bank_account_data_requests""#,
        ),
        (
            json!({"request": {"status": 400}, "never_within": "1ms"}),
            "no request with status 400",
        ),
        (
            json!({"in_order": [{"status": 400}, bank]}),
            r#"2 requests in order: status 400; then endpoint "v1.1/bank_account_data_requests""#,
        ),
    ] {
        let answer = ask(&client, &question).await;
        assert_eq!(answer.status, 417, "{question}: {}", answer.text);
        let body = answer.json();
        assert_eq!(
            (&body["error"], &body["expected"]),
            (&json!("not_verified"), &json!(expected))
        );
    }
}

#[tokio::test]
async fn what_does_not_hold_is_told_with_near_misses_nearest_first() {
    let client = asked().await;
    let question = json!({"request": {"endpoint": BANK, "method": "POST", "body.bank_account_number": "7000000003"}});
    let body = ask(&client, &question).await.json();
    let misses = body["near_misses"].as_array().expect("a list");
    assert_eq!(crate::stage::each(misses, "seq"), [2, 1]);
    for _ in 0..9 {
        client.post(BANK, &account("7000000004")).await;
    }
    let body = ask(&client, &question).await.json();
    let misses = body["near_misses"].as_array().expect("a list");
    assert_eq!(crate::stage::each(misses, "seq"), [12, 11, 10, 9, 8]);
}

#[tokio::test]
async fn near_misses_omit_requests_that_went_elsewhere_or_have_little_of_what_is_asked_for() {
    let client = asked().await;
    let near = async |request: Value| {
        let question = json!({"request": request, "at_least": 9});
        let body = ask(&client, &question).await.json();
        list(body["near_misses"].clone())
            .iter()
            .map(|one| one["seq"].as_u64().expect("a number"))
            .collect::<Vec<_>>()
    };
    let urls = "v1/callback/urls";
    for (request, seqs) in [
        (json!({"path": urls}), vec![]),
        (json!({"path": "/v9/elsewhere"}), vec![]),
        (json!({"trace": "00000000-1"}), vec![]),
        (json!({"path": urls, "method": "POST"}), vec![]),
        (
            json!({"path": urls, "body.bank_account_number": "7000000001"}),
            vec![1],
        ),
        (json!({"body.surname": "Salim"}), vec![]),
        (
            json!({"body.surname": "Salim", "body.bank_account_number": "7"}),
            vec![2, 1],
        ),
        (json!({"status": 503}), vec![3, 2, 1]),
    ] {
        assert_eq!(near(request.clone()).await, seqs, "{request}");
    }
}

#[tokio::test]
async fn it_waits_until_what_is_expected_has_come() {
    let client = Client::start().await;
    let first_then_second = json!({
        "in_order": [{"body.bank_account_number": "7000000001"}, {"body.bank_account_number": "7000000002"}],
        "wait": "30s",
    });
    let twice = json!({"request": {"endpoint": BANK}, "exactly": 2, "wait": "30s"});
    let come = async {
        client.post(BANK, &account("7000000001")).await;
        client.post(BANK, &account("7000000002")).await;
    };
    let (in_order, twice, ()) =
        tokio::join!(ask(&client, &first_then_second), ask(&client, &twice), come);
    assert_eq!((in_order.status, twice.status), (200, 200));
    assert_eq!(twice.json()["requests"].as_array().map(Vec::len), Some(2));

    let still = json!({"request": {"status": 500}, "wait": "20ms"});
    assert_eq!(ask(&client, &still).await.status, 417);
    // An expectation that can no longer be met is not awaited.
    let once = json!({"request": {"endpoint": BANK}, "exactly": 1, "wait": "1m"});
    assert_eq!(ask(&client, &once).await.status, 417);
}

#[tokio::test]
async fn never_within_looks_for_all_of_its_time_and_ends_with_the_first_that_comes() {
    let client = Client::start().await;
    let question = json!({"request": {"endpoint": BANK}, "never_within": "1m"});
    let account = account("7000000001");
    let come = client.post(BANK, &account);
    let (never, _) = tokio::join!(ask(&client, &question), come);
    assert_eq!(never.status, 417);
    let message = r#"expected no request with endpoint "v1.1/bank_account_data_requests", but 1 of 1 matched"#;
    assert_eq!(never.message(), message);

    let after = json!({"request": {"endpoint": BANK}, "never_within": "30ms", "after_seq": 1});
    let begun = std::time::Instant::now();
    assert_eq!(ask(&client, &after).await.status, 200);
    assert!(begun.elapsed() >= std::time::Duration::from_millis(30));
}

#[tokio::test]
async fn what_nobody_can_tell_is_not_verified() {
    let client = Client::start().await;
    let long = json!({"bank_code": "BCA", "padding": "x".repeat(70_000)});
    client.post(BANK, &long).await;
    let question = json!({"request": {"body.bank_code": "BCA"}, "exactly": 0});
    let answer = ask(&client, &question).await;
    assert_eq!(answer.status, 417);
    assert!(
        answer
            .message()
            .contains("but 0 of 1 matched; of 1 too little is kept to tell: "),
        "{}",
        answer.message()
    );

    for _ in 0..1002 {
        client.magic(BANK, "COMPLETED_FOUND").await;
    }
    let never = json!({"request": {"status": 500}, "exactly": 0});
    let answer = ask(&client, &never).await;
    assert_eq!(answer.status, 417);
    assert_eq!(
        answer.message(),
        "expected no request with status 500, but 0 of 1000 matched; the journal has dropped its requests up to \
         number 3, which may have matched: let only those after 3 count"
    );
    let never = json!({"request": {"status": 500}, "exactly": 0, "after_seq": 3});
    assert_eq!(ask(&client, &never).await.status, 200);
    let found = json!({"request": {"status": 200}, "at_least": 1000});
    assert_eq!(
        ask(&client, &found).await.status,
        200,
        "it is certain whatever was dropped"
    );
}

#[tokio::test]
async fn a_wait_outlives_a_reset() {
    let client = Client::start().await;
    client.post(BANK, &account("7000000001")).await;
    let question = json!({"request": {"endpoint": BANK}, "at_least": 2, "wait": "30s"});
    let come = async {
        client.post("/__sandbox/reset", &json!({})).await;
        client.post(BANK, &account("7000000001")).await;
        client.post(BANK, &account("7000000001")).await;
    };
    let (answer, ()) = tokio::join!(ask(&client, &question), come);
    assert_eq!((answer.status, &answer.json()["matched"]), (200, &json!(2)));
}

#[tokio::test]
async fn what_cannot_be_verified_is_refused_in_a_sentence() {
    let client = Client::start().await;
    for (question, message) in [
        (
            json!({"exactly": 1, "never_within": "1s"}),
            "say how often (`exactly`, or `at_least` and `at_most`), or `never_within`, or `in_order`: one of the three",
        ),
        (
            json!({"exactly": 1, "at_least": 1}),
            "`exactly` leaves no room for `at_least` and `at_most`",
        ),
        (
            json!({"at_least": 2, "at_most": 1}),
            "`at_least` is more than `at_most`",
        ),
        (json!({"in_order": []}), "`in_order`: 1 to 100 requests"),
        (
            json!({"in_order": [{}], "request": {}}),
            "`in_order` lists the requests: `request` has no place beside it",
        ),
        (
            json!({"never_within": "1s", "wait": "1s"}),
            "`never_within` says itself how long it looks: leave out `wait`",
        ),
        (
            json!({"wait": "61s"}),
            "`wait`: a request waits 60 s at most",
        ),
        (
            json!({"request": {"status": "ok"}}),
            "`status` is a number such as 200",
        ),
        (
            json!({"request": {"outcome": "COMPLETED_FUOND"}, "exactly": 0}),
            "there is no outcome `COMPLETED_FUOND`: did you mean `COMPLETED_FOUND`?",
        ),
        (
            json!({"request": {"endpoint": "v1.1/bank"}}),
            "there is no endpoint `v1.1/bank`: did you mean `v1.1/bank_account_data_requests`?",
        ),
        (
            json!({"times": 1}),
            "the body cannot be taken: unknown field `times`: known are `request`, `exactly`, `at_least`, `at_most`, \
             `never_within`, `in_order`, `wait` and `after_seq`",
        ),
        (
            json!({"atleast": 3}),
            "the body cannot be taken: unknown field `atleast`: did you mean `at_least`?",
        ),
        (
            json!({"request": {"endpont": BANK}, "exactly": 0}),
            "unknown filter `endpont`: did you mean `endpoint`?",
        ),
        (
            json!({"in_order": [{"endpont": BANK}]}),
            "unknown filter `endpont`: did you mean `endpoint`?",
        ),
        (
            json!({"request": {"bodies": {}}}),
            "unknown filter `bodies`: known are endpoint, outcome, status, method, path, trace, traceparent, request_id, body.…, header.… and query.…",
        ),
    ] {
        let answer = ask(&client, &question).await;
        assert_eq!(
            (answer.status, answer.message().as_str()),
            (400, message),
            "{question}"
        );
    }
    let all = client.post("/__sandbox/verify?world=all", &json!({})).await;
    assert_eq!(all.message(), "`world`: one world is verified at a time");
}

#[tokio::test]
async fn what_a_test_prints_shows_no_key() {
    let client = Client::start().await;
    let secret = client.sandbox.callback_token();
    let body = json!({"bank_code": client.sandbox.api_key(), "token": secret});
    client.post(BANK, &body).await;
    let world = client.sandbox.default_world();
    let wait = std::time::Duration::from_millis(1);
    let query = Query::any().body("bank_code", "BCA").body("token", 1);
    let said = world
        .wait_for_within(wait, query)
        .await
        .expect_err("none")
        .to_string();
    assert!(
        said.ends_with(
            "    body.bank_code: expected \"BCA\", received \"iluma_development_…\"\n    body.token: expected 1, received \"…\""
        ),
        "{said}"
    );
}

#[tokio::test]
async fn a_long_list_and_a_long_comparison_let_others_be_answered_meanwhile() {
    let client = Client::start().await;
    for _ in 0..1000 {
        client.post(BANK, &account("7000000001")).await;
    }
    let filters = (0..100).map(|at| (format!("body.field_{at}"), json!(at)));
    let filters: serde_json::Map<_, _> = filters.collect();
    let question = json!({"request": filters});
    let key = "iluma_development_0000000000000000000000000000000000000000";
    let other = async || {
        let request = client.as_key(key, "POST", BANK);
        Answer::of(request.header("x-magic-reply", "COMPLETED_FOUND")).await
    };
    other().await; // its connection is there now
    tokio::select! {
        biased;
        long = ask(&client, &question) => panic!("nobody else was answered: {}", long.text),
        answer = other() => assert_eq!(answer.status, 200),
    }
    tokio::select! {
        biased;
        long = client.get("/__sandbox/requests?limit=1000") => panic!("nobody else was answered: {}", long.status),
        answer = other() => assert_eq!(answer.status, 200),
    }
}

/// Asks for a verification that waits, and returns the answer when it has come.
fn waiting(client: &Client, question: &Value) -> tokio::task::JoinHandle<Answer> {
    let request = client.request("POST", "/__sandbox/verify").json(question);
    tokio::spawn(Answer::of(request))
}

#[tokio::test]
async fn one_request_answers_all_who_wait_for_it_and_no_one_else() {
    let client = Client::start().await;
    let question = |number: &str| {
        let request = json!({"endpoint": BANK, "body.bank_account_number": number});
        json!({"request": request, "wait": "60s"})
    };
    let meant: Vec<_> = (0..50)
        .map(|_| waiting(&client, &question("7000000002")))
        .collect();
    let other = waiting(&client, &question("7000000003"));
    client.post(BANK, &account("7000000001")).await;
    client.post(BANK, &account("7000000002")).await;
    for one in meant {
        let answer = one.await.expect("an answer");
        assert_eq!((answer.status, &answer.json()["matched"]), (200, &json!(1)));
    }
    assert!(!other.is_finished());
    client.post(BANK, &account("7000000003")).await;
    assert_eq!(other.await.expect("an answer").status, 200);
}

#[tokio::test]
async fn those_who_wait_are_answered_when_the_first_of_them_has_gone() {
    let client = Client::start().await;
    let question = json!({"request": {"endpoint": BANK}, "wait": "60s"});
    let first = waiting(&client, &question);
    for _ in 0..20 {
        client.get("/health").await; // the first one waits by now
    }
    let second = waiting(&client, &question);
    for _ in 0..20 {
        client.get("/health").await;
    }
    first.abort();
    assert!(first.await.is_err());
    client.post(BANK, &account("7000000001")).await;
    assert_eq!(second.await.expect("an answer").status, 200);
}

#[tokio::test]
async fn the_closest_requests_are_found_among_many_of_other_endpoints() {
    let client = Client::start().await;
    client.post(BANK, &account("7000000001")).await;
    for _ in 0..200 {
        client.post(PERSON, &json!({"given_names": "Testy"})).await;
    }
    let question = json!({"request": {"endpoint": BANK, "body.bank_account_number": "7000000009"}});
    let body = ask(&client, &question).await.json();
    let seqs = list(body["near_misses"].clone());
    let seqs: Vec<_> = seqs.iter().map(|one| one["seq"].as_u64()).collect();
    assert_eq!(seqs, [Some(1)]);
}

#[tokio::test]
async fn every_answer_that_grows_with_a_world_lets_others_be_answered_meanwhile() {
    let nobody = "http://127.0.0.1:9/".parse().expect("a URL");
    let builder = Sandbox::builder().callback(TYPE, nobody);
    let client = Client::of(builder).await;
    for _ in 0..1000 {
        client.post(BANK, &account("7000000001")).await;
        client
            .post("/__sandbox/trigger", &json!({"type": TYPE}))
            .await;
        client.post("/__sandbox/inbox/mine", &json!({})).await;
    }
    let key = "iluma_development_0000000000000000000000000000000000000000";
    let other = async || {
        let request = client.as_key(key, "POST", BANK);
        Answer::of(request.header("x-magic-reply", "COMPLETED_FOUND")).await
    };
    other().await; // its connection is there now
    for path in [
        "/__sandbox/requests?limit=1000",
        "/__sandbox/export",
        "/__sandbox/deliveries?limit=5000",
        "/__sandbox/inbox/mine",
        "/__sandbox/snapshot",
    ] {
        tokio::select! {
            biased;
            long = client.get(path) => panic!("{path}: nobody else was answered: {}", long.status),
            answer = other() => assert_eq!(answer.status, 200, "{path}"),
        }
    }
}
