//! `POST /__sandbox/dummy_values`: which values are on the dummy lists, so that a page need not mask them.

use iluma_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::process::write;

const DUMMY_VALUES: &str = "/__sandbox/dummy_values";

async fn listed(client: &Client, values: &[&str]) -> Value {
    let answer = client.post(DUMMY_VALUES, &json!({"values": values})).await;
    assert_eq!(answer.status, 200);
    answer.json()["listed"].clone()
}

#[tokio::test]
async fn names_numbers_and_countries_of_the_dummy_lists_are_listed_in_any_case() {
    let client = Client::start().await;
    for (value, of) in [
        ("Eko Hadi Salim", "the watchlist"),
        (" eko  hadi SALIM", "the watchlist"),
        ("3275031210930027", "the register"),
        ("PENITO kristian", "the register"),
        ("Alinda kencana blok E", "the register"),
        ("3275031210930021", "the numbers that are missing"),
        ("1234567890", "the bank accounts"),
        ("fira diyanka", "the bank accounts"),
        ("ID", "the countries of the watchlist"),
    ] {
        assert_eq!(listed(&client, &[value]).await, json!([value]), "{of}");
    }
    for value in ["Eko Hadi", "Jane Roe", "7771234567", "", "PEP", "12345"] {
        assert_eq!(listed(&client, &[value]).await, json!([]), "{value}");
    }
}

#[tokio::test]
async fn a_date_or_a_birthplace_is_listed_only_beside_a_name_or_number_of_its_entry() {
    let client = Client::start().await;
    for (values, expected) in [
        (vec!["1943-03-11"], vec![]),
        (vec!["Jane Roe", "ID", "1943-03-11"], vec!["ID"]),
        (
            vec!["Eko Hadi Salim", "1943-03-11", "Jane Roe"],
            vec!["Eko Hadi Salim", "1943-03-11"],
        ),
        (vec!["Eko Hadi Salim", "12-10-1990"], vec!["Eko Hadi Salim"]),
        (
            vec!["12-10-1990", "3275031210930027", "Ketapang"],
            vec!["12-10-1990", "3275031210930027", "Ketapang"],
        ),
        (vec!["Ketapang"], vec![]),
    ] {
        assert_eq!(listed(&client, &values).await, json!(expected));
    }
}

#[tokio::test]
async fn the_entries_of_an_own_folder_are_listed_from_the_reload_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let client = Client::of(Sandbox::builder().scenarios(folder.path())).await;
    assert_eq!(listed(&client, &["Jane Roe"]).await, json!([]));
    let people = "extends = \"dummy/watchlist\"\n[[individuals]]\nnames = [\"Jane Roe\"]\nscopes = [\"PEP\"]\nnationalities = [\"ID\"]\n";
    write(folder.path(), "dummy/more.toml", people);
    client.sandbox.reloaded(0).await;
    assert_eq!(listed(&client, &["JANE ROE"]).await, json!(["JANE ROE"]));
}

#[tokio::test]
async fn what_is_no_list_of_texts_is_refused_and_so_is_a_caller_without_the_token() {
    let client = Client::start().await;
    for body in [
        json!({}),
        json!({"values": [1]}),
        json!({"values": [], "more": 1}),
    ] {
        assert_eq!(client.post(DUMMY_VALUES, &body).await.status, 400, "{body}");
    }
    let token = "open-sesame".parse().expect("a token");
    let guarded = Client::of(Sandbox::builder().control_token(token)).await;
    let asked = guarded
        .bare("POST", DUMMY_VALUES)
        .json(&json!({"values": ["ID"]}));
    let answer = Answer::of(asked).await;
    assert_eq!(
        (answer.status, &answer.json()["error"]),
        (401, &json!("control_token_required"))
    );
}
