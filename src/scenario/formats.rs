//! The named text formats that request schemas can use, in addition to those of JSON Schema.

use jiff::civil::Date;

use super::countries::is_country_code;

/// Checks whether a text has the format.
pub(crate) type Check = fn(&str) -> bool;

/// Our formats: the name, the check, and the message that an API client reads when the check fails.
pub(crate) const FORMATS: [(&str, Check, &str); 6] = [
    (
        "country",
        is_country_code,
        "must be an ISO 3166-1 alpha-2 country code in upper case, such as ID",
    ),
    (
        "calendar-date",
        is_calendar_date,
        "must be a real date, written YYYY-MM-DD",
    ),
    (
        "day-month-year",
        is_day_month_year,
        "must be a real date, written DD-MM-YYYY",
    ),
    (
        "e164",
        is_e164,
        "must be a phone number in E.164 format, such as +6281234567890",
    ),
    ("base64", is_base64, "must be base64"),
    ("file", |_| true, "must be a file"),
];

pub(crate) fn is_calendar_date(text: &str) -> bool {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *text.as_bytes() else {
        return false;
    };
    real_date([y1, y2, y3, y4], [m1, m2], [d1, d2])
}

pub(crate) fn is_day_month_year(text: &str) -> bool {
    let [d1, d2, b'-', m1, m2, b'-', y1, y2, y3, y4] = *text.as_bytes() else {
        return false;
    };
    real_date([y1, y2, y3, y4], [m1, m2], [d1, d2])
}

/// Whether a text is a date `YYYY-MM-DD`. The day, or month and day, may be unknown; they are zeros then.
pub(crate) fn is_partial_date(text: &str) -> bool {
    let year_known = || text.as_bytes()[..4].iter().all(u8::is_ascii_digit) && &text[..4] != "0000";
    if !text.is_ascii() || text.len() != 10 {
        return false;
    }
    if text.ends_with("-00-00") {
        return year_known();
    }
    if let Some(month) = text.strip_suffix("-00") {
        return is_calendar_date(&format!("{month}-01"));
    }
    is_calendar_date(text)
}

/// Whether a text is `+` and 2 to 15 digits, of which the first is not zero.
fn is_e164(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (2..=15).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Whether a text uses the standard alphabet, with or without padding. It is not decoded, because it may be an image
/// of a megabyte.
pub(crate) fn is_base64(text: &str) -> bool {
    let digits = text.trim_end_matches('=');
    let padding = text.len() - digits.len();
    let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let is_whole = match digits.len() % 4 {
        0 => padding == 0,
        2 => padding == 0 || padding == 2,
        3 => padding <= 1,
        _ => false,
    };
    is_whole && digits.bytes().all(is_digit)
}

fn real_date(year: [u8; 4], month: [u8; 2], day: [u8; 2]) -> bool {
    let (Some(year), Some(month), Some(day)) = (number(&year), number(&month), number(&day)) else {
        return false;
    };
    year > 0
        && Date::new(
            year,
            month.try_into().unwrap_or(0),
            day.try_into().unwrap_or(0),
        )
        .is_ok()
}

fn number(digits: &[u8]) -> Option<i16> {
    digits.iter().try_fold(0_i16, |number, digit| {
        digit
            .is_ascii_digit()
            .then(|| number * 10 + i16::from(digit - b'0'))
    })
}
