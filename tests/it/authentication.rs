//! Authentication: the Authorization header, the form of keys, one-time tokens, and the order of checks.

use iluma_sandbox::{ApiKey, PUBLIC_KEY, Sandbox};
use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::raw::{ask, basic, request_as};

const INDIVIDUALS: &str = "/v0/identity/individual_cft_peps";
const TOKEN_ROUTE: &str = "/v1/callback/authentication_tokens";
const RIGHT: &str = "Send `Authorization: Basic ` and the base64 of your API key with a colon behind it, \
                     as `curl -u <API key>:` does.";

/// A well-formed key with a secret of this length.
fn key(prefix: &str, secret_chars: usize) -> String {
    format!("{prefix}{}", "k".repeat(secret_chars))
}

async fn with_header(client: &Client, header: &[u8]) -> Answer {
    let header = reqwest::header::HeaderValue::from_bytes(header).expect("a header");
    Answer::of(
        client
            .bare("GET", TOKEN_ROUTE)
            .header("authorization", header),
    )
    .await
}

async fn with_key(client: &Client, key: &str) -> Answer {
    with_header(client, basic(key).as_bytes()).await
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn assert_refused(answer: &Answer, reason: &str) {
    let body = json!({"error_code": "INVALID_API_KEY", "message": reason}).to_string();
    assert_eq!((answer.status, answer.text.as_str()), (401, body.as_str()));
    assert_eq!(
        answer.header("www-authenticate"),
        Some("Basic realm=\"iluma\"")
    );
    assert_eq!(
        answer.header("content-type"),
        Some("application/json; charset=utf-8")
    );
}

#[tokio::test]
async fn a_request_without_the_header_is_told_how_it_looks() {
    let client = Client::start().await;
    let answer = Answer::of(client.bare("GET", TOKEN_ROUTE)).await;
    assert_refused(
        &answer,
        &format!("There is no Authorization header. {RIGHT}"),
    );
}

#[tokio::test]
async fn every_wrong_header_is_told_what_is_wrong() {
    let client = Client::start().await;
    let bare = PUBLIC_KEY;
    let good = basic(PUBLIC_KEY);
    let not_basic = "The Authorization header does not use the Basic scheme.";
    let not_base64 = "What follows Basic is not base64.";
    let no_prefix = "The API key is not well-formed: an API key begins with `iluma_development_`, \
                     `iluma_live_` or `iluma_production_`.";
    let line_break = "The password is a line break, as `echo` writes one: write `printf '%s:' \"$KEY\" | base64 -w 0`.";
    let utf_16: Vec<u8> = format!("{bare}:")
        .bytes()
        .flat_map(|byte| [byte, 0])
        .collect();
    let wrapped = base64(format!("{bare}:").as_bytes());
    let wrong: Vec<(String, &str)> = vec![
        (String::new(), not_basic),
        (bare.to_owned(), not_basic),
        (format!("Bearer {bare}"), not_basic),
        (format!("Digest {bare}"), not_basic),
        (good.replace("Basic ", "Basic"), not_basic),
        (good.replace("Basic ", "Basic:"), not_basic),
        (
            format!("Basic {bare}"),
            "The API key is not encoded: it stands behind Basic as it is.",
        ),
        ("Basic [object Promise]".to_owned(), not_base64),
        ("Basic undefined".to_owned(), not_base64),
        (format!("Basic {bare}:"), not_base64),
        (good.trim_end_matches('=').to_owned() + "!", not_base64),
        (format!("{good}, {good}"), not_base64),
        (
            format!("Basic {}", base64(b"\xff\xfe:")),
            "What follows Basic does not decode to text.",
        ),
        (
            "Basic".to_owned(),
            "The decoded credentials have no colon behind the API key.",
        ),
        (
            "Basic  ".to_owned(),
            "The decoded credentials have no colon behind the API key.",
        ),
        (
            format!("Basic {}", base64(bare.as_bytes())),
            "The decoded credentials have no colon behind the API key.",
        ),
        (
            format!("Basic {}", base64(format!("{bare}:secret").as_bytes())),
            "The password is not empty.",
        ),
        (
            format!("Basic {}", base64(format!("{bare}::").as_bytes())),
            "The password is not empty.",
        ),
        (
            format!("Basic {}", base64(format!("{bare}: ").as_bytes())),
            "The password is not empty.",
        ),
        (
            format!("Basic {}", base64(format!(":{bare}").as_bytes())),
            "The API key is the password: send it as the user name.",
        ),
        (
            format!("Basic {}", base64(format!("{bare}:\n").as_bytes())),
            line_break,
        ),
        (
            format!("Basic {}", base64(format!("{bare}:\r\n").as_bytes())),
            line_break,
        ),
        (
            format!("Basic {}", base64(format!("{bare}\n:").as_bytes())),
            "The API key ends with a line break: remove it before the colon is added.",
        ),
        (
            format!("Basic {}", base64(format!("{bare}:secret\n").as_bytes())),
            "The password is not empty.",
        ),
        (
            format!("Basic {}", base64(&utf_16)),
            "What follows Basic was encoded from UTF-16: encode it from UTF-8.",
        ),
        (
            format!("Basic {} {}", &wrapped[..76], &wrapped[76..]),
            "What follows Basic has a blank in it: `base64` breaks long lines, so write `base64 -w 0`.",
        ),
        (basic(""), no_prefix),
        (
            basic("xnd_development_abcdefghijklmnopqrstuvwxyzabcdef"),
            no_prefix,
        ),
        (basic(&key("Iluma_development_", 60)), no_prefix),
        (basic(&format!(" {bare}")), no_prefix),
    ];
    for (header, reason) in wrong {
        assert_refused(
            &with_header(&client, header.as_bytes()).await,
            &format!("{reason} {RIGHT}"),
        );
    }
}

#[tokio::test]
async fn a_header_that_is_no_plain_text_is_refused() {
    let client = Client::start().await;
    let answer = with_header(&client, b"Basic \xff\xe9").await;
    assert_refused(
        &answer,
        &format!("The Authorization header is not plain text. {RIGHT}"),
    );
}

#[tokio::test]
async fn the_scheme_may_be_written_in_any_letter_case_and_with_blanks_around() {
    let client = Client::start().await;
    let credentials = base64(format!("{PUBLIC_KEY}:").as_bytes());
    for header in [
        format!("basic {credentials}"),
        format!("BASIC   {credentials}  "),
    ] {
        let answer = with_header(&client, header.as_bytes()).await;
        assert_eq!(answer.status, 200, "{header}: {}", answer.text);
    }
}

#[tokio::test]
async fn keys_of_every_environment_and_length_are_let_in() {
    let client = Client::start().await;
    for prefix in ["iluma_development_", "iluma_live_", "iluma_production_"] {
        for chars in [30, 31, 59, 63, 79, 80] {
            let answer = with_key(&client, &key(prefix, chars)).await;
            assert_eq!(answer.status, 200, "{prefix} {chars}: {}", answer.text);
        }
    }
    let answer = with_key(
        &client,
        "iluma_development_azAZ09/=+azAZ09/=+azAZ09/=+azAZ09/=+",
    )
    .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test]
async fn keys_of_another_length_or_alphabet_are_refused() {
    let client = Client::start().await;
    let thirty = "k".repeat(30);
    let mut wrong: Vec<_> = [0, 1, 29, 81, 300]
        .map(|chars| key("iluma_development_", chars))
        .into();
    wrong.extend(
        ["-", "_", " ", "\0", "é", "…", "%41"].map(|char| format!("iluma_live_{thirty}{char}")),
    );
    for key in wrong {
        assert_refused(
            &with_key(&client, &key).await,
            &format!(
                "The API key is not well-formed: after its beginning an API key has 30 to 80 letters, \
                 digits, `/`, `=` or `+`. {RIGHT}"
            ),
        );
    }
}

#[tokio::test]
async fn credentials_longer_than_any_key_are_refused() {
    let client = Client::start().await;
    for chars in [600, 5000, 40_000] {
        let answer = with_key(&client, &key("iluma_development_", chars)).await;
        assert_refused(
            &answer,
            &format!("What follows Basic is longer than any API key. {RIGHT}"),
        );
    }
}

#[tokio::test]
async fn a_refusal_never_repeats_what_was_sent() {
    let client = Client::start().await;
    let secret = "S3cretS3cret";
    for header in [
        format!("Bearer {secret}"),
        format!("Basic {secret}"),
        basic(secret),
        format!(
            "Basic {}",
            base64(format!("{PUBLIC_KEY}:{secret}").as_bytes())
        ),
        basic(&format!("iluma_live_{secret}")),
    ] {
        let answer = with_header(&client, header.as_bytes()).await;
        assert_eq!(answer.status, 401);
        assert!(!answer.text.contains(secret), "{}", answer.text);
    }
}

#[tokio::test]
async fn a_key_of_the_live_environment_is_warned_about() {
    let client = Client::start().await;
    let warning = Some("a key of the live environment was sent to a sandbox");
    for prefix in ["iluma_live_", "iluma_production_"] {
        assert_eq!(
            with_key(&client, &key(prefix, 60))
                .await
                .header("x-sandbox-warning"),
            warning
        );
        let refused = client
            .bare("POST", INDIVIDUALS)
            .basic_auth(key(prefix, 60), Some(""))
            .body("{");
        let refused = Answer::of(refused).await;
        assert_eq!(
            (refused.status, refused.header("x-sandbox-warning")),
            (400, warning)
        );
    }
    assert_eq!(
        with_key(&client, PUBLIC_KEY)
            .await
            .header("x-sandbox-warning"),
        None
    );
}

#[tokio::test]
async fn the_journal_keeps_no_key() {
    let client = Client::start().await;
    let live = key("iluma_live_", 60);
    assert_eq!(with_key(&client, &live).await.status, 200);
    let journal = client.sandbox.world_of(&live).requests();
    assert_eq!(journal.len(), 1);
    assert!(
        journal[0].head.contains("\nauthorization: …"),
        "{}",
        journal[0].head
    );
    let shown = format!("{journal:?}");
    assert!(
        !shown.contains(&live) && !shown.contains(&basic(&live)),
        "{shown}"
    );
}

#[test]
fn a_key_shows_no_more_than_its_beginning() {
    let shown = |key: &str| {
        let key: ApiKey = key.parse().expect("a key");
        (format!("{key:?}"), key.to_string())
    };
    assert_eq!(
        shown(PUBLIC_KEY),
        (
            "iluma_development_…".to_owned(),
            "iluma_development_…".to_owned()
        )
    );
    assert_eq!(
        shown(&key("iluma_live_", 60)),
        ("iluma_live_…".to_owned(), "iluma_live_…".to_owned())
    );
}

#[tokio::test]
async fn an_unknown_route_comes_before_a_missing_key() {
    let client = Client::start().await;
    for (method, path) in [
        ("GET", "/v0/identity/nothing"),
        ("DELETE", INDIVIDUALS),
        ("GET", INDIVIDUALS),
    ] {
        let answer = Answer::of(client.bare(method, path)).await;
        assert_eq!(
            (answer.status, &answer.json()["error_code"]),
            (404, &json!("NOT_FOUND")),
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn a_missing_key_comes_before_a_body_that_is_too_large() {
    let client = Client::start().await;
    let answer = Answer::of(
        client
            .bare("POST", INDIVIDUALS)
            .body(vec![b' '; (1 << 20) + 1]),
    )
    .await;
    assert_refused(
        &answer,
        &format!("There is no Authorization header. {RIGHT}"),
    );
}

#[tokio::test]
async fn a_missing_key_comes_before_every_bad_body_and_header() {
    let client = Client::start().await;
    for (name, value, body) in [
        ("content-type", "application/json", "{"),
        ("content-type", "text/plain", "hello"),
        ("content-type", "multipart/form-data", "no boundary"),
        ("content-encoding", "gzip", "zipped"),
        ("x-magic-reply", "NO_SUCH_VALUE", "{}"),
        ("x-magic-reply", "RATE_LIMIT_EXCEEDED", ""),
    ] {
        let answer = Answer::of(
            client
                .bare("POST", INDIVIDUALS)
                .header(name, value)
                .body(body),
        )
        .await;
        assert_refused(
            &answer,
            &format!("There is no Authorization header. {RIGHT}"),
        );
    }
}

#[tokio::test]
async fn an_unknown_magic_value_comes_before_every_bad_body() {
    let client = Client::start().await;
    for body in [vec![], b"{".to_vec(), vec![b' '; (1 << 20) + 1]] {
        let request = client
            .request("POST", INDIVIDUALS)
            .header("x-magic-reply", "COMPLETED_FOUNT")
            .body(body);
        let answer = Answer::of(request).await;
        assert_eq!(
            (answer.status, answer.header("x-sandbox-error")),
            (400, Some("unknown x-magic-reply"))
        );
        let start = "`COMPLETED_FOUNT` is no x-magic-reply of this endpoint. Did you mean `COMPLETED_FOUND`? It knows ";
        assert!(answer.message().starts_with(start), "{}", answer.text);
    }
}

#[tokio::test]
async fn an_error_that_is_asked_for_ignores_the_body() {
    let client = Client::start().await;
    for (content_type, body) in [
        ("application/json", b"{".to_vec()),
        ("application/json", vec![b' '; (1 << 20) + 1]),
        ("text/plain", b"hello".to_vec()),
        ("multipart/form-data", b"no boundary".to_vec()),
    ] {
        let request = client
            .request("POST", INDIVIDUALS)
            .header("x-magic-reply", "rate_limit_exceeded")
            .header("content-type", content_type)
            .body(body);
        let answer = Answer::of(request).await;
        assert_eq!(
            (answer.status, answer.header("retry-after")),
            (429, Some("1")),
            "{}",
            answer.text
        );
    }
}

#[tokio::test]
async fn a_magic_value_that_is_no_error_still_minds_the_body() {
    let client = Client::start().await;
    let request = client
        .request("POST", INDIVIDUALS)
        .header("x-magic-reply", "COMPLETED_FOUND");
    let answer = Answer::of(request.body(vec![b' '; (1 << 20) + 1])).await;
    assert_eq!(
        (answer.status, &answer.json()["error_code"]),
        (413, &json!("REQUEST_TOO_LARGE"))
    );
}

#[tokio::test]
async fn only_the_keys_that_were_named_are_let_in() {
    let (ours, also_ours) = (key("iluma_development_", 40), key("iluma_live_", 40));
    let builder = Sandbox::builder();
    let builder = builder
        .api_key(ours.parse().expect("a key"))
        .api_key(also_ours.parse().expect("a key"));
    let client = Client::of(builder).await;
    assert_eq!(client.sandbox.api_key(), ours);
    assert_eq!(with_key(&client, &ours).await.status, 200);
    assert_eq!(with_key(&client, &also_ours).await.status, 200);
    for other in [PUBLIC_KEY, &key("iluma_development_", 41)] {
        assert_refused(
            &with_key(&client, other).await,
            "This sandbox was started for other API keys than the one that was sent.",
        );
    }
}

#[tokio::test]
async fn the_key_of_the_documentation_is_let_in_unless_others_are_named() {
    let client = Client::start().await;
    assert_eq!(client.sandbox.api_key(), PUBLIC_KEY);
    assert_eq!(with_key(&client, PUBLIC_KEY).await.status, 200);
}

async fn hand_out(client: &Client, business: &str, token: &str) -> Answer {
    Answer::of(client.bare(
        "GET",
        &format!("/businesses/{business}/api_keys?token={token}"),
    ))
    .await
}

/// The keys of both environments, test first.
fn handed_out(answer: &Answer) -> [String; 2] {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let json = answer.json();
    let key = |at: usize| {
        json["api_keys"][at]["api_key"]
            .as_str()
            .expect("a key")
            .to_owned()
    };
    [key(0), key(1)]
}

#[tokio::test]
async fn a_one_time_token_buys_a_key_for_each_environment() {
    let client = Client::start().await;
    let answer = hand_out(&client, "5f1a2b", "t1").await;
    let [test, live] = handed_out(&answer);
    assert_eq!(
        answer.text,
        format!(
            r#"{{"business_id":"5f1a2b","api_keys":[{{"environment":"TEST","api_key":"{test}"}},{{"environment":"LIVE","api_key":"{live}"}}]}}"#
        )
    );
    assert!(test.starts_with("iluma_development_") && live.starts_with("iluma_live_"));
    assert_eq!(with_key(&client, &test).await.status, 200);
    assert_eq!(with_key(&client, &live).await.status, 200);
}

#[tokio::test]
async fn a_token_works_once_for_a_business() {
    let client = Client::start().await;
    let first = hand_out(&client, "b1", "t1").await;
    for _ in 0..2 {
        let again = hand_out(&client, "b1", "t1").await;
        let body = json!({
            "error_code": "TOKEN_ALREADY_USED_ERROR",
            "message": "This token has been used before. A token works once: keep the API keys that it gave you.",
        });
        assert_eq!((again.status, again.text), (403, body.to_string()));
    }
    let other_token = hand_out(&client, "b1", "t2").await;
    assert_eq!((other_token.status, other_token.text), (200, first.text));
    assert_eq!(hand_out(&client, "b2", "t1").await.status, 200);
}

#[tokio::test]
async fn a_missing_or_empty_token_is_refused() {
    let client = Client::start().await;
    for query in ["", "?", "?token", "?token=", "?Token=t1", "?token=&token="] {
        let answer =
            Answer::of(client.bare("GET", &format!("/businesses/b1/api_keys{query}"))).await;
        let body = json!({
            "error_code": "API_VALIDATION_ERROR",
            "message": "There was an error with the format submitted to the server.",
            "errors": [{"path": "token", "message": "is required"}],
        });
        assert_eq!(
            (answer.status, answer.text),
            (400, body.to_string()),
            "{query}"
        );
    }
    assert_eq!(
        hand_out(&client, "b1", "t1").await.status,
        200,
        "nothing of this used a token up"
    );
}

#[tokio::test]
async fn keys_depend_on_the_business_and_the_seed_alone() {
    let keys = async |seed, business, token| {
        let client = Client::of(Sandbox::builder().seed(seed)).await;
        handed_out(&hand_out(&client, business, token).await)
    };
    let first = keys(1, "b1", "t1").await;
    assert_eq!(keys(1, "b1", "t2").await, first);
    assert_ne!(keys(1, "b2", "t1").await, first);
    assert_ne!(keys(2, "b1", "t1").await, first);
}

#[tokio::test]
async fn keys_that_were_handed_out_are_let_in_even_when_only_some_are_allowed() {
    let only = key("iluma_development_", 40);
    let client = Client::of(Sandbox::builder().api_key(only.parse().expect("a key"))).await;
    let elsewhere = Client::start().await;
    let [test, live] = handed_out(&hand_out(&elsewhere, "b1", "t1").await);
    assert_eq!(
        with_key(&client, &test).await.status,
        401,
        "not handed out here yet"
    );
    assert_eq!(
        handed_out(&hand_out(&client, "b1", "t1").await),
        [test.clone(), live.clone()]
    );
    assert_eq!(with_key(&client, &test).await.status, 200);
    assert_eq!(with_key(&client, &live).await.status, 200);
    assert_eq!(with_key(&client, PUBLIC_KEY).await.status, 401);
}

#[tokio::test]
async fn the_callback_token_is_64_hex_digits_and_stays_the_same() {
    let client = Client::start().await;
    let answer = client.get(TOKEN_ROUTE).await;
    let token = client.sandbox.callback_token();
    assert_eq!(
        answer.text,
        format!(r#"{{"callback_authentication_token":"{token}"}}"#)
    );
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    assert!(token.len() == 64 && token.bytes().all(is_hex), "{token}");
    assert_eq!(client.get(TOKEN_ROUTE).await.text, answer.text);
    assert_eq!(
        Client::start().await.get(TOKEN_ROUTE).await.text,
        answer.text
    );
}

#[tokio::test]
async fn every_key_and_every_seed_has_a_callback_token_of_its_own() {
    let client = Client::start().await;
    let mut tokens: Vec<Value> = Vec::new();
    for key in [
        PUBLIC_KEY,
        &key("iluma_development_", 30),
        &key("iluma_live_", 30),
        &key("iluma_live_", 31),
    ] {
        tokens.push(with_key(&client, key).await.json()["callback_authentication_token"].take());
    }
    let seeded = Client::of(Sandbox::builder().seed(1)).await;
    tokens.push(seeded.get(TOKEN_ROUTE).await.json()["callback_authentication_token"].take());
    let texts: std::collections::HashSet<_> = tokens
        .iter()
        .map(|token| token.as_str().expect("a token"))
        .collect();
    assert_eq!(texts.len(), 5);
}

#[tokio::test]
async fn a_record_is_seen_by_its_own_key_alone() {
    let client = Client::start().await;
    let made = client.magic(INDIVIDUALS, "COMPLETED_NOT_FOUND").await;
    let id = made.json()["id"].as_str().expect("an id").to_owned();
    let path = format!("{INDIVIDUALS}/{id}");
    assert_eq!(client.get(&path).await.text, made.text);
    let other = client
        .bare("GET", &path)
        .basic_auth(key("iluma_development_", 60), Some(""));
    let other = Answer::of(other).await;
    assert_eq!(
        (other.status, &other.json()["error_code"]),
        (404, &json!("DATA_NOT_FOUND"))
    );
}

#[tokio::test]
async fn the_header_counts_and_not_the_address() {
    let client = Client::start().await;
    let live = key("iluma_live_", 60);
    let target = format!("GET http://{live}:@sandbox{TOKEN_ROUTE}");
    let answer = ask(&client.sandbox, request_as(PUBLIC_KEY, &target, &[], b"")).await;
    assert_eq!(
        (answer.status(), answer.header("x-sandbox-warning")),
        (200, None)
    );
    let journal = client.sandbox.requests();
    assert!(
        journal[0].head.starts_with(&format!("GET {TOKEN_ROUTE}\n")),
        "{}",
        journal[0].head
    );
}
