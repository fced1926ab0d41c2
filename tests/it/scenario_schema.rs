//! The JSON Schemas for editors: they are printed, `init` writes them, and they agree with `check`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use iluma_sandbox::{Sandbox, StartError};
use jsonschema::Validator;
use serde_json::Value;

use crate::process::{run, write};
use crate::ready_made::READY_MADE;

const SCENARIO: &str = include_str!("../../scenarios/scenario.schema.json");
const SANDBOX: &str = include_str!("../../scenarios/sandbox.schema.json");

/// Correct files: an endpoint with every key, an extension of a shipped one, dummy data.
const SOUND: [&str; 3] = [
    r#"name = "Things"
description = "Everything at once."
method = "POST"
path = "/v9/things"
id = "thing_{hex24}"
source = "decided"
content_type = "application/json"
async = "30s"
reads = ["v1.1/bank_account_data_requests"]
keep = { from = "parts", at = "v0/cft_pep_listings" }
lookup = { in = "bank.accounts", found = "A", not_found = "B", virtual_account = "A", need_review = "A", timeout = "D", reads = { bank_code = "bank" } }
[request]
required = ["bank"]
examples = [{ bank = "BCA" }]
[request.properties]
bank = { type = "string", format = "bank-code" }
bank_account_number = { type = ["string", "integer"], minLength = 1, x-note = "any" }
amount = { anyOf = [{ type = "integer", minimum = 1 }, { const = 0.5 }], x-error = { anyOf = "D" } }
[reply]
body = { id = "{{id}}", parts = [], text = "{{input.bank}} { {{fake.uuid}} }", holder = "{{bank.holder?}}" }
[callback]
type = "THINGS"
test = true
[outcomes.A]
default = true
description = "Found."
source = "observed"
aliases = ["ALSO_A"]
status = 201
headers = { x-thing = "a", retry-after = 3 }
callback = "late(10s)"
pending = true
[outcomes.B]
body = { banks = "{{banks.plain}}", nothing = "{{null}}", deep = [[1, 0.5, true, "{"]] }
callback = true
then = { after = "250ms", outcome = "A" }
when = { "input.bank" = { not = { one_of = ["BCA"] } }, "input.amount" = { gt = 0 } }
[outcomes.C]
body = { a = "b" }
when = [{ "input.bank" = "BRI" }, { "input.bank" = { regex = "^B" }, "input.amount" = { present = true } }]
[outcomes.D]
status = 503
error = "busy"
[outcomes.E]
error = { code = "OTHER", message = "no" }
[outcomes.F]
sequence = ["D", "A"]
[[records]]
id = "thing_1"
outcome = "A"
created = "2022-02-10T18:55:02.061Z"
updated = "2022-02-10T18:55:02.061Z"
input = { bank = "BCA" }
source = "documented"
"#,
    r#"extends = "v0/cft_pep_listings"
"#,
    r#"[[individuals]]
id = "0f6f1c8e-52a4-4d0e-9b3a-6a1f0e8d7c55"
names = ["Contoh Orang"]
scopes = ["PEP"]
nationalities = ["ID"]
dates_of_birth = ["1961-00-00"]
[[entities]]
id = "1f6f1c8e-52a4-4d0e-9b3a-6a1f0e8d7c55"
names = ["Contoh Usaha"]
scopes = ["OTHER", "SANCTION"]
business_domiciles = ["ID"]
[[people]]
nik = "3171014505800002"
name = "Contoh Perempuan"
birthdate = "05-05-1980"
birthplace = "Jakarta"
address = "Jalan Contoh 1"
selfie_score = 40
[[missing]]
nik = "3171014505800003"
[[bank_accounts]]
bank_code = "ID_BCA"
bank_account_number = "1234567890"
finding = "need_review"
"#,
];

/// One replacement each in the correct files: the mistake, the old text, the new text, and the place where
/// the schema reports it.
const BROKEN: &[(&str, &str, &str, &str)] = &[
    (
        "a misspelt key",
        "name = \"Things\"",
        "nmae = \"Things\"",
        "",
    ),
    (
        "a number for a name",
        "name = \"Things\"",
        "name = 5",
        "/name",
    ),
    (
        "a method that there is not",
        "\"POST\"",
        "\"PUT\"",
        "/method",
    ),
    (
        "a path without a slash",
        "\"/v9/things\"",
        "\"v9/things\"",
        "/path",
    ),
    (
        "a path below the control API",
        "\"/v9/things\"",
        "\"/__sandbox/things\"",
        "/path",
    ),
    (
        "an id without a drawn part",
        "thing_{hex24}",
        "thing",
        "/id",
    ),
    (
        "an id with two drawn parts",
        "thing_{hex24}",
        "{uuid}_{hex24}",
        "/id",
    ),
    (
        "a source that is no label",
        "\"observed\"",
        "\"guessed\"",
        "/outcomes/A/source",
    ),
    (
        "a content type that there is not",
        "application/json",
        "text/plain",
        "/content_type",
    ),
    (
        "one text for a list",
        "reads = [\"v1.1/bank_account_data_requests\"]",
        "reads = \"v1.1/x\"",
        "/reads",
    ),
    (
        "a misspelt key of keep",
        "keep = { from",
        "keep = { form",
        "/keep",
    ),
    (
        "a lookup that there is not",
        "\"bank.accounts\"",
        "\"bank.account\"",
        "/lookup",
    ),
    (
        "a verdict that is not said",
        "timeout = \"D\", ",
        "",
        "/lookup",
    ),
    (
        "a field that a lookup does not read",
        "bank_code = \"bank\"",
        "bank_cod = \"bank\"",
        "/lookup",
    ),
    (
        "a keyword of JSON Schema",
        "minLength",
        "minLenght",
        "/request",
    ),
    (
        "a type of JSON Schema",
        "type = \"integer\"",
        "type = \"int\"",
        "/request",
    ),
    (
        "a format that there is not",
        "\"bank-code\"",
        "\"bank_code\"",
        "/request",
    ),
    (
        "a hole that there is not",
        "{{id}}",
        "{{idd}}",
        "/reply/body",
    ),
    (
        "a hole that is not closed",
        "{{id}}",
        "{{id}",
        "/reply/body",
    ),
    (
        "a fake that there is not",
        "fake.uuid",
        "fake.guid",
        "/reply/body",
    ),
    (
        "a hole of a lookup that there is not",
        "bank.holder?",
        "bank.holdr?",
        "/reply/body",
    ),
    (
        "a body that is a number",
        "body = { a = \"b\" }",
        "body = 5",
        "/outcomes/C/body",
    ),
    (
        "a body that is text",
        "body = { a = \"b\" }",
        "body = \"b\"",
        "/outcomes/C/body",
    ),
    (
        "a callback without a type",
        "[callback]\ntype = \"THINGS\"",
        "[callback]",
        "/callback",
    ),
    (
        "an outcome's name",
        "[outcomes.A]",
        "[outcomes.Done]",
        "/outcomes",
    ),
    (
        "a misspelt key of an outcome",
        "pending = true",
        "pendign = true",
        "/outcomes/A",
    ),
    (
        "a text for true",
        "default = true",
        "default = \"yes\"",
        "/outcomes/A/default",
    ),
    (
        "an alias in lower case",
        "\"ALSO_A\"",
        "\"also_a\"",
        "/outcomes/A/aliases/0",
    ),
    (
        "a status that is none",
        "status = 201",
        "status = 99",
        "/outcomes/A/status",
    ),
    (
        "a status without a body",
        "status = 201",
        "status = 204",
        "/outcomes/A/status",
    ),
    (
        "a header that frames the body",
        "x-thing = \"a\"",
        "content-length = \"1\"",
        "/outcomes/A/headers",
    ),
    (
        "a header with a space in its name",
        "x-thing = \"a\"",
        "\"x thing\" = \"a\"",
        "/outcomes/A/headers",
    ),
    (
        "a header with a line break",
        "x-thing = \"a\"",
        "x-thing = \"a\\r\\nb\"",
        "/outcomes/A/headers/x-thing",
    ),
    (
        "a header that is a list",
        "x-thing = \"a\"",
        "x-thing = [\"a\"]",
        "/outcomes/A/headers/x-thing",
    ),
    (
        "a way for a callback to go",
        "late(10s)",
        "late(soon)",
        "/outcomes/A/callback",
    ),
    (
        "a misspelt key of then",
        "then = { after",
        "then = { afer",
        "/outcomes/B/then",
    ),
    (
        "a delay that is none",
        "\"250ms\"",
        "\"250\"",
        "/outcomes/B/then/after",
    ),
    (
        "a condition on nothing",
        "\"input.bank\" = \"BRI\"",
        "\"bank\" = \"BRI\"",
        "/outcomes/C/when",
    ),
    (
        "an operator that there is not",
        "regex =",
        "rgex =",
        "/outcomes/C/when",
    ),
    (
        "two operators at once",
        "regex = \"^B\"",
        "regex = \"^B\", present = true",
        "/outcomes/C/when",
    ),
    (
        "no condition",
        "{ \"input.bank\" = \"BRI\" }",
        "{}",
        "/outcomes/C/when",
    ),
    (
        "text for a limit",
        "gt = 0",
        "gt = \"0\"",
        "/outcomes/B/when",
    ),
    (
        "an error without a message",
        ", message = \"no\"",
        "",
        "/outcomes/E/error",
    ),
    (
        "a sequence of nothing",
        "[\"D\", \"A\"]",
        "[]",
        "/outcomes/F/sequence",
    ),
    (
        "a record without times",
        "updated = \"2022-02-10T18:55:02.061Z\"\n",
        "",
        "/records/0",
    ),
    (
        "an instant that is none",
        "created = \"2022-02-10T18:55:02.061Z\"",
        "created = \"yesterday\"",
        "/records/0/created",
    ),
    (
        "a date without quotes",
        "created = \"2022-02-10T18:55:02.061Z\"",
        "created = 2022-02-10",
        "/records/0/created",
    ),
    (
        "a record's id with a slash",
        "\"thing_1\"",
        "\"thing/1\"",
        "/records/0/id",
    ),
    (
        "listings of what there is not",
        "extends = \"v0/cft_pep_listings\"",
        "path = \"/v9/x\"\nlistings = \"register\"",
        "/listings",
    ),
    (
        "a listing's id",
        "0f6f1c8e-52a4-4d0e-9b3a-6a1f0e8d7c55",
        "0F6F1C8E",
        "/individuals/0/id",
    ),
    (
        "a listing without a name",
        "[\"Contoh Orang\"]",
        "[]",
        "/individuals/0/names",
    ),
    (
        "a scope that there is not",
        "[\"PEP\"]",
        "[\"PEPS\"]",
        "/individuals/0/scopes/0",
    ),
    (
        "a country in words",
        "nationalities = [\"ID\"]",
        "nationalities = [\"Indonesia\"]",
        "/individuals/0/nationalities/0",
    ),
    (
        "a number that is too short",
        "3171014505800002",
        "317101450580000",
        "/people/0/nik",
    ),
    (
        "a birthdate the wrong way round",
        "05-05-1980",
        "1980-05-05",
        "/people/0/birthdate",
    ),
    (
        "more than all",
        "selfie_score = 40",
        "selfie_score = 101",
        "/people/0/selfie_score",
    ),
    (
        "a person without an address",
        "address = \"Jalan Contoh 1\"\n",
        "",
        "/people/0",
    ),
    (
        "an account number in words",
        "\"1234567890\"",
        "\"one\"",
        "/bank_accounts/0/bank_account_number",
    ),
    (
        "a finding that there is not",
        "\"need_review\"\n",
        "\"reviewed\"\n",
        "/bank_accounts/0/finding",
    ),
];

const SETTINGS: &str = r#"watchlist_dates = "objects"
api_keys = ["iluma_development_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]
callback_urls = { NAME_VALIDATOR_REQUEST = "http://127.0.0.1:8080/callbacks" }
"#;

const BROKEN_SETTINGS: &[(&str, &str, &str)] = &[
    ("watchlist_dates", "watchlist_date", ""),
    ("\"objects\"", "\"object\"", "/watchlist_dates"),
    ("iluma_development_", "xnd_development_", "/api_keys/0"),
    ("http:", "ftp:", "/callback_urls/NAME_VALIDATOR_REQUEST"),
];

#[test]
fn schema_prints_the_files_that_lie_beside_the_shipped_scenarios() {
    for (arguments, committed) in [
        (["schema"].as_slice(), SCENARIO),
        (&["schema", "--for", "scenario"], SCENARIO),
        (&["schema", "--for", "sandbox"], SANDBOX),
    ] {
        let (code, out, err) = run(arguments);
        assert_eq!((code, out.as_str(), err.as_str()), (0, committed, ""));
    }
}

#[test]
fn the_schemas_themselves_are_sound_draft_7() {
    for schema in [SCENARIO, SANDBOX] {
        let schema: Value = serde_json::from_str(schema).expect("JSON");
        assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
        assert!(jsonschema::meta::is_valid(&schema));
    }
}

#[test]
fn every_shipped_file_and_every_file_of_init_is_accepted_by_the_schema_that_it_names() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().to_str().expect("UTF-8");
    assert_eq!(run(&["init", dir]).0, 0);
    assert_eq!(run(&["check", "--deny-warnings", dir]).0, 0);
    for name in READY_MADE {
        let inside = folder.path().join(name);
        let inside = inside.to_str().expect("UTF-8");
        assert_eq!(run(&["init", "--from", name, inside]).0, 0, "{name}");
    }
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let files = [files(&shipped), files(folder.path())].concat();
    assert!(files.len() > 25, "{files:?}");
    for path in files {
        let text = std::fs::read_to_string(&path).expect("a file");
        let first = text.lines().next().unwrap_or_default();
        let named = first
            .strip_prefix("#:schema ")
            .unwrap_or_else(|| panic!("{path:?} begins with {first:?}"));
        let schema = path.parent().expect("a folder").join(named);
        let schema = std::fs::read_to_string(&schema)
            .unwrap_or_else(|error| panic!("{path:?} names {schema:?}: {error}"));
        let is_settings = path.file_name().is_some_and(|name| name == "sandbox.toml");
        assert_eq!(schema, if is_settings { SANDBOX } else { SCENARIO });
        assert_eq!(refusals(&schema, &text), [""; 0], "{path:?}");
    }
}

#[tokio::test]
async fn what_the_schema_refuses_does_not_load_and_what_is_sound_does() {
    let folder = tempfile::tempdir().expect("a folder");
    for (at, sound) in SOUND.into_iter().enumerate() {
        assert_eq!(refusals(SCENARIO, sound), [""; 0], "{sound}");
        let dir = folder.path().join(at.to_string());
        write(&dir, "mine.toml", sound);
        let loaded = Sandbox::builder().scenarios(dir).start().await;
        loaded.expect("it is sound");
    }
    for (mistake, from, to, place) in BROKEN {
        let holding: Vec<_> = SOUND.iter().filter(|sound| sound.contains(from)).collect();
        let [sound] = holding.as_slice() else {
            panic!("{mistake}: {from} is in {} files", holding.len());
        };
        let broken = sound.replacen(from, to, 1);
        assert_eq!(refusals(SCENARIO, &broken), [*place], "{mistake}");
        let dir = folder.path().join(mistake.replace([' ', '\''], "-"));
        write(&dir, "mine.toml", &broken);
        let loaded = Sandbox::builder().scenarios(dir).start().await;
        assert!(matches!(loaded, Err(StartError::Scenarios(_))), "{mistake}");
    }
}

#[test]
fn what_the_schema_of_settings_refuses_is_refused_by_check_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().to_str().expect("UTF-8");
    write(folder.path(), "sandbox.toml", SETTINGS);
    assert_eq!(refusals(SANDBOX, SETTINGS), [""; 0]);
    assert_eq!(run(&["check", dir]).0, 0);
    for (from, to, place) in BROKEN_SETTINGS {
        let broken = SETTINGS.replacen(from, to, 1);
        assert_ne!(broken, SETTINGS);
        assert_eq!(refusals(SANDBOX, &broken), [*place], "{to}");
        write(folder.path(), "sandbox.toml", &broken);
        assert_eq!(run(&["check", dir]).0, 1, "{to}");
    }
}

#[test]
fn the_schemas_have_exactly_the_keys_that_files_may_have() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().to_str().expect("UTF-8");
    for (file, schema) in [("mine.toml", SCENARIO), ("sandbox.toml", SANDBOX)] {
        write(folder.path(), file, "zzzzzz = 1\n");
        let (_, out, _) = run(&["check", "--format", "json", dir]);
        let report: Value = serde_json::from_str(&out).expect("JSON");
        let errors = report["errors"].as_array().expect("errors");
        let mut messages = errors.iter().filter_map(|error| error["message"].as_str());
        let known = messages
            .find_map(|message| message.strip_prefix("unknown key `zzzzzz`: known are "))
            .expect("all known keys, as none is near");
        let known: BTreeSet<_> = known.split('`').skip(1).step_by(2).collect();
        let schema: Value = serde_json::from_str(schema).expect("JSON");
        let keys = schema["properties"].as_object().expect("properties").keys();
        assert_eq!(keys.map(String::as_str).collect::<BTreeSet<_>>(), known);
        std::fs::remove_file(folder.path().join(file)).expect("it was written");
    }
}

#[test]
fn every_key_of_the_schema_says_what_it_is() {
    let schema: Value = serde_json::from_str(SCENARIO).expect("JSON");
    let definitions = schema["definitions"].as_object().expect("definitions");
    let parts = definitions
        .iter()
        .filter(|(name, _)| name.ends_with("Part"));
    let own = ("the file", &schema);
    let parts = parts.map(|(name, part)| (name.as_str(), part));
    let mut silent = Vec::new();
    for (part, schema) in parts.chain([own]) {
        let properties = schema["properties"].as_object().into_iter().flatten();
        for (key, property) in properties {
            let definition = property["$ref"].as_str().unwrap_or_default();
            let definition = schema_at(definitions, definition);
            if property["description"].is_null() && definition["description"].is_null() {
                silent.push(format!("{part}.{key}"));
            }
        }
    }
    // These need no description.
    silent.retain(|key| {
        !["code", "message", "birthplace", "address"]
            .iter()
            .any(|word| key.ends_with(word))
    });
    assert_eq!(silent, [""; 0]);
}

fn schema_at<'a>(definitions: &'a serde_json::Map<String, Value>, reference: &str) -> &'a Value {
    let name = reference.strip_prefix("#/definitions/");
    name.map_or(&Value::Null, |name| &definitions[name])
}

/// The places where the schema refuses a file: JSON Pointers, each once.
fn refusals(schema: &str, text: &str) -> Vec<String> {
    let schema: Value = serde_json::from_str(schema).expect("JSON");
    let validator: Validator = jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .expect("a sound schema");
    let table: toml::Table = text
        .parse()
        .unwrap_or_else(|error| panic!("{error} in {text}"));
    let file = serde_json::to_value(table).expect("TOML fits into JSON");
    let errors = validator.iter_errors(&file);
    let mut places: Vec<_> = errors
        .map(|error| error.instance_path().to_string())
        .collect();
    places.dedup();
    places
}

/// Every TOML file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|ending| ending == "toml") {
            found.push(path);
        }
    }
    found.sort();
    found
}
