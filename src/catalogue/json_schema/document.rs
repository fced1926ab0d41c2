//! A scenario file as one type. `scenario` reads files key by key; a test proves that these are the keys.

use std::collections::BTreeMap;

use schemars::JsonSchema;

use super::request::RequestRules;
use super::texts::{EndpointId, IdPattern, OutcomeName, RoutePath};
use super::trees::{Lookup, Magic};
use crate::scenario::{
    BankAccountPart, CallbackPart, EntityPart, KeepPart, ListingPart, MissingPart, OutcomePart,
    PersonPart, RecordPart, ReplyPart, Source,
};

/// A scenario file of iluma-sandbox: an endpoint, more for one that is there, or dummy data.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[schemars(title = "iluma-sandbox scenario")]
#[expect(dead_code, reason = "only its schema is asked for")]
pub(super) struct ScenarioDocument {
    /// The file that this one adds to. Without it the file replaces the one of the same path, or is new.
    extends: Option<EndpointId>,
    /// What the endpoint is called in lists.
    name: Option<String>,
    /// What it is for, for the reader of the file.
    description: Option<String>,
    /// How well the endpoint is known; of the outcomes of this file, each that does not say it itself.
    source: Option<Source>,
    /// How well reading back by id is known, where that differs.
    read_source: Option<Source>,
    /// With which method it is asked: `POST` where it is left out. A GET brings what is in its path.
    method: Option<Method>,
    /// Where it answers. Of a GET it may have segments: `/v1/phones/{digits}/age`.
    path: Option<RoutePath>,
    /// How ids are written: text around one `{uuid}` or `{hex24}`. `GET {path}/{id}` reads a record back;
    /// without an id nothing is kept and nothing read back.
    id: Option<IdPattern>,
    /// What the endpoint takes: JSON, and forms too, where it is left out.
    content_type: Option<ContentType>,
    /// The rules for the input.
    request: Option<RequestRules>,
    reply: Option<ReplyPart>,
    callback: Option<CallbackPart>,
    /// Values of the request that name an outcome, for flows in which no header can be set.
    magic: Option<Magic>,
    /// Which dummy data decides when neither a header nor a rule does.
    lookup: Option<Lookup>,
    keep: Option<KeepPart>,
    /// Other endpoints whose records this path reads back too.
    reads: Option<Vec<EndpointId>>,
    /// Where an endpoint that only reads finds what it reads.
    listings: Option<Listings>,
    /// The answers, by the names that `x-magic-reply` asks for: upper-case letters, digits and `_`.
    outcomes: Option<BTreeMap<OutcomeName, OutcomePart>>,
    /// Records that are there from the start, in every world.
    records: Option<Vec<RecordPart>>,
    /// Dummy data: people on the watchlist.
    individuals: Option<Vec<ListingPart>>,
    /// Dummy data: businesses on the watchlist.
    entities: Option<Vec<EntityPart>>,
    /// Dummy data: the population register.
    people: Option<Vec<PersonPart>>,
    /// Dummy data: numbers that the population register does not know.
    missing: Option<Vec<MissingPart>>,
    /// Dummy data: accounts whose holder or whose trouble is known beforehand.
    bank_accounts: Option<Vec<BankAccountPart>>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "UPPERCASE")]
#[schemars(inline)]
#[expect(dead_code, reason = "only its schema is asked for")]
enum Method {
    Post,
    Get,
}

#[derive(JsonSchema)]
#[schemars(inline)]
#[expect(dead_code, reason = "only its schema is asked for")]
enum ContentType {
    #[schemars(rename = "application/json")]
    Json,
    #[schemars(rename = "multipart/form-data")]
    Multipart,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[schemars(inline)]
#[expect(dead_code, reason = "only its schema is asked for")]
enum Listings {
    Watchlist,
}
