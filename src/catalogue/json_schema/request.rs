//! `[request]`: the part of JSON Schema that an editor can complete.

use serde_json::{Map, Value, json};

use super::texts::{OutcomeName, written};
use crate::catalogue::compile::{OF_LIST, OF_SCHEMA, OF_TABLE, PLAIN};
use crate::scenario::FORMATS;

written!(
    RequestRules,
    json!({
        "description": "JSON Schema, draft 2020-12. The first of its `examples` is the input if a request has a \
            magic reply and no body.",
        "anyOf": [
            {"type": "boolean"},
            {
                "type": "object",
                "properties": keywords(),
                "patternProperties": {"^x-": true},
                "additionalProperties": false,
            },
        ],
    }),
    OutcomeName
);

/// The text formats that JSON Schema itself knows.
const STANDARD_FORMATS: [&str; 16] = [
    "date",
    "date-time",
    "duration",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "iri",
    "iri-reference",
    "json-pointer",
    "regex",
    "relative-json-pointer",
    "time",
    "uri",
    "uri-reference",
    "uuid",
];

fn keywords() -> Map<String, Value> {
    let rules = json!({"$ref": "#/definitions/RequestRules"});
    let of_schema = OF_SCHEMA.map(|name| (name, rules.clone()));
    let of_list = OF_LIST.map(|name| {
        (
            name,
            json!({"type": "array", "minItems": 1, "items": rules}),
        )
    });
    let of_table = OF_TABLE.map(|name| {
        (
            name,
            json!({"type": "object", "additionalProperties": rules}),
        )
    });
    let plain = PLAIN.map(|name| (name, plain(name)));
    let error_names = json!({
        "description": "The error for each broken rule, by the keyword of the rule: `{ maximum = \"FILE_TOO_LARGE\" }`.",
        "type": "object",
        "additionalProperties": {"$ref": "#/definitions/OutcomeName"},
    });
    let all = plain
        .into_iter()
        .chain(of_table)
        .chain(of_schema)
        .chain(of_list);
    let all = all.chain([("x-error", error_names)]);
    all.map(|(name, schema)| (name.to_owned(), schema))
        .collect()
}

/// The schema for the value of a keyword whose value is not a schema itself.
fn plain(keyword: &str) -> Value {
    match keyword {
        "type" => {
            let one = json!({
                "enum": ["array", "boolean", "integer", "null", "number", "object", "string"],
            });
            json!({"anyOf": [one, {"type": "array", "minItems": 1, "items": one}]})
        }
        "format" => {
            let ours = FORMATS.iter().map(|(name, ..)| *name);
            let all = ours.chain(["bank-code"]).chain(STANDARD_FORMATS);
            json!({"enum": all.collect::<Vec<_>>()})
        }
        "required" => json!({"type": "array", "items": {"type": "string"}}),
        "enum" | "examples" => json!({"type": "array"}),
        "pattern" => json!({"type": "string", "format": "regex"}),
        "deprecated" | "readOnly" | "uniqueItems" | "writeOnly" => json!({"type": "boolean"}),
        "exclusiveMaximum" | "exclusiveMinimum" | "maximum" | "minimum" => {
            json!({"type": "number"})
        }
        "multipleOf" => json!({"type": "number", "exclusiveMinimum": 0}),
        "maxContains" | "maxItems" | "maxLength" | "maxProperties" | "minContains" | "minItems"
        | "minLength" | "minProperties" => json!({"type": "integer", "minimum": 0}),
        "$comment" | "$id" | "$ref" | "$schema" | "contentEncoding" | "contentMediaType"
        | "description" | "title" => json!({"type": "string"}),
        _ => json!(true), // a value of any kind, such as `const`
    }
}
