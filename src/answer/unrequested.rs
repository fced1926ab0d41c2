//! Records without a request, for the test of a callback URL and for triggers.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::base::Spellings;
use crate::catalogue::{Catalogue, Endpoint, Fill, Outcome, find_dummy_data};
use crate::world::{State, World};

/// A record's id and body.
pub(crate) struct UnrequestedRecord {
    pub id: Arc<str>,
    pub body: Bytes,
    /// The body of the same record while it was pending. None where no outcome is pending.
    pub pending_body: Option<Bytes>,
}

/// Writes the record that the endpoint's sample input would make. None when the outcome has no body.
pub(crate) fn write_unrequested(
    catalogue: &Catalogue,
    world: &World,
    state: &mut State,
    endpoint: &Endpoint,
    outcome: &Outcome,
    purpose: &str,
) -> Option<UnrequestedRecord> {
    let creation = endpoint.creation.as_ref()?;
    let (plan, asks_lookup) = outcome.plan()?;
    let pending = endpoint
        .pending_outcome()
        .and_then(|pending| pending.plan());
    let mut input = endpoint
        .schema
        .sample()
        .cloned()
        .unwrap_or_else(|| Map::new().into());
    endpoint.schema.shape.normalise(&mut input);
    let Value::Object(input) = input else {
        return None;
    };
    let mut mix = world.mix(purpose);
    mix.text(&endpoint.id);
    mix.text(&outcome.name);
    state.counters.count_into(&mut mix);
    let mut dice = mix.dice();
    let id: Arc<str> = creation.id_pattern.as_ref()?.write(mix.finish()).into();
    let finding = (asks_lookup || pending.is_some_and(|(_, asks_lookup)| asks_lookup))
        .then(|| find_dummy_data(world.seed(), catalogue, creation, &input, &mut dice))
        .flatten();
    let now = world.now(state);
    let mut fill = Fill {
        input: &input,
        spellings: &Spellings::default(),
        id: &id,
        created: now,
        updated: now,
        finding: finding.as_ref(),
        drawn: mix.finish(),
    };
    let body = plan.render(&mut fill, &mut state.scratch).body;
    let pending_body = pending.map(|(plan, _)| plan.render(&mut fill, &mut state.scratch).body);
    Some(UnrequestedRecord {
        id,
        body,
        pending_body,
    })
}
