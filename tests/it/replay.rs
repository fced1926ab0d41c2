//! `iluma-sandbox replay`: what a sandbox has answered is answered again, byte for byte.

use std::fs;
use std::path::{Path, PathBuf};

use iluma_sandbox::Sandbox;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use sha2::Digest;
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::client::{Answer, Client, png};
use crate::process::run;
use crate::ready_made::{READY_MADE, written};
use crate::stage::{BANK, Stage, TYPE, URLS, each, key};

const PEPS: &str = "/v0/identity/individual_cft_peps";

/// A folder with a file `run.jsonl`.
struct Recording {
    folder: TempDir,
    path: PathBuf,
}

impl Recording {
    fn of(text: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("run.jsonl");
        fs::write(&path, text).expect("it is written");
        Self { folder, path }
    }

    async fn of_client(client: &Client) -> Self {
        Self::of(&client.get("/__sandbox/export?world=all").await.text)
    }

    fn replay(&self, flags: &[&str]) -> (i32, String, String) {
        let path = self.path.to_str().expect("UTF-8");
        run(&[&["replay", path], flags].concat())
    }

    /// Replays it and expects no difference. Returns the first line of the report.
    fn replays(&self) -> String {
        let (code, report, complaint) = self.replay(&[]);
        assert_eq!((code, complaint.as_str()), (0, ""), "{report}");
        report.lines().next().expect("a line").to_owned()
    }
}

/// Expects that an export replays without a difference, and that an export of the replay is the same again. It may have no
/// requests.
pub(crate) fn assert_text_replays(exported: &str) {
    let recording = Recording::of(exported);
    let again = recording.folder.path().join("again.jsonl");
    let (code, report, _) = recording.replay(&["--output", again.to_str().expect("UTF-8")]);
    let is_empty = report.starts_with("0 requests replayed, 0 different; ");
    assert!(code == 0 || (code == 2 && is_empty), "{report}");
    assert_eq!(comparable(&again), comparable(&recording.path));
}

/// The lines of an export without what no replay gives again. They are sorted, because times sort them.
fn comparable(path: &Path) -> Vec<String> {
    const OF_LINE: [&str; 5] = ["at", "commit", "duration_us", "seq", "trace"];
    const OF_ATTEMPT: [&str; 8] = [
        "sent_at",
        "duration_ms",
        "addresses",
        "host_map",
        "location",
        "answer_line",
        "commit",
        "elapsed_ns",
    ];
    let without = |value: &mut Value, names: &[&str]| {
        if let Some(fields) = value.as_object_mut() {
            fields.retain(|name, _| !names.contains(&name.as_str()));
        }
    };
    let text = fs::read_to_string(path).expect("it is there");
    let lines = text.lines().map(|line| {
        let mut line: Value = serde_json::from_str(line).expect("JSON");
        without(&mut line, &OF_LINE);
        without(&mut line["reply_headers"], &["x-sandbox-trace"]);
        for attempt in line["attempts"].as_array_mut().into_iter().flatten() {
            without(attempt, &OF_ATTEMPT);
            let head = attempt["request"].as_str().unwrap_or_default();
            let lines = head
                .lines()
                .filter(|line| !line.starts_with("x-callback-token"));
            attempt["request"] = lines.collect::<Vec<_>>().join("\n").into();
        }
        line.to_string()
    });
    let mut lines: Vec<_> = lines.collect();
    lines.sort_unstable();
    lines
}

fn account(number: &str) -> Value {
    json!({"bank_account_number": number, "bank_code": "BCA"})
}

/// Asks every endpoint for every outcome, and reads what has an id.
async fn ask_for_everything(client: &Client) -> usize {
    let catalog = client.get("/__sandbox/catalog").await.json();
    let mut asked = 0;
    for endpoint in catalog["endpoints"].as_array().expect("a list") {
        let path = endpoint["path"].as_str().expect("a path");
        let path = path.split_once('{').map_or(path, |(before, _)| before);
        for outcome in endpoint["outcomes"].as_array().expect("a list") {
            let name = outcome["name"].as_str().expect("a name");
            let method = endpoint["method"].as_str().expect("a method");
            let request = client.request(method, path).header("x-magic-reply", name);
            let answer = Answer::of(request).await;
            asked += 1;
            let body: Value = serde_json::from_str(&answer.text).unwrap_or_default();
            if let Some(id) = body["id"].as_str() {
                client.get(&format!("{path}/{id}")).await;
                asked += 1;
            }
        }
    }
    asked
}

#[tokio::test]
async fn every_outcome_of_every_shipped_endpoint_is_answered_again_byte_for_byte() {
    let stage = Stage::start().await;
    let asked = ask_for_everything(&stage.client).await;
    assert!(asked > 200, "{asked}");
    stage.ended().await;
    let kept = stage.control("readyz").await["journal"]["held"].take();
    let report = Recording::of_client(&stage.client).await.replays();
    let all = format!("{kept} requests replayed, 0 different; ");
    assert!(report.starts_with(&all), "{all} and not {report}");
}

#[tokio::test]
async fn the_ready_made_folders_are_replayed_with_the_files_in_the_export() {
    for name in READY_MADE {
        let folder = written(name);
        let client = Client::of(Sandbox::builder().scenarios(folder.path())).await;
        for number in ["7000000001", "1", "2", "2"] {
            client.post(BANK, &account(number)).await;
        }
        ask_for_everything(&client).await;
        let recording = Recording::of_client(&client).await;
        drop(folder); // its files are in the export
        recording.replays();
    }
}

#[tokio::test]
async fn requests_that_came_at_the_same_time_are_replayed_in_the_order_of_their_answers() {
    let folder = tempfile::tempdir().expect("a folder");
    let own = "extends = \"v1.1/bank_account_data_requests\"\n\
               [outcomes.SECOND]\nwhen = { nth = 2 }\nbody.result = { is_found = true }\n\
               [outcomes.TURNS]\nwhen = { \"input.bank_account_number\" = \"9\" }\nsequence = [\"COMPLETED_FOUND\", \"PENDING\"]\ncycle = true\n";
    fs::write(folder.path().join("own.toml"), own).expect("it is written");
    let client = Client::of(Sandbox::builder().scenarios(folder.path())).await;
    let faults = json!({"faults": [{"fault": "status(503)", "probability": 0.5}]});
    let put = client.request("PUT", "/__sandbox/faults").json(&faults);
    assert_eq!(Answer::of(put).await.status, 200);
    let next =
        json!({"endpoint": "v1.1/bank_account_data_requests", "outcome": "PENDING", "times": 7});
    client.post("/__sandbox/next", &next).await;
    let mut requests = JoinSet::new();
    for at in 0..60 {
        let number = ["1", "9", "3"][at % 3];
        let request = client.request("POST", BANK).json(&account(number));
        requests.spawn(async move { Answer::of(request).await.status });
    }
    requests.join_all().await;
    let report = Recording::of_client(&client).await.replays();
    assert!(
        report.starts_with("60 requests replayed, 0 different; "),
        "{report}"
    );
}

#[tokio::test(start_paused = true)]
async fn queues_faults_clocks_and_callbacks_are_in_their_places() {
    let stage = Stage::start().await;
    let client = &stage.client;
    let put = |path: &str, body: Value| client.request("PUT", path).json(&body);
    let delete = |path: &str| client.request("DELETE", path);
    let tells = [
        (
            "next",
            json!({"endpoint": "v1.1/bank_account_data_requests", "outcome": "PENDING"}),
        ),
        (
            "trigger",
            json!({"type": TYPE, "set": {"result.is_found": false}}),
        ),
    ];
    for (path, body) in &tells {
        assert!(stage.tell(path, body).await.status < 300, "{path}");
    }
    stage.ask("PENDING_THEN_COMPLETED_FOUND").await;
    stage.advance("10m").await;
    client.post(BANK, &account("1")).await;
    client.post(BANK, &account("1")).await;
    Answer::of(put(
        "/__sandbox/faults",
        json!({"faults": [{"rate_limit": {"limit": 1, "window": "1m"}}]}),
    ))
    .await;
    for _ in 0..3 {
        client.post(BANK, &account("2")).await;
    }
    Answer::of(delete("/__sandbox/faults")).await;
    stage.tell("next", &tells[0].1).await;
    Answer::of(delete(
        "/__sandbox/next?endpoint=v1.1/bank_account_data_requests",
    ))
    .await;
    stage.ended().await;
    let again = stage.tell("deliveries/dlv_1/redeliver", &json!({})).await;
    assert_eq!(again.status, 202, "{}", again.text);
    let url = json!({"type": "INDIVIDUAL_CFT_PEP", "url": stage.receiver.url_text()});
    assert_eq!(client.post(URLS, &url).await.status, 200);
    let refused = json!({"type": "INDIVIDUAL_CFT_PEP", "url": "http://127.0.0.1:1/"});
    assert_eq!(client.post(URLS, &refused).await.status, 400);
    client.get(URLS).await;
    client.magic(PEPS, "COMPLETED_FOUND").await;
    stage.ended().await;
    client.get("/v1/callback/authentication_token").await;
    let recording = Recording::of_client(client).await;
    let (code, report, complaint) = recording.replay(&[]);
    assert_eq!((code, complaint.as_str()), (0, ""), "{report}");
    let text = fs::read_to_string(&recording.path).expect("it is there");
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let controls: Vec<_> = lines
        .iter()
        .filter(|line| line["type"] == "control")
        .cloned()
        .collect();
    let paths: Vec<_> = each(&controls, "path")
        .iter()
        .map(|path| path.as_str().expect("a path"))
        .collect();
    assert_eq!(
        paths,
        [
            "/__sandbox/next",
            "/__sandbox/trigger",
            "/__sandbox/clock/advance",
            "/__sandbox/faults",
            "/__sandbox/faults",
            "/__sandbox/next",
            "/__sandbox/next?endpoint=v1.1/bank_account_data_requests",
            "/__sandbox/deliveries/dlv_1/redeliver",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_url_that_was_set_without_a_test_is_in_the_recording() {
    let stage = Stage::start().await;
    let client = &stage.client;
    let put = |body: Value| {
        client
            .request("PUT", "/__sandbox/callback_urls")
            .json(&body)
    };
    let receiver = stage.receiver.url_text();
    let world = client.sandbox.world();
    world.register_callback_url("ENTITY_CFT_PEP", &receiver);
    let refused = Answer::of(put(json!({"type": "NONE", "url": receiver}))).await;
    let expected =
        "`type`: no endpoint sends callbacks of the type `NONE`: known are `ENTITY_CFT_PEP`, ";
    assert_eq!(refused.status, 400);
    assert!(refused.message().starts_with(expected), "{}", refused.text);
    let refused = Answer::of(put(json!({"type": TYPE, "url": "ftp://x"}))).await;
    assert!(refused.message().starts_with("`url`: "), "{}", refused.text);
    let other = put(json!({"type": "INDIVIDUAL_CFT_PEP", "url": format!("{receiver}/other")}));
    assert_eq!(Answer::of(other).await.status, 200);
    for path in [PEPS, "/v0/identity/entity_cft_peps"] {
        let answer = client.magic(path, "PENDING_THEN_COMPLETED_FOUND").await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    stage.advance("30d").await;
    let recording = Recording::of_client(client).await;
    let report = recording.replays();
    let expected = "2 requests replayed, 0 different; 2 callbacks compared, 0 different";
    assert_eq!(report, expected);
    let text = fs::read_to_string(&recording.path).expect("it is there");
    assert_eq!(
        text.matches("\"path\":\"/__sandbox/callback_urls\"")
            .count(),
        2
    );
}

#[tokio::test]
async fn a_file_is_replayed_by_its_facts_and_is_not_in_the_export() {
    use base64::Engine;
    let client = Client::start().await;
    let file = png(700, 700, 60_000);
    let text = base64::engine::general_purpose::STANDARD.encode(&file);
    for body in [
        json!({"image1": text, "image2": "no base64!"}),
        json!({"image1": text, "image2": text}),
        json!({"image1": format!("data:image/png;base64,{text}"), "image2": text}),
    ] {
        client.post("/v1/identity/face_comparisons", &body).await;
    }
    let part = || {
        Part::bytes(file.clone())
            .file_name("face.png")
            .mime_str("image/png")
            .expect("a type")
    };
    let catalog = client.get("/__sandbox/catalog").await.json();
    let endpoints = catalog["endpoints"].as_array().expect("a list");
    let cards = endpoints
        .iter()
        .find(|one| one["id"] == "v0/id_card_verifications")
        .expect("it is there");
    let form = Form::new()
        .part("selfie", part())
        .part("id_card_image", part())
        .text("name", "Testy");
    let request = client.request("POST", cards["path"].as_str().expect("a path"));
    Answer::of(request.multipart(form)).await;
    let recording = Recording::of_client(&client).await;
    let exported = fs::read_to_string(&recording.path).expect("it is there");
    assert!(
        !exported.contains(&text[..200]),
        "the file is in the export"
    );
    let report = recording.replays();
    assert!(
        report.starts_with("4 requests replayed, 0 different; "),
        "{report}"
    );
}

#[tokio::test]
async fn unusual_bodies_are_replayed_exactly_and_those_that_are_not_kept_are_skipped() {
    let client = Client::start().await;
    let post = |body: Vec<u8>, kind: &str| {
        client
            .request("POST", PEPS)
            .header("content-type", kind)
            .body(body)
    };
    let json = "application/json";
    for body in [
        r#"{ "given_names" : "Eko", "user_id": "1", "score_threshold": 9.0e1 }"#,
        r#"{"given_names":"A","given_names":"B","user_id":"1"}"#,
        r#"{"given_names":"Eko"#,
        "\u{feff}{}",
        "[1, 2]",
    ] {
        Answer::of(post(body.into(), json)).await;
    }
    Answer::of(post(
        b"given_names=Eko+Hadi&user_id=%C3%A9".to_vec(),
        "application/x-www-form-urlencoded",
    ))
    .await;
    Answer::of(post(b"plain".to_vec(), "text/plain")).await;
    let report = Recording::of_client(&client).await.replays();
    assert!(
        report.starts_with("7 requests replayed, 0 different; "),
        "{report}"
    );

    let long = format!(
        r#"{{"given_names":"{}","user_id":"1"}}"#,
        "x".repeat(70_000)
    );
    Answer::of(post(long.into(), json)).await;
    Answer::of(post(b"{\"given_names\":\"\xff\"}".to_vec(), json)).await;
    let mut secret = json!({"given_names": "Eko", "user_id": "1", "nationality": "ID", "score_threshold": 90, "scopes": ["PEP"]});
    secret["user_id"] = client.sandbox.api_key().into();
    let record = client.post(PEPS, &secret).await.json();
    client
        .get(&format!("{PEPS}/{}", record["id"].as_str().expect("an id")))
        .await;
    let (code, report, _) = Recording::of_client(&client).await.replay(&[]);
    assert_eq!(code, 0, "{report}");
    let skipped: Vec<_> = report.lines().skip(1).collect();
    let tag = trace_of(&client).await[..8].to_owned();
    assert_eq!(
        skipped,
        [
            format!(
                "skipped 3 requests: the recording does not have all of their body ({tag}-8, {tag}-9, {tag}-10)"
            ),
            format!(
                "skipped 1 request: the requests that made their records were not made again ({tag}-11)"
            ),
        ]
    );
}

async fn trace_of(client: &Client) -> String {
    let listed = client.get("/__sandbox/requests?limit=1").await.json();
    listed["requests"][0]["trace"]
        .as_str()
        .expect("a trace")
        .to_owned()
}

/// An export with one request that a rule of the own file answers, and a request that it does not touch.
async fn with_own_file() -> (Recording, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let own = "extends = \"v1.1/bank_account_data_requests\"\n[outcomes.OWN]\n\
               when = { \"input.bank_account_number\" = \"7\" }\nbody.result = { is_found = true }\n";
    fs::write(folder.path().join("own.toml"), own).expect("it is written");
    let client = Client::of(Sandbox::builder().scenarios(folder.path())).await;
    client.post(BANK, &account("7")).await;
    client.magic(PEPS, "COMPLETED_NOT_FOUND").await;
    let tag = trace_of(&client).await[..8].to_owned();
    (Recording::of_client(&client).await, tag)
}

#[tokio::test]
async fn other_scenario_files_or_another_seed_show_what_they_change_field_by_field() {
    let (recording, tag) = with_own_file().await;
    let other = recording.folder.path().join("other");
    fs::create_dir(&other).expect("a folder");
    let own = "extends = \"v1.1/bank_account_data_requests\"\n[outcomes.OWN]\n\
               when = { \"input.bank_account_number\" = \"7\" }\nbody.result = { is_found = false, note = \"x\" }\n";
    fs::write(other.join("own.toml"), own).expect("it is written");
    let other = other.to_str().expect("UTF-8");
    let (code, report, _) = recording.replay(&["--scenarios", other]);
    let expected = format!(
        "2 requests replayed, 1 different; 1 callback compared, 1 different\n\
         1 reply: `reply.result.is_found` true became false ({tag}-1)\n\
         1 reply: `reply.result.note` is new: \"x\" ({tag}-1)\n\
         1 callback: `body.result.is_found` true became false (evt_1 of world {tag})\n\
         1 callback: `body.result.note` is new: \"x\" (evt_1 of world {tag})\n"
    );
    assert_eq!((code, report), (1, expected));
    let ignored = [
        "--scenarios",
        other,
        "--ignore",
        "*.result.is_found",
        "--ignore",
        "body",
        "--ignore",
        "reply.result.note",
    ];
    assert_eq!(recording.replay(&ignored).0, 0);
    let (code, report, _) =
        recording.replay(&["--scenarios", other, "--only", "v0/individual_cft_peps"]);
    assert_eq!(
        (code, report.as_str()),
        (
            0,
            "1 request replayed, 0 different; 0 callbacks compared, 0 different\n"
        )
    );
    let (code, report, _) =
        recording.replay(&["--scenarios", other, "--stop-at-first", "--format", "json"]);
    let report: Value = serde_json::from_str(&report).expect("JSON");
    assert_eq!(
        (code, &report["requests"]),
        (1, &json!({"replayed": 1, "different": 1}))
    );
    assert_eq!(
        report["differences"][0],
        json!({
            "what": "reply",
            "path": "reply.result.is_found",
            "difference": "true became false",
            "count": 1,
            "examples": [format!("{tag}-1")],
        })
    );
    let (code, report, _) = recording.replay(&["--seed", "9"]);
    assert_eq!(code, 1);
    assert!(report.contains("`reply.id` is another id"), "{report}");
}

#[tokio::test]
async fn what_is_answered_now_can_be_written_as_an_export_that_replays_too() {
    let (recording, _) = with_own_file().await;
    let again = recording.folder.path().join("again.jsonl");
    let (code, ..) = recording.replay(&["--output", again.to_str().expect("UTF-8")]);
    assert_eq!(code, 0);
    assert_eq!(comparable(&again), comparable(&recording.path));
    Recording::of(&fs::read_to_string(&again).expect("it is there")).replays();
}

#[tokio::test]
async fn only_takes_the_id_or_the_path_of_an_endpoint_and_names_the_nearest_of_others() {
    let (recording, _) = with_own_file().await;
    let one = "1 request replayed, 0 different; 0 callbacks compared, 0 different\n";
    for name in ["v0/individual_cft_peps", PEPS] {
        let (code, report, _) = recording.replay(&["--only", name]);
        assert_eq!((code, report.as_str()), (0, one), "{name}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let own = "path = \"/v9/own\"\n[outcomes.DONE]\ndefault = true\nbody.status = \"DONE\"\n";
    fs::write(folder.path().join("own.toml"), own).expect("it is written");
    let client = Client::of(Sandbox::builder().scenarios(folder.path())).await;
    client.post("/v9/own", &json!({})).await;
    let with_own = Recording::of_client(&client).await;
    let (code, report, _) = with_own.replay(&["--only", "own"]);
    assert_eq!(
        (code, report.as_str()),
        (0, one),
        "its file is in the recording"
    );
    let other = folder.path().join("other");
    fs::create_dir(&other).expect("a folder");
    let other = other.to_str().expect("UTF-8");
    let (code, report, _) = with_own.replay(&["--only", "own", "--scenarios", other]);
    assert_eq!(code, 1, "the request is in the recording: {report}");

    let learned = recording.folder.path().join("learned");
    let learned = learned.to_str().expect("UTF-8");
    for (name, hint) in [
        (
            "v0/individual_cft_pep",
            ": did you mean `v0/individual_cft_peps`?",
        ),
        (
            "/v0/identity/individual_cft_pep",
            ": did you mean `/v0/identity/individual_cft_peps`?",
        ),
        ("nothing", ": `iluma-sandbox list` shows them all"),
    ] {
        for more in [&[][..], &["--learn", learned]] {
            let flags = [&["--only", "v0/individual_cft_peps", "--only", name], more].concat();
            let (code, report, complaint) = recording.replay(&flags);
            let expected = format!("iluma-sandbox: there is no endpoint `{name}`{hint}\n");
            assert_eq!((code, report.as_str(), complaint), (2, "", expected));
        }
    }
    assert!(!Path::new(learned).exists());
}

#[test]
fn an_export_larger_than_the_limit_is_refused_before_it_is_read() {
    let recording = Recording::of("");
    let file = fs::File::create(&recording.path).expect("it is there");
    file.set_len((1 << 30) + 1).expect("it needs no room");
    let (code, report, complaint) = recording.replay(&[]);
    let path = recording.path.display();
    let expected = format!(
        "iluma-sandbox: `{path}` cannot be replayed: it is larger than 1024 MiB, the most that is replayed: \
         end a recording earlier with --record-max\n"
    );
    assert_eq!((code, report.as_str(), complaint), (2, "", expected));
}

#[test]
fn a_file_that_is_no_recording_is_refused_and_one_without_requests_too() {
    let refused = |text: &str, why: &str| {
        let recording = Recording::of(text);
        let (code, report, complaint) = recording.replay(&[]);
        let path = recording.path.display();
        let expected = format!("iluma-sandbox: `{path}` cannot be replayed: {why}\n");
        assert_eq!(
            (code, report.as_str(), complaint),
            (2, "", expected),
            "{text}"
        );
    };
    let other = "its first line is not that of an export: `GET /__sandbox/export`, `exec --export` and `serve --record` write one";
    refused("", "it is empty");
    refused("hello\n", other);
    refused("{\"type\":\"exchange\"}\n", other);
    refused(
        "{\"type\":\"export\",\"version\":1}\n",
        "its version is 1, and only version 2 has what a replay needs: export it again with this release",
    );
    let (code, _, complaint) = run(&["replay", "/no/such/file"]);
    assert_eq!(code, 2);
    assert!(
        complaint.contains("cannot be replayed: no such file or directory"),
        "{complaint}"
    );
    let (code, _, complaint) = run(&["replay", "run.jsonl", "--ignore", "a..b"]);
    assert_eq!(code, 2);
    assert!(
        complaint.contains("write the names of a path with dots between them"),
        "{complaint}"
    );
}

#[tokio::test]
async fn a_redacted_export_and_one_whose_world_is_not_whole_cannot_be_replayed() {
    let redacted = Client::of(Sandbox::builder().redact(true)).await;
    redacted.post(BANK, &account("1")).await;
    let (code, _, complaint) = Recording::of_client(&redacted).await.replay(&[]);
    assert_eq!(code, 2);
    assert!(
        complaint.contains("it was made with --redact"),
        "{complaint}"
    );

    let client = Client::start().await;
    for at in 0..1001 {
        client.post(BANK, &account(&at.to_string())).await;
    }
    let tag = trace_of(&client).await[..8].to_owned();
    let (code, report, _) = Recording::of_client(&client).await.replay(&[]);
    let expected = format!(
        "0 requests replayed, 0 different; 0 callbacks compared, 0 different\n\
         skipped 1000 requests: its oldest 1 requests and 0 control calls were dropped (world {tag} and 999 more)\n"
    );
    assert_eq!((code, report), (2, expected));
}

#[tokio::test]
async fn each_world_is_replayed_by_its_digest_and_no_key_is_in_the_export() {
    let client = Client::start().await;
    let live = "iluma_live_000000000000000000000000000000000000000001";
    for key in [key('a'), key('b'), live.to_owned()] {
        for number in ["1", "1"] {
            Answer::of(client.as_key(&key, "POST", BANK).json(&account(number))).await;
        }
    }
    let recording = Recording::of_client(&client).await;
    let exported = fs::read_to_string(&recording.path).expect("it is there");
    assert!(
        !exported.contains(&live[20..]) && !exported.contains(&key('a')[20..]),
        "{exported}"
    );
    let report = recording.replays();
    assert!(
        report.starts_with("6 requests replayed, 0 different; "),
        "{report}"
    );
}

/// The file was recorded by an earlier version. `tests/recordings/record.sh` records it anew.
#[test]
fn the_bytes_of_an_earlier_recording_change_only_with_a_line_in_the_changelog() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let kept = root.join("tests/recordings/kept.jsonl");
    let path = kept.to_str().expect("UTF-8");
    let (code, report, complaint) = run(&["replay", path]);
    let expected = "31 requests replayed, 0 different; 17 callbacks compared, 0 different\n";
    assert_eq!(
        (code, report.as_str(), complaint.as_str()),
        (0, expected, "")
    );
    let digest = sha2::Sha256::digest(fs::read(&kept).expect("it is there"));
    let digest = digest
        .iter()
        .take(6)
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    let changes = fs::read_to_string(root.join("CHANGELOG.md")).expect("it is there");
    assert!(
        changes.contains(&digest),
        "the recording is another one: say in CHANGELOG.md what has changed, with its digest {digest}"
    );
}
