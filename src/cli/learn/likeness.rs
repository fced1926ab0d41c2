//! Compares an observed reply with the body of an outcome. Values that may be about a person count by their type alone.

use serde_json::{Map, Value};

use super::stand_in::stand_in;
use super::vocabulary::{Vocabulary, keeps_number};
use crate::base::{Stamp, json_type};
use crate::catalogue::{Catalogue, Endpoint, Hole, Shape, Template, dig};

/// A field in which a reply differs from an outcome.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Difference {
    /// With dots, such as `result.bank_name`. Empty for the whole body.
    pub path: String,
    pub kind: DifferenceKind,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum DifferenceKind {
    Additional,
    Missing,
    Type {
        observed: &'static str,
        known: &'static str,
    },
    /// The observed value, if it is about nobody.
    Value(Option<String>),
    /// A list is empty in one of both alone.
    Empty {
        observed: bool,
    },
}

/// What a comparison refers to.
#[derive(Clone, Copy)]
pub(super) struct Scope<'c> {
    pub catalogue: &'c Catalogue,
    pub vocabulary: &'c Vocabulary,
    pub endpoint: &'c Endpoint,
    pub input: Option<&'c Map<String, Value>>,
}

impl Difference {
    pub(super) fn words(&self) -> String {
        match &self.kind {
            DifferenceKind::Additional => "is additional".to_owned(),
            DifferenceKind::Missing => "is missing".to_owned(),
            DifferenceKind::Type { observed, known } => {
                format!("is {observed}, and {known} in the scenario")
            }
            DifferenceKind::Value(Some(value)) => format!("is {value}"),
            DifferenceKind::Value(None) => "has another value".to_owned(),
            DifferenceKind::Empty { observed: true } => "is empty".to_owned(),
            DifferenceKind::Empty { observed: false } => "is not empty".to_owned(),
        }
    }
}

impl Scope<'_> {
    /// All differences between a reply and a body.
    pub(super) fn differences(&self, template: &Template, value: &Value) -> Vec<Difference> {
        let mut found = Vec::new();
        self.compare("", template, value, &mut found);
        found
    }

    /// Whether a scalar may stay as it is.
    pub(super) fn keeps(&self, name: &str, value: &Value) -> bool {
        match value {
            Value::Null | Value::Bool(_) => true,
            Value::Number(number) => keeps_number(name, number),
            Value::String(text) => self.vocabulary.keeps_text(self.catalogue, name, text),
            Value::Array(_) | Value::Object(_) => false,
        }
    }

    fn compare(&self, path: &str, template: &Template, value: &Value, found: &mut Vec<Difference>) {
        match template {
            Template::Scalar(known) => self.compare_scalar(path, known, value, found),
            Template::Hole(hole) => self.compare_hole(path, hole, value, found),
            Template::Text(_) => expect_kind(path, "text", value, found),
            Template::List(items) => self.compare_list(path, items, value, found),
            Template::Object(entries) => self.compare_object(path, entries, value, found),
        }
    }

    fn compare_scalar(
        &self,
        path: &str,
        known: &Value,
        value: &Value,
        found: &mut Vec<Difference>,
    ) {
        if json_type(known) != json_type(value) {
            return expect_kind(path, json_type(known), value, found);
        }
        let name = name_of(path);
        let is_kept = self.keeps(name, value);
        let is_stand_in =
            || !self.keeps(name, known) || stand_in(name, value).as_ref() == Some(known);
        if known == value || (!is_kept && is_stand_in()) {
            return;
        }
        let shown = is_kept.then(|| value.to_string());
        found.push(at(path, DifferenceKind::Value(shown)));
    }

    fn compare_list(
        &self,
        path: &str,
        items: &[Template],
        value: &Value,
        found: &mut Vec<Difference>,
    ) {
        let Value::Array(values) = value else {
            return expect_kind(path, "a list", value, found);
        };
        if items.is_empty() != values.is_empty() {
            let observed = values.is_empty();
            return found.push(at(path, DifferenceKind::Empty { observed }));
        }
        for value in values {
            let of_items = items.iter().map(|item| {
                let mut of_item = Vec::new();
                self.compare(&below(path, "*"), item, value, &mut of_item);
                of_item
            });
            let nearest = of_items.min_by_key(Vec::len).unwrap_or_default();
            for one in nearest {
                if !found.contains(&one) {
                    found.push(one);
                }
            }
        }
    }

    fn compare_object(
        &self,
        path: &str,
        entries: &[(String, Template)],
        value: &Value,
        found: &mut Vec<Difference>,
    ) {
        let Value::Object(fields) = value else {
            return expect_kind(path, "an object", value, found);
        };
        for (name, template) in entries {
            let path = below(path, name);
            match fields.get(name) {
                Some(value) => self.compare(&path, template, value, found),
                None if self.may_lack(template) => {}
                None => found.push(at(&path, DifferenceKind::Missing)),
            }
        }
        for name in fields.keys() {
            if !entries.iter().any(|(known, _)| known == name) {
                found.push(at(&below(path, name), DifferenceKind::Additional));
            }
        }
    }

    /// Whether a body with this placeholder may lack its key.
    pub(super) fn may_lack(&self, template: &Template) -> bool {
        let Template::Hole(hole) = template else {
            return false;
        };
        match hole {
            Hole::Absent => true,
            Hole::Input { path, optional } => {
                let sent = self.input.map(|input| dig(input, path).is_some());
                *optional && sent != Some(true)
            }
            Hole::Found { optional, .. } => *optional,
            Hole::Id
            | Hole::Created
            | Hole::Updated
            | Hole::Null
            | Hole::Fake { .. }
            | Hole::Banks(_) => false,
        }
    }

    fn compare_hole(&self, path: &str, hole: &Hole, value: &Value, found: &mut Vec<Difference>) {
        match hole {
            Hole::Id => expect_kind(path, "text", value, found),
            Hole::Created | Hole::Updated => {
                let text = value.as_str();
                if text.is_none_or(|text| text.parse::<Stamp>().is_err()) {
                    let (observed, known) = (json_type(value), "a time");
                    found.push(at(path, DifferenceKind::Type { observed, known }));
                }
            }
            Hole::Null => expect_kind(path, "null", value, found),
            Hole::Absent => found.push(at(path, DifferenceKind::Additional)),
            Hole::Banks(_) => expect_kind(path, "a list", value, found),
            Hole::Fake { fake, .. } => compare_schema(path, &fake.schema(), value, found),
            Hole::Input { path: field, .. } => self.compare_echo(path, field, value, found),
            Hole::Found { field, .. } => {
                let rule = self.endpoint.creation.as_ref();
                let rule = rule.and_then(|creation| creation.lookup.as_ref());
                if let Some(rule) = rule {
                    let dates = self.catalogue.dummy.dates();
                    compare_schema(path, &rule.lookup.schema(*field, dates), value, found);
                }
            }
        }
    }

    /// Compares the echo of a field with what was sent.
    fn compare_echo(
        &self,
        path: &str,
        field: &[String],
        value: &Value,
        found: &mut Vec<Difference>,
    ) {
        let sent = self.input.and_then(|input| dig(input, field));
        match (sent, value) {
            (Some(sent), value) if json_type(sent) != json_type(value) => {
                expect_kind(path, json_type(sent), value, found);
            }
            (Some(_), _) | (None, Value::Null) => {}
            (None, _) if self.input.is_some() => {
                found.push(at(path, DifferenceKind::Additional)); // it was not sent
            }
            (None, value) => {
                let names: Vec<_> = field.iter().map(String::as_str).collect();
                let known = self.endpoint.schema.shape.at(&names).map(shape_kind);
                if let Some(known) = known.filter(|known| *known != "any") {
                    expect_kind(path, known, value, found);
                }
            }
        }
    }
}

/// Compares a value with a schema of the sandbox's own data.
fn compare_schema(path: &str, schema: &Value, value: &Value, found: &mut Vec<Difference>) {
    if let Some(alternatives) = schema["anyOf"].as_array() {
        let of_each = alternatives.iter().map(|schema| {
            let mut of_one = Vec::new();
            compare_schema(path, schema, value, &mut of_one);
            of_one
        });
        found.extend(of_each.min_by_key(Vec::len).unwrap_or_default());
        return;
    }
    let known = match schema["type"].as_str() {
        Some("object") => "an object",
        Some("array") => "a list",
        Some("string") => "text",
        Some("integer" | "number") => "a number",
        Some("boolean") => "a boolean",
        Some("null") => "null",
        _ => return, // only the values are listed
    };
    if json_type(value) != known {
        return expect_kind(path, known, value, found);
    }
    match value {
        Value::Array(items) => {
            let mut of_items = Vec::new();
            for item in items {
                compare_schema(&below(path, "*"), &schema["items"], item, &mut of_items);
            }
            for one in of_items {
                if !found.contains(&one) {
                    found.push(one);
                }
            }
        }
        Value::Object(fields) => {
            let known = &schema["properties"];
            for (name, value) in fields {
                let path = below(path, name);
                match known.get(name) {
                    Some(schema) => compare_schema(&path, schema, value, found),
                    None => found.push(at(&path, DifferenceKind::Additional)),
                }
            }
            let required = schema["required"].as_array().into_iter().flatten();
            for name in required.filter_map(Value::as_str) {
                if !fields.contains_key(name) {
                    found.push(at(&below(path, name), DifferenceKind::Missing));
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn expect_kind(path: &str, known: &'static str, value: &Value, found: &mut Vec<Difference>) {
    let observed = json_type(value);
    if observed != known {
        found.push(at(path, DifferenceKind::Type { observed, known }));
    }
}

fn at(path: &str, kind: DifferenceKind) -> Difference {
    Difference {
        path: path.to_owned(),
        kind,
    }
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() {
        return name.to_owned();
    }
    format!("{path}.{name}")
}

/// The last name of a path. An item of a list has the name of its list.
pub(super) fn name_of(path: &str) -> &str {
    let mut names = path.rsplit('.');
    names.find(|name| *name != "*").unwrap_or_default()
}

fn shape_kind(shape: &Shape) -> &'static str {
    match shape {
        Shape::Object(_) => "an object",
        Shape::Array(_) => "a list",
        Shape::Text => "text",
        Shape::Integer | Shape::Number => "a number",
        Shape::Boolean => "a boolean",
        Shape::File | Shape::Any => "any",
    }
}
