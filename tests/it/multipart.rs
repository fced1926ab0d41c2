//! Multipart forms are read by the schema of their endpoint: lists, objects, files, JSON.

use std::path::Path;

use iluma_sandbox::Sandbox;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::client::{Answer, Client, png};
use crate::process::write;

const PASSPORTS: &str = "/v9/passports";

/// An endpoint with fields of every shape.
const SCENARIO: &str = r#"
path = "/v9/passports"
id = "pass_{uuid}"
content_type = "multipart/form-data"

[[request.examples]]
name = "Budi"
aliases = ["a", "b"]
address = { city = "Ubud" }
pages = [{ type = "image/png", bytes = 60 }, { type = "image/jpeg", bytes = 60 }]

[request.properties]
name = { type = "string" }
age = { type = "integer" }
aliases = { type = "array", items = { type = "string" } }
address = { type = "object", properties = { city = { type = "string" }, floor = { type = "integer" } } }
visits = { type = "array", items = { type = "object", properties = { country = { type = "string" } } } }
anything = {}

[request.properties.scan]
type = "object"
format = "file"

[request.properties.pages]
type = "array"
maxItems = 3

[request.properties.pages.items]
type = "object"
format = "file"

[request.properties.pages.items.properties]
bytes = { type = "integer", maximum = 5000 }

[outcomes.STAMPED]
default = true

[outcomes.STAMPED.body]
id = "{{id}}"
name = "{{input.name}}"
age = "{{input.age}}"
aliases = "{{input.aliases}}"
address = "{{input.address}}"
visits = "{{input.visits}}"
anything = "{{input.anything}}"

[outcomes.BY_FILE_NAME]
when = { "input.pages.1.bytes" = 70 }
body = { status = "BY_FILE_NAME" }
"#;

async fn passports() -> Client {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "passports.toml", SCENARIO);
    start(folder.path()).await
}

async fn start(folder: &Path) -> Client {
    Client::of(Sandbox::builder().scenarios(folder)).await
}

async fn send(client: &Client, form: Form) -> Answer {
    Answer::of(client.request("POST", PASSPORTS).multipart(form)).await
}

/// The form that the journal shows of the last request.
async fn journal_body(client: &Client) -> Value {
    let listed = client.get("/__sandbox/requests?limit=1").await.json();
    listed["requests"][0]["body"].clone()
}

fn part(text: &str, content_type: &str) -> Part {
    let part = Part::text(text.to_owned()).mime_str(content_type);
    part.expect("a type")
}

fn page(bytes: usize) -> Part {
    Part::bytes(png(1, 1, bytes)).file_name(format!("page{bytes}.png"))
}

#[tokio::test]
async fn repeated_names_and_brackets_make_lists_and_objects_as_in_other_forms() {
    let client = passports().await;
    let forms = [
        (
            Form::new().text("aliases", "a").text("aliases", "b"),
            json!({"aliases": ["a", "b"]}),
        ),
        (Form::new().text("aliases", "a"), json!({"aliases": ["a"]})),
        (
            Form::new().text("aliases[]", "a").text("aliases[]", "b"),
            json!({"aliases": ["a", "b"]}),
        ),
        (
            Form::new().text("aliases[1]", "b").text("aliases[0]", "a"),
            json!({"aliases": ["a", "b"]}),
        ),
        (
            Form::new()
                .text("address[city]", "Ubud")
                .text("address[floor]", "3"),
            json!({"address": {"city": "Ubud", "floor": 3}}),
        ),
        (
            Form::new()
                .text("visits[0][country]", "ID")
                .text("visits[1][country]", "SG"),
            json!({"visits": [{"country": "ID"}, {"country": "SG"}]}),
        ),
    ];
    for (form, expected) in forms {
        let answer = send(&client, form).await;
        assert_eq!(answer.status, 200, "{expected}: {}", answer.text);
        for (name, value) in expected.as_object().expect("an object") {
            assert_eq!(answer.json()[name], *value);
        }
    }
}

#[tokio::test]
async fn a_name_with_brackets_and_without_them_is_one_list_or_refused() {
    let client = passports().await;
    let list = Form::new().text("aliases", "a").text("aliases[]", "b");
    let answer = send(&client, list).await;
    assert_eq!(answer.json()["aliases"], json!(["a", "b"]));

    let bank = "/v1.1/identity/bank_account_data_requests";
    let fields = [("bank_code", "BCA"), ("a[b]", "1"), ("a[b][c]", "2")];
    let parts = || Form::new().text("a[b]", "1").text("a[b][c]", "2");
    let requests = [
        client.request("POST", PASSPORTS).multipart(parts()),
        client.request("POST", bank).form(&fields),
    ];
    for request in requests {
        let answer = Answer::of(request).await;
        let errors = json!([
            {"path": "a.b", "message": "is sent both as a value and with names in brackets"}
        ]);
        assert_eq!((answer.status, &answer.json()["errors"]), (400, &errors));
    }
}

#[tokio::test]
async fn json_parts_are_parsed_where_the_field_is_no_text() {
    let client = passports().await;
    let json_type = "application/json";
    let form = Form::new()
        .part("name", part("{\"not\": \"parsed\"}", json_type))
        .part(
            "address",
            part(r#"{"city": "Ubud", "floor": 3}"#, json_type),
        )
        .part("aliases", part(r#"["a", "b"]"#, json_type))
        .part("visits", part(r#"{"country": "ID"}"#, json_type))
        .part("visits", part(r#"{"country": "SG"}"#, json_type))
        .part("anything", part("[1, null]", json_type));
    let answer = send(&client, form).await;
    let mut body = answer.json();
    body.as_object_mut().expect("an object").retain(|name, _| {
        ["name", "address", "aliases", "visits", "anything"].contains(&name.as_str())
    });
    assert_eq!(
        body,
        json!({
            "name": "{\"not\": \"parsed\"}",
            "aliases": ["a", "b"],
            "address": {"city": "Ubud", "floor": 3},
            "visits": [{"country": "ID"}, {"country": "SG"}],
            "anything": [1, null],
        }),
        "{}",
        answer.text
    );

    let unlabelled = Form::new().text("address", r#"{"city": "Ubud"}"#);
    let answer = send(&client, unlabelled).await;
    assert_eq!(answer.json()["address"], json!({"city": "Ubud"}));

    let broken = Form::new().part("address", part("{\"city\": ", json_type));
    assert_eq!(
        send(&client, broken).await.message(),
        "The multipart body cannot be read: the part `address` is not the JSON that its content-type says: EOF while \
         parsing a value at line 1 column 9."
    );
}

#[tokio::test]
async fn several_files_of_one_field_are_a_list_for_rules_and_in_the_journal() {
    let client = passports().await;
    for name in ["pages", "pages[]"] {
        let form = Form::new().part(name, page(60)).part(name, page(70));
        let answer = send(&client, form).await;
        assert_eq!(answer.json()["status"], "BY_FILE_NAME", "{}", answer.text);
        let pages = journal_body(&client).await["pages"].clone();
        assert_eq!(
            (&pages[0]["file_name"], &pages[1]["file_name"]),
            (&json!("page60.png"), &json!("page70.png"))
        );
    }
    let one = Form::new().part("pages", page(60));
    assert_eq!(send(&client, one).await.status, 200);

    let wrong = Form::new()
        .part("pages", page(60))
        .part("pages", page(5001))
        .text("pages", "no file");
    assert_eq!(
        send(&client, wrong).await.json()["errors"],
        json!([
            {"path": "pages[1]", "message": "its bytes must be at most 5000"},
            {"path": "pages[2]", "message": "must be a file"},
        ])
    );
}

#[tokio::test]
async fn the_curl_line_of_the_sample_has_a_part_for_each_item_of_a_list() {
    let client = passports().await;
    let catalog = client.get("/__sandbox/catalog").await.text;
    let parts = "-F name=Budi -F aliases=a -F aliases=b -F 'address={\\\"city\\\":\\\"Ubud\\\"};type=application/json' -F \
                 pages=@pages.png -F pages=@pages.jpeg";
    assert!(catalog.contains(parts), "{catalog}");
}

#[tokio::test]
async fn a_file_name_changes_no_id() {
    let mut ids = Vec::new();
    for file_name in ["a.png", "b.png"] {
        let client = passports().await;
        let page = || Part::bytes(png(1, 1, 60)).file_name(file_name);
        let form = Form::new().part("pages", page()).part("scan", page());
        ids.push(send(&client, form).await.json()["id"].clone());
    }
    assert!(ids[0].is_string());
    assert_eq!(ids[0], ids[1]);
}

#[tokio::test]
async fn an_inbox_keeps_every_part_of_a_form() {
    let client = passports().await;
    let form = Form::new()
        .text("a", "1")
        .text("a", "2")
        .text("b[c]", "3")
        .part("file", Part::bytes(png(1, 1, 60)).file_name("f.png"));
    let request = client.request("POST", "/__sandbox/inbox/forms");
    assert_eq!(Answer::of(request.multipart(form)).await.status, 200);
    let listed = client.get("/__sandbox/inbox/forms").await.json();
    let body = listed["received"][0]["body"].as_str().expect("a body");
    let body: Value = serde_json::from_str(body).expect("JSON");
    assert_eq!(
        (&body["a"], &body["b"], &body["file"]["bytes"]),
        (&json!(["1", "2"]), &json!({"c": "3"}), &json!(60))
    );
}

#[tokio::test]
async fn a_route_of_the_control_api_that_takes_json_says_so() {
    let client = passports().await;
    let request = client.request("PUT", "/__sandbox/faults");
    let answer = Answer::of(request.multipart(Form::new().text("fault", "reset"))).await;
    assert_eq!(
        (answer.status, answer.message().as_str()),
        (400, "the body must be JSON, not multipart/form-data")
    );
}

#[tokio::test]
async fn a_callback_url_that_is_sent_twice_is_refused_as_no_string() {
    let client = passports().await;
    let twice = [
        ("type", "NAME_VALIDATOR_REQUEST"),
        ("url", "http://127.0.0.1:9/a"),
        ("url", "http://127.0.0.1:9/b"),
    ];
    let parts = twice
        .iter()
        .fold(Form::new(), |form, (name, text)| form.text(*name, *text));
    let request = || client.request("POST", "/v1/callback/urls");
    for request in [request().multipart(parts), request().form(&twice)] {
        let answer = Answer::of(request).await;
        assert_eq!(
            (answer.status, &answer.json()["errors"]),
            (
                400,
                &json!([{"path": "url", "message": "must be a string"}])
            )
        );
    }
}

#[tokio::test]
async fn a_part_that_holds_further_parts_is_refused() {
    let client = passports().await;
    let nested = part("--y\r\n\r\na\r\n--y--", "Multipart/mixed; boundary=y");
    let answer = send(&client, Form::new().part("pages", nested)).await;
    assert_eq!(
        (answer.status, answer.message().as_str()),
        (
            400,
            "The multipart body cannot be read: the part `pages` holds further parts: send one part for each file."
        )
    );
}

#[tokio::test]
async fn a_part_whose_name_or_file_name_is_not_utf_8_is_refused() {
    let client = passports().await;
    for disposition in [
        &b"name=\"caf\xe9\""[..],
        b"name=\"scan\"; filename=\"caf\xe9.png\"",
    ] {
        let body = [
            b"--x\r\ncontent-disposition: form-data; ",
            disposition,
            b"\r\n\r\n1\r\n--x--\r\n",
        ]
        .concat();
        let request = client
            .request("POST", PASSPORTS)
            .header("content-type", "multipart/form-data; boundary=x")
            .body(body);
        let answer = Answer::of(request).await;
        assert_eq!(
            (answer.status, answer.message()),
            (
                400,
                "The multipart body cannot be read: the content-disposition of a part is not UTF-8 text."
                    .to_owned()
            )
        );
    }
}
