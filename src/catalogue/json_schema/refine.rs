//! Refines the schema where the types of the file format are too general. A new field may have an entry here, but needs
//! none.

use schemars::JsonSchema;
use serde_json::{Value, json};

use super::texts::{DURATION, Duration, Headers, Instant, OutcomeName, Status};
use super::trees::{Body, Weighted, When};
use crate::base;

/// The schema of a file, with stricter texts and trees than their types give.
pub(super) fn refined<T: JsonSchema>() -> Value {
    let mut schema = super::generate::generated::<T>(|generator| {
        generator.subschema_for::<Body>();
        generator.subschema_for::<Headers>();
        generator.subschema_for::<When>();
        generator.subschema_for::<Weighted>();
        generator.subschema_for::<Status>();
        generator.subschema_for::<Duration>();
        generator.subschema_for::<Instant>();
        generator.subschema_for::<OutcomeName>();
    });
    refer_to_definitions(&mut schema);
    refer_to_outcome_names(&mut schema);
    add_keywords(&mut schema);
    schema
}

/// Replaces the schema of a property by a definition. The description of the property stays.
fn refer_to_definitions(schema: &mut Value) {
    let parts = [
        ("ReplyPart", "body", "Body"),
        ("ReplyPart", "processing_time", "Duration"),
        ("OutcomePart", "body", "Body"),
        ("OutcomePart", "headers", "Headers"),
        ("OutcomePart", "status", "Status"),
        ("OutcomePart", "when", "When"),
        ("OutcomePart", "weighted", "Weighted"),
        ("LogNormalPart", "median", "Duration"),
        ("RateLimitPart", "window", "Duration"),
        ("ThenPart", "after", "Duration"),
        ("ThenPart", "outcome", "OutcomeName"),
        ("RecordPart", "outcome", "OutcomeName"),
        ("RecordPart", "created", "Instant"),
        ("RecordPart", "updated", "Instant"),
    ];
    for (part, key, definition) in parts {
        let property = &mut schema["definitions"][part]["properties"][key];
        assert!(!property.is_null(), "{part} has no `{key}`");
        let reference = json!([{"$ref": format!("#/definitions/{definition}")}]);
        *property = json!({"description": property["description"], "allOf": reference});
    }
}

/// Lets lists of outcomes hold names of outcomes, not any text.
fn refer_to_outcome_names(schema: &mut Value) {
    let lists = [("OutcomePart", "aliases"), ("OutcomePart", "sequence")];
    for (part, key) in lists {
        let items = &mut schema["definitions"][part]["properties"][key]["items"];
        assert!(!items.is_null(), "{part} has no list `{key}`");
        *items = json!({"$ref": "#/definitions/OutcomeName"});
    }
}

/// Adds keywords that a type cannot express: patterns, limits, counts.
fn add_keywords(schema: &mut Value) {
    let more = [
        ("OutcomePart/properties/sequence", json!({"minItems": 1})),
        (
            "RecordPart/properties/id",
            json!({"pattern": "^[A-Za-z0-9_-]+$"}),
        ),
        ("RecordPart/properties/input", json!({"type": "object"})),
        (
            "CallbackRule",
            json!({"anyOf": [{"type": "boolean"}, behaviours()]}),
        ),
        (
            "PendingRule",
            json!({"anyOf": [{"type": "boolean"}, {"type": "string", "pattern": "^[0-9]+(ms|s|m|h|d)$"}]}),
        ),
        (
            "ListingId",
            json!({"pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"}),
        ),
        (
            "Names",
            json!({"minItems": 1, "items": {"type": "string", "pattern": r"\S"}}),
        ),
        ("Country", json!({"pattern": "^[A-Z]{2}$"})),
        (
            "PartialDate",
            json!({"pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}),
        ),
        (
            "BirthDate",
            json!({"pattern": "^[0-9]{2}-[0-9]{2}-[0-9]{4}$"}),
        ),
        ("Nik", json!({"pattern": "^[0-9]{16}$"})),
        ("BankCode", json!({"pattern": "^[A-Z0-9_]+$"})),
        ("AccountNumber", json!({"pattern": "^[0-9]{1,34}$"})),
        ("Percent", json!({"maximum": 100})),
    ];
    for (place, keywords) in more {
        let place = format!("/definitions/{place}");
        let place = schema.pointer_mut(&place).and_then(Value::as_object_mut);
        let keywords = keywords.as_object().expect("keywords").clone();
        place.expect("what is refined is there").extend(keywords);
    }
}

/// The behaviours of a callback: fixed words, and one with a delay.
fn behaviours() -> Value {
    let (delayed, words): (Vec<_>, Vec<_>) = base::behaviours()
        .into_iter()
        .partition(|word| word.contains('('));
    let patterns = delayed.into_iter().map(|word: &str| {
        let (name, _) = word.split_once('(').expect("a delay in parentheses");
        json!({
            "type": "string",
            "pattern": format!(r"^{name}\({DURATION}\)$"),
            "examples": [word],
        })
    });
    let mut ways = vec![json!({"enum": words})];
    ways.extend(patterns);
    json!({"anyOf": ways})
}
