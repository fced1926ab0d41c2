//! The dummy data in scenario files. It is checked while it is read.

use serde::{Deserialize, Deserializer, Serialize};
use strum::VariantArray;

use super::source::Source;

/// The dummy data of one file.
#[derive(Debug, Default)]
pub(crate) struct DummyPart {
    pub individuals: Vec<ListingPart>,
    pub entities: Vec<EntityPart>,
    pub people: Vec<PersonPart>,
    pub missing: Vec<MissingPart>,
    pub bank_accounts: Vec<BankAccountPart>,
}

/// A person on the watchlist.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct ListingPart {
    /// Without it, the id is derived from the other data. A listing with the id of another replaces it.
    pub id: Option<ListingId>,
    pub names: Names,
    /// The databases that contain the listing.
    pub scopes: Vec<Scope>,
    /// Every known nationality of the person.
    pub nationalities: Vec<Country>,
    /// Every known date of birth of the person.
    #[serde(default)]
    pub dates_of_birth: Vec<PartialDate>,
    /// Where the knowledge comes from. It is a note for readers of the file.
    #[serde(default)]
    #[expect(dead_code, reason = "checked, and shown nowhere yet")]
    pub source: Source,
}

/// A business on the watchlist.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct EntityPart {
    /// Without it, the id is derived from the other data. A listing with the id of another replaces it.
    pub id: Option<ListingId>,
    pub names: Names,
    /// The databases that contain the listing.
    pub scopes: Vec<Scope>,
    /// Every known country of domicile of the business.
    pub business_domiciles: Vec<Country>,
    /// Known dates of registration. Leave the key out if none is known.
    pub dates_of_registration: Option<Vec<PartialDate>>,
    /// Where the knowledge comes from. It is a note for readers of the file.
    #[serde(default)]
    #[expect(dead_code, reason = "checked, and shown nowhere yet")]
    pub source: Source,
}

/// A person in the population register.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct PersonPart {
    pub nik: Nik,
    /// The name on the identity card.
    pub name: String,
    pub birthdate: BirthDate,
    pub birthplace: String,
    pub address: String,
    /// The similarity score that every selfie gets, 0 to 100.
    #[serde(default)]
    pub selfie_score: Percent,
    /// Where the knowledge comes from. It is a note for readers of the file.
    #[serde(default)]
    #[expect(dead_code, reason = "checked, and shown nowhere yet")]
    pub source: Source,
}

/// A number that is not in the population register.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct MissingPart {
    pub nik: Nik,
    /// Where the knowledge comes from. It is a note for readers of the file.
    #[serde(default)]
    #[expect(dead_code, reason = "checked, and shown nowhere yet")]
    pub source: Source,
}

/// A bank account with a fixed holder or a fixed result.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct BankAccountPart {
    pub bank_code: BankCode,
    pub bank_account_number: AccountNumber,
    /// The holder of the account. An invented name is used if the key is missing.
    pub holder: Option<String>,
    #[serde(default)]
    pub finding: AccountFinding,
    /// Where the knowledge comes from. It is a note for readers of the file.
    #[serde(default)]
    #[expect(dead_code, reason = "checked, and shown nowhere yet")]
    pub source: Source,
}

/// The bank's result for an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum AccountFinding {
    #[default]
    Found,
    NotFound,
    VirtualAccount,
    NeedReview,
    Timeout,
}

/// A database that a search uses.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, VariantArray,
)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Scope {
    Other,
    Pep,
    Sanction,
}

impl Scope {
    /// The name in requests and files: `PEP`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Other => "OTHER",
            Self::Pep => "PEP",
            Self::Sanction => "SANCTION",
        }
    }
}

/// A whole number from 0 to 100. The default is 100.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Percent(pub u8);

impl Default for Percent {
    fn default() -> Self {
        Self(100)
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = i64::deserialize(deserializer)?;
        match u8::try_from(number) {
            Ok(percent) if percent <= 100 => Ok(Self(percent)),
            _ => Err(serde::de::Error::custom(format_args!(
                "`{number}` is not a whole number from 0 to 100"
            ))),
        }
    }
}

/// A string that was checked while it was read, so that a mistake is reported at its place.
macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, $expected:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        pub(crate) struct $name(pub String);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                let check: fn(&str) -> bool = $check;
                if check(&text) {
                    Ok(Self(text))
                } else {
                    Err(serde::de::Error::custom(format_args!(
                        concat!("`{}` is not ", $expected), text
                    )))
                }
            }
        }
    };
}

checked_text!(
    /// The id of a listing: a UUID in lower case.
    ListingId, "a lower-case UUID", |text| uuid::Uuid::parse_str(text)
        .is_ok_and(|uuid| uuid.hyphenated().to_string() == text)
);

checked_text!(
    /// An ISO 3166-1 alpha-2 code in upper case, such as `ID`.
    Country, "an ISO 3166-1 country of two upper-case letters", super::countries::is_country_code
);

checked_text!(
    /// A date `YYYY-MM-DD` in quotes. Unknown parts are zeros: `1961-00-00`.
    PartialDate, "a date `YYYY-MM-DD` (unknown parts as zeros: `1961-00-00`)", super::formats::is_partial_date
);

checked_text!(
    /// The number of an Indonesian identity card: 16 digits.
    Nik, "a number of 16 digits", |text| text.len() == 16 && text.bytes().all(|b| b.is_ascii_digit())
);

checked_text!(
    /// A real date, `DD-MM-YYYY`.
    BirthDate, "a real date `DD-MM-YYYY`", super::formats::is_day_month_year
);

checked_text!(
    /// The code of a bank, with or without `ID_`: `BCA`.
    BankCode, "the code of a bank in `scenarios/banks.tsv`", super::banks::is_bank_code
);

checked_text!(
    /// Up to 34 digits, in quotes.
    AccountNumber, "an account number of up to 34 digits", |text| (1..=34).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_digit())
);

/// The names of a listing, at least one. The first is the primary name.
#[derive(Clone, Debug)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Names(pub Vec<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names = Vec::<String>::deserialize(deserializer)?;
        if names.is_empty() || names.iter().any(|name| name.trim().is_empty()) {
            return Err(serde::de::Error::custom(
                "`names` must hold at least one name, none of them empty",
            ));
        }
        Ok(Self(names))
    }
}

impl DummyPart {
    pub(super) fn has_any(&self) -> bool {
        !(self.individuals.is_empty()
            && self.entities.is_empty()
            && self.people.is_empty()
            && self.missing.is_empty()
            && self.bank_accounts.is_empty())
    }
}
