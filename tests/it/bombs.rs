//! Small things that claim to be large: JSON, images, patterns.

use serde_json::Value;

use crate::attacked::Attacked;
use crate::client::png;
use crate::process::{run, write};
use crate::raw::{Raw, request};
use crate::stage::BANK;

const ID_CARDS: &str = "/v0/identity/id_card_verifications";

/// The peak memory of the process, in KiB.
fn peak(sandbox: &Attacked) -> u64 {
    let status =
        std::fs::read_to_string(format!("/proc/{}/status", sandbox.pid())).expect("it runs");
    let (_, rest) = status.split_once("VmHWM:").expect("a peak");
    rest.split_whitespace()
        .next()
        .expect("a number")
        .parse()
        .expect("a number")
}

async fn post(sandbox: &Attacked, path: &str, kind: &str, body: &[u8]) -> (u16, Value) {
    let mut raw = Raw::to(sandbox.address).await;
    raw.send(request(
        &format!("POST {path}"),
        &[&format!("content-type: {kind}")],
        body,
    ))
    .await;
    let answer = raw.answer().await;
    (answer.status(), answer.json())
}

#[tokio::test]
async fn json_bombs_are_refused_and_cost_nothing() {
    let sandbox = Attacked::start(&[]).await;
    let before = peak(&sandbox);
    let deep = |open: &str, depth: usize| open.repeat(depth).into_bytes();
    for (body, status, code) in [
        (deep("[", 10 << 20), 413, "REQUEST_TOO_LARGE"),
        (deep(r#"{"a":"#, 2 << 20), 413, "REQUEST_TOO_LARGE"),
        (deep("[", 1 << 20), 400, "INVALID_JSON_FORMAT"),
        (deep("[", 128), 400, "INVALID_JSON_FORMAT"),
        (deep(r#"{"a":"#, 100_000), 400, "INVALID_JSON_FORMAT"),
    ] {
        let (answered, said) = post(&sandbox, BANK, "application/json", &body).await;
        assert_eq!(
            (answered, said["error_code"].as_str()),
            (status, Some(code)),
            "{said}"
        );
    }
    let grown = peak(&sandbox) - before;
    assert!(grown < 64 << 10, "{grown} KiB for bodies of 40 MiB in all");
    sandbox.ends_unharmed().await;
}

/// 127 nested levels are accepted, because the limit is 128.
#[tokio::test]
async fn json_within_the_limit_of_nesting_is_taken() {
    let sandbox = Attacked::start(&[]).await;
    for (depth, status) in [(126, 200), (127, 400)] {
        let more = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        let body =
            format!(r#"{{"bank_account_number":"1234567890","bank_code":"BCA","more":{more}}}"#);
        let (answered, said) = post(&sandbox, BANK, "application/json", body.as_bytes()).await;
        assert_eq!(answered, status, "{depth}: {said}");
    }
    sandbox.ends_unharmed().await;
}

/// A JPEG whose header claims a size, without pixels.
fn jpeg(width: u16, height: u16, bytes: usize) -> Vec<u8> {
    let mut jpeg =
        b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xc0\0\x11\x08".to_vec();
    jpeg.extend(height.to_be_bytes());
    jpeg.extend(width.to_be_bytes());
    jpeg.extend(b"\x03\x01\x22\0\x02\x11\x01\x03\x11\x01");
    jpeg.resize(bytes, 0);
    jpeg
}

#[tokio::test]
async fn images_that_claim_to_be_huge_cost_nothing() {
    let sandbox = Attacked::start(&[]).await;
    let before = peak(&sandbox);
    for image in [
        png(100_000, 100_000, 200_000),
        png(u32::MAX, u32::MAX, 200_000),
        jpeg(u16::MAX, u16::MAX, 200_000),
    ] {
        let mut body = Vec::new();
        for (head, content) in [
            (r#"name="name""#, &b"Eko Hadi Salim"[..]),
            (r#"name="identity_number""#, b"3174032808720002"),
            (r#"name="selfie_image"; filename="me""#, &image),
        ] {
            body.extend(format!("--x\r\ncontent-disposition: form-data; {head}\r\n\r\n").bytes());
            body.extend(content);
            body.extend(b"\r\n");
        }
        body.extend(b"--x--\r\n");
        let kind = "multipart/form-data; boundary=x";
        let (status, said) = post(&sandbox, ID_CARDS, kind, &body).await;
        assert!(
            said.get("status").is_some() || said["error_code"].is_string(),
            "{status}: {said}"
        );
        assert_ne!(status, 500, "{said}");
    }
    let grown = peak(&sandbox) - before;
    assert!(
        grown < 16 << 10,
        "{grown} KiB: pixels are not made of headers"
    );
    sandbox.ends_unharmed().await;
}

fn with_pattern(pattern: &str) -> String {
    format!(
        "extends = \"v1.1/bank_account_data_requests\"\n\n\
         [[request.examples]]\nbank_account_number = \"1\"\nbank_code = \"BCA\"\n\n\
         [request.properties.reference_id]\ntype = \"string\"\npattern = '{pattern}'\n\n\
         [request.patternProperties.'{pattern}']\ntype = \"string\"\n"
    )
}

/// Ten thousand letters and one that does not match: a backtracking engine would never finish.
#[tokio::test]
async fn a_pattern_that_could_be_tried_in_very_many_ways_is_tried_once() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "ours.toml", &with_pattern("^(a+)+$"));
    let rule = "extends = \"v2/bank_account_data_requests\"\n\n\
         [outcomes.OURS]\nstatus = 422\nerror = \"ours\"\nwhen = { \"input.reference_id\" = { regex = '^(a|a)*(b+)+$' } }\n";
    write(folder.path(), "rule.toml", rule);
    let sandbox = Attacked::start(&["--scenarios", folder.path().to_str().expect("UTF-8")]).await;
    let long = format!("{}!", "a".repeat(10_000));
    for (path, status) in [
        (BANK, 400),
        ("/v2/identity/bank_account_data_requests", 200),
    ] {
        let body = format!(
            r#"{{"bank_account_number":"1234567890","bank_code":"BCA","reference_id":"{long}","{long}":1}}"#
        );
        let (answered, said) = post(&sandbox, path, "application/json", body.as_bytes()).await;
        assert_eq!(answered, status, "{path}: {said}");
    }
    sandbox.ends_unharmed().await;
}

/// Patterns that need a backtracking engine, and patterns that would need all memory.
#[test]
fn patterns_that_need_backtracking_or_very_much_room_are_refused_when_they_are_loaded() {
    for pattern in [
        "(?=a)b",
        "(a)\\1",
        "(?<!a)b",
        "(?>a+)b",
        "((a{1000}){1000}){1000}",
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), "ours.toml", &with_pattern(pattern));
        let path = folder.path().to_str().expect("UTF-8");
        let (code, _, said) = run(&["serve", "--port", "0", "--scenarios", path]);
        assert_eq!(code, 2, "{pattern}: {said}");
    }
}
