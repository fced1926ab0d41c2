//! Dummy data: people, accounts and watchlists, and the functions that look them up.

mod dummy;
mod fakes;
mod listed_values;
mod lookup;
mod names;
mod watchlist;

pub(crate) use self::dummy::{Dummy, RegisterEntry};
pub(crate) use self::fakes::Fake;
pub(crate) use self::lookup::{
    Asked, FieldValue, Finding, Lookup, LookupField, MissedListing, Reads,
};
pub(crate) use self::watchlist::{ListingKind, Profile, SearchLikeness};
