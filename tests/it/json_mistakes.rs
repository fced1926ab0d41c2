//! A body that is no JSON is refused with its place, the likely cause, and what to do.

use serde_json::Value;

use crate::client::{Answer, Client};
use crate::process::run;
use crate::stage::{BANK, URLS};

const FORM: &str = "application/x-www-form-urlencoded";

const COMPRESSED: &str = "The body is compressed: send it uncompressed";
const BOM: &str = "The body begins with a byte order mark (BOM): write it as UTF-8 without BOM";
const UTF_16: &str = "The body is UTF-16, as Windows PowerShell writes files: write it as UTF-8";
const LATIN_1: &str =
    "The body is not UTF-8 but probably Latin-1 or Windows-1252: write it as UTF-8";
const SURROGATE: &str = "Half of a surrogate pair stands there: a text was cut within a character such as an emoji. \
                         Cut texts between characters";
const FILE_NAME: &str = "The body is the name of a file, not its content: write `-d @FILE` for curl, without a quote \
                         before the `@` and without `--data-raw`";
const SINGLE: &str = "JSON takes double quotes, not single ones. In Python, use `json.dumps`. In a Windows shell, \
                      write the JSON into a file and send it with `-d @FILE`";
const NO_QUOTES: &str = "Keys and texts need double quotes. A Windows shell removes them: write the JSON into a file \
                         and send it with `-d @FILE`";
const BACKSLASH: &str = "A backslash stands outside of a text: within single quotes of a shell, write `\"` and not `\\\"`";
const LITERAL: &str = "JSON writes `true`, `false` and `null`, in lower case, and has no `NaN` and no `undefined`. In \
                       Python, use `json.dumps`";
const CURLY: &str = "The quote there is U+201C: JSON takes straight double quotes (U+0022)";
const NO_BREAK: &str = "The character there is U+00A0, which JSON has only within texts: remove it, or write a plain one";

/// Bodies that are meant to be JSON, whatever their type; what the parser says; and the cause.
const MEANT_AS_JSON: [(&[u8], &str, &str); 26] = [
    (
        b"\x1f\x8b\x08\0\0\0\0\0",
        "expected value at line 1 column 1",
        COMPRESSED,
    ),
    (
        b"\x28\xb5\x2f\xfd\x04\0",
        "expected value at line 1 column 1",
        COMPRESSED,
    ),
    (
        b"\xef\xbb\xbf{\"bank_code\":\"BCA\"}",
        "expected value at line 1 column 1",
        BOM,
    ),
    (
        b"\xff\xfe{\0}\0",
        "expected value at line 1 column 1",
        UTF_16,
    ),
    (
        b"\xfe\xff\0{\0}",
        "expected value at line 1 column 1",
        UTF_16,
    ),
    (
        b"{\0\"\0a\0\"\0:\x001\x00}\0",
        "key must be a string at line 1 column 2",
        UTF_16,
    ),
    (
        b"\0{\0\"\0a\0\"\0:\x001\x00}",
        "expected value at line 1 column 1",
        UTF_16,
    ),
    (
        b"{\n\"a\": \"caf\xe9\"}",
        "invalid unicode code point at line 2 column 10",
        LATIN_1,
    ),
    (
        b"{\"a\": \"\\n\\t\\u0041\xe9t\xe9\"}",
        "invalid unicode code point at line 1 column 18",
        LATIN_1,
    ),
    (
        b"{\xa0\"a\": 1}",
        "key must be a string at line 1 column 2",
        LATIN_1,
    ),
    (
        b"{\"a\": \"\xed\xa0\xbd\"}",
        "invalid unicode code point at line 1 column 8",
        SURROGATE,
    ),
    (
        br#"{"a": "\ud83d"}"#,
        "unexpected end of hex escape at line 1 column 14",
        SURROGATE,
    ),
    (
        br#"{"a": "\ud83dx"}"#,
        "unexpected end of hex escape at line 1 column 14",
        SURROGATE,
    ),
    (
        br#"{"a": "\ude00"}"#,
        "lone leading surrogate in hex escape at line 1 column 13",
        SURROGATE,
    ),
    (
        b"@/home/budi/body.json",
        "expected value at line 1 column 1",
        FILE_NAME,
    ),
    (
        b"'@body.json'",
        "expected value at line 1 column 1",
        FILE_NAME,
    ),
    (
        b"{'a': 1}",
        "key must be a string at line 1 column 2",
        SINGLE,
    ),
    (b"'{\"a\": 1}'", "expected value at line 1 column 1", SINGLE),
    (
        b"{\n  \"a\": 'BCA'\n}",
        "expected value at line 2 column 8",
        SINGLE,
    ),
    (
        "{\u{201c}a\u{201d}: 1}".as_bytes(),
        "key must be a string at line 1 column 2",
        CURLY,
    ),
    (
        b"{bank_code: BCA}",
        "key must be a string at line 1 column 2",
        NO_QUOTES,
    ),
    (
        b"{\"bank_code\": BCA}",
        "expected value at line 1 column 15",
        NO_QUOTES,
    ),
    (
        br#"{\"a\": 1}"#,
        "key must be a string at line 1 column 2",
        BACKSLASH,
    ),
    (
        b"{\"a\": NaN}",
        "expected value at line 1 column 7",
        LITERAL,
    ),
    (
        b"{\"a\": None}",
        "expected value at line 1 column 7",
        LITERAL,
    ),
    (
        "{\u{a0}\"a\": 1}".as_bytes(),
        "key must be a string at line 1 column 2",
        NO_BREAK,
    ),
];

/// The same for bodies that are forms unless their type says JSON.
const CALLED_JSON: [(&[u8], &str, &str); 3] = [
    (
        b"bank_code=BCA&bank_account_number=1",
        "expected value at line 1 column 1",
        "The body looks like a form: send it with `content-type: application/x-www-form-urlencoded`",
    ),
    (
        b"[object Object]",
        "expected value at line 1 column 2",
        "A JavaScript object was sent as text: use `JSON.stringify`",
    ),
    (
        b"<xml/>",
        "expected value at line 1 column 1",
        "The body looks like XML or HTML: send JSON",
    ),
];

async fn send(client: &Client, method: &str, path: &str, label: &str, body: &[u8]) -> Answer {
    let request = client.request(method, path).header("content-type", label);
    Answer::of(request.body(body.to_owned())).await
}

#[tokio::test]
async fn a_product_names_the_cause_of_broken_json() {
    let client = Client::start().await;
    for (body, reason, hint) in MEANT_AS_JSON.into_iter().chain(CALLED_JSON) {
        let expected = format!("The body is not valid JSON: {reason}. {hint}.");
        for path in [BANK, URLS, "/v0/identity/individual_cft_peps"] {
            let answer = send(&client, "POST", path, "application/json", body).await;
            assert_eq!((answer.status, answer.message()), (400, expected.clone()));
            assert_eq!(answer.json()["error_code"], "INVALID_JSON_FORMAT");
        }
    }
}

#[tokio::test]
async fn the_type_that_curl_sends_by_default_hides_no_cause() {
    let client = Client::start().await;
    for (body, reason, hint) in MEANT_AS_JSON {
        let expected = format!("The body is not valid JSON: {reason}. {hint}.");
        for path in [BANK, URLS] {
            let answer = send(&client, "POST", path, FORM, body).await;
            assert_eq!((answer.status, answer.message()), (400, expected.clone()));
        }
    }
}

#[tokio::test]
async fn the_control_api_names_the_cause_of_broken_json() {
    let client = Client::start().await;
    for (body, reason, hint) in MEANT_AS_JSON.into_iter().chain(CALLED_JSON) {
        for (method, path) in [("POST", "next"), ("PUT", "faults"), ("POST", "verify")] {
            let path = format!("/__sandbox/{path}");
            let answer = send(&client, method, &path, "application/json", body).await;
            let expected = format!("the body cannot be taken: {reason}. {hint}");
            assert_eq!((answer.status, answer.message()), (400, expected));
        }
    }
}

#[tokio::test]
async fn a_snapshot_that_is_broken_json_has_a_cause_too() {
    let client = Client::start().await;
    let start = "the snapshot cannot be restored, and nothing was changed: ";
    let bom = format!("it is no snapshot: expected value at line 1 column 1. {BOM}");
    let latin_1 = format!("invalid unicode code point at line 1 column 26. {LATIN_1}");
    for (body, message) in [
        (&b"\xef\xbb\xbf{}"[..], bom),
        (b"{\"snapshot\":1,\"world\":\"\\n\xe9\"}", latin_1),
    ] {
        let path = "/__sandbox/snapshot";
        let answer = send(&client, "PUT", path, "application/json", body).await;
        let expected = format!("{start}{message}");
        assert_eq!((answer.status, answer.message()), (400, expected));
    }
}

#[tokio::test]
async fn a_text_in_place_of_an_object_has_a_cause_too() {
    let client = Client::start().await;
    let twice = "The JSON was encoded twice: send the object, not a text that contains it";
    for (body, hint) in [
        (r#""@body.json""#, FILE_NAME),
        (r#""{\"bank_code\":\"BCA\"}""#, twice),
        (r#""[]""#, twice),
    ] {
        let answer = send(&client, "POST", BANK, "application/json", body.as_bytes()).await;
        let expected = format!("The body must be a JSON object, at line 1 column 1. {hint}.");
        assert_eq!((answer.status, answer.message()), (400, expected));
        let path = "/__sandbox/faults";
        let answer = send(&client, "PUT", path, "application/json", body.as_bytes()).await;
        let expected = format!("the body cannot be taken: it must be a JSON object. {hint}");
        assert_eq!((answer.status, answer.message()), (400, expected));
    }
}

#[tokio::test]
async fn a_form_that_resembles_json_stays_a_form() {
    let client = Client::start().await;
    let rest = "bank_account_number=1&bank_code=BCA";
    for form in [
        rest.to_owned(),
        format!("@type=a&{rest}"),
        format!("a=%7B%22b%22%3A1%7D&{rest}"),
        format!("[a]=1&{rest}"),
        format!("'a'=1&{rest}"),
    ] {
        let answer = send(&client, "POST", BANK, FORM, form.as_bytes()).await;
        assert_eq!(answer.status, 200, "{form}: {}", answer.text);
    }
}

#[test]
fn try_names_the_cause_of_broken_json() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("body.json");
    let file_argument = format!("@{}", file.display());
    for (body, reason, hint) in MEANT_AS_JSON {
        std::fs::write(&file, body).expect("a file");
        let arguments = [
            "try",
            "POST",
            BANK,
            "--format",
            "json",
            "-d",
            &file_argument,
        ];
        let (code, printed, _) = run(&arguments);
        assert_eq!(code, 0);
        let tried: Value = serde_json::from_str(&printed).expect("JSON");
        let expected = format!("The body is not valid JSON: {reason}. {hint}.");
        assert_eq!(tried["body"]["message"], expected);
        let because = format!("The request was refused: {expected}");
        assert_eq!(tried["explanation"]["because"], because);
    }
}
