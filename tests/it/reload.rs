//! Scenario files change while the sandbox runs.

use std::io::Write;
use std::path::Path;

use iluma_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::process::write;

const BANK: &str = "/v1.1/identity/bank_account_data_requests";

/// A file in which an own outcome answers with that message.
fn saying(message: &str) -> String {
    format!(
        "extends = \"v1.1/bank_account_data_requests\"\n\n\
         [outcomes.OURS]\nstatus = 422\nerror = \"{message}\"\n"
    )
}

/// Saves in place, over a text of the same length and in one write, so that nobody reads half of it.
fn save(file: &Path, text: &str) {
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .open(file)
        .expect("it is there");
    let before = file.metadata().expect("a size").len();
    assert_eq!(before, text.len() as u64);
    file.write_all(text.as_bytes()).expect("written");
}

async fn start(folder: &Path) -> Client {
    Client::of(Sandbox::builder().scenarios(folder)).await
}

async fn readyz(client: &Client) -> (u16, Value) {
    let answer = Answer::of(client.bare("GET", "/__sandbox/readyz")).await;
    (answer.status, answer.json())
}

#[tokio::test]
async fn a_saved_change_is_answered_from_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "ours.toml", &saying("before"));
    let client = start(folder.path()).await;
    assert_eq!(client.magic(BANK, "OURS").await.message(), "before");

    save(&folder.path().join("ours.toml"), &saying("behind"));
    client.sandbox.reloaded(0).await;
    assert_eq!(client.magic(BANK, "OURS").await.message(), "behind");
    let (status, ready) = readyz(&client).await;
    assert_eq!(
        (status, &ready["scenarios"], &ready["generation"]),
        (200, &json!("current"), &json!(2))
    );
}

#[tokio::test]
async fn an_editor_that_replaces_the_file_is_noticed() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "ours.toml", &saying("before"));
    let client = start(folder.path()).await;

    write(folder.path(), "ours.toml~", &saying("after"));
    std::fs::rename(
        folder.path().join("ours.toml~"),
        folder.path().join("ours.toml"),
    )
    .expect("renamed");
    client.sandbox.reloaded(0).await;
    assert_eq!(client.magic(BANK, "OURS").await.message(), "after");
}

#[tokio::test]
async fn a_new_file_in_a_new_folder_adds_an_endpoint() {
    let folder = tempfile::tempdir().expect("a folder");
    let client = start(folder.path()).await;
    assert_eq!(client.magic("/v9/things", "DONE").await.status, 404);

    write(
        folder.path(),
        "v9/things.toml",
        "path = \"/v9/things\"\nid = \"thing_{hex24}\"\n\
         [outcomes.DONE]\ndefault = true\nbody = { id = \"{{id}}\", status = \"DONE\" }\n",
    );
    client.sandbox.reloaded(0).await;
    let made = client.post("/v9/things", &json!({})).await;
    assert_eq!((made.status, &made.json()["status"]), (200, &json!("DONE")));
    let id = made.json()["id"].as_str().expect("an id").to_owned();
    assert_eq!(
        client.get(&format!("/v9/things/{id}")).await.text,
        made.text
    );
}

#[tokio::test]
async fn a_removed_file_takes_its_outcomes_along() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "ours.toml", &saying("here"));
    let client = start(folder.path()).await;
    assert_eq!(client.magic(BANK, "OURS").await.status, 422);

    std::fs::remove_file(folder.path().join("ours.toml")).expect("removed");
    client.sandbox.reloaded(0).await;
    assert_eq!(client.magic(BANK, "OURS").await.status, 400);
}

#[tokio::test]
async fn a_broken_file_keeps_the_last_good_answers_and_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "ours.toml", &saying("good"));
    let client = start(folder.path()).await;

    write(
        folder.path(),
        "ours.toml",
        "extends = \"v1.1/bank_account_data_requests\"\n[outcomes.OURS\n",
    );
    let count = client.sandbox.reloaded(0).await;
    assert_eq!(client.magic(BANK, "OURS").await.message(), "good");
    let (status, ready) = readyz(&client).await;
    assert_eq!(status, 200);
    assert_eq!(ready["scenarios"], "stale");
    assert_eq!(ready["generation"], 1);
    assert_eq!(ready["errors"][0]["line"], 2);
    let file = folder.path().join("ours.toml");
    assert_eq!(
        ready["error_text"].as_str().expect("a text"),
        format!(
            "error: `[` has no closing `]`; the file is not checked beyond this mistake\n --> {}:2:1\n  |\n2 | [outcomes.OURS\n  | ^",
            file.display()
        )
    );

    write(folder.path(), "ours.toml", &saying("mended"));
    client.sandbox.reloaded(count).await;
    assert_eq!(client.magic(BANK, "OURS").await.message(), "mended");
    let (status, ready) = readyz(&client).await;
    assert_eq!(
        (status, &ready["scenarios"], &ready["generation"]),
        (200, &json!("current"), &json!(2))
    );
    assert_eq!(ready.get("errors"), None);
}

#[tokio::test]
async fn without_the_control_token_readyz_shows_no_line_of_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "extends = \"v1.1/bank_account_data_requests\"\n[outcomes.SECRET\n";
    write(folder.path(), "ours.toml", &saying("good"));
    let builder = Sandbox::builder().scenarios(folder.path());
    let client = Client::of(builder.control_token("s3cret".parse().expect("a token"))).await;
    write(folder.path(), "ours.toml", text);
    client.sandbox.reloaded(0).await;
    let mistake = "`[` has no closing `]`; the file is not checked beyond this mistake";
    let file = folder.path().join("ours.toml");
    let file = file.display();

    let (_, ready) = readyz(&client).await;
    assert_eq!(
        ready["errors"],
        json!([{"file": file.to_string(), "line": 2, "column": 1, "message": mistake, "excerpt": ""}])
    );
    assert_eq!(
        ready["error_text"],
        format!("error: {mistake}\n --> {file}:2:1")
    );

    let with_token = client
        .bare("GET", "/__sandbox/readyz")
        .header("x-sandbox-control-token", "s3cret");
    let ready = Answer::of(with_token).await.json();
    assert_eq!(ready["errors"][0]["excerpt"], "[outcomes.SECRET");
    assert_eq!(
        ready["error_text"],
        format!("error: {mistake}\n --> {file}:2:1\n  |\n2 | [outcomes.SECRET\n  | ^")
    );
}

#[tokio::test]
async fn with_strict_reload_a_broken_file_makes_it_unready() {
    let folder = tempfile::tempdir().expect("a folder");
    let client = Client::of(
        Sandbox::builder()
            .scenarios(folder.path())
            .strict_reload(true),
    )
    .await;
    assert_eq!(readyz(&client).await.0, 200);

    write(folder.path(), "ours.toml", "nonsense\n");
    client.sandbox.reloaded(0).await;
    let (status, ready) = readyz(&client).await;
    assert_eq!(
        (status, &ready["status"], &ready["scenarios"]),
        (503, &json!("unready"), &json!("stale"))
    );
}

#[tokio::test]
async fn worlds_keep_what_they_hold() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "ours.toml", &saying("before"));
    let client = start(folder.path()).await;
    let input = json!({"bank_account_number": "1234567890", "bank_code": "BCA"});
    let first = client.post(BANK, &input).await;
    let id = first.json()["id"].as_str().expect("an id").to_owned();

    write(folder.path(), "ours.toml", &saying("after"));
    client.sandbox.reloaded(0).await;
    assert_eq!(client.get(&format!("{BANK}/{id}")).await.text, first.text);
    let second = client.post(BANK, &input).await;
    assert_ne!(
        second.json()["id"],
        first.json()["id"],
        "the counter went on"
    );
}

#[tokio::test]
async fn planted_records_and_dummy_data_follow_the_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let client = start(folder.path()).await;
    let search = json!({
        "user_id": "u", "given_names": "Contoh Orang Rekaan", "nationality": "ID", "scopes": ["PEP"],
    });
    let path = "/v0/identity/individual_cft_peps";
    assert_eq!(
        client.post(path, &search).await.json()["results"],
        json!([])
    );

    write(
        folder.path(),
        "people.toml",
        r#"extends = "dummy/watchlist"
[[individuals]]
id = "0f6f1c8e-52a4-4d0e-9b3a-6a1f0e8d7c55"
names = ["Contoh Orang Rekaan"]
scopes = ["PEP"]
nationalities = ["ID"]
"#,
    );
    client.sandbox.reloaded(0).await;
    let found = client.post(path, &search).await.json();
    assert_eq!(
        found["results"][0]["id"],
        "0f6f1c8e-52a4-4d0e-9b3a-6a1f0e8d7c55"
    );
    assert_eq!(found["results"][0]["score"], 100);
}

#[tokio::test]
async fn a_change_that_sends_no_event_is_noticed_by_its_content() {
    let (outside, folder) = (
        tempfile::tempdir().expect("a folder"),
        tempfile::tempdir().expect("a folder"),
    );
    write(outside.path(), "ours.toml", &saying("before"));
    // If a file is written under the other name of a hard link, the folder gets no event.
    let (there, here) = (
        outside.path().join("ours.toml"),
        folder.path().join("ours.toml"),
    );
    std::fs::hard_link(&there, here).expect("a link");
    let client = start(folder.path()).await;

    save(&there, &saying("behind"));
    client.sandbox.reloaded(0).await;
    assert_eq!(client.magic(BANK, "OURS").await.message(), "behind");
}
