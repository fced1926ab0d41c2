//! Explains a reply from what the journal keeps of its exchange.

mod attempt;
mod conversion;
mod decision;
mod explain;
mod explanation;
mod later;
mod near_listings;
mod rules;

pub(crate) use self::attempt::ExplainedAttempt;
pub(crate) use self::explain::{FoundExchange, explain, find_exchange};
pub(crate) use self::explanation::{DecidingValues, ExplainedCallback, Explanation, NearListing};
