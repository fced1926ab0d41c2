//! Chooses the outcome when the request names none: by magic values in its data, by rules, by dummy data, by
//! the default.

use std::sync::Arc;

use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use serde_json::{Map, Value};

use super::magic_values::choose_by_values;
use super::product_request::ProductRequest;
use crate::base::Mix;
use crate::catalogue::{Answer, Catalogue, Creation, Facts, Finding, Outcome};
use crate::http::ApiError;
use crate::world::{DecidedBy, State};

/// An outcome, what chose it, and what a lookup in the dummy data found.
pub(crate) struct Choice<'c> {
    pub outcome: &'c Arc<Outcome>,
    pub by: DecidedBy,
    pub finding: Option<Finding>,
}

impl<'c> Choice<'c> {
    pub(crate) fn of(outcome: &'c Arc<Outcome>, by: DecidedBy) -> Self {
        Self {
            outcome,
            by,
            finding: None,
        }
    }
}

/// The outcome without a magic reply: magic values in the data, rules, dummy data, the default.
pub(super) fn choose<'r>(
    request: &ProductRequest<'r>,
    creation: &'r Creation,
    facts: Facts<'_>,
) -> Result<Choice<'r>, ApiError> {
    let ProductRequest {
        engine,
        catalogue,
        endpoint,
        ..
    } = *request;
    let all_file_names = catalogue.settings.magic_file_names;
    if let Some(named) = choose_by_values(&creation.magic, endpoint, facts, all_file_names)? {
        return Ok(Choice::of(named.outcome, DecidedBy::Data(named.at)));
    }
    refuse_headers_that_are_no_text(&creation.rules.headers, facts.headers)?;
    let rule = creation.rules.first(facts);
    Ok(match rule {
        Some((at, rule)) => {
            let at = u32::try_from(at).unwrap_or(u32::MAX);
            Choice::of(&rule.outcome, DecidedBy::Rule(at))
        }
        None => choose_by_dummy_data(engine.seed, catalogue, creation, facts.fields),
    })
}

/// Refuses a request if a header that rules check is not UTF-8. Other headers may be Latin-1.
fn refuse_headers_that_are_no_text(
    names: &[HeaderName],
    headers: &HeaderMap,
) -> Result<(), ApiError> {
    let is_text = |value: &HeaderValue| std::str::from_utf8(value.as_bytes()).is_ok();
    let wrong = names
        .iter()
        .find(|name| !headers.get_all(*name).iter().all(is_text));
    wrong.map_or(Ok(()), |name| {
        let message = format!("The header {name} is not UTF-8 text, and a rule checks it.");
        Err(ApiError::broken_header(message))
    })
}

pub(crate) fn choose_by_dummy_data<'c>(
    seed: u64,
    catalogue: &Catalogue,
    creation: &'c Creation,
    input: &Map<String, Value>,
) -> Choice<'c> {
    let Some(rule) = &creation.lookup else {
        return Choice::of(&creation.default, DecidedBy::Default);
    };
    let finding = rule.lookup.find(&catalogue.dummy, seed, rule.asked(input));
    let chosen = rule
        .outcomes
        .iter()
        .find(|(verdict, _)| *verdict == finding.verdict);
    let (outcome, by) = match chosen {
        Some((_, outcome)) => (outcome, DecidedBy::DummyData),
        None => (&creation.default, DecidedBy::Default),
    };
    Choice {
        outcome,
        by,
        finding: Some(finding),
    }
}

/// The outcome that answers: the given one, or the one that a sequence or a draw puts in its place. Also the
/// number of this turn, counted from 1; 0 where nothing is counted.
pub(super) fn resolve_sequence(
    request: &ProductRequest<'_>,
    state: &mut State,
    outcome: &Arc<Outcome>,
) -> (Arc<Outcome>, u32) {
    let ProductRequest {
        world, endpoint, ..
    } = *request;
    let mut mix = match &outcome.answer {
        Answer::Body { .. } | Answer::Error { .. } => return (outcome.clone(), 0),
        Answer::Sequence { .. } => world.mix("sequence"),
        Answer::Weighted(_) => world.mix("weighted"),
    };
    mix.text(&endpoint.id);
    mix.text(&outcome.name);
    let times = state.counters.count_into(&mut mix);
    let name = match &outcome.answer {
        Answer::Sequence { names, cycle: true } => &names[times as usize % names.len()],
        Answer::Sequence { names, .. } => &names[(times as usize).min(names.len() - 1)],
        Answer::Weighted(weights) => drawn(weights, &mix),
        Answer::Body { .. } | Answer::Error { .. } => unreachable!("returned above"),
    };
    (endpoint.outcomes[name].clone(), times + 1)
}

fn drawn<'w>(weights: &'w [(String, u32)], mix: &Mix) -> &'w String {
    let total = weights.iter().map(|(_, weight)| weight).sum();
    let mut draw = mix.dice().between(0..total);
    let hit = weights.iter().find(|(_, weight)| {
        let hit = draw < *weight;
        draw = draw.saturating_sub(*weight);
        hit
    });
    &hit.expect("a draw is below the sum").0
}
