//! The named functions behind `lookup = { in = "…" }`: the fields that each reads, the verdicts that each can give,
//! and the values that replies can refer to.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use smallvec::SmallVec;
use strum::VariantArray;

use crate::base::field_of;
use crate::catalogue::dummy::watchlist::{ListingKind, Profile, WatchlistListing};
use crate::scenario::DateForm;

/// A lookup: which dummy data an endpoint asks, and what for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, VariantArray)]
pub(crate) enum Lookup {
    Individuals,
    Entities,
    IdCards,
    People,
    BankAccounts,
    BankNames,
}

/// A value that a lookup yields, such as `watchlist.results`, as its index among the lookup's fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LookupField(usize);

/// The result of a lookup: the verdict, which chooses the outcome, and the values of the lookup's fields.
#[derive(Debug)]
pub(crate) struct Finding {
    pub verdict: &'static str,
    pub(super) values: SmallVec<[Option<FieldValue>; 1]>,
}

#[derive(Debug)]
pub(crate) enum FieldValue {
    Json(Value),
    /// Listings of the watchlist, each with its score.
    Listings(SmallVec<[(u8, Arc<WatchlistListing>); 1]>),
}

impl<T: Into<Value>> From<T> for FieldValue {
    fn from(value: T) -> Self {
        Self::Json(value.into())
    }
}

/// An input, whose fields can be read by the names of the lookup.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub input: &'a Map<String, Value>,
    pub reads: &'a Reads,
}

/// The fields of a lookup that have another name in the request: the lookup's name, then the request's name.
#[derive(Debug, Default)]
pub(crate) struct Reads(pub Vec<(&'static str, String)>);

impl Reads {
    /// The name that a field of the lookup has in the request.
    pub(crate) fn name_of<'a>(&'a self, own: &'a str) -> &'a str {
        let other = self.0.iter().find(|(name, _)| *name == own);
        other.map_or(own, |(_, other)| other.as_str())
    }
}

impl Finding {
    /// A finding without values.
    pub(super) fn empty(verdict: &'static str, lookup: Lookup) -> Self {
        Self {
            verdict,
            values: lookup.fields().map(|_| None).collect(),
        }
    }

    pub(crate) fn get(&self, field: LookupField) -> Option<&FieldValue> {
        self.values[field.0].as_ref()
    }
}

impl Lookup {
    pub(crate) fn all() -> impl Iterator<Item = Self> + Clone {
        Self::VARIANTS.iter().copied()
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::all().find(|lookup| lookup.name() == name)
    }

    pub(crate) fn names() -> impl Iterator<Item = &'static str> + Clone {
        Self::all().map(Self::name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Individuals => "watchlist.individuals",
            Self::Entities => "watchlist.entities",
            Self::IdCards => "register.id_cards",
            Self::People => "register.people",
            Self::BankAccounts => "bank.accounts",
            Self::BankNames => "bank.names",
        }
    }

    /// The prefix of this lookup's placeholders: `watchlist` in `{{watchlist.results}}`.
    pub(crate) fn prefix(self) -> &'static str {
        self.name()
            .split('.')
            .next()
            .expect("a split yields one part")
    }

    /// The input fields that the lookup reads. A request schema must have them.
    pub(crate) fn reads(self) -> &'static [&'static str] {
        match self {
            Self::Individuals => &["given_names", "nationality", "scopes", "score_threshold"],
            Self::Entities => &["name", "business_domicile", "scopes", "score_threshold"],
            Self::IdCards => &["id_card_number", "name"],
            Self::People => &["id_card_number"],
            Self::BankAccounts => &["bank_code", "bank_account_number"],
            Self::BankNames => &["bank_code", "bank_account_number", "given_name", "surname"],
        }
    }

    /// The input fields that the lookup reads if the request schema has them.
    pub(crate) fn may_read(self) -> &'static [&'static str] {
        match self {
            Self::Individuals => &["surname", "date_of_birth"],
            Self::Entities => &["date_of_registration"],
            Self::IdCards => &["birthdate", "birthplace", "address"],
            Self::People | Self::BankAccounts | Self::BankNames => &[],
        }
    }

    /// The possible verdicts. The verdict chooses the outcome.
    pub(crate) fn verdicts(self) -> &'static [&'static str] {
        match self {
            Self::Individuals | Self::Entities | Self::IdCards | Self::People => {
                &["found", "not_found"]
            }
            Self::BankAccounts => &[
                "found",
                "not_found",
                "virtual_account",
                "need_review",
                "timeout",
            ],
            Self::BankNames => &["match", "unclear", "not_match", "not_found", "timeout"],
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
            Self::People => &["name"],
            Self::BankAccounts => &[
                "is_virtual_account",
                "need_review",
                "is_normal_account",
                "holder",
            ],
            Self::BankNames => &["is_virtual_account", "need_review", "is_normal_account"],
        };
        fields.iter().copied()
    }

    /// The JSON Schema of a field's value, for a lookup that has found something.
    pub(crate) fn schema(self, field: LookupField, dates: DateForm) -> Value {
        let name = self.fields().nth(field.0).unwrap_or_default();
        match (self, name) {
            (Self::Individuals, _) => {
                json!({"type": "array", "items": Profile::schema(ListingKind::Individual, dates)})
            }
            (Self::Entities, _) => {
                json!({"type": "array", "items": Profile::schema(ListingKind::Entity, dates)})
            }
            (Self::IdCards, "selfie_score") => {
                json!({"type": "integer", "minimum": 0, "maximum": 100})
            }
            (Self::People, _) | (Self::BankAccounts, "holder") => json!({"type": "string"}),
            (Self::IdCards | Self::BankAccounts | Self::BankNames, _) => {
                json!({"type": "boolean"})
            }
        }
    }

    /// The input field that the request must have, so that this value exists. None if it exists without one.
    pub(crate) fn depends_on(self, field: LookupField) -> Option<&'static str> {
        let name = self.fields().nth(field.0).unwrap_or_default();
        let compared = name.strip_prefix("is_")?.strip_suffix("_match")?;
        let mut fields = self.reads().iter().chain(self.may_read());
        fields.find(|read| **read == compared).copied()
    }

    /// Whether the lookup yields no values with this verdict.
    pub(crate) fn is_empty_handed(self, verdict: &str) -> bool {
        match self {
            Self::Individuals | Self::Entities => false, // the value is an empty list
            Self::IdCards | Self::People | Self::BankAccounts | Self::BankNames => {
                matches!(verdict, "not_found" | "timeout")
            }
        }
    }

    pub(crate) fn field(self, name: &str) -> Option<LookupField> {
        self.fields()
            .position(|field| field == name)
            .map(LookupField)
    }
}

impl<'a> Asked<'a> {
    pub(super) fn get(self, field: &str) -> Option<&'a Value> {
        let renamed = self.reads.0.iter().find(|(own, _)| *own == field);
        field_of(self.input, renamed.map_or(field, |(_, name)| name))
    }

    pub(super) fn text(self, field: &str) -> &'a str {
        self.get(field).and_then(Value::as_str).unwrap_or_default()
    }
}
