//! Reading back: a record of this world, one that is planted in every world, a listing of the watchlist.

use hyper::StatusCode;
use tokio::time::Instant;

use super::choice::{Choice, choose_by_dummy_data};
use super::engine::Shared;
use super::reply::{Effect, Reply};
use super::seen::Seen;
use super::{magic, strict};
use crate::base::Mix;
use crate::catalogue::{Answer, Catalogue, Creation, Endpoint, Fill, PlantedRecord, found};
use crate::http::{ApiError, Call};
use crate::world::{self, By, Version, World};

pub(super) fn read(
    sandbox: &Shared,
    catalogue: &Catalogue,
    world: &World,
    endpoint: &Endpoint,
    id: &str,
    call: &Call,
    seen: &mut Seen<'_>,
) -> Result<Reply, ApiError> {
    strict::refuse_read_if_strict(sandbox, catalogue, endpoint)?;
    let magic = magic::read_magic(call.headers(), endpoint, true)?;
    seen.asked = magic.breaking;
    let told = match magic.outcome {
        Some(outcome) => Some((outcome, By::Magic)),
        None => world::queued_outcome(world, endpoint, true)?.map(|outcome| (outcome, By::Next)),
    };
    let why = &mut seen.why;
    if let Some((outcome, by)) = told {
        why.by = by;
        why.chosen = Some(outcome.clone());
        strict::refuse_outcome_if_strict(sandbox, catalogue, endpoint, outcome)?;
        return Err(ApiError::asked_for(&outcome.name));
    }
    let version = find(sandbox, catalogue, world, endpoint, id, call.came)
        .ok_or_else(|| ApiError::no_record(id))?;
    strict::refuse_version_if_strict(sandbox, catalogue, &version)?;
    why.by = By::Record;
    why.record = Some(id.into());
    Ok(Reply {
        status: StatusCode::OK,
        headers: Vec::new(),
        body: version.body,
        outcome: Some(version.outcome),
        effect: Effect::None,
        breaking: None,
    })
}

/// A record of this world, one that is planted in every world, or a listing of the watchlist.
fn find(
    sandbox: &Shared,
    catalogue: &Catalogue,
    world: &World,
    endpoint: &Endpoint,
    id: &str,
    now: Instant,
) -> Option<Version> {
    let also = endpoint
        .reads
        .iter()
        .filter_map(|id| catalogue.endpoint(id));
    let places: Vec<_> = std::iter::once(endpoint).chain(also).collect();
    {
        let state = world.state();
        if let Some(record) = state.records.get(id)
            && places.iter().any(|place| place.id == record.endpoint)
        {
            return Some(record.version_at(now, state.callbacks.advanced).clone());
        }
    }
    places.iter().find_map(|place| {
        if let (Some(record), Some(creation)) = (place.records.get(id), &place.creation) {
            return planted(sandbox, catalogue, creation, id, record);
        }
        let listing = place
            .reads_listings
            .then(|| catalogue.dummy.listing(id))
            .flatten()?;
        let mut body = Vec::new();
        listing.write(&mut body, 100);
        Some(Version {
            body: body.into(),
            outcome: place.listing_tag.clone(),
        })
    })
}

fn planted(
    sandbox: &Shared,
    catalogue: &Catalogue,
    creation: &Creation,
    id: &str,
    record: &PlantedRecord,
) -> Option<Version> {
    let choice = match &record.outcome {
        Some(outcome) => Choice::of(outcome, By::Record),
        None => choose_by_dummy_data(sandbox.seed, catalogue, creation, &record.input),
    };
    let Answer::Body { plan, .. } = &choice.outcome.answer else {
        return None; // the dummy data chose an error: there is no such record
    };
    let mut mix = Mix::new(sandbox.seed, "planted record");
    mix.text(id);
    let mut dice = mix.dice();
    let finding = choice
        .finding
        .or_else(|| found(sandbox.seed, catalogue, creation, &record.input, &mut dice));
    let mut fill = Fill {
        input: &record.input,
        id,
        created: record.created,
        updated: record.updated,
        finding: finding.as_ref(),
        drawn: mix.finish(),
    };
    Some(Version {
        body: plan.render(&mut fill, &mut Vec::new()).body,
        outcome: choice.outcome.tag.clone(),
    })
}
