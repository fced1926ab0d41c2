//! Records without a request, for the test of a callback URL and for triggers.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::base::Spellings;
use crate::catalogue::{
    BodyPlan, Catalogue, Endpoint, Fill, Outcome, find_dummy_data, reply_too_large,
};
use crate::http::ApiError;
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
) -> Result<Option<UnrequestedRecord>, ApiError> {
    let Some(creation) = &endpoint.creation else {
        return Ok(None);
    };
    let (Some((plan, asks_lookup)), Some(id)) = (outcome.plan(), &creation.id_pattern) else {
        return Ok(None);
    };
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
        return Ok(None);
    };
    let mut mix = world.mix(purpose);
    mix.text(&endpoint.id);
    mix.text(&outcome.name);
    state.counters.count_into(&mut mix);
    let mut dice = mix.dice();
    let id: Arc<str> = id.write(mix.finish());
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
    let mut render = |plan: &BodyPlan| {
        let rendered = plan.render(&mut fill, &mut state.scratch);
        let rendered = rendered.map_err(|_| reply_too_large(&outcome.name));
        rendered.map(|rendered| rendered.body)
    };
    Ok(Some(UnrequestedRecord {
        body: render(plan)?,
        pending_body: pending.map(|(plan, _)| render(plan)).transpose()?,
        id,
    }))
}
