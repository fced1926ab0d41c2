//! `iluma-sandbox postman`: the collection, as far as it can be checked without Postman. CI runs it.

use std::collections::BTreeSet;

use iluma_sandbox::PUBLIC_KEY;
use serde_json::{Value, json};

use crate::process::{run, write};

fn printed(arguments: &[&str]) -> Value {
    let (code, printed, errors) = run(arguments);
    assert_eq!((code, errors.as_str()), (0, ""));
    serde_json::from_str(&printed).expect("JSON")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

#[test]
fn the_collection_asks_every_endpoint_for_every_outcome_and_tests_the_reply() {
    let collection = printed(&["postman"]);
    assert_eq!(
        collection["info"]["schema"],
        "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
    );
    let catalog = printed(&["list", "--format", "json"]);
    let mut asked = BTreeSet::new();
    for folder in list(&collection["item"]) {
        for item in list(&folder["item"]) {
            let script = list(&item["event"][0]["script"]["exec"]);
            let tests = script
                .iter()
                .filter(|line| line.as_str().expect("a line").contains("pm.test("));
            assert!(tests.count() >= 2, "{item:#}");
            let headers = list(&item["request"]["header"]);
            let magic = headers
                .iter()
                .find(|header| header["key"] == "x-magic-reply");
            if let Some(magic) = magic {
                let text = |value: &Value| value.as_str().expect("a text").to_owned();
                asked.insert((text(&item["request"]["url"]["raw"]), text(&magic["value"])));
            }
        }
    }
    for endpoint in list(&catalog["endpoints"]) {
        let is_asked = endpoint["content_type"].is_string();
        for outcome in list(&endpoint["outcomes"]).iter().filter(|_| is_asked) {
            let url = format!(
                "{{{{base_url}}}}{}",
                endpoint["path"].as_str().expect("a path")
            );
            let magic = outcome["name"].as_str().expect("a name").to_owned();
            assert!(
                asked.contains(&(url.clone(), magic.clone())),
                "{url} {magic}"
            );
        }
    }
    let errors = list(&collection["item"]).last().expect("a folder");
    assert_eq!(list(&errors["item"]).len(), list(&catalog["errors"]).len());
}

/// The lines about the id in the scripts of an endpoint's requests.
fn id_lines(collection: &Value, path: &str) -> BTreeSet<String> {
    let folders = list(&collection["item"]).iter();
    let items = folders.flat_map(|folder| list(&folder["item"]));
    let url = format!("{{{{base_url}}}}{path}");
    let of_path = items.filter(|item| {
        let raw = item["request"]["url"]["raw"].as_str().expect("a URL");
        raw == url || raw == format!("{url}/{{{{id}}}}")
    });
    let lines = of_path.flat_map(|item| list(&item["event"][0]["script"]["exec"]));
    lines
        .map(|line| line.as_str().expect("a line").to_owned())
        .filter(|line| line.contains("'id'"))
        .collect()
}

#[test]
fn the_id_that_is_read_back_is_taken_from_where_the_body_says_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = "path = \"/v9/parcels\"\nid = \"prcl_{uuid}\"\n[outcomes.SENT]\ndefault = true\nstatus = 202\n\
                body = { \"a/b\" = { no = \"{{id}}\" } }\n";
    write(folder.path(), "v9/parcels.toml", file);
    let scenarios = folder.path().display().to_string();
    let collection = printed(&["postman", "--scenarios", &scenarios]);
    let lines = |id: &str| {
        [
            format!("if ({id}) pm.collectionVariables.set('id', {id});"),
            format!("pm.test('it is the record that was asked for', () => pm.expect({id}).to.equal(pm.collectionVariables.get('id')));"),
        ]
        .into()
    };
    assert_eq!(
        id_lines(&collection, "/v9/parcels"),
        lines(r#"body?.["a/b"]?.["no"]"#)
    );
    let peps = id_lines(&collection, "/v0/identity/individual_cft_peps");
    assert_eq!(peps, lines(r#"body?.["id"]"#));
    let unkept = id_lines(&collection, "/v2/identity/ktp_data_requests");
    assert_eq!(unkept, BTreeSet::new());
}

#[test]
fn the_environment_holds_address_and_key() {
    let environment = printed(&["postman", "--environment", "--url", "http://127.0.0.1:9999"]);
    assert_eq!(
        environment["values"],
        json!([
            {"key": "base_url", "value": "http://127.0.0.1:9999", "type": "default", "enabled": true},
            {"key": "api_key", "value": PUBLIC_KEY, "type": "secret", "enabled": true},
        ])
    );
    let (code, printed, errors) = run(&["postman", "--environment", "--api-key", "secret"]);
    assert_eq!((code, printed.as_str()), (2, ""));
    assert!(
        errors.contains("--api-key is not an API key") && !errors.contains("secret"),
        "{errors}"
    );
}
