//! The named functions behind `lookup = { in = "…" }`: they ask the dummy data what to answer, and
//! say what replies may then refer to.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::dice::{Dice, Mix};
use crate::dummy::{Dummy, Registered};
use crate::fakes;
use crate::names::{Name, text_likeness};
use crate::scenario::{AccountFinding, PersonPart, Scope};
use crate::watchlist::{Listing, ListingKind, Profile, Watchlist};

/// Which dummy data an endpoint asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lookup {
    Individuals,
    Entities,
    IdCards,
    BankAccounts,
}

/// A value that a lookup yields, such as `watchlist.results`: its place among the lookup's fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Field(usize);

/// What was found: the word that picks the outcome, and the values of the lookup's fields.
#[derive(Debug)]
pub(crate) struct Finding {
    pub verdict: &'static str,
    values: Vec<Option<FieldValue>>,
}

#[derive(Debug)]
pub(crate) enum FieldValue {
    Json(Value),
    /// Listings of the watchlist with their scores.
    Listings(Vec<(u8, Arc<Listing>)>),
}

impl<T: Into<Value>> From<T> for FieldValue {
    fn from(value: T) -> Self {
        Self::Json(value.into())
    }
}

impl Finding {
    pub(crate) fn get(&self, field: Field) -> Option<&FieldValue> {
        self.values[field.0].as_ref()
    }
}

impl Lookup {
    const ALL: [Self; 4] = [
        Self::Individuals,
        Self::Entities,
        Self::IdCards,
        Self::BankAccounts,
    ];

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|lookup| lookup.name() == name)
    }

    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        Self::ALL.into_iter().map(Self::name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Individuals => "watchlist.individuals",
            Self::Entities => "watchlist.entities",
            Self::IdCards => "register.id_cards",
            Self::BankAccounts => "bank.accounts",
        }
    }

    /// What the holes of this lookup begin with: `{{watchlist.results}}`.
    pub(crate) fn prefix(self) -> &'static str {
        self.name()
            .split('.')
            .next()
            .expect("a split yields one part")
    }

    /// The input fields that the lookup reads; a request schema must have them.
    pub(crate) fn reads(self) -> &'static [&'static str] {
        match self {
            Self::Individuals => &["given_names", "nationality", "scopes", "score_threshold"],
            Self::Entities => &["name", "business_domicile", "scopes", "score_threshold"],
            Self::IdCards => &["id_card_number", "name"],
            Self::BankAccounts => &["bank_code", "bank_account_number"],
        }
    }

    /// The words of which one picks the outcome.
    pub(crate) fn verdicts(self) -> &'static [&'static str] {
        match self {
            Self::Individuals | Self::Entities | Self::IdCards => &["found", "not_found"],
            Self::BankAccounts => &[
                "found",
                "not_found",
                "virtual_account",
                "need_review",
                "timeout",
            ],
        }
    }

    pub(crate) fn fields(self) -> impl Iterator<Item = &'static str> {
        let fields: &[_] = match self {
            Self::Individuals | Self::Entities => &["results"],
            Self::IdCards => &[
                "selfie_score",
                "is_name_match",
                "is_birthdate_match",
                "is_birthplace_match",
                "is_address_match",
            ],
            Self::BankAccounts => &["holder", "is_virtual_account", "need_review"],
        };
        fields.iter().copied()
    }

    pub(crate) fn field(self, name: &str) -> Option<Field> {
        self.fields().position(|field| field == name).map(Field)
    }

    /// Asks the dummy data.
    pub(crate) fn find(self, dummy: &Dummy, seed: u64, input: &Map<String, Value>) -> Finding {
        match self {
            Self::Individuals | Self::Entities => search(dummy, &Search::of(self, input)),
            Self::IdCards => match dummy.person(text(input, "id_card_number")) {
                Registered::Missing => not_found(5),
                Registered::Person(person) => id_card(Some(person), input),
                Registered::Unlisted => id_card(None, input),
            },
            Self::BankAccounts => bank_account(dummy, seed, input),
        }
    }

    /// What there is to answer with when something else has already decided that it is found.
    pub(crate) fn assume_found(
        self,
        dummy: &Dummy,
        seed: u64,
        input: &Map<String, Value>,
        dice: &mut Dice,
    ) -> Finding {
        match self {
            Self::Individuals | Self::Entities => listed_or_invented(dummy, self, input, dice),
            Self::IdCards => match dummy.person(text(input, "id_card_number")) {
                Registered::Person(person) => id_card(Some(person), input),
                Registered::Missing | Registered::Unlisted => id_card(None, input),
            },
            Self::BankAccounts => {
                let (bank, number) = (text(input, "bank_code"), text(input, "bank_account_number"));
                let listed = dummy.account(bank, number).and_then(|(holder, _)| holder);
                account_found(
                    listed.map_or_else(|| invented_holder(seed, bank, number), str::to_owned),
                )
            }
        }
    }
}

/// A search of the watchlist.
struct Search<'a> {
    kind: ListingKind,
    name: Name,
    full_name: String,
    country: &'a str,
    date: Option<&'a str>,
    scopes: Vec<Scope>,
    threshold: u64,
}

impl<'a> Search<'a> {
    fn of(lookup: Lookup, input: &'a Map<String, Value>) -> Self {
        let scopes = input.get("scopes").and_then(Value::as_array);
        let scopes = scopes.map_or(Vec::new(), |scopes| {
            scopes
                .iter()
                .filter_map(|scope| Scope::deserialize(scope).ok())
                .collect()
        });
        let threshold = input.get("score_threshold").and_then(Value::as_f64);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the schema keeps it between 50 and 100"
        )]
        let threshold = threshold.map_or(85, |threshold| threshold as u64);
        if lookup == Lookup::Entities {
            let full_name = text(input, "name").to_owned();
            return Self {
                kind: ListingKind::Entity,
                name: Name::of_business(&full_name),
                full_name,
                country: text(input, "business_domicile"),
                date: input.get("date_of_registration").and_then(Value::as_str),
                scopes,
                threshold,
            };
        }
        let (given, surname) = (text(input, "given_names"), text(input, "surname"));
        let full_name = format!("{given} {surname}").trim().to_owned();
        Self {
            kind: ListingKind::Individual,
            name: Name::of_person(&full_name),
            full_name,
            country: text(input, "nationality"),
            date: input.get("date_of_birth").and_then(Value::as_str),
            scopes,
            threshold,
        }
    }

    fn list<'d>(&self, dummy: &'d Dummy) -> &'d Watchlist {
        match self.kind {
            ListingKind::Individual => dummy.individuals(),
            ListingKind::Entity => dummy.entities(),
        }
    }

    fn wants(&self, listing: &Listing) -> bool {
        listing
            .scopes
            .iter()
            .any(|scope| self.scopes.contains(scope))
    }
}

/// The fuzzy search: at or over the threshold, in a wanted scope, best first, then by the list's order.
fn search(dummy: &Dummy, search: &Search<'_>) -> Finding {
    let mut hits: Vec<_> = search
        .list(dummy)
        .listings
        .iter()
        .filter(|listing| search.wants(listing))
        .map(|listing| {
            (
                listing.score(&search.name, search.country, search.date),
                listing.clone(),
            )
        })
        .filter(|(score, _)| u64::from(*score) >= search.threshold)
        .collect();
    hits.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    Finding {
        verdict: if hits.is_empty() {
            "not_found"
        } else {
            "found"
        },
        values: vec![Some(FieldValue::Listings(hits))],
    }
}

/// The listing of exactly that name where there is one, else an invented one that echoes the input.
fn listed_or_invented(
    dummy: &Dummy,
    lookup: Lookup,
    input: &Map<String, Value>,
    dice: &mut Dice,
) -> Finding {
    let search = Search::of(lookup, input);
    let listed = search.list(dummy).named(&search.name).cloned();
    let listing = listed.unwrap_or_else(|| {
        let profile = invented(&search, dice);
        Arc::new(Listing::new(&profile, dummy.dates()))
    });
    Finding {
        verdict: "found",
        values: vec![Some(FieldValue::Listings(vec![(100, listing)]))],
    }
}

/// Echoes the search; what it does not say is left unknown, but for a person's date of birth.
fn invented(search: &Search<'_>, dice: &mut Dice) -> Profile {
    let id = dice.uuid().to_string();
    let dates = match (search.date, search.kind) {
        (Some(date), _) => Some(vec![date.to_owned()]),
        (None, ListingKind::Individual) => Some(vec![fakes::date(dice)]),
        (None, ListingKind::Entity) => None,
    };
    let mut scopes = search.scopes.clone();
    scopes.sort_unstable();
    Profile {
        id,
        kind: search.kind,
        names: vec![search.full_name.clone()],
        scopes,
        countries: vec![search.country.to_owned()],
        dates,
    }
}

/// Compares what was sent with what the register holds; without an entry everything matches.
fn id_card(person: Option<&PersonPart>, input: &Map<String, Value>) -> Finding {
    let same = |field: &str, held: fn(&PersonPart) -> &str| {
        let sent = input.get(field)?.as_str()?;
        let matches = person.is_none_or(|person| same_text(sent, held(person)));
        Some(matches.into())
    };
    let address = input.get("address").and_then(Value::as_str).map(|sent| {
        (person.is_none_or(|person| text_likeness(sent, &person.address) >= 80)).into()
    });
    Finding {
        verdict: "found",
        values: vec![
            Some(person.map_or(100, |person| person.selfie_score.0).into()),
            same("name", |person| &person.name),
            same("birthdate", |person| &person.birthdate.0),
            same("birthplace", |person| &person.birthplace),
            address,
        ],
    }
}

fn bank_account(dummy: &Dummy, seed: u64, input: &Map<String, Value>) -> Finding {
    let (bank, number) = (text(input, "bank_code"), text(input, "bank_account_number"));
    let invented = || invented_holder(seed, bank, number);
    let Some((holder, finding)) = dummy.account(bank, number) else {
        return account_found(invented());
    };
    let verdict = match finding {
        AccountFinding::Found => "found",
        AccountFinding::NotFound => {
            return Finding {
                verdict: "not_found",
                ..not_found(3)
            };
        }
        AccountFinding::Timeout => {
            return Finding {
                verdict: "timeout",
                ..not_found(3)
            };
        }
        AccountFinding::VirtualAccount => "virtual_account",
        AccountFinding::NeedReview => "need_review",
    };
    Finding {
        verdict,
        values: vec![
            Some(holder.map_or_else(invented, str::to_owned).into()),
            Some((finding == AccountFinding::VirtualAccount).into()),
            Some((finding == AccountFinding::NeedReview).into()),
        ],
    }
}

fn account_found(holder: String) -> Finding {
    Finding {
        verdict: "found",
        values: vec![Some(holder.into()), Some(false.into()), Some(false.into())],
    }
}

/// The same account belongs to the same person in every world and in every version of the API.
fn invented_holder(seed: u64, bank: &str, number: &str) -> String {
    let mut mix = Mix::new(seed, "bank account holder");
    mix.text(crate::banks::without_country(bank));
    mix.text(number);
    fakes::account_holder(&mut mix.dice())
}

fn not_found(fields: usize) -> Finding {
    Finding {
        verdict: "not_found",
        values: (0..fields).map(|_| None).collect(),
    }
}

/// Letter case and surrounding blanks aside.
fn same_text(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

fn text<'a>(input: &'a Map<String, Value>, field: &str) -> &'a str {
    input.get(field).and_then(Value::as_str).unwrap_or_default()
}
