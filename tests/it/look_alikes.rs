//! Two texts that look alike are never printed as if they were equal: the code points that differ are named.

use iluma_sandbox::{Expectation, Query, Sandbox, verify};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::{Answer, Client};
use crate::process::{run, write};

const PERSON: &str = "/v0/identity/individual_cft_peps";

/// An expected text, a received one that looks the same, and the difference.
const PAIRS: [(&str, &str, &str); 9] = [
    (
        "Jos\u{e9} Li",
        "Jose\u{301} Li",
        "`é` U+00E9 against `e` U+0065 U+0301 at character 4",
    ),
    (
        "Jose\u{301}",
        "Jos\u{e9}",
        "`e` U+0065 U+0301 against `é` U+00E9 at character 4",
    ),
    (
        "Jos\u{e9} Li",
        "Jos\u{e9}\u{a0}Li",
        "U+0020 against U+00A0 at character 5",
    ),
    (
        "Budi",
        "Bu\u{200b}di",
        "`d` U+0064 against U+200B at character 3",
    ),
    (
        "Budi",
        "Budi\u{feff}",
        "nothing against U+FEFF at character 5",
    ),
    (
        "\u{202e}Budi",
        "Budi",
        "U+202E against `B` U+0042 at character 1",
    ),
    (
        "Budi",
        "\u{412}udi",
        "`B` U+0042 against `В` U+0412 at character 1",
    ),
    (
        "Sri  Dewi",
        "Sri Dewi",
        "U+0020 against `D` U+0044 at character 5",
    ),
    ("1l0", "1lO", "`0` U+0030 against `O` U+004F at character 3"),
];

fn person(given_names: &str) -> Value {
    json!({"user_id": "u1", "given_names": given_names, "nationality": "ID", "scopes": ["PEP"]})
}

/// A folder with a rule that expects these given names.
fn folder(test: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let file = format!(
        "extends = \"v0/individual_cft_peps\"\n[outcomes.MINE]\nwhen = {{ \"input.given_names\" = {test} }}\n\
         body.status = \"MINE\"\n"
    );
    write(folder.path(), "mine.toml", &file);
    folder
}

async fn explanation(client: &Client, answer: &Answer) -> Value {
    let trace = answer.header("x-sandbox-trace").expect("a trace");
    client
        .get(&format!("/__sandbox/explain/{trace}"))
        .await
        .json()
}

#[tokio::test]
async fn an_explanation_names_the_code_points_that_differ() {
    for (expected, received, difference) in PAIRS {
        let literal = json!(expected).to_string();
        for test in [
            literal.clone(),
            format!("{{ one_of = [\"Agus\", {literal}] }}"),
            format!("{{ starts_with = {literal} }}"),
        ] {
            let folder = folder(&test);
            let client = Client::of(Sandbox::builder().scenarios(folder.path())).await;
            let sent = if test.contains("starts_with") {
                format!("{received}, junior")
            } else {
                received.to_owned()
            };
            let answer = client.post(PERSON, &person(&sent)).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            let why = explanation(&client, &answer).await;
            if difference.starts_with("nothing") && test.contains("starts_with") {
                assert_eq!(why["chosen_by"], "rule"); // it starts so
                continue;
            }
            assert_eq!(
                why["rules"][0]["failed"][0]["look_alike"], difference,
                "{test}"
            );
            let sentence = why["nearest_rule"]["differs"].as_str().expect("a sentence");
            let end = format!(" (they look alike: {difference}).");
            assert!(sentence.ends_with(&end), "{sentence}");
        }
    }
}

#[tokio::test]
async fn a_text_that_is_cut_in_a_sentence_has_its_difference_named() {
    let start = "a".repeat(100);
    let folder = folder(&json!(format!("{start}1")).to_string());
    let client = Client::of(Sandbox::builder().scenarios(folder.path())).await;
    let answer = client.post(PERSON, &person(&format!("{start}2"))).await;
    let why = explanation(&client, &answer).await;
    let difference = "`1` U+0031 against `2` U+0032 at character 101";
    assert_eq!(why["rules"][0]["failed"][0]["look_alike"], difference);
}

#[tokio::test]
async fn texts_that_differ_for_everybody_are_only_printed() {
    let folder = folder("\"Jos\u{e9}\"");
    let client = Client::of(Sandbox::builder().scenarios(folder.path())).await;
    for received in ["Jose", "JOS\u{c9}", "Joss", "Jos\u{e8}"] {
        let answer = client.post(PERSON, &person(received)).await;
        let why = explanation(&client, &answer).await;
        let failed = &why["rules"][0]["failed"][0];
        assert_eq!(
            (&failed["received"], failed.get("look_alike")),
            (&json!(received), None)
        );
    }
}

#[tokio::test]
async fn near_misses_name_the_code_points_that_differ() {
    for (expected, received, difference) in PAIRS {
        let client = Client::start().await;
        client.post(PERSON, &person(received)).await;
        let query = Query::any().body("given_names", expected);
        let requests = client.sandbox.requests();
        let error = verify(&requests, &Expectation::exactly(1, query)).expect_err("none matches");
        let printed = error.to_string();
        assert!(
            printed.ends_with(&format!(" (they look alike: {difference})")),
            "{printed}"
        );
        let question = json!({"request": {"body.given_names": expected}});
        let answer = client.post("/__sandbox/verify", &question).await;
        let near = &answer.json()["near_misses"][0]["differences"][0];
        assert_eq!(
            (answer.status, &near["look_alike"]),
            (417, &json!(difference))
        );
    }
}

#[tokio::test]
async fn near_misses_look_into_lists_and_objects() {
    let client = Client::start().await;
    let mut body = person("Budi");
    body["addresses"] = json!([{"city": "Yogya\u{ad}karta", "country": "ID"}]);
    client.post(PERSON, &body).await;
    let expected = json!([{"city": "Yogyakarta", "country": "ID"}]);
    let question = json!({"request": {"body.addresses": expected}});
    let answer = client.post("/__sandbox/verify", &question).await;
    let near = &answer.json()["near_misses"][0]["differences"][0];
    assert_eq!(
        near["look_alike"],
        "`k` U+006B against U+00AD at character 6"
    );
}

#[test]
fn try_prints_the_code_points_that_differ() {
    let folder = folder("\"Jos\u{e9}\"");
    let scenarios = folder.path().to_str().expect("UTF-8");
    let body = person("Jose\u{301}").to_string();
    let (code, printed, _) = run(&["try", "POST", PERSON, "-d", &body, "--scenarios", scenarios]);
    assert_eq!(code, 0);
    let difference = "they look alike: `é` U+00E9 against `e` U+0065 U+0301 at character 4";
    let sentence =
        format!("input.given_names must be \"Jos\u{e9}\" and is \"Jose\u{301}\" ({difference}).");
    let lines = format!(
        "         input.given_names must be \"Jos\u{e9}\" and is \"Jose\u{301}\"\n         {difference}\n"
    );
    assert!(printed.contains(&sentence), "{printed}");
    assert!(printed.contains(&lines), "{printed}");
}

#[tokio::test]
async fn a_name_that_looks_like_a_known_one_is_not_only_repeated() {
    let client = Client::start().await;
    let alike = "they look alike: `O` U+004F against `О` U+041E at character 2";
    let wrong = "C\u{41e}MPLETED_FOUND";
    let answer = client.magic(PERSON, wrong).await;
    let question = format!("Did you mean `COMPLETED_FOUND` ({alike})?");
    assert!(answer.message().contains(&question), "{}", answer.text);
    let question = json!({"request": {"outcome": wrong}});
    let answer = client.post("/__sandbox/verify", &question).await;
    let expected =
        format!("there is no outcome `{wrong}`: did you mean `COMPLETED_FOUND` ({alike})?");
    assert_eq!((answer.status, answer.message()), (400, expected));
    let order = json!({"endpoint": "v0/individual_cft_peps\u{200b}", "outcome": "SERVER_ERROR"});
    let answer = client.post("/__sandbox/next", &order).await;
    let end = "did you mean `v0/individual_cft_peps` (they look alike: nothing against U+200B at character 23)?";
    assert!(answer.message().ends_with(end), "{}", answer.text);
}

#[tokio::test]
async fn with_redact_no_code_point_of_a_personal_value_is_shown() {
    let folder = folder("\"Jos\u{e9}\"");
    let builder = Sandbox::builder().redact(true).scenarios(folder.path());
    let client = Client::of(builder).await;
    let answer = client.post(PERSON, &person("Jose\u{301}")).await;
    let why = explanation(&client, &answer).await;
    let question = json!({"request": {"body.given_names": "Jos\u{e9}"}});
    let near = client.post("/__sandbox/verify", &question).await.json();
    assert_eq!(why["rules"][0]["outcome"], "MINE");
    assert_eq!(
        near["near_misses"][0]["differences"][0]["field"],
        "body.given_names"
    );
    for shown in [why.to_string(), near.to_string()] {
        assert!(!shown.contains("U+"), "{shown}");
    }
}
