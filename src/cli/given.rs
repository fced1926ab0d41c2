//! Arguments whose values are checked after parsing: an error must still name where the value came from.

use std::ffi::OsStr;

use clap::builder::TypedValueParser;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, Command};

use super::variables::PREFIX;

/// A value, with the flag or variable that named it.
#[derive(Clone, Debug)]
pub(super) struct Given<T> {
    pub value: T,
    pub source: Source,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// `--url`
    Flag(String),
    /// `ILUMA_SANDBOX_URL`
    Variable(String),
    Default,
}

/// Reads a value as the inner parser does.
#[derive(Clone)]
pub(super) struct GivenParser<P>(pub P);

impl Source {
    pub(super) fn is_flag(&self) -> bool {
        matches!(self, Self::Flag(_))
    }

    /// The flag or variable. None for a default.
    pub(super) fn name(&self) -> Option<&str> {
        match self {
            Self::Flag(name) | Self::Variable(name) => Some(name),
            Self::Default => None,
        }
    }
}

impl<T> Given<T> {
    /// The flag or variable, for the beginning of an error.
    pub(super) fn name(&self) -> &str {
        self.source.name().unwrap_or("the default")
    }
}

impl<P: TypedValueParser> TypedValueParser for GivenParser<P> {
    type Value = Given<P::Value>;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<Given<P::Value>, clap::Error> {
        self.parse_ref_(command, argument, value, ValueSource::CommandLine)
    }

    fn parse_ref_(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
        source: ValueSource,
    ) -> Result<Given<P::Value>, clap::Error> {
        let flag = argument.and_then(Arg::get_long).unwrap_or_default();
        // The items of a variable with a list become default values: see `Variables::give_to`.
        let is_list = argument.is_some_and(|one| matches!(one.get_action(), ArgAction::Append));
        let source = match source {
            ValueSource::CommandLine => Source::Flag(format!("--{flag}")),
            ValueSource::DefaultValue if !is_list => Source::Default,
            _ => Source::Variable(PREFIX.to_owned() + &flag.to_uppercase().replace('-', "_")),
        };
        let value = self.0.parse_ref(command, argument, value)?;
        Ok(Given { value, source })
    }
}
