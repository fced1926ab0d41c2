//! Compiled scenario files: endpoints, rules, bodies, dummy data. Never changed, only replaced as a whole.

mod body;
mod callback_types;
mod catalogue;
mod compile;
mod condition;
mod current;
mod dummy;
mod endpoint;
#[cfg(test)]
mod json_schema;
mod load;
mod magic_values;
mod near_route;
mod no_callback;
mod outcome;
mod personal;
mod reply_id;
mod route;
mod rules;
mod schema;
mod shape;
mod slot;
mod upload_fields;
mod upload_hashes;
mod watch;

#[cfg(any(test, fuzzing))]
pub(crate) use self::body::TemplateScope;
pub(crate) use self::body::{BodyPlan, Fill, Hole, Rendered, Template, reply_too_large};
pub(crate) use self::callback_types::{
    callback_types, check_callback_type, endpoint_of_type, unknown_callback_type,
};
pub(crate) use self::catalogue::{Catalogue, error_outcome, final_outcome, find_dummy_data};
pub(crate) use self::condition::{Condition, Facts, Subject, text_or_list};
pub(crate) use self::current::{Current, Reload};
#[cfg(any(test, fuzzing))]
pub(crate) use self::dummy::Lookup;
pub(crate) use self::dummy::{
    Dummy, Finding, ListingKind, LookupField, MissedListing, Profile, RegisterEntry, SearchLikeness,
};
pub(crate) use self::endpoint::{
    ContentType, Creation, Endpoint, IdPattern, LookupRule, PendingFirst, PlantedRecord, Verb,
    calls_back, path_segments, weakest_stage,
};
pub(crate) use self::magic_values::{MagicValue, MagicValues};
pub(crate) use self::no_callback::no_callback;
pub(crate) use self::outcome::{
    Answer, CallbackChoice, CallsBack, LISTED, Outcome, OutcomeFaults, PENDING_DEFAULT, Then,
    requestable_errors,
};
pub(crate) use self::personal::{Digits, PersonalFields, digits_of};
pub(crate) use self::reply_id::{OutcomeId, ReplyId};
pub(crate) use self::route::{Route, asked_route, shown_path};
pub(crate) use self::rules::Rule;
pub(crate) use self::schema::{SOURCE_KEYWORD, unfit_numbers};
#[cfg(any(test, fuzzing))]
pub(crate) use self::shape::Fields;
pub(crate) use self::shape::{Shape, dig};
pub(crate) use self::upload_fields::{UploadFields, facts_are_of, is_upload, stand_in_for_facts};
pub(crate) use self::watch::FolderWatcher;
