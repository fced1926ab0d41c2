//! Answers of the population register about a number, and about the data that was sent with it.

use serde_json::Value;
use smallvec::smallvec;

use super::lookup::{Asked, Finding, Lookup};
use crate::base::Mix;
use crate::catalogue::dummy::dummy::{Dummy, RegisterEntry};
use crate::catalogue::dummy::fakes;
use crate::catalogue::dummy::names::text_likeness;
use crate::scenario::PersonPart;

/// `register.id_cards`: does the sent data match the register?
pub(super) fn card(dummy: &Dummy, asked: Asked<'_>) -> Finding {
    match dummy.person(asked.text("id_card_number")) {
        RegisterEntry::Missing => Finding::empty("not_found", Lookup::IdCards),
        RegisterEntry::Person(person) => compared(Some(person), asked),
        RegisterEntry::Unlisted => compared(None, asked),
    }
}

pub(super) fn card_found(dummy: &Dummy, asked: Asked<'_>) -> Finding {
    match dummy.person(asked.text("id_card_number")) {
        RegisterEntry::Person(person) => compared(Some(person), asked),
        RegisterEntry::Missing | RegisterEntry::Unlisted => compared(None, asked),
    }
}

/// `register.people`: who has this number?
pub(super) fn person(dummy: &Dummy, seed: u64, asked: Asked<'_>) -> Finding {
    match dummy.person(&plain_number(asked)) {
        RegisterEntry::Missing => Finding::empty("not_found", Lookup::People),
        RegisterEntry::Person(_) | RegisterEntry::Unlisted => person_found(dummy, seed, asked),
    }
}

/// The person with this number. An unlisted number has the same invented person in every world.
pub(super) fn person_found(dummy: &Dummy, seed: u64, asked: Asked<'_>) -> Finding {
    let number = plain_number(asked);
    let name = match dummy.person(&number) {
        RegisterEntry::Person(person) => person.name.clone(),
        RegisterEntry::Missing | RegisterEntry::Unlisted => {
            let mut mix = Mix::new(seed, "registered person");
            mix.text(&number);
            fakes::account_holder(&mut mix.dice())
        }
    };
    Finding {
        verdict: "found",
        values: smallvec![Some(name.into())],
    }
}

/// The number without the signs that cards print between its digits: `09.000.000.0-001.000`.
fn plain_number(asked: Asked<'_>) -> String {
    asked.text("id_card_number").replace(['.', '-'], "")
}

/// Compares the sent data with the register. Without an entry everything matches.
fn compared(person: Option<&PersonPart>, asked: Asked<'_>) -> Finding {
    let same = |field: &str, held: fn(&PersonPart) -> &str| {
        let sent = asked.get(field)?.as_str()?;
        let matches = person.is_none_or(|person| same_text(sent, held(person)));
        Some(matches.into())
    };
    let address = asked.get("address").and_then(Value::as_str).map(|sent| {
        (person.is_none_or(|person| text_likeness(sent, &person.address) >= 80)).into()
    });
    Finding {
        verdict: "found",
        values: smallvec![
            Some(person.map_or(100, |person| person.selfie_score.0).into()),
            same("name", |person| &person.name),
            same("birthdate", |person| &person.birthdate.0),
            same("birthplace", |person| &person.birthplace),
            address,
        ],
    }
}

/// Whether two texts are the same, apart from letter case and surrounding blanks.
fn same_text(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}
