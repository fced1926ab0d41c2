//! Dummy data: the watchlist, the population register and the bank accounts behind the answers.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use super::listed_values::ListedValues;
use super::watchlist::{Profile, Watchlist, WatchlistListing};
use crate::scenario::{self, AccountFinding, BankAccountPart, DateForm, PersonPart, ScenarioFile};

/// All dummy data from the files of one catalogue. It is checked when the files are read, and is indexed at its first
/// use.
#[derive(Debug)]
pub(crate) struct Dummy {
    files: Vec<Arc<ScenarioFile>>,
    dates: DateForm,
    data: OnceLock<Data>,
    listed: OnceLock<ListedValues>,
}

#[derive(Debug)]
struct Data {
    individuals: Watchlist,
    entities: Watchlist,
    people: HashMap<String, PersonPart>,
    missing: HashSet<String>,
    accounts: HashMap<(String, String), BankAccountPart>,
}

/// The answer of the population register for a number.
pub(crate) enum RegisterEntry<'a> {
    Person(&'a PersonPart),
    Missing,
    /// Not in the dummy data. Such a person is found, and matches everything that was sent.
    Unlisted,
}

impl Dummy {
    /// If two files have the same id, number or account, the later file counts.
    pub(crate) fn new(files: Vec<Arc<ScenarioFile>>, dates: DateForm) -> Self {
        Self {
            files,
            dates,
            data: OnceLock::new(),
            listed: OnceLock::new(),
        }
    }

    pub(crate) fn dates(&self) -> DateForm {
        self.dates
    }

    pub(crate) fn individuals(&self) -> &Watchlist {
        &self.data().individuals
    }

    pub(crate) fn entities(&self) -> &Watchlist {
        &self.data().entities
    }

    pub(crate) fn listing(&self, id: &str) -> Option<&Arc<WatchlistListing>> {
        let data = self.data();
        data.individuals
            .listing(id)
            .or_else(|| data.entities.listing(id))
    }

    /// The first listing, for callers that need any listing.
    pub(crate) fn any_listing(&self) -> Option<&Arc<WatchlistListing>> {
        let data = self.data();
        let lists = [&data.individuals, &data.entities];
        lists.into_iter().find_map(|list| list.listings.first())
    }

    pub(crate) fn person(&self, nik: &str) -> RegisterEntry<'_> {
        let data = self.data();
        if data.missing.contains(nik) {
            return RegisterEntry::Missing;
        }
        let person = data.people.get(nik);
        person.map_or(RegisterEntry::Unlisted, RegisterEntry::Person)
    }

    /// The holder and the finding of a listed account.
    pub(crate) fn account(
        &self,
        bank: &str,
        number: &str,
    ) -> Option<(Option<&str>, AccountFinding)> {
        let key = (
            scenario::without_country(bank).to_owned(),
            number.to_owned(),
        );
        let account = self.data().accounts.get(&key)?;
        Some((account.holder.as_deref(), account.finding))
    }

    /// Those of the values that are on a list. Dates and places count only beside a name or number of their entry.
    pub(crate) fn listed(&self, values: Vec<String>) -> Vec<String> {
        let files = || self.files.iter().map(|file| &**file);
        let listed = self.listed.get_or_init(|| ListedValues::of(files()));
        listed.among(values)
    }

    fn data(&self) -> &Data {
        self.data.get_or_init(|| Data::of(&self.files, self.dates))
    }
}

impl Data {
    fn of(files: &[Arc<ScenarioFile>], dates: DateForm) -> Self {
        let individuals = files.iter().flat_map(|file| &file.dummy().individuals);
        let entities = files.iter().flat_map(|file| &file.dummy().entities);
        let mut data = Self {
            individuals: Watchlist::new(individuals.map(Profile::of_individual), dates),
            entities: Watchlist::new(entities.map(Profile::of_entity), dates),
            people: HashMap::new(),
            missing: HashSet::new(),
            accounts: HashMap::new(),
        };
        for part in files.iter().map(|file| file.dummy()) {
            for person in &part.people {
                data.missing.remove(&person.nik.0);
                data.people.insert(person.nik.0.clone(), person.clone());
            }
            for missing in &part.missing {
                data.people.remove(&missing.nik.0);
                data.missing.insert(missing.nik.0.clone());
            }
            for account in &part.bank_accounts {
                let bank = scenario::without_country(&account.bank_code.0).to_owned();
                let key = (bank, account.bank_account_number.0.clone());
                data.accounts.insert(key, account.clone());
            }
        }
        data
    }
}
