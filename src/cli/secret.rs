//! Arguments with a secret: an error about one does not repeat it.

use std::ffi::OsStr;
use std::marker::PhantomData;
use std::str::FromStr;

use clap::builder::TypedValueParser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Command};

use crate::base::ApiKey;
use crate::http::ControlToken;

/// Parses a secret. Errors begin with `what`.
#[derive(Clone)]
pub(super) struct Secret<T> {
    what: &'static str,
    kind: PhantomData<fn() -> T>,
}

pub(super) fn api_key() -> Secret<ApiKey> {
    secret("--api-key is not an API key")
}

pub(super) fn control_token() -> Secret<ControlToken> {
    secret("--control-token")
}

pub(super) fn secret<T>(what: &'static str) -> Secret<T> {
    Secret {
        what,
        kind: PhantomData,
    }
}

impl<T: FromStr<Err = String> + Clone + Send + Sync + 'static> TypedValueParser for Secret<T> {
    type Value = T;

    fn parse_ref(
        &self,
        _: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<T, clap::Error> {
        let parsed = match value.to_str() {
            Some(text) => text.parse().map_err(|reason| match argument {
                Some(argument) if is_list(argument, text) => {
                    let flag = argument.get_long().unwrap_or_default();
                    format!("{reason}; to give several, repeat the flag: --{flag} A --{flag} B")
                }
                _ => reason,
            }),
            None => Err("it is not UTF-8".to_owned()),
        };
        parsed.map_err(|reason| {
            let sentence = format!("{}: {reason}", self.what);
            let mut error = clap::Error::raw(ErrorKind::ValueValidation, sentence);
            error.insert(ContextKind::Custom, ContextValue::String(reason));
            error
        })
    }
}

fn is_list(argument: &Arg, text: &str) -> bool {
    text.contains(',') && matches!(argument.get_action(), ArgAction::Append)
}
