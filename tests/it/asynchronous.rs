//! `async` and `--async`: the record is pending first, then it has the outcome that the data chose.

use iluma_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::client::Client;
use crate::process::{Process, run, write};
use crate::stage::{BANK, Stage, each};

const PEPS: &str = "/v0/identity/individual_cft_peps";

fn bank(number: &str) -> Value {
    json!({"bank_account_number": number, "bank_code": "BCA"})
}

fn person(name: &str) -> Value {
    json!({"given_names": name, "user_id": "1", "nationality": "ID", "scopes": ["PEP"]})
}

/// The status of a record when it is made, and after the clock was advanced.
async fn before_and_after(stage: &Stage, input: &Value, by: &str) -> (String, String) {
    let answer = stage.client.post(BANK, input).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    stage.advance(by).await;
    let read: Value = serde_json::from_str(&stage.read(&answer.json()).await).expect("JSON");
    (
        answer.text,
        read["status"].to_string() + &read["result"].to_string(),
    )
}

#[tokio::test]
async fn a_line_in_a_file_makes_an_endpoint_asynchronous() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "extends = 'v1.1/bank_account_data_requests'\nasync = '30s'\n";
    write(folder.path(), "mine.toml", text);
    let stage = Stage::with(|builder| builder.scenarios(folder.path())).await;
    let answer = stage.client.post(BANK, &bank("1234567890")).await;
    assert_eq!(answer.json()["status"], "PENDING");
    assert_eq!(
        answer.header("x-sandbox-outcome"),
        Some("v1.1/bank_account_data_requests/PENDING")
    );
    assert_eq!(stage.advance("29s").await.len(), 0);
    let pending: Value = serde_json::from_str(&stage.read(&answer.json()).await).expect("JSON");
    assert_eq!(pending["status"], "PENDING");
    let delivered = stage.advance("1s").await;
    assert_eq!(
        each(&delivered, "outcome"),
        ["v1.1/bank_account_data_requests/COMPLETED_FOUND"]
    );
    let found: Value = serde_json::from_str(&stage.read(&answer.json()).await).expect("JSON");
    assert_eq!(found["status"], "COMPLETED");
    assert_eq!(found["result"]["is_found"], true);
    assert_eq!(found["updated"], "2026-01-01T00:00:30.000Z");
}

#[tokio::test]
async fn what_the_data_says_comes_after_pending_for_every_kind_of_data() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = r#"extends = "v1.1/bank_account_data_requests"
async = true
[outcomes.MINE]
when = { "input.reference_id" = "mine" }
body.status = "MINE"
[outcomes.SILENT]
when = { "input.reference_id" = "silent" }
callback = false
body.status = "MINE"
[outcomes.STUCK]
when = { "input.reference_id" = "stuck" }
pending = true
body.status = "STUCK"
[outcomes.GONE]
when = { "input.reference_id" = "gone" }
error = "Gone."
[outcomes.IN_TURN]
when = { "input.reference_id" = "turn" }
sequence = ["GONE", "MINE"]
"#;
    write(folder.path(), "mine.toml", text);
    let stage = Stage::with(|builder| builder.scenarios(folder.path())).await;
    for (reference, status, later, callbacks) in [
        ("mine", "PENDING", "MINE", 1),
        ("silent", "PENDING", "MINE", 0),
        ("stuck", "STUCK", "STUCK", 0),
    ] {
        let mut input = bank("1");
        input["reference_id"] = reference.into();
        stage.tell("reset", &json!({})).await;
        let (first, last) = before_and_after(&stage, &input, "1s").await;
        assert!(
            first.contains(&format!("\"status\":\"{status}\"")),
            "{reference}: {first}"
        );
        assert_eq!(last, format!("\"{later}\"null"), "{reference}");
        assert_eq!(stage.log().await.len(), callbacks, "{reference}");
    }
    let statuses = async |reference: &str| {
        let mut input = bank("1");
        input["reference_id"] = reference.into();
        let answer = stage.client.post(BANK, &input).await;
        (answer.status, answer.json()["status"].take())
    };
    assert_eq!(statuses("gone").await, (500, Value::Null));
    assert_eq!(statuses("turn").await, (500, Value::Null));
    assert_eq!(statuses("turn").await, (200, json!("PENDING")));
    let (first, last) = before_and_after(&stage, &bank("0000000404"), "1s").await;
    assert!(first.contains("PENDING"), "{first}");
    assert!(last.contains("\"is_found\":false"), "{last}");
}

#[tokio::test]
async fn an_outcome_that_is_asked_for_answers_at_once() {
    let client = Client::of(Sandbox::builder().asynchronous(true)).await;
    let status = async || client.post(BANK, &bank("1")).await.json()["status"].take();
    assert_eq!(status().await, "PENDING");
    let asked = client.magic(BANK, "COMPLETED_FOUND").await;
    assert_eq!(asked.json()["status"], "COMPLETED");
    let queue =
        json!({"endpoint": "v1.1/bank_account_data_requests", "outcome": "COMPLETED_FOUND"});
    client.post("/__sandbox/next", &queue).await;
    assert_eq!(status().await, "COMPLETED");
    assert_eq!(status().await, "PENDING");
}

#[tokio::test]
async fn the_flag_makes_every_endpoint_asynchronous_that_can_pend() {
    let client = Client::of(Sandbox::builder().asynchronous(true)).await;
    for (name, outcome) in [
        ("Eko Hadi Salim", "PENDING_THEN_COMPLETED_FOUND"),
        ("Nobody Knows", "PENDING_THEN_COMPLETED_NOT_FOUND"),
    ] {
        let answer = client.post(PEPS, &person(name)).await;
        let expected = format!("v0/individual_cft_peps/{outcome}");
        assert_eq!(answer.header("x-sandbox-outcome"), Some(expected.as_str()));
        assert_eq!(answer.json()["status"], "PENDING");
        let trace = answer.header("x-sandbox-trace").expect("a trace");
        let explained = client
            .get(&format!("/__sandbox/explain/{trace}"))
            .await
            .json();
        let because = explained["because"].as_str().expect("a sentence");
        assert!(
            because.ends_with("The endpoint is asynchronous, so the record is pending first."),
            "{because}"
        );
        assert_eq!(explained["record"]["changes"][0]["after_ms"], 1000);
    }
    let banks = client.get("/bank/available_bank_codes").await;
    assert_eq!(banks.status, 200, "an endpoint without records cannot pend");
}

#[tokio::test]
async fn in_strict_mode_the_flag_leaves_out_endpoints_whose_pending_outcome_is_not_documented() {
    let client = Client::of(Sandbox::builder().asynchronous(true).strict(true)).await;
    let status = async |path, input| client.post(path, &input).await.json()["status"].take();
    assert_eq!(status(PEPS, person("Eko Hadi Salim")).await, "COMPLETED");
    assert_eq!(status(BANK, bank("1")).await, "PENDING");
}

#[tokio::test]
async fn a_file_can_exclude_its_endpoint_from_the_flag() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "extends = 'v1.1/bank_account_data_requests'\nasync = false\n";
    write(folder.path(), "mine.toml", text);
    let builder = Sandbox::builder()
        .asynchronous(true)
        .scenarios(folder.path());
    let client = Client::of(builder).await;
    let answer = client.post(BANK, &bank("1")).await;
    assert_eq!(answer.json()["status"], "COMPLETED");
}

#[test]
fn the_flag_of_serve_and_its_variable_make_the_sandbox_asynchronous() {
    let process = Process::serve(&["--async"]);
    let (code, printed, _) = run(&["try", "POST", BANK, "--async", "-d", &bank("1").to_string()]);
    assert_eq!(code, 0);
    assert!(printed.contains("\"status\":\"PENDING\""), "{printed}");
    assert!(
        printed.contains("\nthen     v1.1/bank_account_data_requests/COMPLETED_FOUND after 1s\n"),
        "{printed}"
    );
    drop(process);
}

#[test]
fn a_wrong_async_is_reported_at_its_place() {
    for (text, expected) in [
        (
            "extends = 'v1.1/bank_account_data_requests'\nasync = 'soon'\n",
            "`soon` is no duration: write `250ms`, `10s`, `5m`, `2h` or `3d`",
        ),
        (
            "extends = 'v1.1/bank_account_data_requests'\nasync = 5\n",
            "must be true, false, or a time such as \"30s\"",
        ),
        (
            "path = '/v9/things'\nasync = true\n[outcomes.A]\ndefault = true\nbody = {}\n",
            "this endpoint keeps no records that could be pending: define their ids, `id = \"…_{uuid}\"`",
        ),
        (
            "path = '/v9/things'\nid = 'x_{uuid}'\nasync = true\n[outcomes.A]\ndefault = true\nbody = {}\n",
            "no outcome here is pending: write one with `pending = true`, which answers first",
        ),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), "mine.toml", text);
        let (code, printed, _) = run(&["check", folder.path().to_str().expect("UTF-8")]);
        assert_eq!(code, 1, "{printed}");
        assert!(printed.contains(expected), "{printed}");
    }
}

#[test]
fn check_warns_of_a_default_that_a_lookup_always_overrides() {
    let warning = "`default = true` never answers here, because `lookup` finds an outcome for every request: ";
    let advice = "to answer every request with `MINE`, write `when = { \"input.bank_code\" = { present = true } }`";
    let own = "path = '/v9/accounts'\n[lookup]\nin = 'bank.accounts'\nfound = 'FOUND'\nvirtual_account = 'FOUND'\n\
               need_review = 'FOUND'\nnot_found = 'FOUND'\ntimeout = 'FOUND'\n[request.properties]\n\
               bank_code = { type = 'string' }\nbank_account_number = { type = 'string' }\n";
    for (text, expected) in [
        (
            "extends = 'v1.1/bank_account_data_requests'\n[outcomes.MINE]\ndefault = true\n"
                .to_owned(),
            Some(format!("{warning}{advice}")),
        ),
        (
            "extends = 'v1.1/bank_account_data_requests'\n[outcomes.MINE]\ndefault = true\n\
             when = { 'input.bank_code' = 'BCA' }\n"
                .to_owned(),
            Some(format!("{warning}leave it out")),
        ),
        (format!("{own}[outcomes.FOUND]\ndefault = true\n"), None),
        (
            format!("{own}[outcomes.FOUND]\n[outcomes.MINE]\ndefault = true\n"),
            Some(format!("{warning}{advice}")),
        ),
        (
            "path = '/v9/plain'\n[outcomes.DONE]\ndefault = true\n".to_owned(),
            None,
        ),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), "mine.toml", &text);
        let scenarios = folder.path().to_str().expect("UTF-8");
        let (code, printed, _) = run(&["check", scenarios]);
        assert_eq!(code, 0, "{printed}");
        let first = printed.lines().next().unwrap_or_default();
        match expected {
            Some(expected) => assert_eq!(first, format!("warning: {expected}")),
            None => assert!(first.starts_with("no mistakes: "), "{printed}"),
        }
    }
}

#[test]
fn an_empty_when_is_told_the_advice_that_works_for_its_endpoint() {
    for (text, advice) in [
        (
            "extends = 'v1.1/bank_account_data_requests'\n[outcomes.MINE]\nwhen = {}\n",
            "a table without a condition would always match: use a condition that always holds, \
             `when = { \"input.bank_code\" = { present = true } }`",
        ),
        (
            "path = '/v9/plain'\n[outcomes.DONE]\ndefault = true\n[outcomes.MINE]\nwhen = {}\n",
            "a table without a condition would always match: use `default = true` instead",
        ),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), "mine.toml", text);
        let (code, printed, _) = run(&["check", folder.path().to_str().expect("UTF-8")]);
        assert_eq!(code, 1);
        assert_eq!(
            printed.lines().next(),
            Some(format!("error: {advice}").as_str())
        );
    }
}
