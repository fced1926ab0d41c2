//! The types of callbacks: those that endpoints send.

use super::catalogue::Catalogue;
use super::endpoint::Endpoint;
use crate::base::{nearest_or_all, short};

/// The endpoint whose sample tests a callback type: the one marked with `test`, or else the first of the type.
pub(crate) fn endpoint_of_type<'c>(
    catalogue: &'c Catalogue,
    callback_type: &str,
) -> Option<&'c Endpoint> {
    let of_type = || {
        let endpoints = catalogue.endpoints();
        endpoints.filter(|endpoint| endpoint.callback_type.as_deref() == Some(callback_type))
    };
    of_type()
        .find(|endpoint| endpoint.tests_callbacks)
        .or_else(|| of_type().next())
}

/// All callback types, in the order of the endpoints.
pub(crate) fn callback_types(catalogue: &Catalogue) -> Vec<&str> {
    let mut types = Vec::new();
    for endpoint in catalogue.endpoints() {
        if let Some(callback_type) = endpoint.callback_type.as_deref()
            && !types.contains(&callback_type)
        {
            types.push(callback_type);
        }
    }
    types
}

/// Refuses a type that no endpoint has. The error is a sentence.
pub(crate) fn check_callback_type(catalogue: &Catalogue, asked: &str) -> Result<(), String> {
    let known = callback_types(catalogue);
    if known.contains(&asked) {
        return Ok(());
    }
    Err(unknown_callback_type(asked, &known))
}

/// Says that no endpoint sends callbacks of a type, with the nearest type there is, or else with all.
pub(crate) fn unknown_callback_type(asked: &str, known: &[&str]) -> String {
    let hint = nearest_or_all(asked, known.iter().copied());
    let asked = short(asked);
    format!("no endpoint sends callbacks of the type `{asked}`: {hint}")
}
