//! `[magic]`: values in a request's data that choose an outcome by its name, for clients that cannot set a header.
//! Examples are `given_names = "MAGIC FAILED"` and an upload with the name `completed_not_found.jpg`.

use std::sync::Arc;

use super::condition::Subject;
use super::shape::Fields;
use crate::scenario::{LoadError, Origin, SourceFile, Spanned, Tree};

/// The fields of an endpoint that may hold a magic value.
#[derive(Debug, Default)]
pub(crate) struct MagicValues(pub Vec<MagicValue>);

#[derive(Debug)]
pub(crate) struct MagicValue {
    /// As the file names it: `input.given_names`.
    pub written: String,
    pub subject: Subject,
    /// The text before the outcome's name. Without a prefix the whole value must be the name.
    pub prefix: Option<String>,
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
            Ok(Subject::Header(_) | Subject::Query(_) | Subject::Nth) => Err(format!(
                "a magic value must be in `{}.…`, in quotes; for a header use `x-magic-reply`",
                fields.word
            )),
            Err(message) => Err(message),
        };
        let wrong = || {
            file.error(
                how.span(),
                "write `true` if the whole value is the name of an outcome, or `{ prefix = \"MAGIC \" }`",
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
}
