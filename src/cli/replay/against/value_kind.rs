//! The kinds of texts whose values differ between servers: times, and ids of one form.

use std::sync::LazyLock;

use jiff::Timestamp;
use regex::{Captures, Regex};

/// The drawn part of an id: a UUID, or as many hexadecimal digits as ids and digests have.
static DRAWN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{32}|[0-9a-f]{24}",
    )
    .expect("the pattern is sound")
});

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TextKind {
    /// A time with its zone, as ISO 8601 writes it.
    Time,
    /// The form of an id: `cftpi_{uuid}`.
    Id(String),
    Plain,
}

impl TextKind {
    pub(super) fn of(text: &str) -> Self {
        if text.parse::<Timestamp>().is_ok() {
            return Self::Time;
        }
        let form = DRAWN.replace_all(text, |drawn: &Captures<'_>| match &drawn[0] {
            uuid if uuid.contains('-') => "{uuid}".to_owned(),
            digits => format!("{{hex{}}}", digits.len()),
        });
        match form {
            std::borrow::Cow::Borrowed(_) => Self::Plain,
            std::borrow::Cow::Owned(form) => Self::Id(form),
        }
    }

    /// The kind in words. None for a text that is compared as it is.
    pub(super) fn words(&self) -> Option<String> {
        match self {
            Self::Time => Some("an ISO time".to_owned()),
            Self::Id(form) => Some(format!("an id like `{form}`")),
            Self::Plain => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_ids_are_known_by_their_form_and_numbers_are_not_ids() {
        let id = |form: &str| TextKind::Id(form.to_owned());
        for (text, kind) in [
            ("2026-01-01T00:00:00.000Z", TextKind::Time),
            ("2026-01-01T07:00:00+07:00", TextKind::Time),
            ("2026-01-01", TextKind::Plain),
            ("2026-01-01T00:00:00", TextKind::Plain),
            (
                "cftpi_94f6c71e-ed96-4346-b08d-8d855ef7db1b",
                id("cftpi_{uuid}"),
            ),
            ("5f0000000000000000000001", id("{hex24}")),
            ("3275031210930027", TextKind::Plain),
            ("+628120000123", TextKind::Plain),
            ("COMPLETED", TextKind::Plain),
        ] {
            assert_eq!(TextKind::of(text), kind, "{text}");
        }
    }
}
