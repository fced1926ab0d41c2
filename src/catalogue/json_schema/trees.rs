//! The trees of the file format: bodies, conditions, lookups. Otherwise only the compiler knows their form.

use serde_json::{Map, Value, json};

use super::texts::{OutcomeName, written};
use crate::catalogue::compile::{CHANGES_MAX, WEIGHT_MAX};
use crate::catalogue::condition::OPERATORS;
use crate::catalogue::dummy::{Fake, Lookup as AnyLookup};
use crate::scenario::{BankList, ThenPart, ThenRule};

written!(
    Body,
    json!({
        "description": "A table, an array, or one placeholder.",
        "anyOf": [
            {"type": "object", "additionalProperties": {"$ref": "#/definitions/BodyValue"}},
            {"type": "array", "items": {"$ref": "#/definitions/BodyValue"}},
            {"type": "string", "pattern": format!("^{}$", hole())},
        ],
    }),
    BodyValue
);

written!(
    BodyValue,
    json!({
        "description": format!(
            "A value, or text with placeholders: `{{{{input.field}}}}` (`{{{{input.field?}}}}` leaves the key out if \
             the field was not sent), `{{{{id}}}}`, `{{{{created}}}}`, `{{{{updated}}}}`, `{{{{null}}}}`, \
             `{{{{absent}}}}`, the data that the lookup found, {}.",
            [
                Fake::names().map(|name| format!("`{{{{fake.{name}}}}}`")).collect::<Vec<_>>(),
                BankList::names().map(|name| format!("`{{{{banks.{name}}}}}`")).to_vec(),
            ]
            .concat()
            .join(", ")
        ),
        "anyOf": [
            {"type": ["number", "boolean"]},
            // One pattern for the whole text: a text may hold placeholders, but no other `{{`.
            {"type": "string", "pattern": format!(r"^([^{{]|\{{[^{{]|{})*\{{?$", hole())},
            {"type": "array", "items": {"$ref": "#/definitions/BodyValue"}},
            {"type": "object", "additionalProperties": {"$ref": "#/definitions/BodyValue"}},
        ],
    })
);

written!(
    When,
    json!({
        "description": "A table of conditions that must all match, or a list of tables of which one must match.",
        "anyOf": [
            {"$ref": "#/definitions/Conditions"},
            {"type": "array", "minItems": 1, "items": {"$ref": "#/definitions/Conditions"}},
        ],
    }),
    Conditions
);

written!(
    Conditions,
    json!({
        "description": "Conditions by the quoted name of a part of the request: `\"input.user_id\" = \"foo\"`.",
        "type": "object",
        "minProperties": 1,
        "patternProperties": {
            r"^(input|path|header|query)\..+$": {"$ref": "#/definitions/Test"},
            "^nth$": {"$ref": "#/definitions/Test"},
        },
        "additionalProperties": false,
    }),
    Test
);

written!(
    Test,
    json!({
        "description": "The expected value, or a table with one operator.",
        "anyOf": [
            {"type": ["string", "number", "boolean", "array"]},
            {
                "type": "object",
                "properties": Map::from_iter(OPERATORS.map(|name| (name.to_owned(), operand(name)))),
                "additionalProperties": false,
                "minProperties": 1,
                "maxProperties": 1,
            },
        ],
    })
);

written!(
    Lookup,
    json!({
        "description": "The dummy data that decides, and the outcome for each of its results.",
        "anyOf": AnyLookup::all().map(lookup).collect::<Vec<_>>(),
    }),
    OutcomeName
);

written!(
    Weighted,
    json!({
        "description": "Outcomes and their weights. At least one weight is above 0.",
        "type": "object",
        "minProperties": 1,
        "propertyNames": {"$ref": "#/definitions/OutcomeName"},
        "additionalProperties": {"type": "integer", "minimum": 0, "maximum": WEIGHT_MAX},
    }),
    OutcomeName
);

written!(
    Magic,
    json!({
        "description": "Fields whose values select an outcome: `\"input.given_names\" = { prefix = \"MAGIC \" }`.",
        "type": "object",
        "patternProperties": {
            r"^(input|path)\..+$": {
                "anyOf": [
                    {"description": "The whole value is the name of an outcome.", "const": true},
                    {
                        "description": "The text after this prefix is the name of an outcome.",
                        "type": "object",
                        "properties": {"prefix": {"type": "string", "minLength": 1}},
                        "required": ["prefix"],
                        "additionalProperties": false,
                    },
                ],
            },
        },
        "additionalProperties": false,
    })
);

impl schemars::JsonSchema for ThenRule {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ThenRule".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let part = generator.subschema_for::<ThenPart>();
        schemars::json_schema!({
            // `if` and not `anyOf`, so that editors show a mistake in a table at its place.
            "if": {"type": "array"},
            "then": {"minItems": 1, "maxItems": CHANGES_MAX, "items": part},
            "else": part,
        })
    }
}

/// The pattern of all placeholders that any endpoint may have.
fn hole() -> String {
    let fixed = ["id", "created", "updated", "null", "absent"];
    let fakes = Fake::names().map(|name| format!(r"fake\.{name}"));
    let banks = BankList::names().map(|name| format!(r"banks\.{name}"));
    let never_absent = fixed
        .map(str::to_owned)
        .into_iter()
        .chain(fakes)
        .chain(banks);
    let mut found: Vec<_> = AnyLookup::all()
        .flat_map(|lookup| {
            let prefix = lookup.prefix();
            lookup
                .fields()
                .map(move |field| format!(r"{prefix}\.{field}"))
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    format!(
        r"\{{\{{\s*({}|((input|path)\.[^{{}}\s?]+|{})\??)\s*\}}\}}",
        never_absent.collect::<Vec<_>>().join("|"),
        found.join("|")
    )
}

/// The schema of an operator's operand.
fn operand(operator: &str) -> Value {
    match operator {
        "one_of" => json!({"description": "The value is one of these.", "type": "array"}),
        "regex" => json!({
            "description": "A part of the value matches this regular expression.",
            "type": "string",
            "format": "regex",
        }),
        "starts_with" => {
            json!({"description": "The value starts with this text.", "type": "string"})
        }
        "present" => json!({"description": "Whether the value was sent.", "type": "boolean"}),
        "gt" => json!({"description": "The value is a number above this.", "type": "number"}),
        "lt" => json!({"description": "The value is a number below this.", "type": "number"}),
        "not" => json!({
            "description": "The value or operator does not match.",
            "allOf": [{"$ref": "#/definitions/Test"}],
        }),
        other => panic!("the operand of `{other}` has no schema yet"),
    }
}

/// The schema of `[lookup]` with all its keys, for one lookup.
fn lookup(lookup: AnyLookup) -> Value {
    let name = lookup.name();
    let fields = lookup.reads().iter().chain(lookup.may_read());
    let fields = fields.map(|field| {
        (
            (*field).to_owned(),
            json!({"type": "string", "minLength": 1}),
        )
    });
    let mut properties = Map::from_iter([
        ("in".to_owned(), json!({"const": name})),
        (
            "reads".to_owned(),
            json!({
                "description": "Fields of the request that the lookup reads instead of its usual fields.",
                "type": "object",
                "properties": fields.collect::<Map<_, _>>(),
                "additionalProperties": false,
            }),
        ),
    ]);
    let verdicts = lookup.verdicts();
    let outcome = |verdict: &&str| {
        let outcome = json!({"$ref": "#/definitions/OutcomeName"});
        ((*verdict).to_owned(), outcome)
    };
    properties.extend(verdicts.iter().map(outcome));
    json!({
        "type": "object",
        "properties": properties,
        "required": std::iter::once(&"in").chain(verdicts).collect::<Vec<_>>(),
        "additionalProperties": false,
    })
}
