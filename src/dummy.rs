//! Dummy data: the watchlist, the population register and the bank accounts that answers come from.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::banks;
use crate::names::Name;
use crate::scenario::{
    AccountFinding, BankAccountPart, DummyPart, EntityPart, ListingPart, PersonPart, Scope,
};

/// Everything the sandbox knows of its invented world. Built anew with every catalogue.
#[derive(Debug, Default)]
pub(crate) struct Dummy {
    pub individuals: Vec<Listing>,
    pub entities: Vec<Listing>,
    people: HashMap<String, PersonPart>,
    missing: HashSet<String>,
    accounts: HashMap<(String, String), BankAccountPart>,
    pub dates: DateForm,
}

/// How a listing's dates are written: the examples of the documentation say one, its tables the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DateForm {
    /// `"1943-03-11"`. A date that is not wholly known is left out.
    #[default]
    Strings,
    /// `{"y": 1943, "m": 3, "d": 11}`, with 0 for what is not known.
    Objects,
}

/// A person or a business on the watchlist.
#[derive(Debug)]
pub(crate) struct Listing {
    pub id: String,
    pub kind: ListingKind,
    pub names: Vec<String>,
    pub compared: Vec<Name>,
    pub scopes: Vec<Scope>,
    /// Nationalities of a person, domiciles of a business.
    pub countries: Vec<String>,
    /// Birth or registration, `YYYY-MM-DD`; none where they are not known at all.
    pub dates: Option<Vec<String>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ListingKind {
    Individual,
    Entity,
}

/// What the population register says of a number.
pub(crate) enum Registered<'a> {
    Person(&'a PersonPart),
    Missing,
    /// Not in the dummy data: found, and matching whatever was sent.
    Unlisted,
}

impl Dummy {
    /// Adds what one file brings; the same id, number or account replaces what was there.
    pub(crate) fn add(&mut self, part: &DummyPart) {
        for individual in &part.individuals {
            put(&mut self.individuals, Listing::individual(individual));
        }
        for entity in &part.entities {
            put(&mut self.entities, Listing::entity(entity));
        }
        for person in &part.people {
            self.missing.remove(&person.nik.0);
            self.people.insert(person.nik.0.clone(), person.clone());
        }
        for missing in &part.missing {
            self.people.remove(&missing.nik.0);
            self.missing.insert(missing.nik.0.clone());
        }
        for account in &part.bank_accounts {
            let bank = banks::without_country(&account.bank_code).to_owned();
            let key = (bank, account.bank_account_number.clone());
            self.accounts.insert(key, account.clone());
        }
    }

    pub(crate) fn listing(&self, id: &str) -> Option<&Listing> {
        self.individuals
            .iter()
            .chain(&self.entities)
            .find(|listing| listing.id == id)
    }

    pub(crate) fn person(&self, nik: &str) -> Registered<'_> {
        if self.missing.contains(nik) {
            return Registered::Missing;
        }
        self.people
            .get(nik)
            .map_or(Registered::Unlisted, Registered::Person)
    }

    /// A listed account's holder and finding.
    pub(crate) fn account(&self, bank: &str, number: &str) -> Option<(Option<&str>, AccountFinding)> {
        let key = (banks::without_country(bank).to_owned(), number.to_owned());
        let account = self.accounts.get(&key)?;
        Some((account.holder.as_deref(), account.finding))
    }
}

impl Listing {
    fn individual(part: &ListingPart) -> Self {
        Self {
            id: part.id.0.clone(),
            kind: ListingKind::Individual,
            compared: part.names.0.iter().map(|name| Name::of_person(name)).collect(),
            names: part.names.0.clone(),
            scopes: part.scopes.clone(),
            countries: part.nationalities.iter().map(|c| c.0.clone()).collect(),
            dates: Some(part.dates_of_birth.iter().map(|d| d.0.clone()).collect()),
        }
    }

    fn entity(part: &EntityPart) -> Self {
        Self {
            id: part.id.0.clone(),
            kind: ListingKind::Entity,
            compared: part.names.0.iter().map(|name| Name::of_business(name)).collect(),
            names: part.names.0.clone(),
            scopes: part.scopes.clone(),
            countries: part.business_domiciles.iter().map(|c| c.0.clone()).collect(),
            dates: part
                .dates_of_registration
                .as_ref()
                .map(|dates| dates.iter().map(|d| d.0.clone()).collect()),
        }
    }

    /// How well a search fits, 0 to 100: the name first, then what else is known.
    pub(crate) fn score(&self, name: &Name, country: &str, date: Option<&str>) -> u8 {
        let by_name = self
            .compared
            .iter()
            .map(|listed| listed.likeness(name))
            .max()
            .unwrap_or(0);
        let mut score = i16::from(by_name);
        if !self.countries.is_empty() && !self.countries.iter().any(|listed| listed == country) {
            score -= 5;
        }
        if let (Some(date), Some(listed)) = (date, &self.dates) {
            score += listed
                .iter()
                .map(|listed| date_evidence(listed, date))
                .max()
                .unwrap_or(0);
        }
        u8::try_from(score.clamp(0, 100)).expect("clamped to 0..=100")
    }

    pub(crate) fn is_named(&self, name: &Name) -> bool {
        self.compared.contains(name)
    }

    /// The listing as a search result and as `GET …/cft_pep_listings/{id}` show it.
    pub(crate) fn to_json(&self, score: u8, form: DateForm) -> Value {
        let mut result = Map::new();
        result.insert("id".to_owned(), self.id.as_str().into());
        match self.kind {
            ListingKind::Individual => {
                result.insert("names".to_owned(), json!(self.names));
                result.insert("score".to_owned(), score.into());
                result.insert("scopes".to_owned(), json!(self.scopes));
                result.insert("nationalities".to_owned(), json!(self.countries));
                let dates = self.dates.as_deref().unwrap_or_default();
                result.insert("dates_of_birth".to_owned(), written_dates(dates, form));
            }
            ListingKind::Entity => {
                result.insert("score".to_owned(), score.into());
                result.insert("names".to_owned(), json!(self.names));
                result.insert("business_domiciles".to_owned(), json!(self.countries));
                if let Some(dates) = &self.dates {
                    result.insert("dates_of_registration".to_owned(), written_dates(dates, form));
                }
                result.insert("scopes".to_owned(), json!(self.scopes));
            }
        }
        Value::Object(result)
    }
}

/// What a date of birth or registration adds to a score or takes away.
fn date_evidence(listed: &str, sent: &str) -> i16 {
    if listed == sent {
        return 5;
    }
    if listed[..4] != sent[..4] {
        return -10;
    }
    match (&listed[5..7], &listed[8..]) {
        ("00", _) => 2,
        (month, "00") if *month == sent[5..7] => 3,
        _ => -5,
    }
}

fn written_dates(dates: &[String], form: DateForm) -> Value {
    match form {
        DateForm::Strings => dates
            .iter()
            .filter(|date| !date.ends_with("-00"))
            .map(|date| Value::from(date.as_str()))
            .collect(),
        DateForm::Objects => dates
            .iter()
            .map(|date| {
                let part = |range: std::ops::Range<usize>| date[range].parse::<u16>().unwrap_or(0);
                json!({"y": part(0..4), "m": part(5..7), "d": part(8..10)})
            })
            .collect(),
    }
}

fn put(listings: &mut Vec<Listing>, listing: Listing) {
    match listings.iter_mut().find(|known| known.id == listing.id) {
        Some(place) => *place = listing,
        None => listings.push(listing),
    }
}
