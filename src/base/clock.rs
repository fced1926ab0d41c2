//! Time: the instant that a world writes into its replies, and how an instant is written.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::fmt::temporal::Pieces;
use jiff::{Timestamp, civil};
use tokio::time::Instant;

use super::amount::time_in_words;

/// What every world's clock shows: one instant for ever, or the machine's time.
///
/// ```
/// use iluma_sandbox::Clock;
///
/// assert_eq!("system".parse(), Ok(Clock::System));
/// assert_eq!("2026-01-01T00:00:00Z".parse(), Ok(Clock::DEFAULT));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// Stands still, so that two fresh starts answer byte for byte the same.
    Frozen(Stamp),
    /// Follows the machine.
    System,
}

impl Clock {
    /// The clock unless another one is set: frozen at `2026-01-01T00:00:00.000Z`.
    ///
    /// ```
    /// assert_eq!(iluma_sandbox::Clock::DEFAULT.now().to_string(), "2026-01-01T00:00:00.000Z");
    /// ```
    pub const DEFAULT: Self = Self::Frozen(Stamp {
        unix_ms: 1_767_225_600_000,
    });

    /// The instant that the clock shows now.
    ///
    /// ```
    /// use iluma_sandbox::Clock;
    ///
    /// let clock: Clock = "2026-03-01T09:30:00Z".parse().unwrap();
    /// assert_eq!(clock.now(), clock.now());
    /// assert_eq!(clock.now().to_string(), "2026-03-01T09:30:00.000Z");
    /// ```
    pub fn now(self) -> Stamp {
        match self {
            Self::Frozen(stamp) => stamp,
            Self::System => Stamp::of(SystemTime::now()),
        }
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl FromStr for Clock {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "system" {
            return Ok(Self::System);
        }
        text.parse().map(Self::Frozen).map_err(|reason| {
            format!("`{text}` is neither `system` nor an instant such as `2026-01-01T00:00:00Z`: {reason}")
        })
    }
}

/// An instant, to the millisecond. Written as Iluma does: `2022-02-10T18:55:02.061Z`.
///
/// ```
/// use iluma_sandbox::Stamp;
///
/// let stamp: Stamp = "2022-02-10T19:55:02.061+01:00".parse().unwrap();
/// assert_eq!(stamp.to_string(), "2022-02-10T18:55:02.061Z");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    unix_ms: i64,
}

impl Stamp {
    /// The last millisecond that is still written with a year of four digits.
    const LAST_MS: i64 = 253_402_300_799_999;

    /// The latest instant that a clock can show.
    pub(crate) const LAST: Self = Self {
        unix_ms: Self::LAST_MS,
    };

    /// A machine's clock may show any time. A time outside of 1970 to 9999 becomes the nearest one inside.
    fn of(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { unix_ms: 0 }.after(since)
    }

    /// The instant that is `delay` later. The last instant of the year 9999 is the latest possible.
    ///
    /// ```
    /// use std::time::Duration;
    /// use iluma_sandbox::Stamp;
    ///
    /// let stamp: Stamp = "2026-02-28T23:59:59Z".parse().unwrap();
    /// assert_eq!(stamp.after(Duration::from_secs(1)).to_string(), "2026-03-01T00:00:00.000Z");
    /// ```
    #[must_use]
    pub fn after(self, delay: Duration) -> Self {
        let delay_ms = i64::try_from(delay.as_millis()).unwrap_or(Self::LAST_MS);
        Self {
            unix_ms: self.unix_ms.saturating_add(delay_ms).min(Self::LAST_MS),
        }
    }

    /// The time from `earlier` to this instant. None if `earlier` is in fact later.
    pub(crate) fn since(self, earlier: Self) -> Option<Duration> {
        let ms = u64::try_from(self.unix_ms - earlier.unix_ms).ok()?;
        Some(Duration::from_millis(ms))
    }

    /// The 24 characters that stand for this instant in a reply.
    ///
    /// ```
    /// assert_eq!(&iluma_sandbox::Clock::DEFAULT.now().text(), b"2026-01-01T00:00:00.000Z");
    /// ```
    pub fn text(self) -> [u8; 24] {
        let days = self.unix_ms.div_euclid(86_400_000);
        let ms = self.unix_ms.rem_euclid(86_400_000);
        let (year, month, day) = date_of(days);
        let mut text = *b"0000-00-00T00:00:00.000Z";
        digits(&mut text[0..4], year);
        digits(&mut text[5..7], month);
        digits(&mut text[8..10], day);
        digits(&mut text[11..13], ms / 3_600_000);
        digits(&mut text[14..16], ms / 60_000 % 60);
        digits(&mut text[17..19], ms / 1000 % 60);
        digits(&mut text[20..23], ms % 1000);
        text
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.text()).expect("digits and punctuation"))
    }
}

impl FromStr for Stamp {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unix_ms = match text.parse::<Timestamp>() {
            Ok(instant) => instant.as_nanosecond().div_euclid(1_000_000),
            Err(error) => late_unix_ms(text).ok_or_else(|| error.to_string())?,
        };
        match i64::try_from(unix_ms) {
            Ok(unix_ms @ 0..=Self::LAST_MS) => Ok(Self { unix_ms }),
            _ => Err(format!("`{text}` is not between 1970 and 9999")),
        }
    }
}

/// The milliseconds since 1970 of an instant in the last hours of 9999, which jiff's `Timestamp` does not have. None if
/// the text is no instant.
fn late_unix_ms(text: &str) -> Option<i128> {
    let pieces = Pieces::parse(text).ok()?;
    let offset = pieces.to_numeric_offset()?;
    let written = pieces.date().to_datetime(pieces.time()?);
    let since = written.duration_since(civil::date(1970, 1, 1).at(0, 0, 0, 0));
    let unix_ns = since.as_nanos() - i128::from(offset.seconds()) * 1_000_000_000;
    Some(unix_ns.div_euclid(1_000_000))
}

/// Year, month and day of a count of days since 1970-01-01.
fn date_of(days: i64) -> (i64, i64, i64) {
    let days = i32::try_from(days).expect("a stamp lies between 1970 and 9999");
    let date = civil::date(1970, 1, 1)
        .checked_add(jiff::Span::new().days(days))
        .expect("a stamp lies between 1970 and 9999");
    (date.year().into(), date.month().into(), date.day().into())
}

fn digits(place: &mut [u8], mut number: i64) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).expect("one digit");
        number /= 10;
    }
}

/// Whole milliseconds, as JSON shows a duration.
pub(crate) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Whole microseconds.
pub(crate) fn microseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// The longest duration that can be written, and the longest time that a clock is moved on at once.
pub(crate) const DURATION_MAX: Duration = Duration::from_hours(24 * 366);

/// Parses `250ms`, `10s`, `5m`, `2h` or `3d`.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let unit_ms: u64 = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => {
            return Err(format!(
                "`{text}` is no duration: write `250ms`, `10s`, `5m`, `2h` or `3d`"
            ));
        }
    };
    let too_long = || format!("`{text}` is longer than {}", time_in_words(DURATION_MAX));
    let ms = number
        .parse::<u64>()
        .map_err(|_| format!("`{text}` is no duration: write `250ms`, `10s`, `5m`, `2h` or `3d`"))?
        .checked_mul(unit_ms)
        .ok_or_else(too_long)?;
    let duration = Duration::from_millis(ms);
    if duration > DURATION_MAX {
        return Err(too_long());
    }
    Ok(duration)
}

/// A moment of a world, by both of its clocks: the machine's time, and how far its own clock was advanced.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    at: Instant,
    /// How far the world's clock was advanced at this moment.
    advanced: Duration,
}

impl Moment {
    pub(crate) fn new(at: Instant, advanced: Duration) -> Self {
        Self { at, advanced }
    }

    /// The moment that was `real` ago by the machine's time, when the world's clock was advanced by `advanced`.
    pub(crate) fn ago(now: Instant, real: Duration, advanced: Duration) -> Self {
        Self {
            // A machine that started after that moment cannot express it. Then `now` is taken: waits that are
            // measured from it last longer by the machine's time, but not when the world's clock is advanced.
            at: now.checked_sub(real).unwrap_or(now),
            advanced,
        }
    }

    /// How long ago the moment was by the machine's time, and how far the world's clock was advanced then.
    pub(crate) fn parts(self, now: Instant) -> (Duration, Duration) {
        (now.saturating_duration_since(self.at), self.advanced)
    }

    /// When a delay after the moment ends: by the world's clock and by the machine's time.
    pub(crate) fn after(self, delay: Duration) -> (Duration, Instant) {
        (self.advanced + delay, self.at + delay)
    }

    /// The time since the moment: by the machine, or by how far the world's clock was advanced since, whichever is
    /// longer. `advanced` is how far it is advanced now.
    pub(crate) fn passed(self, now: Instant, advanced: Duration) -> Duration {
        now.saturating_duration_since(self.at)
            .max(advanced.saturating_sub(self.advanced))
    }
}
