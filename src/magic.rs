//! `x-magic-reply`: the header with which a client picks its answer.

use std::sync::Arc;

use hyper::HeaderMap;

use crate::callback::Behaviour;
use crate::endpoint::{Endpoint, Outcome};
use crate::error::ApiError;

pub(crate) const HEADER: &str = "x-magic-reply";

/// What the header asks for: `COMPLETED_FOUND; callback=duplicate`.
#[derive(Default)]
pub(crate) struct Magic<'e> {
    pub outcome: Option<&'e Arc<Outcome>>,
    pub callback: Option<Behaviour>,
}

/// Reads the header. An empty one counts as none; an unknown value is refused.
pub(crate) fn read<'e>(
    headers: &HeaderMap,
    endpoint: &'e Endpoint,
    only_errors: bool,
) -> Result<Magic<'e>, ApiError> {
    let mut magic = Magic::default();
    let Some(header) = headers.get(HEADER) else {
        return Ok(magic);
    };
    let header = String::from_utf8_lossy(header.as_bytes());
    let mut parts = header.split(';').map(str::trim);
    let asked = parts.next().unwrap_or_default();
    if !asked.is_empty() {
        match endpoint.outcome(asked) {
            Some(outcome) if !only_errors || outcome.is_error() => magic.outcome = Some(outcome),
            _ => {
                let message = endpoint.unknown_outcome(asked, only_errors);
                return Err(ApiError::unknown_magic(message));
            }
        }
    }
    for axis in parts.filter(|axis| !axis.is_empty()) {
        match axis.split_once('=') {
            Some(("callback", behaviour)) if !only_errors => {
                let behaviour = behaviour.trim().parse().map_err(ApiError::unknown_magic)?;
                if let Some(outcome) = magic.outcome
                    && outcome.is_error()
                {
                    return Err(ApiError::unknown_magic(format!(
                        "The outcome {} sends no callback that could misbehave.",
                        outcome.name
                    )));
                }
                magic.callback = Some(behaviour);
            }
            _ => {
                let shown: String = axis.chars().filter(|c| !c.is_control()).take(100).collect();
                return Err(ApiError::unknown_magic(format!(
                    "`{shown}` is nothing that x-magic-reply knows behind an outcome: write `callback=duplicate` or the like."
                )));
            }
        }
    }
    Ok(magic)
}
