//! Uploads: their bytes are not kept, and viewers get thumbnails.

use std::fmt::Write;
use std::future::Future;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iluma_sandbox::{Builder, PUBLIC_KEY, Sandbox};
use reqwest::Response;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::client::{Answer, Client};
use crate::patience::patiently;
use crate::process::write;
use crate::raw::{Raw, request};
use crate::stage::key;

const IMAGES: &str = "/v1/identity/id_card_images";
const FACES: &str = "/v1/identity/face_comparisons";
const ID_CARDS: &str = "/v0/identity/id_card_verifications";

/// 128 x 64 pixels, the left half red, the right half blue: once as rows, once progressive.
const JPEGS: [&str; 2] = [
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDgsLEBYQERMUFRUVDA8XGBYUGBIUFRT/2wBDAQMEBAUEBQkFBQkUDQsNFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBT/wAARCABAAIADAREAAhEBAxEB/8QAFgABAQEAAAAAAAAAAAAAAAAAAAcI/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/EABYBAQEBAAAAAAAAAAAAAAAAAAAJB//EABQRAQAAAAAAAAAAAAAAAAAAAAD/2gAMAwEAAhEDEQA/AM6MMVTAAAAAAAQJcZHQAAAAAABfUOViwAAAAAAECXGR0AAAAAAAX1DlYsAAAAAABAlxkdAAAAAAAF9Q5WLAAAAAAAQJcZHQAAAAAABfUOViwAAAAAAECXGR0AAAAAAAX1DlYsAAAAAABAlxkdAAAAAAAF9Q5WLAAAAAAAQJcZHQAAAAAABfUOViwAAAAAAECXGR0AAAAAAAf//Z",
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDgsLEBYQERMUFRUVDA8XGBYUGBIUFRT/2wBDAQMEBAUEBQkFBQkUDQsNFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBT/wgARCABAAIADAREAAhEBAxEB/8QAFgABAQEAAAAAAAAAAAAAAAAAAAYH/8QAFgEBAQEAAAAAAAAAAAAAAAAAAAgG/9oADAMBAAIQAxAAAAHOcLVIAAAgbjjoAAAX0OWKAAAIG446AAAF9DligAACBuOOgAABfQ5YoAAAgbjjoAAAX0OWKAAAIG446AAAF9DligAACBuOOgAABfQ5YoAAAgbjjoAAAX0OWKAAAIG446AAAH//xAAUEAEAAAAAAAAAAAAAAAAAAABw/9oACAEBAAEFAgD/xAAUEQEAAAAAAAAAAAAAAAAAAABw/9oACAEDAQE/AQD/xAAUEQEAAAAAAAAAAAAAAAAAAABw/9oACAECAQE/AQD/xAAUEAEAAAAAAAAAAAAAAAAAAABw/9oACAEBAAY/AgD/xAAUEAEAAAAAAAAAAAAAAAAAAABw/9oACAEBAAE/IQD/2gAMAwEAAgADAAAAEP8A/wD/AEkkkv8A/wD/AEkkkv8A/wD/AEkkkv8A/wD/AEkkkv8A/wD/AEkkkv8A/wD/AEkkkv8A/wD/AEkkkv8A/wD/AEkkkv/EABQRAQAAAAAAAAAAAAAAAAAAAHD/2gAIAQMBAT8QAP/EABQRAQAAAAAAAAAAAAAAAAAAAHD/2gAIAQIBAT8QAP/EABQQAQAAAAAAAAAAAAAAAAAAAHD/2gAIAQEAAT8QAP/Z",
];

const RED: [u8; 3] = [255, 0, 0];
const BLUE: [u8; 3] = [0, 0, 255];

/// A picture of these rows.
fn written(
    width: u32,
    height: u32,
    kind: png::ColorType,
    depth: png::BitDepth,
    rows: &[u8],
) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(kind);
    encoder.set_depth(depth);
    let mut writer = encoder.write_header().expect("a head");
    writer.write_image_data(rows).expect("rows");
    writer.finish().expect("an end");
    file
}

/// The left half red, the right one blue.
fn halves(width: u32, height: u32) -> Vec<u8> {
    let pixel = |at: u32| if at % width < width / 2 { RED } else { BLUE };
    let rows: Vec<u8> = (0..width * height).flat_map(pixel).collect();
    written(
        width,
        height,
        png::ColorType::Rgb,
        png::BitDepth::Eight,
        &rows,
    )
}

/// A selfie that is large enough and cannot be compressed.
fn noise(width: u32, height: u32) -> Vec<u8> {
    let mut state = 1_u32;
    let grey = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    let rows: Vec<u8> = (0..width * height).map(grey).collect();
    written(
        width,
        height,
        png::ColorType::Grayscale,
        png::BitDepth::Eight,
        &rows,
    )
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
        "requests?thumbnails=true",
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

// Thumbnails.

/// Runs a test on a runtime with one thread for blocking work, so that later work runs after the drawing.
fn drawing_one_by_one<T>(test: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime
        .worker_threads(2)
        .max_blocking_threads(1)
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(test)
}

/// Returns when all waiting thumbnails have been drawn.
async fn all_is_drawn() {
    tokio::task::spawn_blocking(|| ())
        .await
        .expect("nothing panics");
}

/// Watches the events until it is dropped.
async fn look(client: &Client) -> Response {
    let stream = client
        .request("GET", "/__sandbox/events?world=all")
        .send()
        .await
        .expect("a stream");
    assert_eq!(stream.status(), 200);
    stream
}

/// The thumbnails of an exchange by their places in the body.
async fn thumbnails(client: &Client, answer: &Answer) -> Value {
    let path = format!("requests?trace={}&thumbnails=true", trace(answer));
    control(client, &path).await["requests"][0]["thumbnails"].take()
}

/// Size and pixels of a data URL.
fn decoded(url: &Value) -> ((u32, u32), Vec<[u8; 3]>) {
    let url = url.as_str().unwrap_or_else(|| panic!("{url} is no URL"));
    let file = url.strip_prefix("data:image/png;base64,").expect("a PNG");
    let file = STANDARD.decode(file).expect("base64");
    assert!(file.len() < 14_000, "{} bytes", file.len());
    let mut reader = png::Decoder::new(std::io::Cursor::new(file))
        .read_info()
        .expect("a head");
    let mut rows = vec![0; reader.output_buffer_size().expect("a size")];
    let frame = reader.next_frame(&mut rows).expect("rows");
    let pixels = rows
        .chunks_exact(3)
        .map(|pixel| [pixel[0], pixel[1], pixel[2]]);
    ((frame.width, frame.height), pixels.collect())
}

async fn drawn_card(client: &Client, file: &[u8]) -> Value {
    let answer = client.post(IMAGES, &card(&in_base64(file))).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    all_is_drawn().await;
    thumbnails(client, &answer).await
}

#[tokio::test]
async fn who_looks_on_is_told_of_thumbnails_and_finds_them_small() {
    let client = Client::start().await;
    let mut stream = look(&client).await;
    let answer = client
        .post(IMAGES, &card(&in_base64(&halves(200, 100))))
        .await;
    let told = format!("event: thumbnails\ndata: [\"{}\"]\n\n", trace(&answer));
    let mut text = String::new();
    while !text.contains(&told) {
        let piece = patiently(stream.chunk()).await.expect("it comes in time");
        text += std::str::from_utf8(&piece.expect("a piece").expect("no end")).expect("UTF-8");
    }
    let thumbnails = thumbnails(&client, &answer).await;
    let (size, pixels) = decoded(&thumbnails["/image"]);
    assert_eq!(size, (64, 32));
    assert!(
        pixels
            .chunks(64)
            .all(|row| row[..32] == [RED; 32] && row[32..] == [BLUE; 32])
    );
    // Only on request.
    let plain = control(&client, "requests").await;
    assert_eq!(plain["requests"][0]["thumbnails"], Value::Null);
    for path in ["requests", "export?world=all", "snapshot"] {
        let text = client.get(&format!("/__sandbox/{path}")).await.text;
        assert!(!text.contains("data:image"), "{path}");
    }
    assert_eq!(
        client
            .get("/__sandbox/requests?thumbnails=maybe")
            .await
            .json()["message"],
        "`thumbnails` is true or false"
    );
}

#[test]
fn every_kind_of_png_and_jpeg_is_drawn() {
    drawing_one_by_one(async {
        let client = Client::start().await;
        let _looks = look(&client).await;
        let half = |left: &[u8], right: &[u8]| {
            let row = [left.repeat(8), right.repeat(8)].concat();
            row.repeat(16)
        };
        let small = |kind, depth, rows: &[u8]| written(16, 16, kind, depth, rows);
        let (eight, sixteen) = (png::BitDepth::Eight, png::BitDepth::Sixteen);
        let (white, black) = ([255; 3], [0; 3]);
        let cases = [
            (
                small(png::ColorType::Rgb, eight, &half(&RED, &BLUE)),
                RED,
                BLUE,
            ),
            (
                small(
                    png::ColorType::Rgba,
                    eight,
                    &half(&[255, 0, 0, 255], &[0, 0, 0, 0]),
                ),
                RED,
                white,
            ),
            (
                small(
                    png::ColorType::Rgb,
                    sixteen,
                    &half(&[255, 255, 0, 0, 0, 0], &[0, 0, 0, 0, 255, 255]),
                ),
                RED,
                BLUE,
            ),
            (
                small(png::ColorType::Grayscale, eight, &half(&[255], &[0])),
                white,
                black,
            ),
            (
                small(
                    png::ColorType::GrayscaleAlpha,
                    eight,
                    &half(&[0, 255], &[0, 0]),
                ),
                black,
                white,
            ),
            (
                small(
                    png::ColorType::Grayscale,
                    png::BitDepth::One,
                    &[0xff, 0].repeat(16),
                ),
                white,
                black,
            ),
        ];
        for (at, (file, left, right)) in cases.iter().enumerate() {
            let (size, pixels) = decoded(&drawn_card(&client, file).await["/image"]);
            assert_eq!(size, (16, 16), "case {at}");
            assert!(
                pixels
                    .chunks(16)
                    .all(|row| row[..8] == [*left; 8] && row[8..] == [*right; 8]),
                "case {at}"
            );
        }
        for jpeg in JPEGS {
            let file = STANDARD.decode(jpeg).expect("base64");
            let (size, pixels) = decoded(&drawn_card(&client, &file).await["/image"]);
            assert_eq!(size, (64, 32));
            let near = |one: [u8; 3], other: [u8; 3]| {
                one.iter()
                    .zip(other)
                    .all(|(one, other)| one.abs_diff(other) < 6)
            };
            assert!(
                pixels
                    .chunks(64)
                    .all(|row| near(row[0], RED) && near(row[63], BLUE))
            );
        }
        // The smallest and the longest pictures.
        let dot = drawn_card(&client, &halves(2, 1)).await;
        assert_eq!(decoded(&dot["/image"]), ((2, 1), vec![RED, BLUE]));
        let line = drawn_card(&client, &halves(4000, 1)).await;
        assert_eq!(decoded(&line["/image"]).0, (64, 1));
    });
}

#[test]
fn files_of_a_form_and_two_pictures_of_one_request_are_drawn_where_they_are() {
    drawing_one_by_one(async {
        let client = Client::start().await;
        let _looks = look(&client).await;
        let request = client
            .request("POST", ID_CARDS)
            .multipart(form(noise(600, 500)));
        let answer = Answer::of(request).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        all_is_drawn().await;
        assert_eq!(
            decoded(&thumbnails(&client, &answer).await["/selfie"]).0,
            (64, 53)
        );
        let faces = json!({"image1": in_base64(&halves(8, 8)), "image2": in_base64(&halves(6, 6))});
        let answer = client.post(FACES, &faces).await;
        all_is_drawn().await;
        let both = thumbnails(&client, &answer).await;
        assert_eq!(
            (decoded(&both["/image1"]).0, decoded(&both["/image2"]).0),
            ((8, 8), (6, 6))
        );
        // A reset drops them and releases their memory.
        let held = || async {
            control(&client, "readyz").await["bytes_held"]
                .as_u64()
                .expect("a number")
        };
        assert!(held().await > 4000);
        client.post("/__sandbox/reset", &json!({})).await;
        assert_eq!(held().await, 0);
        assert_eq!(
            control(&client, "requests?thumbnails=true").await["requests"],
            json!([])
        );
    });
}

#[test]
fn nothing_is_drawn_where_nobody_looks_on_or_thumbnails_are_off() {
    async fn asked(builder: Builder) -> Value {
        let client = Client::of(builder).await;
        let _looks = look(&client).await;
        drawn_card(&client, &halves(30, 20)).await
    }
    drawing_one_by_one(async {
        assert_eq!(
            decoded(&asked(Sandbox::builder()).await["/image"]).0,
            (30, 20)
        );
        assert_eq!(asked(Sandbox::builder().thumbnails(false)).await, json!({}));
        assert_eq!(asked(Sandbox::builder().redact(true)).await, json!({}));
        let client = Client::start().await;
        assert_eq!(drawn_card(&client, &halves(30, 20)).await, json!({}));
        // There are no thumbnails of uploads before somebody watched, or in a world that nobody watches.
        let mine = client
            .request("GET", "/__sandbox/events")
            .send()
            .await
            .expect("a stream");
        let other = client
            .as_key(&key('x'), "POST", IMAGES)
            .json(&card(&in_base64(&halves(30, 20))));
        let other = Answer::of(other).await;
        all_is_drawn().await;
        let all = control(&client, "requests?world=all&thumbnails=true").await;
        assert_eq!(all["requests"][0]["trace"], trace(&other));
        for one in all["requests"].as_array().expect("a list") {
            assert_eq!(one["thumbnails"], json!({}));
        }
        drop(mine);
    });
}

/// A chunk of a PNG with its checksum.
fn chunk(kind: [u8; 4], content: &[u8]) -> Vec<u8> {
    let mut sum = !0_u32;
    for byte in kind.iter().chain(content) {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = (sum >> 1) ^ if sum & 1 == 1 { 0xedb8_8320 } else { 0 };
        }
    }
    let length = u32::try_from(content.len()).expect("it fits").to_be_bytes();
    [&length, kind.as_slice(), content, &(!sum).to_be_bytes()].concat()
}

/// The chunks of a PNG after its signature.
fn chunks(file: &[u8]) -> Vec<(&[u8], Vec<u8>)> {
    let mut rest = &file[8..];
    let mut found = Vec::new();
    while let [a, b, c, d, after @ ..] = rest {
        let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        found.push((&after[..4], rest[..length + 12].to_vec()));
        rest = &after[length + 8..];
    }
    found
}

/// The same picture with another size in its header.
fn claiming(file: &[u8], width: u32, height: u32) -> Vec<u8> {
    let mut head = file[16..29].to_vec();
    head[..4].copy_from_slice(&width.to_be_bytes());
    head[4..8].copy_from_slice(&height.to_be_bytes());
    let rest = chunks(file)
        .into_iter()
        .skip(1)
        .flat_map(|(_, whole)| whole);
    let start = [&file[..8], &chunk(*b"IHDR", &head)].concat();
    start.into_iter().chain(rest).collect()
}

#[test]
fn a_picture_that_claims_too_much_or_is_broken_is_not_drawn_and_the_next_one_is() {
    drawing_one_by_one(async {
        let client = Client::start().await;
        let _looks = look(&client).await;
        let small = halves(16, 16);
        // 4 MiB of zeros compress to 4 KiB: they replace 768 bytes of pixels.
        let zeros = written(
            2048,
            2048,
            png::ColorType::Grayscale,
            png::BitDepth::Eight,
            &vec![0; 2048 * 2048],
        );
        let jpeg = STANDARD.decode(JPEGS[1]).expect("base64");
        let mut large_jpeg = jpeg.clone();
        let frame = jpeg
            .windows(2)
            .position(|two| two == [0xff, 0xc2])
            .expect("a frame");
        large_jpeg[frame + 5..frame + 9].copy_from_slice(&[0x13, 0x88, 0x13, 0x88]);
        let refused = [
            claiming(&small, 100_000, 100_000),
            claiming(&small, 25_000_000, 1),
            claiming(&small, 5001, 5000),
            claiming(&small, 1000, 1000),
            claiming(&small, 0, 0),
            small[..60].to_vec(),
            large_jpeg,
            jpeg[..300].to_vec(),
            b"\x89PNG\r\n\x1a\n".to_vec(),
        ];
        for (at, file) in refused.iter().enumerate() {
            assert_eq!(drawn_card(&client, file).await, json!({}), "case {at}");
        }
        // If the data inflate to more than the header claims, only the claimed size is read.
        let (size, pixels) =
            decoded(&drawn_card(&client, &claiming(&zeros, 16, 16)).await["/image"]);
        assert_eq!((size, pixels), ((16, 16), vec![[0; 3]; 256]));
        // The maximum number of pixels in few bytes.
        let most = written(
            5000,
            5000,
            png::ColorType::Grayscale,
            png::BitDepth::One,
            &vec![0; 625 * 5000],
        );
        assert_eq!(
            decoded(&drawn_card(&client, &most).await["/image"]),
            ((64, 64), vec![[0; 3]; 4096])
        );
        assert_eq!(
            decoded(&drawn_card(&client, &small).await["/image"]).0,
            (16, 16)
        );
    });
}

#[test]
fn answers_do_not_wait_for_a_decoder_that_is_stuck_and_what_finds_no_room_is_not_drawn() {
    drawing_one_by_one(async {
        let client = Client::start().await;
        let _looks = look(&client).await;
        let (release, stuck) = std::sync::mpsc::channel::<()>();
        let blocker = tokio::task::spawn_blocking(move || stuck.recv().is_err());
        let card = card(&in_base64(&halves(8, 8)));
        let mut answers = Vec::new();
        for _ in 0..300 {
            let answer = client.post(IMAGES, &card).await;
            assert_eq!(answer.status, 200);
            answers.push(answer);
        }
        assert_eq!(thumbnails(&client, &answers[0]).await, json!({}));
        drop(release);
        assert!(blocker.await.expect("it ends"));
        all_is_drawn().await;
        let all = control(&client, "requests?order=oldest&limit=1000&thumbnails=true").await;
        let all = all["requests"].as_array().expect("a list");
        let drawn: Vec<bool> = all
            .iter()
            .map(|one| one["thumbnails"] != json!({}))
            .collect();
        assert_eq!(drawn, [[true].repeat(256), [false].repeat(44)].concat());
        assert_eq!(
            drawn_card(&client, &halves(8, 8))
                .await
                .as_object()
                .map(serde_json::Map::len),
            Some(1),
            "there is room again"
        );
    });
}
