//! `when`: rules that choose an outcome by the content of a request, and the order in which they are tried.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};
use hyper::header::HeaderName;
use indexmap::IndexMap;
use serde_json::Value;

use super::condition::{Condition, Facts, Subject, number_of};
use super::outcome::Outcome;
use super::shape::Fields;
use crate::base::canonical_json;
use crate::scenario::{LoadError, Origin, SourceFile, Spanned, Tree};

/// Up to this number of rules, trying them one by one is faster than the index.
const FEW: usize = 8;

/// An endpoint's rules.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    /// The rules in the order in which they are tried: by priority, highest first, then by their order in the files.
    in_order: Vec<Rule>,
    index: Option<Index>,
    /// True if a rule checks `nth`, so that calls must be counted.
    pub count_calls: bool,
    /// The headers that rules check. Their values must be text.
    pub headers: Vec<HeaderName>,
}

/// Chooses an outcome if one of its alternatives holds.
#[derive(Debug)]
pub(crate) struct Rule {
    pub outcome: Arc<Outcome>,
    pub when: When,
    pub priority: i64,
    pub origin: Origin,
}

/// Alternatives. Each is a list of conditions that must all hold.
#[derive(Clone, Debug)]
pub(crate) struct When(pub Vec<Vec<Condition>>);

impl Rules {
    pub(crate) fn new(mut rules: Vec<Rule>) -> Self {
        rules.sort_by_key(|rule| Reverse(rule.priority));
        let mut conditions = rules.iter().flat_map(Rule::conditions);
        let count_calls = conditions.any(|condition| condition.subject == Subject::Nth);
        drop(conditions);
        let conditions = rules.iter().flat_map(Rule::conditions);
        let mut headers: Vec<_> = conditions.filter_map(Condition::header).collect();
        headers.sort_by(|one, other| one.as_str().cmp(other.as_str()));
        headers.dedup();
        Self {
            headers,
            count_calls,
            index: (rules.len() > FEW).then(|| Index::new(&rules)),
            in_order: rules,
        }
    }

    /// The first rule that holds, and its index.
    pub(crate) fn first(&self, facts: Facts<'_>) -> Option<(usize, &Rule)> {
        let holds = |at: &usize| self.in_order[*at].when.holds(facts);
        let at = match &self.index {
            None => (0..self.in_order.len()).find(holds),
            Some(index) => index.candidates(facts).find(holds),
        }?;
        Some((at, &self.in_order[at]))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.in_order.iter()
    }
}

impl Rule {
    pub(crate) fn conditions(&self) -> impl Iterator<Item = &Condition> {
        self.when.0.iter().flatten()
    }
}

impl When {
    /// `instead_of_empty` is the advice for a table without a condition.
    pub(crate) fn compile(
        tree: &Spanned<Tree>,
        file: &Arc<SourceFile>,
        fields: Fields<'_>,
        instead_of_empty: &str,
        errors: &mut Vec<LoadError>,
    ) -> Self {
        let alternatives: Vec<_> = match tree.as_ref() {
            Tree::Table(_) => vec![tree],
            Tree::List(items) if !items.is_empty() => items.iter().collect(),
            _ => {
                errors.push(file.error(
                    tree.span(),
                    "`when` must be a table of conditions, or a list of such tables",
                ));
                Vec::new()
            }
        };
        let mut compiled = Vec::new();
        for alternative in alternatives {
            let Tree::Table(entries) = alternative.as_ref() else {
                errors.push(file.error(alternative.span(), "must be a table of conditions"));
                continue;
            };
            if entries.is_empty() {
                errors.push(file.error(
                    alternative.span(),
                    format!("a table without a condition would always match: {instead_of_empty}"),
                ));
            }
            let conditions = entries
                .iter()
                .filter_map(|(subject, test)| {
                    Condition::compile(subject, test, file, fields)
                        .map_err(|error| errors.push(error))
                        .ok()
                })
                .collect();
            compiled.push(conditions);
        }
        Self(compiled)
    }

    /// The alternatives as files write them.
    pub(crate) fn shown(&self) -> Vec<IndexMap<String, Value>> {
        let shown = |one: &Condition| (one.written.to_string(), one.test.shown());
        let alternatives = self.0.iter();
        alternatives
            .map(|all| all.iter().map(shown).collect())
            .collect()
    }

    pub(crate) fn holds(&self, facts: Facts<'_>) -> bool {
        self.0
            .iter()
            .any(|conditions| conditions.iter().all(|condition| condition.holds(facts)))
    }
}

/// Finds rules by the values that they want. So only the rules that can hold are tried, even with ten thousand rules.
#[derive(Debug, Default)]
struct Index {
    /// For each subject, the rules that want a value there: by the canonical form of this value, in order.
    exact: Vec<(Subject, HashMap<Value, Vec<usize>>)>,
    /// The rules that are found by no value, in order.
    others: Vec<usize>,
}

impl Index {
    fn new(rules: &[Rule]) -> Self {
        let mut index = Self::default();
        let rarity = Rarity::among(rules.iter().flat_map(Rule::conditions));
        for (at, rule) in rules.iter().enumerate() {
            let alternatives = rule.when.0.iter();
            let wanted: Option<Vec<_>> = alternatives.map(|all| rarity.rarest(all)).collect();
            match wanted {
                None => index.others.push(at),
                Some(wanted) => {
                    for (subject, values) in wanted {
                        index.put(subject, values, at);
                    }
                }
            }
        }
        index
    }

    fn put(&mut self, subject: &Subject, values: &[Value], at: usize) {
        let place = self.exact.iter().position(|(known, _)| known == subject);
        let place = place.unwrap_or_else(|| {
            self.exact.push((subject.clone(), HashMap::new()));
            self.exact.len() - 1
        });
        for value in values {
            let key = index_key(subject, value).into_owned();
            let rules = self.exact[place].1.entry(key).or_default();
            if rules.last() != Some(&at) {
                rules.push(at);
            }
        }
    }

    /// The rules that may hold, in order.
    fn candidates(&self, facts: Facts<'_>) -> impl Iterator<Item = usize> {
        let mut lists: Vec<&[usize]> = vec![&self.others];
        for (subject, rules) in &self.exact {
            let Some(value) = subject.of(facts) else {
                continue;
            };
            let found = rules.get(index_key(subject, &value).as_ref());
            lists.extend(found.map(Vec::as_slice));
        }
        std::iter::from_fn(move || {
            let next = *lists.iter().filter_map(|list| list.first()).min()?;
            for list in &mut lists {
                if list.first() == Some(&next) {
                    *list = &list[1..];
                }
            }
            Some(next)
        })
    }
}

/// The value by which rules are found. In a subject that is always text, a number may be spelled in several ways.
fn index_key<'v>(subject: &Subject, value: &'v Value) -> Cow<'v, Value> {
    match value {
        Value::String(text) if subject.is_text() => number_of(text)
            .map_or(Cow::Borrowed(value), |number| {
                Cow::Owned(canonical_json(&number).into_owned())
            }),
        Value::Array(items) if subject.is_text() => {
            let items = items.iter();
            Cow::Owned(
                items
                    .map(|item| index_key(subject, item).into_owned())
                    .collect(),
            )
        }
        _ => canonical_json(value),
    }
}

/// Counts how many conditions want a value.
pub(crate) struct Rarity<'r>(HashMap<(&'r Subject, &'r Value), usize>);

impl<'r> Rarity<'r> {
    pub(crate) fn among(conditions: impl IntoIterator<Item = &'r Condition>) -> Self {
        let mut wanted = HashMap::new();
        for condition in conditions {
            for value in condition.test.exact().unwrap_or_default() {
                *wanted.entry((&condition.subject, value)).or_default() += 1;
            }
        }
        Self(wanted)
    }

    /// The condition of an alternative whose values the fewest other conditions want, as its subject and its values.
    /// None if no condition lists values.
    pub(crate) fn rarest<'c>(
        &self,
        conditions: &'c [Condition],
    ) -> Option<(&'c Subject, &'c [Value])> {
        let exact = conditions
            .iter()
            .filter_map(|condition| Some((&condition.subject, condition.test.exact()?)));
        exact.min_by_key(|(subject, values)| {
            let wanted = values.iter().map(|value| self.0.get(&(*subject, value)));
            wanted.flatten().max().copied()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::condition::Test;

    fn wants(field: &str, value: &str) -> Condition {
        Condition {
            written: format!("input.{field}").into(),
            subject: Subject::Field(vec![field.to_owned()]),
            test: Test::Equals(value.into()),
        }
    }

    #[test]
    fn a_rule_is_found_by_the_value_that_the_fewest_others_want() {
        let rules: Vec<_> = (0..1000)
            .map(|at| [wants("bank", "BCA"), wants("account", &at.to_string())])
            .collect();
        let rarity = Rarity::among(rules.iter().flatten());
        for rule in &rules {
            let (subject, _) = rarity.rarest(rule).expect("it names values");
            assert_eq!(*subject, rule[1].subject);
        }
        let alike = [wants("bank", "BCA"), wants("bank", "BCA")];
        assert!(rarity.rarest(&alike).is_some());
        assert!(rarity.rarest(&[]).is_none());
    }
}
