//! One condition of a `when`: the part of the request that it checks, and the test that this part must pass.

use std::borrow::Cow;
use std::sync::Arc;

use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, HeaderName};
use regex::Regex;
use serde_json::{Map, Value, json};

use super::shape::{Fields, Shape, dig};
use crate::base::{
    canonical_json, listed, look_alike, look_alike_json, nearest_or_all, read_exact_json, same_json,
};
use crate::http;
use crate::scenario::{LoadError, SourceFile, Spanned, Tree};

/// The parts of a request that conditions can check.
#[derive(Clone, Copy)]
pub(crate) struct Facts<'a> {
    pub fields: &'a Map<String, Value>,
    /// The names of uploaded files, by their fields.
    pub file_names: &'a Map<String, Value>,
    pub headers: &'a HeaderMap,
    pub query: &'a str,
    /// The call number of its endpoint, counted from 1. It is 0 if calls are not counted.
    pub nth: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Condition {
    /// As the file names it: `input.bank_code`.
    pub written: Box<str>,
    pub subject: Subject,
    pub test: Test,
}

/// The part of a request that a condition checks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Subject {
    Field(Vec<String>),
    /// The name of the uploaded file in this field.
    FileName(String),
    Header(HeaderName),
    Query(String),
    Nth,
}

#[derive(Clone, Debug)]
pub(crate) enum Test {
    /// A value in its canonical form.
    Equals(Value),
    /// Values in their canonical form.
    OneOf(Vec<Value>),
    Matches(Regex),
    StartsWith(String),
    Present(bool),
    MoreThan(f64),
    LessThan(f64),
    Not(Box<Test>),
}

pub(crate) const OPERATORS: [&str; 7] = [
    "one_of",
    "regex",
    "starts_with",
    "present",
    "gt",
    "lt",
    "not",
];

impl Condition {
    pub(crate) fn compile(
        subject: &Spanned<String>,
        test: &Spanned<Tree>,
        file: &Arc<SourceFile>,
        fields: Fields<'_>,
    ) -> Result<Self, LoadError> {
        let written = subject.as_ref();
        let parsed = Subject::parse(written, fields);
        let subject = parsed.map_err(|message| file.error(subject.span(), message))?;
        let test = Test::compile(test, file, subject.is_text())?;
        Ok(Self {
            written: written.as_str().into(),
            subject,
            test,
        })
    }

    /// The header that it checks.
    pub(super) fn header(&self) -> Option<HeaderName> {
        match &self.subject {
            Subject::Header(name) => Some(name.clone()),
            Subject::Field(_) | Subject::FileName(_) | Subject::Query(_) | Subject::Nth => None,
        }
    }

    /// Where the value of a request differs from the expected one, if they look alike and the condition fails.
    pub(crate) fn look_alike(&self, facts: Facts<'_>) -> Option<String> {
        let received = self.subject.of(facts)?;
        let fails = !self.test.holds(Some(&*received), self.subject.is_text());
        fails.then(|| self.test.look_alike(&received))?
    }

    pub(crate) fn holds(&self, facts: Facts<'_>) -> bool {
        let value = self.subject.of(facts);
        self.test.holds(value.as_deref(), self.subject.is_text())
    }
}

impl Subject {
    /// Parses a name such as `input.addresses.0.country` or `header.x-test-case`.
    pub(crate) fn parse(written: &str, fields: Fields<'_>) -> Result<Self, String> {
        if written == "nth" {
            return Ok(Self::Nth);
        }
        if let Some(name) = written.strip_prefix("header.") {
            return match HeaderName::try_from(name) {
                Ok(name) if name == AUTHORIZATION => {
                    Err("the API key cannot be tested: each key has a world of its own".to_owned())
                }
                Ok(name) => Ok(Self::Header(name)),
                Err(_) => Err(format!("`{name}` is not a valid header name")),
            };
        }
        if let Some(name) = written.strip_prefix("query.") {
            return Ok(Self::Query(name.to_owned()));
        }
        if let Some((of_file, "file_name")) = written.rsplit_once('.')
            && let Some(Ok(path)) = fields.path_of(of_file)
            && let [name] = path.as_slice()
            && fields.shape.property(name) == Some(&Shape::File)
        {
            return Ok(Self::FileName(name.clone()));
        }
        fields.path_of(written).map_or_else(
            || {
                let word = fields.word;
                let example = fields.names().next();
                let example = example.unwrap_or_else(|| format!("{word}.user_id"));
                Err(format!(
                    "`{written}` cannot be tested: a condition starts with `{word}.`, `header.` or `query.`, or is `nth`; in quotes, such as `\"{example}\"`"
                ))
            },
            |path| path.map(Self::Field),
        )
    }

    /// Whether the value is always text, whatever the client sends. Then numbers are compared to the number that the
    /// text spells.
    pub(crate) fn is_text(&self) -> bool {
        matches!(self, Self::Header(_) | Self::Query(_) | Self::FileName(_))
    }

    /// The value that the request has there.
    pub(crate) fn of<'a>(&self, facts: Facts<'a>) -> Option<Cow<'a, Value>> {
        match self {
            Self::Field(path) => dig(facts.fields, path).map(Cow::Borrowed),
            Self::FileName(field) => facts.file_names.get(field).map(Cow::Borrowed),
            Self::Header(name) => {
                let values = facts.headers.get_all(name).iter();
                text_or_list(values.map(http::header_text)).map(Cow::Owned)
            }
            Self::Query(name) => {
                let pairs = http::shown_pairs(facts.query.as_bytes());
                let values = pairs.filter(|(key, _)| key == name);
                text_or_list(values.map(|(_, value)| value)).map(Cow::Owned)
            }
            Self::Nth => Some(Cow::Owned(facts.nth.into())),
        }
    }
}

impl Test {
    fn compile(
        tree: &Spanned<Tree>,
        file: &Arc<SourceFile>,
        as_text: bool,
    ) -> Result<Self, LoadError> {
        let literal = |tree: &Tree| literal(tree, as_text);
        let Tree::Table(entries) = tree.as_ref() else {
            return Ok(Self::Equals(literal(tree.as_ref())));
        };
        let [(operator, operand)] = entries.as_slice() else {
            return Err(file.error(
                tree.span(),
                format!("must name one operator: {}", listed(OPERATORS)),
            ));
        };
        let wrong = |expected: &str| {
            file.error(
                operand.span(),
                format!(
                    "`{}` needs {expected}, not {}",
                    operator.as_ref(),
                    operand.as_ref().kind()
                ),
            )
        };
        match (operator.as_ref().as_str(), operand.as_ref()) {
            ("one_of", Tree::List(items)) => Ok(Self::OneOf(
                items.iter().map(|item| literal(item.as_ref())).collect(),
            )),
            ("one_of", _) => Err(wrong("an array")),
            ("regex", Tree::Text(pattern)) => {
                Regex::new(pattern).map(Self::Matches).map_err(|error| {
                    let reason = error.to_string();
                    let reason = reason.lines().last().unwrap_or_default();
                    file.error(
                        operand.span(),
                        format!(
                            "not a regular expression: {}",
                            reason.trim_start_matches("error: ")
                        ),
                    )
                })
            }
            ("regex" | "starts_with", operand) if !matches!(operand, Tree::Text(_)) => {
                Err(wrong("text"))
            }
            ("starts_with", Tree::Text(start)) => Ok(Self::StartsWith(start.clone())),
            ("present", Tree::Boolean(present)) => Ok(Self::Present(*present)),
            ("present", _) => Err(wrong("true or false")),
            ("gt", number) => Ok(Self::MoreThan(
                as_number(number).ok_or_else(|| wrong("a number"))?,
            )),
            ("lt", number) => Ok(Self::LessThan(
                as_number(number).ok_or_else(|| wrong("a number"))?,
            )),
            ("not", _) => Ok(Self::Not(Box::new(Self::compile(operand, file, as_text)?))),
            (unknown, _) => {
                let hint = nearest_or_all(unknown, OPERATORS);
                Err(file.error(
                    operator.span(),
                    format!("unknown operator `{unknown}`: {hint}"),
                ))
            }
        }
    }

    /// Whether the value of a request passes. `is_text` if its subject is always text.
    pub(crate) fn holds(&self, value: Option<&Value>, is_text: bool) -> bool {
        let is = |expected: &Value| value.is_some_and(|value| equals(expected, value, is_text));
        let text = || value.and_then(Value::as_str);
        let number = || match value? {
            Value::String(text) => text.parse().ok(), // from a header or the query
            other => other.as_f64(),
        };
        match self {
            Self::Equals(expected) => is(expected),
            Self::OneOf(options) => options.iter().any(is),
            Self::Matches(regex) => text().is_some_and(|text| regex.is_match(text)),
            Self::StartsWith(start) => text().is_some_and(|text| text.starts_with(start.as_str())),
            Self::Present(present) => value.is_some() == *present,
            Self::MoreThan(limit) => number().is_some_and(|number: f64| number > *limit),
            Self::LessThan(limit) => number().is_some_and(|number: f64| number < *limit),
            Self::Not(inner) => !inner.holds(value, is_text),
        }
    }

    /// The values of which one must be there. None if the test does not list values.
    pub(crate) fn exact(&self) -> Option<&[Value]> {
        match self {
            Self::Equals(value) => Some(std::slice::from_ref(value)),
            Self::OneOf(values) => Some(values),
            Self::Matches(_)
            | Self::StartsWith(_)
            | Self::Present(_)
            | Self::MoreThan(_)
            | Self::LessThan(_)
            | Self::Not(_) => None,
        }
    }

    fn look_alike(&self, received: &Value) -> Option<String> {
        if let Self::StartsWith(start) = self {
            let received = received.as_str()?;
            let counts = 1..=start.chars().count() * 2;
            let mut beginnings =
                counts.map(|count| received.chars().take(count).collect::<String>());
            return beginnings.find_map(|beginning| look_alike(start, &beginning));
        }
        let mut expected = self.exact()?.iter();
        expected.find_map(|expected| look_alike_json(expected, received))
    }

    /// The test as a file writes it.
    pub(crate) fn shown(&self) -> Value {
        match self {
            Self::Equals(value) => value.clone(),
            Self::OneOf(values) => json!({"one_of": values}),
            Self::Matches(regex) => json!({"regex": regex.as_str()}),
            Self::StartsWith(start) => json!({"starts_with": start}),
            Self::Present(present) => json!({"present": present}),
            Self::MoreThan(limit) => json!({"gt": limit}),
            Self::LessThan(limit) => json!({"lt": limit}),
            Self::Not(inner) => json!({"not": inner.shown()}),
        }
    }
}

/// A value that a file writes. For a subject that is always text, a boolean is text too.
fn literal(tree: &Tree, as_text: bool) -> Value {
    match tree {
        Tree::Boolean(truth) if as_text => truth.to_string().into(),
        Tree::List(items) if as_text => {
            let items = items.iter();
            items.map(|item| literal(item.as_ref(), as_text)).collect()
        }
        other => canonical_json(&other.to_json()).into_owned(),
    }
}

/// The value of a header or a query parameter: a text, or the list of its texts if it came more than once.
pub(crate) fn text_or_list<T: Into<String>>(texts: impl Iterator<Item = T>) -> Option<Value> {
    let mut texts: Vec<String> = texts.map(Into::into).collect();
    match texts.len() {
        0 => None,
        1 => texts.pop().map(Value::String),
        _ => Some(texts.into()),
    }
}

/// Whether a value of a request is the expected one. Numbers are equal however they are written.
fn equals(expected: &Value, value: &Value, is_text: bool) -> bool {
    match (expected, value) {
        (Value::Number(_), Value::String(text)) if is_text => {
            number_of(text).is_some_and(|number| same_json(expected, &number))
        }
        (Value::Array(expected), Value::Array(values)) if is_text => {
            let mut pairs = expected.iter().zip(values);
            expected.len() == values.len()
                && pairs.all(|(expected, value)| equals(expected, value, is_text))
        }
        _ => same_json(expected, value),
    }
}

/// The number that a text spells.
pub(crate) fn number_of(text: &str) -> Option<Value> {
    read_exact_json(text.as_bytes()).filter(Value::is_number)
}

fn as_number(tree: &Tree) -> Option<f64> {
    tree.to_json().as_f64()
}
