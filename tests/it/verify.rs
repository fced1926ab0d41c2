//! Requests held against what was expected, from Rust and over HTTP.

use iluma_sandbox::{Expectation, Query, verify};
use serde_json::json;

use crate::client::Client;
use crate::stage::BANK;

const PERSON: &str = "/v0/identity/individual_cft_peps";

fn account(number: &str) -> serde_json::Value {
    json!({"bank_account_number": number, "bank_code": "BCA"})
}

/// Three requests: two accounts, and a person that is refused.
async fn asked() -> Client {
    let client = Client::start().await;
    client.post(BANK, &account("7000000001")).await;
    client.post(BANK, &account("7000000002")).await;
    client.post(PERSON, &json!({"given_names": "Testy"})).await;
    client
}

fn bank() -> Query {
    Query::any().endpoint("v1.1/bank_account_data_requests")
}

fn number(number: &str) -> Query {
    bank().body("bank_account_number", number)
}

#[tokio::test]
async fn what_was_asked_is_held_against_what_was_expected() {
    let client = asked().await;
    let asked = client.sandbox.requests();
    let verified = |expectation| verify(&asked, &expectation).map(|verified| verified.matched);
    assert_eq!(verified(Expectation::exactly(2, bank())).ok(), Some(2));
    assert_eq!(
        verified(Expectation::exactly(1, number("7000000002"))).ok(),
        Some(1)
    );
    assert_eq!(
        verified(Expectation::at_least(3, Query::any())).ok(),
        Some(3)
    );
    assert_eq!(verified(Expectation::at_most(2, bank())).ok(), Some(2));
    assert_eq!(verified(Expectation::between(1, 2, bank())).ok(), Some(2));
    assert_eq!(
        verified(Expectation::never(bank().status(500))).ok(),
        Some(0)
    );
    let in_order = [number("7000000001"), Query::any().status(400)];
    assert_eq!(verified(Expectation::in_order(in_order)).ok(), Some(2));
    assert_eq!(
        verified(Expectation::exactly(1, bank()).after(1)).ok(),
        Some(1)
    );
}

#[tokio::test]
async fn what_does_not_hold_is_told_with_the_closest_requests_field_by_field() {
    let client = asked().await;
    let asked = client.sandbox.requests();
    let tag = asked[0].world().to_owned();
    let said = |expectation| {
        let error = verify(&asked, &expectation).expect_err("it does not hold");
        error.to_string().replace(&tag, "W")
    };
    assert_eq!(
        said(Expectation::exactly(1, number("7000000003"))),
        r#"expected exactly 1 request with endpoint "v1.1/bank_account_data_requests", body.bank_account_number "7000000003", but 0 of 3 matched
  close was W-2, POST /v1.1/identity/bank_account_data_requests → 200 COMPLETED_FOUND:
    body.bank_account_number: expected "7000000003", received "7000000002"
  close was W-1, POST /v1.1/identity/bank_account_data_requests → 200 COMPLETED_FOUND:
    body.bank_account_number: expected "7000000003", received "7000000001"
  close was W-3, POST /v0/identity/individual_cft_peps → 400 API_VALIDATION_ERROR:
    endpoint: expected "v1.1/bank_account_data_requests", received "v0/individual_cft_peps"
    body.bank_account_number: expected "7000000003", received nothing"#
    );
    assert_eq!(
        said(Expectation::never(bank())),
        r#"expected no request with endpoint "v1.1/bank_account_data_requests", but 2 of 3 matched"#
    );
    let (one, two) = (number("7000000001"), number("7000000002"));
    assert_eq!(
        said(Expectation::in_order([two, one])).lines().next(),
        Some(
            r#"expected 2 requests in order: endpoint "v1.1/bank_account_data_requests", body.bank_account_number "7000000002"; then endpoint "v1.1/bank_account_data_requests", body.bank_account_number "7000000001", but of 3 requests none was the 2nd after W-2: it came before that, as W-1"#
        )
    );
}
