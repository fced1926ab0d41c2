//! The answer of each outcome to the sample of its documentation. The same plans as for requests write it, with
//! fixed times and draws.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::base::{Clock, Mix, Spellings};
use crate::catalogue::{
    Answer, Catalogue, Creation, Endpoint, Fill, Outcome, error_outcome, find_dummy_data,
};
use crate::http::{ApiError, error_envelope};

/// About the time between `created` and `updated` in the documentation's examples.
const PROCESSING_TIME: Duration = Duration::from_millis(800);

/// The outcome that stands as the example: the outcome itself, the first of a sequence, or the heaviest of a
/// draw.
pub(super) fn first_of<'e>(endpoint: &'e Endpoint, outcome: &'e Outcome) -> Option<&'e Outcome> {
    let mut outcome = outcome;
    let mut seen = HashSet::new();
    while seen.insert(outcome.name.as_str()) {
        let name = match &outcome.answer {
            Answer::Body { .. } | Answer::Error { .. } => return Some(outcome),
            Answer::Sequence { names, .. } => names.first()?,
            Answer::Weighted(weights) => &weights.iter().max_by_key(|(_, weight)| *weight)?.0,
        };
        outcome = endpoint.outcomes.get(name)?;
    }
    None
}

/// The body of an outcome. None when it has no body to show.
pub(super) fn body(
    catalogue: &Catalogue,
    endpoint: &Endpoint,
    creation: &Creation,
    outcome: &Outcome,
) -> Option<Value> {
    let Answer::Body { plan, .. } = &outcome.answer else {
        return None;
    };
    let sample = endpoint.schema.sample().cloned();
    let mut input = sample.unwrap_or_else(|| Map::new().into());
    endpoint.schema.shape.normalise(&mut input);
    let Value::Object(input) = input else {
        return None;
    };
    let mut mix = Mix::new(0, "example");
    mix.text(&endpoint.id);
    mix.text(&outcome.name);
    let id = creation
        .id_pattern
        .as_ref()
        .map(|pattern| pattern.write(mix.finish()));
    let finding = find_dummy_data(0, catalogue, creation, &input, &mut mix.dice());
    let created = Clock::DEFAULT.now();
    let updated = if outcome.pending {
        created
    } else {
        created.after(PROCESSING_TIME)
    };
    let mut fill = Fill {
        input: &input,
        spellings: &Spellings::default(),
        id: &id.unwrap_or_default(),
        created,
        updated,
        finding: finding.as_ref(),
        drawn: mix.finish(),
    };
    let rendered = plan.render(&mut fill, &mut Vec::new()).ok()?;
    serde_json::from_slice(&rendered.body).ok()
}

/// The envelope of an error.
pub(super) fn error(catalogue: &Catalogue, endpoint: Option<&Endpoint>, name: &str) -> Value {
    let error = ApiError::asked_for(name);
    let Answer::Error { code, message } = &error_outcome(catalogue, endpoint, &error).answer else {
        unreachable!("an error's outcome is an error");
    };
    let envelope = error_envelope(code, message, &[]);
    serde_json::from_slice(&envelope).expect("an envelope is JSON")
}
