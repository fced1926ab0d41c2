//! The catalogue test: snapshots the answer of every endpoint to every magic value.
//!
//! The endpoints are those of `scenarios/`. The values come from the list in a refusal.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::client::{Answer, Client};
use crate::receiver::StandingClock;

/// The headers that matter.
const HEADERS: [&str; 6] = [
    "content-type",
    "retry-after",
    "www-authenticate",
    "x-sandbox-outcome",
    "x-sandbox-error",
    "x-sandbox-warning",
];

/// An endpoint as its file describes it.
struct Endpoint {
    path: String,
    /// The request of a client: the method, and the path with a value for every parameter.
    method: &'static str,
    asked: String,
    /// Whether records can be read.
    keeps: bool,
    /// Aliases and their outcomes.
    aliases: Vec<(String, String)>,
}

#[tokio::test(start_paused = true)]
async fn every_endpoint_answers_every_outcome_as_its_snapshot_says() {
    let _still = StandingClock::hold();
    let client = Client::start().await;
    for endpoint in endpoints() {
        let mut text = String::new();
        for outcome in endpoint.outcomes(&client).await {
            writeln!(text, "=== {outcome}").expect("text grows");
            text.push_str(&endpoint.show(&client, &outcome).await);
            text.push('\n');
        }
        let name = endpoint.path.trim_start_matches('/').replace('/', "_");
        let name = name.replace(['{', '}'], "");
        insta::assert_snapshot!(name, text, &endpoint.path);
    }
}

#[tokio::test]
async fn an_alias_a_lower_case_letter_and_a_blank_ask_for_the_same_outcome() {
    let mut asked = 0;
    for endpoint in endpoints() {
        for (alias, outcome) in &endpoint.aliases {
            let lower = alias.to_ascii_lowercase();
            let padded = format!(" \t{alias} ");
            // Ids depend on the key and on earlier requests, so each spelling has a fresh sandbox.
            let client = Client::start().await;
            let known = endpoint.ask(&client, outcome, outcome).await;
            for spelling in [alias, &lower, &padded] {
                let client = Client::start().await;
                let answer = endpoint.ask(&client, spelling, outcome).await;
                assert_eq!(
                    (
                        answer.status,
                        answer.header("x-sandbox-outcome"),
                        &answer.text
                    ),
                    (known.status, known.header("x-sandbox-outcome"), &known.text),
                    "{} {spelling:?}",
                    endpoint.path
                );
            }
            asked += 1;
        }
    }
    assert!(asked > 0, "there are aliases");
}

#[tokio::test(start_paused = true)]
async fn a_record_that_waits_for_nothing_stays_as_it_was_answered_for_ever() {
    let _still = StandingClock::hold();
    let client = Client::start().await;
    let mut records = Vec::new();
    for endpoint in endpoints().iter().filter(|endpoint| endpoint.keeps) {
        for outcome in endpoint.outcomes(&client).await {
            let answer = endpoint.ask(&client, &outcome, &outcome).await;
            if answer.status == 200 && !outcome.starts_with("PENDING_THEN") {
                records.push((endpoint.record(&answer), outcome, answer.text));
            }
        }
    }
    tokio::time::advance(Duration::from_hours(1)).await;
    for (path, outcome, posted) in records {
        let read = Answer::of(client.as_key(&key(&outcome), "GET", &path)).await;
        assert_eq!(read.text, posted, "{outcome}");
    }
}

impl Endpoint {
    /// The values that a refusal lists.
    async fn outcomes(&self, client: &Client) -> Vec<String> {
        let refusal = self.ask(client, "NO_SUCH_OUTCOME", "NO_SUCH_OUTCOME").await;
        assert_eq!(refusal.status, 400, "{}", refusal.text);
        assert_eq!(
            refusal.header("x-sandbox-error"),
            Some("unknown x-magic-reply")
        );
        let message = refusal.message();
        let (_, known) = message
            .split_once(" It knows ")
            .expect("the message lists what is known");
        let known: Vec<_> = known
            .trim_end_matches('.')
            .split(", ")
            .map(str::to_owned)
            .collect();
        assert!(known.len() > 10, "{message}");
        known
    }

    /// Sends the request without a body, as the documentation does, in a separate world for the outcome.
    async fn ask(&self, client: &Client, value: &str, world: &str) -> Answer {
        let request = client.as_key(&key(world), self.method, &self.asked);
        Answer::of(request.header("x-magic-reply", value)).await
    }

    fn record(&self, answer: &Answer) -> String {
        let body = answer.json();
        format!(
            "{}/{}",
            self.path,
            body["id"].as_str().expect("a record has an id")
        )
    }

    /// The answer, and the record: at once, and after its changes.
    async fn show(&self, client: &Client, outcome: &str) -> String {
        let answer = self.ask(client, outcome, outcome).await;
        let mut text = format!("{}\n", answer.status);
        for name in HEADERS {
            if let Some(value) = answer.header(name) {
                writeln!(text, "{name}: {value}").expect("text grows");
            }
        }
        text.push_str(&pretty(&answer));
        if answer.status != 200 || !self.keeps {
            return text;
        }
        let record = self.record(&answer);
        let read = async || {
            let read = Answer::of(client.as_key(&key(outcome), "GET", &record)).await;
            assert_eq!(read.status, 200, "{outcome}: {}", read.text);
            read
        };
        assert_eq!(
            read().await.text,
            answer.text,
            "{outcome} is read back as it was answered"
        );
        if outcome.starts_with("PENDING_THEN") {
            tokio::time::advance(Duration::from_millis(999)).await;
            assert_eq!(read().await.text, answer.text, "{outcome} is not due yet");
            tokio::time::advance(Duration::from_millis(1)).await;
            let later = read().await;
            writeln!(text, "--- 1 s later").expect("text grows");
            text.push_str(&pretty(&later));
            tokio::time::advance(Duration::from_hours(1)).await;
            assert_eq!(
                read().await.text,
                later.text,
                "{outcome} has come to its end"
            );
        }
        text
    }
}

/// Every file of `scenarios/` that has a path, in the order of their paths.
fn endpoints() -> Vec<Endpoint> {
    let mut files = Vec::new();
    collect_toml(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios"),
        &mut files,
    );
    let mut endpoints: Vec<_> = files.iter().filter_map(|file| endpoint(file)).collect();
    endpoints.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(endpoints.len() >= 5, "the scenarios are found");
    endpoints
}

fn endpoint(file: &Path) -> Option<Endpoint> {
    let text = std::fs::read_to_string(file).expect("a readable file");
    let file: toml::Table = text.parse().expect("shipped files are sound");
    let path = file
        .get("path")?
        .as_str()
        .expect("a path is a text")
        .to_owned();
    let is_get = file.get("method").and_then(toml::Value::as_str) == Some("GET");
    let (method, asked) = match file.contains_key("listings") {
        true => ("GET", format!("{path}/any")),
        false if is_get => ("GET", with_segments(&path, &file)),
        false => ("POST", path.clone()),
    };
    let outcomes = file.get("outcomes").and_then(toml::Value::as_table);
    let mut aliases = Vec::new();
    for (name, outcome) in outcomes.into_iter().flatten() {
        let of_outcome = outcome.get("aliases").and_then(toml::Value::as_array);
        for alias in of_outcome.into_iter().flatten() {
            aliases.push((
                alias.as_str().expect("an alias is a text").to_owned(),
                name.clone(),
            ));
        }
    }
    Some(Endpoint {
        path,
        method,
        asked,
        keeps: file.contains_key("id"),
        aliases,
    })
}

/// The path with the values of the file's first example.
fn with_segments(path: &str, file: &toml::Table) -> String {
    let part = |part: &str| {
        let Some(name) = part
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'))
        else {
            return part.to_owned();
        };
        let value = file["request"]["examples"][0][name].as_str();
        value
            .expect("the example of a segment is a text")
            .to_owned()
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

fn collect_toml(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            collect_toml(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "toml") {
            files.push(path);
        }
    }
}

/// A key, and so a world, for each outcome: outcomes do not influence each other.
fn key(outcome: &str) -> String {
    let letters: String = outcome
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    format!("iluma_development_{letters:0<60}")
}

fn pretty(answer: &Answer) -> String {
    format!("{:#}\n", answer.json())
}
