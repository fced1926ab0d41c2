//! `--strict`: refuses what is only inferred or decided, so that a green test proves only what is documented or
//! observed.
//!
//! The sandbox's own refusals (a bad request, a wrong key) stay as they are. They follow from the request, and
//! no outcome was chosen.

use crate::catalogue::{Catalogue, Endpoint, Outcome, weakest_stage};
use crate::http::ApiError;
use crate::scenario::Source;
use crate::world::Version;

/// Refuses an endpoint that is not public.
pub(crate) fn refuse_endpoint_if_strict(
    is_strict: bool,
    endpoint: &Endpoint,
) -> Result<(), ApiError> {
    if endpoint.source.is_public() || !is_strict {
        return Ok(());
    }
    Err(endpoint_refused(&endpoint.id, endpoint.source))
}

/// Refuses to read back where no public source says that this is possible.
pub(crate) fn refuse_read_if_strict(is_strict: bool, endpoint: &Endpoint) -> Result<(), ApiError> {
    refuse_endpoint_if_strict(is_strict, endpoint)?;
    if endpoint.read_source.is_public() || !is_strict {
        return Ok(());
    }
    Err(ApiError::strict_mode(
        &format!("reading the records of {} back by id", endpoint.id),
        endpoint.read_source.name(),
        "Take what the POST answered, or start without --strict.",
    ))
}

/// Refuses an outcome that is not public, or that changes into one that is not.
pub(crate) fn refuse_outcome_if_strict(
    is_strict: bool,
    endpoint: &Endpoint,
    outcome: &Outcome,
) -> Result<(), ApiError> {
    if !is_strict {
        return Ok(());
    }
    match weakest_stage(endpoint, outcome) {
        None => Ok(()),
        Some(stage) => Err(outcome_refused(endpoint, stage)),
    }
}

/// Refuses a record with an outcome that is not public: a planted record, or one from before a reload.
pub(crate) fn refuse_version_if_strict(
    is_strict: bool,
    catalogue: &Catalogue,
    version: &Version,
) -> Result<(), ApiError> {
    if !is_strict {
        return Ok(());
    }
    let id = &version.outcome;
    let Some(endpoint) = catalogue.endpoint(id.endpoint()) else {
        return Ok(()); // a reload removed the endpoint; its answer was allowed then
    };
    match endpoint.outcomes.get(id.name()) {
        Some(outcome) if !outcome.source.is_public() => Err(outcome_refused(endpoint, outcome)),
        _ => refuse_endpoint_if_strict(is_strict, endpoint),
    }
}

fn endpoint_refused(id: &str, source: Source) -> ApiError {
    ApiError::strict_mode(
        &format!("the endpoint {id}"),
        source.name(),
        "GET /__sandbox/fidelity shows what is left; without --strict it answers.",
    )
}

fn outcome_refused(endpoint: &Endpoint, outcome: &Outcome) -> ApiError {
    let left: Vec<_> = endpoint
        .outcomes
        .values()
        .filter(|outcome| !outcome.is_shared && weakest_stage(endpoint, outcome).is_none())
        .map(|outcome| outcome.name.as_str())
        .collect();
    let instead = match left.as_slice() {
        [] => "This endpoint has no outcome that is more: start without --strict.".to_owned(),
        left => format!(
            "Ask for another with x-magic-reply ({}), or start without --strict.",
            left.join(", ")
        ),
    };
    ApiError::strict_mode(
        &format!("the outcome {} of {}", outcome.name, endpoint.id),
        outcome.source.name(),
        &instead,
    )
}
