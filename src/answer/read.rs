//! Reads back a record of this world, a record that is planted in every world, or a listing of the watchlist.

use hyper::StatusCode;

use super::choice::{Choice, choose_by_dummy_data};
use super::product_request::ProductRequest;
use super::reply::{FollowUp, Reply};
use super::seen::Seen;
use super::{magic, strict};
use crate::base::{Mix, Spellings};
use crate::catalogue::{
    Answer, Creation, Endpoint, Fill, LISTED, PlantedRecord, ReplyId, find_dummy_data,
    reply_too_large,
};
use crate::http::ApiError;
use crate::world::{DecidedBy, Version};

pub(super) fn read(
    request: &ProductRequest<'_>,
    id: &str,
    seen: &mut Seen<'_>,
) -> Result<Reply, ApiError> {
    let ProductRequest {
        catalogue,
        endpoint,
        call,
        ..
    } = *request;
    let is_strict = request.is_strict;
    strict::refuse_read_if_strict(is_strict, endpoint)?;
    let magic = magic::read_magic(call.headers(), endpoint, true)?;
    seen.asked = magic.faults;
    if let Some((outcome, by)) = request.named_outcome(&magic, true)? {
        seen.decision.by = by;
        seen.decision.chosen = Some(outcome.clone());
        strict::refuse_outcome_if_strict(is_strict, endpoint, outcome)?;
        return Err(ApiError::asked_for(&outcome.name));
    }
    // The id as it was sent: a decoded one may have characters that nobody can see.
    let sent_id = call.sent_path().rsplit('/').next().unwrap_or_default();
    let version = find(request, id)?.ok_or_else(|| ApiError::no_record(sent_id))?;
    strict::refuse_version_if_strict(is_strict, catalogue, &version)?;
    seen.decision.by = DecidedBy::Record;
    seen.decision.record = Some(id.into());
    Ok(Reply {
        status: StatusCode::OK,
        headers: Vec::new(),
        body: version.body,
        id: ReplyId::Outcome(version.outcome),
        effect: FollowUp::None,
        faults: None,
    })
}

/// A record of this world, one that is planted in every world, or a listing of the watchlist.
fn find(request: &ProductRequest<'_>, id: &str) -> Result<Option<Version>, ApiError> {
    let ProductRequest {
        catalogue,
        world,
        endpoint,
        ..
    } = *request;
    let now = request.call.received_at;
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
            let version = record.version_at(now, state.callbacks.advanced);
            return Ok(Some(version.clone()));
        }
    }
    let found = places.iter().find_map(|place| {
        if let (Some(record), Some(creation)) = (place.records.get(id), &place.creation) {
            return planted(request, (place, creation), (id, record)).transpose();
        }
        let listing = place
            .reads_listings
            .then(|| catalogue.dummy.listing(id))
            .flatten()?;
        let mut body = Vec::new();
        listing.write(&mut body, 100);
        Some(Ok(Version {
            body: body.into(),
            outcome: place.outcome_id(LISTED),
        }))
    });
    found.transpose()
}

fn planted(
    request: &ProductRequest<'_>,
    (place, creation): (&Endpoint, &Creation),
    (id, record): (&str, &PlantedRecord),
) -> Result<Option<Version>, ApiError> {
    let (seed, catalogue) = (request.engine.seed, request.catalogue);
    let choice = match &record.outcome {
        Some(outcome) => Choice::of(outcome, DecidedBy::Record),
        None => choose_by_dummy_data(seed, catalogue, creation, &record.input),
    };
    let Answer::Body { plan, .. } = &choice.outcome.answer else {
        return Ok(None); // the dummy data chose an error, so there is no such record
    };
    let mut mix = Mix::new(seed, "planted record");
    mix.text(id);
    let mut dice = mix.dice();
    let finding = choice
        .finding
        .or_else(|| find_dummy_data(seed, catalogue, creation, &record.input, &mut dice));
    let mut fill = Fill {
        input: &record.input,
        spellings: &Spellings::default(),
        id,
        created: record.created,
        updated: record.updated,
        finding: finding.as_ref(),
        drawn: mix.finish(),
    };
    let rendered = plan.render(&mut fill, &mut Vec::new());
    let rendered = rendered.map_err(|_| reply_too_large(&choice.outcome.name))?;
    Ok(Some(Version {
        body: rendered.body,
        outcome: place.outcome_id(&choice.outcome.name),
    }))
}
