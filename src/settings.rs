//! `sandbox.toml`: the settings of a scenario folder that are not a product's.

use std::sync::Arc;

use crate::auth::ApiKey;
use crate::egress::ReceiverUrl;
use crate::load_error::{LoadError, SourceFile};
use crate::reader::Reader;
use crate::spanned::Spanned;
use crate::watchlist::DateForm;

/// What the folders' `sandbox.toml` say; flags have the last word.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    /// How the watchlist's dates are written.
    pub dates: Option<DateForm>,
    /// Where callbacks go in every world that registered nothing else, by type.
    pub callback_urls: Vec<(String, ReceiverUrl)>,
    /// Only these API keys are let in, where any are given.
    pub api_keys: Vec<ApiKey>,
    /// Whether an upload's file name may name an outcome, at every endpoint.
    pub magic_file_names: bool,
    /// Answers only what is documented or observed.
    pub strict: bool,
}

const KEYS: [&str; 5] = [
    "watchlist_dates",
    "api_keys",
    "callback_urls",
    "magic_file_names",
    "strict",
];

impl Settings {
    /// Lays one folder's settings over what earlier folders said.
    pub(crate) fn read_over(&mut self, file: &Arc<SourceFile>) -> Vec<LoadError> {
        let mut reader = Reader::new(file);
        for (key, value) in reader.table().unwrap_or_default() {
            match key.as_ref().as_str() {
                "watchlist_dates" => self.dates = reader.decode(value).or(self.dates),
                "magic_file_names" => {
                    self.magic_file_names = reader.decode(value).unwrap_or(self.magic_file_names);
                }
                "strict" => self.strict = reader.decode(value).unwrap_or(self.strict),
                "api_keys" => {
                    let keys: Vec<Spanned<String>> = reader.decode(value).unwrap_or_default();
                    self.api_keys.clear();
                    for key in keys {
                        match key.as_ref().parse() {
                            Ok(parsed) => self.api_keys.push(parsed),
                            Err(message) => reader.errors.push(file.error(key.span(), message)),
                        }
                    }
                }
                "callback_urls" => {
                    let urls: Vec<(Spanned<String>, Spanned<String>)> =
                        reader.named(value, "[callback_urls]");
                    for (callback_type, url) in urls {
                        match ReceiverUrl::parse(url.as_ref()) {
                            Ok(parsed) => {
                                self.callback_urls
                                    .push((callback_type.into_inner(), parsed));
                            }
                            Err(message) => reader.errors.push(file.error(url.span(), message)),
                        }
                    }
                }
                _ => reader.unknown_key(&key, &KEYS),
            }
        }
        reader.errors
    }
}
