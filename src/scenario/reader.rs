//! Reads a TOML document piece by piece, so that a mistake in one piece does not hide the mistakes in others.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue};

use super::mistake::LoadError;
use super::source_file::SourceFile;
use super::syntax::first_mistake;
use super::tree::Spanned;
use crate::base::{nearest_or_all, unknown_field};

/// Reads the pieces of one TOML document, and collects their mistakes.
pub(crate) struct Reader<'f> {
    source_file: &'f Arc<SourceFile>,
    pub(crate) errors: Vec<LoadError>,
}

impl<'f> Reader<'f> {
    pub(crate) fn new(source_file: &'f Arc<SourceFile>) -> Self {
        Self {
            source_file,
            errors: Vec::new(),
        }
    }

    /// The top-level entries, in the order of the file. None if the file is not valid TOML.
    pub(crate) fn table(&mut self) -> Option<Vec<(Spanned<String>, toml::Spanned<DeValue<'f>>)>> {
        let (document, mistakes) = DeTable::parse_recoverable(&self.source_file.text);
        if let Some(mistake) = first_mistake(&self.source_file.text, &mistakes) {
            let error = self.source_file.error(mistake.span, mistake.message);
            self.errors.push(error);
            return None;
        }
        let mut entries = Vec::new();
        for (key, mut value) in document.into_inner() {
            self.refuse_dates(&mut value);
            let span = key.span();
            entries.push((Spanned::new(span, key.into_inner().into_owned()), value));
        }
        Some(entries)
    }

    pub(crate) fn decode<T: DeserializeOwned>(
        &mut self,
        value: toml::Spanned<DeValue<'_>>,
    ) -> Option<T> {
        let whole = value.span();
        match T::deserialize(toml::de::ValueDeserializer::from(value)) {
            Ok(decoded) => Some(decoded),
            Err(mistake) => {
                let span = mistake.span().unwrap_or(whole);
                self.errors
                    .push(self.source_file.error(span, sentence(mistake.message())));
                None
            }
        }
    }

    pub(crate) fn unknown_key(&mut self, key: &Spanned<String>, known: &[&str]) {
        let written = key.as_ref();
        let hint = nearest_or_all(written, known.iter().copied());
        self.errors.push(
            self.source_file
                .error(key.span(), format!("unknown key `{written}`: {hint}")),
        );
    }

    /// The entries of a table of tables, by their names.
    pub(crate) fn named<T: DeserializeOwned>(
        &mut self,
        value: toml::Spanned<DeValue<'_>>,
        shape: &str,
    ) -> Vec<(Spanned<String>, T)> {
        let span = value.span();
        let DeValue::Table(table) = value.into_inner() else {
            self.errors.push(
                self.source_file
                    .error(span, format!("must be tables: `{shape}`")),
            );
            return Vec::new();
        };
        let mut entries = Vec::new();
        for (key, value) in table {
            let name = Spanned::new(key.span(), key.into_inner().into_owned());
            if let Some(decoded) = self.decode(value) {
                entries.push((name, decoded));
            }
        }
        entries
    }

    /// The items of an array of tables.
    pub(crate) fn each<T: DeserializeOwned>(
        &mut self,
        value: toml::Spanned<DeValue<'_>>,
        shape: &str,
    ) -> Vec<T> {
        let span = value.span();
        let DeValue::Array(items) = value.into_inner() else {
            self.errors.push(
                self.source_file
                    .error(span, format!("must be an array: `{shape}`")),
            );
            return Vec::new();
        };
        items
            .into_iter()
            .filter_map(|item| self.decode(item))
            .collect()
    }

    /// Refuses TOML dates, because they would lose their spelling in JSON.
    fn refuse_dates(&mut self, value: &mut toml::Spanned<DeValue<'_>>) {
        let span = value.span();
        match value.as_mut() {
            DeValue::Datetime(date) => {
                let text = date.to_string();
                self.errors.push(self.source_file.error(
                    span,
                    format!("a date must be text here: put it in quotes, `\"{text}\"`"),
                ));
                *value.as_mut() = DeValue::String(text.into());
            }
            DeValue::Array(items) => {
                for item in items.iter_mut() {
                    self.refuse_dates(item);
                }
            }
            DeValue::Table(table) => table
                .iter_mut()
                .for_each(|(_, entry)| self.refuse_dates(entry)),
            _ => {}
        }
    }
}

/// The parser's message as one line. If it lists all known keys, the nearest key replaces the list.
fn sentence(message: &str) -> String {
    let line = message.trim().replace('\n', ", ");
    if let Some((found, _)) = line.split_once(", expected struct ") {
        return format!("{found}, expected a table");
    }
    if let Some(unknown) = unknown_field(&line) {
        return format!("unknown key {unknown}");
    }
    line.replacen("unknown field", "unknown key", 1)
}
