//! `[magic]`: values that ride in a request's data and pick an outcome by its name, for flows where no
//! header can be set: `given_names = "MAGIC FAILED"`, an upload called `completed_not_found.jpg`.

use std::sync::Arc;

use serde_json::Value;

use super::condition::{Facts, Subject};
use super::endpoint::Endpoint;
use super::outcome::Outcome;
use super::shape::Fields;
use crate::answer::{Named, as_name, named_by_file};
use crate::http::ApiError;
use crate::scenario::{LoadError, Origin, SourceFile, Spanned, Tree};

/// The fields of an endpoint that may hold a magic value.
#[derive(Debug, Default)]
pub(crate) struct MagicValues(pub Vec<MagicValue>);

#[derive(Debug)]
pub(crate) struct MagicValue {
    /// As the file names it: `input.given_names`.
    pub written: String,
    pub subject: Subject,
    /// What stands before the outcome's name. Without it the whole value must be one.
    prefix: Option<String>,
    pub origin: Origin,
}

impl MagicValue {
    pub(crate) fn compile(
        subject: &Spanned<String>,
        how: &Spanned<Tree>,
        file: &Arc<SourceFile>,
        fields: Fields<'_>,
    ) -> Result<Self, LoadError> {
        let written = subject.as_ref();
        let parsed = match Subject::parse(written, fields) {
            Ok(parsed @ (Subject::Field(_) | Subject::FileName(_))) => Ok(parsed),
            Ok(_) => Err(format!(
                "a magic value rides in `{}.…`, in quotes: for a header there is `x-magic-reply`",
                fields.word
            )),
            Err(message) => Err(message),
        };
        let wrong = || {
            file.error(
                how.span(),
                "write `true` where the whole value names an outcome, or `{ prefix = \"MAGIC \" }`",
            )
        };
        let prefix = match how.as_ref() {
            Tree::Boolean(true) => None,
            Tree::Table(entries) => match entries.as_slice() {
                [(key, prefix)] if key.as_ref() == "prefix" => match prefix.as_ref() {
                    Tree::Text(prefix) if !prefix.is_empty() => Some(prefix.clone()),
                    _ => return Err(wrong()),
                },
                _ => return Err(wrong()),
            },
            _ => return Err(wrong()),
        };
        Ok(Self {
            written: written.clone(),
            subject: parsed.map_err(|message| file.error(subject.span(), message))?,
            prefix,
            origin: Origin::new(file, &subject.span()),
        })
    }

    /// The outcome that the value names. With a prefix it must name one.
    fn choose<'e>(
        &self,
        endpoint: &'e Endpoint,
        facts: Facts<'_>,
    ) -> Result<Option<&'e Arc<Outcome>>, ApiError> {
        let value = self.subject.of(facts);
        let Some(text) = value.as_deref().and_then(Value::as_str) else {
            return Ok(None);
        };
        let text = match &self.prefix {
            None => text,
            Some(prefix) => match text.strip_prefix(prefix.as_str()) {
                None => return Ok(None),
                Some(name) => name,
            },
        };
        let found = match &self.subject {
            Subject::FileName(_) => named_by_file(endpoint, text),
            _ => endpoint.outcome(&as_name(text)),
        };
        if found.is_none() && self.prefix.is_some() {
            let message = endpoint.unknown_outcome(text, false);
            return Err(ApiError::unknown_magic(format!(
                "{}: {message}",
                self.written
            )));
        }
        Ok(found)
    }
}

impl MagicValues {
    /// What the values of a request name.
    pub(crate) fn choose<'e>(
        &self,
        endpoint: &'e Endpoint,
        facts: Facts<'_>,
        all_file_names: bool,
    ) -> Result<Option<Named<'e>>, ApiError> {
        for (at, value) in (0..).zip(&self.0) {
            if let Some(outcome) = value.choose(endpoint, facts)? {
                return Ok(Some(Named {
                    outcome,
                    at: Some(at),
                }));
            }
        }
        if !all_file_names {
            return Ok(None);
        }
        let names = facts.file_names.values().filter_map(Value::as_str);
        let found = names
            .into_iter()
            .find_map(|name| named_by_file(endpoint, name));
        Ok(found.map(|outcome| Named { outcome, at: None }))
    }
}
