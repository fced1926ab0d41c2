//! Which outcome answers when the request does not say: magic values in its data, rules, dummy data,
//! the default.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::catalogue::Catalogue;
use crate::condition::Facts;
use crate::dice::Dice;
use crate::endpoint::{Creation, Endpoint, Outcome};
use crate::error::ApiError;
use crate::lookup::Finding;

/// An outcome, what chose it, and what the dummy data found if it did.
pub(crate) struct Choice<'c> {
    pub outcome: &'c Arc<Outcome>,
    pub by: By,
    pub finding: Option<Finding>,
}

/// What chose an outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum By {
    /// Nothing did: the request was refused before, or asks for no product.
    #[default]
    Nothing,
    Magic,
    /// The world's queue.
    Next,
    /// A magic value in the data, by its number among the endpoint's; none for a file's name.
    Data(Option<u32>),
    /// A `when`, by its number in the order of trying.
    Rule(u32),
    DummyData,
    Default,
    /// The record that was read.
    Record,
}

impl<'c> Choice<'c> {
    pub(crate) fn of(outcome: &'c Arc<Outcome>, by: By) -> Self {
        Self {
            outcome,
            by,
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

/// Without a magic reply: magic values in the data, the rules, the dummy data, the default.
pub(crate) fn choose<'c>(
    seed: u64,
    catalogue: &Catalogue,
    endpoint: &'c Endpoint,
    creation: &'c Creation,
    facts: Facts<'_>,
) -> Result<Choice<'c>, ApiError> {
    let all_file_names = catalogue.settings.magic_file_names;
    if let Some(named) = creation.magic.choose(endpoint, facts, all_file_names)? {
        return Ok(Choice::of(named.outcome, By::Data(named.at)));
    }
    let rule = creation.rules.first(facts);
    Ok(match rule {
        Some((at, rule)) => {
            let at = u32::try_from(at).unwrap_or(u32::MAX);
            Choice::of(&rule.outcome, By::Rule(at))
        }
        None => choose_by_dummy_data(seed, catalogue, creation, facts.fields),
    })
}

pub(crate) fn choose_by_dummy_data<'c>(
    seed: u64,
    catalogue: &Catalogue,
    creation: &'c Creation,
    input: &Map<String, Value>,
) -> Choice<'c> {
    let Some(rule) = &creation.lookup else {
        return Choice::of(&creation.default, By::Default);
    };
    let finding = rule.lookup.find(&catalogue.dummy, seed, rule.asked(input));
    let chosen = rule
        .outcomes
        .iter()
        .find(|(verdict, _)| *verdict == finding.verdict);
    let (outcome, by) = match chosen {
        Some((_, outcome)) => (outcome, By::DummyData),
        None => (&creation.default, By::Default),
    };
    Choice {
        outcome,
        by,
        finding: Some(finding),
    }
}
