//! Which outcome's turn it is, where the chosen one names others.

use std::sync::Arc;

use crate::dice::Mix;
use crate::endpoint::{Answer, Endpoint, Outcome};
use crate::world::{State, World};

/// The outcome itself, or the one that a sequence or a draw puts in its place; and the how-many-th
/// time this is, from 1, 0 where nothing is counted.
pub(crate) fn in_turn(
    world: &World,
    state: &mut State,
    endpoint: &Endpoint,
    outcome: &Arc<Outcome>,
) -> (Arc<Outcome>, u32) {
    let mut count = |mix: &Mix| {
        #[expect(clippy::cast_possible_truncation, reason = "half of a hash is a hash")]
        state.counters.count(mix.finish() as u64)
    };
    let mut mix = match &outcome.answer {
        Answer::Body { .. } | Answer::Error { .. } => return (outcome.clone(), 0),
        Answer::Sequence { .. } => world.mix("sequence"),
        Answer::Weighted(_) => world.mix("weighted"),
    };
    mix.text(&endpoint.id);
    mix.text(&outcome.name);
    let (epoch, times) = count(&mix);
    let name = match &outcome.answer {
        Answer::Sequence { names, cycle: true } => &names[times as usize % names.len()],
        Answer::Sequence { names, .. } => &names[(times as usize).min(names.len() - 1)],
        Answer::Weighted(weights) => {
            mix.number(epoch);
            mix.number(times.into());
            drawn(weights, &mix)
        }
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
