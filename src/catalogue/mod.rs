//! What scenario files become: endpoints, rules, bodies, dummy data; never changed, only replaced whole.

mod body;
mod catalogue;
mod compile;
mod condition;
mod dummy;
mod endpoint;
#[cfg(test)]
mod json_schema;
mod magic_values;
mod rules;
mod schema;
mod upload_fields;
mod watch;

pub(crate) use self::body::{Fill, Hole, Rendered, Template};
#[cfg(any(test, fuzzing))]
pub(crate) use self::body::{Plan, Scope};
pub(crate) use self::catalogue::{Catalogue, Route};
pub(crate) use self::compile::askable;
pub(crate) use self::condition::{Condition, Facts, Subject};
#[cfg(any(test, fuzzing))]
pub(crate) use self::dummy::Lookup;
pub(crate) use self::dummy::{Field, Finding, ListingKind, Profile, Registered};
pub(crate) use self::endpoint::{
    Answer, CallsBack, ContentType, Creation, Endpoint, IdPattern, Outcome, PlantedRecord, Then,
    Verb, path_segments,
};
pub(crate) use self::rules::Rule;
pub(crate) use self::schema::SOURCE_KEYWORD;
pub(crate) use self::upload_fields::{UploadFields, facts_are_of, stand_in_for_facts};
pub(crate) use self::watch::Watcher;
