//! `/__sandbox/metrics`: what the sandbox has done and what it stores, in the Prometheus format.

use std::collections::BTreeMap;
use std::time::Duration;

use iluma_sandbox::Sandbox;
use serde_json::json;

use crate::client::{Answer, Client};
use crate::process::write;
use crate::receiver::Reaction;
use crate::stage::{BANK, Stage, key};

const METRICS: &str = "/__sandbox/metrics";

/// Every sample by its name and labels, without the common prefix of the names.
type Samples = BTreeMap<String, f64>;

async fn text(client: &Client) -> String {
    let answer = Answer::of(client.bare("GET", METRICS)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let content_type = answer.header("content-type");
    assert_eq!(
        content_type,
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    answer.text
}

async fn samples(client: &Client) -> Samples {
    read(&text(client).await)
}

/// Reads the format strictly: each name has its help and its type exactly once, right before its samples.
fn read(text: &str) -> Samples {
    let mut samples = Samples::new();
    let mut announced: Vec<(String, String)> = Vec::new();
    let mut help = None;
    assert!(text.ends_with('\n'));
    for line in text.lines() {
        if let Some(line) = line.strip_prefix("# HELP ") {
            let (name, sentence) = line.split_once(' ').expect("a sentence");
            assert!(
                sentence.ends_with('.') && !sentence.contains('\\'),
                "{line}"
            );
            help = Some(name.to_owned());
            continue;
        }
        if let Some(line) = line.strip_prefix("# TYPE ") {
            let (name, kind) = line.split_once(' ').expect("a type");
            assert_eq!(help.take().as_deref(), Some(name));
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            assert!(
                announced.iter().all(|(known, _)| known != name),
                "{name} twice"
            );
            announced.push((name.to_owned(), kind.to_owned()));
            continue;
        }
        let (sample, value) = line.rsplit_once(' ').expect("a value");
        let name = sample.split('{').next().expect("a name");
        let (family, kind) = announced.last().expect("an announcement");
        let suffixes: &[&str] = if kind == "histogram" {
            &["_bucket", "_sum", "_count"]
        } else {
            &[""]
        };
        assert!(
            suffixes.iter().any(|end| name == format!("{family}{end}")),
            "{line} below {family}"
        );
        let short = sample
            .strip_prefix("iluma_sandbox_")
            .expect("our prefix")
            .to_owned();
        let value = value.parse().expect("a number");
        assert!(samples.insert(short, value).is_none(), "{sample} twice");
    }
    assert_eq!(help, None);
    samples
}

/// The number of these answers.
fn requests(samples: &Samples, endpoint: &str, outcome: &str, status: u16) -> f64 {
    let labels = format!(r#"endpoint="{endpoint}",outcome="{outcome}",status="{status}""#);
    samples
        .get(&format!("requests_total{{{labels}}}"))
        .copied()
        .unwrap_or(0.0)
}

fn all_requests(samples: &Samples) -> f64 {
    let counted = samples
        .iter()
        .filter(|(name, _)| name.starts_with("requests_total"));
    counted.map(|(_, count)| count).sum()
}

/// Panics if a later counter is smaller than the earlier one.
fn nothing_falls(before: &Samples, after: &Samples) {
    for (name, count) in before {
        let only_grows = ["_total", "_bucket", "_count", "_sum"];
        if only_grows
            .iter()
            .any(|end| name.split('{').next().expect("a name").ends_with(end))
        {
            let now = after.get(name).unwrap_or_else(|| panic!("{name} is gone"));
            assert!(now >= count, "{name} fell from {count} to {now}");
        }
    }
}

const BANK_ID: &str = "v1.1/bank_account_data_requests";

#[tokio::test]
async fn a_fresh_sandbox_has_done_and_holds_nothing() {
    let client = Client::start().await;
    let version = env!("CARGO_PKG_VERSION");
    let expected = text(&client)
        .await
        .replace(&format!("\"{version}\""), "\"VERSION\"");
    insta::assert_snapshot!("metrics_of_a_fresh_sandbox", expected);
}

#[tokio::test]
async fn requests_count_by_endpoint_outcome_and_status() {
    let client = Client::start().await;
    for _ in 0..2 {
        let made = client.magic(BANK, "COMPLETED_FOUND").await.json();
        client
            .get(&format!("{BANK}/{}", made["id"].as_str().expect("an id")))
            .await;
    }
    client.magic(BANK, "RATE_LIMIT_EXCEEDED").await;
    client.magic(BANK, "COMPLETED_FOUND; fault=503").await;
    client.magic(BANK, "NO_SUCH").await;
    Answer::of(client.bare("POST", BANK)).await;
    client.get("/nowhere").await;
    Answer::of(client.bare("GET", "/health")).await;
    client.get("/v1/callback/urls").await;
    Answer::of(client.bare("GET", "/v1/callback/urls")).await;
    client.get("/__sandbox/world").await;
    let samples = samples(&client).await;
    for (endpoint, outcome, status, count) in [
        (BANK_ID, "COMPLETED_FOUND", 200, 4.0),
        (BANK_ID, "RATE_LIMIT_EXCEEDED", 429, 1.0),
        (BANK_ID, "COMPLETED_FOUND", 503, 1.0),
        (BANK_ID, "API_VALIDATION_ERROR", 400, 1.0),
        (BANK_ID, "INVALID_API_KEY", 401, 1.0),
        ("", "NOT_FOUND", 404, 1.0),
        ("", "", 200, 2.0),
        ("", "INVALID_API_KEY", 401, 1.0),
    ] {
        let counted = requests(&samples, endpoint, outcome, status);
        assert!(
            (counted - count).abs() < 0.1,
            "{endpoint} {outcome} {status}: {counted} in {samples:#?}"
        );
    }
    let lines = samples
        .keys()
        .filter(|name| name.starts_with("requests_total"))
        .count();
    assert_eq!(lines, 8, "and nothing else");
    assert!((all_requests(&samples) - 12.0).abs() < 0.1);
}

#[tokio::test]
async fn every_request_is_in_one_bucket_and_the_buckets_add_up() {
    let client = Client::start().await;
    for _ in 0..20 {
        client.magic(BANK, "COMPLETED_FOUND").await;
        Answer::of(client.bare("GET", "/health")).await;
    }
    let text = text(&client).await;
    let buckets: Vec<f64> = text
        .lines()
        .filter(|line| line.starts_with("iluma_sandbox_request_duration_seconds_bucket"))
        .map(|line| {
            line.rsplit(' ')
                .next()
                .expect("a value")
                .parse()
                .expect("a number")
        })
        .collect();
    assert!(buckets.is_sorted(), "{buckets:?}");
    let samples = read(&text);
    let all = all_requests(&samples);
    assert!((all - 40.0).abs() < 0.1);
    for counted in [
        *buckets.last().expect("buckets"),
        samples["request_duration_seconds_count"],
    ] {
        assert!((counted - all).abs() < 0.1, "{counted} of {all}");
    }
    assert!(samples["request_duration_seconds_sum"] > 0.0);
}

#[tokio::test(start_paused = true)]
async fn a_delay_is_no_duration_and_a_slow_receiver_is() {
    let stage = Stage::start().await;
    stage
        .receiver
        .then([Reaction::status(200).after(Duration::from_millis(600))]);
    let asking = stage.ask("COMPLETED_FOUND; callback=early");
    let (answer, ()) = tokio::join!(asking, async {
        stage.receiver.open(1).await;
        tokio::time::advance(Duration::from_millis(600)).await;
    });
    assert_eq!(answer.status, 200);
    let asking = stage.ask("COMPLETED_FOUND; callback=none; delay=5s");
    tokio::pin!(asking);
    loop {
        tokio::select! {
            biased;
            _ = &mut asking => break,
            () = tokio::time::advance(Duration::from_secs(1)) => {}
        }
    }
    let samples = samples(&stage.client).await;
    let below =
        |limit: &str| samples[&format!("request_duration_seconds_bucket{{le=\"{limit}\"}}")];
    let [quick, slow] = [below("0.25"), below("1")];
    assert!(
        (quick - 1.0).abs() < 0.1 && (slow - 2.0).abs() < 0.1,
        "{quick} {slow}"
    );
}

#[tokio::test(start_paused = true)]
async fn callbacks_count_by_how_they_ended() {
    let stage = Stage::with(|builder| builder.retries(&"1s".parse().expect("retries"))).await;
    let ended = async || {
        let samples = samples(&stage.client).await;
        let times = |state: &str| samples[&format!("deliveries_total{{state=\"{state}\"}}")];
        let counted = ["delivered", "failed", "cancelled", "suppressed", "dropped"].map(times);
        (
            counted.map(|count| count.round().to_string()).join(" "),
            samples["deliveries_pending"],
        )
    };
    stage.ask("COMPLETED_FOUND").await;
    stage.ask("COMPLETED_FOUND; callback=none").await;
    stage.advance("1m").await;
    assert_eq!(ended().await, ("1 0 0 1 0".to_owned(), 0.0));
    stage.receiver.usually(Reaction::status(500));
    stage.ask("COMPLETED_FOUND").await;
    stage.advance("1m").await;
    assert_eq!(
        ended().await,
        ("1 1 0 1 0".to_owned(), 0.0),
        "a retry is no end"
    );
    stage.ask("COMPLETED_FOUND; callback=late(10m)").await;
    stage.ask("COMPLETED_FOUND; callback=late(10m)").await;
    assert_eq!(ended().await, ("1 1 0 1 0".to_owned(), 2.0));
    stage.receiver.usually(Reaction::Hang);
    stage.ask("COMPLETED_FOUND").await;
    stage.receiver.open(1).await;
    assert_eq!(ended().await, ("1 1 0 1 0".to_owned(), 3.0));
    stage.tell("reset", &json!({})).await;
    assert_eq!(
        ended().await,
        ("1 1 3 1 0".to_owned(), 0.0),
        "and the reset loses none"
    );
}

#[tokio::test]
async fn a_reset_and_an_end_take_away_what_is_held_and_nothing_that_was_counted() {
    let client = Client::start().await;
    let mine = key('m');
    for outcome in ["PENDING", "COMPLETED_FOUND", "NOT_FOUND"] {
        let request = client
            .as_key(&mine, "POST", BANK)
            .header("x-magic-reply", outcome);
        Answer::of(request).await;
    }
    let before = samples(&client).await;
    let held =
        ["worlds", "records", "journal_entries"].map(|name| before[name].round().to_string());
    assert_eq!(held, ["1", "2", "3"]);
    assert!(before["held_bytes"] > 0.0);
    for (method, path) in [
        ("POST", "/__sandbox/reset"),
        ("DELETE", "/__sandbox/worlds"),
    ] {
        assert_eq!(
            Answer::of(client.as_key(&mine, method, path)).await.status,
            200
        );
        let after = samples(&client).await;
        nothing_falls(&before, &after);
        assert!(after["records"] < 0.1 && after["journal_entries"] < 0.1);
    }
    let after = samples(&client).await;
    assert!(after["worlds"] < 0.1);
    assert!((all_requests(&after) - 3.0).abs() < 0.1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_counter_ever_falls_while_worlds_are_emptied_and_ended() {
    let client = std::sync::Arc::new(Client::start().await);
    let mut playing = tokio::task::JoinSet::new();
    for letter in 'a'..='f' {
        let client = client.clone();
        playing.spawn(async move {
            let key = key(letter);
            for round in 0..25 {
                let magic =
                    |request: reqwest::RequestBuilder| request.header("x-magic-reply", "PENDING");
                Answer::of(magic(client.as_key(&key, "POST", BANK))).await;
                Answer::of(client.as_key(&key, "GET", "/nowhere")).await;
                let (method, path) = if round % 2 == 0 {
                    ("POST", "reset")
                } else {
                    ("DELETE", "worlds")
                };
                Answer::of(client.as_key(&key, method, &format!("/__sandbox/{path}"))).await;
            }
        });
    }
    let mut before = samples(&client).await;
    while !playing.is_empty() {
        let after = samples(&client).await;
        nothing_falls(&before, &after);
        before = after;
        while let Some(played) = playing.try_join_next() {
            played.expect("it plays to its end");
        }
    }
    let after = samples(&client).await;
    assert!((all_requests(&after) - 300.0).abs() < 0.1, "{after:#?}");
}

#[tokio::test]
async fn what_was_dropped_counts_even_when_its_world_is_gone() {
    let client = Client::start().await;
    for _ in 0..1003 {
        client.get(&format!("{BANK}/nothing")).await;
    }
    let dropped = async || samples(&client).await[r#"dropped_total{what="journal_entries"}"#];
    assert!((dropped().await - 3.0).abs() < 0.1);
    Answer::of(client.request("DELETE", "/__sandbox/worlds")).await;
    assert!((dropped().await - 3.0).abs() < 0.1);
}

#[tokio::test]
async fn reloads_count_by_their_result() {
    let folder = tempfile::tempdir().expect("a folder");
    let client = Client::of(Sandbox::builder().scenarios(folder.path())).await;
    write(folder.path(), "v9/mine.toml", "path = ");
    let count = client.sandbox.reloaded(0).await;
    write(
        folder.path(),
        "v9/mine.toml",
        "method = \"GET\"\npath = \"/v9/mine\"\n[outcomes.A]\ndefault = true\nbody = {}\n",
    );
    client.sandbox.reloaded(count).await;
    let samples = samples(&client).await;
    let [succeeded, failed] = ["succeeded", "failed"]
        .map(|result| samples[&format!("reloads_total{{result=\"{result}\"}}")]);
    assert!(succeeded > 0.9 && failed > 0.9, "{succeeded} {failed}");
}

#[tokio::test]
async fn a_name_with_signs_of_its_own_stays_one_label() {
    let folder = tempfile::tempdir().expect("a folder");
    write(
        folder.path(),
        "v9/a \"quoted\" \\ name.toml",
        "method = \"GET\"\npath = \"/v9/mine\"\n[outcomes.A]\ndefault = true\nbody = {}\n",
    );
    let client = Client::of(Sandbox::builder().scenarios(folder.path())).await;
    assert_eq!(client.get("/v9/mine").await.status, 200);
    let samples = samples(&client).await;
    let label = r#"requests_total{endpoint="v9/a \"quoted\" \\ name",outcome="A",status="200"}"#;
    assert!(samples.contains_key(label), "{samples:#?}");
}

#[tokio::test]
async fn it_takes_no_parameters() {
    let client = Client::start().await;
    let answer = client.get(&format!("{METRICS}?format=json")).await;
    let message = "unknown parameter `format`: there are none here";
    assert_eq!((answer.status, answer.message().as_str()), (400, message));
    assert_eq!(
        answer.header("content-type"),
        Some("application/json; charset=utf-8")
    );
}
