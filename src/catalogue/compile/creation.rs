//! How an endpoint makes records, and the records that are there from the start.

use std::collections::HashMap;
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::Value;

use super::compiler::Compiler;
use super::lookups::NamedLookup;
use super::stack::Stack;
use crate::base::{Stamp, nearest};
use crate::catalogue::body::Scope;
use crate::catalogue::endpoint::{Creation, IdPattern, Keep, PlantedRecord};
use crate::catalogue::magic_values::{MagicValue, MagicValues};
use crate::catalogue::outcome::{Answer, Outcome, tag};
use crate::catalogue::rules::{Rule, Rules, When};
use crate::catalogue::schema::RequestSchema;
use crate::scenario::{Origin, RecordPart, SourceFile, Spanned, Tree};

impl<'a> Compiler<'a> {
    pub(super) fn creation(
        &mut self,
        scope: Scope<'_>,
        outcomes: &IndexMap<String, Arc<Outcome>>,
        lookup: Option<NamedLookup<'a>>,
    ) -> Option<Creation> {
        let default = self.default_outcome(outcomes);
        let mut rules = Vec::new();
        for (file, name, part) in self.outcome_parts() {
            if let Some(when) = &part.when {
                rules.push(Rule {
                    outcome: outcomes[name.as_ref()].clone(),
                    origin: Origin::new(file, &when.span()),
                    when: When::compile(when, file, scope.fields, self.errors),
                    priority: part
                        .priority
                        .as_ref()
                        .map_or(0, |priority| *priority.as_ref()),
                });
            } else if let Some(priority) = &part.priority {
                self.errors.push(file.error(
                    priority.span(),
                    "`priority` orders outcomes that have a `when`, and this has none",
                ));
            }
        }
        let magic = self.magic_values(scope);
        let rules = Rules::new(rules);
        self.check_overlaps(&rules);
        let lookup = lookup.map(|named| self.lookup_rule(named, outcomes));
        let id_pattern = match self.last(|file| file.id.as_ref()) {
            None => None,
            Some((file, id)) => match IdPattern::parse(id.as_ref()) {
                Ok(pattern) => Some(pattern),
                Err(message) => {
                    self.errors.push(file.error(id.span(), message));
                    return None;
                }
            },
        };
        Some(Creation {
            id_pattern,
            default: default?,
            magic,
            rules,
            lookup,
            keep: self.last(|file| file.keep.as_ref()).map(|(_, keep)| Keep {
                from: keep.from.as_ref().clone(),
                at: keep.at.as_ref().as_str().into(),
                tag: tag(keep.at.as_ref(), "LISTED"),
            }),
        })
    }

    /// The fields of `[magic]`; a later file replaces what an earlier one says of the same field.
    fn magic_values(&mut self, scope: Scope<'_>) -> MagicValues {
        let stack: &'a Stack = self.stack;
        let mut values: IndexMap<&str, MagicValue> = IndexMap::new();
        for file in stack {
            let Some(magic) = &file.magic else {
                continue;
            };
            let Tree::Table(entries) = magic.as_ref() else {
                self.errors.push(file.source_file.error(
                    magic.span(),
                    "`magic` must be a table of fields, such as `\"input.given_names\" = { prefix = \"MAGIC \" }`",
                ));
                continue;
            };
            for (subject, how) in entries {
                match MagicValue::compile(subject, how, &file.source_file, scope.fields) {
                    Ok(value) => drop(values.insert(subject.as_ref(), value)),
                    Err(error) => self.errors.push(error),
                }
            }
        }
        MagicValues(values.into_values().collect())
    }

    /// The outcome marked `default`; of several files the last one that marks any decides.
    fn default_outcome(
        &mut self,
        outcomes: &IndexMap<String, Arc<Outcome>>,
    ) -> Option<Arc<Outcome>> {
        let stack: &'a Stack = self.stack;
        for file in stack.iter().rev() {
            let marked: Vec<_> = file
                .outcomes
                .iter()
                .filter(|(_, part)| part.default)
                .collect();
            if let [.., (second, _)] = marked.as_slice()
                && marked.len() > 1
            {
                self.errors.push(file.source_file.error(
                    second.span(),
                    format!(
                        "only one outcome can be the default, and `{}` is",
                        marked[0].0.as_ref()
                    ),
                ));
            }
            if let Some((name, _)) = marked.first() {
                return outcomes.get(name.as_ref()).cloned();
            }
        }
        self.missing("no outcome is the default: say `default = true` in one of them");
        None
    }

    pub(super) fn records(
        &mut self,
        schema: &RequestSchema,
        outcomes: &IndexMap<String, Arc<Outcome>>,
        creation: Option<&Creation>,
    ) -> HashMap<String, PlantedRecord> {
        let stack: &'a Stack = self.stack;
        let mut records = HashMap::new();
        for file in stack {
            for record in &file.records {
                let compiled = self.record(record, &file.source_file, schema, outcomes, creation);
                if let Some(compiled) = compiled {
                    records.insert(record.as_ref().id.as_ref().clone(), compiled);
                }
            }
        }
        records
    }

    fn record(
        &mut self,
        record: &Spanned<RecordPart>,
        file: &Arc<SourceFile>,
        schema: &RequestSchema,
        outcomes: &IndexMap<String, Arc<Outcome>>,
        creation: Option<&Creation>,
    ) -> Option<PlantedRecord> {
        let part = record.as_ref();
        let id = &part.id;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if id.as_ref().is_empty() || !id.as_ref().bytes().all(plain) {
            self.errors.push(file.error(
                id.span(),
                "a record's id is part of a path: use letters, digits, `_` and `-`",
            ));
        }
        if let Tree::Table(entries) = part.input.as_ref() {
            let known: Vec<_> = schema.shape.names().collect();
            for (name, _) in entries
                .iter()
                .filter(|(name, _)| !known.is_empty() && !known.contains(&name.as_ref().as_str()))
            {
                let hint = nearest(name.as_ref(), known.iter().copied())
                    .map_or(String::new(), |near| format!(": did you mean `{near}`?"));
                self.errors.push(file.error(
                    name.span(),
                    format!("the request has no field `{}`{hint}", name.as_ref()),
                ));
            }
        }
        let mut input = part.input.as_ref().to_json();
        schema.shape.normalise(&mut input);
        if !self.proven
            && let Err(refused) = schema.check(&input)
        {
            for complaint in &refused.complaints {
                self.errors.push(file.error(
                    part.input.span(),
                    format!("`input.{}` {}", complaint.path, complaint.message),
                ));
            }
        }
        let outcome = match &part.outcome {
            Some(name) => {
                let outcome = self.referred(file, name, outcomes)?;
                if !matches!(outcome.answer, Answer::Body { .. }) {
                    self.errors.push(file.error(
                        name.span(),
                        "a record cannot be an error or a sequence: name an outcome with a body",
                    ));
                    return None;
                }
                Some(outcome.clone())
            }
            None if creation.is_some_and(|creation| creation.lookup.is_some()) => None,
            None => {
                self.errors.push(file.error(
                    record.span(),
                    "the record must name its `outcome`, since no dummy data decides here",
                ));
                return None;
            }
        };
        let mut stamp = |text: &Spanned<String>| {
            text.as_ref()
                .parse::<Stamp>()
                .map_err(|_| {
                    self.errors.push(file.error(
                        text.span(),
                        format!(
                            "`{}` is no instant such as `2022-02-10T18:55:02.061Z`",
                            text.as_ref()
                        ),
                    ));
                })
                .ok()
        };
        let (created, updated) = (stamp(&part.created), stamp(&part.updated));
        let Value::Object(input) = input else {
            self.errors
                .push(file.error(part.input.span(), "`input` must be a table"));
            return None;
        };
        Some(PlantedRecord {
            outcome,
            created: created?,
            updated: updated?,
            input,
        })
    }
}
