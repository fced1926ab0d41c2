//! A scenario file as one type, for its schema. `scenario` reads files key by key. A test checks that the keys are
//! the same.

use std::collections::BTreeMap;

use schemars::JsonSchema;

use super::request::RequestRules;
use super::texts::{EndpointId, IdPattern, OutcomeName, RoutePath};
use super::trees::{Lookup, Magic};
use crate::scenario::{
    BankAccountPart, CallbackPart, EntityPart, KeepPart, ListingPart, MissingPart, OutcomePart,
    PendingRule, PersonPart, RecordPart, ReplyPart, Source,
};

/// A scenario file of iluma-sandbox. It defines an endpoint, extends one, or adds dummy data.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[schemars(title = "iluma-sandbox scenario")]
#[expect(dead_code, reason = "only its schema is asked for")]
pub(super) struct ScenarioDocument {
    /// The file that this one extends. Without it, this file replaces the file with the same path, or is new.
    extends: Option<EndpointId>,
    /// The name of the endpoint in lists.
    name: Option<String>,
    /// A note for readers of the file.
    description: Option<String>,
    /// Where the knowledge of the endpoint comes from. It is also the default for the outcomes of this file.
    source: Option<Source>,
    /// Where the knowledge of reading a record by id comes from, if that differs from `source`.
    read_source: Option<Source>,
    /// The method of requests. The default is `POST`. The input of a GET is in its path.
    method: Option<Method>,
    /// The path of the endpoint. The path of a GET may have parameters: `/v1/phones/{digits}/age`.
    path: Option<RoutePath>,
    /// The form of ids: text around one `{uuid}` or `{hex24}`. `GET {path}/{id}` reads a record. Without this
    /// key, the endpoint keeps no records.
    id: Option<IdPattern>,
    /// The content type of requests. By default, the endpoint accepts JSON and forms.
    content_type: Option<ContentType>,
    /// The rules for the input of a request.
    request: Option<RequestRules>,
    reply: Option<ReplyPart>,
    callback: Option<CallbackPart>,
    /// Answers with the pending outcome first. After this time, the record has the outcome that a rule, the dummy
    /// data or the default chose, and its callback is sent. `true` means one second.
    r#async: Option<PendingRule>,
    /// Values of the request that select an outcome. Use this if your flow cannot set a header.
    magic: Option<Magic>,
    /// The dummy data that chooses the outcome if neither a header nor a rule does.
    lookup: Option<Lookup>,
    keep: Option<KeepPart>,
    /// Other endpoints whose records this path also reads.
    reads: Option<Vec<EndpointId>>,
    /// The collection that an endpoint reads from, if it only reads.
    listings: Option<Listings>,
    /// The possible responses by name. `x-magic-reply` uses these names: upper-case letters, digits and `_`.
    outcomes: Option<BTreeMap<OutcomeName, OutcomePart>>,
    /// Records that exist in every world from the start.
    records: Option<Vec<RecordPart>>,
    /// Dummy data: people on the watchlist.
    individuals: Option<Vec<ListingPart>>,
    /// Dummy data: businesses on the watchlist.
    entities: Option<Vec<EntityPart>>,
    /// Dummy data: the population register.
    people: Option<Vec<PersonPart>>,
    /// Dummy data: numbers that are not in the population register.
    missing: Option<Vec<MissingPart>>,
    /// Dummy data: bank accounts with a fixed holder or a fixed result.
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
