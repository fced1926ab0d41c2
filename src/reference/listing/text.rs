//! The list as text for a terminal.

use std::fmt::{self, Write};

use indexmap::IndexMap;
use serde_json::Value;

use super::listing::{ListedEndpoint, ListedOutcome, Listing};
use crate::base::visible;

impl Listing {
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for endpoint in &self.endpoints {
            list_endpoint(&mut text, endpoint).expect("writing to a string cannot fail");
        }
        let errors: Vec<_> = self
            .errors
            .iter()
            .map(|error| format!("  {} {}\n", error.status, error.name))
            .collect();
        text + "Every endpoint also takes these as x-magic-reply:\n" + &errors.concat()
    }
}

fn list_endpoint(text: &mut String, endpoint: &ListedEndpoint) -> fmt::Result {
    let is_kept = match (endpoint.method, &endpoint.read_back) {
        ("POST", None) => ", not read back",
        _ => "",
    };
    let head = format!(
        "{} {}  ({}, {}{is_kept})",
        endpoint.method,
        endpoint.path,
        endpoint.id,
        endpoint.source.name()
    );
    writeln!(text, "{}", visible(&head))?;
    let names = endpoint.outcomes.iter().map(|outcome| outcome.name.len());
    let width = names.max().unwrap_or(0);
    for outcome in &endpoint.outcomes {
        let notes = notes(endpoint, outcome);
        let line = format!(
            "  {:width$}  {:10}  {notes}",
            outcome.name,
            outcome.source.name()
        );
        writeln!(text, "{}", visible(line.trim_end()))?;
    }
    writeln!(text)
}

fn notes(endpoint: &ListedEndpoint, outcome: &ListedOutcome) -> String {
    let mut notes = Vec::new();
    if outcome.is_default {
        notes.push("default".to_owned());
    }
    if outcome.callback.is_some() {
        let callback_type = endpoint.callback_type.as_deref().unwrap_or("?");
        notes.push(format!("callback {callback_type}"));
    }
    notes.extend(
        outcome
            .when
            .iter()
            .map(|all| format!("when {}", conditions(all))),
    );
    if !outcome.sequence.is_empty() {
        let round = if outcome.cycle { " and again" } else { "" };
        notes.push(format!("in turn {}{round}", outcome.sequence.join(" ")));
    }
    if !outcome.weighted.is_empty() {
        let weights = outcome.weighted.iter();
        let weights: Vec<_> = weights
            .map(|(name, weight)| format!("{name} {weight}"))
            .collect();
        notes.push(format!("drawn from {}", weights.join(" ")));
    }
    notes.extend(outcome.breaks.iter().cloned());
    for then in &outcome.then {
        notes.push(format!("then {} after {}", then.outcome, then.after));
    }
    notes.extend(outcome.aliases.iter().map(|alias| format!("also {alias}")));
    notes.join(", ")
}

/// Conditions in the words of the file, such as `input.user_id = "foo" and nth < 3`.
pub(super) fn conditions(all: &IndexMap<String, Value>) -> String {
    let one = |(subject, test): (&String, &Value)| match test {
        Value::Object(operator) => {
            let (name, operand) = operator.iter().next().expect("one operator");
            format!("{subject} {name} {operand}")
        }
        value => format!("{subject} = {value}"),
    };
    let all: Vec<String> = all.iter().map(one).collect();
    all.join(" and ")
}
