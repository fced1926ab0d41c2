//! `iluma-sandbox replay` of HAR and of Postman collections: recordings of browsers, proxies and people.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::process::run;
use crate::stage::BANK;

const CHROMIUM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/har/chromium.har");
pub const PROXY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/har/proxy.har");

const KEY: &str = "iluma_development_0000000000000000000000000000000000000000000001";

/// The report on a file with this text.
fn replayed(text: &str) -> (i32, String, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("it.har");
    fs::write(&path, text).expect("it is written");
    let path = path.to_str().expect("UTF-8");
    let (code, report, complaint) = run(&["replay", path]);
    (code, report, complaint.replace(path, "FILE"))
}

fn har(entries: &Value) -> String {
    json!({"log": {"version": "1.2", "creator": {"name": "a test"}, "entries": entries}})
        .to_string()
}

/// An entry for the bank account validator.
fn entry(reply: &Value) -> Value {
    json!({
        "startedDateTime": "2026-03-02T10:15:01.123+01:00",
        "request": {
            "method": "POST",
            "url": format!("https://api.test{BANK}"),
            "headers": [{"name": "content-type", "value": "application/json"}],
            "postData": {"text": r#"{"bank_account_number":"1234567890","bank_code":"BCA"}"#},
        },
        "response": {
            "status": 200,
            "headers": [{"name": "content-type", "value": "application/json"}],
            "content": {"text": reply.to_string()},
        },
    })
}

fn found() -> Value {
    json!({
        "status": "COMPLETED",
        "bank_account_number": "1234567890",
        "bank_code": "BCA",
        "created": "2026-03-02T09:15:01.004Z",
        "updated": "2026-03-02T09:15:01.804Z",
        "id": "bknv_69a554c5aa00bb11cc22dd33",
        "result": {
            "is_found": true,
            "account_holder_name": "FIRA DIYANKA",
            "is_virtual_account": false,
            "need_review": false,
        },
    })
}

/// The file has JSON, a form, an upload, an error, a clock that was advanced, a queued outcome and a record that is read
/// before and after a change.
#[test]
fn what_chromium_recorded_is_answered_again_with_other_ids_and_times() {
    let (code, report, complaint) = run(&[
        "replay",
        CHROMIUM,
        "--seed",
        "5",
        "--ignore",
        "reply.result.account_holder_name",
    ]);
    assert_eq!((code, complaint.as_str()), (0, ""), "{report}");
    assert_eq!(
        report,
        "8 requests replayed, 0 different; 0 callbacks compared, 0 different\n\
         skipped 1 request: the recording does not have all of their body (log.entries[10])\n\
         skipped 1 request: they do not concern the API\n"
    );
}

#[test]
fn unusual_content_of_a_proxy_is_read_or_named_with_its_path() {
    let (code, report, complaint) = run(&["replay", PROXY]);
    assert_eq!((code, complaint.as_str()), (1, ""), "{report}");
    insta::assert_snapshot!(report);
}

#[test]
fn no_report_has_a_key() {
    for flags in [&["--format", "text"], &["--format", "json"]] {
        let (_, report, complaint) = run(&[&["replay", PROXY], &flags[..]].concat());
        assert!(
            !report.contains(&KEY[20..]) && !complaint.contains(&KEY[20..]),
            "{report}"
        );
    }
}

#[test]
fn ids_and_times_count_by_their_kind_and_everything_else_by_its_value() {
    let (code, report, _) = replayed(&har(&json!([entry(&found())])));
    assert_eq!((code, report.lines().count()), (0, 1), "{report}");
    let mut other = found();
    other["id"] = json!("idvr_69a554c5aa00bb11cc22dd33");
    other["updated"] = json!("soon");
    other["result"]["need_review"] = json!(true);
    let (code, report, _) = replayed(&har(&json!([entry(&other)])));
    assert_eq!(code, 1);
    assert_eq!(
        report,
        "1 request replayed, 1 different; 0 callbacks compared, 0 different\n\
         1 reply: `reply.id` \"(an id idvr_…)\" became \"(an id bknv_…)\" (log.entries[0])\n\
         1 reply: `reply.result.need_review` true became false (log.entries[0])\n\
         1 reply: `reply.updated` \"soon\" became \"(a time)\" (log.entries[0])\n"
    );
}

#[test]
fn a_body_without_a_header_for_its_media_type_has_that_of_the_file() {
    let mut entry = entry(&found());
    entry["request"]["headers"] = json!([]);
    entry["request"]["postData"] = json!({
        "mimeType": "application/x-www-form-urlencoded",
        "text": "bank_account_number=1234567890&bank_code=BCA",
    });
    let (code, report, _) = replayed(&har(&json!([entry])));
    assert_eq!(code, 0, "{report}");
}

#[test]
fn a_record_is_read_by_the_id_that_the_replay_gave_it() {
    let mut read = entry(&found());
    read["request"]["method"] = json!("get");
    read["request"]["url"] = json!(format!(
        "https://api.test{BANK}/bknv_69a554c5aa00bb11cc22dd33#top"
    ));
    read["request"]
        .as_object_mut()
        .expect("an object")
        .remove("postData");
    let (code, report, _) = replayed(&har(&json!([entry(&found()), read])));
    assert_eq!(code, 0, "{report}");
    assert!(
        report.starts_with("2 requests replayed, 0 different"),
        "{report}"
    );
}

#[test]
fn entries_are_replayed_in_the_order_of_their_times() {
    let mut later = entry(&found());
    later["request"]["url"] = json!(format!(
        "https://api.test{BANK}/bknv_69a554c5aa00bb11cc22dd33"
    ));
    later["request"]["method"] = json!("GET");
    later["startedDateTime"] = json!("2026-03-02T09:15:02Z");
    let (code, report, _) = replayed(&har(&json!([later, entry(&found())])));
    assert_eq!(code, 0, "{report}");
}

#[test]
fn worlds_have_the_digests_of_their_keys() {
    let with_key = |key: &str| {
        use base64::Engine;
        let credentials = base64::engine::general_purpose::STANDARD.encode(format!("{key}:"));
        let mut entry = entry(&found());
        let headers = entry["request"]["headers"].as_array_mut().expect("a list");
        headers.push(json!({"name": "Authorization", "value": format!("Basic {credentials}")}));
        entry
    };
    let other = KEY.replace("01", "02");
    let file = har(&json!([with_key(KEY), with_key(&other)]));
    let (code, report, _) = replayed(&file);
    assert_eq!(code, 0, "{report}");
    assert!(report.starts_with("2 requests replayed"), "{report}");
}

#[test]
fn a_file_that_cannot_be_replayed_says_where_it_is_broken() {
    let broken_status = {
        let mut entry = entry(&found());
        entry["response"]["status"] = json!("200");
        entry
    };
    let broken_base64 = {
        let mut entry = entry(&found());
        entry["response"]["content"]["encoding"] = json!("base64");
        entry
    };
    let other = json!({"request": {"method": "GET", "url": "https://cdn.test/app.js"}});
    for (text, reason) in [
        (
            r#"{"log": {"entries": 3}}"#.to_owned(),
            "`log.entries` must be a list, and is a number",
        ),
        (
            r#"{"log": []}"#.to_owned(),
            "`log` must be an object, and is a list",
        ),
        (r#"{"log": {}}"#.to_owned(), "`log.entries` is missing"),
        (
            r#"{"lug": {}}"#.to_owned(),
            "it is neither an export, nor HAR (it has no `log`), nor a Postman collection (it has no `item`)",
        ),
        (
            r#"{"log": {"entries": ["#.to_owned(),
            "it is neither an export nor whole JSON, such as HAR or a Postman collection: EOF while parsing a list at line 1 column 21",
        ),
        (har(&json!([])), "it has no request to a route of the API"),
        (
            har(&json!([other])),
            "it has no request to a route of the API",
        ),
        (
            har(&json!([7])),
            "none of its requests to the API can be used. The first: log.entries[0]: it must be an object, and is a number",
        ),
        (
            har(&json!([broken_status])),
            "none of its requests to the API can be used. The first: log.entries[0]: `response.status` must be a whole number, and is text",
        ),
        (
            har(&json!([broken_base64])),
            "none of its requests to the API can be used. The first: log.entries[0]: `response.content.text` is not the base64 that it says",
        ),
    ] {
        let (code, report, complaint) = replayed(&text);
        let expected = format!("iluma-sandbox: `FILE` cannot be replayed: {reason}\n");
        assert_eq!((code, report.as_str(), complaint), (2, "", expected));
    }
}

#[test]
fn a_file_that_is_too_large_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("large.har");
    fs::write(&path, r#"{"log":"#).expect("it is written");
    let file = fs::File::options().write(true).open(&path).expect("a file");
    file.set_len((64 << 20) + 1).expect("it grows");
    let (code, _, complaint) = run(&["replay", path_text(&path)]);
    assert_eq!(code, 2);
    assert!(complaint.contains("is larger than 64 MiB"), "{complaint}");
}

fn path_text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

#[test]
fn the_saved_replies_of_a_postman_collection_are_replayed() {
    let request = json!({
        "method": "POST",
        "url": {"raw": format!("{{{{base_url}}}}{BANK}")},
        "header": [{"key": "content-type", "value": "application/json"}],
        "body": {"mode": "raw", "raw": r#"{"bank_account_number":"1234567890","bank_code":"BCA"}"#},
    });
    let reply = json!({
        "name": "found",
        "code": 200,
        "header": [{"key": "Content-Type", "value": "application/json"}],
        "body": found().to_string(),
    });
    let item = json!({"name": "banks", "item": [{"request": request, "response": [reply]}]});
    let collection = json!({"info": {"name": "mine"}, "item": [item]});
    let (code, report, complaint) = replayed(&collection.to_string());
    assert_eq!((code, complaint.as_str()), (0, ""), "{report}");
    assert!(
        report.starts_with("1 request replayed, 0 different"),
        "{report}"
    );
}
