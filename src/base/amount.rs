//! Limits in words, for messages: a message never repeats the number of its limit.

use std::time::Duration;

const SECOND_MS: u128 = 1000;
const MINUTE_MS: u128 = 60 * SECOND_MS;
const HOUR_MS: u128 = 60 * MINUTE_MS;
const DAY_MS: u128 = 24 * HOUR_MS;

/// `64 KiB` or `10 MiB`; what is no whole number of these is in bytes.
pub(crate) fn size_in_words(bytes: usize) -> String {
    match bytes {
        bytes if bytes >= 1 << 20 && bytes.is_multiple_of(1 << 20) => {
            format!("{} MiB", bytes >> 20)
        }
        bytes if bytes >= 1 << 10 && bytes.is_multiple_of(1 << 10) => {
            format!("{} KiB", bytes >> 10)
        }
        bytes => format!("{bytes} bytes"),
    }
}

/// `50 ms`, `30 s`, `10 minutes`, `24 hours` or `366 days`: the largest unit of which there are two or more.
pub(crate) fn time_in_words(time: Duration) -> String {
    let ms = time.as_millis();
    let units = [
        (DAY_MS, "days"),
        (HOUR_MS, "hours"),
        (MINUTE_MS, "minutes"),
        (SECOND_MS, "s"),
    ];
    let fits = |unit: &&(u128, &str)| ms.is_multiple_of(unit.0) && ms >= 2 * unit.0;
    match units.iter().find(fits) {
        Some((unit_ms, name)) => format!("{} {name}", ms / unit_ms),
        None if ms == SECOND_MS => "1 s".to_owned(),
        None => format!("{ms} ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_written_in_the_largest_unit_that_keeps_them_whole() {
        let sizes = [64, 64 << 10, (1 << 20) + 1, 10 << 20].map(size_in_words);
        assert_eq!(sizes, ["64 bytes", "64 KiB", "1048577 bytes", "10 MiB"]);
        let times = [
            50,
            1000,
            1500,
            60_000,
            90_000,
            600_000,
            86_400_000,
            31_622_400_000,
        ];
        let times = times.map(|ms| time_in_words(Duration::from_millis(ms)));
        let expected = [
            "50 ms",
            "1 s",
            "1500 ms",
            "60 s",
            "90 s",
            "10 minutes",
            "24 hours",
            "366 days",
        ];
        assert_eq!(times, expected);
    }
}
