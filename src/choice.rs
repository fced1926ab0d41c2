//! Which outcome answers when the request does not say: rules, then dummy data, then the default.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::catalogue::Catalogue;
use crate::dice::Dice;
use crate::endpoint::{Creation, Outcome};
use crate::lookup::Finding;

/// An outcome, and what the dummy data found if that is what chose it.
pub(crate) struct Choice<'c> {
    pub outcome: &'c Arc<Outcome>,
    pub finding: Option<Finding>,
}

impl<'c> Choice<'c> {
    pub(crate) fn of(outcome: &'c Arc<Outcome>) -> Self {
        Self {
            outcome,
            finding: None,
        }
    }
}

/// What the holes of a reply refer to that was not chosen by the dummy data: what there is to find.
pub(crate) fn found(
    seed: u64,
    catalogue: &Catalogue,
    creation: &Creation,
    input: &Map<String, Value>,
    dice: &mut Dice,
) -> Option<Finding> {
    let rule = creation.lookup.as_ref()?;
    Some((rule.lookup).assume_found(&catalogue.dummy, seed, rule.asked(input), dice))
}

/// Without a magic reply: the rules of the scenario files, then the dummy data, then the default.
pub(crate) fn choose<'c>(
    seed: u64,
    catalogue: &Catalogue,
    creation: &'c Creation,
    input: &Map<String, Value>,
) -> Choice<'c> {
    let rule = creation.rules.iter().find(|rule| rule.when.holds(input));
    match rule {
        Some(rule) => Choice::of(&rule.outcome),
        None => choose_by_dummy_data(seed, catalogue, creation, input),
    }
}

pub(crate) fn choose_by_dummy_data<'c>(
    seed: u64,
    catalogue: &Catalogue,
    creation: &'c Creation,
    input: &Map<String, Value>,
) -> Choice<'c> {
    let Some(rule) = &creation.lookup else {
        return Choice::of(&creation.default);
    };
    let finding = rule.lookup.find(&catalogue.dummy, seed, rule.asked(input));
    let outcome = rule
        .outcomes
        .iter()
        .find(|(verdict, _)| *verdict == finding.verdict)
        .map_or(&creation.default, |(_, outcome)| outcome);
    Choice {
        outcome,
        finding: Some(finding),
    }
}
