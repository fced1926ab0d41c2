//! `--state FILE`: worlds outlive the process.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use iluma_sandbox::{Builder, Clock, PUBLIC_KEY, Sandbox};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::{Answer, Client};
use crate::process::write;
use crate::receiver::{Receiver, StandingClock};
use crate::stage::{BANK, TYPE, URLS, key};

const MINE: &str = r#"extends = "v1.1/bank_account_data_requests"

[outcomes.BUSY_ONCE]
sequence = ["SERVER_ERROR", "COMPLETED_FOUND", "COMPLETED_NOT_FOUND"]
when = { "input.bank_account_number" = "999000" }

[outcomes.LIMITED]
when = { "input.bank_account_number" = "888000" }
rate_limit = { limit = 3, window = "1h" }
body.result = { is_found = true }

[outcomes.SLOW]
body = { status = "PENDING" }
then = { after = "1h", outcome = "COMPLETED_FOUND" }

[outcomes.BIG]
callback = false
body.result = { is_found = true, account_holder_name = "BLOB" }
"#;

/// A folder with the scenario file, and a place for a state file.
struct Files {
    folder: TempDir,
    scenarios: TempDir,
}

impl Files {
    fn new() -> Self {
        let scenarios = tempfile::tempdir().expect("a folder");
        let blob = "x".repeat(100_000);
        write(scenarios.path(), "mine.toml", &MINE.replace("BLOB", &blob));
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            scenarios,
        }
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("worlds.state")
    }

    fn builder(&self) -> Builder {
        Sandbox::builder()
            .scenarios(self.scenarios.path())
            .state(self.state())
    }

    async fn start(&self) -> Client {
        Client::of(self.builder()).await
    }

    /// Why a sandbox with this file does not start. The file stays as it is.
    async fn refusal(&self, builder: Builder) -> String {
        let before = fs::read(self.state()).expect("a file");
        let error = builder.start().await.expect_err("it is refused");
        assert_eq!(fs::read(self.state()).expect("a file"), before);
        let path = fs::canonicalize(self.state()).expect("a file");
        error
            .to_string()
            .replace(path.to_str().expect("UTF-8"), "FILE")
    }

    /// A file with one world that holds one record.
    async fn with_a_world() -> Self {
        let files = Self::new();
        let client = files.start().await;
        assert_eq!(ask(&client, "7000000001").await.status, 200);
        client.sandbox.stop().await;
        files
    }
}

fn account(number: &str) -> Value {
    json!({"bank_account_number": number, "bank_code": "BCA"})
}

async fn ask(client: &Client, number: &str) -> Answer {
    client.post(BANK, &account(number)).await
}

async fn ask_as(client: &Client, key: &str, number: &str) -> Answer {
    Answer::of(client.as_key(key, "POST", BANK).json(&account(number))).await
}

async fn save(client: &Client) -> Value {
    let answer = client.post("/__sandbox/state", &json!({})).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let mut saved = answer.json();
    saved.as_object_mut().expect("fields").remove("path");
    saved.as_object_mut().expect("fields").remove("bytes");
    saved
}

/// The parts of an answer that a client sees, without those that depend on the speed of the test.
fn seen(answer: &Answer) -> String {
    let mut headers: Vec<_> = answer
        .headers
        .iter()
        .filter(|(name, _)| *name != "date" && *name != "ratelimit-reset")
        .map(|(name, value)| format!("{name}: {}", value.to_str().expect("text")))
        .collect();
    headers.sort();
    format!("{} {headers:?} {}", answer.status, answer.text)
}

async fn first_half(client: &Client) -> (Vec<String>, String) {
    let mut all = Vec::new();
    for number in ["7000000001", "999000", "888000"] {
        all.push(seen(&ask(client, number).await));
    }
    all.push(seen(&ask_as(client, &key('a'), "7000000001").await));
    let url = format!("{}/__sandbox/inbox/mine", "http://127.0.0.1:9");
    let register = json!({"type": "NAME_VALIDATOR_REQUEST", "url": url});
    all.push(client.post(URLS, &register).await.status.to_string());
    let named = client
        .post("/__sandbox/worlds", &json!({"name": "Ani"}))
        .await;
    let ani = named.json()["api_key"].as_str().expect("a key").to_owned();
    all.push(seen(&ask_as(client, &ani, "7000000001").await));
    client.post("/__sandbox/worlds", &json!({})).await;
    let advance = json!({"by": "10m"});
    client.post("/__sandbox/clock/advance", &advance).await;
    let pending = client.magic(BANK, "SLOW").await.json();
    let queue = json!({"endpoint": BANK, "outcome": "SERVICE_UNAVAILABLE_ERROR", "times": 2});
    assert_eq!(client.post("/__sandbox/next", &queue).await.status, 200);
    let faults = json!({"ttl": "2h", "faults": [{"delay": "1ms", "probability": 0.5}]});
    let request = client.request("PUT", "/__sandbox/faults").json(&faults);
    assert_eq!(Answer::of(request).await.status, 200);
    (all, pending["id"].as_str().expect("an id").to_owned())
}

async fn second_half(client: &Client, pending: &str) -> Vec<String> {
    let mut all = Vec::new();
    for number in [
        "7000000001",
        "999000",
        "888000",
        "7000000001",
        "888000",
        "888000",
        "999000",
    ] {
        all.push(seen(&ask(client, number).await));
    }
    all.push(seen(&ask_as(client, &key('a'), "7000000001").await));
    let again = client
        .post("/__sandbox/worlds", &json!({"name": "Ani", "share": true}))
        .await;
    all.push(seen(&again));
    let ani = again.json()["api_key"].as_str().expect("a key").to_owned();
    all.push(seen(&ask_as(client, &ani, "7000000001").await));
    all.push(seen(&client.post("/__sandbox/worlds", &json!({})).await));
    for minutes in ["59m", "2m"] {
        all.push(seen(&client.get(&format!("{BANK}/{pending}")).await));
        let advance = json!({"by": minutes});
        client.post("/__sandbox/clock/advance", &advance).await;
    }
    all.push(seen(&client.get(&format!("{BANK}/{pending}")).await));
    all.push(client.get("/__sandbox/clock").await.text);
    all.push(client.get("/__sandbox/next").await.text);
    all.push(seen(&client.get(URLS).await));
    all
}

#[tokio::test]
async fn after_a_restart_the_same_requests_get_the_same_bytes() {
    let (one, other) = (Files::new(), Files::new());
    let through = one.start().await;
    let before = first_half(&through).await;
    let expected = second_half(&through, &before.1).await;

    let client = other.start().await;
    assert_eq!(first_half(&client).await, before);
    client.sandbox.stop().await;
    let client = other.start().await;
    let after = second_half(&client, &before.1).await;
    assert_eq!(after, expected);
    assert!(after.iter().any(|answer| answer.contains("PENDING")));
}

#[tokio::test]
async fn the_file_has_no_key_and_no_secret_and_only_its_owner_reads_it() {
    let files = Files::new();
    let client = Client::of(files.builder().sign_callbacks(true)).await;
    let (_, id) = first_half(&client).await;
    let secrets = client.get("/__sandbox/world").await.json();
    let ani = client
        .post("/__sandbox/worlds", &json!({"name": "Ani", "share": true}))
        .await
        .json();
    save(&client).await;
    let text = fs::read_to_string(files.state()).expect("a file");
    assert!(text.contains(&id));
    for secret in [
        PUBLIC_KEY,
        &key('a'),
        ani["api_key"].as_str().expect("a key"),
        secrets["callback_token"].as_str().expect("a token"),
        secrets["callback_signing_secret"]
            .as_str()
            .expect("a secret"),
    ] {
        assert!(!text.contains(secret));
        assert!(!text.contains(&secret[18..]));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| fs::metadata(path).expect("a file").permissions().mode() & 0o777;
        assert_eq!(mode(&files.state()), 0o600);
        assert_eq!(mode(&files.folder.path().join("worlds.state.lock")), 0o600);
        fs::set_permissions(files.state(), fs::Permissions::from_mode(0o644)).expect("a mode");
        ask(&client, "7000000001").await;
        save(&client).await;
        assert_eq!(mode(&files.state()), 0o600, "whatever it was before");
    }
}

#[tokio::test]
async fn a_world_rests_until_the_first_request_with_its_key_takes_it() {
    let files = Files::new();
    let client = files.start().await;
    let record = ask_as(&client, &key('a'), "7000000001").await.json();
    let tag = ask_as(&client, &key('a'), "1").await.headers["x-sandbox-trace"].clone();
    let tag = tag.to_str().expect("text")[..8].to_owned();
    client.sandbox.stop().await;

    for time in 0..2 {
        let client = files.start().await; // nobody takes it the first time, and it is still there the second time
        let worlds = client.get("/__sandbox/worlds").await.json();
        let listed = worlds["worlds"].as_array().expect("a list");
        let rests = listed.iter().find(|world| world["world"] == tag.as_str());
        assert_eq!(rests.expect("it is listed")["rests"], true);
        assert_eq!(rests.expect("it is listed")["records"], 2);
        let ready = client.get("/__sandbox/readyz").await.json();
        assert_eq!(ready["state"]["resting"], 1);
        assert_eq!(ready["records"]["held"], 2 + time);
        let reset = client
            .post(&format!("/__sandbox/reset?world={tag}"), &json!({}))
            .await;
        assert_eq!(
            (reset.status, &reset.json()["error"]),
            (409, &json!("world_rests"))
        );
        ask(&client, "7000000001").await;
        client.sandbox.stop().await;
    }

    let client = files.start().await;
    let id = record["id"].as_str().expect("an id");
    let read = Answer::of(client.as_key(&key('a'), "GET", &format!("{BANK}/{id}"))).await;
    assert_eq!((read.status, read.json()), (200, record.clone()));
    assert_eq!(read.headers["x-sandbox-trace"], format!("{tag}-3"));
    let ready = client.get("/__sandbox/readyz").await.json();
    assert_eq!(ready["state"]["resting"], 0);
    let other = Answer::of(client.as_key(&key('b'), "GET", &format!("{BANK}/{id}"))).await;
    assert_eq!(other.status, 404, "another key has another world");
}

#[tokio::test]
async fn a_resting_world_can_be_ended_by_its_tag_and_by_its_key() {
    for by_tag in [true, false] {
        let files = Files::new();
        let client = files.start().await;
        let trace =
            ask_as(&client, &key('a'), "7000000001").await.headers["x-sandbox-trace"].clone();
        let tag = trace.to_str().expect("text")[..8].to_owned();
        client.sandbox.stop().await;
        let client = files.start().await;
        let request = if by_tag {
            client.request("DELETE", &format!("/__sandbox/worlds?world={tag}"))
        } else {
            client.as_key(&key('a'), "DELETE", "/__sandbox/worlds")
        };
        let ended = Answer::of(request).await;
        assert_eq!((ended.status, &ended.json()["world"]), (200, &json!(tag)));
        assert_eq!(save(&client).await["status"], "written");
        let text = fs::read_to_string(files.state()).expect("a file");
        assert!(!text.contains(&tag), "{text}");
        let bytes = client.get("/__sandbox/readyz").await.json()["bytes_held"].clone();
        assert_eq!(bytes, 0);
    }
}

#[tokio::test]
async fn unchanged_worlds_are_not_rewritten() {
    let files = Files::new();
    let client = files.start().await;
    ask(&client, "7000000001").await;
    ask_as(&client, &key('a'), "7000000001").await;
    let written = |worlds, rewritten| json!({"status": "written", "worlds": worlds, "worlds_rewritten": rewritten});
    let unchanged =
        |worlds| json!({"status": "unchanged", "worlds": worlds, "worlds_rewritten": 0});
    assert_eq!(save(&client).await, written(2, 2));
    let file = fs::File::open(files.state()).expect("a file");
    for path in [
        "requests",
        "worlds",
        "snapshot",
        "faults",
        "next",
        "deliveries",
        "metrics",
        "readyz",
    ] {
        assert_eq!(
            client.get(&format!("/__sandbox/{path}")).await.status,
            200,
            "{path}"
        );
    }
    assert_eq!(save(&client).await, unchanged(2));
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let now = fs::metadata(files.state()).expect("a file");
        assert_eq!(now.ino(), file.metadata().expect("a file").ino());
    }
    ask(&client, "7000000001").await;
    assert_eq!(save(&client).await, written(2, 1));
    client.sandbox.stop().await;

    let client = files.start().await;
    assert_eq!(save(&client).await, unchanged(2));
    ask_as(&client, &key('a'), "7000000001").await;
    assert_eq!(save(&client).await, written(2, 1));
    for change in ["reset", "worlds"] {
        let request = match change {
            "reset" => client.request("POST", "/__sandbox/reset"),
            _ => client.request("DELETE", "/__sandbox/worlds"),
        };
        assert_eq!(Answer::of(request).await.status, 200);
        assert_eq!(save(&client).await["status"], "written", "{change}");
        assert_eq!(save(&client).await["status"], "unchanged", "{change}");
    }
}

#[tokio::test]
async fn every_change_through_the_control_api_is_written() {
    let files = Files::new();
    let client = files.start().await;
    ask(&client, "7000000001").await;
    save(&client).await;
    let snapshot = client.get("/__sandbox/snapshot").await.text;
    let advance = json!({"by": "1m"});
    let queue = json!({"endpoint": BANK, "outcome": "COMPLETED_FOUND"});
    let faults = json!({"faults": [{"delay": "1ms"}]});
    for (method, path, body) in [
        ("POST", "clock/advance", advance),
        ("POST", "next", queue),
        ("DELETE", "next", json!({})),
        ("PUT", "faults", faults),
        ("DELETE", "faults", json!({})),
        ("POST", "reset", json!({})),
        (
            "PUT",
            "snapshot",
            serde_json::from_str(&snapshot).expect("JSON"),
        ),
    ] {
        let request = client.request(method, &format!("/__sandbox/{path}"));
        let answer = Answer::of(request.json(&body)).await;
        assert_eq!(answer.status, 200, "{method} {path}: {}", answer.text);
        assert_eq!(
            save(&client).await["worlds_rewritten"],
            1,
            "{method} {path}"
        );
        assert_eq!(
            save(&client).await["status"],
            if path == "faults" && method == "PUT" {
                "written"
            } else {
                "unchanged"
            }
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_world_in_which_time_runs_is_written_until_it_has_run_out() {
    let _still = StandingClock::hold();
    let files = Files::new();
    let client = files.start().await;
    client.magic(BANK, "SLOW").await;
    let written = async |client: &Client| {
        save(client).await;
        fs::read_to_string(files.state()).expect("a file")
    };
    for minutes in [0, 25, 50, 75] {
        let since = format!(r#""later":{{"since":{{"real_ms":{},"#, minutes * 60_000);
        let text = written(&client).await;
        assert!(text.contains(&since), "{text}");
        tokio::time::advance(Duration::from_mins(25)).await;
    }
    let settled = written(&client).await;
    tokio::time::advance(Duration::from_mins(25)).await;
    assert_eq!(written(&client).await, settled);
    client.sandbox.stop().await;
    let client = files.start().await;
    assert_eq!(written(&client).await, settled);
}

#[tokio::test(start_paused = true)]
async fn no_time_passes_while_the_sandbox_is_off() {
    let _still = StandingClock::hold();
    let files = Files::new();
    let client = files.start().await;
    let id = client.magic(BANK, "SLOW").await.json()["id"].clone();
    let id = id.as_str().expect("an id").to_owned();
    tokio::time::advance(Duration::from_mins(50)).await;
    client.sandbox.stop().await;
    tokio::time::advance(Duration::from_hours(10)).await;
    let client = files.start().await;
    let status =
        async |client: &Client| client.get(&format!("{BANK}/{id}")).await.json()["status"].clone();
    assert_eq!(status(&client).await, "PENDING");
    tokio::time::advance(Duration::from_mins(11)).await;
    assert_eq!(status(&client).await, "COMPLETED");
}

#[tokio::test(start_paused = true)]
async fn the_file_is_written_every_minute_and_when_a_sandbox_is_dropped() {
    let _still = StandingClock::hold();
    let files = Files::new();
    let client = files.start().await;
    ask(&client, "7000000001").await;
    tokio::time::advance(Duration::from_secs(59)).await;
    let state =
        async |client: &Client| client.get("/__sandbox/readyz").await.json()["state"].clone();
    assert_eq!(state(&client).await["worlds"], Value::Null);
    tokio::time::advance(Duration::from_secs(1)).await;
    while state(&client).await["worlds"].is_null() {}
    let first = fs::read_to_string(files.state()).expect("it is written");
    ask(&client, "7000000001").await;
    drop(client);
    let again = loop {
        if let Ok(sandbox) = files.builder().start().await {
            break sandbox; // the lock is free
        }
        tokio::task::yield_now().await;
    };
    let second = fs::read_to_string(files.state()).expect("it is written");
    assert!(second.len() > first.len());
    again.stop().await;
}

#[tokio::test]
async fn a_torn_file_is_refused_wherever_it_ends_and_whatever_was_changed() {
    let files = Files::with_a_world().await;
    let whole = fs::read(files.state()).expect("a file");
    let torn = "the state file FILE is not whole: it was cut off or changed; put a whole copy there, or remove it to begin \
                without worlds";
    let mut cuts: Vec<_> = (1..whole.len()).step_by(whole.len() / 25).collect();
    let line_ends = whole.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    cuts.extend(
        line_ends
            .flat_map(|(at, _)| [at, at + 1])
            .filter(|at| *at < whole.len()),
    );
    for cut in cuts {
        fs::write(files.state(), &whole[..cut]).expect("a file");
        assert_eq!(files.refusal(files.builder()).await, torn, "cut at {cut}");
    }
    for at in (30..whole.len() - 1).step_by(whole.len() / 15) {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        fs::write(files.state(), &changed).expect("a file");
        let refusal = files.refusal(files.builder()).await;
        assert!(
            refusal.starts_with("the state file FILE "),
            "{at}: {refusal}"
        );
    }
    fs::write(files.state(), [whole.as_slice(), b"{}\n"].concat()).expect("a file");
    assert_eq!(files.refusal(files.builder()).await, torn);
    fs::write(files.state(), &whole).expect("a file");
    files.start().await;
}

#[tokio::test]
async fn an_empty_file_begins_without_worlds() {
    let files = Files::new();
    fs::write(files.state(), "").expect("a file");
    let client = files.start().await;
    ask(&client, "7000000001").await;
    assert_eq!(save(&client).await["worlds"], 1);
}

#[tokio::test]
async fn a_foreign_file_is_refused_and_stays_as_it_is() {
    let files = Files::with_a_world().await;
    let of_state = fs::read_to_string(files.state()).expect("a file");
    let foreign = "FILE is not a state file, and was not changed: name another file with --state";
    for text in [
        "strict = true\n",
        "{}",
        "\n",
        "{\"ilumx",
        "a very long line without an end",
    ] {
        fs::write(files.state(), text).expect("a file");
        assert_eq!(files.refusal(files.builder()).await, foreign, "{text}");
    }
    fs::write(files.state(), vec![b'x'; 1 << 20]).expect("a file");
    assert_eq!(files.refusal(files.builder()).await, foreign);
    let newer = of_state.replacen("\"iluma_sandbox_state\":1", "\"iluma_sandbox_state\":2", 1);
    fs::write(files.state(), newer).expect("a file");
    assert_eq!(
        files.refusal(files.builder()).await,
        "the state file FILE has the version 2, and this sandbox reads version 1: use the release that wrote it, or name \
         another file with --state"
    );
}

#[tokio::test]
async fn a_file_of_a_sandbox_with_other_flags_is_refused() {
    let files = Files::with_a_world().await;
    assert_eq!(
        files.refusal(files.builder().seed(7)).await,
        "the state file FILE was written with the seed 0, and this sandbox has 7: ids would not go on as they did, so start \
         it with `--seed 0`, or name another file with --state"
    );
    assert_eq!(
        files.refusal(files.builder().clock(Clock::System)).await,
        "the state file FILE was written with the clock `2026-01-01T00:00:00.000Z`, and this sandbox has `system`: start it \
         with `--clock 2026-01-01T00:00:00.000Z`, or name another file with --state"
    );
    assert_eq!(
        files.refusal(files.builder().redact(true)).await,
        "a state file holds all that worlds know, also personal fields: leave out --state or --redact"
    );
    let own = tempfile::tempdir().expect("a folder");
    write(
        own.path(),
        "v9/things.toml",
        "path = \"/v9/things\"\nid = \"thing_{hex24}\"\n[outcomes.DONE]\ndefault = true\nbody = {}",
    );
    let files = Files::new();
    let client = Client::of(files.builder().scenarios(own.path())).await;
    assert_eq!(client.post("/v9/things", &json!({})).await.status, 200);
    client.sandbox.stop().await;
    let refusal = files.refusal(files.builder()).await;
    assert!(
        refusal.ends_with(
            ": `records[0]`: the endpoint `v9/things` is not among the scenarios of this sandbox; start with the flags and \
             scenario files of the sandbox that wrote it, or name another file with --state"
        ),
        "{refusal}"
    );
}

#[tokio::test]
async fn a_place_that_cannot_be_written_is_refused_at_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = fs::canonicalize(folder.path()).expect("a folder");
    fs::create_dir_all(folder.join("is/a/folder")).expect("a folder");
    write(&folder, "file", "");
    let refusal = async |path: &Path| {
        let builder = Sandbox::builder().state(path);
        let error = builder.start().await.expect_err("it is refused");
        error
            .to_string()
            .replace(folder.to_str().expect("UTF-8"), "DIR")
    };
    assert_eq!(
        refusal(&folder.join("missing/worlds")).await,
        "there is no folder DIR/missing for the state file: no such file or directory; make it, or name another file with \
         --state"
    );
    assert_eq!(
        refusal(&folder.join("is/a")).await,
        "the state file DIR/is/a is a folder: name another with --state"
    );
    assert_eq!(
        refusal(&folder.join("file/worlds")).await,
        "the state file DIR/file/worlds cannot be read (not a directory): name another with --state"
    );
    #[cfg(unix)]
    {
        assert_eq!(
            refusal(Path::new("/dev/null")).await,
            "the state file /dev/null is a device or a pipe: name another with --state"
        );
        std::os::unix::fs::symlink(folder.join("nowhere"), folder.join("link")).expect("a link");
        assert_eq!(
            refusal(&folder.join("link")).await,
            "the state file DIR/link is a symbolic link that leads nowhere: name another with --state"
        );
        std::os::unix::fs::symlink("/dev/null", folder.join("null")).expect("a link");
        assert_eq!(
            refusal(&folder.join("null")).await,
            "the state file DIR/null is a device or a pipe: name another with --state"
        );
        fs::create_dir(folder.join("worlds.lock")).expect("a folder");
        assert_eq!(
            refusal(&folder.join("worlds")).await,
            "DIR/worlds.lock is not the lock of a state file: remove it, or name another file with --state"
        );
    }
}

#[tokio::test]
#[cfg(unix)]
async fn the_file_behind_a_symbolic_link_is_replaced_and_the_link_stays() {
    let files = Files::with_a_world().await;
    let link = files.folder.path().join("link");
    std::os::unix::fs::symlink("worlds.state", &link).expect("a link");
    let client = Client::of(files.builder().state(&link)).await;
    assert_eq!(
        client.get("/__sandbox/readyz").await.json()["records"]["held"],
        1
    );
    ask(&client, "7000000001").await;
    client.sandbox.stop().await;
    assert!(link.symlink_metadata().expect("a link").is_symlink());
    let client = files.start().await;
    assert_eq!(
        client.get("/__sandbox/readyz").await.json()["records"]["held"],
        2
    );
}

#[tokio::test]
async fn two_sandboxes_do_not_share_a_file() {
    let files = Files::with_a_world().await;
    let client = files.start().await;
    assert_eq!(
        files.refusal(files.builder()).await,
        "another sandbox uses the state file FILE: stop it, or name another file with --state"
    );
    client.sandbox.stop().await;
    files.start().await;
}

#[tokio::test]
async fn without_the_flag_the_call_says_what_to_do() {
    let client = Client::start().await;
    let answer = client.post("/__sandbox/state", &json!({})).await;
    assert_eq!(
        (answer.status, answer.json()),
        (
            409,
            json!({
                "error": "no_state_file",
                "message": "this sandbox keeps its worlds in memory only: start it with --state FILE",
            })
        )
    );
    assert_eq!(
        client.get("/__sandbox/readyz").await.json().get("state"),
        None
    );
}

#[tokio::test]
async fn a_sandbox_whose_file_cannot_be_written_goes_on_and_says_so() {
    let files = Files::new();
    let path = files.folder.path().join("sub");
    fs::create_dir(&path).expect("a folder");
    let client = Client::of(files.builder().state(path.join("worlds.state"))).await;
    ask(&client, "7000000001").await;
    fs::remove_dir_all(&path).expect("no folder");
    let answer = client.post("/__sandbox/state", &json!({})).await;
    assert_eq!(
        (answer.status, &answer.json()["error"]),
        (500, &json!("state_not_written"))
    );
    let message = answer.json()["message"].as_str().expect("text").to_owned();
    assert!(
        message.ends_with("cannot be written, and is as it was: no such file or directory"),
        "{message}"
    );
    let ready = client.get("/__sandbox/readyz").await;
    assert_eq!(ready.status, 200);
    let error = ready.json()["state"]["error"].clone();
    assert!(
        error
            .as_str()
            .expect("text")
            .starts_with("no such file or directory"),
        "{error}"
    );
    assert_eq!(ask(&client, "7000000001").await.status, 200);
    fs::create_dir(&path).expect("a folder");
    assert_eq!(save(&client).await["status"], "written");
    assert_eq!(
        client.get("/__sandbox/readyz").await.json()["state"]["error"],
        Value::Null
    );
}

#[tokio::test]
async fn a_file_that_others_changed_or_removed_is_written_whole() {
    let files = Files::with_a_world().await;
    let client = files.start().await;
    for change in ["removed", "overwritten"] {
        match change {
            "removed" => fs::remove_file(files.state()).expect("no file"),
            _ => fs::write(files.state(), "in its place, in the same file").expect("a file"),
        }
        assert_eq!(save(&client).await["status"], "written", "{change}");
        assert_eq!(save(&client).await["status"], "unchanged", "{change}");
    }
    client.sandbox.stop().await;
    let client = files.start().await;
    let ready = client.get("/__sandbox/readyz").await.json();
    assert_eq!(ready["records"]["held"], 1);
}

#[tokio::test]
async fn a_file_of_a_sandbox_with_more_memory_is_refused_if_it_does_not_fit() {
    let files = Files::new();
    let client = Client::of(files.builder().memory("128MiB".parse().expect("a size"))).await;
    for _ in 0..20 {
        assert_eq!(client.magic(BANK, "BIG").await.status, 200);
    }
    client.sandbox.stop().await;
    let small = "32MiB".parse().expect("a size");
    assert_eq!(
        files.refusal(files.builder().memory(small)).await,
        "the state file FILE holds more than this sandbox has memory for: start it with `--memory 134217728` (128 MiB), as \
         the sandbox that wrote it, or name another file with --state"
    );
    files.start().await;
}

#[tokio::test]
async fn a_restored_event_is_sent_to_a_url_that_only_the_new_sandbox_has() {
    let files = Files::new();
    let client = files.start().await;
    client.magic(BANK, "SLOW").await;
    ask_as(&client, &key('a'), "7000000001").await;
    client.sandbox.stop().await;
    let receiver = Receiver::start().await;
    let client = Client::of(files.builder().callback(TYPE, receiver.url())).await;
    let advance = json!({"by": "2h"});
    client.post("/__sandbox/clock/advance", &advance).await;
    let callback = receiver.only().await;
    assert_eq!(callback.json()["status"], "COMPLETED");
}

#[tokio::test]
async fn when_memory_is_needed_resting_worlds_are_dropped_before_others() {
    let files = Files::new();
    let builder = || files.builder().memory("32MiB".parse().expect("a size"));
    let fill = async |client: &Client, key: &str| {
        for _ in 0..7 {
            let request = client.as_key(key, "POST", BANK);
            let answer = Answer::of(request.header("x-magic-reply", "BIG")).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
        }
    };
    let records = async |client: &Client, letter: char| {
        let path = format!("/__sandbox/snapshot?key={}", key(letter));
        let snapshot = Answer::of(client.bare("GET", &path)).await;
        let count = snapshot.json()["records"].as_array().expect("a list").len();
        (count, snapshot.headers.contains_key("x-sandbox-warning"))
    };
    let client = Client::of(builder()).await;
    for letter in ['a', 'b', 'c', 'd', 'e'] {
        fill(&client, &key(letter)).await;
    }
    client.sandbox.stop().await;

    let client = Client::of(builder()).await;
    for letter in ['w', 'x', 'y', 'z'] {
        fill(&client, &key(letter)).await;
    }
    for letter in ['w', 'x', 'y', 'z', 'e', 'd', 'c'] {
        assert_eq!(records(&client, letter).await, (7, false), "{letter}");
    }
    for letter in ['a', 'b'] {
        let oldest = records(&client, letter).await;
        assert_eq!(oldest, (0, true), "they were used longest ago");
    }
    let ready = client.get("/__sandbox/readyz").await.json();
    assert_eq!(ready["worlds"]["evicted"], 2);
    client.sandbox.stop().await;

    let client = Client::of(builder()).await;
    assert_eq!(records(&client, 'a').await, (0, false));
    assert_eq!(records(&client, 'c').await, (7, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_that_comes_while_the_file_is_written() {
    let files = Files::new();
    let client = files.start().await;
    let ask = async |letter: char, number: usize| {
        let answer = ask_as(&client, &key(letter), &number.to_string()).await;
        answer.json()["id"].as_str().expect("an id").to_owned()
    };
    let mut ids = Vec::new();
    for number in 0..25 {
        let (a, b, saved, c) = tokio::join!(
            ask('a', number),
            ask('b', number),
            save(&client),
            ask('c', number)
        );
        assert!(["written", "unchanged"].contains(&saved["status"].as_str().expect("text")));
        ids.extend([('a', a), ('b', b), ('c', c)]);
    }
    client.sandbox.stop().await;
    let client = files.start().await;
    for (letter, id) in ids {
        let read = client.as_key(&key(letter), "GET", &format!("{BANK}/{id}"));
        assert_eq!(Answer::of(read).await.status, 200, "{letter} {id}");
    }
}

#[tokio::test]
async fn the_key_of_a_named_world_is_accepted_after_a_restart_with_configured_keys_only() {
    let files = Files::new();
    let builder = || files.builder().api_key(key('o').parse().expect("a key"));
    let client = Client::of(builder()).await;
    let mint = |name: &str| {
        let request = client.as_key(&key('o'), "POST", "/__sandbox/worlds");
        Answer::of(request.json(&json!({"name": name})))
    };
    let named = mint("Ani").await.json()["api_key"]
        .as_str()
        .expect("a key")
        .to_owned();
    let record = ask_as(&client, &named, "7000000001").await.json();
    client.sandbox.stop().await;
    let client = Client::of(builder()).await;
    let path = format!("{BANK}/{}", record["id"].as_str().expect("an id"));
    let read = Answer::of(client.as_key(&named, "GET", &path)).await;
    assert_eq!((read.status, read.json()), (200, record));
    let again = client.as_key(&key('o'), "POST", "/__sandbox/worlds");
    let again = Answer::of(again.json(&json!({"name": "Ani"}))).await;
    assert_eq!(
        (again.status, &again.json()["error"]),
        (409, &json!("world_in_use"))
    );
}

#[tokio::test]
async fn what_a_killed_sandbox_had_begun_to_write_is_removed_and_nothing_else() {
    let files = Files::with_a_world().await;
    let folder = files.folder.path();
    for name in [
        ".worlds.state.new-AbCdEf",
        ".worlds.state.bak",
        "worlds.state.new-1",
        ".tmpAbCdEf",
    ] {
        write(folder, name, "half");
    }
    files.start().await.sandbox.stop().await;
    let names = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<_> = names
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    names.sort();
    let expected = [
        ".tmpAbCdEf",
        ".worlds.state.bak",
        "worlds.state",
        "worlds.state.lock",
        "worlds.state.new-1",
    ];
    assert_eq!(names, expected);
}
