//! The JSON Schema of what a template writes. Literals are constants, and each placeholder has the schema of
//! its values.

use std::collections::HashSet;

use regex::Regex;
use serde_json::{Map, Value, json};

use super::requests::field;
use crate::catalogue::{Creation, Endpoint, Hole, LookupField, Outcome, Shape, Template};
use crate::scenario::DateForm;

/// Everything that the placeholders of one endpoint's bodies depend on.
pub(super) struct Yields<'a> {
    endpoint: &'a Endpoint,
    creation: &'a Creation,
    dates: DateForm,
    /// The place of the request schema's definitions.
    definitions: &'a str,
    /// Outcomes that may answer when the lookup has found nothing.
    empty_handed: HashSet<&'a str>,
}

impl<'a> Yields<'a> {
    pub(super) fn new(
        endpoint: &'a Endpoint,
        creation: &'a Creation,
        dates: DateForm,
        definitions: &'a str,
    ) -> Self {
        let mut empty_handed = HashSet::new();
        if let Some(rule) = &creation.lookup {
            let verdicts = rule.outcomes.iter();
            let mut outcomes: Vec<_> = verdicts
                .filter(|(verdict, _)| rule.lookup.is_empty_handed(verdict))
                .map(|(_, outcome)| &**outcome)
                .collect();
            while let Some(outcome) = outcomes.pop() {
                if empty_handed.insert(outcome.name.as_str()) {
                    outcomes.extend(named(endpoint, outcome));
                }
            }
        }
        Self {
            endpoint,
            creation,
            dates,
            definitions,
            empty_handed,
        }
    }

    pub(super) fn of(&self, template: &Template, outcome: &Outcome) -> Value {
        match template {
            Template::Scalar(value) => constant(value),
            Template::Hole(hole) => self.hole(hole, outcome),
            Template::Text(_) => json!({"type": "string"}),
            Template::List(items) if items.is_empty() => json!({"type": "array", "maxItems": 0}),
            Template::List(items) => {
                let schemas: Vec<_> = items.iter().map(|item| self.of(item, outcome)).collect();
                json!({
                    "type": "array",
                    "prefixItems": schemas,
                    "minItems": items.len(),
                    "maxItems": items.len(),
                })
            }
            Template::Object(entries) => {
                let present = entries
                    .iter()
                    .filter(|(_, value)| !matches!(value, Template::Hole(Hole::Absent)));
                let properties: Map<_, _> = present
                    .clone()
                    .map(|(key, value)| (key.clone(), self.of(value, outcome)))
                    .collect();
                let required: Vec<_> = present
                    .filter(|(_, value)| !value.may_be_absent())
                    .map(|(key, _)| key)
                    .collect();
                json!({
                    "type": "object",
                    "properties": properties,
                    "required": required,
                    "additionalProperties": false,
                })
            }
        }
    }

    fn hole(&self, hole: &Hole, outcome: &Outcome) -> Value {
        match hole {
            Hole::Id => {
                let pattern = self.creation.id_pattern.as_ref();
                let pattern = pattern.map(crate::catalogue::IdPattern::pattern);
                match pattern.filter(|pattern| self.fits_planted(pattern)) {
                    Some(pattern) => json!({"type": "string", "pattern": pattern}),
                    None => json!({"type": "string"}),
                }
            }
            Hole::Created | Hole::Updated => json!({"type": "string", "format": "date-time"}),
            Hole::Null | Hole::Absent => json!({"type": "null"}),
            Hole::Fake { fake, .. } => fake.schema(),
            Hole::Banks(list) => list.schema(),
            Hole::Input { path, optional } => {
                let (schema, is_always_there) = self.input(path);
                or_null(schema, *optional || is_always_there)
            }
            Hole::Found { field, optional } => {
                let is_there = *optional || self.is_always_found(*field, outcome);
                or_null(self.found(*field), is_there)
            }
        }
    }

    /// Whether the ids of the planted records match the pattern. They may be any text.
    fn fits_planted(&self, pattern: &str) -> bool {
        let mut ids = self.endpoint.records.keys();
        Regex::new(pattern).is_ok_and(|pattern| ids.all(|id| pattern.is_match(id)))
    }

    fn found(&self, field: LookupField) -> Value {
        let lookup = self.creation.lookup.as_ref().map(|rule| rule.lookup);
        lookup.map_or(json!({}), |lookup| lookup.schema(field, self.dates))
    }

    fn is_always_found(&self, field: LookupField, outcome: &Outcome) -> bool {
        let Some(rule) = &self.creation.lookup else {
            return false;
        };
        let depends_on = rule.lookup.depends_on(field);
        let is_given = depends_on.is_none_or(|own| {
            let schema = &self.endpoint.schema;
            schema.is_always_there(rule.reads.name_of(own))
        });
        is_given && !self.empty_handed.contains(outcome.name.as_str())
    }

    /// The request schema's rule for a field, and whether every request has the field.
    fn input(&self, path: &[String]) -> (Value, bool) {
        let mut rule = self.endpoint.schema.json();
        let mut shape = &self.endpoint.schema.shape;
        let mut is_always_there = true;
        for name in path {
            match shape {
                Shape::Object(properties) => {
                    let Some(property) = properties.iter().find(|one| one.name == *name) else {
                        return (json!({}), false);
                    };
                    let required = rule["required"].as_array();
                    is_always_there &= property.default.is_some()
                        || required.is_some_and(|names| names.iter().any(|one| one == name));
                    shape = &property.shape;
                    rule = &rule["properties"][name];
                }
                Shape::Array(items) => {
                    is_always_there = false;
                    shape = items;
                    rule = &rule["items"];
                }
                Shape::File => return (fact(name), is_always_there && name != "type"),
                Shape::Text | Shape::Integer | Shape::Number | Shape::Boolean | Shape::Any => {
                    return (json!({}), false);
                }
            }
        }
        if *shape == Shape::File {
            let names = ["bytes", "width", "height", "sha256", "type"];
            let facts: Map<_, _> = names
                .map(|name| (name.to_owned(), fact(name)))
                .into_iter()
                .collect();
            return (
                json!({"type": "object", "properties": facts}),
                is_always_there,
            );
        }
        (field(rule, self.definitions), is_always_there)
    }
}

/// The outcomes that an outcome changes into or stands for.
pub(super) fn named<'e>(
    endpoint: &'e Endpoint,
    outcome: &'e Outcome,
) -> impl Iterator<Item = &'e Outcome> {
    use crate::catalogue::Answer;
    let turns: Vec<&str> = match &outcome.answer {
        Answer::Sequence { names, .. } => names.iter().map(String::as_str).collect(),
        Answer::Weighted(weights) => weights.iter().map(|(name, _)| name.as_str()).collect(),
        Answer::Body { .. } | Answer::Error { .. } => Vec::new(),
    };
    let changes = outcome.then.iter().map(|then| then.outcome.as_str());
    turns
        .into_iter()
        .chain(changes)
        .map(|name| &*endpoint.outcomes[name])
}

fn constant(value: &Value) -> Value {
    let kind = match value {
        Value::Null => return json!({"type": "null"}),
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        _ => "string",
    };
    json!({"type": kind, "const": value})
}

/// The schema of a fact about an uploaded file.
fn fact(name: &str) -> Value {
    match name {
        "type" => json!({"type": "string"}),
        "sha256" => json!({"type": "string", "pattern": "^[0-9a-f]{64}$"}),
        _ => json!({"type": "integer", "minimum": 0}),
    }
}

fn or_null(schema: Value, is_always_there: bool) -> Value {
    if is_always_there {
        return schema;
    }
    match schema {
        Value::Object(any) if any.is_empty() => Value::Object(any),
        schema => json!({"anyOf": [schema, {"type": "null"}]}),
    }
}
