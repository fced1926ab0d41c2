//! Promises for every request: the error body, the echo, the same bytes again. Properties over many inputs.

use std::collections::HashSet;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iluma_sandbox::Sandbox;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::{Config, TestRunner};
use reqwest::RequestBuilder;
use reqwest::header::HeaderValue;
use reqwest::multipart::{Form, Part};
use serde_json::{Map, Value, json};
use tokio::runtime::Runtime;

use crate::client::{Answer, Client, png};
use crate::receiver::StandingClock;
use crate::shape;

const INDIVIDUALS: &str = "/v0/identity/individual_cft_peps";
const ENTITIES: &str = "/v0/identity/entity_cft_peps";
const ID_CARDS: &str = "/v0/identity/id_card_verifications";
const BANK_ACCOUNTS: &str = "/v1.1/identity/bank_account_data_requests";
const PRODUCTS: [&str; 8] = [
    INDIVIDUALS,
    ENTITIES,
    ID_CARDS,
    BANK_ACCOUNTS,
    "/v2.2/identity/bank_account_data_requests",
    "/v0/identity/npwp_data_requests",
    "/v1/identity/face_comparisons",
    "/v1/identity/cft/individual_watchlist",
];

/// The documented order of an individual's reply, without its results.
const INDIVIDUAL_KEYS: [&str; 16] = [
    "created",
    "updated",
    "id",
    "reference_id",
    "user_id",
    "phone_number",
    "email",
    "addresses",
    "scopes",
    "score_threshold",
    "status",
    "given_names",
    "surname",
    "nationality",
    "date_of_birth",
    "gender",
];

#[test]
fn whatever_the_body_the_answer_is_a_json_object_and_never_a_500() {
    let live = Live::start();
    let content_types = select(vec![
        None,
        Some("application/json"),
        Some("application/x-www-form-urlencoded"),
        Some("multipart/form-data; boundary=x"),
        Some("multipart/form-data"),
        Some("text/plain"),
        Some(";"),
    ]);
    let magic = select(vec![None, None, Some("COMPLETED_FOUND"), Some("FAILED")]);
    let requests = (select(&PRODUCTS[..]), content_types, magic, any_body());
    property(600, requests, |(path, content_type, magic, body)| {
        let mut request = live.client.request("POST", path).body(body);
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        if let Some(magic) = magic {
            request = request.header("x-magic-reply", magic);
        }
        let answer = live.ask(request);
        assert!(
            [200, 400, 413, 415].contains(&answer.status),
            "{}",
            answer.status
        );
        assert_envelope(&answer);
    });
}

#[test]
fn whatever_the_authorization_header_holds_a_wrong_one_is_a_401_that_says_what_a_right_one_is() {
    let live = Live::start();
    let headers = prop_oneof![
        header_bytes(),
        header_bytes().prop_map(|bytes| [b"Basic ", bytes.as_slice()].concat()),
        vec(any::<u8>(), 0..90)
            .prop_map(|bytes| format!("Basic {}", STANDARD.encode(bytes)).into_bytes()),
        "[a-z]{0,8}_[a-z]{0,8}_[0-9A-Za-z]{0,90}:{0,2}[a-z]?".prop_map(|key| format!(
            "basic {}",
            STANDARD.encode(key)
        )
        .into_bytes()),
    ];
    property(300, headers, |bytes| {
        let header = HeaderValue::from_bytes(&bytes).expect("header bytes");
        let answer = live.ask(
            live.client
                .bare("POST", INDIVIDUALS)
                .header("authorization", header),
        );
        assert_envelope(&answer);
        assert_eq!(answer.status, 401, "{}", answer.text);
        assert_eq!(answer.json()["error_code"], "INVALID_API_KEY");
        assert_eq!(
            answer.header("www-authenticate"),
            Some(r#"Basic realm="iluma""#)
        );
        assert!(
            answer.message().ends_with(
                "Send `Authorization: Basic ` and the base64 of your API key with a colon behind it, \
                 as `curl -u <API key>:` does."
            ),
            "{}",
            answer.text
        );
    });
}

#[test]
fn whatever_the_magic_header_holds_an_unknown_value_is_refused_and_never_a_silent_default() {
    let live = Live::start();
    property(300, header_bytes(), |bytes| {
        // An empty part between semicolons means nothing.
        let is_nothing = |c: char| c == ';' || c.is_whitespace();
        let asked = String::from_utf8_lossy(&bytes)
            .trim_matches(is_nothing)
            .to_owned();
        let header = HeaderValue::from_bytes(&bytes).expect("header bytes");
        let request = live
            .client
            .request("POST", INDIVIDUALS)
            .header("x-magic-reply", header);
        let answer = live.ask(request);
        assert_envelope(&answer);
        assert_eq!(answer.status, 400, "{}", answer.text);
        if asked.is_empty() {
            assert_eq!(answer.json()["error_code"], "INVALID_JSON_FORMAT");
        } else {
            assert_eq!(answer.json()["error_code"], "API_VALIDATION_ERROR");
            assert_eq!(
                answer.header("x-sandbox-error"),
                Some("unknown x-magic-reply")
            );
        }
    });
}

#[test]
fn a_valid_individual_is_echoed_unchanged_and_read_back_byte_for_byte() {
    let live = Live::start();
    property(250, individual(), |input| {
        let answer = live.post(INDIVIDUALS, &input);
        assert_eq!(answer.status, 200, "{}", answer.text);
        let got = answer.json();
        let mut expected = Map::new();
        for key in INDIVIDUAL_KEYS {
            let sent = input.get(key).filter(|value| !value.is_null()).cloned();
            let value = match key {
                "created" => json!("2026-01-01T00:00:00.000Z"),
                "status" => json!("COMPLETED"),
                "updated" | "id" => got[key].clone(),
                "addresses" => without_nulls(sent.unwrap_or(json!([]))),
                "score_threshold" => sent.unwrap_or(json!(85)),
                _ => sent.unwrap_or(Value::Null),
            };
            expected.insert(key.to_owned(), value);
        }
        expected.insert("results".to_owned(), got["results"].clone());
        assert_eq!(answer.text, Value::Object(expected).to_string());
        assert_eq!(
            shape::of(&got["id"]),
            "cftpi_xxxxxxxx-xxxx-4xxx-vxxx-xxxxxxxxxxxx"
        );
        assert!(got["updated"].as_str() > got["created"].as_str());

        let id = got["id"].as_str().expect("an id");
        let read = live.ask(live.client.request("GET", &format!("{INDIVIDUALS}/{id}")));
        assert_eq!((read.status, read.text), (200, answer.text));
    });
}

#[test]
fn the_same_seed_and_requests_give_the_same_bytes_and_another_seed_gives_other_ids() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime");
    let steps = steps(&[&LASTING[..], &["PENDING_THEN_FAILED"]].concat());
    property(12, (any::<u64>(), steps), |(seed, steps)| {
        runtime.block_on(async {
            let _still = StandingClock::hold();
            let key = key(0);
            let first = play(&seeded(seed).await, &key, &steps).await;
            let again = play(&seeded(seed).await, &key, &steps).await;
            assert_eq!(first, again);
            let other = play(&seeded(seed.wrapping_add(1)).await, &key, &steps).await;
            for (at, step) in steps.iter().enumerate() {
                let (one, two) = (created_id(step, &first[at]), created_id(step, &other[at]));
                assert!(
                    one.is_none() || one != two,
                    "step {at} has the id {one:?} under both seeds"
                );
            }
        });
    });
}

#[test]
fn eight_worlds_at_once_answer_as_they_do_one_after_the_other() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .expect("a runtime");
    // Many threads cannot share a paused clock.
    property(5, steps(&LASTING), |steps| {
        let steps = Arc::new(steps);
        runtime.block_on(async {
            let client = seeded(7).await;
            let mut in_turn = Vec::new();
            for world in 0..8 {
                in_turn.push(play(&client, &key(world), &steps).await);
            }
            let client = Arc::new(seeded(7).await);
            let playing: Vec<_> = (0..8)
                .map(|world| {
                    let (client, steps) = (client.clone(), steps.clone());
                    tokio::spawn(async move { play(&client, &key(world), &steps).await })
                })
                .collect();
            for (world, playing) in playing.into_iter().enumerate() {
                let at_once = playing.await.expect("a world plays to its end");
                assert_eq!(at_once, in_turn[world], "world {world}");
            }
        });
    });
}

#[tokio::test]
async fn equal_requests_get_different_ids_and_each_is_kept() {
    let client = Client::start().await;
    let mut ids = HashSet::new();
    for path in PRODUCTS {
        let mut posted = Vec::new();
        for _ in 0..20 {
            let answer = client.magic(path, "COMPLETED_NOT_FOUND").await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            let id = answer.json()["id"].as_str().expect("an id").to_owned();
            assert!(ids.insert(id.clone()), "{id} comes twice");
            posted.push((id, answer.text));
        }
        for (id, text) in posted {
            assert_eq!(client.get(&format!("{path}/{id}")).await.text, text);
        }
    }
}

#[test]
fn a_form_and_json_and_json_labelled_as_a_form_give_the_same_bytes() {
    let runtime = runtime();
    property(
        15,
        (individual_for_forms(), 0..3_usize),
        |(input, style)| {
            let json = input.to_string();
            let form = form_of(&input, style);
            let form_label = "application/x-www-form-urlencoded";
            let sent = [
                ("application/json", &json),
                ("application/json; charset=utf-8", &json),
                (form_label, &json),
                (form_label, &form),
            ];
            runtime.block_on(async {
                let mut answers = Vec::new();
                for (content_type, body) in sent {
                    answers.push(fresh(INDIVIDUALS, content_type, body).await);
                }
                assert!(answers[0].starts_with("200 "), "{}", answers[0]);
                for (answer, (content_type, body)) in answers.iter().zip(sent) {
                    assert_eq!(*answer, answers[0], "{content_type}: {body}");
                }
            });
        },
    );
}

#[tokio::test]
async fn a_form_of_a_bank_account_gives_the_same_bytes_as_json() {
    let json = r#"{"bank_account_number": "0012345678", "bank_code": "ID_MANDIRI", "reference_id": "a b&c=ü"}"#;
    let form = "bank_account_number=0012345678&bank_code=ID_MANDIRI&reference_id=a+b%26c%3D%C3%BC";
    let by_json = fresh(BANK_ACCOUNTS, "application/json", json).await;
    assert!(
        by_json.contains(r#""bank_account_number":"0012345678","bank_code":"ID_MANDIRI""#),
        "{by_json}"
    );
    assert_eq!(
        fresh(BANK_ACCOUNTS, "application/x-www-form-urlencoded", form).await,
        by_json
    );
}

#[tokio::test]
async fn nulls_defaults_unknown_keys_and_the_order_of_keys_change_nothing() {
    let plain = r#"{"user_id": "u", "given_names": "Eko", "nationality": "ID", "scopes": ["PEP"]}"#;
    let expected = fresh(INDIVIDUALS, "application/json", plain).await;
    assert!(expected.starts_with("200 "), "{expected}");
    let same = [
        r#"{"scopes": ["PEP"], "nationality": "ID", "given_names": "Eko", "user_id": "u"}"#,
        r#"{"user_id": "u", "given_names": "Eko", "nationality": "ID", "scopes": ["PEP"], "score_threshold": 85}"#,
        r#"{"user_id": "u", "given_names": "Eko", "nationality": "ID", "scopes": ["PEP"], "addresses": []}"#,
        r#"{"user_id": "u", "given_names": "Eko", "nationality": "ID", "scopes": ["PEP"], "addresses": null,
            "score_threshold": null, "surname": null, "reference_id": null, "gender": null, "email": null,
            "phone_number": null, "date_of_birth": null}"#,
        r#"{"user_id": "u", "given_names": "Eko", "nationality": "ID", "scopes": ["PEP"], "status": "FAILED",
            "id": "mine", "Surname": "no such key", "results": [1], "": {"a": [null]}}"#,
        r#"{"user_id": 1, "user_id": null, "user_id": "u", "given_names": "Eko", "nationality": "ID",
            "scopes": [], "scopes": ["PEP"]}"#,
    ];
    for body in same {
        assert_eq!(
            fresh(INDIVIDUALS, "application/json", body).await,
            expected,
            "{body}"
        );
    }
}

#[tokio::test]
async fn an_address_is_echoed_without_its_nulls_and_unknown_keys() {
    let client = Client::start().await;
    let body = json!({
        "user_id": "u", "given_names": "Eko", "nationality": "ID", "scopes": ["PEP"],
        "addresses": [{"city": "Bandung", "country": null, "planet": "Earth", "category": "HOME"}, {}],
    });
    let answer = client.post(INDIVIDUALS, &body).await;
    assert_eq!(
        answer.json()["addresses"].to_string(),
        r#"[{"city":"Bandung","category":"HOME"},{}]"#
    );
}

#[tokio::test]
async fn a_required_field_that_is_null_is_missing_and_all_missing_ones_are_named_at_once() {
    let client = Client::start().await;
    let nulls = json!({"scopes": null, "user_id": null, "nationality": null, "given_names": null});
    for body in [json!({}), nulls] {
        let answer = client.post(INDIVIDUALS, &body).await;
        assert_eq!(
            (answer.status, answer.text.as_str()),
            (
                400,
                r#"{"error_code":"API_VALIDATION_ERROR","message":"There was an error with the format submitted to the server.","errors":[{"path":"user_id","message":"is required"},{"path":"given_names","message":"is required"},{"path":"nationality","message":"is required"},{"path":"scopes","message":"is required"}]}"#
            )
        );
    }
}

#[tokio::test]
async fn of_a_duplicate_key_the_last_wins_in_json() {
    let client = Client::start().await;
    let body = r#"{"bank_code": "BNI", "bank_account_number": "1", "bank_code": "BCA"}"#;
    let request = client
        .request("POST", BANK_ACCOUNTS)
        .header("content-type", "application/json");
    let answer = Answer::of(request.body(body)).await;
    assert_eq!(answer.json()["bank_code"], "BCA");
}

#[tokio::test]
async fn no_body_without_a_magic_header_is_no_json_on_every_product() {
    let client = Client::start().await;
    for path in PRODUCTS {
        for request in [
            client.request("POST", path),
            client.request("POST", path).body(""),
        ] {
            let answer = Answer::of(request).await;
            assert_eq!(
                (answer.status, &answer.json()["error_code"]),
                (400, &json!("INVALID_JSON_FORMAT")),
                "{path}"
            );
        }
    }
}

#[tokio::test]
async fn an_account_belongs_to_the_same_person_for_every_key_and_with_or_without_a_country() {
    let client = Client::start().await;
    let mut holders = HashSet::new();
    for world in 0..3 {
        for bank_code in ["BRI", "ID_BRI"] {
            let body = json!({"bank_account_number": "77001234", "bank_code": bank_code});
            let request = client
                .as_key(&key(world), "POST", BANK_ACCOUNTS)
                .json(&body);
            let answer = Answer::of(request).await.json();
            assert_eq!(answer["bank_code"], bank_code);
            holders.insert(answer["result"].to_string());
        }
    }
    assert_eq!(holders.len(), 1, "{holders:?}");
}

// Running properties.

/// A sandbox and a client for tests that are not asynchronous themselves.
struct Live {
    runtime: Runtime,
    client: Client,
}

impl Live {
    fn start() -> Self {
        let runtime = runtime();
        let client = runtime.block_on(Client::start());
        Self { runtime, client }
    }

    fn ask(&self, request: RequestBuilder) -> Answer {
        self.runtime.block_on(Answer::of(request))
    }

    fn post(&self, path: &str, body: &Value) -> Answer {
        self.runtime.block_on(self.client.post(path, body))
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

/// Checks a property for this many drawn inputs. Panics with the smallest input for which it fails.
fn property<S: Strategy>(cases: u32, inputs: S, holds: impl Fn(S::Value)) {
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(&inputs, |input| {
        holds(input);
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

fn assert_envelope(answer: &Answer) {
    assert_eq!(
        answer.header("content-type"),
        Some("application/json; charset=utf-8")
    );
    let body = answer.json();
    let body = body.as_object().expect("an answer is an object");
    if answer.status == 200 {
        assert!(body["id"].is_string(), "{}", answer.text);
        return;
    }
    let keys: Vec<_> = body.keys().map(String::as_str).collect();
    assert!(
        body["error_code"].is_string() && body["message"].is_string(),
        "{}",
        answer.text
    );
    match body.get("errors") {
        None => assert_eq!(keys, ["error_code", "message"]),
        Some(errors) => {
            assert_eq!(keys, ["error_code", "message", "errors"]);
            let errors = errors.as_array().expect("errors are a list");
            let paths: HashSet<_> = errors.iter().map(|error| error["path"].as_str()).collect();
            assert_eq!(
                paths.len(),
                errors.len(),
                "one complaint a path: {}",
                answer.text
            );
            assert!(
                errors.iter().all(|error| error["message"].is_string()),
                "{}",
                answer.text
            );
        }
    }
}

fn key(world: usize) -> String {
    format!("iluma_development_{world:0>60}")
}

async fn seeded(seed: u64) -> Client {
    Client::of(Sandbox::builder().seed(seed)).await
}

/// Status and body of the first answer of a fresh sandbox.
async fn fresh(path: &str, content_type: &str, body: &str) -> String {
    let client = Client::start().await;
    let request = client
        .request("POST", path)
        .header("content-type", content_type);
    let answer = Answer::of(request.body(body.to_owned())).await;
    format!("{} {}", answer.status, answer.text)
}

// Sequences of requests.

#[derive(Clone, Debug)]
enum Step {
    Post(&'static str, Value),
    Magic(&'static str, &'static str),
    IdCard {
        nik: String,
        name: String,
        shade: u8,
    },
    Listing(&'static str),
    /// Reads the record of an earlier step by its id, on the path of that step.
    ReadBack(prop::sample::Index),
}

/// Outcomes whose records never change.
const LASTING: [&str; 4] = [
    "COMPLETED_FOUND",
    "COMPLETED_NOT_FOUND",
    "RATE_LIMIT_EXCEEDED",
    "NO_SUCH_OUTCOME",
];

fn steps(outcomes: &[&'static str]) -> impl Strategy<Value = Vec<Step>> + use<> {
    let names = select(vec![
        "intel",
        "PT Samudra Lintang Kelawa",
        "IBM",
        "Brennwalder",
    ]);
    let entities = (names, 50..=100_u8).prop_map(|(name, score_threshold)| {
        let body = json!({
            "user_id": "u", "name": name, "business_domicile": "US", "scopes": ["PEP", "OTHER", "SANCTION"],
            "score_threshold": score_threshold,
        });
        Step::Post(ENTITIES, body)
    });
    let accounts = (
        "[0-9]{1,3}",
        select(vec!["BCA", "ID_BCA", "BRI", "NO_SUCH_BANK"]),
    )
        .prop_map(|(number, bank)| {
            Step::Post(
                BANK_ACCOUNTS,
                json!({"bank_account_number": number, "bank_code": bank}),
            )
        });
    let outcomes = select(outcomes.to_vec());
    let id_cards = ("32750312109300(27|21|99)", "[a-z]{1,3}", any::<u8>());
    let step = prop_oneof![
        2 => individual().prop_map(|body| Step::Post(INDIVIDUALS, body)),
        2 => entities,
        2 => accounts,
        3 => (select(&PRODUCTS[..]), outcomes).prop_map(|(path, outcome)| Step::Magic(path, outcome)),
        1 => id_cards.prop_map(|(nik, name, shade)| Step::IdCard { nik, name, shade }),
        1 => select(vec!["ed84802c-d73d-4d22-8897-5bc771709073", "nonsense"]).prop_map(Step::Listing),
        3 => any::<prop::sample::Index>().prop_map(Step::ReadBack),
    ];
    vec(step, 5..20)
}

/// Every answer as text: status, outcome, body.
async fn play(client: &Client, key: &str, steps: &[Step]) -> Vec<String> {
    let mut answers: Vec<String> = Vec::new();
    for step in steps {
        let request = match step {
            Step::Post(path, body) => client.as_key(key, "POST", path).json(body),
            Step::Magic(path, outcome) => client
                .as_key(key, "POST", path)
                .header("x-magic-reply", *outcome),
            Step::IdCard { nik, name, shade } => {
                let mut selfie = png(600, 600, 204_800);
                selfie.push(*shade);
                let form = Form::new()
                    .text("id_card_number", nik.clone())
                    .text("name", name.clone())
                    .part("selfie", Part::bytes(selfie).file_name("selfie.png"));
                client.as_key(key, "POST", ID_CARDS).multipart(form)
            }
            Step::Listing(id) => {
                client.as_key(key, "GET", &format!("/v0/identity/cft_pep_listings/{id}"))
            }
            Step::ReadBack(index) => {
                let earlier = (!answers.is_empty()).then(|| index.index(answers.len()));
                let read = earlier.and_then(|at| {
                    Some((steps[at].path()?, created_id(&steps[at], &answers[at])?))
                });
                let path = read.map_or(format!("{INDIVIDUALS}/none"), |(path, id)| {
                    format!("{path}/{id}")
                });
                client.as_key(key, "GET", &path)
            }
        };
        let answer = Answer::of(request).await;
        let outcome = answer.header("x-sandbox-outcome").unwrap_or("none");
        answers.push(format!("{} {outcome}\n{}", answer.status, answer.text));
    }
    answers
}

impl Step {
    fn path(&self) -> Option<&'static str> {
        match self {
            Self::Post(path, _) | Self::Magic(path, _) => Some(path),
            Self::IdCard { .. } => Some(ID_CARDS),
            Self::Listing(_) | Self::ReadBack(_) => None,
        }
    }
}

/// The id of the record that a step made, if it made one.
fn created_id(step: &Step, answer: &str) -> Option<String> {
    step.path()?;
    let (head, body) = answer.split_once('\n')?;
    let body: Value = serde_json::from_str(body).ok()?;
    let id = body["id"].as_str()?;
    head.starts_with("200 ").then(|| id.to_owned())
}

// Drawn inputs.

fn text(chars: std::ops::Range<usize>) -> impl Strategy<Value = String> + Clone {
    vec(any::<char>(), chars).prop_map(String::from_iter)
}

/// A valid search for an individual. Optional fields are present, missing or null.
fn individual() -> impl Strategy<Value = Value> {
    let maybe_null = |value: BoxedStrategy<Value>| {
        prop_oneof![Just(None), Just(Some(Value::Null)), value.prop_map(Some)].boxed()
    };
    individual_of(maybe_null, 0)
}

/// A search that a form can express: forms have no null and no empty object.
fn individual_for_forms() -> impl Strategy<Value = Value> {
    let maybe = |value: BoxedStrategy<Value>| prop_oneof![Just(None), value.prop_map(Some)].boxed();
    individual_of(maybe, 1)
}

/// `addresses_min` is also the minimum number of fields of an address.
fn individual_of(
    optional: impl Fn(BoxedStrategy<Value>) -> BoxedStrategy<Option<Value>>,
    addresses_min: usize,
) -> impl Strategy<Value = Value> {
    let json_text = |chars| text(chars).prop_map(Value::from).boxed();
    let pattern = |pattern: &'static str| pattern.prop_map(Value::from).boxed();
    let countries = || {
        select(vec!["ID", "US", "DE", "CN", "BR", "ZW", "MY"])
            .prop_map(Value::from)
            .boxed()
    };
    let date = (1900..2030_u16, 1..=12_u8, 1..=28_u8)
        .prop_map(|(year, month, day)| json!(format!("{year}-{month:02}-{day:02}")));
    let scopes = subsequence(vec!["PEP", "SANCTION", "OTHER"], 1..=3).prop_shuffle();
    let address = (
        countries(),
        optional(json_text(0..20)),
        optional(json_text(0..20)),
        optional(
            select(vec!["HOME", "WORK", "PROVINCIAL"])
                .prop_map(Value::from)
                .boxed(),
        ),
        optional(countries()),
    )
        .prop_map(move |(always, line, city, category, country)| {
            let state = (addresses_min > 0).then_some(always);
            fields([
                ("state", state),
                ("street_line1", line),
                ("city", city),
                ("category", category),
                ("country", country),
            ])
        });
    let addresses = vec(address, addresses_min..3).prop_map(Value::from).boxed();
    let required = (json_text(1..20), json_text(1..20), countries(), scopes);
    let optional_fields = (
        optional(json_text(0..20)),
        optional(json_text(0..20)),
        optional(addresses),
        optional(date.boxed()),
        optional(pattern("\\+[1-9][0-9]{6,13}")),
        optional(pattern(
            "[a-z]{1,10}(\\.[a-z]{1,5})?@[a-z]{1,10}\\.(com|co\\.id)",
        )),
        optional(
            select(vec!["FEMALE", "MALE", "OTHER"])
                .prop_map(Value::from)
                .boxed(),
        ),
        optional((50..=100_u8).prop_map(Value::from).boxed()),
    );
    (required, optional_fields).prop_map(|(required, optional)| {
        fields([
            ("gender", optional.6),
            ("user_id", Some(required.0)),
            ("given_names", Some(required.1)),
            ("score_threshold", optional.7),
            ("reference_id", optional.0),
            ("surname", optional.1),
            ("scopes", Some(json!(required.3))),
            ("addresses", optional.2),
            ("date_of_birth", optional.3),
            ("nationality", Some(required.2)),
            ("phone_number", optional.4),
            ("email", optional.5),
        ])
    })
}

fn fields<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let present = fields
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(present.collect())
}

fn without_nulls(mut addresses: Value) -> Value {
    for address in addresses.as_array_mut().expect("a list") {
        address
            .as_object_mut()
            .expect("an object")
            .retain(|_, value| !value.is_null());
    }
    addresses
}

/// The three ways to write a list in a form: `a=`, `a[]=` and `a[0]=`.
fn form_of(input: &Value, style: usize) -> String {
    let plain = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in input.as_object().expect("an object") {
        let Value::Array(items) = value else {
            form.append_pair(name, &plain(value));
            continue;
        };
        for (at, item) in items.iter().enumerate() {
            if let Value::Object(fields) = item {
                for (field, value) in fields {
                    form.append_pair(&format!("{name}[{at}][{field}]"), &plain(value));
                }
                continue;
            }
            let key = match style {
                0 => name.clone(),
                1 => format!("{name}[]"),
                _ => format!("{name}[{at}]"),
            };
            form.append_pair(&key, &plain(item));
        }
    }
    form.finish()
}

/// Bytes that HTTP allows in a header: no control characters except the tab.
fn header_bytes() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![0x20..0x7f_u8, Just(b'\t'), 0x80..=0xff_u8];
    vec(byte, 0..120)
}

/// Bytes of every kind: noise, and bytes that are almost JSON, a form, or multipart with the boundary `x`.
fn any_body() -> impl Strategy<Value = Vec<u8>> {
    let nearly_form = "([a-z_]{0,10}|scopes|addresses)(\\[[0-9a-z]{0,3}\\]){0,3}=[a-z0-9%+]{0,9}";
    let pieces = select(vec![
        "--x",
        "--x--",
        "\r\n",
        "\r\n\r\n",
        "Content-Disposition: form-data; name=\"selfie\"",
        "Content-Disposition: form-data; name=name",
        "; filename=\"a.png\"",
        "Content-Type: image/png",
        "\u{89}PNG\r\n\u{1a}\n",
        "\0",
        "value",
    ]);
    prop_oneof![
        vec(any::<u8>(), 0..300),
        any_json().prop_map(|json| json.to_string().into_bytes()),
        (any_json(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(json, index, byte)| {
            let mut text = json.to_string().into_bytes();
            let at = index.index(text.len());
            text[at] = byte;
            text
        }),
        vec(nearly_form, 0..8).prop_map(|pairs| pairs.join("&").into_bytes()),
        vec(pieces, 0..20).prop_map(|pieces| pieces.concat().into_bytes()),
    ]
}

/// An object whose keys are mostly those of requests, with values of any type.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text(0..12).prop_map(Value::from),
        select(vec![
            "ID",
            "PEP",
            "BCA",
            "HOME",
            "1990-01-01",
            "12-10-1990",
            "+6281"
        ])
        .prop_map(Value::from),
    ];
    let names = prop_oneof![
        8 => select(vec![
            "reference_id", "user_id", "given_names", "surname", "nationality", "scopes", "addresses",
            "date_of_birth", "phone_number", "email", "gender", "score_threshold", "name",
            "business_domicile", "date_of_registration", "bank_account_number", "bank_code", "country",
            "city", "category", "selfie", "id_card_number",
        ])
        .prop_map(str::to_owned),
        1 => text(0..5),
    ];
    let value = leaf.prop_recursive(4, 40, 6, {
        let names = names.clone();
        move |inner| {
            prop_oneof![
                vec(inner.clone(), 0..5).prop_map(Value::from),
                vec((names.clone(), inner), 0..5)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        }
    });
    vec((names, value), 0..10).prop_map(|fields| Value::Object(fields.into_iter().collect()))
}

/// Removes what is measured from a reply of the control API.
fn without_measurements(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(without_measurements),
        Value::Object(map) => {
            let is_exchange = map.contains_key("trace");
            for name in [
                "duration_ms",
                "duration_us",
                "last_reload_ms_ago",
                "idle_ms",
            ] {
                map.remove(name);
            }
            map.remove("sent_at");
            if is_exchange {
                map.remove("at");
            }
            map.values_mut().for_each(without_measurements);
        }
        _ => {}
    }
}

#[tokio::test]
async fn two_runs_get_the_same_replies_of_the_control_api_except_for_what_is_measured() {
    let run = async || {
        let url = "http://127.0.0.1:1/".parse().expect("a URL"); // nobody listens there
        let builder = Sandbox::builder().callback("NAME_VALIDATOR_REQUEST", url);
        let client = Client::of(builder).await;
        let port = client.sandbox.address().port().to_string();
        client
            .magic(BANK_ACCOUNTS, "PENDING_THEN_COMPLETED_FOUND")
            .await;
        let by = json!({"by": "1h"});
        let mut replies = vec![client.post("/__sandbox/clock/advance", &by).await.json()];
        for path in [
            "deliveries",
            "requests",
            "worlds",
            "coverage",
            "clock",
            "faults",
            "readyz",
        ] {
            replies.push(client.get(&format!("/__sandbox/{path}")).await.json());
        }
        replies.iter_mut().for_each(without_measurements);
        let texts = replies.into_iter();
        let texts = texts.map(|reply| reply.to_string().replace(&port, "PORT"));
        texts.collect::<Vec<_>>()
    };
    let (first, second) = (run().await, run().await);
    assert!(first[0].contains("attempts"), "{}", first[0]);
    for (at, (one, other)) in first.iter().zip(&second).enumerate() {
        assert!(one == other, "reply {at} differs");
    }
}
