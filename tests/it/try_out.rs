//! `iluma-sandbox try` and `explain`: one answer and its explanation.

use serde_json::{Value, json};

use crate::client::Answer;
use crate::process::{Process, run, write};
use crate::stage::BANK;

const MINE: &str = r#"extends = "v1.1/bank_account_data_requests"

[outcomes.UNDER_REVIEW]
when = { "input.bank_account_number" = "7000000001" }
body.result = { is_found = true }
"#;

/// The output without the line of the date.
fn tried(arguments: &[&str]) -> (i32, String, String) {
    let (code, printed, complaint) = run(&[&["try"], arguments].concat());
    let lines = printed.split_inclusive('\n');
    let printed = lines.filter(|line| !line.starts_with("date: ")).collect();
    (code, printed, complaint)
}

#[test]
fn a_request_is_answered_without_a_server_and_explained() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "mine.toml", MINE);
    let scenarios = folder.path().to_str().expect("UTF-8");
    let body = r#"{"bank_account_number": "7000000002", "bank_code": "BCA"}"#;
    let (code, printed, _) = tried(&["POST", BANK, "-d", body, "--scenarios", scenarios]);
    assert_eq!(code, 0);
    assert_eq!(
        printed.replace(&format!("{scenarios}/"), ""),
        r#"HTTP/1.1 200 OK
content-type: application/json; charset=utf-8
x-sandbox-outcome: v1.1/bank_account_data_requests/COMPLETED_FOUND
x-sandbox-trace: d9b6db51-1
content-length: 295

{"status":"COMPLETED","bank_account_number":"7000000002","bank_code":"BCA","created":"2026-01-01T00:00:00.000Z","updated":"2026-01-01T00:00:00.840Z","id":"bknv_dd85e130ee909f157995289c","result":{"is_found":true,"account_holder_name":"YOGA HAKIM","is_virtual_account":false,"need_review":false}}

POST /v1.1/identity/bank_account_data_requests → 200
trace    d9b6db51-1
outcome  v1.1/bank_account_data_requests/COMPLETED_FOUND
from     shipped:v1.1/bank_account_data_requests.toml:45 (documented)
because  No rule holds; the dummy data decided. The nearest rule: UNDER_REVIEW (mine.toml:4) would have answered, but input.bank_account_number must be "7000000001" and is "7000000002".
data     bank.accounts says found to {"bank_code":"BCA","bank_account_number":"7000000002"}
tried    UNDER_REVIEW (mine.toml:4)
         input.bank_account_number must be "7000000001" and is "7000000002"
record   bknv_dd85e130ee909f157995289c
callback none: `try` sends none; a running sandbox sends NAME_VALIDATOR_REQUEST to the URL that is registered for it
"#
    );
}

#[test]
fn headers_forms_and_faults_are_tried_as_curl_sends_them() {
    let magic = "x-magic-reply: PENDING_THEN_COMPLETED_FOUND; fault=truncate";
    let (code, printed, _) = tried(&["POST", BANK, "-H", magic, "--format", "json"]);
    assert_eq!(code, 0);
    let told: Value = serde_json::from_str(&printed).expect("JSON");
    assert_eq!(told["cut_short"], "error reading a body from connection");
    assert_eq!(told["explanation"]["fault"], "truncate");
    assert_eq!(told["explanation"]["chosen_by"], "magic");
    assert_eq!(
        told["explanation"]["record"]["changes"][0]["after_ms"],
        1000
    );

    let magic = "x-magic-reply: COMPLETED_FOUND; fault=reset";
    let (code, printed, complaint) = tried(&["POST", BANK, "-H", magic]);
    assert_eq!(code, 1);
    assert!(
        printed.starts_with(
            "POST /v1.1/identity/bank_account_data_requests → 200\ntrace    d9b6db51-1\n"
        ) && printed.contains("\nfault    reset\nbecause  The request asked for it: "),
        "{printed}"
    );
    assert_eq!(
        complaint,
        "iluma-sandbox: the connection was closed without a response, because of the fault\n"
    );

    let (code, printed, _) = tried(&[
        "POST",
        "/v0/identity/id_card_verifications",
        "-F",
        "name=Budi Contoh",
        "-F",
        "id_card_number=3275031210930027",
        "-F",
        "birthdate=12-10-1993",
        "-F",
        "selfie=@examples/selfie.png",
        "--format",
        "json",
    ]);
    assert_eq!(code, 0);
    let told: Value = serde_json::from_str(&printed).expect("JSON");
    assert_eq!(
        (&told["status"], &told["body"]["is_found"]),
        (&json!(200), &json!(true))
    );
    assert_eq!(told["explanation"]["dummy_data"]["verdict"], "found");
}

#[test]
fn what_follows_a_file_is_tried_as_curl_sends_it() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "sandbox.toml", "magic_file_names = true\n");
    let scenarios = folder.path().to_str().expect("UTF-8");
    let upload = |selfie: &str| {
        let (code, printed, said) = tried(&[
            "POST",
            "/v0/identity/id_card_verifications",
            "-F",
            "name=penito kristian;type=text/plain",
            "-F",
            "id_card_number=3275031210930027",
            "-F",
            selfie,
            "--scenarios",
            scenarios,
            "--format",
            "json",
        ]);
        let told = serde_json::from_str(&printed).unwrap_or(Value::Null);
        (code, told, said)
    };
    for (selfie, outcome) in [
        (
            "selfie=@examples/selfie.png;type=image/png",
            "COMPLETED_FOUND",
        ),
        (
            "selfie=@examples/selfie.png;type=image/png;filename=completed_not_found.png",
            "COMPLETED_NOT_FOUND",
        ),
    ] {
        let (_, told, said) = upload(selfie);
        assert_eq!(told["body"]["name"], "penito kristian", "{said}");
        assert_eq!(told["explanation"]["chosen"]["outcome"], outcome);
    }
    for wrong in [
        "selfie=@examples/selfie.png;type=",
        "selfie=@examples/selfie.png;type=a/b;type=c/d",
        "selfie=@examples/selfie.png;filename=\"a\"",
    ] {
        let (code, _, said) = upload(wrong);
        assert_eq!(code, 2);
        let sentence = "write NAME=VALUE or NAME=@FILE, optionally followed by ;type=TYPE";
        assert!(said.contains(sentence), "{said}");
    }
}

#[test]
fn what_is_tried_with_redact_is_explained_without_personal_values() {
    let body = r#"{"bank_account_number": "7000000002", "bank_code": "BCA"}"#;
    let (_, whole, _) = tried(&["POST", BANK, "-d", body]);
    let (_, hidden, _) = tried(&["POST", BANK, "-d", body, "--redact"]);
    let (reply, explanation) = hidden.split_once("\n\nPOST ").expect("both");
    assert!(
        whole.starts_with(reply) && reply.contains("7000000002"),
        "{reply}"
    );
    assert!(!explanation.contains("7000000002"), "{explanation}");
}

#[test]
fn nothing_is_sent_to_a_receiver_by_trying() {
    let folder = tempfile::tempdir().expect("a folder");
    let receiver = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    receiver.set_nonblocking(true).expect("it can be");
    let address = receiver.local_addr().expect("an address");
    let settings = format!("[callback_urls]\nNAME_VALIDATOR_REQUEST = \"http://{address}/\"\n");
    write(folder.path(), "sandbox.toml", &settings);
    let scenarios = folder.path().to_str().expect("UTF-8");
    let magic = "x-magic-reply: COMPLETED_FOUND";
    let (_, printed, _) = tried(&["POST", BANK, "-H", magic, "--scenarios", scenarios]);
    let callback =
        format!("callback dlv_1 NAME_VALIDATOR_REQUEST to http://{address}/: scheduled\n");
    assert!(printed.ends_with(&callback), "{printed}");
    let came = receiver.accept().map_err(|error| error.kind());
    assert_eq!(came.err(), Some(std::io::ErrorKind::WouldBlock));
}

#[test]
fn trying_wrongly_says_what_is_wrong() {
    for (arguments, complaint) in [
        (
            ["POST", "v0/x", "-d", "{}"].as_slice(),
            "a path must begin with `/`",
        ),
        (&["POST", "/v0/x", "-H", "nothing"], "write NAME: VALUE"),
        (
            &["POST", "/v0/x", "-F", "nothing"],
            "write NAME=VALUE or NAME=@FILE",
        ),
        (
            &["POST", "/v0/x", "-F", "a=@/no/such/file"],
            "cannot read `/no/such/file`: no such file",
        ),
        (
            &["POST", "/v0/x", "-d", "@/no/such/file"],
            "cannot read `/no/such/file`: no such file",
        ),
    ] {
        let (code, _, said) = tried(arguments);
        assert_eq!(code, 2, "{said}");
        assert!(
            said.to_lowercase().contains(&complaint.to_lowercase()),
            "{said}"
        );
    }
}

#[tokio::test]
async fn a_running_sandbox_explains_itself_on_the_command_line() {
    let sandbox = Process::serve(&[]);
    let body = r#"{"bank_account_number": "0000000404", "bank_code": "BCA"}"#;
    let http = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    let request = http.post(format!("{}{BANK}", sandbox.url));
    let request = request
        .basic_auth(iluma_sandbox::PUBLIC_KEY, Some(""))
        .body(body);
    let answer = Answer::of(request).await;
    let trace = answer.header("x-sandbox-trace").expect("a trace");
    let (code, printed, _) = run(&["explain", trace, "--url", &sandbox.url]);
    assert_eq!(code, 0);
    assert_eq!(
        printed.lines().skip(1).take(4).collect::<Vec<_>>(),
        [
            &format!("trace    {trace}"),
            "outcome  v1.1/bank_account_data_requests/COMPLETED_NOT_FOUND",
            "from     shipped:v1.1/bank_account_data_requests.toml:55 (documented)",
            "because  No rule holds; the dummy data decided.",
        ]
    );
    let (code, printed, said) = run(&["explain", "00000000-7", "--url", &sandbox.url]);
    assert_eq!((code, printed.as_str()), (1, ""));
    assert_eq!(
        said,
        "iluma-sandbox: `00000000-7`: of the requests that belong to no world only the latest refused ones are kept\n"
    );
    let (code, _, said) = run(&["explain", "../reset", "--url", &sandbox.url]);
    assert_eq!(code, 2);
    assert_eq!(
        said,
        "iluma-sandbox: a trace looks like 1a2b3c4d-7: every response has it in the header x-sandbox-trace\n"
    );
}

#[test]
fn a_magic_value_in_the_data_is_shown_with_the_line_that_allows_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let magic = "[magic]\n\"input.reference_id\" = { prefix = \"MAGIC \" }\n";
    let text = format!("extends = \"v1.1/bank_account_data_requests\"\n{magic}");
    write(folder.path(), "mine.toml", &text);
    let scenarios = folder.path().to_str().expect("UTF-8");
    let body =
        r#"{"bank_account_number": "1", "bank_code": "BCA", "reference_id": "MAGIC failed"}"#;
    let (code, printed, _) = tried(&["POST", BANK, "-d", body, "--scenarios", scenarios]);
    assert_eq!(code, 0);
    let printed = printed.replace(&format!("{scenarios}/"), "");
    let line = r#"         input.reference_id (mine.toml:3) is "MAGIC failed""#;
    assert!(printed.lines().any(|one| one == line), "{printed}");
}
