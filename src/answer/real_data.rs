//! Hints that a request may hold data of a real person, which easily comes to a sandbox by accident.
//!
//! Only identity numbers, phone numbers and mail addresses are looked at. Dummy data is recognised by a form
//! that is set aside for it, by the population register, and by `dummy_values` in `sandbox.toml`.

use serde_json::{Map, Value};

use crate::catalogue::{Catalogue, Digits, RegisterEntry, digits_of};

/// Fields of a request below this depth are not looked at.
const DEPTH_MAX: usize = 4;

const HINTS_MAX: usize = 5;

/// What to do about the hints.
pub(crate) const ADVICE: &str =
    "send dummy data to a sandbox, or list it as dummy_values in sandbox.toml";

/// The hints, such as `nik may be the identity number of a real person`. They do not contain the values.
pub(crate) fn of(catalogue: &Catalogue, fields: &Map<String, Value>) -> Vec<String> {
    let mut found = Vec::new();
    for (name, value) in fields {
        look_at(catalogue, name, value, 0, &mut found);
    }
    found
}

fn look_at(
    catalogue: &Catalogue,
    name: &str,
    value: &Value,
    depth: usize,
    found: &mut Vec<String>,
) {
    match value {
        Value::String(text) if found.len() < HINTS_MAX => {
            let Some(what) = real(catalogue, name, text) else {
                return;
            };
            let name: String = name
                .chars()
                .filter(char::is_ascii_graphic)
                .take(60)
                .collect();
            found.push(format!("{name} may be {what}"));
        }
        Value::Array(items) if depth < DEPTH_MAX => {
            for item in items {
                look_at(catalogue, name, item, depth + 1, found);
            }
        }
        Value::Object(fields) if depth < DEPTH_MAX => {
            for (name, value) in fields {
                look_at(catalogue, name, value, depth + 1, found);
            }
        }
        _ => {}
    }
}

/// What each text and number in a value may be, at any depth, such as `email may be the mail address of a real person`.
#[cfg(feature = "cli")]
pub(crate) fn all_in(catalogue: &Catalogue, name: &str, value: &Value) -> Vec<String> {
    let hint = |text: &str| {
        let what = real(catalogue, name, text)?;
        Some(format!("{} may be {what}", plain_name(name)))
    };
    match value {
        Value::String(text) => hint(text).into_iter().collect(),
        Value::Number(number) => hint(&number.to_string()).into_iter().collect(),
        Value::Array(items) => {
            let items = items.iter();
            items
                .flat_map(|item| all_in(catalogue, name, item))
                .collect()
        }
        Value::Object(fields) => {
            let fields = fields.iter();
            fields
                .flat_map(|(name, value)| all_in(catalogue, name, value))
                .collect()
        }
        Value::Null | Value::Bool(_) => Vec::new(),
    }
}

/// The name of a field without what a header cannot have.
fn plain_name(name: &str) -> String {
    let plain = name.chars().filter(|c| c.is_ascii_graphic() || *c == ' ');
    plain.take(60).collect()
}

/// What a text may be, if it is not known as dummy data.
fn real(catalogue: &Catalogue, name: &str, text: &str) -> Option<&'static str> {
    let may_be_number = text.starts_with(|c: char| c == '+' || c.is_ascii_digit());
    if !may_be_number && !text.as_bytes().contains(&b'@') {
        return None; // the usual case
    }
    let (what, is_dummy) = if let Some((_, domain)) = text.rsplit_once('@') {
        ("the mail address of a real person", is_reserved(domain))
    } else if digits_of(name) == Some(Digits::Phone) {
        let digits = international(text)?;
        let settings = &catalogue.settings;
        let is_listed = spellings(&digits).any(|spelling| settings.is_dummy(&spelling));
        let is_dummy = is_listed || is_set_aside(&digits);
        ("the phone number of a real person", is_dummy)
    } else if is_nik(text) && digits_of(name).is_none() {
        let is_listed = !matches!(catalogue.dummy.person(text), RegisterEntry::Unlisted);
        (
            "the identity number of a real person",
            is_listed || is_invented(text),
        )
    } else {
        return None;
    };
    let is_dummy = is_dummy || catalogue.settings.is_dummy(text);
    (!is_dummy).then_some(what)
}

/// Whether a domain belongs to nobody, by RFC 2606 and RFC 6761.
fn is_reserved(domain: &str) -> bool {
    let domain = domain.to_ascii_lowercase();
    let mut labels = domain.rsplit('.');
    let (top, second) = (labels.next().unwrap_or_default(), labels.next());
    match top {
        "example" | "test" | "invalid" | "localhost" => true,
        "com" | "net" | "org" => second == Some("example"),
        _ => false,
    }
}

/// The digits of a phone number with its country code. None for other texts.
fn international(text: &str) -> Option<String> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    let is_number = (8..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| match digits.strip_prefix('0') {
        Some(domestic) => format!("62{domestic}"),
        None => digits.to_owned(),
    })
}

/// All ways to write a phone number.
fn spellings(digits: &str) -> impl Iterator<Item = String> {
    let domestic = digits.strip_prefix("62").map(|rest| format!("0{rest}"));
    [format!("+{digits}"), digits.to_owned()]
        .into_iter()
        .chain(domestic)
}

/// Whether a phone number belongs to nobody. Indonesia sets no numbers aside for fiction, so the sandbox does:
/// numbers that begin with +62 812 0000, and the one in its own examples. North America has set aside 555-0100
/// to 555-0199.
fn is_set_aside(digits: &str) -> bool {
    let is_american = digits.len() == 11 && digits.starts_with('1') && &digits[4..9] == "55501";
    is_american || digits.starts_with("628120000") || digits == "6281234567890"
}

/// Whether a text has the form of a national identity number: region, `DDMMYY` (day + 40 for women), serial
/// number.
fn is_nik(text: &str) -> bool {
    if text.len() != 16 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let two = |at: usize| text[at..at + 2].parse::<u8>().unwrap_or_default();
    (11..=94).contains(&two(0)) && matches!(two(6), 1..=31 | 41..=71) && (1..=12).contains(&two(8))
}

/// Whether the serial number is above 9000. The sandbox's own register uses those.
fn is_invented(nik: &str) -> bool {
    nik[12..].parse::<u16>().is_ok_and(|serial| serial > 9000)
}
