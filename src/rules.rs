//! `when`: conditions on the input that choose an outcome.

use std::sync::Arc;

use regex::Regex;
use serde_json::{Map, Value};

use crate::endpoint::Outcome;
use crate::input::{Fields, dig};
use crate::load_error::{LoadError, SourceFile, listed, nearest};
use crate::spanned::Spanned;
use crate::tree::Tree;

/// Chooses an outcome when any of its alternatives holds.
#[derive(Debug)]
pub(crate) struct Rule {
    pub outcome: Arc<Outcome>,
    pub when: When,
}

/// Alternatives, of which each is conditions that must all hold.
#[derive(Clone, Debug)]
pub(crate) struct When(Vec<Vec<Condition>>);

#[derive(Clone, Debug)]
struct Condition {
    path: Vec<String>,
    test: Test,
}

#[derive(Clone, Debug)]
enum Test {
    Equals(Value),
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

impl When {
    pub(crate) fn compile(
        tree: &Spanned<Tree>,
        file: &Arc<SourceFile>,
        fields: Fields<'_>,
        errors: &mut Vec<LoadError>,
    ) -> Self {
        let alternatives: Vec<_> = match tree.as_ref() {
            Tree::Table(_) => vec![tree],
            Tree::List(items) if !items.is_empty() => items.iter().collect(),
            _ => {
                errors.push(file.error(
                    tree.span(),
                    "`when` must be a table of conditions, or a list of such tables",
                ));
                Vec::new()
            }
        };
        let mut compiled = Vec::new();
        for alternative in alternatives {
            let Tree::Table(entries) = alternative.as_ref() else {
                errors.push(file.error(alternative.span(), "must be a table of conditions"));
                continue;
            };
            if entries.is_empty() {
                errors.push(file.error(
                    alternative.span(),
                    "a table without a condition would always hold: use `default = true` instead",
                ));
            }
            let conditions = entries
                .iter()
                .filter_map(|(subject, test)| {
                    Condition::compile(subject, test, file, fields)
                        .map_err(|error| errors.push(error))
                        .ok()
                })
                .collect();
            compiled.push(conditions);
        }
        Self(compiled)
    }

    pub(crate) fn holds(&self, input: &Map<String, Value>) -> bool {
        self.0
            .iter()
            .any(|conditions| conditions.iter().all(|condition| condition.holds(input)))
    }
}

impl Condition {
    fn compile(
        subject: &Spanned<String>,
        test: &Spanned<Tree>,
        file: &Arc<SourceFile>,
        fields: Fields<'_>,
    ) -> Result<Self, LoadError> {
        let written = subject.as_ref();
        let path = fields.path_of(written).unwrap_or_else(|| {
            let word = fields.word;
            let example = fields.names().next();
            let example = example.unwrap_or_else(|| format!("{word}.user_id"));
            Err(format!(
                "`{written}` cannot be tested: a condition begins with `{word}.`, in quotes, such as `\"{example}\"`"
            ))
        });
        Ok(Self {
            path: path.map_err(|message| file.error(subject.span(), message))?,
            test: Test::compile(test, file)?,
        })
    }

    fn holds(&self, input: &Map<String, Value>) -> bool {
        self.test.holds(dig(input, &self.path))
    }
}

impl Test {
    fn compile(tree: &Spanned<Tree>, file: &Arc<SourceFile>) -> Result<Self, LoadError> {
        let Tree::Table(entries) = tree.as_ref() else {
            return Ok(Self::Equals(tree.as_ref().to_json()));
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
                    "`{}` wants {expected}, not {}",
                    operator.as_ref(),
                    operand.as_ref().kind()
                ),
            )
        };
        match (operator.as_ref().as_str(), operand.as_ref()) {
            ("one_of", Tree::List(items)) => Ok(Self::OneOf(
                items.iter().map(|item| item.as_ref().to_json()).collect(),
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
            ("not", _) => Ok(Self::Not(Box::new(Self::compile(operand, file)?))),
            (unknown, _) => {
                let hint = nearest(unknown, OPERATORS).map_or_else(
                    || format!("known are {}", listed(OPERATORS)),
                    |near| format!("did you mean `{near}`?"),
                );
                Err(file.error(
                    operator.span(),
                    format!("unknown operator `{unknown}`: {hint}"),
                ))
            }
        }
    }

    fn holds(&self, value: Option<&Value>) -> bool {
        let text = || value.and_then(Value::as_str);
        let number = || value.and_then(Value::as_f64);
        match self {
            Self::Equals(expected) => value == Some(expected),
            Self::OneOf(options) => value.is_some_and(|value| options.contains(value)),
            Self::Matches(regex) => text().is_some_and(|text| regex.is_match(text)),
            Self::StartsWith(start) => text().is_some_and(|text| text.starts_with(start.as_str())),
            Self::Present(present) => value.is_some() == *present,
            Self::MoreThan(limit) => number().is_some_and(|number| number > *limit),
            Self::LessThan(limit) => number().is_some_and(|number| number < *limit),
            Self::Not(inner) => !inner.holds(value),
        }
    }
}

fn as_number(tree: &Tree) -> Option<f64> {
    tree.to_json().as_f64()
}
