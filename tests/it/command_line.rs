//! The command line: its output, exit codes and files.

use std::os::unix::fs::PermissionsExt;

use iluma_sandbox::PUBLIC_KEY;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::process::{Process, command, run, write};

async fn get(url: String) -> String {
    let response = reqwest::get(url).await.expect("an answer");
    response.text().await.expect("a body")
}

#[tokio::test]
async fn it_says_in_one_line_where_it_is_ready_and_stops_gracefully_on_sigterm() {
    let process = Process::serve(&["--log-format", "off"]);
    assert_eq!(
        get(format!("{}/health", process.url)).await,
        r#"{"status":"ok"}"#
    );
    assert_eq!(process.terminate(), (0, String::new(), String::new()));
}

#[test]
fn it_stops_gracefully_on_sigint() {
    let (code, ..) = Process::serve(&["--log-format", "off"]).stop(Signal::INT);
    assert_eq!(code, 0);
}

#[test]
fn without_a_command_it_serves() {
    let process = Process::start(command(&["--port", "0", "--log-format", "off"]));
    assert_eq!(process.terminate().0, 0);
}

#[test]
fn every_flag_has_a_twin_in_the_environment() {
    let folder = tempfile::tempdir().expect("a folder");
    let ready_file = folder.path().join("ready.json");
    let key = format!("iluma_development_{}", "k".repeat(40));
    let mut serve = command(&[]);
    serve
        .env("ILUMA_SANDBOX_BIND", "127.0.0.1")
        .env("ILUMA_SANDBOX_PORT", "0")
        .env("ILUMA_SANDBOX_SEED", "7")
        .env("ILUMA_SANDBOX_CLOCK", "2030-05-06T07:08:09Z")
        .env("ILUMA_SANDBOX_API_KEY", &key)
        .env("ILUMA_SANDBOX_SCENARIOS", folder.path())
        .env("ILUMA_SANDBOX_WATCHLIST_DATES", "objects")
        .env("ILUMA_SANDBOX_STRICT_RELOAD", "true")
        .env("ILUMA_SANDBOX_READY_FILE", &ready_file)
        .env("ILUMA_SANDBOX_LOG_FORMAT", "off");
    let process = Process::start(serve);
    let ready: Value =
        serde_json::from_slice(&std::fs::read(&ready_file).expect("a ready file")).expect("JSON");
    assert_eq!(ready["api_key"], key);
    assert_eq!(process.terminate(), (0, String::new(), String::new()));
}

#[test]
fn the_ready_file_tells_a_launcher_everything_and_nobody_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ready.json");
    let process = Process::serve(&[
        "--ready-file",
        path.to_str().expect("UTF-8"),
        "--log-format",
        "off",
    ]);

    let ready: Value =
        serde_json::from_slice(&std::fs::read(&path).expect("a ready file")).expect("JSON");
    let port = process
        .url
        .rsplit(':')
        .next()
        .expect("a port")
        .parse::<u16>()
        .expect("a number");
    let token = ready["callback_token"].as_str().expect("a token");
    assert_eq!(token.len(), 64);
    let mut urls = vec![process.url.clone()];
    if std::net::TcpListener::bind("[::1]:0").is_ok() {
        urls.push(format!("http://[::1]:{port}"));
    }
    assert_eq!(
        ready,
        json!({
            "url": process.url,
            "urls": urls,
            "port": port,
            "pid": process.pid(),
            "api_key": PUBLIC_KEY,
            "callback_token": token,
            "control_token": null,
            "control_url": format!("{}/__sandbox", process.url),
            "tls_url": null,
            "ca_file": null,
            "version": env!("CARGO_PKG_VERSION"),
        })
    );
    let mode = std::fs::metadata(&path)
        .expect("a file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let left: Vec<_> = std::fs::read_dir(folder.path())
        .expect("a folder")
        .collect();
    assert_eq!(left.len(), 1, "no unfinished file stays");

    assert_eq!(process.terminate().0, 0);
    assert!(!path.exists());
}

#[test]
fn a_ready_file_that_cannot_be_written_is_a_clear_error() {
    let (code, out, err) = run(&[
        "serve",
        "--port",
        "0",
        "--log-format",
        "off",
        "--ready-file",
        "/no/such/folder/ready.json",
    ]);
    assert_eq!(code, 1);
    assert_eq!(out, "");
    assert_eq!(
        err,
        "iluma-sandbox: cannot write the ready file /no/such/folder/ready.json: \
         no such file or directory\n"
    );
}

#[test]
fn a_taken_port_is_one_clear_sentence() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    let (code, out, err) = run(&["serve", "--port", &port.to_string()]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert_eq!(
        err,
        format!(
            "iluma-sandbox: cannot listen on 127.0.0.1:{port}: address already in use; \
             choose another with --port (0 picks a free port) or --bind\n"
        )
    );
}

#[test]
fn a_bad_flag_is_refused_with_exit_code_2() {
    for (arguments, expected) in [
        (
            ["serve", "--port", "65536"],
            "invalid value '65536' for '--port <N>'",
        ),
        (
            ["serve", "--clock", "noon"],
            "`noon` is neither `system` nor an instant",
        ),
        (
            ["serve", "--api-key", "secret"],
            "an API key begins with `iluma_development_`",
        ),
        (["serve", "--sed", "1"], "unexpected argument '--sed' found"),
    ] {
        let (code, out, err) = run(&arguments);
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}");
        assert!(err.contains(expected), "{arguments:?}: {err}");
    }
}

#[test]
fn a_broken_scenario_file_keeps_it_from_starting() {
    let folder = tempfile::tempdir().expect("a folder");
    write(
        folder.path(),
        "mine.toml",
        "extends = \"v1.1/bank_account_data_requets\"\n",
    );
    let path = folder.path().join("mine.toml");
    let (code, out, err) = run(&[
        "serve",
        "--port",
        "0",
        "--scenarios",
        folder.path().to_str().expect("UTF-8"),
    ]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert_eq!(
        err,
        format!(
            "error: there is no file `v1.1/bank_account_data_requets` to extend: \
             did you mean `v1.1/bank_account_data_requests`?\n \
             --> {}:1:11\n  \
             |\n\
             1 | extends = \"v1.1/bank_account_data_requets\"\n  \
             |           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n\
             iluma-sandbox: not started: correct the scenario files above\n",
            path.display()
        )
    );
}

#[test]
fn a_folder_that_is_not_there_keeps_it_from_starting() {
    let (code, _, err) = run(&["serve", "--port", "0", "--scenarios", "/no/such/folder"]);
    assert_eq!(code, 2);
    assert_eq!(
        err,
        "error: cannot be read: no such file or directory\n --> /no/such/folder\n\
         iluma-sandbox: not started: correct the scenario files above\n"
    );
}

#[tokio::test]
async fn neither_keys_nor_tokens_nor_personal_fields_are_logged() {
    for format in ["pretty", "json"] {
        let process = Process::serve(&["--log-format", format]);
        let client = reqwest::Client::new();
        let live = format!("iluma_live_{}", "s3cr3t".repeat(8));
        let url = &process.url;
        for request in [
            client.get(format!("{url}/v1/callback/authentication_tokens")),
            client.get(format!("{url}/{live}/Budi-Contoh?given_names=Budi-Contoh")),
            client.get(format!("{url}/v0/identity/individual_cft_peps/Budi-Contoh")),
            client.get(format!(
                "{url}/businesses/Budi-Contoh/api_keys?token=one-time-token"
            )),
            client
                .post(format!("{url}/v0/identity/individual_cft_peps"))
                .header("x-magic-reply", "Budi-Contoh")
                .json(&json!({"given_names": "Budi-Contoh"})),
            client
                .post(format!("{url}/v0/identity/individual_cft_peps"))
                .json(&json!({
                    "given_names": "Budi-Contoh", "user_id": "Budi-Contoh", "nationality": "ID",
                    "scopes": ["PEP"], "email": "Budi-Contoh@example.com",
                })),
        ] {
            request
                .basic_auth(&live, Some(""))
                .send()
                .await
                .expect("an answer");
        }
        let (code, _, err) = process.terminate();
        assert_eq!(code, 0);
        assert!(err.lines().count() >= 6, "there is a line a request: {err}");
        // Everybody knows the documentation's key; the table at the start shows it.
        assert_eq!(err.matches(PUBLIC_KEY).count(), 1, "{err}");
        for secret in ["s3cr3t", "Budi", "one-time-token"] {
            assert!(!err.contains(secret), "{secret} in {err}");
        }
    }
}

#[tokio::test]
async fn a_log_that_nobody_reads_does_not_stop_the_answers() {
    let process = Process::serve(&["--log-format", "json"]); // its stderr is a pipe that stays unread
    let client = reqwest::Client::new();
    for _ in 0..2000 {
        let answer = client.get(format!("{}/health", process.url)).send().await;
        assert_eq!(answer.expect("an answer").status(), 200);
    }
}

#[test]
fn list_prints_every_endpoint_with_its_magic_replies() {
    let (code, out, err) = run(&["list"]);
    assert_eq!((code, err.as_str()), (0, ""));
    insta::assert_snapshot!(out);
}

#[test]
fn the_shipped_scenarios_are_sound() {
    let (code, out, err) = run(&["check"]);
    assert_eq!(
        (code, out.as_str(), err.as_str()),
        (0, "no mistakes: 21 endpoints\n", "")
    );
}

#[test]
fn what_init_writes_passes_check_and_is_never_overwritten() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().to_str().expect("UTF-8");
    let (code, out, err) = run(&["init", dir]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(
        out,
        format!(
            "wrote {dir}/sandbox.toml\nwrote {dir}/v1.1/bank_account_data_requests.toml\n\
             wrote {dir}/dummy/watchlist.toml\nwrote {dir}/dummy/register.toml\n\
             wrote {dir}/scenario.schema.json\nwrote {dir}/sandbox.schema.json\n\n\
             Start a sandbox with them:\n  iluma-sandbox --scenarios {dir}\n"
        )
    );
    assert_eq!(run(&["check", dir]).0, 0);

    write(folder.path(), "sandbox.toml", "# mine\n");
    let (code, out, err) = run(&["init", dir]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert_eq!(
        err,
        format!("iluma-sandbox: {dir}/sandbox.toml already exists: nothing was written\n")
    );
    let kept = std::fs::read_to_string(folder.path().join("sandbox.toml")).expect("a file");
    assert_eq!(kept, "# mine\n");
}

#[test]
fn check_reports_every_mistake_of_every_file() {
    let folder = tempfile::tempdir().expect("a folder");
    write(
        folder.path(),
        "one.toml",
        r#"extends = "v1.1/bank_account_data_requests"

[outcomes.COMPLETED_ODD]
statsu = 200
body.result = { holder = "{{bank.holdr}}" }

[outcomes.odd]
body = { since = 2026-01-01, who = "{{input.name}}" }
then = { after = "soon", outcome = "COMPLETED_FOUNT" }
"#,
    );
    write(folder.path(), "two.toml", "path = /v9\n");
    let dir = folder.path().to_str().expect("UTF-8");
    let (code, out, err) = run(&["check", dir]);
    assert_eq!((code, err.as_str()), (1, ""));
    insta::assert_snapshot!(out.replace(dir, "DIR"));

    let (code, out, _) = run(&["check", "--format", "json", dir]);
    assert_eq!(code, 1);
    insta::assert_snapshot!(out.replace(dir, "DIR"));
}

#[test]
fn check_called_wrongly_exits_with_2() {
    assert_eq!(run(&["check", "--format", "xml"]).0, 2);
}

#[test]
fn a_url_for_a_callback_type_that_there_is_not_keeps_it_from_starting() {
    for (callback_type, hint) in [
        (
            "NAMES",
            "known are `ENTITY_CFT_PEP`, `ID_CARD_VERIFICATION`, `INDIVIDUAL_CFT_PEP`, `NPWP_DATA_REQUEST`, \
             `NAME_VALIDATOR_REQUEST`, `BANK_NAME_VALIDATOR_DETAILS` and `FACE_COMPARISON`",
        ),
        ("NAME_VALIDATOR", "did you mean `NAME_VALIDATOR_REQUEST`?"),
    ] {
        let callback = format!("{callback_type}=http://127.0.0.1:1/");
        let (code, out, err) = run(&["serve", "--port", "0", "--callback", &callback]);
        assert_eq!((code, out.as_str()), (2, ""));
        assert_eq!(
            err,
            format!(
                "iluma-sandbox: no endpoint sends callbacks of the type `{callback_type}`: {hint}\n"
            )
        );
    }
}
