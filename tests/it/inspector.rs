//! The inspector's page, its stream of events, and requests that name a world.

use std::time::Duration;

use iluma_sandbox::{Builder, ControlToken, PUBLIC_KEY, Sandbox};
use reqwest::Response;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::client::{Answer, Client};
use crate::patience::patiently;
use crate::process::write;
use crate::receiver::StandingClock;
use crate::stage::{BANK, key};

const EVENTS: &str = "/__sandbox/events";

/// A stream of events, read one by one.
pub(crate) struct Stream {
    response: Response,
    text: String,
}

impl Stream {
    pub(crate) async fn open(client: &Client, query: &str) -> Self {
        Self::open_with(client, query, "none").await
    }

    /// The same where a control token is needed.
    pub(crate) async fn open_with(client: &Client, query: &str, control_token: &str) -> Self {
        let request = client.request("GET", &format!("{EVENTS}{query}"));
        let request = request.header("x-sandbox-control-token", control_token);
        let response = request.send().await.expect("a stream");
        assert_eq!(response.status(), 200);
        let kind = &response.headers()["content-type"];
        assert_eq!(kind, "text/event-stream; charset=utf-8");
        Self {
            response,
            text: String::new(),
        }
    }

    /// The next event with its data. None when the stream has ended.
    async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                let Some(event) = event.strip_prefix("event: ") else {
                    assert_eq!(event, ":", "a heartbeat");
                    continue;
                };
                let (name, data) = event.split_once("\ndata: ").expect("an event with data");
                let data = serde_json::from_str(data).expect("JSON");
                return Some((name.to_owned(), data));
            }
            let piece = patiently(self.response.chunk()).await;
            let piece = piece.expect("it comes in time").ok().flatten()?;
            self.text += std::str::from_utf8(&piece).expect("UTF-8");
        }
    }

    /// The data of the next event of this name; other events are skipped.
    async fn until(&mut self, name: &str) -> Value {
        loop {
            let (event, data) = self.next().await.expect("the stream goes on");
            if event == name {
                return data;
            }
        }
    }

    /// Reads this many exchanges, from any number of events.
    pub(crate) async fn exchanges(&mut self, count: usize) -> Vec<Value> {
        let mut all = Vec::new();
        while all.len() < count {
            match self.until("exchanges").await {
                Value::Array(more) => all.extend(more),
                other => panic!("{other} is no list"),
            }
        }
        all
    }
}

async fn worlds_tag(client: &Client) -> String {
    let setup = client.get("/__sandbox/setup").await.json();
    setup["world"].as_str().expect("a tag").to_owned()
}

#[tokio::test]
async fn the_page_and_its_files_come_with_a_policy_that_lets_nothing_else_in() {
    let client = Client::start().await;
    let page = Answer::of(client.bare("GET", "/__sandbox/")).await;
    assert_eq!(page.status, 200);
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert_eq!(
        page.header("content-security-policy"),
        Some(
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
             base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
    );
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    assert!(!page.text.contains("<script>") && !page.text.contains(" style="));
    assert!(!page.text.contains("onclick"));
    let mut asked = vec!["style.css".to_owned(), "main.js".to_owned()];
    let mut at = 0;
    let mut bytes = page.text.len();
    while let Some(name) = asked.get(at).cloned() {
        let file = Answer::of(client.bare("GET", &format!("/__sandbox/inspector/{name}"))).await;
        assert_eq!(file.status, 200, "{name}");
        let kind = if std::path::Path::new(&name)
            .extension()
            .is_some_and(|end| end == "css")
        {
            "text/css; charset=utf-8"
        } else {
            "text/javascript; charset=utf-8"
        };
        assert_eq!(file.header("content-type"), Some(kind), "{name}");
        assert!(!file.text.contains("innerHTML"), "{name}");
        bytes += file.text.len();
        for import in file.text.split("from './").skip(1) {
            let import = import.split('\'').next().expect("a name").to_owned();
            if !asked.contains(&import) {
                asked.push(import);
            }
        }
        at += 1;
    }
    let files = std::fs::read_dir("src/control/pages/inspector").expect("the files");
    assert_eq!(asked.len() + 1, files.count(), "every file is asked for");
    assert!(bytes < 168_000, "the page has {bytes} bytes");
}

#[tokio::test]
async fn without_its_slash_the_page_is_found_too_and_unknown_files_are_not() {
    let client = Client::start().await;
    let page = Answer::of(client.bare("GET", "/__sandbox")).await; // the client follows
    assert!(page.text.starts_with("<!doctype html>"));
    let none = Answer::of(client.bare("GET", "/__sandbox/inspector/none.js")).await;
    assert_eq!(none.status, 404);
    assert_eq!(
        none.json(),
        json!({"error": "unknown_control_route", "message": "there is no such file; the page is at /__sandbox/"})
    );
}

#[tokio::test]
async fn the_page_is_told_the_key_only_where_it_is_the_documentations() {
    let client = Client::start().await;
    let setup = client.get("/__sandbox/setup").await.json();
    assert_eq!(setup["api_key"], PUBLIC_KEY);
    assert_eq!(setup["url"], client.sandbox.url());
    let own = key('s');
    let choosy = Client::of(Sandbox::builder().api_key(own.parse().expect("a key"))).await;
    let setup = Answer::of(choosy.bare("GET", "/__sandbox/setup")).await;
    assert_eq!(setup.json()["api_key"], Value::Null);
    assert!(!setup.text.contains(&own));
}

#[tokio::test]
async fn a_stream_begins_with_what_there_is_and_goes_on_with_what_comes_in_order() {
    let client = Client::start().await;
    let tag = worlds_tag(&client).await;
    client.magic(BANK, "COMPLETED_FOUND").await;
    client
        .bare("GET", "/nothing")
        .send()
        .await
        .expect("an answer");
    let mut stream = Stream::open(&client, "?world=all&backlog=100").await;
    let names = [stream.next().await, stream.next().await].map(|event| event.expect("one").0);
    assert_eq!(names, ["hello", "reload"]);
    let before = stream.exchanges(2).await;
    let mut first = before[0].clone();
    assert!(first["at"].take().is_string());
    assert!(first["duration_us"].take().is_u64());
    assert!(first["record"].take().is_string());
    assert_eq!(
        first,
        json!({
            "seq": 1, "trace": format!("{tag}-1"), "at": null, "world": tag, "method": "POST", "path": BANK,
            "endpoint": "v1.1/bank_account_data_requests",
            "outcome": "v1.1/bank_account_data_requests/COMPLETED_FOUND",
            "status": 200, "mark": null, "record": null, "traceparent": null, "request_id": null, "duration_us": null, "delay_ms": 0, "fault": null,
        })
    );
    assert_eq!(before[1]["mark"], "unmatched");
    assert_eq!(before[1]["world"], "00000000");
    let ready = stream.next().await.expect("the end of the backlog");
    assert_eq!(ready, ("ready".to_owned(), json!({})));
    for outcome in ["PENDING", "SERVER_ERROR", "COMPLETED_NOT_FOUND"] {
        client.magic(BANK, outcome).await;
    }
    let after = stream.exchanges(3).await;
    let seqs: Vec<_> = after.iter().map(|one| &one["seq"]).collect();
    assert_eq!(seqs, [2, 3, 4]);
    assert_eq!(after[1]["status"], 500);
    assert_eq!(
        after[1]["mark"],
        Value::Null,
        "what was asked for is not refused"
    );
    client.post(BANK, &json!({})).await;
    assert_eq!(stream.exchanges(1).await[0]["mark"], "refused");
}

#[tokio::test]
async fn a_stream_of_one_world_hears_nothing_of_others() {
    let client = Client::start().await;
    let mut stream = Stream::open(&client, "").await;
    stream.until("reload").await;
    Answer::of(
        client
            .as_key(&key('o'), "POST", BANK)
            .header("x-magic-reply", "PENDING"),
    )
    .await;
    client
        .bare("GET", "/nothing")
        .send()
        .await
        .expect("an answer");
    client.magic(BANK, "COMPLETED_FOUND").await;
    let heard = stream.exchanges(1).await;
    assert_eq!(heard.len(), 1);
    assert_eq!(heard[0]["world"], worlds_tag(&client).await);
}

#[tokio::test]
async fn a_stream_tells_of_deliveries_settings_resets_and_the_inbox() {
    let client = Client::start().await;
    let tag = worlds_tag(&client).await;
    let mut stream = Stream::open(&client, "?world=all").await;
    stream.until("reload").await;
    let url = format!("{}/__sandbox/inbox/mine", client.sandbox.url());
    let urls = json!({"type": "NAME_VALIDATOR_REQUEST", "url": url});
    client.post("/v1/callback/urls", &urls).await;
    assert_eq!(stream.until("inbox").await, json!({}));
    client.magic(BANK, "COMPLETED_FOUND").await;
    client.get("/__sandbox/idle?wait=10s").await;
    loop {
        let told = stream.until("deliveries").await;
        assert_eq!(told["world"], tag.as_str());
        if told["pending"] == 0 && told["last_seq"] == 1 {
            break;
        }
    }
    client
        .post("/__sandbox/clock/advance", &json!({"by": "1h"}))
        .await;
    assert_eq!(stream.until("world").await, json!({"world": tag}));
    client.post("/__sandbox/reset", &json!({})).await;
    assert_eq!(stream.until("reset").await, json!({"world": tag}));
}

#[tokio::test]
async fn a_stream_tells_of_a_broken_file_and_of_its_mending() {
    let folder = tempfile::tempdir().expect("a folder");
    let client = Client::of(Sandbox::builder().scenarios(folder.path())).await;
    let mut stream = Stream::open(&client, "?world=all").await;
    assert_eq!(stream.until("reload").await["scenarios"], "current");
    write(folder.path(), "broken.toml", "path = 12\n");
    let broken = stream.until("reload").await;
    assert_eq!(broken["scenarios"], "stale");
    assert_eq!(broken["errors"][0]["line"], 1);
    let text = broken["error_text"].as_str().expect("a text");
    assert!(
        text.contains("1 | path = 12") && text.contains("^^"),
        "{text}"
    );
    std::fs::remove_file(folder.path().join("broken.toml")).expect("it goes");
    assert_eq!(stream.until("reload").await["scenarios"], "current");
}

#[tokio::test(start_paused = true)]
async fn what_a_stream_has_no_room_for_slows_no_answer_and_is_counted() {
    let _still = StandingClock::hold();
    let client = Client::start().await;
    let ask = async || {
        let answer = client.get("/v1.2/bank/available_bank_codes").await;
        assert_eq!(answer.status, 200);
    };
    let mut stream = Stream::open(&client, "?world=all").await;
    let _unread = Stream::open(&client, "?world=all").await;
    stream.until("reload").await;
    ask().await;
    assert_eq!(stream.exchanges(1).await[0]["seq"], 1);
    // The stream looks again after a tenth of a second, and the clock is paused.
    for _ in 0..300 {
        ask().await;
    }
    tokio::time::advance(Duration::from_millis(100)).await;
    let (event, data) = stream.next().await.expect("the stream goes on");
    assert_eq!(
        (event.as_str(), data),
        ("skipped", json!({"exchanges": 50}))
    );
    let (event, data) = stream.next().await.expect("the stream goes on");
    assert_eq!(event, "exchanges");
    let seqs = data
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| &one["seq"]);
    assert!(seqs.eq((52..=301).map(Value::from).collect::<Vec<_>>().iter()));
}

#[tokio::test]
async fn a_backlog_is_the_latest_of_all_worlds_in_the_order_of_time() {
    let client = Client::start().await;
    for world in ['a', 'b', 'c'] {
        for _ in 0..4 {
            let request = client.as_key(&key(world), "GET", "/v1.2/bank/available_bank_codes");
            assert_eq!(Answer::of(request).await.status, 200);
        }
    }
    let mut stream = Stream::open(&client, "?world=all&backlog=10").await;
    let latest = stream.exchanges(10).await;
    assert_eq!(latest.len(), 10);
    assert!(latest.is_sorted_by_key(|one| one["at"].as_str().expect("a time").to_owned()));
    let seqs: Vec<_> = latest
        .iter()
        .map(|one| one["seq"].as_u64().expect("a number"))
        .collect();
    assert_eq!(seqs, [3, 4, 1, 2, 3, 4, 1, 2, 3, 4]);
    let many = client.get(&format!("{EVENTS}?backlog=10001")).await;
    assert_eq!(many.status, 400);
    assert_eq!(
        many.message(),
        "`backlog`: a stream begins with the latest 10000 exchanges at most"
    );
}

#[tokio::test]
async fn stopping_ends_streams_at_once_also_those_that_nobody_reads() {
    let client = Client::start().await;
    let mut read = Stream::open(&client, "?world=all").await;
    let _unread = Stream::open(&client, "?world=all").await;
    read.until("reload").await;
    let Client { sandbox, .. } = client;
    tokio::time::pause(); // time passes only while everybody waits
    let stopped = timeout(Duration::from_secs(3), sandbox.stop());
    stopped.await.expect("it stops without waiting for streams");
    while read.next().await.is_some() {}
}

#[tokio::test]
async fn no_more_than_a_hundred_look_on_and_one_that_leaves_makes_room() {
    let client = Client::start().await;
    let mut open = Vec::new();
    for _ in 0..100 {
        open.push(Stream::open(&client, "?world=all").await);
    }
    let refused = client.get(EVENTS).await;
    assert_eq!(refused.status, 503);
    assert_eq!(
        refused.json(),
        json!({"error": "too_many_streams", "message": "100 streams are open already: close one first"})
    );
    open.pop();
    for attempt in 0.. {
        let request = client
            .request("GET", EVENTS)
            .send()
            .await
            .expect("an answer");
        if request.status() == 200 {
            break;
        }
        assert!(attempt < 10_000, "the place of the one that left is free");
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_stream_only_says_that_it_is_alive_and_is_not_taken_for_an_idle_connection() {
    let client = Client::start().await;
    let mut stream = Stream::open(&client, "?world=all").await;
    stream.until("reload").await;
    let mut beats = 0;
    while beats < 12 {
        let piece = stream
            .response
            .chunk()
            .await
            .expect("it goes on")
            .expect("it goes on");
        beats += std::str::from_utf8(&piece)
            .expect("text")
            .matches(":\n\n")
            .count();
    }
    client.magic(BANK, "PENDING").await;
    assert_eq!(stream.exchanges(1).await.len(), 1);
}

#[tokio::test]
async fn a_world_is_named_by_its_tag_instead_of_its_key() {
    let client = Client::start().await;
    let other = client
        .post("/__sandbox/worlds", &json!({"name": "other"}))
        .await
        .json();
    let tag = other["world"].as_str().expect("a tag");
    let request = client.bare("POST", BANK).header("x-sandbox-world", tag);
    let asked = Answer::of(request.header("x-magic-reply", "PENDING")).await;
    assert_eq!(asked.status, 200);
    assert_eq!(
        asked.header("x-sandbox-trace"),
        Some(format!("{tag}-1").as_str())
    );
    for (path, expected) in [
        ("requests", json!(1)),
        ("deliveries", Value::Null),
        ("clock", Value::Null),
        ("next", Value::Null),
        ("faults", Value::Null),
        ("callback_urls", Value::Null),
        ("coverage", Value::Null),
    ] {
        let path = format!("/__sandbox/{path}?world={tag}");
        let answer = Answer::of(client.bare("GET", &path)).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        assert_eq!(answer.json()["matched"], expected, "{path}");
    }
    let unknown = Answer::of(client.bare("GET", "/__sandbox/clock?world=0123abcd")).await;
    assert_eq!(unknown.status, 404);
    assert_eq!(
        unknown.json(),
        json!({"error": "unknown_world", "message": "there is no world `0123abcd`, or it was ended: GET worlds lists all"})
    );
    let request = client
        .bare("POST", BANK)
        .header("x-sandbox-world", "0123abcd");
    assert_eq!(Answer::of(request).await.status, 401);
}

#[tokio::test]
async fn a_world_is_not_asked_by_its_tag_from_another_site_or_without_token_or_key() {
    async fn status(client: &Client, headers: &[(&str, &str)]) -> u16 {
        let tag = worlds_tag_of(client).await;
        let mut request = client.bare("POST", BANK).header("x-magic-reply", "PENDING");
        request = request.header("x-sandbox-world", tag);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::of(request).await.status
    }
    async fn worlds_tag_of(client: &Client) -> String {
        let setup = client
            .bare("GET", "/__sandbox/setup")
            .header("x-sandbox-control-token", "open");
        Answer::of(setup).await.json()["world"]
            .as_str()
            .expect("a tag")
            .to_owned()
    }
    let client = Client::start().await;
    assert_eq!(status(&client, &[]).await, 200);
    assert_eq!(status(&client, &[("host", "example.com")]).await, 401);
    assert_eq!(
        status(&client, &[("origin", "http://example.com")]).await,
        403
    );
    let token: ControlToken = "open".parse().expect("a token");
    let guarded = Client::of(Sandbox::builder().control_token(token)).await;
    assert_eq!(status(&guarded, &[]).await, 401);
    assert_eq!(
        status(&guarded, &[("x-sandbox-control-token", "open")]).await,
        200
    );
    let own = key('s');
    let choosy: Builder = Sandbox::builder().api_key(own.parse().expect("a key"));
    let choosy = Client::of(choosy).await;
    assert_eq!(status(&choosy, &[]).await, 401);
    let tag = worlds_tag_of(&choosy).await;
    let request = choosy
        .as_key(&own, "POST", BANK)
        .header("x-sandbox-world", tag);
    assert_eq!(
        Answer::of(request.header("x-magic-reply", "PENDING"))
            .await
            .status,
        200
    );
    let clock = "/__sandbox/clock?world=0123abcd";
    assert_eq!(Answer::of(choosy.bare("GET", clock)).await.status, 401);
}

#[tokio::test]
async fn a_request_is_shown_with_the_headers_of_its_reply() {
    let client = Client::start().await;
    let faults = json!({"faults": [{"rate_limit": {"limit": 1, "window": "1m"}}]});
    Answer::of(client.request("PUT", "/__sandbox/faults").json(&faults)).await;
    client.magic(BANK, "PENDING").await;
    let limited = client.magic(BANK, "PENDING").await;
    let shown = client.get("/__sandbox/requests").await.json();
    let headers = &shown["requests"][0]["reply_headers"];
    for name in [
        "content-type",
        "retry-after",
        "ratelimit-limit",
        "x-sandbox-trace",
    ] {
        assert_eq!(headers[name].as_str(), limited.header(name), "{name}");
    }
}

#[tokio::test]
async fn the_schema_of_an_endpoint_comes_with_a_request_that_fits_it() {
    let client = Client::start().await;
    let told = client
        .get("/__sandbox/schema?endpoint=v0/individual_cft_peps")
        .await
        .json();
    assert_eq!(told["path"], "/v0/identity/individual_cft_peps");
    assert_eq!(told["content_type"], "application/json");
    assert_eq!(
        told["schema"]["properties"]["given_names"]["type"],
        "string"
    );
    let path = told["path"].as_str().expect("a path");
    assert_eq!(client.post(path, &told["sample"]).await.status, 200);
    // An endpoint that only reads has an example id.
    let told = client
        .get("/__sandbox/schema?endpoint=v0/cft_pep_listings")
        .await
        .json();
    let path = told["path"].as_str().expect("a path");
    let path = path.replace("{id}", told["sample"]["id"].as_str().expect("an id"));
    assert_eq!(client.get(&path).await.status, 200);
    let none = client.get("/__sandbox/schema").await;
    assert_eq!(none.message(), "`endpoint` is missing: an id, or a path");
}

#[tokio::test]
async fn callback_urls_and_inboxes_are_listed() {
    let client = Client::start().await;
    let url = format!("{}/__sandbox/inbox/mine", client.sandbox.url());
    let urls = json!({"type": "NAME_VALIDATOR_REQUEST", "url": url});
    client.post("/v1/callback/urls", &urls).await;
    let listed = client.get("/__sandbox/callback_urls").await.json();
    let listed = listed["callback_urls"].as_array().expect("a list").clone();
    assert!(
        listed.contains(&json!({"type": "NAME_VALIDATOR_REQUEST", "url": url, "by": "request"}))
    );
    assert!(listed.contains(&json!({"type": "FACE_COMPARISON", "url": null, "by": null})));
    assert_eq!(
        client.get("/__sandbox/inbox").await.json(),
        json!({"inboxes": [{"inbox": "mine", "received": 1, "last_seq": 1, "dropped": 0}]})
    );
}
