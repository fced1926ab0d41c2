//! The pages of the control API, one for each group of `src/control/openapi.json`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;

use serde_json::Value;

use super::{Page, files_below, root, updates};

const DOCUMENT: &str = include_str!("../../../src/control/openapi.json");
const METHODS: [&str; 4] = ["get", "post", "put", "delete"];

#[test]
fn every_group_of_the_control_api_has_its_page() {
    let document: Value = serde_json::from_str(DOCUMENT).expect("JSON");
    let mut expected = BTreeMap::new();
    for tag in document["tags"].as_array().expect("groups") {
        let name = tag["name"].as_str().expect("a name");
        let path = format!("docs/control/{}.md", name.to_lowercase());
        expected.insert(path, page(&document, name, &words(&tag["description"])));
    }
    if updates() {
        for (path, text) in &expected {
            let path = root().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, text).expect("a page can be written");
        }
    }
    let written = files_below("docs/control").into_iter();
    let written: BTreeMap<_, _> = written
        .map(|path| (path.clone(), Page::read(&path).text))
        .collect();
    let names = |pages: &BTreeMap<String, String>| pages.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&written), names(&expected));
    for (path, text) in expected {
        assert!(
            written[&path] == text,
            "{path} is not what openapi.json says: `make bless` writes it anew"
        );
    }
}

fn page(document: &Value, group: &str, about: &str) -> String {
    let mut text = format!(
        "<!-- Written from `src/control/openapi.json`. `make bless` updates it. -->\n\n# {group}\n\n{about} \
         [Control API](../control-api.md#access) says who may call it. \
         [Errors](../errors.md#errors-of-the-control-api) lists the refusals that many calls share.\n"
    );
    for (path, operations) in document["paths"].as_object().expect("paths") {
        for method in METHODS {
            let operation = &operations[method];
            let is_of_group = operation["tags"]
                .as_array()
                .is_some_and(|tags| tags.contains(&group.into()));
            if is_of_group {
                let shared = operations["parameters"]
                    .as_array()
                    .cloned()
                    .unwrap_or_default();
                describe(
                    document,
                    &format!("{} /__sandbox{path}", method.to_uppercase()),
                    operation,
                    &shared,
                    &mut text,
                );
            }
        }
    }
    text
}

fn describe(document: &Value, call: &str, operation: &Value, shared: &[Value], text: &mut String) {
    let summary = words(&operation["summary"]);
    write!(text, "\n## {summary}\n\n`{call}`\n").expect("a text grows");
    if let Some(about) = operation["description"].as_str() {
        write!(text, "\n{}\n", about.trim()).expect("a text grows");
    }
    let own = operation["parameters"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let parameters = shared.iter().chain(&own).map(|one| resolved(document, one));
    let parameters = parameters.map(|one| {
        (
            words(&one["name"]),
            format!(
                "{}{}",
                words(&one["description"]),
                kind(document, &one["schema"])
            ),
        )
    });
    table("parameter", parameters.collect(), text);
    let content = resolved(document, &operation["requestBody"])["content"].as_object();
    let schema = content
        .and_then(|types| types.values().next())
        .map(|content| &content["schema"]);
    table(
        "field of the body",
        fields(document, schema.unwrap_or(&Value::Null)),
        text,
    );
    let responses = operation["responses"].as_object().into_iter().flatten();
    let own = responses.filter(|(_, response)| response["$ref"].is_null());
    let responses = own.map(|(status, response)| (status.clone(), words(&response["description"])));
    table("status", responses.collect(), text);
}

fn fields(document: &Value, schema: &Value) -> Vec<(String, String)> {
    let properties = resolved(document, schema)["properties"].as_object();
    let fields = properties.into_iter().flatten().map(|(name, field)| {
        let about = [
            &field["description"],
            &resolved(document, field)["description"],
        ];
        let about = about
            .into_iter()
            .find(|about| about.is_string())
            .map_or_else(String::new, words);
        (name.clone(), format!("{about}{}", kind(document, field)))
    });
    fields.collect()
}

/// ` (integer, default 100)`
fn kind(document: &Value, schema: &Value) -> String {
    let schema = resolved(document, schema);
    let mut parts = Vec::new();
    if let Some(kind) = schema["type"].as_str() {
        parts.push(kind.to_owned());
    }
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<_> = values
            .iter()
            .map(|value| {
                format!(
                    "`{}`",
                    value
                        .as_str()
                        .map_or_else(|| value.to_string(), str::to_owned)
                )
            })
            .collect();
        parts.push(format!("one of {}", values.join(", ")));
    }
    if !schema["default"].is_null() {
        parts.push(format!("default `{}`", schema["default"]));
    }
    if parts.is_empty() {
        String::new()
    } else {
        format!(" ({})", parts.join(", "))
    }
}

fn table(head: &str, rows: Vec<(String, String)>, text: &mut String) {
    if rows.is_empty() {
        return;
    }
    write!(text, "\n| {head} | meaning |\n|---|---|\n").expect("a text grows");
    for (name, meaning) in rows {
        writeln!(
            text,
            "| `{name}` | {} |",
            meaning.trim().replace('|', "\\|")
        )
        .expect("a text grows");
    }
}

fn resolved<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    let Some(reference) = value["$ref"].as_str() else {
        return value;
    };
    let pointer = reference
        .strip_prefix('#')
        .expect("a reference within the document");
    document.pointer(pointer).expect("it leads somewhere")
}

fn words(text: &Value) -> String {
    text.as_str()
        .unwrap_or_default()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}
