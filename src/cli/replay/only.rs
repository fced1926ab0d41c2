//! `replay --only`: the endpoints that count.

use crate::base::short;
use crate::catalogue::Catalogue;

/// The ids of endpoints that are named by their id or path. `is_requested` says whether a request has a name: the
/// catalogue may lack the endpoint of a recorded request. An error is a sentence.
pub(super) fn endpoint_ids(
    asked: &[String],
    catalogue: &Catalogue,
    is_requested: impl Fn(&str) -> bool,
) -> Result<Vec<String>, String> {
    let id = |name: &String| match catalogue.endpoint_named(name) {
        Some(endpoint) => Ok(endpoint.id.to_string()),
        None if is_requested(name) => Ok(name.clone()),
        None => Err(catalogue.unknown_endpoint(&short(name), || {
            ": `iluma-sandbox list` shows them all".to_owned()
        })),
    };
    asked.iter().map(id).collect()
}
