//! Delays of replies: a fixed time, or a draw from a distribution.

use std::f64::consts::TAU;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::amount::time_in_words;
use super::clock::parse_duration;
use super::dice::Dice;
use super::fault::inside;

/// The longest delay that can be asked for. Longer draws are cut to it.
pub(crate) const DELAY_MAX: Duration = Duration::from_mins(10);

/// With a larger sigma nearly all draws would be 0 or the maximum.
const SIGMA_MAX: f64 = 5.0;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Delay {
    Fixed(Duration),
    /// Every whole millisecond from the first to the last duration is equally likely.
    Uniform(Duration, Duration),
    /// Half of the draws are shorter than the median. The logarithm of a draw is normally distributed with the
    /// deviation `sigma`.
    LogNormal {
        median: Duration,
        sigma: f64,
    },
}

impl FromStr for Delay {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Some(bounds) = inside(text, "uniform") {
            return match bounds.split_once(',') {
                Some((from, to)) => Self::uniform(from, to),
                None => Err(format!("`{text}` is no delay: write `uniform(1s, 3s)`")),
            };
        }
        if let Some(shape) = inside(text, "lognormal") {
            let wrong = || format!("`{text}` is no delay: write `lognormal(300ms, 0.5)`");
            let (median, sigma) = shape.split_once(',').ok_or_else(wrong)?;
            let sigma = sigma.trim().parse().map_err(|_| wrong())?;
            return Self::log_normal(median, sigma);
        }
        if text.contains('(') {
            return Err(format!(
                "`{text}` is no delay: write `3s`, `uniform(1s, 3s)` or `lognormal(300ms, 0.5)`"
            ));
        }
        duration(text).map(Self::Fixed)
    }
}

impl Delay {
    pub(crate) fn uniform(from: &str, to: &str) -> Result<Self, String> {
        let (from, to) = (duration(from)?, duration(to)?);
        if from > to {
            return Err(format!(
                "`uniform` goes from the shorter to the longer: {} is longer than {}",
                duration_text(from),
                duration_text(to)
            ));
        }
        Ok(Self::Uniform(from, to))
    }

    pub(crate) fn log_normal(median: &str, sigma: f64) -> Result<Self, String> {
        if !(0.0..=SIGMA_MAX).contains(&sigma) {
            return Err(format!(
                "the sigma {sigma} of `lognormal` does not lie between 0 and {SIGMA_MAX}"
            ));
        }
        let median = duration(median)?;
        Ok(Self::LogNormal { median, sigma })
    }

    /// Whether it needs no dice.
    pub(crate) fn is_fixed(&self) -> bool {
        matches!(self, Self::Fixed(_))
    }

    /// Draws a delay in whole milliseconds.
    pub(crate) fn draw(&self, dice: &mut Dice) -> Duration {
        match *self {
            Self::Fixed(delay) => delay,
            Self::Uniform(from, to) => {
                let ms = dice.between(whole_ms(from)..whole_ms(to) + 1);
                Duration::from_millis(ms.into())
            }
            Self::LogNormal { median, sigma } => {
                // Box–Muller transform: two uniform draws make one normal draw.
                let radius = (-2.0 * (1.0 - dice.fraction()).ln()).sqrt();
                let normal = radius * (TAU * dice.fraction()).cos();
                let seconds = median.as_secs_f64() * (sigma * normal).exp();
                let capped = Duration::from_secs_f64(seconds.min(DELAY_MAX.as_secs_f64()));
                Duration::from_millis(whole_ms(capped).into())
            }
        }
    }
}

impl fmt::Display for Delay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(delay) => f.write_str(&duration_text(*delay)),
            Self::Uniform(from, to) => write!(
                f,
                "uniform({}, {})",
                duration_text(*from),
                duration_text(*to)
            ),
            Self::LogNormal { median, sigma } => {
                write!(f, "lognormal({}, {sigma})", duration_text(*median))
            }
        }
    }
}

/// A duration in the form that [`parse_duration`] reads: `3s`, `250ms`.
pub(crate) fn duration_text(duration: Duration) -> String {
    match duration.as_millis() {
        ms if ms % 1000 == 0 => format!("{}s", ms / 1000),
        ms => format!("{ms}ms"),
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let duration = parse_duration(text.trim())?;
    if duration > DELAY_MAX {
        return Err(format!(
            "`{}` is longer than a delay may be: {}",
            text.trim(),
            time_in_words(DELAY_MAX)
        ));
    }
    Ok(duration)
}

fn whole_ms(delay: Duration) -> u32 {
    u32::try_from(delay.as_millis()).expect("ten minutes at most")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_delay_is_written_as_it_is_read() {
        for written in [
            "0s",
            "3s",
            "250ms",
            "600s",
            "uniform(1s, 3s)",
            "uniform(2s, 2s)",
            "lognormal(300ms, 0.5)",
        ] {
            let delay: Delay = written.parse().expect(written);
            assert_eq!(delay.to_string(), written);
        }
        assert_eq!(
            "uniform(100ms,2m)".parse::<Delay>().map(|d| d.to_string()),
            Ok("uniform(100ms, 120s)".to_owned())
        );
    }

    #[test]
    fn what_is_no_delay_is_refused_with_what_would_be_one() {
        for (written, message) in [
            (
                "soon",
                "`soon` is no duration: write `250ms`, `10s`, `5m`, `2h` or `3d`",
            ),
            ("11m", "`11m` is longer than a delay may be: 10 minutes"),
            (
                "uniform(3s, 1s)",
                "`uniform` goes from the shorter to the longer: 3s is longer than 1s",
            ),
            (
                "uniform(3s)",
                "`uniform(3s)` is no delay: write `uniform(1s, 3s)`",
            ),
            (
                "lognormal(3s)",
                "`lognormal(3s)` is no delay: write `lognormal(300ms, 0.5)`",
            ),
            (
                "lognormal(3s, NaN)",
                "the sigma NaN of `lognormal` does not lie between 0 and 5",
            ),
            (
                "lognormal(3s, -1)",
                "the sigma -1 of `lognormal` does not lie between 0 and 5",
            ),
            (
                "normal(3s, 1)",
                "`normal(3s, 1)` is no delay: write `3s`, `uniform(1s, 3s)` or `lognormal(300ms, 0.5)`",
            ),
        ] {
            assert_eq!(written.parse::<Delay>(), Err(message.to_owned()));
        }
    }

    #[test]
    fn draws_lie_where_their_distribution_does() {
        let draw = |delay: &str| {
            let delay: Delay = delay.parse().expect(delay);
            let mut dice = Dice::new(7);
            let mut draws: Vec<_> = (0..1000).map(|_| delay.draw(&mut dice)).collect();
            draws.sort_unstable();
            draws
        };
        let ms = |ms| Duration::from_millis(ms);
        let uniform = draw("uniform(1s, 3s)");
        assert!(uniform[0] >= ms(1000) && uniform[999] <= ms(3000));
        assert!(uniform[0] < ms(1020) && uniform[999] > ms(2980));
        assert!(
            (ms(1900)..ms(2100)).contains(&uniform[500]),
            "{:?}",
            uniform[500]
        );
        let log_normal = draw("lognormal(300ms, 0.5)");
        assert!(
            (ms(285)..ms(315)).contains(&log_normal[500]),
            "{:?}",
            log_normal[500]
        );
        // 68 of 100 draws lie within one standard deviation.
        assert!(
            (ms(172)..ms(192)).contains(&log_normal[159]),
            "{:?}",
            log_normal[159]
        );
        assert!(
            (ms(470)..ms(520)).contains(&log_normal[841]),
            "{:?}",
            log_normal[841]
        );
        assert_eq!(draw("lognormal(10m, 5)")[999], DELAY_MAX, "capped");
    }
}
