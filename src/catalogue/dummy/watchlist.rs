//! The watchlist: listings of people and businesses, their scores in a search, and their JSON.

use std::cmp::Reverse;
use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};
use serde_json::{Value, json};
use strum::VariantArray;

use super::names::Name;
use crate::base::Mix;
use crate::scenario::{DateForm, EntityPart, ListingId, ListingPart, Scope, is_calendar_date};

/// The listings of one kind.
#[derive(Debug, Default)]
pub(crate) struct Watchlist {
    pub listings: Vec<Arc<WatchlistListing>>,
    by_name: HashMap<Name, usize>,
}

/// A person or a business on the watchlist, in the form for comparing and writing.
#[derive(Debug)]
pub(crate) struct WatchlistListing {
    pub id: Arc<str>,
    pub scopes: Vec<Scope>,
    names: Vec<Name>,
    /// The nationalities of a person, or the domiciles of a business.
    countries: Vec<String>,
    /// The dates of birth or registration, `YYYY-MM-DD`.
    dates: Vec<String>,
    /// The JSON of the listing before its score, and after it.
    json: (Vec<u8>, Vec<u8>),
}

/// How well a search fits a listing: the likeness of the names, and how much country and date change it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SearchLikeness {
    pub name: u8,
    pub country: i16,
    pub date: i16,
}

impl SearchLikeness {
    /// 0 to 100.
    pub(crate) fn score(self) -> u8 {
        let score = i16::from(self.name) + self.country + self.date;
        u8::try_from(score.clamp(0, 100)).expect("clamped to 0..=100")
    }
}

/// The data of a person or a business, before it becomes a listing.
#[derive(Debug)]
pub(crate) struct Profile {
    pub id: String,
    pub kind: ListingKind,
    pub names: Vec<String>,
    pub scopes: Vec<Scope>,
    pub countries: Vec<String>,
    /// None if no dates are known at all.
    pub dates: Option<Vec<String>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ListingKind {
    Individual,
    Entity,
}

impl Watchlist {
    /// If an id is repeated, the last profile counts. It takes the place of the first.
    pub(crate) fn new(profiles: impl IntoIterator<Item = Profile>, form: DateForm) -> Self {
        let mut by_id: indexmap::IndexMap<String, Profile> = indexmap::IndexMap::new();
        for profile in profiles {
            by_id.insert(profile.id.clone(), profile);
        }
        let listings: Vec<_> = by_id
            .into_values()
            .map(|profile| Arc::new(WatchlistListing::new(&profile, form)))
            .collect();
        let mut by_name = HashMap::new();
        for (at, listing) in listings.iter().enumerate() {
            for name in &listing.names {
                by_name.entry(name.clone()).or_insert(at);
            }
        }
        Self { listings, by_name }
    }

    /// The first listing with exactly this name.
    pub(crate) fn named(&self, name: &Name) -> Option<&Arc<WatchlistListing>> {
        self.by_name.get(name).map(|at| &self.listings[*at])
    }

    pub(crate) fn listing(&self, id: &str) -> Option<&Arc<WatchlistListing>> {
        self.listings.iter().find(|listing| *listing.id == *id)
    }
}

impl WatchlistListing {
    pub(crate) fn new(profile: &Profile, form: DateForm) -> Self {
        let fold = match profile.kind {
            ListingKind::Individual => Name::of_person,
            ListingKind::Entity => Name::of_business,
        };
        Self {
            id: profile.id.as_str().into(),
            scopes: profile.scopes.clone(),
            names: profile.names.iter().map(|name| fold(name)).collect(),
            countries: profile.countries.clone(),
            dates: profile.dates.clone().unwrap_or_default(),
            json: profile.json_around_score(form),
        }
    }

    /// How well a search fits. It depends on the name, and is adjusted by country and date.
    pub(crate) fn likeness(
        &self,
        name: &Name,
        country: Option<&str>,
        date: Option<&str>,
    ) -> SearchLikeness {
        let by_name = self.names.iter().map(|listed| listed.likeness(name)).max();
        let is_elsewhere = |country| !self.countries.iter().any(|listed| listed == country);
        let misses_country = !self.countries.is_empty() && country.is_some_and(is_elsewhere);
        let by_date = date.and_then(|date| {
            let evidence = self.dates.iter().map(|listed| date_evidence(listed, date));
            evidence.max()
        });
        SearchLikeness {
            name: by_name.unwrap_or(0),
            country: if misses_country { -5 } else { 0 },
            date: by_date.unwrap_or(0),
        }
    }

    /// The listed name that is most like this one. The first of several counts.
    pub(crate) fn nearest_name(&self, name: &Name) -> String {
        let names = self.names.iter().map(|listed| listed.likeness(name));
        let nearest = names
            .enumerate()
            .max_by_key(|(at, likeness)| (*likeness, Reverse(*at)));
        let mut written = Vec::new();
        self.write(&mut written, 0);
        let mut listing: Value = serde_json::from_slice(&written).unwrap_or_default();
        let at = nearest.map_or(0, |(at, _)| at);
        match listing["names"][at].take() {
            Value::String(name) => name,
            _ => String::new(),
        }
    }

    /// Appends the JSON of the listing, as in search results and in `GET …/cft_pep_listings/{id}`.
    pub(crate) fn write(&self, out: &mut Vec<u8>, score: u8) {
        out.extend_from_slice(&self.json.0);
        out.extend_from_slice(itoa::Buffer::new().format(score).as_bytes());
        out.extend_from_slice(&self.json.1);
    }
}

impl Profile {
    pub(crate) fn of_individual(part: &ListingPart) -> Self {
        let dates = part.dates_of_birth.iter().map(|date| date.0.clone());
        let countries = part.nationalities.iter();
        let profile = Self {
            id: String::new(),
            kind: ListingKind::Individual,
            names: part.names.0.clone(),
            scopes: part.scopes.clone(),
            countries: countries.map(|country| country.0.clone()).collect(),
            dates: Some(dates.collect()),
        };
        profile.with_id(part.id.as_ref())
    }

    pub(crate) fn of_entity(part: &EntityPart) -> Self {
        let dates = part.dates_of_registration.as_ref();
        let countries = part.business_domiciles.iter();
        let profile = Self {
            id: String::new(),
            kind: ListingKind::Entity,
            names: part.names.0.clone(),
            scopes: part.scopes.clone(),
            countries: countries.map(|country| country.0.clone()).collect(),
            dates: dates.map(|dates| dates.iter().map(|date| date.0.clone()).collect()),
        };
        profile.with_id(part.id.as_ref())
    }

    /// Sets the written id, or one that is derived from the other data. The same data has the same id everywhere.
    fn with_id(self, written: Option<&ListingId>) -> Self {
        let id = written.map_or_else(|| self.derived_id(), |id| id.0.clone());
        Self { id, ..self }
    }

    fn derived_id(&self) -> String {
        let mut mix = Mix::new(0, "watchlist listing");
        mix.text(match self.kind {
            ListingKind::Individual => "individual",
            ListingKind::Entity => "entity",
        });
        let dates = self.dates.as_deref().unwrap_or_default();
        for texts in [&self.names, &self.countries, dates] {
            mix.text(&json!(texts).to_string());
        }
        mix.text(&json!(self.scopes).to_string());
        mix.dice().uuid().to_string()
    }

    /// The JSON Schema of a written listing.
    pub(crate) fn schema(kind: ListingKind, form: DateForm) -> Value {
        let texts = || json!({"type": "array", "items": {"type": "string"}});
        let dates = match form {
            DateForm::Strings => texts(),
            DateForm::Objects => {
                let part = || json!({"type": "integer", "minimum": 0});
                json!({
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {"y": part(), "m": part(), "d": part()},
                        "required": ["y", "m", "d"],
                        "additionalProperties": false,
                    },
                })
            }
        };
        let mut schema = json!({
            "type": "object",
            "properties": {
                "id": {"type": "string"},
                "names": texts(),
                "score": {"type": "integer", "minimum": 0, "maximum": 100},
                "scopes": {"type": "array", "items": {"enum": Scope::VARIANTS}},
            },
            "additionalProperties": false,
        });
        let (places, dating) = match kind {
            ListingKind::Individual => ("nationalities", "dates_of_birth"),
            ListingKind::Entity => ("business_domiciles", "dates_of_registration"),
        };
        let mut required = vec!["id", "names", "score", "scopes", places];
        schema["properties"][places] = texts();
        schema["properties"][dating] = match kind {
            ListingKind::Individual => {
                required.push(dating);
                json!({"anyOf": [dates, {"type": "null"}]})
            }
            ListingKind::Entity => dates,
        };
        schema["required"] = json!(required);
        schema
    }

    /// The JSON before and after the score. The keys are in the order of the documentation's examples.
    fn json_around_score(&self, form: DateForm) -> (Vec<u8>, Vec<u8>) {
        let (id, names, scopes) = (json!(self.id), json!(self.names), json!(self.scopes));
        let countries = json!(self.countries);
        let dates = self.dates.as_ref().map(|dates| written_dates(dates, form));
        let (before, after) = match self.kind {
            ListingKind::Individual => (
                format!(r#"{{"id":{id},"names":{names},"score":"#),
                format!(
                    r#","scopes":{scopes},"nationalities":{countries},"dates_of_birth":{}}}"#,
                    dates.unwrap_or_default()
                ),
            ),
            ListingKind::Entity => (
                format!(r#"{{"id":{id},"score":"#),
                format!(
                    r#","names":{names},"business_domiciles":{countries}{},"scopes":{scopes}}}"#,
                    // Left out if no date is known, or if no date can be written in this form.
                    dates
                        .filter(|dates| *dates != json!([]))
                        .map_or(String::new(), |dates| format!(
                            r#","dates_of_registration":{dates}"#
                        ))
                ),
            ),
        };
        (before.into_bytes(), after.into_bytes())
    }
}

/// How much a date of birth or registration changes the score.
fn date_evidence(listed: &str, sent: &str) -> i16 {
    if listed == sent {
        return 5;
    }
    if !is_calendar_date(sent) {
        return 0; // a user's request schema may accept any text
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
                // A user's request schema may accept any text.
                let part = |range: std::ops::Range<usize>| {
                    let digits = date
                        .get(range)
                        .and_then(|digits| digits.parse::<u16>().ok());
                    digits.unwrap_or(0)
                };
                json!({"y": part(0..4), "m": part(5..7), "d": part(8..10)})
            })
            .collect(),
    }
}
