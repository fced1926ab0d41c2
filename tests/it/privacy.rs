//! Real data that is sent by accident: the warnings, and what is hidden.

use iluma_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::inspector::Stream;
use crate::process::{run, write};
use crate::scenarios::start;
use crate::stage::BANK;

const KTP: &str = "/v2/identity/ktp_data_requests";
const PEPS: &str = "/v0/identity/individual_cft_peps";

/// The warning in the reply to a screening with one more field.
async fn warning(client: &Client, field: &str, value: Value) -> String {
    let mut input = json!({
        "user_id": "foo123", "given_names": "Eko Hadi Salim", "nationality": "ID", "scopes": ["PEP"],
    });
    input[field] = value;
    warned(&client.post(PEPS, &input).await)
}

fn warned(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let warning = answer.header("x-sandbox-warning").unwrap_or_default();
    let advice = ": send dummy data to a sandbox, or list it as dummy_values in sandbox.toml";
    let warned = warning.strip_suffix(advice);
    warned.map_or_else(|| warning.to_owned(), str::to_owned)
}

#[tokio::test]
async fn what_may_be_of_a_real_person_is_warned_of_by_its_field_and_never_by_its_value() {
    let client = Client::start().await;
    let nik = json!({"nik": "3171012345670001", "name": "Dummy"});
    let nik = |number: &str| {
        let mut input = nik.clone();
        input["nik"] = number.into();
        input
    };
    // The day of birth of women is 40 higher.
    for number in ["3171011202800001", "3171015202800001"] {
        assert_eq!(
            warned(&client.post(KTP, &nik(number)).await),
            "nik may be the identity number of a real person"
        );
    }
    for number in ["+6281399887766", "+4915112345678"] {
        assert_eq!(
            warning(&client, "phone_number", number.into()).await,
            "phone_number may be the phone number of a real person"
        );
    }
    for address in [
        "someone@gmail.com",
        "a@example.com.attacker.id",
        "x@example.co",
    ] {
        assert_eq!(
            warning(&client, "email", address.into()).await,
            "email may be the mail address of a real person"
        );
    }
    let deep = json!([{"country": "ID", "street_line1": "care of someone@gmail.com"}]);
    assert_eq!(
        warning(&client, "addresses", deep).await,
        "street_line1 may be the mail address of a real person"
    );
    for digits in [
        "6281399887766",
        "+6281399887766",
        "%2B6281399887766",
        "081399887766",
    ] {
        let path = format!("/v1/fraud/phone_numbers/{digits}/age");
        assert_eq!(
            warned(&client.get(&path).await),
            "digits may be the phone number of a real person"
        );
    }
}

#[tokio::test]
async fn dummy_data_is_not_warned_of() {
    let client = Client::start().await;
    for nik in [
        "3275031210930027", // found
        "3275031210930021", // not found
        "3171010404909404", // missing
        "3171010404909999", // a serial number that the register uses
        "9999999999999999", // no region, no date
    ] {
        let answer = client
            .post(KTP, &json!({"nik": nik, "name": "Dummy"}))
            .await;
        assert_eq!(warned(&answer), "", "{nik}");
    }
    for number in ["+6281234567890", "+6281200001234", "+12025550142"] {
        let warning = warning(&client, "phone_number", number.into()).await;
        assert_eq!(warning, "", "{number}");
    }
    for address in [
        "a@example.com",
        "a@mail.example.org",
        "a@shop.test",
        "a@B.EXAMPLE",
        "a@localhost",
    ] {
        let warning = warning(&client, "email", address.into()).await;
        assert_eq!(warning, "", "{address}");
    }
    let account = json!({"bank_account_number": "3171011202800001", "bank_code": "BCA"});
    let answer = client.post("/v1.1/identity/bank_account_data_requests", &account);
    assert_eq!(
        warned(&answer.await),
        "",
        "an account number may look like anything"
    );
}

#[tokio::test]
async fn what_is_listed_as_dummy_is_not_warned_of() {
    let listed = r#"dummy_values = ["+6281399887766", "081399887755", "Someone@Acme.co.id", "@qa.acme.co.id"]"#;
    let (client, _folder) = start(&[("sandbox.toml", listed)]).await;
    for number in ["+6281399887766", "+6281399887755"] {
        let warning = warning(&client, "phone_number", number.into()).await;
        assert_eq!(warning, "", "{number}");
    }
    for digits in ["6281399887766", "%2B6281399887766", "081399887766"] {
        let path = format!("/v1/fraud/phone_numbers/{digits}/age");
        assert_eq!(warned(&client.get(&path).await), "", "{digits}");
    }
    assert_eq!(
        warning(&client, "email", "someone@acme.co.id".into()).await,
        ""
    );
    assert_eq!(
        warning(&client, "email", "anyone@qa.acme.co.id".into()).await,
        ""
    );
    assert_eq!(
        warning(&client, "email", "anyone@acme.co.id".into()).await,
        "email may be the mail address of a real person"
    );
}

#[tokio::test]
async fn a_live_key_and_a_real_address_are_both_warned_of() {
    let client = Client::start().await;
    let live = format!("iluma_live_{}", "L".repeat(60));
    let input = json!({"user_id": "1", "given_names": "A", "nationality": "ID", "scopes": ["PEP"], "email": "a@b.id"});
    let request = client.as_key(&live, "POST", PEPS).json(&input);
    let answer = Answer::of(request).await;
    assert_eq!(
        answer.header("x-sandbox-warning"),
        Some(
            "a key of the live environment was sent to a sandbox; email may be the mail address of a real person: send \
             dummy data to a sandbox, or list it as dummy_values in sandbox.toml"
        )
    );
}

/// Values in the requests of the test below. They must not be shown anywhere.
const REAL: [&str; 12] = [
    "3171011202800001",
    "Zubaidah",
    "6281399887766",
    "zubaidah@acme.id",
    "7771234567",
    "Jalan Mawar",
    "half a body of Zubaidah",
    "3171015501700001",
    "081399887755",
    "Zu B.",
    "budi@acme.id",
    "of=Zubaidah",
];

/// A sandbox that redacts and sends callbacks to its inbox, after requests with personal data.
async fn redacted() -> (Client, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let rules = "extends = \"v2/ktp_data_requests\"\n[outcomes.RULED]\nwhen = { \"input.name\" = \"Nobody\" }\nbody.x = 1\nsource = \"decided\"\n";
    std::fs::create_dir(folder.path().join("v2")).expect("a folder");
    std::fs::write(folder.path().join("v2/ktp_data_requests.toml"), rules).expect("a file");
    let client = Client::of(Sandbox::builder().redact(true).scenarios(folder.path())).await;
    let inbox = format!("{}/__sandbox/inbox/mine", client.sandbox.url());
    let url = json!({"type": "NAME_VALIDATOR_REQUEST", "url": inbox});
    assert_eq!(client.post("/v1/callback/urls", &url).await.status, 200);
    let ktp = json!({"nik": REAL[0], "name": REAL[1]});
    assert_eq!(client.post(KTP, &ktp).await.status, 200);
    client
        .get("/v1/fraud/phone_numbers/6281399887766/age")
        .await;
    let person = json!({
        "user_id": "foo123", "given_names": REAL[1], "nationality": "ID", "scopes": ["PEP"], "email": REAL[3],
        "addresses": [{"country": "ID", "street_line1": REAL[5]}],
    });
    assert_eq!(client.post(PEPS, &person).await.status, 200);
    let form = client
        .request("POST", PEPS)
        .body(format!("given_names={}&email={}", REAL[1], REAL[3]));
    Answer::of(form.header("content-type", "application/x-www-form-urlencoded")).await;
    let broken = client
        .request("POST", PEPS)
        .body(format!("{{\"given_names\": \"{}", REAL[6]));
    Answer::of(broken.header("content-type", "application/json")).await;
    let account = json!({"bank_account_number": REAL[4], "bank_code": "BCA"});
    let answer = client.post(BANK, &account).await;
    assert_eq!(
        answer.json()["bank_account_number"],
        REAL[4],
        "answers are whole"
    );
    // In a path, in an error message, by form and not by name, in other spellings, in a header, in a URL.
    client.get(&format!("{BANK}/{}", REAL[7])).await;
    let mut other = person.clone();
    other["user_id"] = REAL[8].into();
    other["phoneNumber"] = REAL[8].into();
    other["Full-Name"] = REAL[9].into();
    let other = client.request("POST", PEPS).json(&other);
    Answer::of(other.header("x-user-email", REAL[10])).await;
    let url = json!({"type": "INDIVIDUAL_CFT_PEP", "url": format!("{inbox}?{}", REAL[11])});
    client.post("/v1/callback/urls", &url).await;
    let idle = client.get("/__sandbox/idle?wait=10s").await;
    assert_eq!(idle.status, 200, "{}", idle.text);
    (client, folder)
}

#[tokio::test]
async fn with_redact_no_personal_value_is_shown_anywhere() {
    let (client, _folder) = redacted().await;
    let listed = client.get("/__sandbox/requests").await.json();
    let traces: Vec<_> = listed["requests"]
        .as_array()
        .expect("requests")
        .iter()
        .collect();
    let mut routes: Vec<_> = traces
        .iter()
        .map(|one| format!("explain/{}", one["trace"].as_str().expect("a trace")))
        .collect();
    for route in [
        "requests",
        "requests?world=all",
        "requests?world=strangers",
        "export",
        "export?world=all",
        "deliveries",
        "inbox/mine",
        "coverage",
        "worlds",
        "callback_urls",
        "metrics",
    ] {
        routes.push(route.to_owned());
    }
    let mut shown = Vec::new();
    for route in routes {
        let answer = client.get(&format!("/__sandbox/{route}")).await;
        assert_eq!(answer.status, 200, "{route}: {}", answer.text);
        shown.push((route, answer.text));
    }
    let near = json!({"request": {"body.given_names": "Nobody", "path": PEPS}});
    let verified = client.post("/__sandbox/verify", &near).await;
    assert_eq!(verified.status, 417);
    shown.push(("verify".to_owned(), verified.text));
    for real in REAL {
        for (route, text) in &shown {
            assert!(!text.contains(real), "{route} shows {real}: {text}");
        }
    }
    let ktp = &listed["requests"]
        .as_array()
        .expect("requests")
        .iter()
        .find(|one| one["path"] == KTP);
    assert_eq!(
        ktp.expect("a request")["body"],
        json!({"nik": "…", "name": "…"})
    );
}

#[tokio::test]
async fn with_redact_what_is_decided_and_sent_is_whole() {
    let (client, _folder) = redacted().await;
    let asked =
        json!({"request": {"body.given_names": REAL[1], "body.email": REAL[3]}, "exactly": 3});
    let verified = client.post("/__sandbox/verify", &asked).await;
    assert_eq!(verified.status, 200, "{}", verified.text);
    let nearest = client
        .get("/__sandbox/requests?endpoint=v2/ktp_data_requests")
        .await
        .json();
    let trace = nearest["requests"][0]["trace"]
        .as_str()
        .expect("a trace")
        .to_owned();
    let told = client
        .get(&format!("/__sandbox/explain/{trace}"))
        .await
        .json();
    let differs = told["nearest_rule"]["differs"]
        .as_str()
        .expect("a sentence");
    assert!(
        differs.ends_with(
            "v2/ktp_data_requests.toml:3) would have answered, but for what is redacted here."
        ),
        "{differs}"
    );
    let because = told["because"].as_str().expect("a sentence");
    assert!(because.ends_with(differs), "{because}");
    assert_eq!(told["rules"][0]["failed"][0]["expected"], "Nobody");
    assert_eq!(told["rules"][0]["failed"][0]["received"], "…");
    let snapshot = client.get("/__sandbox/snapshot").await;
    assert_eq!(
        (snapshot.status, snapshot.json()["error"].as_str()),
        (403, Some("redacted"))
    );
}

#[tokio::test]
async fn with_redact_the_events_show_no_number_in_a_path() {
    let (client, _folder) = redacted().await;
    for start in ["+", "%2B", "%2b", "%36"] {
        let digits = if start == "%36" {
            &REAL[2][1..]
        } else {
            REAL[2]
        };
        let path = format!("/v1/fraud/phone_numbers/{start}{digits}/age");
        assert_eq!(client.get(&path).await.status, 200, "{path}");
    }
    let mut events = Stream::open(&client, "?world=all&backlog=100").await;
    let told = events.exchanges(14).await;
    let paths = told.iter().filter_map(|one| one["path"].as_str());
    let of_phones: Vec<_> = paths.filter(|path| path.contains("/phone")).collect();
    assert_eq!(of_phones, ["/v1/fraud/phone_numbers/…/age"; 5]);
    assert!(!json!(told).to_string().contains(&REAL[2][1..]), "{told:?}");
    assert!(!json!(told).to_string().contains(REAL[2]), "{told:?}");
}

/// A product whose fields no list of the sandbox knows, and a rule on one of them.
const MEMBERS: &str = r#"
path = "/v9/members"
id   = "mmbr_{uuid}"

[request.properties]
card              = { type = "string" }
pet_name          = { type = "string" }
mobile            = { type = "string" }
homePhone         = { type = "string" }
MSISDN            = { type = "string" }
id_card           = { type = "string" }
account           = { type = "string" }
from_account_no   = { type = "string" }
bankAccountNumber = { type = "string" }

[reply.body]
id          = "{{id}}"
favourite   = { petName = "{{input.pet_name?}}" }
member_card = "{{input.card}}"

[callback]
type = "MEMBER"

[outcomes.JOINED]
default  = true
callback = true

[outcomes.BANNED]
when = { "input.card" = "no such card" }
"#;

#[tokio::test]
async fn with_redact_the_personal_fields_of_sandbox_toml_are_shown_nowhere() {
    let (folder, more) = (
        tempfile::tempdir().expect("a folder"),
        tempfile::tempdir().expect("a folder"),
    );
    write(folder.path(), "v9/members.toml", MEMBERS);
    write(
        folder.path(),
        "sandbox.toml",
        "personal_fields = [\"card\"]\n",
    );
    write(
        more.path(),
        "sandbox.toml",
        "personal_fields = [\"PetName\"]\n",
    ); // adds to the first
    let builder = Sandbox::builder().redact(true).scenarios(folder.path());
    let client = Client::of(builder.scenarios(more.path())).await;
    let inbox = format!("{}/__sandbox/inbox/mine", client.sandbox.url());
    let url = json!({"type": "MEMBER", "url": inbox});
    assert_eq!(client.post("/v1/callback/urls", &url).await.status, 200);
    let member = json!({
        "card": "gold-alpha", "pet_name": "Rex-beta",
        "family": [{"loyaltyCard": {"kind": "silver-gamma"}, "Pet-Name": "Tom-delta"}],
    });
    let answer = client.post("/v9/members?card=plain-epsilon", &member).await;
    assert_eq!(
        answer.json()["member_card"],
        "gold-alpha",
        "answers are whole"
    );
    assert_eq!(client.post("/v9/nowhere", &member).await.status, 404);
    client.get("/__sandbox/idle?wait=10s").await;
    let requests = client.get("/__sandbox/requests").await.json();
    let mut routes = vec![
        "requests".to_owned(),
        "export".to_owned(),
        "deliveries".to_owned(),
        "inbox/mine".to_owned(),
    ];
    for one in requests["requests"].as_array().expect("requests") {
        routes.push(format!(
            "explain/{}",
            one["trace"].as_str().expect("a trace")
        ));
    }
    let mut shown = Vec::new();
    for route in routes {
        let answer = client.get(&format!("/__sandbox/{route}")).await;
        assert_eq!(answer.status, 200, "{route}");
        shown.push((route, answer.text));
    }
    let near = json!({"request": {"body.card": "Nobody", "path": "/v9/members"}});
    let verified = client.post("/__sandbox/verify", &near).await;
    assert_eq!(verified.status, 417);
    shown.push(("verify".to_owned(), verified.text));
    let waited = client.get("/__sandbox/requests?wait=1ms&count=1&body.card=Nobody");
    let waited = waited.await;
    assert_eq!(waited.status, 408);
    shown.push(("requests?wait".to_owned(), waited.text));
    for hidden in ["alpha", "beta", "gamma", "delta", "epsilon"] {
        for (route, text) in &shown {
            assert!(!text.contains(hidden), "{route} shows {hidden}: {text}");
        }
    }
}

#[tokio::test]
async fn a_reload_takes_the_personal_fields_of_sandbox_toml_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let builder = Sandbox::builder().redact(true).scenarios(folder.path());
    let client = Client::of(builder).await;
    client.post(KTP, &json!({"card": "gold"})).await;
    let shown = async || {
        client.get("/__sandbox/requests").await.json()["requests"][0]["body"]["card"].clone()
    };
    assert_eq!(shown().await, "gold");
    write(
        folder.path(),
        "sandbox.toml",
        "personal_fields = [\"card\"]\n",
    );
    client.sandbox.reloaded(0).await;
    assert_eq!(shown().await, "…");
}

#[tokio::test]
async fn the_pattern_of_setup_holds_the_shipped_names_and_the_added_ones() {
    let (client, _folder) = start(&[(
        "sandbox.toml",
        "personal_fields = [\"loyaltyCard\", \"_pet name_\"]",
    )])
    .await;
    let setup = client.get("/__sandbox/setup").await.json();
    let pattern = setup["personal_fields"].as_str().expect("a pattern");
    assert_eq!(
        pattern,
        "(^|_)(account|account_no|address|address_line|address_line1|address_line2|addresses|birth|birthdate|birthplace|\
         city|date_of_birth|dates_of_birth|digits|dob|email|gender|holder|id_card|image|ktp|loyalty_card|mobile|mother|\
         msisdn|name|names|nationalities|nationality|nik|niks|npwp|number|pet_name|phone|photo|postal_code|province|\
         selfie|state|street_line1|street_line2|surname)$"
    );
}

#[test]
fn what_cannot_be_the_name_of_a_personal_field_is_a_mistake_at_its_place() {
    for wrong in ["", "_", "a|b", "card$", "a/b"] {
        let folder = tempfile::tempdir().expect("a folder");
        let file = format!("personal_fields = [\"card\", \"{wrong}\"]\n");
        write(folder.path(), "sandbox.toml", &file);
        let (code, out, err) = run(&["check", folder.path().to_str().expect("UTF-8")]);
        assert_eq!(code, 1, "{wrong}");
        let said = format!(
            "`{wrong}` is not the name of a field or the end of one: write it like `loyalty_card`, with letters, digits and `_`"
        );
        assert!(format!("{out}{err}").contains(&said), "{wrong}: {out}{err}");
    }
}

#[tokio::test]
async fn the_name_of_a_field_says_whether_its_number_may_be_of_a_phone_an_account_or_a_card() {
    let (client, _folder) = start(&[("v9/members.toml", MEMBERS)]).await;
    let nik = "3171011202800001";
    for (field, number, expected) in [
        (
            "mobile",
            "+6281399887766",
            "mobile may be the phone number of a real person",
        ),
        (
            "homePhone",
            "081399887766",
            "homePhone may be the phone number of a real person",
        ),
        (
            "MSISDN",
            "6281399887766",
            "MSISDN may be the phone number of a real person",
        ),
        (
            "id_card",
            nik,
            "id_card may be the identity number of a real person",
        ),
        ("account", nik, ""),
        ("from_account_no", nik, ""),
        ("bankAccountNumber", nik, ""),
    ] {
        let answer = client.post("/v9/members", &json!({field: number})).await;
        assert_eq!(warned(&answer), expected, "{field}");
    }
}
