//! `GET /__sandbox/fidelity`: how well everything is known, and what `--strict` refuses.

use hyper::StatusCode;
use serde_json::{Value, json};
use strum::VariantArray;

use super::ask::{ControlAnswer, ControlRequest};
use crate::catalogue::{self, Catalogue, Endpoint, requestable_errors};
use crate::reference::{ListedEndpoint, Listing};
use crate::scenario::Source;

pub(super) fn answer(request: ControlRequest<'_>) -> ControlAnswer {
    let context = request.context;
    let catalogue = context.engine.catalogue();
    let listing = Listing::of(&catalogue, &context.curl(&catalogue, request.call));
    let fields = || {
        listing
            .endpoints
            .iter()
            .flat_map(|endpoint| &endpoint.fields)
    };
    let outcomes = || {
        listing
            .endpoints
            .iter()
            .flat_map(|endpoint| &endpoint.outcomes)
    };
    let endpoints: Vec<_> = listing
        .endpoints
        .iter()
        .zip(catalogue.endpoints())
        .map(|(listed, endpoint)| fidelity_json(listed, endpoint))
        .collect();
    let body = json!({
        "strict": context.engine.is_strict(&catalogue),
        "counts": {
            "endpoints": counts(listing.endpoints.iter().map(|endpoint| endpoint.source)),
            "fields": counts(fields().map(|field| field.source)),
            "outcomes": counts(outcomes().map(|outcome| outcome.source)),
            "errors": counts(listing.errors.iter().map(|error| error.source)),
        },
        "endpoints": endpoints,
        "errors": errors(&catalogue),
        "account": listing.account,
    });
    (StatusCode::OK, body)
}

fn fidelity_json(listed: &ListedEndpoint, endpoint: &Endpoint) -> Value {
    let fields: Vec<_> = listed
        .fields
        .iter()
        .map(|field| json!({"name": field.name, "source": field.source}))
        .collect();
    let is_public = endpoint.source.is_public();
    let own = endpoint.outcomes.values();
    let outcomes: Vec<_> = own
        .filter(|outcome| !outcome.is_shared)
        .map(|outcome| {
            let answers = is_public && catalogue::weakest_stage(endpoint, outcome).is_none();
            labelled(&outcome.name, outcome.source, answers)
        })
        .collect();
    let read_back = listed.read_back.as_ref().map(|read| {
        json!({
            "path": read.path,
            "source": read.source,
            "under_strict": under_strict(is_public && read.source.is_public()),
        })
    });
    json!({
        "id": listed.id,
        "method": listed.method,
        "path": listed.path,
        "source": listed.source,
        "under_strict": under_strict(is_public),
        "read_back": read_back,
        "fields": fields,
        "outcomes": outcomes,
    })
}

/// The shared errors that can be asked for. Their labels count only then: an error that follows from a bad
/// request is always answered.
fn errors(catalogue: &Catalogue) -> Vec<Value> {
    requestable_errors(&catalogue.shared_errors)
        .map(|(name, error)| labelled(name, error.source, error.source.is_public()))
        .collect()
}

fn labelled(name: &str, source: Source, answers: bool) -> Value {
    json!({"name": name, "source": source, "under_strict": under_strict(answers)})
}

fn under_strict(answers: bool) -> &'static str {
    if answers { "answered" } else { "refused" }
}

fn counts(sources: impl Iterator<Item = Source>) -> Value {
    let mut counts = [0_u64; Source::VARIANTS.len()];
    for source in sources {
        counts[source as usize] += 1;
    }
    let counts = Source::VARIANTS
        .iter()
        .map(|source| (source.name().to_owned(), counts[*source as usize].into()));
    Value::Object(counts.collect())
}
