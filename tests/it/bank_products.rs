//! The bank name validator in all versions: the holder of an account, and the comparison of names.

use std::time::Duration;

use iluma_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::receiver::{Receiver, StandingClock};
use crate::scenarios::start;

const V1: &str = "/v1/identity/bank_account_data_requests";
const V1_1: &str = "/v1.1/identity/bank_account_data_requests";
const V1_2: &str = "/v1.2/identity/bank_account_validation_details";
const V2: &str = "/v2/identity/bank_account_data_requests";
const V2_1: &str = "/v2.1/identity/bank_account_data_requests";
const V2_2: &str = "/v2.2/identity/bank_account_data_requests";
const ALL: [&str; 6] = [V1, V1_1, V1_2, V2, V2_1, V2_2];

fn account(bank: &str, number: &str) -> Value {
    json!({"bank_code": bank, "bank_account_number": number})
}

fn named(number: &str, given_name: &str, surname: &str) -> Value {
    json!({
        "bank_code": "BCA", "bank_account_number": number, "given_name": given_name, "surname": surname,
    })
}

/// The outcome of a reply, without the endpoint.
fn outcome(answer: &Answer) -> &str {
    let outcome = answer.header("x-sandbox-outcome").expect("an outcome");
    outcome.rsplit('/').next().unwrap_or_default()
}

/// Reads the record of an answer, a second later.
async fn a_second_later(client: &Client, path: &str, answer: &Answer) -> Value {
    tokio::time::advance(Duration::from_secs(1)).await;
    let id = answer.json()["id"].as_str().expect("an id").to_owned();
    client.get(&format!("{path}/{id}")).await.json()
}

// Holders.

#[tokio::test]
async fn an_account_has_the_same_holder_in_every_version_and_with_or_without_its_country() {
    let client = Client::start().await;
    for (bank, number, known) in [
        ("BCA", "1234567890", Some("FIRA DIYANKA")),
        (
            "MANDIRI",
            "0000000000200",
            Some("ANASTASIA RINJANI LUMENTASE"),
        ),
        ("BNI", "8800112233", None),
        ("BCA", "8800112233", None),
        ("SUMSEL_DAN_BABEL_UUS", "1", None),
    ] {
        let mut holders = Vec::new();
        for bank in [bank.to_owned(), format!("ID_{bank}")] {
            let input = account(&bank, number);
            let flat = client.post(V1, &input).await.json();
            assert_eq!(flat["bank_code"], bank, "the echo is what was sent");
            holders.push(flat["bank_account_holder_name"].clone());
            let nested = client.post(V1_1, &input).await.json();
            holders.push(nested["result"]["account_holder_name"].clone());
            let details = client.post(V1_2, &input).await.json();
            holders.push(details["result"]["account_holder_name"].clone());
        }
        let holder = known.map_or_else(|| holders[0].clone(), Value::from);
        assert!(holder.as_str().is_some_and(|holder| holder.contains(' ')));
        assert_eq!(holders, vec![holder; 6], "{bank} {number}");
    }
}

#[tokio::test]
async fn v1_says_in_one_flat_reply_whose_account_it_is() {
    let client = Client::start().await;
    let mut input = account("ID_BCA", "1234567890");
    input["reference_id"] = json!("mine");
    let answer = client.post(V1, &input).await;
    let reply = answer.json();
    let (id, updated) = (&reply["id"], &reply["updated"]);
    assert_eq!(
        answer.text,
        format!(
            r#"{{"status":"SUCCESS","bank_account_number":"1234567890","bank_code":"ID_BCA","updated":{updated},"bank_account_holder_name":"FIRA DIYANKA","is_normal_account":true,"id":{id},"reference_id":"mine"}}"#
        )
    );
    let id = id.as_str().expect("an id");
    assert!(
        id.len() == 24
            && id
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    );
    assert_eq!(client.get(&format!("{V1}/{id}")).await.text, answer.text);
}

#[tokio::test]
async fn v1_has_one_way_to_fail_and_calls_a_virtual_account_not_normal() {
    let client = Client::start().await;
    for (number, status, is_normal, failure) in [
        ("0000000300", "SUCCESS", json!(true), Value::Null),
        ("0000000888", "SUCCESS", json!(false), Value::Null),
        (
            "0000000404",
            "FAILED",
            Value::Null,
            json!("BANK_ACCOUNT_NOT_FOUND_ERROR"),
        ),
        (
            "0000000504",
            "FAILED",
            Value::Null,
            json!("BANK_ACCOUNT_NOT_FOUND_ERROR"),
        ),
    ] {
        let reply = client.post(V1, &account("BCA", number)).await.json();
        assert_eq!(reply["status"], status, "{number}");
        assert_eq!(
            reply.get("is_normal_account").unwrap_or(&Value::Null),
            &is_normal
        );
        assert_eq!(
            reply.get("failure_reason").unwrap_or(&Value::Null),
            &failure
        );
    }
}

fn found(holder: &str, is_virtual: bool, need_review: bool) -> Value {
    json!({
        "is_found": true, "account_holder_name": holder,
        "is_virtual_account": is_virtual, "need_review": need_review,
    })
}

fn not_found() -> Value {
    json!({"is_found": false, "is_virtual_account": false, "need_review": false})
}

#[tokio::test]
async fn v1_2_answers_at_once_for_clients_that_never_poll_and_is_read_back_as_it_was_answered() {
    let client = Client::start().await;
    for (number, status, result) in [
        (
            "1234567890",
            "COMPLETED",
            found("FIRA DIYANKA", false, false),
        ),
        (
            "0000000888",
            "COMPLETED",
            found("PT KIRANA LOKA DAGANGAN", true, false),
        ),
        (
            "0000000300",
            "COMPLETED",
            found("YULIANTORO BIMOSAKTI", false, true),
        ),
        ("0000000404", "COMPLETED", not_found()),
        ("0000000504", "FAILED", Value::Null),
    ] {
        let answer = client.post(V1_2, &account("BCA", number)).await;
        let reply = answer.json();
        assert_eq!(reply["status"], status, "{number}");
        assert_eq!(
            reply.get("result").unwrap_or(&Value::Null),
            &result,
            "{number}"
        );
        assert_eq!(reply.get("failure_reason").is_some(), status == "FAILED");
        let id = reply["id"].as_str().expect("an id");
        assert_eq!(client.get(&format!("{V1_2}/{id}")).await.text, answer.text);
    }
}

#[tokio::test]
async fn v1_2_calls_back_with_what_it_answered_and_answers_in_strict_mode_too() {
    let receiver = Receiver::start().await;
    let client = Client::of(Sandbox::builder().strict(true)).await;
    let url = json!({"type": "BANK_NAME_VALIDATOR_DETAILS", "url": receiver.url_text()});
    assert_eq!(client.post("/v1/callback/urls", &url).await.status, 200);
    let answer = client.post(V1_2, &account("BCA", "1234567890")).await;
    assert_eq!(answer.json()["status"], "COMPLETED", "{}", answer.text);
    let callback = receiver.received(2).await.swap_remove(1);
    assert_eq!(callback.text(), answer.text);
}

#[tokio::test(start_paused = true)]
async fn v1_2_answers_pending_where_it_is_asked_for_and_completes_a_second_later() {
    let _still = StandingClock::hold();
    let client = Client::start().await;
    for (magic, status, result) in [
        (
            "PENDING_THEN_COMPLETED_FOUND",
            "COMPLETED",
            found("FIRA DIYANKA", false, false),
        ),
        ("PENDING_THEN_COMPLETED_NOT_FOUND", "COMPLETED", not_found()),
        ("PENDING_THEN_FAILED", "FAILED", Value::Null),
    ] {
        let pending = client.magic(V1_2, magic).await;
        let (id, created) = (&pending.json()["id"], "2026-01-01T00:00:00.000Z");
        assert_eq!(
            pending.text,
            format!(
                r#"{{"status":"PENDING","bank_account_number":"1234567890","bank_code":"BCA","created":"{created}","updated":"{created}","id":{id}}}"#
            )
        );
        let later = a_second_later(&client, V1_2, &pending).await;
        assert_eq!(later["status"], status, "{magic}");
        assert_eq!(later["updated"], "2026-01-01T00:00:01.000Z");
        assert_eq!(
            later.get("result").unwrap_or(&Value::Null),
            &result,
            "{magic}"
        );
        assert_eq!(later.get("failure_reason").is_some(), status == "FAILED");
    }
}

#[tokio::test(start_paused = true)]
async fn what_v1_2_is_asked_to_leave_pending_stays_so() {
    let _still = StandingClock::hold();
    let client = Client::start().await;
    let pending = client.magic(V1_2, "PENDING").await;
    let later = a_second_later(&client, V1_2, &pending).await;
    assert_eq!(later, pending.json());
}

#[tokio::test]
async fn a_name_is_ignored_before_v2() {
    let client = Client::start().await;
    for (path, holder) in [
        (V1, "/bank_account_holder_name"),
        (V1_1, "/result/account_holder_name"),
    ] {
        let reply = client
            .post(path, &named("1234567890", "Somebody", "Else"))
            .await
            .json();
        assert_eq!(
            reply.pointer(holder),
            Some(&json!("FIRA DIYANKA")),
            "{path}"
        );
        assert!(reply.get("given_name").is_none(), "it is not echoed");
    }
    let answer = client
        .post(V1_2, &named("1234567890", "Somebody", "Else"))
        .await;
    assert_eq!(
        answer.json()["result"]["account_holder_name"],
        "FIRA DIYANKA"
    );
}

// Comparison of names.

#[tokio::test]
async fn v2_compares_the_name_in_one_flat_reply() {
    let client = Client::start().await;
    let mut input = named("0000000888", "Kirana Loka", "Dagangan");
    input["reference_id"] = json!("mine");
    let answer = client.post(V2, &input).await;
    let reply = answer.json();
    let (id, updated) = (&reply["id"], &reply["updated"]);
    assert_eq!(
        answer.text,
        format!(
            r#"{{"id":{id},"status":"SUCCESS","bank_account_number":"0000000888","bank_code":"BCA","updated":{updated},"name_matching_result":"MATCH","is_normal_account":false,"reference_id":"mine"}}"#
        )
    );
}

#[tokio::test]
async fn v2_1_and_v2_2_compare_the_name_in_a_nested_reply() {
    let client = Client::start().await;
    for path in [V2_1, V2_2] {
        let answer = client
            .post(path, &named("0000000300", "Someone", "Different"))
            .await;
        let reply = answer.json();
        let (id, updated) = (&reply["id"], &reply["updated"]);
        assert_eq!(
            answer.text,
            format!(
                r#"{{"status":"COMPLETED","bank_account_number":"0000000300","bank_code":"BCA","created":"2026-01-01T00:00:00.000Z","updated":{updated},"id":{id},"result":{{"is_found":true,"is_virtual_account":false,"need_review":true,"name_matching_result":"NOT_MATCH"}}}}"#
            )
        );
    }
}

#[tokio::test]
async fn a_name_matches_whatever_its_order_case_and_accents() {
    let client = Client::start().await;
    for (given_name, surname, result) in [
        ("Fira", "Diyanka", "MATCH"),
        ("DIYANKA", "fira", "MATCH"),
        ("Fíra Diyánka", "", "MATCH"),
        ("Fira", "Diyanca", "MATCH"),
        ("Fira", "", "UNCLEAR"),
        ("Budi", "Santoso", "NOT_MATCH"),
    ] {
        let input = named("1234567890", given_name, surname);
        let flat = client.post(V2, &input).await.json();
        assert_eq!(flat["name_matching_result"], result, "{input}");
        for path in [V2_1, V2_2] {
            let nested = client.post(path, &input).await.json();
            assert_eq!(nested["result"]["name_matching_result"], result, "{input}");
        }
    }
}

/// The similarity of a word of n letters with k changed letters is (n - k) / n.
#[tokio::test]
async fn a_match_begins_at_90_and_unclear_at_60() {
    let mut accounts = vec!["extends = \"dummy/bank_accounts\"\n".to_owned()];
    for (number, holder) in [
        ("10", "ABCDEFGHIJ"),
        ("9", "ABCDEFGHI"),
        ("5", "ABCDE"),
        ("17", "ABCDEFGHIJ KLMNOPQ"),
    ] {
        accounts.push(format!(
            "[[bank_accounts]]\nbank_code = \"BCA\"\nbank_account_number = \"{number}\"\nholder = \"{holder}\"\n"
        ));
    }
    let (client, _folder) = start(&[("accounts.toml", &accounts.concat())]).await;
    for (number, name, likeness, result) in [
        ("10", "ABCDEFGHIX", 90, "MATCH"),
        ("9", "ABCDEFGHX", 89, "UNCLEAR"),
        ("5", "ABCXX", 60, "UNCLEAR"),
        ("17", "ABCDEFGHIJ RSTUVWX", 59, "NOT_MATCH"),
    ] {
        let reply = client.post(V2_2, &named(number, name, "")).await.json();
        assert_eq!(
            reply["result"]["name_matching_result"], result,
            "{likeness}"
        );
    }
}

#[tokio::test]
async fn without_a_name_it_is_unclear_whose_account_it_is_and_an_unlisted_one_has_any_name() {
    let client = Client::start().await;
    for number in ["1234567890", "77001122"] {
        for input in [
            account("BCA", number),
            named(number, "", "  "),
            named(number, "?!", "-"),
        ] {
            let answer = client.post(V2_2, &input).await;
            assert_eq!(outcome(&answer), "COMPLETED_UNCLEAR", "{input}");
        }
    }
    for surname in [json!("Anyone"), Value::Null] {
        let input = json!({
            "bank_code": "BNI", "bank_account_number": "77001122", "given_name": "Whoever", "surname": surname,
        });
        assert_eq!(outcome(&client.post(V2_2, &input).await), "COMPLETED_FOUND");
        assert_eq!(outcome(&client.post(V2, &input).await), "SUCCESS");
    }
}

#[tokio::test]
async fn an_account_that_is_not_found_or_times_out_has_no_name_to_match() {
    let client = Client::start().await;
    for (number, flat, nested) in [
        ("0000000404", "FAILED", "COMPLETED_NOT_FOUND"),
        ("0000000504", "FAILED", "FAILED_TEMPORARY_NETWORK_ERROR"),
    ] {
        let input = named(number, "Fira", "Diyanka");
        assert_eq!(outcome(&client.post(V2, &input).await), flat);
        for path in [V1_1, V2_1, V2_2] {
            assert_eq!(outcome(&client.post(path, &input).await), nested, "{path}");
        }
    }
}

// Common to all versions.

#[tokio::test]
async fn every_version_refuses_an_unknown_bank_and_a_number_that_is_none() {
    let client = Client::start().await;
    for path in ALL {
        for bank in ["NO_SUCH_BANK", "ID_", "id_bca", "ID_ID_BCA", ""] {
            let answer = client.post(path, &account(bank, "1")).await;
            assert_eq!(answer.status, 400, "{path} {bank}");
            assert_eq!(
                answer.json()["errors"],
                json!([{"path": "bank_code", "message": "must be the code of a known bank, such as BCA"}])
            );
        }
        let answer = client
            .post(path, &json!({"bank_account_number": "12-34"}))
            .await;
        assert_eq!(
            answer.json()["errors"],
            json!([
                {"path": "bank_account_number", "message": "must match the pattern ^[0-9]{1,34}$"},
                {"path": "bank_code", "message": "is required"},
            ])
        );
    }
}

#[tokio::test]
async fn every_version_echoes_a_reference_id_and_leaves_it_out_when_there_is_none() {
    let client = Client::start().await;
    for path in ALL {
        let mut input = named("1234567890", "Fira", "Diyanka");
        let reply = client.post(path, &input).await.json();
        assert!(reply.get("reference_id").is_none(), "{path}");
        input["reference_id"] = json!("r-1");
        let reply = client.post(path, &input).await.json();
        assert_eq!(reply["reference_id"], "r-1", "{path}");
    }
}

#[tokio::test]
async fn a_magic_reply_without_a_body_has_the_documented_reference_id_in_v1_and_v1_1() {
    let client = Client::start().await;
    for (path, magic) in [
        (V1, "SUCCESS"),
        (V1, "PENDING"),
        (V1, "WAITING_ON_BANK"),
        (V1, "FAILED"),
        (V1_1, "COMPLETED_FOUND"),
        (V1_1, "PENDING"),
        (V1_1, "WAITING_ON_BANK"),
        (V1_1, "COMPLETED_NOT_FOUND"),
        (V1_1, "FAILED_TEMPORARY_NETWORK_ERROR"),
    ] {
        let reply = client.magic(path, magic).await.json();
        assert_eq!(reply["reference_id"], "foo123", "{path} {magic}");
    }
    for path in [V1_2, V2, V2_1, V2_2] {
        let reply = client.magic(path, "PENDING").await.json();
        assert!(reply.get("reference_id").is_none(), "{path}");
    }
    let request = client
        .request("POST", V1_1)
        .header("x-magic-reply", "PENDING");
    let answer = Answer::of(request.json(&account("BCA", "1"))).await.json();
    assert!(answer.get("reference_id").is_none(), "a body is its own");
}

#[tokio::test]
async fn the_records_that_public_clients_read_are_in_every_world() {
    let client = Client::start().await;
    let other = format!("iluma_development_{}", "k".repeat(40));
    for (path, id, bank, created) in [
        (V1, "59e608887eb26d005d44aeb8", "BCA", None),
        (
            V1_1,
            "bknv_6a2963f06540322bbff05a51",
            "BCA",
            Some("2026-06-10T13:17:36.000Z"),
        ),
        (
            V1_1,
            "bknv_6a341b6e2471702471a92c6f",
            "BCA",
            Some("2026-06-18T16:23:10.000Z"),
        ),
        (
            V1_1,
            "bknv_5c6ba591cf3c3867d75053d7",
            "BCA",
            Some("2019-02-19T06:43:29.000Z"),
        ),
        (
            V2_2,
            "bknv_6a3147df6540322bbff0a37f",
            "ID_BCA",
            Some("2026-06-16T12:55:59.000Z"),
        ),
    ] {
        let record = format!("{path}/{id}");
        let answer = client.get(&record).await;
        assert_eq!(answer.status, 200, "{record}");
        let reply = answer.json();
        assert_eq!(
            (&reply["id"], &reply["bank_code"]),
            (&json!(id), &json!(bank))
        );
        assert_eq!(reply.get("created").and_then(Value::as_str), created);
        let elsewhere = Answer::of(client.as_key(&other, "GET", &record)).await;
        assert_eq!(elsewhere.text, answer.text, "{record}");
    }
    let v1 = client.get(&format!("{V1}/59e608887eb26d005d44aeb8")).await;
    assert_eq!(
        v1.text,
        r#"{"status":"SUCCESS","bank_account_number":"1234567890","bank_code":"BCA","updated":"2017-10-17T13:41:28.800Z","bank_account_holder_name":"FIRA DIYANKA","is_normal_account":true,"id":"59e608887eb26d005d44aeb8"}"#
    );
    let v2_2 = client
        .get(&format!("{V2_2}/bknv_6a3147df6540322bbff0a37f"))
        .await;
    assert_eq!(
        v2_2.json()["result"],
        json!({"is_found": true, "is_virtual_account": false, "need_review": false, "name_matching_result": "MATCH"})
    );
}

// Bank codes.

#[tokio::test]
async fn the_bank_codes_are_a_bare_list_of_139_banks_all_of_which_are_taken() {
    let client = Client::start().await;
    let plain = client.get("/bank/available_bank_codes").await;
    assert!(
        plain
            .text
            .starts_with(r#"[{"name":"BPD Aceh","code":"ACEH","swift_code":"PDACIDJ1"},"#)
    );
    let prefixed = client.get("/v1.2/bank/available_bank_codes").await;
    let (plain, prefixed) = (plain.json(), prefixed.json());
    let banks = plain.as_array().expect("an array");
    assert_eq!(banks.len(), 139);
    for (at, bank) in banks.iter().enumerate() {
        let mut other = bank.clone();
        let code = bank["code"].as_str().expect("a code");
        other["code"] = format!("ID_{code}").into();
        assert_eq!(prefixed[at], other);
        for code in [code, other["code"].as_str().expect("a code")] {
            assert_eq!(
                client.post(V1_1, &account(code, "1")).await.status,
                200,
                "{code}"
            );
        }
    }
    assert_eq!(prefixed.as_array().map(Vec::len), Some(139));
}

#[tokio::test]
async fn the_bank_codes_want_a_key_and_a_get_and_take_magic_replies() {
    let client = Client::start().await;
    for path in [
        "/bank/available_bank_codes",
        "/v1.2/bank/available_bank_codes",
    ] {
        assert_eq!(Answer::of(client.bare("GET", path)).await.status, 401);
        assert_eq!(client.post(path, &json!({})).await.status, 404);
        for (magic, status) in [
            ("listed", 200),
            ("RATE_LIMIT_EXCEEDED", 429),
            ("FOUND", 400),
        ] {
            let request = client.request("GET", path).header("x-magic-reply", magic);
            assert_eq!(Answer::of(request).await.status, status, "{magic}");
        }
    }
}
