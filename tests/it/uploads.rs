//! Files that are uploaded: the journal keeps none of their bytes, and an open inspector may fetch them for a minute.

use std::fmt::Write;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iluma_sandbox::{PUBLIC_KEY, Sandbox};
use reqwest::Response;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::client::{Answer, Client};
use crate::patience::patiently;
use crate::process::write;
use crate::raw::{Raw, request};
use crate::receiver::{StandingClock, after_exactly};
use crate::stage::key;

const IMAGES: &str = "/v1/identity/id_card_images";
const FACES: &str = "/v1/identity/face_comparisons";
const ID_CARDS: &str = "/v0/identity/id_card_verifications";

/// 128 x 64 pixels, the left half red, the right one blue.
const JPEG: &str = "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDgsLEBYQERMUFRUVDA8XGBYUGBIUFRT/2wBDAQMEBAUEBQkFBQkUDQsNFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBT/wAARCABAAIADAREAAhEBAxEB/8QAFgABAQEAAAAAAAAAAAAAAAAAAAcI/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/EABYBAQEBAAAAAAAAAAAAAAAAAAAJB//EABQRAQAAAAAAAAAAAAAAAAAAAAD/2gAMAwEAAhEDEQA/AM6MMVTAAAAAAAQJcZHQAAAAAABfUOViwAAAAAAECXGR0AAAAAAAX1DlYsAAAAAABAlxkdAAAAAAAF9Q5WLAAAAAAAQJcZHQAAAAAABfUOViwAAAAAAECXGR0AAAAAAAX1DlYsAAAAAABAlxkdAAAAAAAF9Q5WLAAAAAAAQJcZHQAAAAAABfUOViwAAAAAAECXGR0AAAAAAAf//Z";

const RED: [u8; 3] = [255, 0, 0];
const BLUE: [u8; 3] = [0, 0, 255];

/// A picture of these rows.
fn written(width: u32, height: u32, kind: png::ColorType, rows: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(kind);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().expect("a head");
    writer.write_image_data(rows).expect("rows");
    writer.finish().expect("an end");
    file
}

/// The left half red, the right one blue.
fn halves(width: u32, height: u32) -> Vec<u8> {
    let pixel = |at: u32| if at % width < width / 2 { RED } else { BLUE };
    let rows: Vec<u8> = (0..width * height).flat_map(pixel).collect();
    written(width, height, png::ColorType::Rgb, &rows)
}

/// A selfie that is large enough and cannot be compressed.
fn noise(width: u32, height: u32) -> Vec<u8> {
    let mut state = 1_u32;
    let grey = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    let rows: Vec<u8> = (0..width * height).map(grey).collect();
    written(width, height, png::ColorType::Grayscale, &rows)
}

fn in_base64(file: &[u8]) -> String {
    STANDARD.encode(file)
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").expect("texts grow");
            text
        })
}

fn card(image: &str) -> Value {
    json!({"image": image, "type": "KTP", "user_id": "foo123"})
}

fn form(selfie: Vec<u8>) -> Form {
    let selfie = Part::bytes(selfie)
        .file_name("me.png")
        .mime_str("image/png");
    Form::new()
        .text("name", "penito kristian")
        .text("id_card_number", "3275031210930027")
        .part("selfie", selfie.expect("a type"))
}

async fn control(client: &Client, path: &str) -> Value {
    let answer = client.get(&format!("/__sandbox/{path}")).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    answer.json()
}

fn trace(answer: &Answer) -> String {
    answer
        .header("x-sandbox-trace")
        .expect("a trace")
        .to_owned()
}

/// Everything that the control API shows of all worlds and of requests without a world.
async fn all_that_is_told(client: &Client) -> String {
    let mut told = String::new();
    for path in [
        "requests",
        "requests?world=strangers",
        "export?world=all",
        "snapshot",
        "inbox",
        "deliveries",
    ] {
        told += &client.get(&format!("/__sandbox/{path}")).await.text;
    }
    let traces = control(client, "requests").await;
    for one in traces["requests"].as_array().expect("a list") {
        let trace = one["trace"].as_str().expect("a trace");
        told += &client
            .get(&format!("/__sandbox/explain/{trace}"))
            .await
            .text;
    }
    told
}

// Kept facts.

#[tokio::test]
async fn of_a_picture_in_json_the_facts_are_kept_and_the_rest_of_the_body_as_it_was() {
    let client = Client::start().await;
    let file = halves(30, 20);
    let answer = client.post(IMAGES, &card(&in_base64(&file))).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let facts = json!({"bytes": file.len(), "width": 30, "height": 20, "sha256": sha256(&file), "type": "image/png"});
    let kept = &client.sandbox.requests()[0];
    assert_eq!(
        kept.body(),
        Some(json!({"image": facts, "type": "KTP", "user_id": "foo123"}))
    );
    assert_eq!(kept.request.bytes.len(), kept.request.whole_bytes);
    for (filter, matched) in [
        ("body.type=KTP", 1),
        ("body.image.type=image/png", 1),
        ("body.image.width=30", 1),
        ("body.image.width=31", 0),
    ] {
        let found = control(&client, &format!("requests?{filter}")).await;
        assert_eq!(
            (&found["matched"], &found["not_judged"]),
            (&json!(matched), &json!([])),
            "{filter}"
        );
    }
    let told = all_that_is_told(&client).await;
    assert!(told.contains(&sha256(&file)));
    assert!(!told.contains(&in_base64(&file)[..40]));
}

#[tokio::test]
async fn a_picture_can_be_asked_for_by_what_it_is_in_base64() {
    let client = Client::start().await;
    let (sent, other) = (in_base64(&halves(30, 20)), in_base64(&halves(20, 30)));
    client.post(IMAGES, &card(&sent)).await;
    for (image, status) in [(&sent, 200), (&other, 417)] {
        let expected = json!({"request": {"body.image": image}, "exactly": 1});
        let verified = client.post("/__sandbox/verify", &expected).await;
        assert_eq!(verified.status, status, "{}", verified.text);
    }
}

#[tokio::test]
async fn no_request_leaves_a_picture_behind_however_wrong_it_is() {
    let client = Client::start().await;
    let picture = in_base64(&halves(40, 40));
    let json = |body: Value| ("application/json", body.to_string());
    let labelled = format!("data:image/png;base64,{picture}");
    let cases = [
        (json(card(&labelled)), 400),
        (json(card(&format!("{picture}*"))), 400),
        (json(json!({"image": [picture], "type": "KTP"})), 400),
        (
            json(json!({"image": {"data": picture}, "type": "KTP"})),
            400,
        ),
        (json(json!({"picture": picture, "type": "KTP"})), 400),
        (json(json!([picture])), 400),
        (
            (
                "application/json",
                format!("{{\"image\": \"{picture}\", oh"),
            ),
            400,
        ),
        (("text/plain", card(&picture).to_string()), 415),
        (
            (
                "application/x-www-form-urlencoded",
                format!("type=KTP&image={}", picture.replace('+', "%2B")),
            ),
            200,
        ),
        (
            (
                "application/x-www-form-urlencoded",
                card(&picture).to_string(),
            ),
            200,
        ),
    ];
    for ((kind, body), status) in &cases {
        for key in [PUBLIC_KEY, "no-key"] {
            let request = client
                .as_key(key, "POST", IMAGES)
                .header("content-type", *kind);
            let answer = Answer::of(request.body(body.clone())).await;
            let expected = if key == PUBLIC_KEY { *status } else { 401 };
            assert_eq!(answer.status, expected, "{body}: {}", answer.text);
        }
    }
    let told = all_that_is_told(&client).await;
    assert!(!told.contains(&picture[..70]), "{told}");
    let kept = control(&client, "requests?order=oldest").await;
    let body = |at: usize| &kept["requests"][at]["body"];
    assert_eq!(
        body(0)["image"]["width"],
        40,
        "a label does not hide what it is"
    );
    assert_eq!(body(1)["image"]["type"], "text/plain");
    assert_eq!(body(1)["image"]["bytes"], picture.len() + 1);
    assert_eq!(body(2)["image"][0]["type"], "image/png");
    assert_eq!(body(3)["image"]["data"]["type"], "image/png");
    assert_eq!(body(4)["picture"]["type"], "image/png");
    let left_out = format!(
        "{{\"image\": \"…{} bytes are not kept…\", oh",
        picture.len()
    );
    assert_eq!(*body(6), left_out);
    assert_eq!(body(8)["image"]["bytes"], halves(40, 40).len().to_string());
    assert_eq!(
        (&body(8)["type"], &body(9)["image"]["width"]),
        (&json!("KTP"), &json!(40))
    );
}

#[tokio::test]
async fn other_requests_are_kept_as_they_came_to_the_byte() {
    let client = Client::start().await;
    let body = format!(
        r#"{{ "bank_account_number":"1", "bank_code":"BCA","note":"{}"}}"#,
        in_base64(&halves(8, 8))
    );
    let mut raw = Raw::connect(&client.sandbox).await;
    let line = "POST /v1.1/identity/bank_account_data_requests";
    raw.send(request(
        line,
        &["content-type: application/json"],
        body.as_bytes(),
    ))
    .await;
    assert_eq!(raw.answer().await.status(), 200);
    assert_eq!(client.sandbox.requests()[0].request.text(), body);
}

const OURS: &str = r#"
extends = "v1/id_card_images"

[outcomes.OURS]
when = { "input.type" = "KTP" }
body = { status = "OURS" }
"#;

const OF_A_FILE: &str = r#"
[outcomes.OF_A_FILE]
when = { "input.image" = "iVBORw0KGgo=" }
body = { status = "OF_A_FILE" }
"#;

#[tokio::test]
async fn why_a_picture_was_answered_so_is_told_without_it() {
    let note =
        "of image no bytes are kept: what rules say of it is held against the SHA-256 of the file";
    let with_more = format!("{OURS}{OF_A_FILE}");
    for (scenario, notes) in [(OURS, json!([])), (&with_more, json!([note]))] {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), "ours.toml", scenario);
        let client = Client::of(Sandbox::builder().scenarios(folder.path())).await;
        let picture = in_base64(&halves(30, 20));
        let as_json = client.post(IMAGES, &card(&picture)).await;
        let form = [("image", picture.as_str()), ("type", "KTP")];
        let as_form = Answer::of(client.request("POST", IMAGES).form(&form)).await;
        for answer in [as_json, as_form] {
            assert_eq!(answer.json()["status"], "OURS");
            let told = control(&client, &format!("explain/{}", trace(&answer))).await;
            assert_eq!(told["chosen_by"], "rule");
            assert_eq!(
                told["decided_by"],
                json!([{"condition": "input.type", "expected": "KTP", "received": "KTP"}])
            );
            assert_eq!(told["notes"], notes);
        }
    }
}

#[tokio::test]
async fn a_scenario_that_would_answer_a_picture_is_refused_when_it_is_loaded() {
    let folder = tempfile::tempdir().expect("a folder");
    write(
        folder.path(),
        "ours.toml",
        "extends = \"v1/id_card_images\"\n\n[outcomes.ECHO]\nbody.image = \"{{input.image}}\"\n",
    );
    let error = Sandbox::builder()
        .scenarios(folder.path())
        .start()
        .await
        .expect_err("it echoes");
    let expected = "`{{input.image}}` is a file in base64, or contains one: files are not stored, so a response cannot contain them";
    assert!(error.to_string().contains(expected), "{error}");
}

/// A face comparison of two pictures of this size, in base64.
fn two_pictures(bytes: usize) -> Value {
    let mut picture = halves(600, 600);
    picture.resize(bytes, 0);
    json!({"image1": in_base64(&picture), "image2": in_base64(&picture)})
}

#[tokio::test]
async fn two_pictures_of_the_documented_500_kilobytes_fit_into_a_face_comparison() {
    let client = Client::start().await;
    let pictures = two_pictures(512_000);
    let as_json = client.post(FACES, &pictures).await;
    let as_form = Answer::of(client.request("POST", FACES).form(&pictures)).await;
    for answer in [as_json, as_form] {
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    let body = client.sandbox.requests()[0].body().expect("facts");
    assert_eq!(
        (&body["image1"]["bytes"], &body["image2"]["bytes"]),
        (&json!(512_000), &json!(512_000))
    );
}

#[tokio::test]
async fn a_body_with_pictures_has_at_most_4_mebibytes_and_any_other_body_1() {
    let client = Client::start().await;
    let body_of = |bytes: usize| {
        let mut body = two_pictures(100_000).to_string();
        body.extend(std::iter::repeat_n(' ', bytes - body.len()));
        body
    };
    let bank = "/v1.1/identity/bank_account_data_requests";
    let too_large = |limit: &str| format!("The body is larger than {limit}.");
    for (path, bytes, refused) in [
        (FACES, 4 << 20, None),
        (FACES, (4 << 20) + 1, Some(too_large("4096 KiB"))),
        (bank, (1 << 20) + 1, Some(too_large("1024 KiB"))),
        ("/nowhere", (4 << 20) + 1, None),
    ] {
        let request = client
            .request("POST", path)
            .header("content-type", "application/json");
        let answer = Answer::of(request.body(body_of(bytes))).await;
        match refused {
            Some(message) => assert_eq!((answer.status, answer.message()), (413, message)),
            None if path == FACES => assert_eq!(answer.status, 200, "{}", answer.text),
            None => assert_eq!(answer.status, 404, "{}", answer.text),
        }
    }
}

#[tokio::test]
async fn large_bodies_with_pictures_share_the_memory_for_all_bodies() {
    let client = Client::start().await;
    let kind = ["content-type: application/json", "content-length: 4000000"];
    let mut senders = Vec::new();
    // More than the 88 MiB for large bodies. The small ones fill what the large ones leave over.
    for bytes in [1_000_000; 110].into_iter().chain([100_000; 30]) {
        let mut raw = Raw::connect(&client.sandbox).await;
        raw.send(request(&format!("POST {FACES}"), &kind, b""))
            .await;
        raw.send(vec![b' '; bytes]).await;
        senders.push(raw);
    }
    let refused = loop {
        // The bodies have been sent, but perhaps not all been read yet.
        let answer = client.post(FACES, &two_pictures(512_000)).await;
        if answer.status != 200 {
            break answer;
        }
    };
    assert_eq!(
        (refused.status, refused.message().as_str()),
        (
            503,
            "Requests and replies in flight hold all the memory that there is for them (--memory): send the request again later."
        )
    );
    drop(senders);
    let accepted =
        async { while client.post(FACES, &two_pictures(512_000)).await.status != 200 {} };
    assert!(patiently(accepted).await.is_some());
}

// Pictures for open inspectors.

/// Looks on until it is dropped.
async fn look(client: &Client, whose: &str) -> Response {
    let path = format!("/__sandbox/events?world={whose}");
    let stream = client.request("GET", &path).send().await;
    let stream = stream.expect("a stream");
    assert_eq!(stream.status(), 200);
    stream
}

/// Where an upload of an exchange is handed out.
fn place(answer: &Answer, at: &str) -> String {
    format!("/__sandbox/requests/{}/uploads?at={at}", trace(answer))
}

/// Posts a card and returns where its picture is handed out.
async fn posted(client: &Client, file: &[u8]) -> String {
    let answer = client.post(IMAGES, &card(&in_base64(file))).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    place(&answer, "/image")
}

/// The file that is handed out, with its type.
async fn handed_out(client: &Client, path: &str) -> (String, Vec<u8>) {
    let response = client.request("GET", path).send().await.expect("an answer");
    assert_eq!(response.status(), 200, "{path}");
    let kind = response.headers()["content-type"].to_str().expect("a type");
    let kind = kind.to_owned();
    (kind, response.bytes().await.expect("a body").to_vec())
}

/// The error and the message of a refusal.
async fn refused(client: &Client, path: &str, status: u16) -> (String, String) {
    let answer = client.get(path).await;
    assert_eq!(answer.status, status, "{path}: {}", answer.text);
    let error = answer.json()["error"]
        .as_str()
        .expect("an error")
        .to_owned();
    (error, answer.message())
}

async fn is_kept(client: &Client, path: &str) -> bool {
    client.get(path).await.status == 200
}

const NOT_KEPT: &str = "no upload of this request is kept: PNG and JPEG files of accepted requests are kept for a minute, \
    if an inspector or another reader of `events` was open on this world when they came, and there was room";

#[tokio::test]
async fn an_upload_is_handed_out_with_its_exact_bytes_and_as_a_picture_alone() {
    let client = Client::start().await;
    let _looks = look(&client, "all").await;
    let jpeg = STANDARD.decode(JPEG).expect("base64");
    for (file, kind) in [(halves(30, 20), "image/png"), (jpeg, "image/jpeg")] {
        let path = posted(&client, &file).await;
        for _ in 0..2 {
            let (handed_out_as, bytes) = handed_out(&client, &path).await;
            assert_eq!((handed_out_as.as_str(), &bytes), (kind, &file));
        }
        for method in ["GET", "HEAD"] {
            let request = client.request(method, &path);
            let response = request.send().await.expect("an answer");
            assert_eq!(response.status(), 200);
            let headers = response.headers();
            for (name, value) in [
                ("content-type", kind),
                ("content-length", &file.len().to_string()),
                ("x-content-type-options", "nosniff"),
                ("cache-control", "no-store"),
                ("content-security-policy", "default-src 'none'; sandbox"),
            ] {
                assert_eq!(headers[name], value, "{method} {name}");
            }
            let bytes = response.bytes().await.expect("a body");
            assert_eq!(bytes.is_empty(), method == "HEAD");
        }
    }
}

#[tokio::test]
async fn who_looks_on_is_told_which_uploads_can_be_fetched() {
    let client = Client::start().await;
    let mut stream = look(&client, "all").await;
    let faces = json!({"image1": in_base64(&halves(8, 8)), "image2": in_base64(&halves(6, 6))});
    let answer = client.post(FACES, &faces).await;
    let told = format!(
        "event: uploads\ndata: [{{\"trace\":\"{}\",\"at\":[\"/image1\",\"/image2\"]}}]\n\n",
        trace(&answer)
    );
    let mut text = String::new();
    while !text.contains(&told) {
        let piece = patiently(stream.chunk()).await.expect("it comes in time");
        text += std::str::from_utf8(&piece.expect("a piece").expect("no end")).expect("UTF-8");
    }
    for (at, file) in [("/image1", halves(8, 8)), ("/image2", halves(6, 6))] {
        assert_eq!(handed_out(&client, &place(&answer, at)).await.1, file);
    }
    for path in ["requests", "export?world=all", "snapshot"] {
        let text = client.get(&format!("/__sandbox/{path}")).await.text;
        assert!(!text.contains(&in_base64(&halves(8, 8))[..40]), "{path}");
    }
}

#[tokio::test]
async fn an_upload_is_found_by_the_pointer_of_its_field_alone() {
    let client = Client::start().await;
    let _looks = look(&client, "own").await;
    let selfie = noise(600, 500);
    let request = client.request("POST", ID_CARDS);
    let answer = Answer::of(request.multipart(form(selfie.clone()))).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(
        handed_out(&client, &place(&answer, "/selfie")).await.1,
        selfie
    );
    for at in ["/name", "/nothing", "selfie", "/selfie/", ""] {
        assert_eq!(
            refused(&client, &place(&answer, at), 404).await,
            (
                "no_upload".to_owned(),
                "this request has no upload there: `at` may be `/selfie`".to_owned()
            ),
            "{at}"
        );
    }
    let without = place(&answer, "").replace("?at=", "");
    assert_eq!(
        refused(&client, &without, 400).await.1,
        "the parameter `at` is missing: the JSON Pointer of the upload, such as `at=/selfie`"
    );
    let unknown = place(&answer, "/selfie&size=64");
    assert_eq!(
        refused(&client, &unknown, 400).await.1,
        "unknown parameter `size`: known are at"
    );
    let no_uploads = client
        .magic("/v1.1/identity/bank_account_data_requests", "FAILED")
        .await;
    assert_eq!(
        refused(&client, &place(&no_uploads, "/selfie"), 404).await,
        ("no_upload".to_owned(), NOT_KEPT.to_owned())
    );
}

#[tokio::test]
async fn four_pictures_of_a_request_are_handed_out_each_at_its_place() {
    let client = Client::start().await;
    let _looks = look(&client, "all").await;
    let mut form = self::form(noise(600, 500)).percent_encode_noop();
    for name in ["a", "b/c", "d[]", "e"] {
        form = form.part(name, Part::bytes(halves(8, 8)).file_name("me.png"));
    }
    let request = client.request("POST", ID_CARDS).multipart(form);
    let answer = Answer::of(request).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let mut kept = Vec::new();
    for at in ["/selfie", "/a", "/b~1c", "/d/0", "/e"] {
        kept.push(is_kept(&client, &place(&answer, at)).await);
    }
    assert_eq!(kept, [true, true, true, true, false]);
}

#[tokio::test]
async fn an_upload_of_a_refused_request_or_without_a_type_is_not_kept() {
    let client = Client::start().await;
    let _looks = look(&client, "all").await;
    let picture = in_base64(&halves(30, 20));
    let wrong = json!({"image": picture, "type": "NOTHING"});
    let answer = client.post(IMAGES, &wrong).await;
    assert_eq!(answer.status, 400);
    assert_eq!(
        refused(&client, &place(&answer, "/image"), 404).await.1,
        NOT_KEPT
    );
    let small = client
        .request("POST", ID_CARDS)
        .multipart(form(halves(30, 20)));
    let answer = Answer::of(small).await;
    assert_eq!(answer.status, 413);
    assert!(!is_kept(&client, &place(&answer, "/selfie")).await);
    let faces = json!({"image1": picture, "image2": in_base64(b"GIF89a, or <script>")});
    let answer = client.post(FACES, &faces).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(is_kept(&client, &place(&answer, "/image1")).await);
    assert!(!is_kept(&client, &place(&answer, "/image2")).await);
}

#[tokio::test]
async fn with_redact_or_no_thumbnails_no_upload_is_handed_out_and_the_refusal_says_why() {
    for (builder, why) in [
        (
            Sandbox::builder().redact(true),
            "no upload is kept: this sandbox shows no personal fields (--redact)",
        ),
        (
            Sandbox::builder().thumbnails(false),
            "no upload is kept: this sandbox draws no thumbnails (--no-thumbnails)",
        ),
    ] {
        let client = Client::of(builder).await;
        let _looks = look(&client, "all").await;
        let path = posted(&client, &halves(30, 20)).await;
        assert_eq!(
            refused(&client, &path, 404).await,
            ("no_upload".to_owned(), why.to_owned())
        );
    }
}

#[tokio::test]
async fn while_no_inspector_is_open_on_the_world_no_upload_is_kept() {
    let client = Client::start().await;
    let before = posted(&client, &halves(30, 20)).await;
    let other_world = client.as_key(&key('x'), "GET", "/__sandbox/events");
    let other_world = other_world.send().await.expect("a stream");
    let unseen = posted(&client, &halves(30, 20)).await;
    let _looks = look(&client, "own").await;
    for path in [before, unseen] {
        assert_eq!(refused(&client, &path, 404).await.1, NOT_KEPT);
    }
    let seen = posted(&client, &halves(30, 20)).await;
    assert!(is_kept(&client, &seen).await);
    drop(other_world);
}

#[tokio::test]
async fn the_key_of_another_world_gets_no_upload() {
    let mine = key('x');
    let client =
        Client::of(Sandbox::builder().control_token("s3cret".parse().expect("a token"))).await;
    let with_token = |key: &str, method: &str, path: &str| {
        let request = client.as_key(key, method, path);
        request.header("x-sandbox-control-token", "s3cret")
    };
    let looks = with_token(&mine, "GET", "/__sandbox/events").send();
    let looks = looks.await.expect("a stream");
    let card = card(&in_base64(&halves(30, 20)));
    let answer = Answer::of(client.as_key(&mine, "POST", IMAGES).json(&card)).await;
    let path = place(&answer, "/image");
    let trace = trace(&answer);
    let (tag, _) = trace.split_once('-').expect("a trace");
    let by_tag = format!("{path}&world={tag}");
    assert_eq!(
        Answer::of(with_token(&mine, "GET", &path)).await.status,
        200
    );
    assert_eq!(
        Answer::of(with_token(&key('y'), "GET", &by_tag))
            .await
            .status,
        200
    );
    let other = Answer::of(with_token(PUBLIC_KEY, "GET", &path)).await;
    assert_eq!(
        (other.status, &other.json()["error"]),
        (404, &json!("unknown_trace"))
    );
    assert!(
        other
            .message()
            .starts_with("this is no trace of your world"),
        "{}",
        other.text
    );
    let without_token = Answer::of(client.as_key(&mine, "GET", &path)).await;
    assert_eq!(
        (without_token.status, &without_token.json()["error"]),
        (401, &json!("control_token_required"))
    );
    let without_key = client
        .bare("GET", &path)
        .header("x-sandbox-control-token", "s3cret");
    assert_eq!(Answer::of(without_key).await.status, 401);
    drop(looks);
}

#[tokio::test]
async fn where_only_some_keys_are_let_in_others_get_no_upload_by_the_tag_of_the_world_either() {
    let builder = Sandbox::builder().api_key(PUBLIC_KEY.parse().expect("a key"));
    let client = Client::of(builder).await;
    let _looks = look(&client, "own").await;
    let path = posted(&client, &halves(30, 20)).await;
    let (_, rest) = path.split_once("requests/").expect("a trace");
    let by_tag = format!("{path}&world={}", &rest[..8]);
    for path in [path, by_tag] {
        assert!(is_kept(&client, &path).await);
        let other = Answer::of(client.as_key(&key('x'), "GET", &path)).await;
        assert_eq!(other.status, 401, "{}", other.text);
    }
}

/// How many pictures have room: each takes a 256th of it, or more.
const PICTURES_MAX: usize = 256;

async fn fill(client: &Client) -> Vec<String> {
    let mut paths = Vec::new();
    for _ in 0..PICTURES_MAX {
        paths.push(posted(client, &halves(8, 8)).await);
    }
    paths
}

#[tokio::test(start_paused = true)]
async fn an_upload_is_handed_out_for_one_minute_and_then_its_memory_is_free() {
    let _still = StandingClock::hold();
    let client = Client::start().await;
    let _looks = look(&client, "all").await;
    let filled = fill(&client).await;
    let (first, last) = (&filled[0], &filled[PICTURES_MAX - 1]);
    after_exactly(Duration::from_mins(1), async || {
        assert!(is_kept(&client, first).await && is_kept(&client, last).await);
        let without_room = posted(&client, &halves(8, 8)).await;
        assert!(!is_kept(&client, &without_room).await);
    })
    .await;
    for path in [first, last] {
        assert_eq!(refused(&client, path, 404).await.1, NOT_KEPT);
    }
    let later = fill(&client).await;
    assert!(is_kept(&client, &later[PICTURES_MAX - 1]).await);
}

#[tokio::test(start_paused = true)]
async fn uploads_without_room_are_skipped_until_a_reset_or_the_end_of_the_world_frees_the_room() {
    let _still = StandingClock::hold();
    let client = Client::start().await;
    let _looks = look(&client, "all").await;
    for (method, path) in [("POST", "reset"), ("DELETE", "worlds")] {
        let filled = fill(&client).await;
        let skipped = posted(&client, &halves(8, 8)).await;
        assert!(is_kept(&client, &filled[PICTURES_MAX - 1]).await);
        assert!(!is_kept(&client, &skipped).await);
        let freed = client.request(method, &format!("/__sandbox/{path}"));
        assert_eq!(Answer::of(freed).await.status, 200);
        assert_eq!(refused(&client, &filled[0], 404).await.0, "unknown_trace");
    }
    let filled = fill(&client).await;
    assert!(is_kept(&client, &filled[PICTURES_MAX - 1]).await);
}

#[tokio::test(start_paused = true)]
async fn an_upload_goes_when_its_request_leaves_the_journal() {
    let _still = StandingClock::hold();
    let client = Client::start().await;
    let _looks = look(&client, "all").await;
    let filled = fill(&client).await;
    let other = || client.get("/v1/callback/urls");
    for _ in 0..1000 - PICTURES_MAX {
        assert_eq!(other().await.status, 200);
    }
    assert!(is_kept(&client, &filled[0]).await);
    assert_eq!(other().await.status, 200);
    assert_eq!(refused(&client, &filled[0], 404).await.0, "unknown_trace");
    assert!(is_kept(&client, &filled[1]).await);
    let into_the_free_room = posted(&client, &halves(8, 8)).await;
    assert!(is_kept(&client, &into_the_free_room).await);
}

#[tokio::test]
async fn a_restored_snapshot_whose_numbers_begin_again_has_no_uploads_of_before() {
    let client = Client::start().await;
    let _looks = look(&client, "all").await;
    let snapshot = client.get("/__sandbox/snapshot").await.json();
    let path = posted(&client, &halves(8, 8)).await;
    let restored = client.request("PUT", "/__sandbox/snapshot").json(&snapshot);
    assert_eq!(Answer::of(restored).await.status, 200);
    let again = client.get("/v1/callback/urls").await;
    assert_eq!(path, place(&again, "/image"));
    assert_eq!(refused(&client, &path, 404).await.1, NOT_KEPT);
}

/// The same picture with another size in its header.
fn claiming(file: &[u8], width: u32, height: u32) -> Vec<u8> {
    let mut file = file.to_vec();
    file[16..20].copy_from_slice(&width.to_be_bytes());
    file[20..24].copy_from_slice(&height.to_be_bytes());
    file
}

#[tokio::test]
async fn a_picture_that_claims_too_much_or_is_broken_is_handed_out_as_it_is() {
    let client = Client::start().await;
    let _looks = look(&client, "all").await;
    let small = halves(16, 16);
    let jpeg = STANDARD.decode(JPEG).expect("base64");
    for (at, file) in [
        claiming(&small, 100_000, 100_000),
        claiming(&small, 0, 0),
        small[..60].to_vec(),
        jpeg[..300].to_vec(),
    ]
    .iter()
    .enumerate()
    {
        let path = posted(&client, file).await;
        assert_eq!(handed_out(&client, &path).await.1, *file, "case {at}");
    }
}

#[tokio::test]
async fn who_asks_for_thumbnails_in_the_list_of_requests_is_told_the_new_route() {
    let client = Client::start().await;
    for value in ["true", "false", "maybe"] {
        let path = format!("/__sandbox/requests?thumbnails={value}");
        assert_eq!(
            refused(&client, &path, 400).await,
            (
                "bad_request".to_owned(),
                "`thumbnails` is no longer a parameter: GET requests/{trace}/uploads?at=/selfie returns a picture, \
                 for a minute after it came"
                    .to_owned()
            )
        );
    }
}
