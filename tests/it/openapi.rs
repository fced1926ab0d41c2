//! `/openapi.json`: compares the document with the answers of the sandbox.

use std::collections::BTreeSet;

use iluma_sandbox::Sandbox;
use jsonschema::Validator;
use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::process::{run, write};

/// The document, and what validates against its schemas.
pub(crate) struct Document(pub(crate) Value);

/// An operation of it.
pub(crate) struct Operation<'d> {
    pub(crate) path: &'d str,
    pub(crate) method: String,
    pub(crate) json: &'d Value,
}

impl Document {
    pub(crate) async fn of(client: &Client) -> Self {
        let answer = Answer::of(client.bare("GET", "/openapi.json")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        Self(answer.json())
    }

    pub(crate) fn operations(&self) -> Vec<Operation<'_>> {
        let paths = self.0["paths"].as_object().expect("paths");
        let mut operations = Vec::new();
        for (path, item) in paths {
            for (method, json) in item.as_object().expect("methods") {
                operations.push(Operation {
                    path,
                    method: method.to_uppercase(),
                    json,
                });
            }
        }
        operations
    }

    /// A validator for a schema of the document, whose references lead into it.
    pub(crate) fn validator(&self, schema: &Value) -> Validator {
        let mut root = json!({"components": {"schemas": {}}, "allOf": [schema]});
        self.take_referenced(schema, &mut root["components"]["schemas"]);
        jsonschema::options()
            .with_draft(jsonschema::Draft::Draft202012)
            .offline()
            .should_validate_formats(true)
            .build(&root)
            .unwrap_or_else(|error| panic!("{error} in {schema}"))
    }

    /// Copies the schemas that this one refers to.
    fn take_referenced(&self, schema: &Value, taken: &mut Value) {
        match schema {
            Value::Object(entries) => {
                for (key, value) in entries {
                    let name = value.as_str().filter(|_| key == "$ref");
                    let name = name.and_then(|name| name.strip_prefix("#/components/schemas/"));
                    let name = name.and_then(|name| name.split('/').next());
                    if let Some(name) = name.filter(|name| taken.get(name).is_none()) {
                        let found = &self.0["components"]["schemas"][name];
                        taken[name] = found.clone();
                        self.take_referenced(found, taken);
                    }
                    self.take_referenced(value, taken);
                }
            }
            Value::Array(items) => items
                .iter()
                .for_each(|item| self.take_referenced(item, taken)),
            _ => {}
        }
    }

    fn assert_valid(&self, schema: &Value, value: &Value, what: &str) {
        let validator = self.validator(schema);
        let errors: Vec<_> = validator
            .iter_errors(value)
            .map(|error| format!("{error} at {}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{what}: {errors:#?}\n{value:#}");
    }
}

impl Operation<'_> {
    pub(crate) fn magic_replies(&self) -> Vec<&str> {
        let parameters = self.json["parameters"].as_array();
        let mut parameters = parameters.into_iter().flatten();
        let header = parameters.find(|parameter| parameter["name"] == "x-magic-reply");
        let names = header.and_then(|header| header["schema"]["enum"].as_array());
        let names = names.into_iter().flatten();
        names.map(|name| name.as_str().expect("a name")).collect()
    }

    /// The path with the examples of its parameters.
    fn asked(&self) -> String {
        let parameters = self.json["parameters"].as_array().into_iter().flatten();
        parameters.fold(self.path.to_owned(), |path, parameter| {
            let name = format!("{{{}}}", parameter["name"].as_str().expect("a name"));
            path.replace(&name, parameter["example"].as_str().unwrap_or("any"))
        })
    }

    fn reply(&self, status: u16) -> &Value {
        let reply = &self.json["responses"][status.to_string()];
        assert!(
            reply.is_object(),
            "{} {}: no {status}",
            self.method,
            self.path
        );
        &reply["content"]["application/json"]
    }
}

/// Every media type in the document.
fn media<'v>(value: &'v Value, found: &mut Vec<&'v Value>) {
    match value {
        Value::Object(entries) => {
            if entries.contains_key("schema") && entries.contains_key("examples") {
                found.push(value);
            }
            entries.values().for_each(|value| media(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| media(item, found)),
        _ => {}
    }
}

#[tokio::test]
async fn every_example_fits_the_schema_that_it_is_an_example_of() {
    let document = Document::of(&Client::start().await).await;
    let mut found = Vec::new();
    media(&document.0, &mut found);
    let mut count = 0;
    for one in found {
        for (name, example) in one["examples"].as_object().expect("examples") {
            document.assert_valid(&one["schema"], &example["value"], name);
            count += 1;
        }
    }
    assert!(count > 500, "{count} examples");
}

#[tokio::test(start_paused = true)]
async fn every_outcome_is_answered_and_read_back_as_the_document_says() {
    let client = Client::start().await;
    let document = Document::of(&client).await;
    let mut asked = 0;
    for operation in document.operations() {
        for magic in operation.magic_replies() {
            let request = client.request(&operation.method, &operation.asked());
            let answer = Answer::of(request.header("x-magic-reply", magic)).await;
            let media = operation.reply(answer.status);
            let what = format!("{} {} {magic}", operation.method, operation.path);
            document.assert_valid(&media["schema"], &answer.json(), &what);
            let shown = &media["examples"];
            let listed = operation.json["x-sandbox-outcomes"].as_array();
            let is_alias = listed.into_iter().flatten().any(|outcome| {
                let aliases = outcome["aliases"].as_array().into_iter().flatten();
                aliases.into_iter().any(|alias| alias == magic)
            });
            assert!(
                is_alias || shown.get(magic).is_some(),
                "{what} has no example"
            );
            asked += 1;
            let read = format!("{}/{{id}}", operation.path);
            let reads = document.0["paths"][&read]["get"].is_object();
            if answer.status == 200 && operation.method == "POST" && reads {
                let id = answer.json()["id"].as_str().expect("an id").to_owned();
                let later = Operation {
                    path: &read,
                    method: "GET".to_owned(),
                    json: &document.0["paths"][&read]["get"],
                };
                for seconds in [0, 60] {
                    tokio::time::advance(std::time::Duration::from_secs(seconds)).await;
                    let read = client.get(&format!("{}/{id}", operation.path)).await;
                    assert_eq!(read.status, 200, "{what}: {}", read.text);
                    let schema = &later.reply(200)["schema"];
                    document.assert_valid(schema, &read.json(), &format!("{what}, read back"));
                }
            }
        }
    }
    assert!(asked > 400, "{asked} replies");
}

#[tokio::test]
async fn what_dummy_data_and_rules_decide_fits_the_document_too() {
    let client = Client::start().await;
    let document = Document::of(&client).await;
    let bank = "/v2.2/identity/bank_account_data_requests";
    let person = "/v0/identity/individual_cft_peps";
    let found =
        json!({"given_names": "Eko Hadi", "user_id": "u", "nationality": "ID", "scopes": ["PEP"]});
    let nobody = json!({"given_names": "Qqq Xxx", "user_id": "u", "nationality": "ID", "scopes": ["PEP"],
        "addresses": [{"country": "ID", "city": "Jakarta"}], "reference_id": "r"});
    let wrong = json!({"given_names": "", "scopes": ["X"]});
    let account = |number: &str| json!({"bank_account_number": number, "bank_code": "BCA"});
    for (path, body) in [
        (person, found),
        (person, nobody),
        (person, wrong),
        (bank, account("1234567890")),
        (bank, account("x")),
    ] {
        let operations = document.operations();
        let mut operations = operations.iter();
        let operation = operations.find(|one| one.path == path && one.method == "POST");
        let operation = operation.expect("the operation");
        let answer = client.post(path, &body).await;
        let media = operation.reply(answer.status);
        document.assert_valid(&media["schema"], &answer.json(), &format!("{path} {body}"));
    }
}

#[tokio::test]
async fn the_routes_of_the_account_answer_as_the_document_says() {
    let client = Client::start().await;
    let document = Document::of(&client).await;
    let inbox = format!("{}/__sandbox/inbox/openapi", client.sandbox.url());
    let one = json!({"type": "NAME_VALIDATOR_REQUEST", "url": inbox});
    let mut seen = BTreeSet::new();
    for (method, path, asked, body) in [
        ("GET", "/health", "/health", None),
        (
            "GET",
            "/businesses/{business_id}/api_keys",
            "/businesses/b/api_keys?token=t",
            None,
        ),
        (
            "GET",
            "/businesses/{business_id}/api_keys",
            "/businesses/b/api_keys?token=t",
            None,
        ),
        (
            "GET",
            "/businesses/{business_id}/api_keys",
            "/businesses/b/api_keys",
            None,
        ),
        (
            "GET",
            "/v1/callback/authentication_tokens",
            "/v1/callback/authentication_tokens",
            None,
        ),
        (
            "POST",
            "/v1/callback/urls",
            "/v1/callback/urls",
            Some(one.clone()),
        ),
        (
            "PATCH",
            "/v1/callback/urls",
            "/v1/callback/urls",
            Some(json!({"url": inbox})),
        ),
        (
            "POST",
            "/v1/callback/urls",
            "/v1/callback/urls",
            Some(json!({})),
        ),
        (
            "POST",
            "/v1/callback/urls",
            "/v1/callback/urls",
            Some(json!({"type": "NAME_VALIDATOR_REQUEST", "url": "x"})),
        ),
        ("GET", "/v1/callback/urls", "/v1/callback/urls", None),
    ] {
        let request = client.request(method, asked);
        let answer = Answer::of(match &body {
            Some(body) => request.json(body),
            None => request,
        })
        .await;
        let operations = document.operations();
        let mut operations = operations.iter();
        let operation = operations.find(|one| one.path == path && one.method == method);
        let operation = operation.unwrap_or_else(|| panic!("no {method} {path}"));
        let media = operation.reply(answer.status);
        document.assert_valid(
            &media["schema"],
            &answer.json(),
            &format!("{method} {asked} {body:?}"),
        );
        seen.insert(format!("{method} {path}"));
    }
    let account = document.operations();
    let account = account
        .iter()
        .filter(|one| one.json["tags"][0] == "Account");
    let account: BTreeSet<_> = account
        .map(|one| format!("{} {}", one.method, one.path))
        .collect();
    assert_eq!(seen, account);
}

#[tokio::test]
async fn it_has_every_route_of_the_catalogue_and_no_other() {
    let client = Client::start().await;
    let document = Document::of(&client).await;
    let catalog = client.get("/__sandbox/catalog").await.json();
    let mut listed = BTreeSet::new();
    for endpoint in catalog["endpoints"].as_array().expect("endpoints") {
        let word = |value: &Value| value.as_str().expect("a text").to_owned();
        listed.insert(format!(
            "{} {}",
            word(&endpoint["method"]),
            word(&endpoint["path"])
        ));
        if endpoint["read_back"].is_object() {
            listed.insert(format!("GET {}", word(&endpoint["read_back"]["path"])));
        }
    }
    for route in catalog["account"].as_array().expect("routes") {
        let path = route["path"].as_str().expect("a path");
        let path = path.split('?').next().unwrap_or_default();
        listed.insert(format!(
            "{} {path}",
            route["method"].as_str().expect("a method")
        ));
    }
    let described = document.operations();
    let described = described
        .iter()
        .map(|one| format!("{} {}", one.method, one.path));
    assert_eq!(described.collect::<BTreeSet<_>>(), listed);
}

#[tokio::test]
async fn it_needs_no_key_and_says_that_it_is_the_sandbox_s_own() {
    let client = Client::start().await;
    let answer = Answer::of(client.bare("GET", "/openapi.json")).await;
    assert_eq!(answer.header("x-sandbox-document"), Some("openapi"));
    assert_eq!(
        answer.header("content-type"),
        Some("application/json; charset=utf-8")
    );
    let json = answer.json();
    assert_eq!(json["openapi"], "3.1.0");
    assert_eq!(json["servers"], json!([{"url": "/"}]));
    let again = Answer::of(client.bare("GET", "/openapi.json")).await;
    assert_eq!(again.text, answer.text);
    let posted = Answer::of(client.bare("POST", "/openapi.json")).await;
    assert_eq!(posted.status, 404, "{}", posted.text);
}

#[tokio::test]
async fn with_strict_it_leaves_out_what_is_refused() {
    let loose = Document::of(&Client::start().await).await;
    let client = Client::of(Sandbox::builder().strict(true)).await;
    let document = Document::of(&client).await;
    let count = |document: &Document| document.operations().len();
    assert!(count(&document) < count(&loose));
    let mut asked = 0;
    for operation in document.operations() {
        for magic in operation.magic_replies() {
            let request = client.request(&operation.method, &operation.asked());
            let answer = Answer::of(request.header("x-magic-reply", magic)).await;
            let what = format!("{} {} {magic}", operation.method, operation.path);
            assert_ne!(
                answer.header("x-sandbox-error"),
                Some("strict mode"),
                "{what}"
            );
            let schema = &operation.reply(answer.status)["schema"];
            document.assert_valid(schema, &answer.json(), &what);
            asked += 1;
        }
    }
    assert!(asked > 50, "{asked} replies");
}

#[test]
fn no_scenario_may_answer_where_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    write(
        folder.path(),
        "v1/things.toml",
        "path = \"/openapi.json\"\n[outcomes.DONE]\ndefault = true\n",
    );
    let (code, printed, _) = run(&["check", &folder.path().display().to_string()]);
    assert_eq!(code, 1, "{printed}");
    assert!(
        printed.contains("the sandbox itself answers at `/openapi.json`: choose another path"),
        "{printed}"
    );
}

/// A product that uses everything that a user's schema can contain.
const OWN: &str = r##"
name = "Thing"
path = "/v1/identity/things"
id   = "thing_{uuid}"

[request]
required = ["kind"]
"$defs" = { colour = { type = "string", enum = ["RED", "BLUE"] } }

[[request.examples]]
kind   = "A"
colour = "RED"

[request.properties]
kind   = { type = "string" }
colour = { "$ref" = "#/$defs/colour" }
size   = { type = "integer", default = 3 }

[reply.body]
id     = "{{id}}"
kind   = "{{input.kind}}"
colour = "{{input.colour}}"
size   = "{{input.size}}"
text   = "it is {{input.kind}}"
score  = "{{fake.percent}}"
born   = "{{fake.date}}"
who    = "{{fake.full_name}}"
other  = "{{fake.uuid}}"
gone   = "{{absent}}"
maybe  = "{{input.colour?}}"
list   = ["{{input.kind}}", 1, true]

[outcomes.DONE]
default = true
headers = { x-more = "1" }

[outcomes.MOVED]
status = 202
body   = { gone = 1.5 }

[outcomes.BY_TURNS]
sequence = ["DONE", "MOVED", "RATE_LIMIT_EXCEEDED"]

[outcomes.BY_CHANCE]
weighted = { DONE = 1, MOVED = 1 }

[outcomes.OWN_ERROR]
status = 422
error  = { code = "MINE", message = "No." }
"##;

#[tokio::test]
async fn a_product_of_one_s_own_is_described_as_it_answers() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "v1/things.toml", OWN);
    let client = Client::of(Sandbox::builder().scenarios(folder.path())).await;
    let document = Document::of(&client).await;
    let path = "/v1/identity/things";
    let operations = document.operations();
    let mut operations = operations.iter();
    let operation = operations
        .find(|one| one.path == path)
        .expect("the operation");
    let ask = &operation.json["responses"];
    assert_eq!(ask["200"]["headers"]["x-more"]["example"], "1");
    assert_eq!(
        ask["422"]["content"]["application/json"]["schema"]["properties"]["error_code"]["enum"],
        json!(["MINE"])
    );
    assert_eq!(
        operation.magic_replies()[..5],
        ["DONE", "MOVED", "BY_TURNS", "BY_CHANCE", "OWN_ERROR"]
    );
    for magic in operation.magic_replies() {
        for body in [
            json!({"kind": "A"}),
            json!({"kind": "B", "colour": "BLUE", "size": 1}),
        ] {
            let request = client.request("POST", path).header("x-magic-reply", magic);
            let answer = Answer::of(request.json(&body)).await;
            let schema = &operation.reply(answer.status)["schema"];
            document.assert_valid(schema, &answer.json(), &format!("{magic} {body}"));
            assert_ne!(
                answer.header("x-sandbox-error"),
                Some("unknown x-magic-reply")
            );
        }
    }
    let request = &document.0["components"]["schemas"]["v1.things.request"];
    assert_eq!(
        request["properties"]["colour"]["$ref"],
        "#/components/schemas/v1.things.request/$defs/colour"
    );
    let refused = client
        .post(path, &json!({"kind": "A", "colour": "GREEN"}))
        .await;
    assert_eq!(refused.status, 400);
}

#[test]
fn the_link_that_reads_back_finds_the_id_where_the_body_says_it() {
    for (body, pointer, described) in [
        (r#"no = "{{id}}""#, "/no", "no"),
        (
            r#"link = "/{{id}}", "a/b" = { "c~d" = ["x"], id = "{{id}}" }"#,
            "/a~1b/id",
            "a/b.id",
        ),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let file = format!(
            "path = \"/v9/parcels\"\nid = \"prcl_{{uuid}}\"\n[outcomes.SENT]\ndefault = true\nbody = {{ {body} }}\n"
        );
        write(folder.path(), "v9/parcels.toml", &file);
        let scenarios = folder.path().display().to_string();
        let (code, printed, errors) = run(&["openapi", "--scenarios", &scenarios]);
        assert_eq!((code, errors.as_str()), (0, ""));
        let document: Value = serde_json::from_str(&printed).expect("JSON");
        let link = &document["paths"]["/v9/parcels"]["post"]["responses"]["200"]["links"]["read"];
        assert_eq!(
            link["parameters"]["id"],
            format!("$response.body#{pointer}")
        );
        let read = &document["paths"]["/v9/parcels/{id}"]["get"];
        assert_eq!(
            read["parameters"][0]["description"],
            format!("What the reply that made it has as `{described}`.")
        );
    }
}

#[tokio::test]
async fn ids_have_a_pattern_unless_a_planted_record_does_not_fit_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = "extends = \"v2.2/bank_account_data_requests\"\n[[records]]\nid = \"mine\"\noutcome = \"PENDING\"\n\
                created = \"2026-01-01T00:00:00Z\"\nupdated = \"2026-01-01T00:00:00Z\"\n\
                input = { bank_account_number = \"1\", bank_code = \"BCA\" }\n";
    write(folder.path(), "v2.2/mine.toml", file);
    let client = Client::of(Sandbox::builder().scenarios(folder.path())).await;
    let document = client.get("/openapi.json").await.json();
    let pattern_of = |product: &str| {
        let name = format!("{product}.COMPLETED_FOUND");
        document["components"]["schemas"][name]["properties"]["id"]["pattern"].clone()
    };
    assert_eq!(
        pattern_of("v1.1.bank_account_data_requests"),
        "^bknv_[0-9a-f]{24}$"
    );
    assert_eq!(pattern_of("v2.2.bank_account_data_requests"), Value::Null);
}

#[test]
fn the_schema_refuses_what_the_sandbox_would_not_say() {
    let (code, printed, _) = run(&["openapi"]);
    assert_eq!(code, 0);
    let document = Document(serde_json::from_str(&printed).expect("JSON"));
    let schema =
        json!({"$ref": "#/components/schemas/v2.2.bank_account_data_requests.COMPLETED_FOUND"});
    let validator = document.validator(&schema);
    let operation = &document.0["paths"]["/v2.2/identity/bank_account_data_requests"]["post"];
    let examples = &operation["responses"]["200"]["content"]["application/json"]["examples"];
    let good = &examples["COMPLETED_FOUND"]["value"];
    assert!(validator.is_valid(good), "{good:#}");
    for (pointer, bad) in [
        ("/status", json!("FINISHED")),
        ("/id", json!("bknv_1")),
        ("/created", json!("yesterday")),
        ("/result/is_virtual_account", json!(null)),
        ("/result/name_matching_result", json!("NOT_MATCH")),
        ("/result/more", json!(1)),
        ("/bank_code", json!(7)),
    ] {
        let mut wrong = good.clone();
        match (wrong.pointer_mut(pointer), pointer.rsplit_once('/')) {
            (Some(place), _) => *place = bad,
            (None, Some((parent, key))) => wrong.pointer_mut(parent).expect("a parent")[key] = bad,
            _ => unreachable!("a pointer has a slash"),
        }
        assert!(!validator.is_valid(&wrong), "{pointer} is let through");
    }
}

#[test]
fn the_command_prints_it_with_the_folders_that_it_is_given() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "v1/things.toml", OWN);
    let scenarios = folder.path().display().to_string();
    let (code, printed, errors) = run(&["openapi", "--format", "json", "--scenarios", &scenarios]);
    assert_eq!((code, errors.as_str()), (0, ""));
    let document: Value = serde_json::from_str(&printed).expect("JSON");
    assert!(document["paths"]["/v1/identity/things"]["post"].is_object());
    assert_eq!(document["servers"][0]["url"], "http://127.0.0.1:4586");
    write(folder.path(), "v1/things.toml", "path = 1");
    let (code, printed, errors) = run(&["openapi", "--scenarios", &scenarios]);
    assert_eq!((code, printed.as_str()), (2, ""));
    assert!(errors.contains("things.toml"), "{errors}");
}
