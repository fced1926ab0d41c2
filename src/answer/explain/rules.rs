//! The rules that were tried, and in what each that failed differs from the request.

use serde_json::{Value, json};

use super::words::{place, shown_place};
use crate::catalogue::{Condition, Creation, Facts, Rule};

/// Of very many rules the nearest are shown.
const SHOWN_MAX: usize = 50;

/// The rules that were tried, up to the one that held: in their order, or the nearest of very many.
/// And how many there were.
pub(super) fn tried_rules(
    creation: &Creation,
    facts: Facts<'_>,
    chosen: Option<usize>,
) -> (Value, usize) {
    let all = creation.rules.iter().count();
    let count = chosen.map_or(all, |chosen| chosen + 1);
    let mut tried: Vec<_> = creation.rules.iter().take(count).enumerate().collect();
    if tried.len() > SHOWN_MAX {
        tried.sort_by_cached_key(|(at, rule)| (Some(*at) != chosen, distance(rule, facts), *at));
        tried.truncate(SHOWN_MAX);
        tried.sort_by_key(|(at, _)| *at);
    }
    let shown = tried.iter().map(|(at, rule)| {
        let held = Some(*at) == chosen;
        json!({
            "outcome": rule.outcome.name,
            "place": place(&rule.origin),
            "priority": rule.priority,
            "held": held,
            "failed": if held { Vec::new() } else { failed(rule, facts) },
        })
    });
    (shown.collect(), count)
}

/// The rule of which the fewest conditions fail, and what the request would have to hold.
pub(super) fn nearest_rule(creation: &Creation, facts: Facts<'_>) -> Option<Value> {
    let rules = creation.rules.iter();
    let rule = rules.min_by_key(|rule| distance(rule, facts))?;
    let alternative = nearest_alternative(rule, facts)?;
    let differences: Vec<_> = failing(alternative, facts)
        .map(|condition| {
            let received = condition
                .subject
                .of(facts)
                .map_or_else(|| "nothing".to_owned(), |value| short(&value.to_string()));
            let expected = short(&condition.test.shown().to_string());
            format!("{} must be {expected} and is {received}", condition.written)
        })
        .collect();
    let differs = format!(
        "{} ({}) would have answered, but {}.",
        rule.outcome.name,
        shown_place(&rule.origin),
        differences.join(", and ")
    );
    Some(json!({
        "outcome": rule.outcome.name,
        "place": place(&rule.origin),
        "differs": differs,
    }))
}

/// How far a rule is from holding: the conditions that fail, then how unlike the texts are.
fn distance(rule: &Rule, facts: Facts<'_>) -> (usize, u32) {
    let alternatives = rule.when.0.iter();
    let distances = alternatives.map(|all| alternative_distance(all, facts));
    distances.min().unwrap_or((usize::MAX, 0))
}

fn alternative_distance(conditions: &[Condition], facts: Facts<'_>) -> (usize, u32) {
    let unlike: f64 = failing(conditions, facts)
        .map(|one| unlikeness(one, facts))
        .sum();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a small positive number"
    )]
    let unlike = (unlike * 1000.0) as u32;
    (failing(conditions, facts).count(), unlike)
}

/// Between 0 (all but the same) and 1.
fn unlikeness(condition: &Condition, facts: Facts<'_>) -> f64 {
    let received = condition.subject.of(facts);
    let Some(received) = received.as_deref() else {
        return 1.0;
    };
    let text = |value: &Value| match value {
        Value::String(text) => short(text),
        other => short(&other.to_string()),
    };
    let wanted = condition.test.exact().unwrap_or_default().iter();
    let likeness = wanted.map(|wanted| strsim::jaro_winkler(&text(wanted), &text(received)));
    1.0 - likeness.fold(0.0, f64::max)
}

fn nearest_alternative<'r>(rule: &'r Rule, facts: Facts<'_>) -> Option<&'r [Condition]> {
    let alternatives = rule.when.0.iter();
    let nearest = alternatives.min_by_key(|all| alternative_distance(all, facts));
    nearest.map(Vec::as_slice)
}

fn failing<'r>(
    conditions: &'r [Condition],
    facts: Facts<'_>,
) -> impl Iterator<Item = &'r Condition> {
    conditions.iter().filter(move |one| !one.holds(facts))
}

/// The failed conditions of the alternative that came nearest.
fn failed(rule: &Rule, facts: Facts<'_>) -> Vec<Value> {
    let nearest = nearest_alternative(rule, facts).unwrap_or_default();
    failing(nearest, facts)
        .map(|condition| {
            json!({
                "condition": &*condition.written,
                "expected": condition.test.shown(),
                "received": condition.subject.of(facts),
            })
        })
        .collect()
}

fn short(text: &str) -> String {
    match text.char_indices().nth(80) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}…", &text[..at]),
    }
}
