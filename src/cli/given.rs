//! Arguments whose values are checked after parsing: an error must still name where the value came from.

use std::ffi::OsStr;
use std::path::PathBuf;

use clap::builder::TypedValueParser;
use clap::parser::ValueSource;
use clap::{Arg, Command};

use super::variables::PREFIX;

/// A path, with the flag or variable that named it.
#[derive(Clone, Debug)]
pub(super) struct GivenPath {
    pub path: PathBuf,
    pub source: String,
}

#[derive(Clone)]
pub(super) struct GivenPathParser;

impl TypedValueParser for GivenPathParser {
    type Value = GivenPath;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<GivenPath, clap::Error> {
        self.parse_ref_(command, argument, value, ValueSource::CommandLine)
    }

    fn parse_ref_(
        &self,
        _: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
        source: ValueSource,
    ) -> Result<GivenPath, clap::Error> {
        let flag = argument.and_then(Arg::get_long).unwrap_or_default();
        let source = match source {
            ValueSource::CommandLine => format!("--{flag}"),
            _ => PREFIX.to_owned() + &flag.to_uppercase().replace('-', "_"),
        };
        Ok(GivenPath {
            path: value.into(),
            source,
        })
    }
}
