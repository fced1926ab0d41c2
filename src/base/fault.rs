//! The ways in which a reply can be broken on purpose, and how they are written.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;
use hyper::StatusCode;
use strum::{EnumDiscriminants, VariantArray};

use super::dice::Dice;
use super::text::nearest_sentence;

/// The longest time that a broken reply may take, whether it hangs or is sent slowly.
pub(crate) const BROKEN_MAX: Duration = Duration::from_mins(10);

/// How a reply is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumDiscriminants)]
#[strum_discriminants(name(FaultKind), derive(VariantArray))]
pub(crate) enum Fault {
    /// The connection is torn down (RST) without a byte.
    Reset,
    /// The connection is closed (FIN) without a byte.
    Empty,
    /// The headers announce the whole length, half of the body is sent, and the connection is closed.
    Truncate,
    /// The body is not valid JSON. The content type stays, and the length fits the broken body.
    Malformed,
    /// Bytes that are not HTTP are sent, then the connection is closed.
    Garbage,
    /// The body is sent at this many bytes a second.
    Slow(NonZeroU32),
    /// There is no answer until the client leaves, the sandbox stops, or ten minutes have passed.
    Hang,
    /// An error with this status replaces the reply.
    Status(StatusCode),
}

impl Fault {
    /// True if another body takes the place of the decided one.
    pub(crate) fn replaces_body(self) -> bool {
        match self {
            Self::Malformed | Self::Status(_) => true,
            Self::Reset
            | Self::Empty
            | Self::Truncate
            | Self::Garbage
            | Self::Slow(_)
            | Self::Hang => false,
        }
    }
}

const RATE_MAX: u32 = 1_000_000_000;

impl FaultKind {
    fn word(self) -> &'static str {
        match self {
            Self::Reset => "reset",
            Self::Empty => "empty",
            Self::Truncate => "truncate",
            Self::Malformed => "malformed",
            Self::Garbage => "garbage",
            Self::Slow => "slow",
            Self::Hang => "hang",
            Self::Status => "status",
        }
    }

    /// The fault of this kind. `value` stands in brackets after the word. None if it is missing or too much.
    fn fault(self, value: Option<&str>) -> Option<Result<Fault, String>> {
        let plain = match self {
            Self::Slow => return Some(parse_rate(value?).map(Fault::Slow)),
            Self::Status => return Some(parse_status(value?).map(Fault::Status)),
            Self::Reset => Fault::Reset,
            Self::Empty => Fault::Empty,
            Self::Truncate => Fault::Truncate,
            Self::Malformed => Fault::Malformed,
            Self::Garbage => Fault::Garbage,
            Self::Hang => Fault::Hang,
        };
        value.is_none().then_some(Ok(plain))
    }

    /// An example of a value, for kinds that take one.
    fn example(self) -> Option<&'static str> {
        match self {
            Self::Slow => Some("1kb/s"),
            Self::Status => Some("503"),
            Self::Reset
            | Self::Empty
            | Self::Truncate
            | Self::Malformed
            | Self::Garbage
            | Self::Hang => None,
        }
    }
}

/// Every fault as it is written. A fault that takes a value has an example value.
pub(crate) fn faults() -> Vec<String> {
    let kinds = FaultKind::VARIANTS.iter();
    kinds
        .map(|kind| with_value(kind.word(), kind.example()))
        .collect()
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.starts_with(|c: char| c.is_ascii_digit()) {
            return parse_status(text).map(Self::Status);
        }
        let (word, value) = word_and_value(text);
        let mut kinds = FaultKind::VARIANTS.iter();
        let kind = kinds.find(|kind| kind.word() == word.trim_end());
        kind.and_then(|kind| kind.fault(value.map(str::trim)))
            .unwrap_or_else(|| {
                let known = faults();
                let near = nearest_sentence(text, known.iter().map(String::as_str));
                Err(format!(
                    "`{text}` is no fault.{near} Known are {}.",
                    known.join(", ")
                ))
            })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = FaultKind::from(self).word();
        match self {
            Self::Reset
            | Self::Empty
            | Self::Truncate
            | Self::Malformed
            | Self::Garbage
            | Self::Hang => f.write_str(word),
            Self::Slow(rate) => {
                let (number, unit) = match rate.get() {
                    rate if rate % 1_000_000 == 0 => (rate / 1_000_000, "mb"),
                    rate if rate % 1000 == 0 => (rate / 1000, "kb"),
                    rate => (rate, "b"),
                };
                write!(f, "{word}({number}{unit}/s)")
            }
            Self::Status(status) => write!(f, "{word}({})", status.as_u16()),
        }
    }
}

/// Splits `word(value)`. A text without brackets is a word alone.
pub(super) fn word_and_value(text: &str) -> (&str, Option<&str>) {
    let split = || {
        let (word, rest) = text.strip_suffix(')')?.split_once('(')?;
        Some((word, Some(rest)))
    };
    split().unwrap_or((text, None))
}

/// Writes `word` or `word(value)`.
pub(super) fn with_value(word: &str, value: Option<&str>) -> String {
    match value {
        Some(value) => format!("{word}({value})"),
        None => word.to_owned(),
    }
}

/// The text inside the brackets of `word(…)`.
pub(crate) fn inside<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let rest = text.strip_prefix(word)?.trim_start();
    Some(rest.strip_prefix('(')?.strip_suffix(')')?.trim())
}

/// Parses `500b/s`, `1kb/s` or `2mb/s` into bytes a second.
fn parse_rate(text: &str) -> Result<NonZeroU32, String> {
    let wrong = || {
        format!(
            "`slow({text})` names no rate: write `slow(500b/s)`, `slow(1kb/s)` or `slow(2mb/s)`, \
             1 byte to {} megabytes a second",
            RATE_MAX / 1_000_000
        )
    };
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let bytes: u32 = match unit.trim_start() {
        "b/s" => 1,
        "kb/s" => 1000,
        "mb/s" => 1_000_000,
        _ => return Err(wrong()),
    };
    let rate = number.parse::<u32>().ok();
    let rate = rate.and_then(|number| NonZeroU32::new(number.checked_mul(bytes)?));
    rate.filter(|rate| rate.get() <= RATE_MAX).ok_or_else(wrong)
}

fn parse_status(text: &str) -> Result<StatusCode, String> {
    text.parse::<u16>()
        .ok()
        .filter(|status| (400..600).contains(status))
        .and_then(|status| StatusCode::from_u16(status).ok())
        .ok_or_else(|| format!("the status `{text}` of a fault does not lie between 400 and 599"))
}

/// How likely something is: from 0 (never) to 1 (always).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Probability(f64);

impl fmt::Display for Probability {
    /// In brackets behind a fault: ` (30 %)`. Writes nothing for 1, always.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            1.0 => Ok(()),
            part => write!(f, " ({} %)", part * 100.0),
        }
    }
}

impl Probability {
    pub(crate) const ALWAYS: Self = Self(1.0);

    pub(crate) fn new(probability: f64) -> Result<Self, String> {
        if (0.0..=1.0).contains(&probability) {
            return Ok(Self(probability));
        }
        Err(format!(
            "the probability {probability} does not lie between 0 (never) and 1 (always)"
        ))
    }

    pub(crate) fn get(self) -> f64 {
        self.0
    }

    pub(crate) fn is_never(self) -> bool {
        self.0 <= 0.0
    }

    /// Draws whether it happens this time.
    pub(crate) fn strikes(self, dice: &mut Dice) -> bool {
        self.0 >= 1.0 || (self.0 > 0.0 && dice.fraction() < self.0)
    }
}

/// Makes a JSON body invalid: replaces its last byte with `,}`.
pub(crate) fn no_json(body: &[u8]) -> Bytes {
    let mut broken = body.to_vec();
    broken.pop();
    broken.extend_from_slice(b",}");
    broken.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_written_as_it_is_read() {
        for written in faults() {
            let fault: Fault = written.parse().expect(&written);
            assert_eq!(fault.to_string(), written);
        }
        for (written, plain) in [
            ("503", "status(503)"),
            ("slow(1000b/s)", "slow(1kb/s)"),
            ("slow( 1 b/s )", "slow(1b/s)"),
            (" slow(3mb/s)", "slow(3mb/s)"),
        ] {
            let fault: Fault = written.parse().expect(written);
            assert_eq!(fault.to_string(), plain);
        }
    }

    #[test]
    fn what_is_no_fault_is_refused_with_what_would_be_one() {
        const RATES: &str = "write `slow(500b/s)`, `slow(1kb/s)` or `slow(2mb/s)`, 1 byte to 1000 megabytes a second";
        const KNOWN: &str =
            "Known are reset, empty, truncate, malformed, garbage, slow(1kb/s), hang, status(503).";
        for (written, message) in [
            (
                "trunkate",
                format!("`trunkate` is no fault. Did you mean `truncate`? {KNOWN}"),
            ),
            ("", format!("`` is no fault. {KNOWN}")),
            ("slow(0b/s)", format!("`slow(0b/s)` names no rate: {RATES}")),
            ("slow(fast)", format!("`slow(fast)` names no rate: {RATES}")),
            (
                "slow(5000mb/s)",
                format!("`slow(5000mb/s)` names no rate: {RATES}"),
            ),
            (
                "status(200)",
                "the status `200` of a fault does not lie between 400 and 599".to_owned(),
            ),
            (
                "600",
                "the status `600` of a fault does not lie between 400 and 599".to_owned(),
            ),
            (
                "status(teapot)",
                "the status `teapot` of a fault does not lie between 400 and 599".to_owned(),
            ),
        ] {
            assert_eq!(written.parse::<Fault>(), Err(message));
        }
    }

    #[test]
    fn a_probability_is_a_number_from_0_to_1() {
        for good in [0.0, 0.3, 1.0] {
            assert!(Probability::new(good).is_ok(), "{good}");
        }
        for bad in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert!(Probability::new(bad).is_err(), "{bad}");
        }
    }
}
