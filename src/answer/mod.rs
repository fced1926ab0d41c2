//! Turns a request and a world into a reply and an explanation. Decides everything and awaits nothing.

mod account;
mod admission;
mod answer;
mod arrived;
mod callback_urls;
mod callbacks;
mod caller;
mod choice;
mod default_urls;
mod engine;
mod enter;
mod explain;
mod faults;
mod input;
mod magic;
mod magic_values;
mod no_route;
mod pending_first;
mod product_request;
mod read;
mod real_data;
mod record;
mod reply;
mod seen;
mod strict;
mod trace;
mod unrequested;

pub(crate) use self::admission::Admission;
pub(crate) use self::answer::{Answered, answer, error_reply};
pub(crate) use self::callbacks::{Event, deliveries_of_event};
pub(crate) use self::caller::{is_tag, known_world, may_see_all, own_key, world};
pub(crate) use self::default_urls::{DefaultUrls, UnknownType};
pub(crate) use self::engine::Engine;
pub(crate) use self::explain::{
    DecidingValues, ExplainedAttempt, ExplainedCallback, Explanation, FoundExchange, NearListing,
    explain, find_exchange,
};
#[cfg(any(test, fuzzing))]
pub(crate) use self::magic::{Magic, read_magic};
pub(crate) use self::no_route::nearest_route_hint;
#[cfg(feature = "cli")]
pub(crate) use self::real_data::all_in as real_data_in;
pub(crate) use self::reply::{FollowUp, Registration, Reply, ReplyFaults};
pub(crate) use self::strict::{refuse_endpoint_if_strict, refuse_outcome_if_strict};
pub(crate) use self::unrequested::write_unrequested;
