//! Looks a request up in the dummy data, with the lookup that its endpoint names.

use super::lookup::{Asked, Finding, Lookup};
use super::search::MissedListing;
use super::{bank, register, search};
use crate::base::Dice;
use crate::catalogue::dummy::dummy::Dummy;

impl Lookup {
    /// Looks the request up. The verdict chooses the outcome.
    pub(crate) fn find(self, dummy: &Dummy, seed: u64, asked: Asked<'_>) -> Finding {
        match self {
            Self::Individuals | Self::Entities => search::find(self, dummy, asked),
            Self::IdCards => register::card(dummy, asked),
            Self::People => register::person(dummy, seed, asked),
            Self::BankAccounts => bank::account(dummy, seed, asked),
            Self::BankNames => bank::name(dummy, asked),
        }
    }

    /// The listings that a search of the watchlist nearly found. None for other lookups.
    pub(crate) fn nearest(self, dummy: &Dummy, asked: Asked<'_>) -> Option<Vec<MissedListing>> {
        match self {
            Self::Individuals | Self::Entities => Some(search::nearest(self, dummy, asked)),
            Self::IdCards | Self::People | Self::BankAccounts | Self::BankNames => None,
        }
    }

    /// Looks the request up and always finds something, because the outcome is already decided.
    pub(crate) fn assume_found(
        self,
        dummy: &Dummy,
        seed: u64,
        asked: Asked<'_>,
        dice: &mut Dice,
    ) -> Finding {
        match self {
            Self::Individuals | Self::Entities => {
                search::listed_or_invented(self, dummy, asked, dice)
            }
            Self::IdCards => register::card_found(dummy, asked),
            Self::People => register::person_found(dummy, seed, asked),
            Self::BankAccounts => bank::account_found(dummy, seed, asked),
            Self::BankNames => bank::name_found(),
        }
    }
}
