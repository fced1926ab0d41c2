//! `iluma-sandbox replay FILE --learn DIR`: outcomes that are written for observed replies.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::har::PROXY;
use crate::process::{Process, run};
use crate::stage::BANK;

/// Values of the fixture that are about a person, or secret.
const PERSONAL: [&str; 15] = [
    "Zebulon",
    "ZEBULON",
    "Quixot",
    "QUIXOT",
    "8830091177",
    "1971",
    "81355501234",
    "zeb@",
    "u-881177",
    "née",
    "NL",
    "3275031210930027",
    "people.test",
    "bknv_69a5",
    "iluma_development_00",
];

fn learned(file: &str, folder: &Path, flags: &[&str]) -> (i32, String, String) {
    let folder = folder.to_str().expect("UTF-8");
    let (code, report, complaint) = run(&[&["replay", file, "--learn", folder], flags].concat());
    (
        code,
        report.replace(folder, "DIR"),
        complaint.replace(folder, "DIR"),
    )
}

/// All files below a folder by their paths.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("it is below");
                let text = fs::read_to_string(&path).expect("a text");
                found.insert(name.display().to_string(), text);
            }
        }
    }
    found
}

/// A folder that learned from the proxy's file.
fn of_proxy() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let (code, report, complaint) = learned(PROXY, folder.path(), &[]);
    assert_eq!((code, complaint.as_str()), (0, ""), "{report}");
    folder
}

/// A HAR file with one reply of the bank account validator.
fn bank_reply(folder: &TempDir, status: u16, reply: &Value) -> String {
    let path = folder.path().join("one.har");
    let har = json!({"log": {"entries": [{
        "startedDateTime": "2026-03-02T10:15:01Z",
        "request": {
            "method": "POST",
            "url": format!("https://api.test{BANK}"),
            "postData": {"text": r#"{"bank_account_number":"8830091177","bank_code":"BCA"}"#},
        },
        "response": {"status": status, "content": {"text": reply.to_string()}},
    }]}});
    fs::write(&path, har.to_string()).expect("it is written");
    path.to_str().expect("UTF-8").to_owned()
}

#[test]
fn outcomes_are_written_for_replies_that_no_file_gives() {
    let folder = tempfile::tempdir().expect("a folder");
    let (code, report, complaint) = learned(PROXY, folder.path(), &[]);
    assert_eq!((code, complaint.as_str()), (0, ""));
    insta::assert_snapshot!("learned_report", report);
    let files = files(folder.path());
    let text: Vec<_> = files
        .iter()
        .map(|(name, text)| format!("## {name}\n{text}"))
        .collect();
    insta::assert_snapshot!("learned_files", text.join("\n"));
}

#[test]
fn nothing_personal_and_no_key_reaches_a_file_or_the_report() {
    let folder = of_proxy();
    let (_, report, _) = learned(PROXY, folder.path(), &["--format", "json"]);
    for text in files(folder.path()).values().chain([&report]) {
        for value in PERSONAL {
            assert!(!text.contains(value), "`{value}` is in {text}");
        }
    }
}

#[test]
fn check_reports_nothing_on_learned_files() {
    let folder = of_proxy();
    let folder = folder.path().to_str().expect("UTF-8");
    let (code, report, _) = run(&["check", "--deny-warnings", folder]);
    assert_eq!(code, 0, "{report}");
    assert!(report.starts_with("no mistakes: "), "{report}");
}

#[test]
fn a_second_run_changes_nothing() {
    let folder = of_proxy();
    let before = files(folder.path());
    let (code, report, _) = learned(PROXY, folder.path(), &[]);
    assert_eq!(code, 0);
    assert!(
        report.starts_with("0 outcomes learned in 0 files; 10 replies known before\n"),
        "{report}"
    );
    assert_eq!(files(folder.path()), before);
}

/// Learns from one reply, and again. Returns the file of the first time.
fn learned_once(status: u16, reply: &Value) -> String {
    let (others, folder) = (tempfile::tempdir(), tempfile::tempdir());
    let (others, folder) = (others.expect("a folder"), folder.expect("a folder"));
    let file = bank_reply(&others, status, reply);
    let (code, report, _) = learned(&file, folder.path(), &[]);
    assert_eq!(code, 0, "{report}");
    let before = files(folder.path());
    let (_, report, _) = learned(&file, folder.path(), &[]);
    assert!(
        report.starts_with("0 outcomes learned in 0 files; 1 reply known before\n"),
        "{report}"
    );
    assert_eq!(files(folder.path()), before);
    before.into_values().next().expect("a file")
}

#[test]
fn a_reply_with_a_status_that_no_outcome_has_leaves_out_the_fields_that_it_lacks() {
    let text = learned_once(599, &json!({"reason": "CLOSED"}));
    for field in ["status", "bank_account_number", "created", "id"] {
        let line = format!("\nbody.{field} = \"{{{{absent}}}}\"\n");
        assert!(text.contains(&line), "{field} in {text}");
    }
}

#[test]
fn a_dummy_value_stands_for_each_value_that_it_was_written_for() {
    let reply = json!([
        {"status": "In Review", "code": 12345, "id": "bknv_69a554c5aa00bb11cc22dd33"},
        {"status": "FAILED", "id": "bknv_69a554c5aa00bb11cc22dd34"},
    ]);
    let text = learned_once(200, &reply);
    assert!(
        text.contains(r#"{ status = "dummy", code = 0, id = "#),
        "{text}"
    );
}

#[test]
fn a_later_run_only_adds_what_is_new_and_keeps_what_a_person_changed() {
    let folder = of_proxy();
    let path = folder
        .path()
        .join("v1.1/bank_account_data_requests.observed.toml");
    let text = fs::read_to_string(&path).expect("a text");
    let text = text.replace(
        "bank_branch = \"dummy\"",
        "bank_branch = \"KCP Kota\" # ours",
    ) + "\n# the end";
    fs::write(&path, &text).expect("it is written");
    let others = tempfile::tempdir().expect("a folder");
    let reply = json!({"status": "FAILED", "failure_reason": "BANK_CLOSED"});
    let (code, report, _) = learned(&bank_reply(&others, 200, &reply), folder.path(), &[]);
    assert_eq!(code, 0, "{report}");
    let (before, after) = (text, fs::read_to_string(&path).expect("a text"));
    assert!(after.starts_with(&before), "{after}");
    assert!(
        after[before.len()..].starts_with("\n\n[outcomes.FAILED_BANK_CLOSED]\n"),
        "{after}"
    );
    let (_, report, _) = learned(PROXY, folder.path(), &[]);
    assert!(
        report.starts_with("0 outcomes learned in 0 files"),
        "{report}"
    );
}

/// Each value is of another kind, under a name that says nothing.
#[test]
fn every_kind_of_personal_value_is_replaced_wherever_it_stands() {
    let folder = tempfile::tempdir().expect("a folder");
    let target = folder.path().join("new");
    let reply = json!({
        "status": "SEEN",
        "a": "Xaverina Okonkwo-Brandt",
        "b": "xaverina@okonkwo.nl",
        "c": "+31 6 5512 9087",
        "d": "3171055512900001",
        "e": 3_171_055_512_900_001_u64,
        "f": "1984-11-23",
        "g": "23/11/1984",
        "h": "data:image/png;base64,iVBORw0KGgoXAVERINA",
        "i": "https://okonkwo.nl/me.jpg?token=81aa",
        "j": "Keizersgracht 9087, Amsterdam",
        "k": ["Xaverina", {"deep": "Okonkwo", "m": 90.87}],
        "Xaverina Okonkwo": {"okonkwo": true, "Brandt": 1, "n_9087": 2},
        "tax_code": "OKNXVR84S63F205X",
        "referral_code": "XAVERINA",
        "state": "OKONKWO",
        "failure_reason": "XAVERINA_31719087",
        "type": "Okonkwo",
        "o": "{{input.bank_code}} Okonkwo",
        "p": "iluma_live_000000000000000000000000000000000000000000009087",
        "q": "1984-11-23T04:05:06+07:00",
        "account_holder_name": "XAVERINA OKONKWO",
        "nationality": "NL",
    });
    let (code, report, _) = learned(
        &bank_reply(&folder, 200, &reply),
        &target,
        &["--format", "json"],
    );
    assert_eq!(code, 0, "{report}");
    let text = files(&target).into_values().next().expect("a file");
    for shown in [&text, &report] {
        let lower = shown.to_lowercase();
        for value in [
            "xaverina",
            "okonkwo",
            "brandt",
            "9087",
            "5512",
            "3171",
            "1984",
            "23/11",
            "ivbor",
            "81aa",
            "gracht",
            "knxvr",
            "iluma_live",
            "\"nl\"",
            "04:05",
        ] {
            assert!(!lower.contains(value), "`{value}` is in {shown}");
        }
    }
    let folder = target.to_str().expect("UTF-8");
    let (code, report, _) = run(&["check", "--deny-warnings", folder]);
    assert_eq!(code, 0, "{report}");
}

#[test]
fn a_reply_that_a_shipped_outcome_gives_is_not_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let target = folder.path().join("new");
    let reply = json!({
        "status": "FAILED",
        "bank_account_number": "8830091177",
        "bank_code": "BCA",
        "created": "2026-03-02T09:15:01.004Z",
        "updated": "2026-03-02T09:15:01.804Z",
        "id": "bknv_69a554c5aa00bb11cc22dd33",
        "failure_reason": "TEMPORARY_NETWORK_ERROR",
    });
    let file = bank_reply(&folder, 200, &reply);
    let (code, report, _) = learned(&file, &target, &[]);
    assert_eq!(
        (code, report.as_str()),
        (0, "0 outcomes learned in 0 files; 1 reply known before\n")
    );
    assert!(!target.exists());
}

#[test]
fn an_error_that_is_known_is_compared_and_not_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let target = folder.path().join("new");
    let reply =
        json!({"error_code": "RATE_LIMIT_EXCEEDED", "message": "Slow down, Zebulon", "retry": 3});
    let (code, report, _) = learned(&bank_reply(&folder, 420, &reply), &target, &[]);
    assert_eq!(code, 0);
    let lines: Vec<_> = report.lines().collect();
    assert_eq!(
        lines[0],
        "0 outcomes learned in 0 files; 1 reply known before"
    );
    let of = |line: &&str| line.split(": ").nth(1).map(str::to_owned);
    let found: Vec<_> = lines[1..].iter().filter_map(of).collect();
    assert_eq!(
        found,
        [
            "`(HTTP status)` is 420 (log.entries[0])",
            "`message` has another value (log.entries[0])",
            "`retry` is additional (log.entries[0])",
        ]
    );
    assert!(!target.exists());
}

#[test]
fn a_file_that_learn_has_not_written_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let target = folder.path().join("mine");
    let path = target.join("v1.1/bank_account_data_requests.observed.toml");
    fs::create_dir_all(path.parent().expect("a folder")).expect("it is made");
    let mine = "extends = \"v1/bank_account_data_requests\"\n[outcomes.MINE]\nbody = {}\n";
    fs::write(&path, mine).expect("it is written");
    let reply = json!({"status": "FAILED", "failure_reason": "BANK_CLOSED"});
    let (code, report, _) = learned(&bank_reply(&folder, 200, &reply), &target, &[]);
    assert_eq!(code, 2);
    assert!(
        report.contains(
            "`DIR/v1.1/bank_account_data_requests.observed.toml` does not extend `v1.1/bank_account_data_requests`: rename it"
        ),
        "{report}"
    );
    assert_eq!(fs::read_to_string(&path).expect("a text"), mine);
}

#[test]
fn a_folder_with_a_mistake_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let target = folder.path().join("mine");
    fs::create_dir_all(&target).expect("it is made");
    fs::write(target.join("broken.toml"), "extends = ").expect("it is written");
    let (code, report, complaint) = learned(PROXY, &target, &[]);
    assert_eq!((code, report.as_str()), (2, ""));
    assert!(complaint.contains("broken.toml"), "{complaint}");
    assert_eq!(files(&target).len(), 1);
}

#[test]
fn replies_of_a_sandbox_are_not_called_observed() {
    let folder = tempfile::tempdir().expect("a folder");
    let target = folder.path().join("new");
    let reply = json!({"status": "FAILED", "failure_reason": "BANK_CLOSED"});
    let file = bank_reply(&folder, 200, &reply);
    let text = fs::read_to_string(&file).expect("a text");
    let mut har: Value = serde_json::from_str(&text).expect("JSON");
    har["log"]["entries"][0]["response"]["headers"] =
        json!([{"name": "X-Sandbox-Trace", "value": "d9b6db51-1"}]);
    fs::write(&file, har.to_string()).expect("it is written");
    let (code, _, _) = learned(&file, &target, &[]);
    assert_eq!(code, 0);
    let text = files(&target).into_values().next().expect("a file");
    assert!(
        text.contains(
            "description = \"Answered by a sandbox on 2026-03-02.\"\nsource = \"decided\"\n"
        ),
        "{text}"
    );
}

#[tokio::test]
async fn fidelity_shows_what_was_observed_and_the_outcome_answers() {
    let folder = of_proxy();
    let scenarios = folder.path().to_str().expect("UTF-8");
    let sandbox = Process::serve(&["--scenarios", scenarios]);
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    let get = client
        .get(format!("{}/__sandbox/fidelity", sandbox.url))
        .send();
    let fidelity: Value = get.await.expect("an answer").json().await.expect("JSON");
    let endpoints = fidelity["endpoints"].as_array().expect("a list");
    let outcomes = endpoints
        .iter()
        .flat_map(|one| one["outcomes"].as_array().expect("a list"));
    let frozen = outcomes
        .clone()
        .find(|one| one["name"] == "FAILED_ACCOUNT_FROZEN");
    assert_eq!(
        frozen,
        Some(
            &json!({"name": "FAILED_ACCOUNT_FROZEN", "source": "observed", "under_strict": "answered"})
        )
    );
    let request = client
        .post(format!("{}{BANK}", sandbox.url))
        .basic_auth(iluma_sandbox::PUBLIC_KEY, Some(""))
        .header("x-magic-reply", "FAILED_ACCOUNT_FROZEN")
        .json(&json!({"bank_account_number": "1234567890", "bank_code": "BCA"}));
    let reply: Value = request
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    assert_eq!(
        (
            &reply["status"],
            &reply["failure_reason"],
            &reply["bank_account_number"]
        ),
        (
            &json!("FAILED"),
            &json!("ACCOUNT_FROZEN"),
            &json!("1234567890")
        )
    );
}

#[test]
fn a_postman_collection_teaches_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let target = folder.path().join("new");
    let path = folder.path().join("collection.json");
    let reply = json!({
        "code": 200,
        "header": [{"key": "Date", "value": "Tue, 03 Mar 2026 09:15:00 GMT"}],
        "originalRequest": {
            "method": "POST",
            "url": "{{base_url}}/v2/identity/phone_numbers/validate",
            "header": [{"key": "x-magic-reply", "value": "COMPLETED_PORTED"}],
            "body": {"mode": "urlencoded", "urlencoded": [{"key": "phone_number", "value": "+6281355501234"}]},
        },
        "body": json!({
            "status": "COMPLETED",
            "phone_number": "+6281355501234",
            "name_matching_result": "MATCH",
            "ported_from": "Quixotel",
            "days": 812,
        })
        .to_string(),
    });
    let collection = json!({"item": [{"name": "one", "response": [reply]}]});
    fs::write(&path, collection.to_string()).expect("it is written");
    let (code, report, _) = learned(path.to_str().expect("UTF-8"), &target, &[]);
    assert_eq!(code, 0, "{report}");
    let text = files(&target).into_values().next().expect("a file");
    let outcome = text.split_once("\n\n").expect("an outcome").1;
    assert_eq!(
        outcome,
        r#"[outcomes.COMPLETED_PORTED]
description = "Observed on 2026-03-03."
source = "observed"
body.status = "COMPLETED"
body.phone_number = "{{input.phone_number}}"
body.name_matching_result = "MATCH"
body.ported_from = "dummy"
body.days = 0
"#
    );
}
