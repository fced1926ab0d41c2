//! `sandbox.toml`: the settings of a scenario folder that do not belong to one endpoint.

use std::collections::HashSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::mistake::LoadError;
use super::reader::Reader;
use super::source_file::SourceFile;
use super::tree::Spanned;
use crate::base::{ApiKey, ReceiverUrl, short, snake_case};

/// The merged settings of all folders. Flags override them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    /// The format of dates in watchlist results.
    pub dates: Option<DateForm>,
    /// The default callback URLs by type. A URL that a world registers replaces its default.
    pub callback_urls: Vec<(String, ReceiverUrl)>,
    /// The accepted API keys. If there are none, every well-formed key is accepted.
    pub api_keys: Vec<ApiKey>,
    /// Whether the file name of an upload can select an outcome, at every endpoint.
    pub magic_file_names: bool,
    /// Answers only with endpoints and outcomes that are documented or observed.
    pub strict: bool,
    /// The words that end the names of more personal fields, in snake case.
    pub personal_fields: HashSet<String>,
    /// Additional values that are invented, in lower case. The sandbox does not warn about them.
    dummy_values: HashSet<String>,
}

const KEYS: [&str; 7] = [
    "watchlist_dates",
    "api_keys",
    "callback_urls",
    "magic_file_names",
    "strict",
    "dummy_values",
    "personal_fields",
];

impl Settings {
    /// Merges the settings of one folder over those of earlier folders.
    pub(crate) fn read_over(&mut self, file: &Arc<SourceFile>) -> Vec<LoadError> {
        let mut reader = Reader::new(file);
        for (key, value) in reader.table().unwrap_or_default() {
            match key.as_ref().as_str() {
                "watchlist_dates" => self.dates = reader.decode(value).or(self.dates),
                "magic_file_names" => {
                    self.magic_file_names = reader.decode(value).unwrap_or(self.magic_file_names);
                }
                "strict" => self.strict = reader.decode(value).unwrap_or(self.strict),
                "dummy_values" => {
                    let values: Vec<String> = reader.decode(value).unwrap_or_default();
                    let values = values.iter().map(|value| value.to_lowercase());
                    self.dummy_values.extend(values);
                }
                "personal_fields" => {
                    let names: Vec<Spanned<String>> = reader.decode(value).unwrap_or_default();
                    for name in names {
                        match field_word(name.as_ref()) {
                            Ok(word) => drop(self.personal_fields.insert(word)),
                            Err(message) => reader.errors.push(file.error(name.span(), message)),
                        }
                    }
                }
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

    /// Whether a value is listed as invented. An entry such as `@acme.co.id` covers all mail addresses of the domain.
    pub(crate) fn is_dummy(&self, value: &str) -> bool {
        if self.dummy_values.is_empty() {
            return false;
        }
        let value = value.to_lowercase();
        let domain = value.rfind('@').map(|at| &value[at..]);
        self.dummy_values.contains(&value)
            || domain.is_some_and(|domain| self.dummy_values.contains(domain))
    }
}

/// The name of a field in snake case, or why it cannot be one. It becomes part of a regular expression.
fn field_word(name: &str) -> Result<String, String> {
    let word = snake_case(name);
    let is_plain = |c: char| c.is_alphanumeric() || c == '_';
    if word.trim_matches('_').is_empty() || !word.chars().all(is_plain) {
        return Err(format!(
            "`{}` is not the name of a field or the end of one: write it like `loyalty_card`, with letters, digits and `_`",
            short(name)
        ));
    }
    Ok(word.trim_matches('_').to_owned())
}

/// The format of dates in watchlist results. The examples of Iluma's documentation show one form, its tables the
/// other.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use iluma_sandbox::{DateForm, Sandbox};
///
/// let sandbox = Sandbox::builder().watchlist_dates(DateForm::Strings).start().await.unwrap();
/// # let peps = format!("{}/v0/identity/individual_cft_peps", sandbox.url());
/// # let client = reqwest::Client::builder().no_proxy().build().unwrap();
/// # let ask = client.post(peps).basic_auth(sandbox.api_key(), Some(""));
/// # let eko = serde_json::json!({"given_names": "Eko Hadi Salim", "user_id": "1", "nationality": "ID", "scopes": ["PEP"]});
/// # ask.json(&eko).send().await.unwrap();
/// // … after the code under test has searched for `Eko Hadi Salim`:
/// let found = &sandbox.requests()[0].reply.json()["results"][0];
/// assert_eq!(found["dates_of_birth"][0], "1943-03-11");
/// # });
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DateForm {
    /// `"1943-03-11"`. A date that is only partly known is left out.
    #[default]
    Strings,
    /// `{"y": 1943, "m": 3, "d": 11}`. An unknown part is 0.
    Objects,
}
