//! Records that exist from the start.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::Value;

use super::compiler::Compiler;
use super::stack::Stack;
use crate::base::{Spellings, Stamp, nearest_clause};
use crate::catalogue::endpoint::{Creation, PlantedRecord};
use crate::catalogue::outcome::{Answer, Outcome};
use crate::catalogue::schema::RequestSchema;
use crate::scenario::{RecordPart, SourceFile, Spanned, Tree};

/// Compiles the records of one file.
struct RecordCompiler<'c, 'a> {
    compiler: &'c mut Compiler<'a>,
    file: &'c Arc<SourceFile>,
    schema: &'c RequestSchema,
    outcomes: &'c IndexMap<String, Arc<Outcome>>,
    /// True if the endpoint has a lookup. Then the dummy data chooses the outcome of a record that names none.
    has_lookup: bool,
}

impl<'a> Compiler<'a> {
    /// The records of all files, by their ids. If two files have the same id, the later file counts.
    pub(super) fn records(
        &mut self,
        schema: &RequestSchema,
        outcomes: &IndexMap<String, Arc<Outcome>>,
        creation: Option<&Creation>,
    ) -> HashMap<String, PlantedRecord> {
        let stack: &'a Stack = self.stack;
        let mut records = HashMap::new();
        for file in stack {
            let mut planting = RecordCompiler {
                compiler: self,
                file: &file.source_file,
                schema,
                outcomes,
                has_lookup: creation.is_some_and(|creation| creation.lookup.is_some()),
            };
            for record in &file.records {
                if let Some(compiled) = planting.record(record) {
                    records.insert(record.as_ref().id.as_ref().clone(), compiled);
                }
            }
        }
        records
    }
}

impl RecordCompiler<'_, '_> {
    fn record(&mut self, record: &Spanned<RecordPart>) -> Option<PlantedRecord> {
        let part = record.as_ref();
        self.check_id(&part.id);
        self.check_field_names(part.input.as_ref());
        let input = self.input(&part.input);
        let outcome = match &part.outcome {
            Some(name) => Some(self.outcome(name)?),
            None if self.has_lookup => None,
            None => {
                self.report(
                    record.span(),
                    "the record needs an `outcome`, because no dummy data decides here",
                );
                return None;
            }
        };
        let (created, updated) = (self.stamp(&part.created), self.stamp(&part.updated));
        let Value::Object(input) = input else {
            self.report(part.input.span(), "`input` must be a table");
            return None;
        };
        Some(PlantedRecord {
            outcome,
            created: created?,
            updated: updated?,
            input,
        })
    }

    fn check_id(&mut self, id: &Spanned<String>) {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if id.as_ref().is_empty() || !id.as_ref().bytes().all(plain) {
            self.report(
                id.span(),
                "the id of a record is part of a path: use letters, digits, `_` and `-`",
            );
        }
    }

    /// Reports fields that the request does not have. A request without known fields accepts any.
    fn check_field_names(&mut self, input: &Tree) {
        let known: Vec<_> = self.schema.shape.names().collect();
        let Tree::Table(entries) = input else {
            return;
        };
        for (name, _) in entries
            .iter()
            .filter(|(name, _)| !known.is_empty() && !known.contains(&name.as_ref().as_str()))
        {
            let hint = nearest_clause(name.as_ref(), known.iter().copied());
            self.report(
                name.span(),
                format!("the request has no field `{}`{hint}", name.as_ref()),
            );
        }
    }

    /// The input of a record, in the normal form of a request's input and checked in the same way.
    fn input(&mut self, written: &Spanned<Tree>) -> Value {
        let mut input = written.as_ref().to_json();
        self.schema.shape.normalise(&mut input);
        if !self.compiler.proven
            && let Err(refused) = self.schema.check(&input, &Spellings::default())
        {
            for complaint in &refused.complaints {
                self.report(
                    written.span(),
                    format!("`input.{}` {}", complaint.path, complaint.message),
                );
            }
        }
        input
    }

    /// The outcome of that name. A record has a body, so its outcome must have one.
    fn outcome(&mut self, name: &Spanned<String>) -> Option<Arc<Outcome>> {
        let outcome = self.compiler.referred(self.file, name, self.outcomes)?;
        if !matches!(outcome.answer, Answer::Body { .. }) {
            self.report(
                name.span(),
                "a record cannot be an error or a sequence: name an outcome with a body",
            );
            return None;
        }
        Some(outcome.clone())
    }

    fn stamp(&mut self, text: &Spanned<String>) -> Option<Stamp> {
        let stamp = text.as_ref().parse().ok();
        if stamp.is_none() {
            self.report(
                text.span(),
                format!(
                    "`{}` is not a date and time such as `2022-02-10T18:55:02.061Z`",
                    text.as_ref()
                ),
            );
        }
        stamp
    }

    fn report(&mut self, span: Range<usize>, message: impl Into<String>) {
        let error = self.file.error(span, message);
        self.compiler.errors.push(error);
    }
}
