//! Checks of single values of a snapshot. A refusal is a sentence.

use crate::base::{Stamp, short};
use crate::catalogue::{Catalogue, Endpoint};

/// Checks the items of a list. A refusal names the item.
pub(super) fn each<T, C>(
    items: Vec<T>,
    name: &str,
    check: impl Fn(T) -> Result<C, String>,
) -> Result<Vec<C>, String> {
    let checked = items
        .into_iter()
        .enumerate()
        .map(|(at, item)| check(item).map_err(|message| format!("`{name}[{at}]`: {message}")));
    checked.collect()
}

pub(super) fn at_most(name: &str, count: usize, most: usize) -> Result<(), String> {
    if count > most {
        return Err(format!(
            "`{name}`: a world has {most} at most, and these are {count}"
        ));
    }
    Ok(())
}

pub(super) fn hash(name: &str, written: &str) -> Result<u64, String> {
    u64::from_str_radix(written, 16)
        .map_err(|_| format!("`{name}`: `{}` is no hash of 16 hex digits", short(written)))
}

pub(super) fn known_endpoint<'c>(
    catalogue: &'c Catalogue,
    id: &str,
) -> Result<&'c Endpoint, String> {
    catalogue.endpoint(id).ok_or_else(|| {
        format!(
            "the endpoint `{}` is not among the scenarios of this sandbox",
            short(id)
        )
    })
}

pub(super) fn stamp(name: &str, written: &str) -> Result<Stamp, String> {
    written
        .parse()
        .map_err(|_| format!("`{name}`: `{}` is no instant", short(written)))
}
