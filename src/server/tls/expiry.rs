//! Reads two facts from certificates that others have made: when they end, and whether they are an authority's.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

const OCTETS: u8 = 0x04;
const SEQUENCE: u8 = 0x30;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// `[0]`, before the serial number.
const VERSION: u8 = 0xa0;

/// When a certificate ends. None if the bytes are no certificate.
pub(super) fn not_after(certificate: &[u8]) -> Option<Timestamp> {
    let (SEQUENCE, signed, _) = element(certificate)? else {
        return None;
    };
    let (SEQUENCE, mut fields, _) = element(signed)? else {
        return None;
    };
    if fields.first() == Some(&VERSION) {
        fields = element(fields)?.2;
    }
    for _serial_algorithm_issuer in 0..3 {
        fields = element(fields)?.2;
    }
    let (SEQUENCE, validity, _) = element(fields)? else {
        return None;
    };
    let (_, _, after) = element(validity)?;
    let (kind, text, _) = element(after)?;
    instant(kind, std::str::from_utf8(text).ok()?)
}

/// Whether a certificate is an authority's: its key signs others.
pub(super) fn is_authority(certificate: &[u8]) -> bool {
    /// The object identifier 2.5.29.19. `TRUE` follows it where the extension is critical.
    const BASIC_CONSTRAINTS: &[u8] = b"\x06\x03\x55\x1d\x13";
    const TRUE: &[u8] = b"\x01\x01\xff";
    let length = BASIC_CONSTRAINTS.len();
    let at = certificate
        .windows(length)
        .position(|part| part == BASIC_CONSTRAINTS);
    let said = at.and_then(|at| {
        let value = &certificate[at + length..];
        let value = value.strip_prefix(TRUE).unwrap_or(value);
        let (OCTETS, value, _) = element(value)? else {
            return None;
        };
        element(value)
    });
    said.is_some_and(|(_, fields, _)| fields.starts_with(TRUE))
}

/// The first element, taken apart: its tag, its contents, and what follows it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, short], rest) = der.split_first_chunk()?;
    let (length, rest) = match usize::from(short) {
        length @ 0..0x80 => (length, rest),
        long => {
            let bytes = rest.get(..long & 0x7f).filter(|bytes| bytes.len() <= 4)?;
            let length = bytes
                .iter()
                .fold(0, |length, byte| length << 8 | usize::from(*byte));
            (length, &rest[bytes.len()..])
        }
    };
    let (contents, rest) = rest.split_at_checked(length)?;
    Some((tag, contents, rest))
}

fn instant(kind: u8, text: &str) -> Option<Timestamp> {
    let (year, rest) = match kind {
        UTC_TIME => {
            let (year, rest) = text.split_at_checked(2)?;
            let year: i16 = year.parse().ok()?;
            (if year < 50 { 2000 + year } else { 1900 + year }, rest)
        }
        GENERALIZED_TIME => {
            let (year, rest) = text.split_at_checked(4)?;
            (year.parse().ok()?, rest)
        }
        _ => return None,
    };
    let rest = rest.strip_suffix('Z')?;
    let part = |at: usize| rest.get(at..at + 2)?.parse::<i8>().ok();
    let at = DateTime::new(year, part(0)?, part(2)?, part(4)?, part(6)?, part(8)?, 0).ok()?;
    Some(at.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_both_kinds_are_read() {
        let read = |kind, text| instant(kind, text).map(|at| at.to_string());
        assert_eq!(
            read(UTC_TIME, "491231235959Z").as_deref(),
            Some("2049-12-31T23:59:59Z")
        );
        assert_eq!(
            read(UTC_TIME, "500101000000Z").as_deref(),
            Some("1950-01-01T00:00:00Z")
        );
        assert_eq!(
            read(GENERALIZED_TIME, "20500101000000Z").as_deref(),
            Some("2050-01-01T00:00:00Z")
        );
        for broken in [
            "",
            "Z",
            "9913",
            "991331000000Z",
            "ää0101000000Z",
            "490101000000",
        ] {
            assert_eq!(read(UTC_TIME, broken), None, "{broken}");
        }
    }

    #[test]
    fn what_is_no_certificate_has_no_end() {
        for broken in [
            &b""[..],
            b"\x30",
            b"\x30\x80",
            b"\x30\x84\xff\xff\xff\xff",
            b"\x30\x85\x01\x01\x01\x01\x01",
            b"\x30\x02\x30\x00",
            b"\x30\x04\x30\x02\xa0\x00",
        ] {
            assert_eq!(not_after(broken), None, "{broken:?}");
        }
    }
}
