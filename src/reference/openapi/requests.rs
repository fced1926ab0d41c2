//! The request of an endpoint: the schema of its scenario file, in the terms of `OpenAPI`.

use serde_json::{Map, Value, json};

use crate::catalogue::{ContentType, Endpoint, Shape, path_segments};

/// Keywords that hold data, not schemas. Nothing in them is rewritten.
const DATA: [&str; 5] = ["const", "enum", "default", "example", "examples"];

/// The request schema of an endpoint. `definitions` is its place in the document.
pub(super) fn schema(endpoint: &Endpoint, definitions: &str) -> Value {
    let mut schema = passed_on(endpoint.schema.json(), definitions);
    if let Value::Object(schema) = &mut schema {
        schema.shift_remove("examples"); // the body has them
    }
    let files = files(endpoint);
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        for (_, rule) in properties
            .iter_mut()
            .filter(|(name, _)| files.contains(name))
        {
            let facts = rule["properties"].take();
            let description = rule["description"].take();
            *rule = json!({"type": "string", "format": "binary"});
            if !description.is_null() {
                rule["description"] = description;
            }
            if !facts.is_null() {
                rule["x-file"] = facts; // the rules for `bytes`, `type`, `width` and `height`
            }
        }
    }
    schema
}

/// The schema of one request field, as a reply echoes it.
pub(super) fn field(rule: &Value, definitions: &str) -> Value {
    let mut rule = passed_on(rule, definitions);
    if let Value::Object(rule) = &mut rule {
        for about_requests in ["default", "examples"] {
            rule.shift_remove(about_requests);
        }
    }
    rule
}

/// The body of a POST, for every accepted content type.
pub(super) fn body(endpoint: &Endpoint, reference: &Value) -> Value {
    let sample = sample(endpoint);
    let media = |more: Value| {
        let mut media = json!({"schema": reference});
        if let Some(sample) = &sample {
            media["examples"] = json!({"sample": {
                "summary": "What stands in where x-magic-reply is sent without a body.",
                "value": sample,
            }});
        }
        if let (Value::Object(media), Value::Object(more)) = (&mut media, more) {
            media.extend(more);
        }
        media
    };
    let content = match endpoint.content_type {
        ContentType::Json => json!({
            "application/json": media(json!({})),
            "application/x-www-form-urlencoded": {"schema": reference},
        }),
        ContentType::Multipart => {
            json!({"multipart/form-data": media(json!({"encoding": encoding(endpoint)}))})
        }
    };
    json!({
        "description": "May be left out where `x-magic-reply` is sent: the sample stands in for it.",
        "required": true,
        "content": content,
    })
}

/// The path parameters of a GET.
pub(super) fn segments_of(endpoint: &Endpoint, definitions: &str) -> Vec<Value> {
    let sample = endpoint.schema.sample();
    let parameter = |name: &str| {
        let rule = &endpoint.schema.json()["properties"][name];
        let mut schema = field(rule, definitions);
        let description = schema["description"].take();
        if let Value::Object(schema) = &mut schema {
            schema.shift_remove("description");
        }
        let mut parameter = json!({"name": name, "in": "path", "required": true, "schema": schema});
        if !description.is_null() {
            parameter["description"] = description;
        }
        if let Some(example) = sample.and_then(|sample| sample.get(name)) {
            parameter["example"] = example.clone();
        }
        parameter
    };
    path_segments(&endpoint.path).map(parameter).collect()
}

/// The documented sample. A word stands for an upload, because its bytes cannot be shown.
fn sample(endpoint: &Endpoint) -> Option<Value> {
    let mut sample = endpoint.schema.sample()?.clone();
    for name in files(endpoint) {
        if let Some(file) = sample.get_mut(&name) {
            let kind = file["type"].as_str().unwrap_or("a file").to_owned();
            *file = format!("({kind})").into();
        }
    }
    Some(sample)
}

fn files(endpoint: &Endpoint) -> Vec<String> {
    let Shape::Object(properties) = &endpoint.schema.shape else {
        return Vec::new();
    };
    let files = properties
        .iter()
        .filter(|property| property.shape == Shape::File);
    files.map(|property| property.name.clone()).collect()
}

/// The file types that each upload accepts.
fn encoding(endpoint: &Endpoint) -> Value {
    let properties = &endpoint.schema.json()["properties"];
    let types = |name: &String| {
        let taken = properties[name]["properties"]["type"]["enum"].as_array()?;
        let taken: Vec<_> = taken.iter().filter_map(Value::as_str).collect();
        Some((name.clone(), json!({"contentType": taken.join(", ")})))
    };
    files(endpoint)
        .iter()
        .filter_map(types)
        .collect::<Map<_, _>>()
        .into()
}

/// A schema without the keywords that only the sandbox understands. Its references point to the place of its
/// definitions in the document.
fn passed_on(schema: &Value, definitions: &str) -> Value {
    match schema {
        Value::Object(entries) => {
            let entries = entries.iter().filter(|(key, _)| *key != "x-error");
            let entries = entries.map(|(key, value)| {
                let value = match (key.as_str(), value) {
                    ("$ref", Value::String(reference)) if reference.starts_with('#') => {
                        format!("{definitions}{}", &reference[1..]).into()
                    }
                    (key, value) if DATA.contains(&key) => value.clone(),
                    (_, value) => passed_on(value, definitions),
                };
                (key.clone(), value)
            });
            Value::Object(entries.collect())
        }
        Value::Array(items) => {
            let items = items.iter().map(|item| passed_on(item, definitions));
            items.collect()
        }
        scalar => scalar.clone(),
    }
}
