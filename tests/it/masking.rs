//! What must not be shown, wherever a client wrote it: keys, tokens and signing secrets on every route of the control
//! API, and with `--redact` personal values.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iluma_sandbox::{PUBLIC_KEY, Sandbox};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::inspector::Stream;
use crate::receiver::Receiver;
use crate::stage::{BANK, TYPE, URLS, key};

const CONTROL_TOKEN: &str = "Ctl9f-token-of-this-test";

/// A field that no endpoint has, so long that a message which repeats it cuts what follows.
const LONG_NAME_CHARS: usize = 85;

/// A sandbox with a world of its own key, and one of another.
struct Planted {
    client: Client,
    receiver: Receiver,
    /// All that was answered to requests with planted texts.
    shown: Vec<(String, String)>,
}

impl Planted {
    async fn start(redacts: bool) -> Self {
        let builder = Sandbox::builder()
            .control_token(CONTROL_TOKEN.parse().expect("a token"))
            .sign_callbacks(true)
            .redact(redacts);
        Self {
            client: Client::of(builder).await,
            receiver: Receiver::start().await,
            shown: Vec::new(),
        }
    }

    /// The tokens and secrets of a key's world.
    async fn secrets_of(&self, key: &str) -> [String; 2] {
        let request = self.client.as_key(key, "GET", "/__sandbox/world");
        let request = request.header("x-sandbox-control-token", CONTROL_TOKEN);
        let world = Answer::of(request).await.json();
        ["callback_token", "callback_signing_secret"]
            .map(|name| world[name].as_str().expect("a secret").to_owned())
    }

    async fn control(&mut self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let request = self.client.request(method, &format!("/__sandbox/{path}"));
        let mut request = request.header("x-sandbox-control-token", CONTROL_TOKEN);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = Answer::of(request).await;
        // The purpose of these is to show secrets. Their refusals show none.
        let route = path.split('?').next().unwrap_or_default();
        let shows = ["world", "snapshot"].contains(&route) && answer.status == 200;
        if !shows {
            let asked = format!("{method} {path}");
            self.shown.push((asked, answer.text.clone()));
        }
        answer
    }

    /// Writes a text wherever a product request can hold one. A path may hold only some of them.
    async fn plant_in_products(&self, text: &str, in_path: bool) {
        let encoded = encoded(text);
        let long = format!("{} {text}", "x".repeat(LONG_NAME_CHARS));
        let person = json!({
            "given_names": text, "email": text, "bank_account_number": text,
            "addresses": [{text: 1}], text: 1, &long: text, "nested": {text: {text: [1]}},
        });
        let post = |path: &str| self.client.request("POST", path);
        let query = format!("{BANK}?{encoded}=1&name={encoded}");
        Answer::of(post(&query).json(&person)).await;
        Answer::of(post("/v0/identity/individual_cft_peps").json(&person)).await;
        let magic = post(BANK)
            .header("x-magic-reply", text)
            .header("x-note", text);
        Answer::of(magic.json(&json!({"bank_code": "BCA"}))).await;
        for axis in ["outcome=", "delay=", "fault=", "callback="] {
            let magic = format!("{axis}{long}");
            Answer::of(post(BANK).header("x-magic-reply", magic)).await;
        }
        let form = post(BANK).header("content-type", "application/x-www-form-urlencoded");
        Answer::of(form.body(format!("{encoded}=1&email={encoded}"))).await;
        let part = || Part::bytes(vec![1, 2, 3]).file_name(text.to_owned());
        let form = Form::new()
            .part(text.to_owned(), part())
            .part("image", part());
        let card = "/v0/identity/id_card_verifications";
        Answer::of(post(card).multipart(form.text("name", text.to_owned()))).await;
        let broken = post(BANK).header("content-type", "application/json");
        Answer::of(broken.body(format!("{{\"email\": \"{text}"))).await;
        if in_path {
            let padding = "y".repeat(190);
            for path in [
                format!("/v1/nothing/{encoded}"),
                format!("{BANK}/{encoded}"),
                format!("/v1/{padding}/{encoded}"),
                format!("/{encoded}/x"),
            ] {
                self.client.get(&path).await;
                Answer::of(self.client.bare("POST", &path)).await;
            }
        }
    }

    /// Registers URLs with a text in path and query, has callbacks sent there, and posts to an inbox.
    async fn plant_in_callbacks(&mut self, text: &str, in_path: bool) {
        let encoded = encoded(text);
        let path = if in_path { encoded.as_str() } else { "x" };
        let url = format!("{}/{path}?{encoded}={encoded}", self.receiver.url_text());
        let answer = self
            .client
            .post(URLS, &json!({"type": TYPE, "url": url}))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        self.client.magic(BANK, "COMPLETED_FOUND").await;
        self.control(
            "POST",
            "trigger",
            Some(&json!({"type": TYPE, "set": {"given_name": text}})),
        )
        .await;
        self.control("GET", "idle?wait=10s", None).await;
        let body = json!({text: 1, "email": text, "given_name": text});
        let inbox = self.client.bare("POST", "/__sandbox/inbox/mine");
        let inbox = inbox
            .header("x-user", text)
            .header("x-sandbox-control-token", CONTROL_TOKEN);
        Answer::of(inbox.json(&body)).await;
        if in_path {
            let url = json!({"type": text, "url": text});
            self.client.post(URLS, &url).await;
        }
    }

    /// Calls the control API with a text wherever a request can hold one, also where it is wrong.
    async fn plant_in_control(&mut self, text: &str) {
        let long = format!("{} {text}", "x".repeat(LONG_NAME_CHARS));
        let encoded = encoded(text);
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH"] {
            self.control(method, &encoded, None).await;
            self.control(method, &format!("setup/{encoded}"), None)
                .await;
        }
        for path in Self::routes() {
            for query in [
                format!("{encoded}=1"),
                format!("endpoint={encoded}&state={encoded}&wait={encoded}&at={encoded}"),
                format!(
                    "path={encoded}&body.{encoded}=1&header.x={encoded}&trace={encoded}&wait=1ms"
                ),
                format!("world={encoded}"),
                format!("format={encoded}"),
                format!("endpoint={}", encoded.repeat(3)),
            ] {
                let path = path.replace("{trace}", &encoded).replace("{id}", &encoded);
                let path = path.replace("{name}", "mine");
                if path != "events" {
                    self.control("GET", &format!("{path}?{query}"), None).await;
                }
            }
        }
        for text in [text, &long] {
            for (method, path, body) in [
                ("POST", "worlds", json!({"name": text, "share": text})),
                ("POST", "worlds", json!({text: 1})),
                ("POST", "next", json!({"endpoint": text, "outcome": text})),
                (
                    "POST",
                    "next",
                    json!({"endpoint": "v1.1/bank_account_data_requests", "outcome": text}),
                ),
                ("PUT", "faults", json!({"faults": [{"endpoint": text}]})),
                (
                    "PUT",
                    "faults",
                    json!({"faults": [{"fault": text, "delay": text}], "ttl": text}),
                ),
                ("PUT", "snapshot", json!({"version": text, text: 1})),
                (
                    "POST",
                    "verify",
                    json!({"request": {"body.email": text, "path": text, text: 1}}),
                ),
                (
                    "POST",
                    "verify",
                    json!({"request": {"body.email": text, "path": text}}),
                ),
                (
                    "POST",
                    "trigger",
                    json!({"type": text, "endpoint": text, "outcome": text}),
                ),
                (
                    "POST",
                    "trigger",
                    json!({"type": TYPE, "outcome": text, "set": {"id.x": text}}),
                ),
                ("POST", "clock", json!({"now": text})),
                ("POST", "clock/advance", json!({"by": text})),
            ] {
                self.control(method, path, Some(&body)).await;
            }
        }
        // Its reply shows the key of the world, which this caller asks for.
        let name = text.chars().take(200).collect::<String>();
        let made = json!({"name": name});
        self.control("POST", "worlds", Some(&made)).await;
        self.shown.pop();
        self.control("POST", "worlds", Some(&made)).await; // in use
    }

    /// The paths that `openapi.json` lists, without the prefix.
    fn routes() -> Vec<String> {
        let document: Value =
            serde_json::from_str(include_str!("../../src/control/openapi.json")).expect("JSON");
        let paths = document["paths"].as_object().expect("paths").keys();
        paths
            .map(|path| path.trim_start_matches('/').to_owned())
            .collect()
    }

    /// Reads every route, with every request and delivery that it can name.
    async fn read_all(&mut self) {
        let mut traces = Vec::new();
        for world in ["own", "all", "strangers"] {
            let path = format!("requests?world={world}&limit=1000");
            let listed = self.control("GET", &path, None).await.json();
            let requests = listed["requests"].as_array().expect("requests").iter();
            traces.extend(requests.map(|one| one["trace"].as_str().expect("a trace").to_owned()));
            self.control("GET", &format!("export?world={world}"), None)
                .await;
        }
        for route in Self::routes() {
            let paths: Vec<String> = match route.as_str() {
                "events" => continue, // this is read before
                _ if route.contains("{trace}") => traces
                    .iter()
                    .map(|trace| route.replace("{trace}", trace))
                    .collect(),
                _ => vec![route.replace("{name}", "mine").replace("{id}", "dlv_1")],
            };
            for path in paths {
                self.control("GET", &path, None).await;
            }
        }
        self.control("POST", "deliveries/dlv_1/redeliver", None)
            .await;
        self.control("POST", "clock/advance", Some(&json!({"by": "1h"})))
            .await;
        for format in ["coverage?format=text", "catalog?format=markdown"] {
            self.control("GET", format, None).await;
        }
        self.control("DELETE", "worlds", None).await;
    }

    async fn read_events(&mut self) {
        let mut events =
            Stream::open_with(&self.client, "?world=all&backlog=1000", CONTROL_TOKEN).await;
        let text = json!(events.exchanges(10).await).to_string();
        self.shown.push(("GET events".to_owned(), text));
    }

    fn assert_nothing_shows(&self, hidden: &[String]) {
        for (route, text) in &self.shown {
            for hidden in hidden {
                assert!(
                    !text.contains(hidden.as_str()),
                    "{route} shows {hidden}: {text}"
                );
            }
        }
    }
}

/// Percent-encoded, every character of it.
fn encoded(text: &str) -> String {
    let escapes = text.bytes().map(|byte| format!("%{byte:02X}"));
    escapes.collect::<Vec<_>>().concat()
}

/// The parts of a secret that must not be shown: after the prefix of a key, any beginning of it.
fn beginning(secret: &str) -> String {
    let prefixes = ["iluma_live_", "iluma_development_", "whsec_"];
    let part = prefixes
        .iter()
        .find_map(|prefix| secret.strip_prefix(prefix));
    part.unwrap_or(secret)[..10].to_owned()
}

#[tokio::test]
async fn no_route_shows_a_key_a_token_or_a_secret_wherever_a_client_wrote_it() {
    let mut planted = Planted::start(false).await;
    let (live, other) = (format!("iluma_live_{}", "Qz7".repeat(20)), key('W'));
    let [own_token, own_secret] = planted.secrets_of(PUBLIC_KEY).await;
    let [other_token, other_secret] = planted.secrets_of(&other).await;
    let secrets = [
        live,
        other,
        CONTROL_TOKEN.to_owned(),
        own_token.clone(),
        own_secret,
        other_token,
        other_secret,
    ];
    for secret in &secrets {
        planted.plant_in_products(secret, true).await;
        planted.plant_in_callbacks(secret, true).await;
        planted.plant_in_control(secret).await;
        let basic = STANDARD.encode(format!("x:{secret}"));
        let request = planted
            .client
            .request("POST", BANK)
            .header("x-proxy", &basic);
        Answer::of(request.json(&json!({"x": basic, &basic: 1}))).await;
    }
    planted.read_events().await;
    planted.read_all().await;
    // The header that a test compares with the token of its own world.
    for (route, text) in &mut planted.shown {
        let is_of_callbacks = ["deliveries", "inbox", "trigger"];
        if is_of_callbacks.iter().any(|part| route.contains(part)) {
            for header in ["x-callback-token\":\"", "x-callback-token: "] {
                *text = text.replace(&format!("{header}{own_token}"), "");
            }
        }
    }
    let mut hidden: Vec<_> = secrets.iter().map(|secret| beginning(secret)).collect();
    hidden.extend(secrets.iter().map(|secret| encoded(&beginning(secret))));
    hidden.extend(
        secrets
            .iter()
            .map(|secret| STANDARD.encode(format!("x:{secret}"))[8..24].to_owned()),
    );
    planted.assert_nothing_shows(&hidden);
}

#[tokio::test]
async fn with_redact_no_route_shows_a_personal_value_wherever_a_client_wrote_it() {
    let mut planted = Planted::start(true).await;
    let by_form = ["3171011202800001", "zubaidah@acme.id", "6281399887766"];
    let by_name = "Zubaidah Rahman";
    for text in by_form {
        planted.plant_in_products(text, true).await;
        planted.plant_in_callbacks(text, true).await;
        planted.plant_in_control(text).await;
    }
    planted.plant_in_products(by_name, false).await;
    planted.plant_in_callbacks(by_name, false).await;
    let made = json!({"name": by_name});
    planted.control("POST", "worlds", Some(&made)).await;
    planted.shown.clear(); // the replies to requests that have the value themselves
    for text in by_form {
        planted.plant_in_control(text).await;
    }
    planted.read_events().await;
    planted.read_all().await;
    let mut hidden: Vec<_> = by_form.iter().map(|text| (*text).to_owned()).collect();
    hidden.extend(by_form.iter().map(|text| encoded(text)));
    hidden.push("Zubaidah".to_owned());
    planted.assert_nothing_shows(&hidden);
}

#[tokio::test]
async fn an_inbox_shows_the_token_of_a_callback_only_to_the_key_of_its_world() {
    let client = Client::start().await;
    let inbox = format!("{}/__sandbox/inbox/mine", client.sandbox.url());
    client
        .post(URLS, &json!({"type": TYPE, "url": inbox}))
        .await;
    let token = client.sandbox.callback_token();
    let shown = async |request: reqwest::RequestBuilder| {
        Answer::of(request).await.json()["received"][0]["headers"]["x-callback-token"].clone()
    };
    let path = "/__sandbox/inbox/mine";
    assert_eq!(shown(client.request("GET", path)).await, token);
    assert_eq!(shown(client.bare("GET", path)).await, "…");
    assert_eq!(shown(client.as_key(&key('o'), "GET", path)).await, "…");
}
