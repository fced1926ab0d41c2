//! The search in the watchlist by similar names.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;
use smallvec::{SmallVec, smallvec};

use super::lookup::{Asked, FieldValue, Finding, Lookup};
use crate::base::Dice;
use crate::catalogue::dummy::dummy::Dummy;
use crate::catalogue::dummy::fakes;
use crate::catalogue::dummy::names::Name;
use crate::catalogue::dummy::watchlist::{
    ListingKind, Profile, SearchLikeness, Watchlist, WatchlistListing,
};
use crate::scenario::Scope;

/// A search of the watchlist.
struct Search<'a> {
    kind: ListingKind,
    name: Name,
    full_name: Cow<'a, str>,
    country: Option<&'a str>,
    date: Option<&'a str>,
    scopes: SmallVec<[Scope; 8]>,
    threshold: u64,
}

impl<'a> Search<'a> {
    fn of(lookup: Lookup, asked: Asked<'a>) -> Self {
        let scopes = asked.get("scopes").and_then(Value::as_array);
        let scopes = scopes.map_or(SmallVec::new(), |scopes| {
            scopes
                .iter()
                .filter_map(|scope| Scope::deserialize(scope).ok())
                .collect()
        });
        let threshold = asked.get("score_threshold").and_then(Value::as_f64);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the schema keeps it between 50 and 100"
        )]
        let threshold = threshold.map_or(85, |threshold| threshold as u64);
        if lookup == Lookup::Entities {
            let full_name = asked.text("name");
            return Self {
                kind: ListingKind::Entity,
                name: Name::of_business(full_name),
                full_name: full_name.into(),
                country: asked.get("business_domicile").and_then(Value::as_str),
                date: asked.get("date_of_registration").and_then(Value::as_str),
                scopes,
                threshold,
            };
        }
        let (given, surname) = (asked.text("given_names"), asked.text("surname"));
        let full_name = if surname.is_empty() {
            Cow::from(given)
        } else {
            [given, surname].join(" ").into()
        };
        Self {
            kind: ListingKind::Individual,
            name: Name::of_person(&full_name),
            full_name,
            country: asked.get("nationality").and_then(Value::as_str),
            date: asked.get("date_of_birth").and_then(Value::as_str),
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

    fn likeness(&self, listing: &WatchlistListing) -> SearchLikeness {
        listing.likeness(&self.name, self.country, self.date)
    }

    fn wants(&self, listing: &WatchlistListing) -> bool {
        listing
            .scopes
            .iter()
            .any(|scope| self.scopes.contains(scope))
    }
}

/// The fuzzy search. It finds listings of a wanted scope with at least the threshold as score. The best score comes
/// first; equal scores stay in the order of the list.
pub(super) fn find(lookup: Lookup, dummy: &Dummy, asked: Asked<'_>) -> Finding {
    let search = Search::of(lookup, asked);
    let mut hits: SmallVec<[_; 1]> = search
        .list(dummy)
        .listings
        .iter()
        .filter(|listing| search.wants(listing))
        .map(|listing| (search.likeness(listing).score(), listing.clone()))
        .filter(|(score, _)| u64::from(*score) >= search.threshold)
        .collect();
    hits.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    Finding {
        verdict: if hits.is_empty() {
            "not_found"
        } else {
            "found"
        },
        values: smallvec![Some(FieldValue::Listings(hits))],
    }
}

/// How many listings are named that a search did not find.
const NEAREST_MAX: usize = 3;

/// A listing that a search did not find, and the filters that excluded it.
#[derive(Debug)]
pub(crate) struct MissedListing {
    pub id: Arc<str>,
    /// The listed name that is most like the searched one.
    pub name: String,
    pub likeness: SearchLikeness,
    pub threshold: u64,
    pub scopes: Vec<Scope>,
    /// True if none of its scopes was searched.
    pub misses_scopes: bool,
}

impl MissedListing {
    pub(crate) fn misses_threshold(&self) -> bool {
        u64::from(self.likeness.score()) < self.threshold
    }
}

/// The listings with the best scores for a search that found nothing. Listings without any likeness are left out.
pub(super) fn nearest(lookup: Lookup, dummy: &Dummy, asked: Asked<'_>) -> Vec<MissedListing> {
    let search = Search::of(lookup, asked);
    let listings = search.list(dummy).listings.iter();
    let mut near: Vec<_> = listings
        .map(|listing| (search.likeness(listing), listing))
        .filter(|(likeness, _)| likeness.score() > 0)
        .collect();
    near.sort_by_key(|(likeness, _)| std::cmp::Reverse(likeness.score()));
    near.truncate(NEAREST_MAX);
    near.into_iter()
        .map(|(likeness, listing)| MissedListing {
            id: listing.id.clone(),
            name: listing.nearest_name(&search.name),
            likeness,
            threshold: search.threshold,
            scopes: listing.scopes.clone(),
            misses_scopes: !search.wants(listing),
        })
        .collect()
}

/// The listing with exactly this name, or else an invented listing that echoes the input.
pub(super) fn listed_or_invented(
    lookup: Lookup,
    dummy: &Dummy,
    asked: Asked<'_>,
    dice: &mut Dice,
) -> Finding {
    let search = Search::of(lookup, asked);
    let listed = search.list(dummy).named(&search.name).cloned();
    let listing = listed.unwrap_or_else(|| {
        let profile = invented(&search, dice);
        Arc::new(WatchlistListing::new(&profile, dummy.dates()))
    });
    Finding {
        verdict: "found",
        values: smallvec![Some(FieldValue::Listings(smallvec![(100, listing)]))],
    }
}

/// Invents a listing from the search. Values that the search lacks stay unknown, except that a person's date of birth
/// is drawn.
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
        names: vec![search.full_name.clone().into_owned()],
        scopes: scopes.into_vec(),
        countries: search
            .country
            .iter()
            .map(|&country| country.into())
            .collect(),
        dates,
    }
}
