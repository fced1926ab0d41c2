//! Conditions that no request can fulfil, because the request rules refuse the value that they wait for.

use std::ops::Range;

use serde_json::{Map, Value};

use super::compiler::Compiler;
use crate::base::{canonical_json, pointer_part};
use crate::catalogue::schema::{Bound, RequestSchema, ValueRefusal};
use crate::catalogue::shape::{Fields, Shape};
use crate::scenario::{Spanned, Tree};

impl Compiler<'_> {
    /// Warns of every test in a `when` that can never hold.
    pub(super) fn check_conditions(&mut self, schema: &RequestSchema, fields: Fields<'_>) {
        for (file, _, part) in self.outcome_parts() {
            let alternatives = match part.when.as_ref().map(Spanned::as_ref) {
                Some(Tree::List(items)) => items.iter().map(Spanned::as_ref).collect(),
                table => Vec::from_iter(table),
            };
            for alternative in alternatives {
                let Tree::Table(conditions) = alternative else {
                    continue; // already an error, like everything that is skipped below
                };
                for (subject, test) in conditions {
                    if subject.as_ref() == "nth"
                        && let Some(reason) = never_a_call(test)
                    {
                        let sentence = format!("{reason}: this condition can never match");
                        self.warn((file, test.span()), sentence);
                    }
                    let Some(Ok(path)) = fields.path_of(subject.as_ref()) else {
                        continue;
                    };
                    let field = TestedField {
                        name: subject.as_ref(),
                        shape: shape_at(&schema.shape, &path),
                        path: &path,
                        schema,
                    };
                    for (span, sentence) in field.doubts(test) {
                        self.warn((file, span), sentence);
                    }
                }
            }
        }
    }
}

/// The reason why no call can have the number that the test waits for.
fn never_a_call(test: &Spanned<Tree>) -> Option<&'static str> {
    let is_call = |tree: &Tree| {
        let number = canonical_json(&tree.to_json()).as_u64();
        number.is_some_and(|number| number >= 1)
    };
    let is_one = match operation(test).map(|(operator, operand)| (operator, operand.as_ref())) {
        None => is_call(test.as_ref()),
        Some(("one_of", Tree::List(items))) => items.iter().any(|item| is_call(item.as_ref())),
        Some(("lt", limit)) => limit.to_json().as_f64().is_none_or(|limit| limit > 1.0),
        Some(("regex" | "starts_with", _) | ("present", Tree::Boolean(false))) => false,
        Some(_) => true,
    };
    (!is_one).then_some("`nth` is a whole number, 1 or more, in every request")
}

/// A field of the request that a condition looks at.
struct TestedField<'a> {
    name: &'a str,
    shape: &'a Shape,
    path: &'a [String],
    schema: &'a RequestSchema,
}

impl TestedField<'_> {
    fn doubts(&self, test: &Spanned<Tree>) -> Vec<(Range<usize>, String)> {
        let never = |(span, reason): (_, String)| {
            (span, format!("{reason}: this condition can never match"))
        };
        let Some((operator, operand)) = operation(test) else {
            return self.misfit(test).map(never).into_iter().collect();
        };
        match (operator, operand.as_ref()) {
            ("one_of", Tree::List(items)) if !items.is_empty() => {
                let misfits = items.iter().filter_map(|item| self.misfit(item));
                misfits.map(never).collect()
            }
            ("not", _) if self.is_never(operand) => {
                let sentence =
                    "the condition inside `not` can never match, so this condition always matches";
                vec![(operand.span(), sentence.to_owned())]
            }
            _ => {
                let reason = self.useless(operator, operand.as_ref());
                let reason = reason.map(|reason| never((operand.span(), reason)));
                reason.into_iter().collect()
            }
        }
    }

    fn is_never(&self, test: &Spanned<Tree>) -> bool {
        let doubts = self.doubts(test).len();
        match operation(test).map(|(operator, operand)| (operator, operand.as_ref())) {
            Some(("one_of", Tree::List(items))) => doubts == items.len().max(1),
            Some(("not", _)) => false,
            _ => doubts > 0,
        }
    }

    /// The reason why a request that passes its rules never has this value here.
    fn misfit(&self, value: &Spanned<Tree>) -> Option<(Range<usize>, String)> {
        let reason = match self.refusal(value.as_ref().to_json()) {
            Some(refusal) => refusal.reason,
            None if self.is_fact_of_other_kind(value.as_ref()) => {
                format!("is {}", kind(self.shape))
            }
            None => return None,
        };
        Some((value.span(), format!("`{}` {reason}", self.name)))
    }

    /// Whether the value has another type than the field. The schema of a file need not give the types of its facts.
    fn is_fact_of_other_kind(&self, value: &Tree) -> bool {
        match self.shape {
            Shape::Integer => match canonical_json(&value.to_json()).as_ref() {
                Value::Number(number) => number.is_f64(),
                _ => true,
            },
            Shape::Text => !matches!(value, Tree::Text(_)),
            Shape::Object(_)
            | Shape::Array(_)
            | Shape::Number
            | Shape::Boolean
            | Shape::File
            | Shape::Any => false,
        }
    }

    /// The reason why an operator that compares no single value never holds here.
    fn useless(&self, operator: &str, operand: &Tree) -> Option<String> {
        let name = self.name;
        let kind = kind(self.shape);
        match (operator, operand) {
            ("one_of", Tree::List(_)) => Some("the list is empty".to_owned()),
            ("regex" | "starts_with", Tree::Text(_)) => {
                let is_text = matches!(self.shape, Shape::Text | Shape::Any);
                (!is_text).then(|| format!("`{operator}` needs text, but `{name}` is {kind}"))
            }
            ("gt" | "lt", Tree::Integer(_) | Tree::Float(_)) => match self.shape {
                Shape::Integer | Shape::Number | Shape::Any => self.beyond(operator, operand),
                Shape::Object(_) | Shape::Array(_) | Shape::Text | Shape::Boolean | Shape::File => {
                    Some(format!(
                        "`{operator}` needs a number, but `{name}` is {kind}"
                    ))
                }
            },
            ("present", Tree::Boolean(false)) => {
                let [field] = self.path else { return None };
                let is_there = self.schema.is_always_there(field);
                is_there.then(|| format!("`{name}` is in every request"))
            }
            _ => None,
        }
    }

    /// The reason why no value is above `gt` or below `lt`: the field's own limit.
    fn beyond(&self, operator: &str, limit: &Tree) -> Option<String> {
        let limit = limit.to_json().as_f64()?;
        let (next, whole, bound) = match operator {
            "gt" => (limit.next_up(), limit.floor() + 1.0, Bound::Upper),
            _ => (limit.next_down(), limit.ceil() - 1.0, Bound::Lower),
        };
        let is_integer = matches!(self.shape, Shape::Integer);
        let refusal = self.refusal(if is_integer { whole } else { next }.into())?;
        let is_limit = refusal.bound == Some(bound);
        is_limit.then(|| format!("`{}` {}", self.name, refusal.reason))
    }

    fn refusal(&self, value: Value) -> Option<ValueRefusal> {
        let mut input = value;
        let mut pointer = String::new();
        for name in self.path {
            pointer += &pointer_part(name);
        }
        for (at, name) in self.path.iter().enumerate().rev() {
            input = match shape_at(&self.schema.shape, &self.path[..at]) {
                Shape::Array(_) => {
                    let before = name.parse().unwrap_or(usize::MAX);
                    if before > ITEMS_MAX {
                        return None;
                    }
                    let mut items = vec![Value::Null; before];
                    items.push(input);
                    Value::Array(items)
                }
                Shape::Object(_)
                | Shape::Text
                | Shape::Integer
                | Shape::Number
                | Shape::Boolean
                | Shape::File
                | Shape::Any => Value::Object(Map::from_iter([(name.clone(), input)])),
            };
        }
        self.schema.refusal_at(&input, &pointer)
    }
}

/// Items of a list after this index are not checked.
const ITEMS_MAX: usize = 100;

/// The operator of a test and its operand. None for a plain value.
fn operation(test: &Spanned<Tree>) -> Option<(&str, &Spanned<Tree>)> {
    match test.as_ref() {
        Tree::Table(entries) => {
            let (operator, operand) = entries.first()?;
            Some((operator.as_ref(), operand))
        }
        _ => None,
    }
}

/// The shape of the field at a path. The path must be that of a field.
fn shape_at<'a>(shape: &'a Shape, path: &[String]) -> &'a Shape {
    let mut shape = shape;
    for name in path {
        shape = match shape {
            Shape::Object(properties) => properties
                .iter()
                .find(|property| property.name == *name)
                .map_or(&Shape::Any, |property| &property.shape),
            Shape::Array(items) => items,
            Shape::File if matches!(name.as_str(), "type" | "sha256") => &Shape::Text,
            Shape::File => &Shape::Integer,
            Shape::Text | Shape::Integer | Shape::Number | Shape::Boolean | Shape::Any => {
                &Shape::Any
            }
        };
    }
    shape
}

fn kind(shape: &Shape) -> &'static str {
    match shape {
        Shape::Object(_) => "an object",
        Shape::Array(_) => "an array",
        Shape::Text => "text",
        Shape::Integer => "an integer",
        Shape::Number => "a number",
        Shape::Boolean => "a boolean",
        Shape::File => "a file",
        Shape::Any => "of any kind",
    }
}
