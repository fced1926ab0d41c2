//! `iluma-sandbox replay --against`: the requests of a recording, or of the documented API, go to another server.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iluma_sandbox::{PUBLIC_KEY, Sandbox};
use serde_json::{Value, json};

use crate::client::Client;
#[cfg(unix)]
use crate::process::Process;
use crate::process::{run, write};
use crate::stand_in::{Asked, Given, StandIn};

const INDIVIDUAL: &str = "/v0/identity/individual_cft_peps";
const BANK: &str = "/v1.1/identity/bank_account_data_requests";

/// Runs the command while the servers of the test go on.
async fn replay(arguments: &[&str]) -> (i32, String, String) {
    let arguments: Vec<_> = arguments.iter().map(|&word| word.to_owned()).collect();
    let running = tokio::task::spawn_blocking(move || {
        let mut words = vec!["replay", "--api-key", PUBLIC_KEY];
        words.extend(arguments.iter().map(String::as_str));
        run(&words)
    });
    running.await.expect("no panic")
}

/// The report as JSON, with the exit code.
async fn report(arguments: &[&str]) -> (i32, Value) {
    let (code, out, err) = replay(&[arguments, &["--format", "json"]].concat()).await;
    let report = serde_json::from_str(&out);
    (code, report.unwrap_or_else(|_| panic!("{code}: {err}")))
}

/// A sandbox whose ids and times are others than those of a recording.
async fn other_sandbox() -> Sandbox {
    let clock = "2027-03-04T05:06:07.000Z".parse().expect("a time");
    let builder = Sandbox::builder().seed(99).clock(clock);
    builder.start().await.expect("it starts")
}

fn individual() -> Value {
    json!({"user_id": "foo123", "given_names": "Eko Hadi Salim", "nationality": "ID", "scopes": ["PEP"]})
}

/// The export of the world of the documentation's key.
async fn recorded(client: &Client, folder: &Path) -> String {
    let export = client.get("/__sandbox/export").await.text;
    write(folder, "run.jsonl", &export);
    folder.join("run.jsonl").to_str().expect("UTF-8").to_owned()
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

/// Endpoint, path and kind of all differences, with their labels.
fn found(report: &Value) -> Vec<String> {
    let differences = report["differences"].as_array().expect("a list").iter();
    differences
        .map(|one| {
            let text = |name: &str| one[name].as_str().expect("a text").to_owned();
            let [endpoint, path] = [text("endpoint"), text("path")];
            format!(
                "{} {endpoint} {path}: {}",
                text("source"),
                text("difference")
            )
        })
        .collect()
}

fn skipped(report: &Value) -> Vec<String> {
    let skipped = report["skipped"].as_array().expect("a list").iter();
    skipped
        .map(|one| {
            format!(
                "{} {}",
                one["count"],
                one["reason"].as_str().expect("a text")
            )
        })
        .collect()
}

#[tokio::test]
async fn another_sandbox_passes_the_documented_suite_with_other_ids_and_times() {
    let sandbox = other_sandbox().await;
    let url = sandbox.url();
    let (code, out, err) = replay(&["--suite", "documented", "--against", &url]).await;
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    insta::assert_snapshot!(out.replace(&url, "URL"));
}

/// What the stand-in does in another way than the sandbox: by request, and as the report names it.
fn twenty_ways(asked: &Asked, given: &mut Given) {
    let sample = asked.magic().is_empty();
    match (&*asked.line, asked.magic()) {
        ("POST /v0/identity/individual_cft_peps", "") => given.edit(|body| {
            let fields = body.as_object_mut().expect("an object");
            fields.remove("gender"); // 1
            fields.insert("risk".to_owned(), json!({"level": 3})); // 2
            fields["score_threshold"] = "90".into(); // 3
            fields["status"] = "DONE".into(); // 4
            fields["updated"] = 1_767_225_600.into(); // 5
            fields["user_id"] = "foo124".into(); // 6
            fields["addresses"] = Value::Null; // 7
            body["results"][0]["score"] = 99.into(); // 8
            body["results"][0]["names"]
                .as_array_mut()
                .expect("names")
                .push("E. Salim".into()); // 9
        }),
        ("POST /v0/identity/individual_cft_peps", "COMPLETED_NOT_FOUND") => given.status = 201, // 10
        ("POST /v0/identity/entity_cft_peps", "FAILED_TEMPORARY_NETWORK_ERROR") => {
            *given = Given::of(
                404,
                &json!({"error_code": "NO_SUCH_PATH", "message": "gone"}),
            ); // 11
        }
        ("POST /v0/identity/entity_cft_peps", "COMPLETED_FOUND") => given.edit(|body| {
            body["id"] = "4711".into(); // 12
        }),
        ("POST /v0/identity/entity_cft_peps", "INVALID_API_KEY") => {
            given.headers.retain(|(name, _)| name != "www-authenticate"); // 13
        }
        ("POST /v0/identity/entity_cft_peps", "SERVER_ERROR") => given.edit(|body| {
            body["error_code"] = "INTERNAL_ERROR".into(); // 14
        }),
        ("POST /v0/identity/entity_cft_peps", "RATE_LIMIT_EXCEEDED") => given.edit(|body| {
            body["message"] = "Slow down.".into(); // 15
        }),
        ("POST /v0/identity/id_card_verifications", "COMPLETED_FOUND") => {
            given.headers = vec![("content-type".to_owned(), "text/html".to_owned())]; // 16
        }
        ("POST /v0/identity/id_card_verifications", "COMPLETED_NOT_FOUND") => {
            given.body = b"<html>".to_vec(); // 17
        }
        ("POST /v1/identity/bank_account_data_requests", "FAILED") => given.is_lost = true, // 18
        ("GET /v1/callback/authentication_tokens", _) => given.edit(|body| {
            *body = json!({"token": body["callback_authentication_token"]}); // 19
        }),
        _ if sample && asked.line.starts_with("GET /v1.1/identity/bank_account") => {
            given.edit(|body| body["id"] = "bknv_000000000000000000000000".into()); // 20
        }
        _ => {}
    }
}

#[tokio::test]
async fn twenty_known_differences_of_a_stand_in_are_all_found_and_no_others() {
    let sandbox = other_sandbox().await;
    let stand_in = StandIn::of(&sandbox.url(), twenty_ways);
    let url = stand_in.url.clone();
    let (code, report) = report(&["--suite", "documented", "--against", &url]).await;
    assert_eq!((code, &report["stopped"]), (1, &Value::Null));
    let individual = "documented v0/individual_cft_peps";
    let token = "decided GET /v1/callback/authentication_tokens";
    let expected = [
        "documented v0/entity_cft_peps status: other value",
        "documented v0/entity_cft_peps reply.id: other type",
        "documented v0/entity_cft_peps reply_headers.www-authenticate: missing",
        "documented v0/entity_cft_peps reply.message: other value",
        "documented v0/entity_cft_peps reply.error_code: other value",
        "documented v0/id_card_verifications reply_headers.content-type: other value",
        "documented v0/id_card_verifications reply: other type",
        &format!("{individual} reply.updated: other type"),
        &format!("{individual} reply.user_id: other value"),
        &format!("{individual} reply.addresses: other type"),
        &format!("{individual} reply.score_threshold: other type"),
        &format!("{individual} reply.status: other value"),
        &format!("{individual} reply.gender: missing"),
        &format!("{individual} reply.results.*.names: other value"),
        &format!("{individual} reply.results.*.score: other value"),
        &format!("{individual} reply.risk: additional"),
        &format!("{individual} status: other value"),
        "documented v1.1/bank_account_data_requests reply.id: other value",
        "documented v1/bank_account_data_requests status: missing",
        &format!("{token} reply.callback_authentication_token: missing"),
        &format!("{token} reply.token: additional"),
    ];
    let mut found = found(&report);
    found.sort_unstable();
    let mut expected = expected.map(str::to_owned).to_vec();
    expected.sort_unstable();
    assert_eq!(found, expected);
    let (_, out, _) = replay(&["--suite", "documented", "--against", &url]).await;
    insta::assert_snapshot!(out.replace(&url, "URL"));
}

#[tokio::test]
async fn an_id_that_the_server_gives_replaces_the_recorded_one_in_later_requests() {
    let (client, folder, target) = (Client::start().await, folder(), other_sandbox().await);
    let made = client.post(INDIVIDUAL, &individual()).await.json();
    let id = made["id"].as_str().expect("an id");
    client.get(&format!("{INDIVIDUAL}/{id}")).await;
    client
        .post(
            BANK,
            &json!({"bank_account_number": "1234567890", "bank_code": "BCA", "reference_id": id}),
        )
        .await;
    let file = recorded(&client, folder.path()).await;
    let stand_in = StandIn::of(&target.url(), |_, _| {});
    let (code, report) = report(&[&file, "--against", &stand_in.url]).await;
    assert_eq!((code, found(&report)), (0, Vec::new()));
    let lines = stand_in.lines();
    assert_eq!(lines.len(), 3, "{lines:?}");
    let given = lines[1].rsplit('/').next().expect("an id");
    assert_ne!(given, id);
    let body = String::from_utf8(stand_in.asked()[2].body.clone()).expect("text");
    assert!(body.contains(given) && !body.contains(id), "{body}");
}

/// Makes a recording with a queued outcome, a step of the clock and a fault.
async fn with_control_calls(client: &Client) {
    let control = async |method: &str, path: &str, body: Value| {
        let path = format!("/__sandbox/{path}");
        let answer = client.request(method, &path).json(&body).send().await;
        assert!(answer.expect("an answer").status().is_success(), "{path}");
    };
    let endpoint = "v1.1/bank_account_data_requests";
    let bank = json!({"bank_account_number": "1234567890", "bank_code": "BCA"});
    control(
        "POST",
        "next",
        json!({"endpoint": endpoint, "outcome": "SERVER_ERROR"}),
    )
    .await;
    client.post(BANK, &bank).await;
    let pending = client
        .magic(BANK, "PENDING_THEN_COMPLETED_FOUND")
        .await
        .json();
    let path = format!("{BANK}/{}", pending["id"].as_str().expect("an id"));
    client.get(&path).await;
    control("POST", "clock/advance", json!({"by": "2s"})).await;
    client.get(&path).await;
    control("PUT", "faults", json!({"faults": [{"fault": "malformed"}]})).await;
    client.post(BANK, &bank).await;
}

#[tokio::test]
async fn control_calls_are_repeated_on_a_sandbox() {
    let (client, folder, target) = (Client::start().await, folder(), other_sandbox().await);
    with_control_calls(&client).await;
    let file = recorded(&client, folder.path()).await;
    let url = target.url();
    let (code, report) = report(&[&file, "--against", &url]).await;
    assert_eq!((code, found(&report)), (0, Vec::new()), "{report:#}");
    assert_eq!(report["requests"]["compared"], 5);
    assert_eq!(skipped(&report), Vec::<String>::new());
}

#[tokio::test]
async fn requests_that_depend_on_control_calls_are_skipped_where_there_is_no_sandbox() {
    let (client, folder, target) = (Client::start().await, folder(), other_sandbox().await);
    with_control_calls(&client).await;
    let file = recorded(&client, folder.path()).await;
    let stand_in = StandIn::of(&target.url(), |_, _| {});
    let (code, report) = report(&[&file, "--against", &stand_in.url]).await;
    assert_eq!((code, found(&report)), (0, Vec::new()));
    assert_eq!(
        skipped(&report),
        [
            "1 their outcome was queued, and only a sandbox repeats that",
            "1 their reply depends on a step of the clock, and only a sandbox repeats it",
            "1 a fault broke their reply, and only a sandbox repeats that",
        ]
    );
    let lines = stand_in.lines();
    let livez = "GET /__sandbox/livez";
    assert_eq!(lines[..2], [livez.to_owned(), format!("POST {BANK}")]);
    assert_eq!(lines.len(), 3);
    assert_eq!(stand_in.asked()[0].header("authorization"), None);
}

#[cfg(unix)]
#[tokio::test]
async fn records_from_before_a_reset_are_read_again_only_on_a_sandbox() {
    let (folder, target) = (folder(), other_sandbox().await);
    let file = folder.path().join("record.jsonl");
    let file = file.to_str().expect("UTF-8");
    let serving = Process::serve(&["--record", file]);
    let http = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    let ask = async |method: &str, path: &str, body: Option<&Value>| {
        let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
        let request = http.request(method, format!("{}{path}", serving.url));
        let request = request.basic_auth(PUBLIC_KEY, Some(""));
        let request = body
            .into_iter()
            .fold(request, reqwest::RequestBuilder::json);
        let answer = request.send().await.expect("an answer");
        answer.json::<Value>().await.expect("JSON")
    };
    let made = ask("POST", INDIVIDUAL, Some(&individual())).await;
    let path = format!("{INDIVIDUAL}/{}", made["id"].as_str().expect("an id"));
    ask("POST", "/__sandbox/reset", None).await;
    assert_eq!(
        ask("GET", &path, None).await["error_code"],
        "DATA_NOT_FOUND"
    );
    serving.terminate();
    let (code, on_sandbox) = report(&[file, "--against", &target.url()]).await;
    assert_eq!((code, found(&on_sandbox)), (0, Vec::new()));
    assert_eq!(on_sandbox["requests"]["compared"], 2);
    let stand_in = StandIn::of(&target.url(), |_, _| {});
    let (code, elsewhere) = report(&[file, "--against", &stand_in.url]).await;
    assert_eq!((code, found(&elsewhere)), (0, Vec::new()));
    assert_eq!(
        skipped(&elsewhere),
        ["1 they read a record from before a reset, and only a sandbox repeats that"]
    );
}

/// The facts of the files of the latest request.
async fn latest_files(client: &Client) -> Vec<Value> {
    let requests = client.get("/__sandbox/requests").await.json();
    let all = requests["requests"].as_array().expect("a list").clone();
    let body = all
        .iter()
        .max_by_key(|one| one["seq"].as_u64())
        .expect("a request")["body"]
        .clone();
    body.as_object()
        .expect("parts")
        .values()
        .filter(|part| part.get("sha256").is_some())
        .cloned()
        .collect()
}

/// A JPEG of which only the head is there: enough to know its pixels.
fn jpeg(width: u16, height: u16, bytes: usize) -> Vec<u8> {
    let mut file = vec![0xff, 0xd8, 0xff, 0xc0, 0, 11, 8];
    file.extend(height.to_be_bytes());
    file.extend(width.to_be_bytes());
    file.extend([1, 1, 0x11, 0]);
    file.resize(bytes, 0x55);
    file
}

#[tokio::test]
async fn specimens_have_the_type_the_length_and_the_pixels_of_the_recorded_files() {
    let (client, folder, target) = (Client::start().await, folder(), Client::start().await);
    for (content, name, more) in [
        (jpeg(640, 480, 20_001), "Budi Santoso.jpg", ""),
        (jpeg(500, 500, 30_000), "budi.completed_not_found.jpeg", ""),
        (b"%PDF-1.7 of a real person".to_vec(), "ktp.pdf", "x"),
    ] {
        let file = reqwest::multipart::Part::bytes(content).file_name(name.to_owned());
        let form = reqwest::multipart::Form::new()
            .text("name", "penito kristian")
            .text("id_card_number", "3275031210930027")
            .text("address", more)
            .part("selfie", file);
        let request = client.request("POST", "/v0/identity/id_card_verifications");
        request.multipart(form).send().await.expect("an answer");
        let mut expected = latest_files(&client).await;
        let file = recorded(&client, folder.path()).await;
        let (code, report) = report(&[&file, "--against", &target.sandbox.url()]).await;
        assert_eq!(
            (code, found(&report)),
            (0, Vec::new()),
            "{name}: {report:#}"
        );
        let mut sent = latest_files(&target).await;
        assert_ne!(sent[0]["sha256"].take(), expected[0]["sha256"].take());
        let old_name = expected[0]["file_name"].take();
        let new_name = sent[0]["file_name"].take();
        assert_eq!(sent, expected, "{name}");
        assert_ne!(new_name, old_name);
        let kept = new_name == "specimen.completed_not_found.jpeg";
        assert_eq!(kept, name.contains("completed"), "{new_name}");
    }
}

#[tokio::test]
async fn a_file_in_base64_becomes_a_specimen_in_base64() {
    let (client, folder, target) = (Client::start().await, folder(), Client::start().await);
    let body = json!({
        "image1": STANDARD.encode(jpeg(300, 200, 9_999)),
        "image2": "data:image/png;base64,iVBORw0KGgo=",
    });
    let path = client.get("/__sandbox/catalog").await.json();
    let endpoints = path["endpoints"].as_array().expect("a list").clone();
    let endpoint = endpoints
        .iter()
        .find(|one| one["id"] == "v1/face_comparisons");
    let path = endpoint.expect("the endpoint")["path"]
        .as_str()
        .expect("a path")
        .to_owned();
    client.post(&path, &body).await;
    let file = recorded(&client, folder.path()).await;
    let (code, report) = report(&[&file, "--against", &target.sandbox.url()]).await;
    assert_eq!((code, found(&report)), (0, Vec::new()), "{report:#}");
    let [sent, expected] = [latest_files(&target).await, latest_files(&client).await];
    assert_eq!(sent.len(), 2);
    for name in ["type", "width", "height", "bytes"] {
        assert_eq!(sent[0][name], expected[0][name], "{name}");
    }
}

#[tokio::test]
async fn no_control_call_that_registers_a_url_or_sends_a_callback_is_repeated() {
    let (client, folder, target) = (Client::start().await, folder(), other_sandbox().await);
    let url = format!("{}/__sandbox/inbox/a", client.sandbox.url());
    let body = json!({"type": "INDIVIDUAL_CFT_PEP", "url": url});
    client.post("/v1/callback/urls", &body).await;
    let untested = client
        .request("PUT", "/__sandbox/callback_urls")
        .json(&body);
    let untested = untested.send().await.expect("an answer");
    assert!(untested.status().is_success(), "{untested:?}");
    let body = json!({"type": "INDIVIDUAL_CFT_PEP"});
    let triggered = client.post("/__sandbox/trigger", &body).await;
    assert!(triggered.status < 300, "{}", triggered.text);
    client.post(INDIVIDUAL, &individual()).await;
    let file = recorded(&client, folder.path()).await;
    let (code, report) = report(&[&file, "--against", &target.url()]).await;
    assert_eq!((code, found(&report)), (0, Vec::new()));
    assert_eq!(
        skipped(&report),
        [
            "1 they register a callback URL",
            "2 a control call registers a callback URL or sends a callback",
        ]
    );
}

#[tokio::test]
async fn a_replay_without_a_server_has_a_report_for_ci_systems_too() {
    let folder = folder();
    let (_client, file) = small_recording(folder.path()).await;
    let (code, out, _) = run(&["replay", &file, "--format", "junit", "--seed", "5"]);
    assert_eq!(code, 1);
    assert!(out.starts_with("<?xml"), "{out}");
    assert!(out.contains("<failure message="), "{out}");
    let (code, out, _) = run(&["replay", &file, "--format", "junit"]);
    assert_eq!(code, 0);
    assert!(
        out.contains(r#"<testcase classname="replay" name="1 equal replies"/>"#),
        "{out}"
    );
}

/// A server that must not be called.
fn uncalled() -> StandIn {
    StandIn::that(|_| Given::of(200, &json!({})))
}

async fn small_recording(folder: &Path) -> (Client, String) {
    let client = Client::start().await;
    client.post(INDIVIDUAL, &individual()).await;
    let file = recorded(&client, folder).await;
    (client, file)
}

#[tokio::test]
async fn nothing_is_sent_without_a_development_key() {
    let (folder, server) = (folder(), uncalled());
    let (_client, file) = small_recording(folder.path()).await;
    let live = PUBLIC_KEY.replace("_development_", "_live_");
    let production = PUBLIC_KEY.replace("_development_", "_production_");
    for key in [live, production] {
        let arguments = ["replay", &file, "--against", &server.url, "--api-key", &key];
        assert_eq!(
            run(&arguments),
            (
                2,
                String::new(),
                "iluma-sandbox: the API key is a live key, and nothing is sent with one: give a development key, which \
                 begins with `iluma_development_`\n"
                    .to_owned()
            )
        );
    }
    let (code, _, err) = run(&["replay", &file, "--against", &server.url]);
    assert_eq!(code, 2);
    assert_eq!(
        err,
        "iluma-sandbox: --against needs a key: give a development key of that server with --api-key or \
         ILUMA_SANDBOX_API_KEY\n"
    );
    assert_eq!(server.lines(), Vec::<String>::new());
}

#[tokio::test]
async fn a_public_host_needs_a_yes_and_https_and_metadata_services_are_never_called() {
    let folder = folder();
    let (_client, file) = small_recording(folder.path()).await;
    for (url, yes, expected) in [
        (
            "https://93.184.215.14",
            "",
            "93.184.215.14 is a public host: add --yes to send the requests to it with your development key",
        ),
        (
            "http://93.184.215.14",
            "--yes",
            "93.184.215.14 is a public host, and its URL has no https: the key would be readable on the way",
        ),
        (
            "https://[2606:2800::1]",
            "",
            "2606:2800::1 is a public host: add --yes to send the requests to it with your development key",
        ),
        (
            "http://169.254.169.254",
            "--yes",
            "nothing was sent to http://169.254.169.254: 169.254.169.254 is an address that is never called: it is \
             link-local or the metadata service of a cloud",
        ),
    ] {
        let mut arguments = vec![file.as_str(), "--against", url];
        arguments.extend(Some(yes).filter(|yes| !yes.is_empty()));
        let (code, out, err) = replay(&arguments).await;
        assert_eq!((code, out.as_str()), (2, ""), "{url}");
        assert_eq!(err, format!("iluma-sandbox: {expected}\n"));
    }
}

#[tokio::test]
async fn nothing_is_sent_if_any_request_may_hold_data_of_a_real_person() {
    let (client, folder, server) = (Client::start().await, folder(), uncalled());
    client.post(INDIVIDUAL, &individual()).await;
    let deep = json!([[[[[[{"email": "budi@gmail.com"}]]]]]]);
    let mut mail = individual();
    mail["more"] = deep;
    client.post(INDIVIDUAL, &mail).await;
    let mut number = individual();
    number["id_card_number"] = 3_171_234_567_890_123_u64.into();
    number["id_card_number"] = 3_171_231_507_900_123_u64.into();
    client.post(INDIVIDUAL, &number).await;
    let form = [("user_id", "siti@yahoo.co.id"), ("given_names", "Siti")];
    client
        .request("POST", INDIVIDUAL)
        .form(&form)
        .send()
        .await
        .expect("an answer");
    client.get(&format!("{INDIVIDUAL}/3171231507900123")).await;
    let file = recorded(&client, folder.path()).await;
    let (code, out, err) = replay(&[&file, "--against", &server.url]).await;
    assert_eq!((code, out.as_str()), (2, ""));
    let (named, _) = err.split_once(", and 1 more").expect("four requests");
    let hints: Vec<_> = named
        .split("; ")
        .map(|one| one.rsplit(": ").next())
        .collect();
    assert_eq!(
        hints,
        [
            Some("email may be the mail address of a real person"),
            Some("id_card_number may be the identity number of a real person"),
            Some("user_id may be the mail address of a real person"),
        ],
        "{err}"
    );
    assert!(err.ends_with(
        "only dummy data is sent to another server; list invented values as dummy_values in the sandbox.toml of a \
         --scenarios folder\n"
    ));
    assert!(!err.contains("gmail") && !err.contains("31712315"), "{err}");
    assert_eq!(server.lines(), Vec::<String>::new());
}

#[tokio::test]
async fn dummy_values_are_the_way_past_a_false_hint() {
    let (client, folder, target) = (Client::start().await, folder(), other_sandbox().await);
    let mut mail = individual();
    mail["email"] = "invented@gmail.com".into();
    client.post(INDIVIDUAL, &mail).await;
    let file = recorded(&client, folder.path()).await;
    write(
        folder.path(),
        "own/sandbox.toml",
        "dummy_values = [\"invented@gmail.com\"]\n",
    );
    let own = folder.path().join("own");
    let own = own.to_str().expect("UTF-8");
    let url = target.url();
    assert_eq!(replay(&[&file, "--against", &url]).await.0, 2);
    let (code, report) = report(&[&file, "--against", &url, "--scenarios", own]).await;
    assert_eq!((code, found(&report)), (0, Vec::new()));
}

#[tokio::test]
async fn the_first_refusal_ends_it_with_a_remedy() {
    let (client, folder, target) = (Client::start().await, folder(), other_sandbox().await);
    for _ in 0..3 {
        client.post(INDIVIDUAL, &individual()).await;
    }
    let file = recorded(&client, folder.path()).await;
    for (status, remedy) in [
        (
            401,
            "401, the server does not know the API key; give a development key of this server with --api-key",
        ),
        (
            403,
            "403, the key may not do this; ask the provider for access, or leave the request out with --only",
        ),
        (
            429,
            "429, the server wants fewer requests; wait 7 s, and start again with a lower --rate, such as --rate 0.5",
        ),
    ] {
        let mut count = 0;
        let stand_in = StandIn::of(&target.url(), move |_, given| {
            count += 1;
            if count == 2 {
                *given = Given::of(status, &json!({}));
                given
                    .headers
                    .push(("retry-after".to_owned(), "7".to_owned()));
            }
        });
        let (code, _, err) = replay(&[&file, "--against", &stand_in.url]).await;
        assert_eq!(code, 2);
        let (before, after) = err.split_once(" was answered so: ").expect("a sentence");
        assert!(before.starts_with("iluma-sandbox: stopped: "), "{err}");
        assert_eq!(after, format!("{remedy}\n"));
        assert_eq!(stand_in.lines().len(), 2);
    }
}

#[tokio::test]
async fn no_redirect_is_followed() {
    let (folder, other) = (folder(), uncalled());
    let (_client, file) = small_recording(folder.path()).await;
    let to = other.url.clone();
    let server = StandIn::that(move |_| {
        let mut given = Given::of(307, &json!({}));
        given.headers.push(("location".to_owned(), to.clone()));
        given
    });
    let (code, report) = report(&[&file, "--against", &server.url, "--ignore", "reply"]).await;
    assert_eq!(code, 1);
    let status = "documented v0/individual_cft_peps status: other value";
    assert_eq!(found(&report), [status]);
    assert_eq!(other.lines(), Vec::<String>::new());
}

#[tokio::test]
async fn no_callback_url_is_registered() {
    let (client, folder, target) = (Client::start().await, folder(), other_sandbox().await);
    let body = json!({
        "type": "INDIVIDUAL_CFT_PEP",
        "url": format!("{}/__sandbox/inbox/a", client.sandbox.url()),
    });
    let accepted = async |method: &str, path: &str, body: &Value| {
        let answer = client.request(method, path).json(body).send().await;
        assert!(answer.expect("an answer").status().is_success(), "{path}");
    };
    accepted("POST", "/v1/callback/urls", &body).await;
    let snapshot = client.get("/__sandbox/snapshot").await.json();
    accepted("PUT", "/__sandbox/snapshot", &snapshot).await;
    accepted("PATCH", "/v1/callback/urls", &body).await;
    client.post(INDIVIDUAL, &individual()).await;
    let file = recorded(&client, folder.path()).await;
    let (_, report) = report(&[&file, "--against", &target.url()]).await;
    assert_eq!(
        skipped(&report),
        [
            "1 a snapshot registers callback URLs",
            "1 they register a callback URL",
        ]
    );
    let sent = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    let urls = sent.get(format!("{}/__sandbox/deliveries", target.url()));
    let urls = urls
        .basic_auth(PUBLIC_KEY, Some(""))
        .send()
        .await
        .expect("an answer");
    let urls: Value = urls.json().await.expect("JSON");
    assert!(!urls.to_string().contains("/inbox/a"), "{urls}");
}

#[tokio::test]
async fn the_key_goes_to_the_server_only_and_no_header_of_a_person_does() {
    let (client, folder, target) = (Client::start().await, folder(), other_sandbox().await);
    let request = client.request("POST", INDIVIDUAL).json(&individual());
    let request = request
        .header("cookie", "session=1")
        .header("x-forwarded-for", "8.8.8.8");
    request
        .header("x-own", "kept")
        .send()
        .await
        .expect("an answer");
    let file = recorded(&client, folder.path()).await;
    let stand_in = StandIn::of(&target.url(), |_, given| {
        given.edit(|body| body["status"] = format!("key {PUBLIC_KEY}").into());
    });
    for format in ["text", "json", "junit"] {
        let arguments = [&file, "--against", &stand_in.url, "--format", format];
        let (code, out, err) = replay(&arguments).await;
        assert_eq!((code, err.as_str()), (1, ""));
        assert!(out.contains("key iluma_development_…"), "{out}");
        assert!(!out.contains("FX4f0M5s"), "{out}");
    }
    let asked = &stand_in.asked()[0];
    let has_key = asked
        .header("authorization")
        .is_some_and(|value| value.starts_with("Basic "));
    assert!(has_key);
    let names: Vec<_> = asked
        .headers
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "accept",
            "content-type",
            "x-own",
            "authorization",
            "host",
            "user-agent",
            "content-length"
        ]
    );
}

#[tokio::test]
async fn one_key_takes_one_world_of_a_recording() {
    let (client, folder, target) = (Client::start().await, folder(), other_sandbox().await);
    client.post(INDIVIDUAL, &individual()).await;
    let other = PUBLIC_KEY.replace("FX4f", "ABCD");
    let request = client
        .as_key(&other, "POST", INDIVIDUAL)
        .json(&individual());
    request.send().await.expect("an answer");
    let export = client.get("/__sandbox/export?world=all").await.text;
    write(folder.path(), "run.jsonl", &export);
    let file: PathBuf = folder.path().join("run.jsonl");
    let file = file.to_str().expect("UTF-8");
    let head: Value = serde_json::from_str(export.lines().next().expect("a line")).expect("JSON");
    let tag = |at: usize| {
        head["worlds"][at]["world"]
            .as_str()
            .expect("a tag")
            .to_owned()
    };
    let tags = format!("{}, {}", tag(0), tag(1));
    let known = [0, 1].map(|at| format!("`{}`", tag(at)));
    let url = target.url();
    let (code, _, err) = replay(&[file, "--against", &url]).await;
    assert_eq!(code, 2);
    assert_eq!(
        err,
        format!(
            "iluma-sandbox: the recording has several worlds, and one key is one world: choose one with --world ({tags})\n"
        )
    );
    let (code, _, err) = replay(&[file, "--against", &url, "--world", "nope"]).await;
    assert_eq!(code, 2);
    assert_eq!(
        err,
        format!(
            "iluma-sandbox: the recording has no world `nope`: known are {}\n",
            known.join(" and ")
        )
    );
    let near = tag(1)[..7].to_owned();
    let (code, _, err) = replay(&[file, "--against", &url, "--world", &near]).await;
    assert_eq!(code, 2);
    assert_eq!(
        err,
        format!(
            "iluma-sandbox: the recording has no world `{near}`: did you mean `{}`?\n",
            tag(1)
        )
    );
    let (code, report) = report(&[file, "--against", &url, "--world", &tag(1)]).await;
    assert_eq!((code, &report["requests"]["sent"]), (0, &json!(1)));
}

#[tokio::test]
async fn fields_can_be_ignored_endpoints_chosen_and_the_first_difference_can_end_it() {
    let (client, folder, target) = (Client::start().await, folder(), other_sandbox().await);
    for _ in 0..2 {
        client.post(INDIVIDUAL, &individual()).await;
        client
            .post(
                BANK,
                &json!({"bank_account_number": "1234567890", "bank_code": "BCA"}),
            )
            .await;
    }
    let file = recorded(&client, folder.path()).await;
    let stand_in = StandIn::of(&target.url(), |_, given| {
        given.edit(|body| body["status"] = "DONE".into());
    });
    let sent = async |more: &[&str]| {
        let arguments = [&[file.as_str(), "--against", &stand_in.url], more].concat();
        let (code, report) = report(&arguments).await;
        (code, report["requests"]["sent"].clone())
    };
    assert_eq!(sent(&[]).await, (1, json!(4)));
    assert_eq!(sent(&["--ignore", "reply.status"]).await, (0, json!(4)));
    assert_eq!(
        sent(&["--only", "v0/individual_cft_peps"]).await,
        (1, json!(2))
    );
    assert_eq!(
        sent(&["--only", INDIVIDUAL]).await,
        (1, json!(2)),
        "a path names an endpoint too"
    );
    assert_eq!(sent(&["--stop-at-first"]).await, (1, json!(1)));
    let sent_before = stand_in.asked().len();
    for what in [&[file.as_str()][..], &["--suite", "documented"]] {
        let only = [
            "--against",
            &stand_in.url,
            "--only",
            "v0/individual_cft_pep",
        ];
        let (code, out, err) = replay(&[what, &only].concat()).await;
        assert_eq!((code, out.as_str()), (2, ""));
        assert_eq!(
            err,
            "iluma-sandbox: there is no endpoint `v0/individual_cft_pep`: did you mean `v0/individual_cft_peps`?\n"
        );
    }
    assert_eq!(stand_in.asked().len(), sent_before);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    let folder = folder();
    let (_client, file) = small_recording(folder.path()).await;
    let url = format!("http://{}", crate::receiver::refusing_address());
    let (code, out, err) = replay(&[&file, "--against", &url]).await;
    assert_eq!((code, out.as_str()), (2, ""));
    assert_eq!(
        err,
        format!("iluma-sandbox: cannot reach the server at {url}: connection refused\n")
    );
}

#[tokio::test]
async fn junit_has_a_test_case_for_each_field() {
    let (folder, target) = (folder(), other_sandbox().await);
    let client = Client::start().await;
    client
        .post(
            BANK,
            &json!({"bank_account_number": "1234567890", "bank_code": "BCA"}),
        )
        .await;
    let body = json!({"type": "INDIVIDUAL_CFT_PEP", "url": "http://127.0.0.1:1"});
    client.post("/v1/callback/urls", &body).await;
    let file = recorded(&client, folder.path()).await;
    let stand_in = StandIn::of(&target.url(), |_, given| {
        given.edit(|body| body["bank_code"] = "<&\">".into());
    });
    let (code, out, _) = replay(&[&file, "--against", &stand_in.url, "--format", "junit"]).await;
    assert_eq!(code, 1);
    insta::assert_snapshot!(out);
}

#[tokio::test]
async fn outcomes_are_learned_from_the_replies_of_the_server() {
    let sandbox = other_sandbox().await;
    let server = StandIn::of(&sandbox.url(), |asked, given| {
        given
            .headers
            .retain(|(name, _)| !name.starts_with("x-sandbox-"));
        if &*asked.line == "POST /v0/identity/individual_cft_peps" && asked.magic().is_empty() {
            given.edit(|body| body["risk"] = json!({"level": 3, "owner": "Xaverina Okonkwo"}));
        }
    });
    let folder = folder();
    let into = folder.path().to_str().expect("UTF-8");
    let arguments = [
        "--suite",
        "documented",
        "--against",
        &server.url,
        "--learn",
        into,
    ];
    let (code, first) = report(&arguments).await;
    assert_eq!(code, 1);
    let learned = &first["learned"]["learned"];
    assert_eq!(learned.as_array().map(Vec::len), Some(1), "{learned}");
    assert_eq!(learned[0]["outcome"], "COMPLETED_FOUND_WITH_RISK");
    let file = folder.path().join("v0/individual_cft_peps.observed.toml");
    let text = std::fs::read_to_string(&file).expect("a text");
    assert!(text.contains("\nsource = \"observed\"\n"), "{text}");
    assert!(
        text.contains("\nbody.risk.level = 0\nbody.risk.owner = \"dummy\"\n"),
        "{text}"
    );
    let (_, second) = report(&arguments).await;
    assert_eq!(second["learned"]["learned"], json!([]));
    assert_eq!(std::fs::read_to_string(&file).expect("a text"), text);
}
