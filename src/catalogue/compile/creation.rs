//! How an endpoint makes records.

use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;

use super::compiler::Compiler;
use super::lookups::NamedLookup;
use super::stack::Stack;
use crate::base::parse_duration;
use crate::catalogue::body::TemplateScope;
use crate::catalogue::endpoint::{Creation, IdPattern, Keep};
use crate::catalogue::magic_values::{MagicValue, MagicValues};
use crate::catalogue::outcome::{LISTED, Outcome};
use crate::catalogue::reply_id::OutcomeId;
use crate::catalogue::rules::{Rule, Rules, When};
use crate::scenario::{Origin, Tree};

impl<'a> Compiler<'a> {
    pub(super) fn creation(
        &mut self,
        scope: TemplateScope<'_>,
        outcomes: &IndexMap<String, Arc<Outcome>>,
        lookup: Option<NamedLookup<'a>>,
    ) -> Option<Creation> {
        let default = self.default_outcome(outcomes);
        let always = lookup.as_ref().map(|named| named.always(scope.fields.word));
        let instead_of_empty = match &always {
            None => "use `default = true` instead".to_owned(),
            Some(always) => format!("use a condition that always holds, {always}"),
        };
        let mut rules = Vec::new();
        for (file, name, part) in self.outcome_parts() {
            if let Some(when) = &part.when {
                rules.push(Rule {
                    outcome: outcomes[name.as_ref()].clone(),
                    origin: Origin::new(file, &when.span()),
                    when: When::compile(when, file, scope.fields, &instead_of_empty, self.errors),
                    priority: part
                        .priority
                        .as_ref()
                        .map_or(0, |priority| *priority.as_ref()),
                });
            } else if let Some(priority) = &part.priority {
                self.errors
                    .push(file.error(priority.span(), "`priority` has no effect without a `when`"));
            }
        }
        let magic = self.magic_values(scope);
        let rules = Rules::new(rules);
        self.check_overlaps(&rules);
        let lookup = lookup.map(|named| self.lookup_rule(named, outcomes));
        if let (Some(rule), Some(always)) = (&lookup, &always) {
            self.check_default(rule, always);
        }
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
        let processing_time = self.processing_time();
        Some(Creation {
            id_pattern,
            processing_time,
            default: default?,
            magic,
            rules,
            lookup,
            keep: self.last(|file| file.keep.as_ref()).map(|(_, keep)| Keep {
                from: keep.from.as_ref().clone(),
                at: keep.at.as_ref().as_str().into(),
                outcome: OutcomeId::new(&keep.at.as_ref().as_str().into(), LISTED),
            }),
        })
    }

    fn processing_time(&mut self) -> Option<Duration> {
        let (file, written) = self.last(|file| file.reply.as_ref()?.processing_time.as_ref())?;
        let parsed = parse_duration(written.as_ref());
        parsed
            .map_err(|message| self.errors.push(file.error(written.span(), message)))
            .ok()
    }

    /// The fields of `[magic]`. If two files have the same field, the later file counts.
    fn magic_values(&mut self, scope: TemplateScope<'_>) -> MagicValues {
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

    /// The outcome marked `default`. If several files mark one, the last file decides.
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
                        "only one outcome can be the default, and `{}` already is",
                        marked[0].0.as_ref()
                    ),
                ));
            }
            if let Some((name, _)) = marked.first() {
                return outcomes.get(name.as_ref()).cloned();
            }
        }
        self.missing("no outcome is the default: write `default = true` in one of them");
        None
    }
}
