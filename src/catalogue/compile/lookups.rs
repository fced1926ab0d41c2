//! `[lookup]`: which dummy data decides, which fields it reads, and which outcome belongs to each verdict.

use std::sync::Arc;

use indexmap::IndexMap;

use super::compiler::Compiler;
use crate::base::{listed, nearest_clause, nearest_or_all};
use crate::catalogue::dummy::{Lookup, Reads};
use crate::catalogue::endpoint::LookupRule;
use crate::catalogue::outcome::Outcome;
use crate::catalogue::shape::Shape;
use crate::scenario::{SourceFile, Spanned, Tree};

/// A lookup that exists, and its place in the file.
pub(super) struct NamedLookup<'a> {
    pub lookup: Lookup,
    file: &'a Arc<SourceFile>,
    tree: &'a Spanned<Tree>,
    reads: Reads,
}

impl NamedLookup<'_> {
    /// A `when` that every request fulfils: it tests a field that the lookup needs.
    pub(super) fn always(&self, word: &str) -> String {
        let field = self.lookup.reads().first().copied().unwrap_or_default();
        let field = self.reads.name_of(field);
        format!("`when = {{ \"{word}.{field}\" = {{ present = true }} }}`")
    }
}

impl<'a> Compiler<'a> {
    pub(super) fn lookup_name(&mut self, input: &Shape) -> Option<NamedLookup<'a>> {
        let (file, tree) = self.last(|file| file.lookup.as_ref())?;
        let name = tree.as_ref().get("in");
        let Some(Tree::Text(text)) = name.map(Spanned::as_ref) else {
            self.errors.push(file.error(
                tree.span(),
                format!(
                    "`lookup` must name its dummy data: `in = \"…\"`, one of {}",
                    listed(Lookup::names())
                ),
            ));
            return None;
        };
        let Some(lookup) = Lookup::named(text) else {
            let span = name.map_or_else(|| tree.span(), Spanned::span);
            let hint = nearest_or_all(text, Lookup::names());
            self.errors
                .push(file.error(span, format!("unknown lookup `{text}`: {hint}")));
            return None;
        };
        let mut named = NamedLookup {
            lookup,
            file,
            tree,
            reads: Reads::default(),
        };
        self.lookup_reads(&mut named, input);
        Some(named)
    }

    /// `reads = { id_card_number = "nik" }`: the lookup's field, and the field of the request that replaces it.
    fn lookup_reads(&mut self, named: &mut NamedLookup<'a>, input: &Shape) {
        let (file, lookup) = (named.file, named.lookup);
        let written = named.tree.as_ref().get("reads");
        let entries = match written.map(|tree| (tree, tree.as_ref())) {
            None => [].as_slice(),
            Some((_, Tree::Table(entries))) => entries,
            Some((tree, _)) => {
                self.errors.push(file.error(
                    tree.span(),
                    "`reads` must be a table of the lookup's fields and the request's, such as \
                     `{ id_card_number = \"nik\" }`",
                ));
                return;
            }
        };
        let own = || lookup.reads().iter().chain(lookup.may_read()).copied();
        for (field, name) in entries {
            let Some(field) = own().find(|own| own == field.as_ref()) else {
                self.errors.push(file.error(
                    field.span(),
                    format!(
                        "`{}` does not read `{}`: it reads {}",
                        lookup.name(),
                        field.as_ref(),
                        listed(own())
                    ),
                ));
                continue;
            };
            let text = match name.as_ref() {
                Tree::Text(text) if input.names().any(|known| known == text) => text,
                Tree::Text(text) => {
                    let hint = nearest_clause(text, input.names());
                    self.errors.push(file.error(
                        name.span(),
                        format!("the request has no field `{text}`{hint}"),
                    ));
                    text // used all the same, so that the mistake is reported only once
                }
                _ => {
                    self.errors
                        .push(file.error(name.span(), "must be the name of a field"));
                    continue;
                }
            };
            named.reads.0.push((field, text.clone()));
        }
        for field in lookup.reads() {
            let is_renamed = named.reads.0.iter().any(|(own, _)| own == field);
            if !is_renamed && !input.names().any(|name| name == *field) {
                self.errors.push(file.error(
                    named.tree.span(),
                    format!(
                        "`{}` reads the field `{field}`, which the request does not have: name the field \
                         to read instead, `reads = {{ {field} = \"…\" }}`",
                        lookup.name()
                    ),
                ));
            }
        }
    }

    pub(super) fn lookup_rule(
        &mut self,
        named: NamedLookup<'a>,
        outcomes: &IndexMap<String, Arc<Outcome>>,
    ) -> LookupRule {
        let mut by_verdict = Vec::new();
        let Tree::Table(entries) = named.tree.as_ref() else {
            unreachable!("a lookup has a name only when it is a table");
        };
        let verdicts = entries
            .iter()
            .filter(|(key, _)| !matches!(key.as_ref().as_str(), "in" | "reads"));
        for (verdict, outcome) in verdicts {
            let known = named.lookup.verdicts();
            let Some(verdict) = known.iter().find(|known| *known == verdict.as_ref()) else {
                self.errors.push(named.file.error(
                    verdict.span(),
                    format!(
                        "`{}` is not a result of `{}`: known results are {}",
                        verdict.as_ref(),
                        named.lookup.name(),
                        listed(known.iter().copied())
                    ),
                ));
                continue;
            };
            let Tree::Text(name) = outcome.as_ref() else {
                self.errors.push(
                    named
                        .file
                        .error(outcome.span(), "must be the name of an outcome"),
                );
                continue;
            };
            let name = Spanned::new(outcome.span(), name.clone());
            if let Some(outcome) = self.referred(named.file, &name, outcomes) {
                by_verdict.push((*verdict, outcome.clone()));
            }
        }
        for verdict in named.lookup.verdicts() {
            let said = entries.iter().any(|(key, _)| key.as_ref() == verdict);
            if !said {
                self.errors.push(named.file.error(
                    named.tree.span(),
                    format!("`lookup` has no outcome for the result `{verdict}`"),
                ));
            }
        }
        LookupRule {
            lookup: named.lookup,
            reads: named.reads,
            outcomes: by_verdict,
        }
    }

    /// Warns of a `default` that never answers, because the lookup finds an outcome for every request. The file of an
    /// endpoint itself needs a default, which is one of the lookup's outcomes.
    pub(super) fn check_default(&mut self, rule: &LookupRule, always: &str) {
        let is_found = |name: &str| rule.outcomes.iter().any(|(_, one)| one.name == name);
        for (file, name, part) in self.outcome_parts() {
            let is_base = Arc::ptr_eq(file, &self.base.source_file);
            let is_needed = is_base && is_found(name.as_ref());
            if !part.default || file.shipped || is_needed {
                continue;
            }
            let advice = if part.when.is_some() {
                "leave it out".to_owned()
            } else {
                format!(
                    "to answer every request with `{}`, write {always}",
                    name.as_ref()
                )
            };
            let sentence = format!(
                "`default = true` never answers here, because `lookup` finds an outcome for every request: {advice}"
            );
            self.warn((file, name.span()), sentence);
        }
    }
}
