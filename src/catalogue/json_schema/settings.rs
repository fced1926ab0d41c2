//! `sandbox.toml` as one type. `settings` reads it key by key; a test proves that these are the keys.

use std::collections::BTreeMap;

use schemars::JsonSchema;

use super::texts::{ApiKey, ReceiverUrl};

/// The settings of a scenario folder. Flags and environment variables have the last word.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[schemars(title = "iluma-sandbox settings")]
#[expect(dead_code, reason = "only its schema is asked for")]
pub(super) struct SettingsDocument {
    /// How the watchlist's dates are written: `"1943-03-11"`, or as `{ y, m, d }`, which can also show
    /// those of which only parts are known.
    watchlist_dates: Option<WatchlistDates>,
    /// Only these API keys are let in. Without them every well-formed one is, each with its own world.
    api_keys: Option<Vec<ApiKey>>,
    /// Where callbacks of a type go in every world that registers no other URL.
    callback_urls: Option<BTreeMap<String, ReceiverUrl>>,
    /// Whether the name of an uploaded file may name an outcome, at every endpoint:
    /// `completed_not_found.jpg`.
    magic_file_names: Option<bool>,
    /// Answers only what is documented or observed.
    strict: Option<bool>,
    /// Identity numbers, phone numbers and mail addresses that are made up, so that nothing warns of them;
    /// `"@acme.co.id"` means all addresses of a domain.
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
