//! The rules that were tried, and how the request differs from each rule that failed.

use serde_json::Value;

use super::conversion::{file_place, tried_condition};
use super::explanation::{NearestRule, TriedCondition, TriedRule};
use crate::catalogue::{Condition, Creation, Facts, Rule};

/// If more rules were tried, only the nearest are shown.
const SHOWN_MAX: usize = 50;

/// The rules that were tried, up to the one that held, in their order; and how many were tried. If these are very many,
/// only the nearest are returned.
pub(super) fn tried_rules(
    creation: &Creation,
    facts: Facts<'_>,
    chosen: Option<usize>,
) -> (Vec<TriedRule>, usize) {
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
        TriedRule {
            outcome: rule.outcome.name.clone(),
            place: file_place(&rule.origin),
            priority: rule.priority,
            held,
            failed: if held {
                Vec::new()
            } else {
                failed(rule, facts)
            },
        }
    });
    (shown.collect(), count)
}

/// The rule with the fewest failed conditions, and how the request differs from it.
pub(super) fn nearest_rule(creation: &Creation, facts: Facts<'_>) -> Option<NearestRule> {
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
            let alike = condition.look_alike(facts);
            let alike = alike.map_or(String::new(), |alike| {
                format!(" (they look alike: {alike})")
            });
            let written = &condition.written;
            format!("{written} must be {expected} and is {received}{alike}")
        })
        .collect();
    let outcome = rule.outcome.name.clone();
    let place = file_place(&rule.origin);
    let differs = format!(
        "{outcome} ({place}) would have answered, but {}.",
        differences.join(", and ")
    );
    Some(NearestRule {
        outcome,
        place,
        differs,
    })
}

/// How far a rule is from holding: the number of its failed conditions, then how unlike the texts are.
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

/// How unlike the expected and the received text are: from 0 (nearly the same) to 1.
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

/// The failed conditions of the alternative that is nearest to holding.
fn failed(rule: &Rule, facts: Facts<'_>) -> Vec<TriedCondition> {
    let nearest = nearest_alternative(rule, facts).unwrap_or_default();
    failing(nearest, facts)
        .map(|condition| tried_condition(condition, facts))
        .collect()
}

fn short(text: &str) -> String {
    match text.char_indices().nth(80) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}…", &text[..at]),
    }
}
