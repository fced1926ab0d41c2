//! `/__sandbox/catalog` and `list`: one list in three forms, with curls that can be pasted.

use std::net::SocketAddr;
use std::path::Path;

use iluma_sandbox::{PUBLIC_KEY, Sandbox};
use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::process::{run, write};
use crate::raw::{ask, request};
use crate::shell::paste;
use crate::stage::key;

const CATALOG: &str = "/__sandbox/catalog";

/// An own endpoint with everything that a list can show.
const PARCELS: &str = r#"
name         = "Parcels | mine"
path         = "/v9/parcels"
id           = "prcl_{uuid}"
source       = "observed"
read_source  = "inferred"

[request]
required = ["weight_kg"]
[[request.examples]]
weight_kg = 3
to        = { city = "Bogor's" }
[request.properties]
weight_kg = { type = "number", exclusiveMinimum = 0, multipleOf = 0.5 }
label     = { type = ["string", "null"], pattern = "^a|b$", x-source = "documented" }
to        = { type = "object", x-source = "decided", properties = { city = { type = "string", maxLength = 9 }, zip = { const = 1, x-source = "inferred" } } }
codes     = { type = "array", maxItems = 2, items = { type = "integer", minimum = 1 } }
odd       = { anyOf = [{ type = "string" }] }

[reply.body]
id = "{{id}}"

[callback]
type = "PARCEL"

[outcomes.SENT]
default     = true
description = "On its way | soon."
status      = 202
callback    = "late(3s)"

[outcomes.LOST]
source  = "documented"
status  = 410
error   = { code = "PARCEL_LOST", message = "It is lost." }
aliases = ["GONE"]

[outcomes.SENT_LATER]
callback = true
then     = { after = "90s", outcome = "SENT" }

[outcomes.LOST_ONCE]
sequence = ["LOST", "SENT"]
"#;

async fn with_parcels() -> (Client, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "v9/parcels.toml", PARCELS);
    let client = Client::of(Sandbox::builder().scenarios(folder.path())).await;
    (client, folder)
}

#[tokio::test]
async fn an_outcome_of_an_own_file_has_its_place_and_a_shipped_one_has_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let own = "extends = \"v1.1/bank_account_data_requests\"\n[outcomes.MINE]\nstatus = 200\n";
    write(folder.path(), "own.toml", own);
    let client = Client::of(Sandbox::builder().scenarios(folder.path())).await;
    let path = format!("{CATALOG}?endpoint=v1.1/bank_account_data_requests");
    let catalog = client.get(&path).await.json();
    let outcomes = catalog["endpoints"][0]["outcomes"]
        .as_array()
        .expect("a list");
    let placed = outcomes.iter().filter(|one| one.get("place").is_some());
    let placed: Vec<_> = placed.map(|one| (&one["name"], &one["place"])).collect();
    let file = folder.path().join("own.toml").display().to_string();
    assert_eq!(
        placed,
        [(&json!("MINE"), &json!({"file": file, "line": 2}))]
    );
}

#[tokio::test]
async fn the_catalog_needs_no_key_and_is_what_list_prints_as_json() {
    let client = Client::start().await;
    let answer = Answer::of(client.bare("GET", CATALOG)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-type"),
        Some("application/json; charset=utf-8")
    );
    let (code, out, err) = run(&["list", "--format", "json"]);
    assert_eq!((code, err.as_str()), (0, ""));
    let listed = out.replace("http://127.0.0.1:4586", &client.sandbox.url());
    let listed: Value = serde_json::from_str(&listed).expect("JSON");
    assert_eq!(listed, answer.json());
    assert_eq!(
        listed["endpoints"].as_array().map(Vec::len),
        Some(21),
        "as many as `check` counts"
    );
}

#[tokio::test]
async fn text_and_markdown_are_what_list_prints() {
    let client = Client::start().await;
    for format in ["text", "markdown"] {
        let path = format!("{CATALOG}?format={format}");
        let answer = Answer::of(client.bare("GET", &path)).await;
        assert_eq!(
            answer.header("content-type"),
            Some("text/plain; charset=utf-8")
        );
        let out = run(&["list", "--format", format]).1;
        let listed = out.replace("http://127.0.0.1:4586", &client.sandbox.url());
        assert_eq!(answer.text, listed);
    }
}

#[test]
fn the_page_of_magic_replies_is_what_list_prints() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/magic-replies.md");
    let (code, out, err) = run(&["list", "--format", "markdown"]);
    assert_eq!((code, err.as_str()), (0, ""));
    if std::env::var_os("INSTA_UPDATE").is_some_and(|update| update == "always") {
        std::fs::write(&page, &out).expect("the page can be written");
    }
    let written = std::fs::read_to_string(&page).expect("the page is there");
    assert!(
        written == out,
        "docs/magic-replies.md is not what `iluma-sandbox list --format markdown` prints: `make bless` writes it anew"
    );
}

#[tokio::test]
async fn everything_that_a_file_can_say_is_listed() {
    let (client, folder) = with_parcels().await;
    let path = format!("{CATALOG}?endpoint=v9/parcels");
    let mut listed = client.get(&path).await.json();
    let parcels = listed["endpoints"].take();
    let shown = format!("{parcels:#}").replace(&client.sandbox.url(), "URL");
    let shown = shown.replace(&folder.path().display().to_string(), "DIR");
    insta::assert_snapshot!("parcels_as_json", shown);
    let page = client.get(&format!("{path}&format=markdown")).await.text;
    let page = page.replace(&client.sandbox.url(), "URL");
    let (_, part) = page.split_once("\n## ").expect("a heading");
    let (part, _) = part.split_once("\n## ").expect("another");
    insta::assert_snapshot!("parcels_as_markdown", part);
}

#[tokio::test]
async fn every_curl_of_the_catalog_is_answered_when_it_is_pasted() {
    let (client, _folder) = with_parcels().await;
    let catalog = client.get(CATALOG).await.json();
    let endpoints = catalog["endpoints"].as_array().expect("a list");
    assert_eq!(endpoints.len(), 22);
    for endpoint in endpoints {
        let answer = paste(&client, endpoint["curl"].as_str().expect("a curl"), "").await;
        assert!(
            answer.status == 200 || answer.status == 202,
            "{}: {}",
            endpoint["id"],
            answer.text
        );
    }
}

/// A multipart product whose sample holds everything that `curl -F` reads in its own way.
const FORM: &str = r#"
path = "/v9/forms"
id = "form_{hex24}"
content_type = "multipart/form-data"

[[request.examples]]
at = "@/etc/hostname"
less = "</etc/hostname"
cut = "a;type=text/html"
quote = '"a" \ b'
blanks = "  a  "
shell = "it's $HOME `id` !!\n=x"
object = { a = "b;c\"d" }
list = ["@x", "y"]
"a;b,c" = { type = "image/png" }

[request.properties]
object = { type = "object" }
list = { type = "array", items = { type = "string" } }
"a;b,c" = { type = "object", format = "file" }

[outcomes.A]
default = true
body = { id = "{{id}}" }
"#;

#[tokio::test]
async fn a_form_in_a_curl_arrives_as_its_sample_says() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "v9/forms.toml", FORM);
    let client = Client::of(Sandbox::builder().scenarios(folder.path())).await;
    let catalog = client.get(&format!("{CATALOG}?endpoint=v9/forms")).await;
    let catalog = catalog.json();
    let curl = catalog["endpoints"][0]["curl"].as_str().expect("a curl");
    let answer = paste(&client, curl, "").await;
    assert_eq!(answer.status, 200, "{curl}: {}", answer.text);
    let mut sent = client.sandbox.requests()[0].body().expect("a form").clone();
    let file = sent.as_object_mut().and_then(|body| body.remove("a;b,c"));
    assert_eq!(file.expect("a file")["file_name"], "a;b,c.png");
    assert_eq!(
        sent,
        json!({
            "at": "@/etc/hostname",
            "less": "</etc/hostname",
            "cut": "a;type=text/html",
            "quote": "\"a\" \\ b",
            "blanks": "  a  ",
            "shell": "it's $HOME `id` !!\n=x",
            "object": {"a": "b;c\"d"},
            "list": ["@x", "y"],
        })
    );
}

#[tokio::test]
async fn no_key_but_the_public_one_is_ever_shown() {
    let own = key('k');
    let builder = Sandbox::builder().api_key(own.parse().expect("a key"));
    let client = Client::of(builder).await;
    for page in [
        "catalog",
        "catalog?format=markdown",
        "coverage",
        "coverage?world=own",
        "coverage?format=text",
        "fidelity",
    ] {
        let request = client.as_key(&own, "GET", &format!("/__sandbox/{page}"));
        let answer = Answer::of(request).await;
        assert_eq!(answer.status, 200, "{page}: {}", answer.text);
        assert!(!answer.text.contains(&own), "{page} shows the key");
        assert!(
            !answer.text.contains(PUBLIC_KEY),
            "{page} shows a key that is not let in"
        );
    }
    let catalog = client.get(CATALOG).await.json();
    let curl = catalog["endpoints"][0]["curl"].as_str().expect("a curl");
    assert!(curl.contains(r#" -u "$ILUMA_API_KEY:""#), "{curl}");
    assert_eq!(paste(&client, curl, &own).await.status, 200);
}

#[tokio::test]
async fn a_host_that_is_a_command_stays_a_word() {
    // Any Host is accepted only if the sandbox does not listen on a loopback address.
    let everywhere = SocketAddr::from(([0, 0, 0, 0], 0));
    let sandbox = Sandbox::builder().address(everywhere).start().await;
    let sandbox = sandbox.expect("it starts");
    let token = sandbox.control_token().expect("a token").reveal();
    let head = format!("GET {CATALOG}?endpoint=bank/available_bank_codes");
    let bytes =
        format!("{head} HTTP/1.1\r\nhost: x'$(id)\r\nx-sandbox-control-token: {token}\r\n\r\n");
    let listed = ask(&sandbox, bytes).await.json();
    let url = r"'http://x'\''$(id)/bank/available_bank_codes'";
    assert_eq!(
        listed["endpoints"][0]["curl"],
        format!("curl {url} -u {PUBLIC_KEY}:")
    );
    let usual = request(&head, &[], b"");
    let client = Client::start().await;
    assert_eq!(ask(&client.sandbox, usual).await.status(), 200);
}

#[tokio::test]
async fn what_the_catalog_does_not_know_is_refused() {
    let client = Client::start().await;
    for (query, message) in [
        (
            "endpoint=v1.1/bank_account_data_request",
            "there is no endpoint `v1.1/bank_account_data_request`: did you mean `v1.1/bank_account_data_requests`?",
        ),
        ("format=yaml", "`format` is json, text or markdown"),
        (
            "format=markdwn",
            "`format` is json, text or markdown: did you mean `markdown`?",
        ),
        (
            "formt=text",
            "unknown parameter `formt`: did you mean `format`?",
        ),
    ] {
        let answer = client.get(&format!("{CATALOG}?{query}")).await;
        assert_eq!(
            (answer.status, answer.json()),
            (400, json!({"error": "bad_request", "message": message}))
        );
    }
}

#[test]
fn list_prints_one_endpoint_or_says_which_is_meant() {
    let (code, out, err) = run(&["list", "v1/bank_account_data_requests"]);
    assert_eq!((code, err.as_str()), (0, ""));
    let all = run(&["list"]).1;
    let first = out.lines().next().expect("a line");
    assert_eq!(
        first,
        "POST /v1/identity/bank_account_data_requests  (v1/bank_account_data_requests, documented)"
    );
    let own = out.split_once("\n\n").expect("a blank line").0;
    assert!(all.contains(own), "{own}");
    let (code, out, err) = run(&["list", "v1/bank_account_data"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert_eq!(
        err,
        "iluma-sandbox: there is no endpoint `v1/bank_account_data`: did you mean `v1/bank_account_data_requests`?\n"
    );
}

#[tokio::test]
async fn a_field_that_another_file_adds_is_decided_unless_it_says_otherwise() {
    let folder = tempfile::tempdir().expect("a folder");
    let more = "extends = \"v0/individual_cft_peps\"\n[request.properties]\n\
        mood = { type = \"string\" }\nshoe = { type = \"integer\", x-source = \"observed\" }\n\
        surname = { maxLength = 40 }\n[request.properties.addresses.items.properties]\nfloor = { type = \"integer\" }\n";
    write(folder.path(), "more.toml", more);
    let client = Client::of(Sandbox::builder().scenarios(folder.path())).await;
    let catalog = client
        .get(&format!("{CATALOG}?endpoint=v0/individual_cft_peps"))
        .await
        .json();
    let fields = catalog["endpoints"][0]["fields"]
        .as_array()
        .expect("a list");
    for (name, source) in [
        ("mood", "decided"),
        ("shoe", "observed"),
        ("surname", "documented"),
        ("addresses[].floor", "decided"),
        ("addresses[].city", "documented"),
    ] {
        let field = fields.iter().find(|field| field["name"] == name);
        assert_eq!(field.expect(name)["source"], source, "{name}");
    }
}

#[test]
fn a_source_label_that_there_is_not_is_a_mistake() {
    let folder = tempfile::tempdir().expect("a folder");
    let wrong = PARCELS.replace("x-source = \"inferred\"", "x-source = \"guessed\"");
    let wrong = wrong.replace("read_source  = \"inferred\"", "read_source  = \"rumoured\"");
    write(folder.path(), "v9/parcels.toml", &wrong);
    let (code, out, _) = run(&["check", folder.path().to_str().expect("UTF-8")]);
    assert_eq!(code, 1);
    let errors: Vec<_> = out
        .lines()
        .filter(|line| line.starts_with("error: "))
        .collect();
    assert_eq!(
        errors,
        [
            "error: unknown variant `rumoured`, expected one of `documented`, `observed`, `inferred`, `decided`",
            "error: `x-source` is one of `documented`, `observed`, `inferred` and `decided`",
        ]
    );
}
