//! The values on the dummy lists. They belong to no real person, so a page need not mask them.

use std::collections::{HashMap, HashSet};

use super::watchlist::Profile;
use crate::scenario::ScenarioFile;

/// The names, numbers and countries of all entries. A name or number leads to the dates and places of its entries: such
/// a value alone is not listed, because a real person may have the same.
#[derive(Debug, Default)]
pub(super) struct ListedValues(HashMap<String, Vec<String>>);

impl ListedValues {
    pub(super) fn of<'f>(files: impl Iterator<Item = &'f ScenarioFile>) -> Self {
        let mut listed = Self::default();
        for part in files.map(ScenarioFile::dummy) {
            let individuals = part.individuals.iter().map(Profile::of_individual);
            let entities = part.entities.iter().map(Profile::of_entity);
            for profile in individuals.chain(entities) {
                listed.add(&profile.names, &profile.dates.unwrap_or_default());
                listed.add(&profile.countries, &[]);
            }
            for person in &part.people {
                let names = [&person.nik.0, &person.name, &person.address];
                let others = [person.birthdate.0.clone(), person.birthplace.clone()];
                listed.add(names, &others);
            }
            for missing in &part.missing {
                listed.add([&missing.nik.0], &[]);
            }
            for account in &part.bank_accounts {
                let names = [&account.bank_account_number.0].into_iter();
                listed.add(names.chain(&account.holder), &[]);
            }
        }
        listed
    }

    fn add<'n>(&mut self, names: impl IntoIterator<Item = &'n String>, others: &[String]) {
        let others = others.iter().map(|other| normal(other));
        let others: Vec<_> = others.collect();
        for name in names {
            let of_name = self.0.entry(normal(name)).or_default();
            of_name.extend_from_slice(&others);
        }
    }

    /// Those of the values that are on a list, in any case.
    pub(super) fn among(&self, values: Vec<String>) -> Vec<String> {
        let normal_values = values.iter().map(|value| normal(value));
        let normal_values: Vec<_> = normal_values.collect();
        let of_names = |value| self.0.get(value).into_iter().flatten();
        let others: HashSet<_> = normal_values.iter().flat_map(of_names).collect();
        let is_listed = |value| self.0.contains_key(value) || others.contains(value);
        let listed = values.into_iter().zip(&normal_values);
        let listed = listed.filter(|(_, normal)| is_listed(*normal));
        listed.map(|(value, _)| value).collect()
    }
}

/// Lower case, with single spaces.
fn normal(value: &str) -> String {
    let value = value.to_lowercase();
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}
