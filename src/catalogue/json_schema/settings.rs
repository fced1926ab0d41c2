//! `sandbox.toml` as one type, for its schema. `settings` reads it key by key. A test checks that the keys are the
//! same.

use std::collections::BTreeMap;

use schemars::JsonSchema;

use super::texts::{ApiKey, ReceiverUrl};

/// The settings of a scenario folder. Flags and environment variables override them.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[schemars(title = "iluma-sandbox settings")]
#[expect(dead_code, reason = "only its schema is asked for")]
pub(super) struct SettingsDocument {
    /// The format of dates in watchlist results: `"1943-03-11"` or `{ y, m, d }`. The second can also show
    /// dates that are only partly known.
    watchlist_dates: Option<WatchlistDates>,
    /// The only API keys that are accepted. By default, every well-formed key is accepted and has its own world.
    api_keys: Option<Vec<ApiKey>>,
    /// The default callback URL of each type. A URL that a world registers replaces the default.
    callback_urls: Option<BTreeMap<String, ReceiverUrl>>,
    /// Whether the name of an uploaded file can select an outcome, at every endpoint:
    /// `completed_not_found.jpg`.
    magic_file_names: Option<bool>,
    /// Answers only with endpoints and outcomes that are documented or observed.
    strict: Option<bool>,
    /// Invented identity numbers, phone numbers and mail addresses. The sandbox does not warn about them.
    /// `"@acme.co.id"` covers all addresses of a domain.
    dummy_values: Option<Vec<String>>,
    /// Names of more fields that hold personal data, or the ends of such names: `"loyalty_card"`. `--redact` hides them, and
    /// the inspector masks them.
    personal_fields: Option<Vec<String>>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[schemars(inline)]
#[expect(dead_code, reason = "only its schema is asked for")]
enum WatchlistDates {
    Strings,
    Objects,
}
