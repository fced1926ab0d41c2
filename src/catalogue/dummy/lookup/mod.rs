//! Named functions that look a request up in dummy data.

mod bank;
mod find;
mod lookup;
mod register;
mod search;

pub(crate) use self::lookup::{Asked, FieldValue, Finding, Lookup, LookupField, Reads};
pub(crate) use self::search::MissedListing;
