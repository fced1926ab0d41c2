//! Id card verification: comparison with the population register, and the rules for selfies.

use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::client::{Answer, Client, png};

const ID_CARDS: &str = "/v0/identity/id_card_verifications";

/// In the register: Wahyu Pramudanto, 04-03-1985, Semarang, Jl. Melati Raya No. 12.
const WAHYU: &str = "3374010403859001";

// Matching.

#[tokio::test]
async fn a_card_as_it_stands_in_the_register_matches_in_everything() {
    let client = Client::start().await;
    let card = [
        ("id_card_number", WAHYU),
        ("name", "Wahyu Pramudanto"),
        ("birthdate", "04-03-1985"),
        ("birthplace", "Semarang"),
        ("address", "Jl. Melati Raya No. 12"),
    ];
    let answer = verify(&client, &card).await;
    let id = answer.json()["id"].as_str().expect("an id").to_owned();
    assert_eq!(
        answer.text,
        format!(
            r#"{{"id":"{id}","created":"2026-01-01T00:00:00.000Z","updated":"2026-01-01T00:00:00.000Z","id_card_number":"3374010403859001","name":"Wahyu Pramudanto","birthdate":"04-03-1985","birthplace":"Semarang","address":"Jl. Melati Raya No. 12","status":"COMPLETED","is_found":true,"result":{{"seflie_score":100,"selfie_score":100,"is_name_match":true,"is_birthdate_match":true,"is_birthplace_match":true,"is_address_match":true}}}}"#
        )
    );
}

#[tokio::test]
async fn letter_case_and_surrounding_blanks_do_not_matter() {
    let client = Client::start().await;
    let card = [
        ("id_card_number", WAHYU),
        ("name", "  WAHYU pramudanto "),
        ("birthplace", "\tSEMARANG "),
    ];
    let answer = verify(&client, &card).await.json();
    assert_eq!(answer["result"]["is_name_match"], true);
    assert_eq!(answer["result"]["is_birthplace_match"], true);
    assert_eq!(
        answer["name"], "  WAHYU pramudanto ",
        "the echo is what was sent"
    );
}

#[tokio::test]
async fn name_birthdate_and_birthplace_must_be_exact() {
    let client = Client::start().await;
    let card = [
        ("id_card_number", WAHYU),
        ("name", "Wahyu Pramudento"),
        ("birthdate", "05-03-1985"),
        ("birthplace", "Semarank"),
    ];
    let result = verify(&client, &card).await.json()["result"].to_string();
    assert_eq!(
        result,
        r#"{"seflie_score":100,"selfie_score":100,"is_name_match":false,"is_birthdate_match":false,"is_birthplace_match":false}"#
    );
    let reversed = verify(
        &client,
        &[("id_card_number", WAHYU), ("name", "Pramudanto Wahyu")],
    )
    .await;
    assert_eq!(reversed.json()["result"]["is_name_match"], false);
}

#[tokio::test]
async fn an_address_matches_when_it_is_nearly_the_same() {
    let client = Client::start().await;
    let mut wrong = Vec::new();
    for (address, matches) in [
        ("jl melati raya no 12", true),
        ("Jl. Melati Raya No.12", true),
        ("Jln. Melati Raya No. 12", true),
        ("JL.MELATI RAYA NO.12", true),
        ("Jl. Melati Raya 12", true),
        ("Jl. Sudirman Kav. 5, Jakarta", false),
        ("Semarang", false),
    ] {
        let card = [
            ("id_card_number", WAHYU),
            ("name", "Wahyu Pramudanto"),
            ("address", address),
        ];
        let answer = verify(&client, &card).await.json();
        if answer["result"]["is_address_match"] != matches {
            wrong.push(address);
        }
    }
    assert_eq!(wrong, [] as [&str; 0]);
}

#[tokio::test]
async fn only_what_was_sent_is_echoed_and_matched() {
    let client = Client::start().await;
    let answer = verify(
        &client,
        &[("id_card_number", WAHYU), ("name", "Wahyu Pramudanto")],
    )
    .await
    .json();
    let keys: Vec<_> = answer.as_object().expect("an object").keys().collect();
    let expected = [
        "id",
        "created",
        "updated",
        "id_card_number",
        "name",
        "status",
        "is_found",
        "result",
    ];
    assert_eq!(keys, expected);
    assert_eq!(
        answer["result"].to_string(),
        r#"{"seflie_score":100,"selfie_score":100,"is_name_match":true}"#
    );
}

#[tokio::test]
async fn a_number_that_is_missing_from_the_register_is_not_found() {
    let client = Client::start().await;
    for number in ["3275031210930021", "5171025212009404"] {
        let answer = verify(
            &client,
            &[("id_card_number", number), ("name", "penito kristian")],
        )
        .await;
        assert_eq!(
            answer.header("x-sandbox-outcome"),
            Some("v0/id_card_verifications/COMPLETED_NOT_FOUND")
        );
        let body = answer.json();
        assert_eq!(
            (&body["status"], &body["is_found"]),
            (&json!("COMPLETED"), &json!(false))
        );
        assert_eq!(body.get("result"), None);
    }
}

#[tokio::test]
async fn a_number_that_is_not_listed_is_found_and_matches_whatever_was_sent() {
    let client = Client::start().await;
    let card = [
        ("id_card_number", "0000000000000000"),
        ("name", "Anyone"),
        ("birthdate", "29-02-2000"),
        ("birthplace", "Anywhere"),
        ("address", "Any street"),
    ];
    let body = verify(&client, &card).await.json();
    assert_eq!(body["is_found"], true);
    assert_eq!(
        body["result"].to_string(),
        r#"{"seflie_score":100,"selfie_score":100,"is_name_match":true,"is_birthdate_match":true,"is_birthplace_match":true,"is_address_match":true}"#
    );
}

#[tokio::test]
async fn a_listed_selfie_score_is_shown_under_both_spellings() {
    let client = Client::start().await;
    let card = [
        ("id_card_number", "3174041810939023"),
        ("name", "Dimas Aryo Wicaksana Danukerta"),
    ];
    assert_eq!(
        verify(&client, &card).await.json()["result"].to_string(),
        r#"{"seflie_score":35,"selfie_score":35,"is_name_match":true}"#
    );
}

// Fields.

#[tokio::test]
async fn every_wrong_part_is_named_in_the_order_of_the_table() {
    let client = Client::start().await;
    let form = Form::new()
        .text("selfie", "not a file")
        .text("birthdate", "1990-10-12")
        .text("id_card_number", "327503121093002")
        .text("name", "x");
    let answer = Answer::of(client.request("POST", ID_CARDS).multipart(form)).await;
    let errors = json!([
        {"path": "name", "message": "must be at least 2 characters long"},
        {"path": "id_card_number", "message": "must match the pattern ^[0-9]{16}$"},
        {"path": "birthdate", "message": "must be a real date, written DD-MM-YYYY"},
        {"path": "selfie", "message": "must be a file"},
    ]);
    assert_eq!(
        (answer.status, answer.json()["errors"].clone()),
        (400, errors)
    );

    let form = Form::new().text("address", "Alinda kencana blok E");
    let answer = Answer::of(client.request("POST", ID_CARDS).multipart(form)).await;
    let errors = json!([
        {"path": "name", "message": "is required"},
        {"path": "id_card_number", "message": "is required"},
        {"path": "selfie", "message": "is required"},
    ]);
    assert_eq!(
        (answer.status, answer.json()["errors"].clone()),
        (400, errors)
    );
}

#[tokio::test]
async fn a_name_has_2_to_100_characters_whatever_their_bytes() {
    let client = Client::start().await;
    for (chars, status) in [(1, 400), (2, 200), (100, 200), (101, 400)] {
        let name = "é".repeat(chars);
        let answer = verify(&client, &[("id_card_number", WAHYU), ("name", &name)]).await;
        assert_eq!(answer.status, status, "{chars} characters: {}", answer.text);
    }
}

#[tokio::test]
async fn a_birthdate_must_be_a_real_day() {
    let client = Client::start().await;
    for (birthdate, status) in [
        ("29-02-1996", 200),
        ("29-02-1995", 400),
        ("31-04-1990", 400),
        ("00-01-1990", 400),
        ("1-1-1990", 400),
        ("12/10/1990", 400),
    ] {
        let card = [
            ("id_card_number", WAHYU),
            ("name", "Wahyu"),
            ("birthdate", birthdate),
        ];
        assert_eq!(verify(&client, &card).await.status, status, "{birthdate}");
    }
}

// Selfies.

#[tokio::test]
async fn a_selfie_has_100_to_500_kilobytes_bounds_included() {
    let client = Client::start().await;
    let too_small = refusal(
        "FILE_TOO_SMALL",
        "Selfie image too small.",
        "its bytes must be at least 102400",
    );
    let too_large = refusal(
        "FILE_TOO_LARGE",
        "Selfie image too large.",
        "its bytes must be at most 512000",
    );
    for (bytes, refused) in [
        (102_399, Some(&too_small)),
        (102_400, None),
        (512_000, None),
        (512_001, Some(&too_large)),
    ] {
        let answer = send(&client, file(png(600, 600, bytes), "image/png")).await;
        match refused {
            None => assert_eq!(answer.status, 200, "{bytes} bytes: {}", answer.text),
            Some(refused) => assert_eq!(
                (answer.status, &answer.json()),
                (413, refused),
                "{bytes} bytes"
            ),
        }
    }
}

#[tokio::test]
async fn a_selfie_has_500_by_500_pixels_at_least() {
    let client = Client::start().await;
    let narrow = refusal(
        "FILE_TOO_SMALL",
        "Selfie image too small.",
        "its width must be at least 500",
    );
    let flat = refusal(
        "FILE_TOO_SMALL",
        "Selfie image too small.",
        "its height must be at least 500",
    );
    for (width, height, refused) in [
        (500, 500, None),
        (499, 500, Some(&narrow)),
        (500, 499, Some(&flat)),
        (10_000, 20_000, None),
    ] {
        for image in [
            png(width.into(), height.into(), 204_800),
            jpeg(width, height, 204_800),
        ] {
            let answer = send(&client, file(image, "image/png")).await;
            match refused {
                None => assert_eq!(answer.status, 200, "{width} x {height}: {}", answer.text),
                Some(refused) => assert_eq!((answer.status, &answer.json()), (413, refused)),
            }
        }
    }
}

#[tokio::test]
async fn a_selfie_is_known_by_its_bytes_and_not_by_its_label() {
    let client = Client::start().await;
    for (image, label) in [
        (png(600, 600, 204_800), "image/png"),
        (png(600, 600, 204_800), "application/octet-stream"),
        (png(600, 600, 204_800), "text/plain"),
        (jpeg(600, 600, 204_800), "image/jpeg"),
        (jpeg(600, 600, 204_800), "image/gif"),
    ] {
        let answer = send(&client, file(image, label)).await;
        assert_eq!(answer.status, 200, "{label}: {}", answer.text);
    }
    let mut gif = b"GIF89a\x58\x02\x58\x02".to_vec();
    gif.resize(204_800, 0);
    let mut cut_png = png(600, 600, 204_800);
    cut_png[0] = b'P';
    for (file_bytes, label) in [
        (gif, "image/png"),
        (b"I am a picture. ".repeat(12_800), "image/jpeg"),
        (vec![0; 204_800], "image/png"),
        (cut_png, "image/png"),
    ] {
        let answer = send(&client, file(file_bytes, label)).await;
        let refused = refusal(
            "UNSUPPORTED_CONTENT_TYPE",
            "The file or body is of an unsupported type.",
            "its type must be one of image/jpeg, image/png",
        );
        assert_eq!((answer.status, answer.json()), (415, refused), "{label}");
    }
}

#[tokio::test]
async fn another_selfie_makes_another_id_and_the_same_one_does_not() {
    let mut black = png(600, 600, 204_800);
    let white = black.clone();
    *black.last_mut().expect("bytes") = 1;
    let mut ids = Vec::new();
    for selfie in [&white, &white, &black] {
        let client = Client::start().await;
        let answer = send(&client, file(selfie.clone(), "image/png")).await;
        ids.push(answer.json()["id"].clone());
    }
    assert_eq!(ids[0], ids[1]);
    assert_ne!(ids[0], ids[2]);
}

#[tokio::test]
async fn json_and_forms_are_not_taken_here_nor_multipart_elsewhere() {
    let client = Client::start().await;
    let card = json!({"name": "Wahyu", "id_card_number": WAHYU});
    let bank = "/v1.1/identity/bank_account_data_requests";
    for request in [
        client.request("POST", ID_CARDS).json(&card),
        client.request("POST", ID_CARDS).form(&[("name", "Wahyu")]),
        client
            .request("POST", bank)
            .multipart(Form::new().text("bank_code", "BCA")),
    ] {
        let answer = Answer::of(request).await;
        assert_eq!(
            (answer.status, &answer.json()["error_code"]),
            (415, &json!("UNSUPPORTED_CONTENT_TYPE"))
        );
    }
}

#[tokio::test]
async fn an_upload_of_more_than_10_mebibytes_is_too_large() {
    let client = Client::start().await;
    let answer = send(&client, file(png(600, 600, 10 << 20), "image/png")).await;
    assert_eq!(
        (answer.status, &answer.json()["error_code"]),
        (413, &json!("FILE_TOO_LARGE"))
    );
}

/// A card with these texts and a correct selfie.
async fn verify(client: &Client, texts: &[(&str, &str)]) -> Answer {
    let selfie = file(png(600, 600, 204_800), "image/png");
    let form = texts.iter().fold(Form::new(), |form, (name, text)| {
        form.text((*name).to_owned(), (*text).to_owned())
    });
    Answer::of(
        client
            .request("POST", ID_CARDS)
            .multipart(form.part("selfie", selfie)),
    )
    .await
}

/// A correct card with this selfie.
async fn send(client: &Client, selfie: Part) -> Answer {
    let form = Form::new()
        .text("name", "Wahyu Pramudanto")
        .text("id_card_number", WAHYU)
        .part("selfie", selfie);
    Answer::of(client.request("POST", ID_CARDS).multipart(form)).await
}

fn file(bytes: Vec<u8>, label: &str) -> Part {
    Part::bytes(bytes)
        .file_name("selfie")
        .mime_str(label)
        .expect("a type")
}

fn refusal(code: &str, message: &str, complaint: &str) -> Value {
    json!({"error_code": code, "message": message, "errors": [{"path": "selfie", "message": complaint}]})
}

/// A JPEG of exactly that many bytes: its frame header, then padding.
fn jpeg(width: u16, height: u16, bytes: usize) -> Vec<u8> {
    let mut jpeg =
        b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xc0\0\x11\x08".to_vec();
    jpeg.extend(height.to_be_bytes());
    jpeg.extend(width.to_be_bytes());
    jpeg.extend(b"\x03\x01\x22\0\x02\x11\x01\x03\x11\x01");
    jpeg.resize(bytes, 0);
    jpeg
}
