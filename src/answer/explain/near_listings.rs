//! Why a search of the watchlist found nobody: the nearest listings, and the filters that excluded them.

use serde_json::{Map, Value};

use super::explanation::NearListing;
use crate::catalogue::{Dummy, LookupRule, MissedListing, SearchLikeness};

/// The nearest listings, the best score first. None if the lookup is no search of the watchlist.
pub(super) fn near_listings(
    dummy: &Dummy,
    rule: &LookupRule,
    input: &Map<String, Value>,
) -> Option<Vec<NearListing>> {
    let near = rule.lookup.nearest(dummy, rule.asked(input))?;
    let name_of = |field: &str| rule.reads.name_of(field).to_owned();
    let shown = near.into_iter().map(|missed| {
        let filters = [
            (missed.misses_threshold(), "score_threshold"),
            (missed.misses_scopes, "scopes"),
        ];
        let excluded_by = filters.iter().filter(|(excludes, _)| *excludes);
        NearListing {
            id: missed.id.to_string(),
            score: missed.likeness.score(),
            threshold: missed.threshold,
            excluded_by: excluded_by.map(|(_, field)| name_of(field)).collect(),
            because: reasons(&missed),
            name: missed.name,
        }
    });
    Some(shown.collect())
}

/// `its score 80 is below the threshold 85 (name 90, country -5, date -5), and its scopes SANCTION were not searched`
fn reasons(missed: &MissedListing) -> String {
    let by_threshold = missed.misses_threshold().then(|| {
        let (score, threshold) = (missed.likeness.score(), missed.threshold);
        let parts = parts_of_score(missed.likeness);
        format!("its score {score} is below the threshold {threshold}{parts}")
    });
    let by_scopes = missed.misses_scopes.then(|| {
        let scopes = missed.scopes.iter().map(|scope| scope.name());
        let scopes: Vec<_> = scopes.collect();
        match scopes.as_slice() {
            [] => "it has no scopes, so no search finds it".to_owned(),
            [only] => format!("its scope {only} was not searched"),
            several => format!("its scopes {} were not searched", several.join(", ")),
        }
    });
    let reasons: Vec<_> = by_threshold.into_iter().chain(by_scopes).collect();
    reasons.join(", and ")
}

/// `` (name 90, country -5, date -5)`` if country or date changed the score.
fn parts_of_score(likeness: SearchLikeness) -> String {
    let SearchLikeness {
        name,
        country,
        date,
    } = likeness;
    let parts = [("country", country), ("date", date)];
    let parts = parts.iter().filter(|(_, change)| *change != 0);
    let parts: Vec<_> = parts
        .map(|(part, change)| format!(", {part} {change:+}"))
        .collect();
    if parts.is_empty() {
        return String::new();
    }
    format!(" (name {name}{})", parts.concat())
}
