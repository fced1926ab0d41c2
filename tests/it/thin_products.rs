//! The products with few known facts: a plain request and a refused one each, and how the outcome is chosen.

use std::time::Duration;

use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::receiver::StandingClock;

const NPWP: &str = "/v0/identity/npwp_data_requests";
const KTP: &str = "/v2/identity/ktp_data_requests";
const KTP_NAME: &str = "/v1/identity/ktp_name/validations";
const PHONE_NAME: &str = "/v2/identity/phone_numbers/validate";
const IMAGES: &str = "/v1/identity/id_card_images";
const FACES: &str = "/v1/identity/face_comparisons";
const WATCHLIST: &str = "/v1/identity/cft/individual_watchlist";
const DRAWDOWNS: &str = "/v1/credit/drawdowns";

/// In the register: Wahyu Pramudanto.
const WAHYU: &str = "3374010403859001";

#[track_caller]
fn assert_refused(answer: &Answer, errors: &Value) {
    assert_eq!((answer.status, &answer.json()["errors"]), (400, errors));
}

// Tax numbers.

#[tokio::test(start_paused = true)]
async fn a_tax_number_is_looked_up_and_shows_its_name_a_second_later() {
    let _still = StandingClock::hold();
    let client = Client::start().await;
    let mut names = Vec::new();
    for number in [
        WAHYU,
        "012345678901234",
        "012345678901234",
        "3171010404909404",
    ] {
        let pending = client.post(NPWP, &json!({"account_number": number})).await;
        let id = &pending.json()["id"];
        let start = "2026-01-01T00:00:00.000Z";
        assert_eq!(
            pending.text,
            format!(
                r#"{{"id":{id},"created":"{start}","updated":"{start}","account_number":"{number}","status":"PENDING"}}"#
            )
        );
        tokio::time::advance(Duration::from_secs(1)).await;
        let path = format!("{NPWP}/{}", id.as_str().expect("an id"));
        let later = client.get(&path).await.json();
        names.push((later["status"].clone(), later["account_name"].clone()));
    }
    assert_eq!(names[0], (json!("COMPLETED"), json!("Wahyu Pramudanto")));
    assert_eq!(names[1].0, "COMPLETED");
    assert!(names[1].1.is_string());
    assert_eq!(names[1], names[2], "a number is always the same person's");
    assert_eq!(names[3], (json!("FAILED"), Value::Null));
}

#[tokio::test]
async fn a_tax_number_as_its_card_prints_it_is_the_same_number_and_echoed_as_it_was_sent() {
    let client = Client::start().await;
    let mut names = Vec::new();
    for number in ["09.000.000.0-001.000", "090000000001000"] {
        for as_form in [false, true] {
            let input = json!({"account_number": number});
            let request = client
                .request("POST", NPWP)
                .header("x-magic-reply", "COMPLETED_FOUND");
            let request = if as_form {
                request.form(&input)
            } else {
                request.json(&input)
            };
            let answer = Answer::of(request).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            let reply = answer.json();
            assert_eq!(reply["account_number"], number);
            names.push(reply["account_name"].clone());
        }
    }
    assert!(names[0].is_string());
    assert_eq!(names, vec![names[0].clone(); 4]);
}

#[tokio::test]
async fn a_tax_number_has_15_or_16_digits_or_the_signs_of_its_card() {
    let client = Client::start().await;
    for number in [
        "01234567890123",
        "01234567890123456",
        "01.234.567.8.901.234",
        "01.234.567.8-901234",
        "1.234.567.8-901.234",
        "01 234 567 8 901 234",
        " 012345678901234",
        "0123 4567 8901 2345",
    ] {
        assert_refused(
            &client.post(NPWP, &json!({"account_number": number})).await,
            &json!([{
                "path": "account_number",
                "message": r"must match the pattern ^([0-9]{15,16}|[0-9]{2}\.[0-9]{3}\.[0-9]{3}\.[0-9]-[0-9]{3}\.[0-9]{3})$",
            }]),
        );
    }
}

// Identity cards.

#[tokio::test]
async fn a_ktp_is_found_with_its_name_or_another_or_not_at_all() {
    let client = Client::start().await;
    for (nik, name, status, matches) in [
        (WAHYU, " wahyu PRAMUDANTO", "FOUND", true),
        (WAHYU, "Wahyu Pramudant", "FOUND", false),
        ("3275031210930027", "penito kristian", "FOUND", true),
        ("3275031210930021", "penito kristian", "NOT_FOUND", false),
        ("9999999999999999", "Whoever", "FOUND", true),
    ] {
        let input = json!({"nik": nik, "name": name});
        assert_eq!(
            client.post(KTP, &input).await.text,
            format!(r#"{{"status":"{status}","name_match":{matches},"nik":"{nik}"}}"#)
        );
        let expected = format!(r#"{{"status":"{status}","name_matches":{matches}}}"#);
        assert_eq!(client.post(KTP_NAME, &input).await.text, expected);
        let form = client
            .request("POST", KTP_NAME)
            .form(&[("nik", nik), ("name", name)]);
        assert_eq!(Answer::of(form).await.text, expected);
    }
}

#[tokio::test]
async fn a_ktp_needs_16_digits_and_a_name() {
    let client = Client::start().await;
    for path in [KTP, KTP_NAME] {
        assert_refused(
            &client
                .post(path, &json!({"nik": "327503121093002", "name": ""}))
                .await,
            &json!([
                {"path": "nik", "message": "must match the pattern ^[0-9]{16}$"},
                {"path": "name", "message": "must not be empty"},
            ]),
        );
    }
}

#[tokio::test]
async fn what_is_not_kept_is_not_read_back() {
    let client = Client::start().await;
    for path in [KTP, KTP_NAME, PHONE_NAME] {
        for method in ["GET", "POST"] {
            let answer = Answer::of(client.request(method, &format!("{path}/any"))).await;
            assert_eq!(answer.json()["error_code"], "NOT_FOUND", "{method} {path}");
        }
    }
}

#[tokio::test]
async fn the_magic_reply_not_found_is_the_error_of_that_name() {
    let client = Client::start().await;
    assert_eq!(client.magic(KTP, "NOT_FOUND").await.status, 404);
    assert_eq!(
        client.magic(KTP, "COMPLETED_NOT_FOUND").await.json()["status"],
        "NOT_FOUND"
    );
}

#[tokio::test]
async fn a_picture_of_a_card_is_read() {
    let client = Client::start().await;
    let answer = client
        .post(IMAGES, &json!({"image": "/9j/4AAQ", "type": "KTP"}))
        .await;
    let id = &answer.json()["id"];
    assert_eq!(
        answer.text,
        format!(
            r#"{{"id":{id},"status":"COMPLETED","type":"KTP","content":{{"id_number":"3275031210930027","name":"penito kristian","birthplace":"Ketapang","birthdate":"12-10-1990","address":"Alinda kencana blok E"}}}}"#
        )
    );
    assert_refused(
        &client
            .post(IMAGES, &json!({"image": "", "type": "SIM"}))
            .await,
        &json!([
            {"path": "image", "message": "must not be empty"},
            {"path": "type", "message": "must be one of KTP"},
        ]),
    );
}

#[tokio::test]
async fn pictures_are_taken_in_base64_with_padding_or_without() {
    let client = Client::start().await;
    for (text, is_base64) in [
        ("AAAA", true),
        ("AAA=", true),
        ("AAA", true),
        ("AA==", true),
        ("AA", true),
        ("+/8=", true),
        ("A", false),
        ("A===", false),
        ("AA=", false),
        ("AAAA=", false),
        ("AAAA====", false),
        ("====", false),
        ("AA=A", false),
        ("AA-_", false),
        ("AA AA", false),
        ("data:image/png;base64,AAAA", false),
        ("h\u{e9}h\u{e9}", false),
    ] {
        let answer = client
            .post(FACES, &json!({"image1": "AAAA", "image2": text}))
            .await;
        if is_base64 {
            assert_eq!(answer.status, 200, "{text}");
        } else {
            assert_refused(
                &answer,
                &json!([{"path": "image2", "message": "must be base64"}]),
            );
        }
    }
}

// Faces.

#[tokio::test]
async fn two_pictures_show_the_same_person_unless_something_else_is_asked_for() {
    let client = Client::start().await;
    let answer = client
        .post(FACES, &json!({"image1": "AAAA", "image2": "BBBB"}))
        .await;
    let id = &answer.json()["id"];
    let expected = format!(r#"{{"id":{id},"status":"COMPLETED","match_percentage":97}}"#);
    assert_eq!(answer.text, expected);
    let other = client.magic(FACES, "COMPLETED_NOT_MATCH").await.json();
    assert_eq!(other["match_percentage"], 12);
    assert_refused(
        &client.post(FACES, &json!({"image1": "AAAA"})).await,
        &json!([{"path": "image2", "message": "is required"}]),
    );
}

// Phone numbers.

fn age_of(digits: &str) -> String {
    format!("/v1/fraud/phone_numbers/{digits}/age")
}

#[tokio::test]
async fn a_phone_number_has_an_age_in_months() {
    let client = Client::start().await;
    let answer = client.get(&age_of("6281234567890")).await;
    assert_eq!(answer.text, r#"{"status":"COMPLETED","age":38}"#);
    assert_eq!(
        answer.header("x-sandbox-outcome"),
        Some("v1/fraud/phone_numbers/age/COMPLETED_FOUND")
    );
    let answer = client.get(&age_of("6281200000404")).await;
    assert_eq!(answer.text, r#"{"status":"COMPLETED","age":null}"#);
    let head = Answer::of(client.request("HEAD", &age_of("6281234567890"))).await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
}

#[tokio::test]
async fn a_phone_number_is_one_number_in_all_its_spellings_on_both_endpoints() {
    let client = Client::start().await;
    for (number, age, result) in [
        ("81234567890", json!(38), json!("MATCH")),
        ("81200000404", Value::Null, Value::Null),
        ("81200000409", json!(38), json!("NOT_MATCH")),
    ] {
        for start in ["+62", "%2B62", "%2b62", "62", "0", "%30"] {
            let answer = client.get(&age_of(&format!("{start}{number}"))).await;
            assert_eq!(answer.status, 200, "{start}{number}: {}", answer.text);
            assert_eq!(answer.json()["age"], age, "{start}{number}");
        }
        for start in ["+62", "62", "0"] {
            let sent = format!("{start}{number}");
            let input = json!({"phone_number": sent, "given_name": "Fira"});
            let as_json = client.post(PHONE_NAME, &input).await;
            let form = client.request("POST", PHONE_NAME).form(&input);
            for reply in [as_json.json(), Answer::of(form).await.json()] {
                assert_eq!(reply["name_matching_result"], result, "{sent}");
                assert_eq!(reply["phone_number"], sent, "the echo is what was sent");
            }
        }
    }
}

#[tokio::test]
async fn the_digits_of_a_path_are_checked() {
    let client = Client::start().await;
    for digits in [
        "1",
        "1234567890123456",
        "++6281234567890",
        "6281234567890+",
        "62812x4567890",
        "%00",
        "%F0%9F%98%80",
    ] {
        assert_refused(
            &client.get(&age_of(digits)).await,
            &json!([{"path": "digits", "message": r"must match the pattern ^\+?[0-9]{8,15}$"}]),
        );
    }
    // Percent-encoding is decoded first.
    assert_eq!(client.get(&age_of("%36281234567890")).await.status, 200);
    for path in [age_of(""), age_of("6281234567890") + "/", age_of("1/2")] {
        assert_eq!(
            client.get(&path).await.json()["error_code"],
            "NOT_FOUND",
            "{path}"
        );
    }
}

#[tokio::test]
async fn the_age_of_a_phone_number_takes_its_own_outcomes_and_the_errors_as_magic_replies() {
    let client = Client::start().await;
    let ask = async |digits: &str, magic: &str| {
        let request = client.request("GET", &age_of(digits));
        Answer::of(request.header("x-magic-reply", magic)).await
    };
    let found = ask("6281200000404", "completed_found").await;
    assert_eq!(found.json()["age"], 38);
    assert_eq!(ask("6281234567890", "SERVER_ERROR").await.status, 500);
    assert_eq!(
        ask("x", "SERVER_ERROR").await.status,
        500,
        "an error ignores the input"
    );
    assert_eq!(
        ask("x", "COMPLETED_FOUND").await.status,
        400,
        "an outcome does not"
    );
    let unknown = ask("6281234567890", "COMPLETED_FOUNT").await;
    assert_eq!(
        unknown.header("x-sandbox-error"),
        Some("unknown x-magic-reply")
    );
    assert!(
        unknown
            .message()
            .contains("Did you mean `COMPLETED_FOUND`?")
    );
    assert_eq!(
        Answer::of(client.bare("GET", &age_of("6281234567890")))
            .await
            .status,
        401
    );
    assert_eq!(
        client
            .post(&age_of("6281234567890"), &json!({}))
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn a_phone_number_belongs_to_the_name_that_was_sent_but_for_two() {
    let client = Client::start().await;
    for (number, given_name, result) in [
        ("+6281234567890", Some("Fira"), json!("MATCH")),
        ("6281234567890", None, json!("UNCLEAR")),
        ("081200000409", Some("Fira"), json!("NOT_MATCH")),
        ("+6281200000404", Some("Fira"), Value::Null),
    ] {
        let input = json!({"phone_number": number, "given_name": given_name});
        assert_eq!(
            client.post(PHONE_NAME, &input).await.text,
            format!(
                r#"{{"status":"COMPLETED","phone_number":"{number}","name_matching_result":{result}}}"#
            )
        );
    }
    assert_refused(
        &client
            .post(PHONE_NAME, &json!({"phone_number": "0812-345"}))
            .await,
        &json!([{"path": "phone_number", "message": "must match the pattern ^\\+?[0-9]{8,15}$"}]),
    );
}

// The watchlist and loans.

#[tokio::test]
async fn the_watchlist_is_searched_by_a_name_alone() {
    let client = Client::start().await;
    let answer = client
        .post(
            WATCHLIST,
            &json!({"given_name": "Salim", "surname": "Eko Hadi"}),
        )
        .await;
    let id = &answer.json()["id"];
    assert_eq!(
        answer.text,
        format!(
            r#"{{"id":{id},"status":"COMPLETED","results":[{{"id":"2dc667a4-d232-4d51-a561-631ce966fb2c","names":["Eko Hadi Salim"],"score":100,"scopes":["OTHER","PEP"],"nationalities":["ID"],"dates_of_birth":["1943-03-11"]}}]}}"#
        )
    );
    let nobody = client
        .post(
            WATCHLIST,
            &json!({"given_name": "Nobody", "surname": "Inparticular"}),
        )
        .await;
    assert_eq!(nobody.json()["results"], json!([]));
    assert_refused(
        &client
            .post(WATCHLIST, &json!({"given_name": "", "scopes": []}))
            .await,
        &json!([
            {"path": "given_name", "message": "must not be empty"},
            {"path": "scopes", "message": "must hold at least one item"},
        ]),
    );
}

#[tokio::test]
async fn an_invented_result_of_the_watchlist_is_read_by_its_own_id() {
    let client = Client::start().await;
    let request = client
        .request("POST", WATCHLIST)
        .header("x-magic-reply", "COMPLETED_FOUND");
    let answer = Answer::of(request.json(&json!({"given_name": "Nobody"})))
        .await
        .json();
    let listing = &answer["results"][0];
    assert_eq!(listing["names"], json!(["Nobody"]));
    assert_eq!(listing["nationalities"], json!([]), "none was sent");
    let id = listing["id"].as_str().expect("an id");
    let read = client
        .get(&format!("/v0/identity/cft_pep_listings/{id}"))
        .await;
    assert_eq!(read.json(), *listing);
}

#[tokio::test]
async fn the_loans_of_an_account_follow_the_dummy_accounts() {
    let client = Client::start().await;
    let ask = async |bank: &str, number: &str| {
        let input = json!({"bank_code": bank, "bank_account_number": number});
        client.post(DRAWDOWNS, &input).await
    };
    let answer = ask("ID_BCA", "1234567890").await;
    let id = &answer.json()["id"];
    assert_eq!(
        answer.text,
        format!(
            r#"{{"id":{id},"status":"COMPLETED","bank_account_number":"1234567890","bank_code":"ID_BCA","drawdowns":[{{"date":"2025-11-03","amount":1500000}},{{"date":"2025-12-18","amount":750000}}]}}"#
        )
    );
    assert_eq!(
        ask("BCA", "0000000404").await.json()["drawdowns"],
        json!([])
    );
    assert_eq!(ask("BCA", "0000000504").await.json()["status"], "FAILED");
    assert_refused(
        &ask("NO_SUCH_BANK", "1").await,
        &json!([{"path": "bank_code", "message": "must be the code of a known bank, such as BCA"}]),
    );
}
