//! The journal over HTTP: filters, pages, waiting.

use iluma_sandbox::{PUBLIC_KEY, Sandbox};
use serde_json::{Value, json};

use crate::client::{Answer, Client, png};
use crate::stage::{BANK, each, key, list};

const PERSON: &str = "/v0/identity/individual_cft_peps";

fn account(number: &str) -> Value {
    json!({"bank_account_number": number, "bank_code": "BCA"})
}

async fn requests(client: &Client, query: &str) -> Value {
    let answer = client.get(&format!("/__sandbox/requests?{query}")).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.text);
    answer.json()
}

/// The numbers of the listed requests.
async fn numbers(client: &Client, query: &str) -> Vec<u64> {
    let listed = list(requests(client, query).await["requests"].take());
    let numbers = each(&listed, "seq").into_iter().map(Value::as_u64);
    numbers.map(|number| number.expect("a number")).collect()
}

/// Two accounts, of which the first is read again; a refused person; a path that is not a product.
async fn asked() -> Client {
    let client = Client::start().await;
    let request = client.request("POST", BANK).header("x-case", "One");
    let first = Answer::of(request.json(&account("7000000001"))).await;
    client.post(BANK, &account("7000000002")).await;
    let id = first.json()["id"].as_str().expect("an id").to_owned();
    client.get(&format!("{BANK}/{id}?page=2&page=3")).await;
    client.post(PERSON, &json!({"given_names": 5})).await;
    client.get("/v1/callback/urls").await;
    client
}

#[tokio::test]
async fn a_request_is_shown_with_its_reply() {
    let client = asked().await;
    let mut listed = requests(&client, "order=oldest").await;
    let trace = listed["requests"][0]["trace"].as_str().expect("a trace");
    let trace = trace.to_owned();
    let tag = trace.strip_suffix("-1").expect("the first");
    let mut first = listed["requests"][0].take();
    let id = first["reply"]["id"].as_str().expect("an id").to_owned();
    let record = client.get(&format!("{BANK}/{id}")).await.json();
    assert_eq!(first["reply"].take(), record);
    for (name, is_right) in [
        (
            "at",
            first["at"]
                .as_str()
                .is_some_and(|at| at.ends_with('Z') && at.len() == 27),
        ),
        ("duration_us", first["duration_us"].is_u64()),
        ("reply_bytes", first["reply_bytes"].as_u64() > Some(100)),
    ] {
        assert!(is_right, "{name}: {first}");
        first[name] = Value::Null;
    }
    let address = client.sandbox.address().to_string();
    assert_eq!(
        first,
        json!({
            "seq": 1,
            "trace": format!("{tag}-1"),
            "at": null,
            "world": tag,
            "method": "POST",
            "path": BANK,
            "query": {},
            "headers": {
                "authorization": "…",
                "x-case": "One",
                "content-type": "application/json",
                "accept": "*/*",
                "host": address,
                "content-length": "54",
            },
            "body": {"bank_account_number": "7000000001", "bank_code": "BCA"},
            "body_bytes": 54,
            "endpoint": "v1.1/bank_account_data_requests",
            "outcome": "v1.1/bank_account_data_requests/COMPLETED_FOUND",
            "status": 200,
            "reply": null,
            "reply_headers": {
                "content-type": "application/json; charset=utf-8",
                "x-sandbox-outcome": "v1.1/bank_account_data_requests/COMPLETED_FOUND",
                "x-sandbox-trace": trace,
            },
            "reply_bytes": null,
            "duration_us": null,
            "delay_ms": 0,
            "fault": null,
        })
    );
    let third = &listed["requests"][2];
    assert_eq!(third["query"], json!({"page": ["2", "3"]}));
    assert_eq!(
        (&third["body"], &third["body_bytes"]),
        (&Value::Null, &json!(0))
    );
    let fifth = &listed["requests"][4];
    assert_eq!(
        (&fifth["endpoint"], &fifth["outcome"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(
        (
            &listed["matched"],
            &listed["last_seq"],
            &listed["dropped"],
            &listed["reaches_into_dropped"]
        ),
        (&json!(5), &json!(5), &json!(0), &json!(false))
    );
}

#[tokio::test]
async fn each_filter_keeps_what_it_says() {
    let client = asked().await;
    let trace = requests(&client, "limit=1").await["requests"][0]["trace"].to_string();
    let trace = format!("trace={}", trace.trim_matches('"'));
    for (filter, expected) in [
        ("", vec![1, 2, 3, 4, 5]),
        ("endpoint=v1.1/bank_account_data_requests", vec![1, 2, 3]),
        (
            "endpoint=/v1.1/identity/bank_account_data_requests",
            vec![1, 2, 3],
        ),
        ("endpoint=v0/individual_cft_peps", vec![4]),
        ("outcome=COMPLETED_FOUND", vec![1, 2, 3]),
        ("outcome=completed_found&method=get", vec![3]),
        (
            "outcome=v0/individual_cft_peps/API_VALIDATION_ERROR",
            vec![4],
        ),
        ("outcome=v0/individual_cft_peps/COMPLETED_FOUND", vec![]),
        ("outcome=listed", vec![]),
        ("outcome=null", vec![5]),
        (
            "endpoint=v1.1/bank_account_data_requests&outcome=failed",
            vec![],
        ),
        ("outcome=FAILED", vec![]),
        ("status=400", vec![4]),
        ("method=POST", vec![1, 2, 4]),
        ("path=/v1/callback/urls", vec![5]),
        ("body.bank_account_number=7000000002", vec![2]),
        ("body.given_names=5", vec![4]),
        ("body.given_names=5.0", vec![4]),
        ("body.given_names=null&method=POST", vec![1, 2]),
        ("header.x-case=One", vec![1]),
        ("header.X-Case=one", vec![]),
        ("header.x-case=null", vec![2, 3, 4, 5]),
        (r#"query.page=["2","3"]"#, vec![3]),
        ("query.page=2", vec![]),
        ("query.page=3", vec![]),
        (&trace, vec![5]),
        ("after_seq=3", vec![4, 5]),
        ("before_seq=3", vec![1, 2]),
        ("after_seq=1&before_seq=3", vec![2]),
        (
            "status=200&endpoint=v1.1/bank_account_data_requests&header.x-case=One",
            vec![1],
        ),
    ] {
        let query = format!("order=oldest&{filter}");
        assert_eq!(numbers(&client, &query).await, expected, "{filter}");
    }
}

#[tokio::test]
async fn fields_of_forms_and_facts_of_files_are_found_as_those_of_json_are() {
    let client = Client::start().await;
    let request = client.request("POST", BANK);
    let form = [("bank_account_number", "7000000001"), ("bank_code", "BCA")];
    Answer::of(request.form(&form)).await;
    let file = reqwest::multipart::Part::bytes(png(800, 500, 60_000)).file_name("card.png");
    let parts = reqwest::multipart::Form::new()
        .part("image", file)
        .text("user_id", "77");
    let request = client.request("POST", "/v0/identity/id_card_verifications");
    Answer::of(request.multipart(parts)).await;
    Answer::of(client.request("POST", BANK).body("no JSON at all")).await;
    let mut listed = requests(&client, "order=oldest").await;
    let bodies: Vec<_> = (0..3)
        .map(|at| listed["requests"][at]["body"].take())
        .collect();
    assert_eq!(bodies[0], account("7000000001"));
    assert_eq!(
        (
            &bodies[1]["user_id"],
            &bodies[1]["image"]["file_name"],
            &bodies[1]["image"]["width"]
        ),
        (&json!("77"), &json!("card.png"), &json!(800))
    );
    assert_eq!(bodies[2], "no JSON at all");
    assert_eq!(
        numbers(&client, "body.bank_account_number=7000000001").await,
        [1]
    );
    assert_eq!(numbers(&client, "body.user_id=77").await, [2]);
    assert_eq!(numbers(&client, "body.image.width=800").await, [2]);
}

#[tokio::test]
async fn pages_follow_each_other_in_both_orders() {
    let client = Client::start().await;
    for _ in 0..5 {
        client.magic(BANK, "COMPLETED_FOUND").await;
    }
    let mut seen = Vec::new();
    let mut query = "limit=2".to_owned();
    loop {
        let page = requests(&client, &query).await;
        seen.push((numbers(&client, &query).await, page["matched"].clone()));
        let Some(next) = page["next"].as_u64() else {
            break;
        };
        query = format!("limit=2&before_seq={next}");
    }
    assert_eq!(
        seen,
        [
            (vec![5, 4], json!(5)),
            (vec![3, 2], json!(3)),
            (vec![1], json!(1))
        ]
    );
    let page = requests(&client, "limit=2&order=oldest&after_seq=2").await;
    assert_eq!(page["next"], 4);
    let page = requests(&client, "limit=0").await;
    assert_eq!(
        (&page["requests"], &page["matched"], &page["next"]),
        (&json!([]), &json!(5), &Value::Null)
    );
}

#[tokio::test]
async fn a_page_ends_at_8_mib() {
    let client = Client::start().await;
    let padding = "x".repeat(60_000);
    for _ in 0..150 {
        client.post(BANK, &json!({"padding": padding})).await;
    }
    let page = requests(&client, "limit=1000&order=oldest").await;
    let shown = page["requests"].as_array().expect("a list").len();
    assert!((130..150).contains(&shown), "{shown}");
    assert_eq!(
        (page["next"].as_u64(), &page["matched"]),
        (Some(shown as u64), &json!(150))
    );
}

#[tokio::test]
async fn it_waits_for_as_many_as_are_asked_for() {
    let client = Client::start().await;
    let path = "/__sandbox/requests?wait=30s&count=2&body.bank_account_number=7000000001";
    let ask = async {
        for number in ["7000000001", "7000000002", "7000000001"] {
            client.post(BANK, &account(number)).await;
        }
    };
    let (waited, ()) = tokio::join!(client.get(path), ask);
    assert_eq!(waited.status, 200, "{}", waited.text);
    assert_eq!(waited.json()["matched"], 2);
    assert_eq!(waited.json()["requests"][0]["seq"], 3);
}

#[tokio::test]
async fn a_wait_that_is_over_says_what_came_closest() {
    let client = asked().await;
    let path =
        "/__sandbox/requests?wait=50ms&status=200&body.bank_account_number=7000000003&method=POST";
    let answer = client.get(path).await;
    assert_eq!(answer.status, 408);
    let body = answer.json();
    assert_eq!(body["error"], "timeout");
    assert_eq!(
        answer.message(),
        r#"expected at least 1 request with status 200, method "POST", body.bank_account_number 7000000003, but 0 of 5 matched"#
    );
    let near = &body["near_misses"][0];
    assert_eq!(
        (&near["seq"], &near["request"], &near["differences"]),
        (
            &json!(2),
            &json!("POST /v1.1/identity/bank_account_data_requests → 200 COMPLETED_FOUND"),
            &json!([{"field": "body.bank_account_number", "expected": "7000000003", "received": "7000000002"}])
        )
    );
    assert_eq!(body["near_misses"].as_array().map(Vec::len), Some(5));
}

#[tokio::test]
async fn a_list_that_reaches_into_what_was_dropped_says_so() {
    let client = Client::start().await;
    for _ in 0..1003 {
        client.magic(BANK, "COMPLETED_FOUND").await;
    }
    let page = requests(&client, "limit=1").await;
    assert_eq!(
        (
            &page["matched"],
            &page["dropped"],
            &page["reaches_into_dropped"],
            &page["last_seq"]
        ),
        (&json!(1000), &json!(3), &json!(true), &json!(1003))
    );
    for (after, reaches) in [(2, true), (3, false)] {
        let page = requests(&client, &format!("after_seq={after}&limit=0")).await;
        assert_eq!(page["reaches_into_dropped"], reaches, "{after}");
    }
}

#[tokio::test]
async fn a_body_that_is_kept_only_in_part_is_neither_found_nor_missed() {
    let client = Client::start().await;
    let long = json!({"bank_code": "BCA", "padding": "x".repeat(70_000)});
    client.post(BANK, &long).await;
    let found = requests(&client, "body.bank_code=BCA").await;
    let trace = requests(&client, "limit=1").await["requests"][0]["trace"].clone();
    assert_eq!(
        (&found["matched"], &found["not_judged"]),
        (&json!(0), &json!([trace]))
    );
    let other = requests(&client, "body.bank_code=BCA&status=200").await;
    assert_eq!(
        other["not_judged"],
        json!([]),
        "its status alone says that it is another"
    );

    let shown = &requests(&client, "").await["requests"][0];
    assert_eq!(shown["body_bytes"], 70_032);
    assert_eq!(shown["body"].as_str().map(str::len), Some(65_536));
    assert_eq!(shown["body_sha256"].as_str().map(str::len), Some(64));

    let near = client
        .get("/__sandbox/requests?body.bank_code=BCA&wait=1ms")
        .await;
    assert_eq!(
        near.json()["near_misses"][0]["differences"],
        json!([{
            "field": "body.bank_code",
            "expected": "BCA",
            "received": null,
            "note": "of the 70032 bytes of the body only the first 65536 are kept",
        }])
    );
}

#[tokio::test]
async fn keys_and_tokens_are_never_shown() {
    let client = Client::start().await;
    let other = key('q');
    client.get("/v1/callback/authentication_token").await;
    let token = client.sandbox.callback_token();
    let body = json!({"bank_code": PUBLIC_KEY, "nested": [{"token": token, PUBLIC_KEY: 1}]});
    let request = client.request("POST", &format!("{BANK}?key={other}&token={token}"));
    let request = request
        .header("x-callback-token", &token)
        .header("x-key", &other);
    Answer::of(request.json(&body)).await;
    let path = format!("/v0/nothing/{PUBLIC_KEY}");
    client.get(&path).await;
    for query in [
        "requests?",
        "requests?world=all",
        "requests?world=strangers",
        "requests?wait=1ms&body.bank_code=BCA&header.x-key=1",
        "export?",
        "export?world=all",
    ] {
        let shown = client.get(&format!("/__sandbox/{query}")).await.text;
        for secret in [PUBLIC_KEY, &other, &token] {
            let (start, end) = secret.split_at(30);
            assert!(!shown.contains(end), "{query}: {start}… is in {shown}");
        }
        assert!(
            shown.contains('…'),
            "{query} shows where one stood: {shown}"
        );
    }
    let asked = &requests(&client, "endpoint=v1.1/bank_account_data_requests").await["requests"][0];
    assert_eq!(
        asked["query"],
        json!({"key": "iluma_development_…", "token": "…"})
    );
    assert_eq!(
        asked["body"],
        json!({"bank_code": "iluma_development_…", "nested": [{"token": "…", "iluma_development_…": 1}]})
    );
}

#[tokio::test]
async fn worlds_see_their_own_requests_and_all_of_them_can_be_asked_for() {
    let client = Client::start().await;
    let (one, other) = (key('a'), key('b'));
    for key in [&one, &other, &one] {
        let request = client.as_key(key, "POST", BANK);
        Answer::of(request.json(&account("7000000001"))).await;
    }
    Answer::of(client.bare("POST", BANK)).await;
    client.get("/v9/nothing").await;
    let of = |path: &str| {
        let request = client.as_key(&one, "GET", &format!("/__sandbox/{path}"));
        async { Answer::of(request).await.json() }
    };
    assert_eq!(of("requests").await["matched"], 2);
    let all = of("requests?world=all&status=200&limit=2").await;
    let seqs = each(all["requests"].as_array().expect("a list"), "seq");
    assert_eq!(
        (&all["matched"], seqs),
        (&json!(3), vec![&json!(2), &json!(1)])
    );
    let oldest = of("requests?world=all&order=oldest").await;
    let seqs = each(oldest["requests"].as_array().expect("a list"), "seq");
    assert_eq!(seqs, [&json!(1), &json!(1), &json!(2)]);
    let strangers = of("requests?world=strangers&order=oldest").await;
    let strangers = strangers["requests"].as_array().expect("a list");
    assert_eq!(each(strangers, "status"), [&json!(401), &json!(404)]);
    assert_eq!(
        each(strangers, "trace"),
        [&json!("00000000-1"), &json!("00000000-2")]
    );
}

#[tokio::test]
async fn a_refused_stranger_can_be_waited_for() {
    let client = Client::start().await;
    let path = "/__sandbox/requests?world=strangers&status=401&wait=30s";
    let refused = Answer::of(client.bare("POST", BANK));
    let (waited, refused) = tokio::join!(client.get(path), refused);
    assert_eq!((waited.status, refused.status), (200, 401));
    assert_eq!(
        waited.json()["requests"][0]["outcome"],
        "v1.1/bank_account_data_requests/INVALID_API_KEY"
    );
}

#[tokio::test]
async fn where_only_some_keys_are_let_in_others_see_nothing() {
    let own = key('a');
    let builder = Sandbox::builder().api_key(own.parse().expect("a key"));
    let client = Client::of(builder).await;
    for query in ["", "?world=all", "?world=strangers"] {
        let path = format!("/__sandbox/requests{query}");
        let foreign = Answer::of(client.as_key(&key('b'), "GET", &path)).await;
        assert_eq!(foreign.status, 401, "{query}");
        let own = Answer::of(client.as_key(&own, "GET", &path)).await;
        assert_eq!(own.status, 200, "{query}");
    }
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_with_what_could_be() {
    let client = Client::start().await;
    for (query, message) in [
        (
            "boddy.x=1",
            "unknown filter `boddy.x`: known are endpoint, outcome, status, method, path, trace, traceparent, request_id, body.…, header.… and query.…",
        ),
        (
            "endpoint=v0/individual_cft_pep",
            "there is no endpoint `v0/individual_cft_pep`: did you mean `v0/individual_cft_peps`?",
        ),
        (
            "outcome=COMPLETED_FUOND",
            "there is no outcome `COMPLETED_FUOND`: did you mean `COMPLETED_FOUND`?",
        ),
        (
            "endpoint=v0/individual_cft_peps&outcome=WAITING_ON_BNAK",
            "`v0/individual_cft_peps` has no outcome `WAITING_ON_BNAK`",
        ),
        (
            "outcome=v0/individual_cft_peps/COMPLETED_FUOND",
            "`v0/individual_cft_peps` has no outcome `COMPLETED_FUOND`: did you mean `COMPLETED_FOUND`?",
        ),
        (
            "outcome=v0/individual_cft_pep/COMPLETED_FOUND",
            "there is no endpoint `v0/individual_cft_pep`: did you mean `v0/individual_cft_peps`?",
        ),
        ("status=ok", "`status` is a number such as 200"),
        (
            "header.authorization=x",
            "the API key is not kept: `header.authorization` is the same in all requests of a world",
        ),
        ("header.a%20b=x", "`header.a b` names no header"),
        ("order=up", "`order` is newest or oldest"),
        (
            "order=oldst",
            "`order` is newest or oldest: did you mean `oldest`?",
        ),
        ("limit=1001", "`limit`: a page has 1000 requests at most"),
        ("limit=-1", "`limit`: `-1` is no whole number"),
        ("wait=2m", "`wait`: a request waits 60 s at most"),
        (
            "wait=2",
            "`wait`: `2` is no duration: write `250ms`, `10s`, `5m`, `2h` or `3d`",
        ),
        (
            "count=2",
            "`count` says how many to wait for: it needs `wait`",
        ),
        (
            "world=mine",
            "`world` is own, all, strangers or the tag of a world",
        ),
        (
            "world=stranger",
            "`world` is own, all, strangers or the tag of a world: did you mean `strangers`?",
        ),
        (
            "world=all&after_seq=3",
            "`wait`, `after_seq` and `before_seq` need one world: each counts its own requests",
        ),
    ] {
        let answer = client.get(&format!("/__sandbox/requests?{query}")).await;
        assert_eq!(
            (answer.status, answer.message().as_str()),
            (400, message),
            "{query}"
        );
    }
}

#[tokio::test]
async fn a_control_token_that_was_sent_to_a_product_is_not_shown() {
    let token = "s3cret-of-the-control-api";
    let builder = Sandbox::builder().control_token(token.parse().expect("a token"));
    let client = Client::of(builder).await;
    let request = client.request("POST", BANK).json(&account("7000000001"));
    Answer::of(request.header("x-sandbox-control-token", token)).await;
    for path in ["requests", "requests?world=all", "export?world=all"] {
        let request = client.request("GET", &format!("/__sandbox/{path}"));
        let answer = Answer::of(request.header("x-sandbox-control-token", token)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert!(!answer.text.contains(token), "{path}: {}", answer.text);
        assert!(
            answer.text.contains(r#""x-sandbox-control-token":"…""#),
            "{path}"
        );
    }
}

#[tokio::test]
async fn another_name_of_an_outcome_finds_it() {
    let client = Client::start().await;
    client.magic(BANK, "TEMPORARY_NETWORK_ERROR").await;
    for query in [
        "outcome=FAILED_TEMPORARY_NETWORK_ERROR",
        "outcome=temporary_network_error",
        "endpoint=v1.1/bank_account_data_requests&outcome=FAILED",
        "outcome=v1.1/bank_account_data_requests/FAILED",
    ] {
        assert_eq!(numbers(&client, query).await, [1], "{query}");
    }
}

#[tokio::test]
async fn a_trace_means_one_request_also_after_a_reset() {
    let client = Client::start().await;
    let input = json!({"bank_account_number": "7000000001", "bank_code": "BCA"});
    let trace = async || {
        let answer = client.post(BANK, &input).await;
        let trace = answer.header("x-sandbox-trace").expect("a trace");
        let (_, number) = trace.split_once('-').expect("world and number");
        number.to_owned()
    };
    assert_eq!(trace().await, "1");
    client.post("/__sandbox/reset", &json!({})).await;
    assert_eq!(trace().await, "2");
    assert_eq!(numbers(&client, "after_seq=1").await, [2]);
}
