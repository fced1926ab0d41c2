//! Rules that conflict: a rule that never decides, because an earlier one always holds first; and two rules that can
//! both hold, without a priority that says which is first.

use foldhash::{HashMap, HashMapExt};
use serde_json::Value;

use super::compiler::Compiler;
use crate::catalogue::condition::{Condition, Subject, Test};
use crate::catalogue::rules::{Rarity, Rule, Rules};

/// The maximum number of compared pairs. Rules on one field are compared only if they want the same value, so ten
/// thousand such rules need few pairs.
const PAIRS_MAX: usize = 500_000;

/// A rule is compared only to the first rules on each other field, up to this number.
const OTHERS_MAX: usize = 1000;

impl Compiler<'_> {
    /// Warns of every rule that an earlier rule shadows, or that overlaps with a rule of the same priority.
    pub(super) fn check_overlaps(&mut self, rules: &Rules) {
        let rules: Vec<_> = rules.iter().collect();
        let mut met = VisitedRules::new(&rules);
        let mut pairs = 0;
        for (at, rule) in rules.iter().enumerate() {
            let mut overlap = None;
            for other in met.may_meet(rule) {
                pairs += 1;
                if pairs > PAIRS_MAX {
                    return;
                }
                let other = rules[other];
                if shadows(other, rule) {
                    overlap = Some((other, true));
                    break;
                }
                if overlap.is_none() && other.priority == rule.priority && meet(other, rule) {
                    overlap = Some((other, false));
                }
            }
            met.add(at, rule);
            let Some((other, shadowed)) = overlap else {
                continue;
            };
            let other_name = format!(
                "`{}` ({}:{})",
                other.outcome.name,
                other.origin.file.name,
                other.origin.line()
            );
            let sentence = if shadowed {
                format!(
                    "this rule is never used: {other_name} is tried first, and matches all of the same requests"
                )
            } else {
                format!(
                    "this rule and that of {other_name} can match the same request, and then the first in the file wins: \
                     use `priority` to choose"
                )
            };
            self.errors
                .push(rule.origin.file.warning(rule.origin.span(), sentence));
        }
    }
}

/// The rules that were visited so far, by the values that they want.
struct VisitedRules<'r> {
    rarity: Rarity<'r>,
    by_subject: Vec<(&'r Subject, ByValue<'r>)>,
    others: Vec<usize>,
}

#[derive(Default)]
struct ByValue<'r> {
    all: Vec<usize>,
    of_value: HashMap<&'r Value, Vec<usize>>,
}

impl<'r> VisitedRules<'r> {
    fn new(all: &[&'r Rule]) -> Self {
        Self {
            rarity: Rarity::among(all.iter().flat_map(|rule| rule.conditions())),
            by_subject: Vec::new(),
            others: Vec::new(),
        }
    }

    fn add(&mut self, at: usize, rule: &'r Rule) {
        // A rule with several alternatives is compared to all rules.
        let [conditions] = rule.when.0.as_slice() else {
            return self.others.push(at);
        };
        let Some((subject, values)) = self.rarity.rarest(conditions) else {
            return self.others.push(at);
        };
        let known = self.by_subject.iter().position(|(one, _)| *one == subject);
        let place = known.unwrap_or_else(|| {
            let none = ByValue {
                all: Vec::new(),
                of_value: HashMap::new(),
            };
            self.by_subject.push((subject, none));
            self.by_subject.len() - 1
        });
        let by_value = &mut self.by_subject[place].1;
        by_value.all.push(at);
        for value in values {
            by_value.of_value.entry(value).or_default().push(at);
        }
    }

    /// The rules that may hold together with this one.
    fn may_meet(&self, rule: &Rule) -> Vec<usize> {
        let wants = match rule.when.0.as_slice() {
            [conditions] => self.rarity.rarest(conditions),
            _ => None,
        };
        let mut found = self.others.clone();
        for (subject, by_value) in &self.by_subject {
            match wants {
                Some((own, values)) if own == *subject => {
                    let same = values
                        .iter()
                        .filter_map(|value| by_value.of_value.get(value));
                    found.extend(same.flatten());
                }
                _ => found.extend(by_value.all.iter().take(OTHERS_MAX)),
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// Whether the first rule holds whenever the second holds.
fn shadows(first: &Rule, second: &Rule) -> bool {
    second.when.0.iter().all(|narrow| {
        let mut wide = first.when.0.iter();
        wide.any(|wide| {
            wide.iter().all(|condition| {
                let mut narrow = narrow.iter();
                narrow.any(|one| {
                    one.subject == condition.subject
                        && implies(&one.test, &condition.test, one.subject.is_text())
                })
            })
        })
    })
}

/// Whether every value that passes the first test passes the second.
fn implies(narrow: &Test, wide: &Test, is_text: bool) -> bool {
    if let Some(values) = narrow.exact() {
        // Many texts spell one number.
        let is_certain = !matches!(wide, Test::Matches(_) | Test::StartsWith(_) | Test::Not(_));
        let mut values = values.iter();
        return values.all(|value| {
            (is_certain || !is_text || value.is_string()) && admits(wide, value, is_text)
        });
    }
    match (narrow, wide) {
        (Test::StartsWith(long), Test::StartsWith(short)) => long.starts_with(short.as_str()),
        (Test::MoreThan(high), Test::MoreThan(low)) => high >= low,
        (Test::LessThan(low), Test::LessThan(high)) => low <= high,
        (Test::Matches(one), Test::Matches(other)) => one.as_str() == other.as_str(),
        (Test::Present(one), Test::Present(other)) => one == other,
        (
            Test::Matches(_) | Test::StartsWith(_) | Test::MoreThan(_) | Test::LessThan(_),
            Test::Present(true),
        ) => true,
        (Test::Not(one), Test::Not(other)) => implies(other, one, is_text),
        (
            Test::Equals(_)
            | Test::OneOf(_)
            | Test::Matches(_)
            | Test::StartsWith(_)
            | Test::Present(_)
            | Test::MoreThan(_)
            | Test::LessThan(_)
            | Test::Not(_),
            _,
        ) => false,
    }
}

/// Whether the test passes a value that another test on the same subject lists.
fn admits(test: &Test, value: &Value, is_text: bool) -> bool {
    if is_text && value.is_number() {
        return test.holds(Some(&value.to_string().into()), is_text);
    }
    test.holds(Some(value), is_text)
}

/// Whether one request can make both rules hold, as far as this can be known.
fn meet(first: &Rule, second: &Rule) -> bool {
    first.when.0.iter().any(|one| {
        second.when.0.iter().any(|other| {
            one.iter().all(|a| {
                let mut same = other.iter().filter(|b| a.subject == b.subject);
                same.all(|b| compatible(a, b))
            })
        })
    })
}

/// Whether one value of the same subject can pass both tests.
fn compatible(one: &Condition, other: &Condition) -> bool {
    // Call numbers are whole: there is none between 2 and 3.
    let step = f64::from(u8::from(one.subject == Subject::Nth));
    let is_text = one.subject.is_text();
    let (one, other) = (&one.test, &other.test);
    if let Some(values) = one.exact() {
        return values.iter().any(|value| admits(other, value, is_text));
    }
    if let Some(values) = other.exact() {
        return values.iter().any(|value| admits(one, value, is_text));
    }
    match (one, other) {
        (Test::StartsWith(one), Test::StartsWith(other)) => {
            one.starts_with(other.as_str()) || other.starts_with(one.as_str())
        }
        (Test::MoreThan(low), Test::LessThan(high))
        | (Test::LessThan(high), Test::MoreThan(low)) => low + step < *high,
        (Test::Present(one), Test::Present(other)) => one == other,
        (Test::Present(false), test) | (test, Test::Present(false)) => test.holds(None, is_text),
        (Test::Not(inner), test) | (test, Test::Not(inner)) => !implies(test, inner, is_text),
        (
            Test::Equals(_)
            | Test::OneOf(_)
            | Test::Matches(_)
            | Test::StartsWith(_)
            | Test::Present(_)
            | Test::MoreThan(_)
            | Test::LessThan(_),
            _,
        ) => true,
    }
}
