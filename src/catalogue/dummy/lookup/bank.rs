//! Answers of banks about an account: who its holder is, and whether a name is the holder's name.

use super::lookup::{Asked, FieldValue, Finding, Lookup};
use crate::base::Mix;
use crate::catalogue::dummy::dummy::Dummy;
use crate::catalogue::dummy::fakes;
use crate::catalogue::dummy::names::Name;
use crate::scenario::AccountFinding;

/// With at least this likeness, a name counts as the holder's name.
const MATCH_MIN: u8 = 90;

/// With at least this likeness, a name is unclear: a person must check it.
const UNCLEAR_MIN: u8 = 60;

/// `bank.accounts`: who is the holder of the account?
pub(super) fn account(dummy: &Dummy, seed: u64, asked: Asked<'_>) -> Finding {
    let (holder, finding) = listed(dummy, asked);
    let verdict = match finding {
        AccountFinding::Found => "found",
        AccountFinding::VirtualAccount => "virtual_account",
        AccountFinding::NeedReview => "need_review",
        AccountFinding::NotFound => return Finding::empty("not_found", Lookup::BankAccounts),
        AccountFinding::Timeout => return Finding::empty("timeout", Lookup::BankAccounts),
    };
    held(verdict, holder, finding, seed, asked)
}

pub(super) fn account_found(dummy: &Dummy, seed: u64, asked: Asked<'_>) -> Finding {
    let (holder, _) = listed(dummy, asked);
    held("found", holder, AccountFinding::Found, seed, asked)
}

/// `bank.names`: is the given name the holder's name? Without a listed holder every name is.
pub(super) fn name(dummy: &Dummy, asked: Asked<'_>) -> Finding {
    let (holder, finding) = listed(dummy, asked);
    match finding {
        AccountFinding::NotFound => return Finding::empty("not_found", Lookup::BankNames),
        AccountFinding::Timeout => return Finding::empty("timeout", Lookup::BankNames),
        AccountFinding::Found | AccountFinding::VirtualAccount | AccountFinding::NeedReview => {}
    }
    let (given_name, surname) = (asked.text("given_name"), asked.text("surname"));
    let sent = Name::of_person(&format!("{given_name} {surname}"));
    let likeness = holder.map_or(100, |holder| Name::of_person(holder).likeness(&sent));
    let verdict = match likeness {
        _ if sent.is_empty() => "unclear",
        MATCH_MIN.. => "match",
        UNCLEAR_MIN.. => "unclear",
        _ => "not_match",
    };
    Finding {
        verdict,
        values: facts(finding).into_iter().collect(),
    }
}

pub(super) fn name_found() -> Finding {
    Finding {
        verdict: "match",
        values: facts(AccountFinding::Found).into_iter().collect(),
    }
}

/// The holder, if one is known, and the finding of the bank. An account that is not listed counts as found.
fn listed<'d>(dummy: &'d Dummy, asked: Asked<'_>) -> (Option<&'d str>, AccountFinding) {
    dummy
        .account(asked.text("bank_code"), asked.text("bank_account_number"))
        .unwrap_or((None, AccountFinding::Found))
}

fn held(
    verdict: &'static str,
    holder: Option<&str>,
    finding: AccountFinding,
    seed: u64,
    asked: Asked<'_>,
) -> Finding {
    let holder = holder.map_or_else(|| invented_holder(seed, asked), str::to_owned);
    let values = facts(finding).into_iter().chain([Some(holder.into())]);
    Finding {
        verdict,
        values: values.collect(),
    }
}

/// The fields `is_virtual_account`, `need_review` and `is_normal_account`.
fn facts(finding: AccountFinding) -> [Option<FieldValue>; 3] {
    let is_virtual = finding == AccountFinding::VirtualAccount;
    [
        Some(is_virtual.into()),
        Some((finding == AccountFinding::NeedReview).into()),
        Some((!is_virtual).into()),
    ]
}

/// Invents a holder. An account has the same one in every world and in every version of the API.
fn invented_holder(seed: u64, asked: Asked<'_>) -> String {
    let mut mix = Mix::new(seed, "bank account holder");
    mix.text(crate::scenario::without_country(asked.text("bank_code")));
    mix.text(asked.text("bank_account_number"));
    fakes::account_holder(&mut mix.dice())
}
