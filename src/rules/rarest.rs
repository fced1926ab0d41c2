//! Of the conditions that want one value, the one by which a rule is found: where ten thousand rules all
//! want the same bank and each an account of its own, the bank finds all of them and the account finds one.

use foldhash::{HashMap, HashMapExt};
use serde_json::Value;

use crate::condition::{Condition, Subject};

/// How many conditions want a value.
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

    /// What one of an alternative's conditions is on, and the values of which it wants one: those that
    /// the fewest others want. None where no condition names its values.
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
    use crate::condition::Test;

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
