//! Paths as the log may show them. Words of the trade are shown as they were sent, also with a typing mistake in them.
//! Everything else is shortened, because it may be an id, a key, a number or a name.

use std::fmt::{self, Formatter, Write};
use std::sync::LazyLock;

use percent_encoding::percent_decode_str;

/// How much of a path is shown.
const SEGMENTS_MAX: usize = 12;

/// Longer segments are no words of the trade.
const SEGMENT_BYTES_MAX: usize = 80;

/// Numbers with more digits are shortened.
const DIGITS_MAX: usize = 4;

/// A path for a line of the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogPath<'a> {
    /// As it was sent.
    pub path: &'a str,
    /// The path of the route, such as `/v0/identity/{id}`. Its literal segments are shown. Empty without a route.
    pub route: &'a str,
    pub has_query: bool,
}

impl fmt::Display for LogPath<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut route = self.route.split('/');
        for (at, segment) in self.path.split('/').enumerate() {
            if at > 0 {
                f.write_char('/')?;
            }
            if at > SEGMENTS_MAX {
                f.write_char('…')?;
                break;
            }
            let is_shown = match route.next() {
                Some(place) if place.starts_with('{') => false,
                Some(literal) if literal == segment => true,
                Some(_) | None => is_readable(segment),
            };
            if is_shown {
                write_escaped(f, segment)?;
            } else {
                f.write_str(beginning(segment))?;
                f.write_char('…')?;
            }
        }
        f.write_str(if self.has_query { "?…" } else { "" })
    }
}

/// The start of a segment that is not shown whole: enough of an id to find it again, nearly nothing of a name.
fn beginning(segment: &str) -> &str {
    let is_hex = |byte: u8| byte == b'-' || byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase();
    let has = |is: fn(&u8) -> bool| segment.bytes().any(|byte| is(&byte));
    let is_id = segment.len() >= 12
        && segment.bytes().all(is_hex)
        && has(u8::is_ascii_digit)
        && has(u8::is_ascii_alphabetic);
    let shown = if is_id { 6 } else { 2 };
    let start = segment.get(..shown).unwrap_or_default();
    let is_plain = start.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_plain && segment.len() > shown + 1 {
        start
    } else {
        ""
    }
}

/// Whether a segment has only words of the trade, small numbers, and signs between them.
fn is_readable(segment: &str) -> bool {
    if segment.is_empty() {
        return true;
    }
    if segment.len() > SEGMENT_BYTES_MAX {
        return false;
    }
    let text = percent_decode_str(segment).decode_utf8_lossy();
    let mut words = text.split(|c: char| !c.is_alphanumeric());
    words.all(|word| camel_words(word).all(is_known))
}

/// `bankAccount` as `bank` and `Account`.
fn camel_words(word: &str) -> impl Iterator<Item = &str> {
    let mut rest = word;
    std::iter::from_fn(move || {
        let mut before = rest.chars().next()?;
        let end = rest.char_indices().skip(1).find(|(_, c)| {
            let starts = before.is_lowercase() && c.is_uppercase();
            before = *c;
            starts
        });
        let (word, more) = rest.split_at(end.map_or(rest.len(), |(at, _)| at));
        rest = more;
        Some(word)
    })
}

fn is_known(word: &str) -> bool {
    let number = word.trim_start_matches(['v', 'V']);
    if number.bytes().all(|byte| byte.is_ascii_digit()) && word.len() <= DIGITS_MAX {
        return true;
    }
    let lower = word.to_ascii_lowercase();
    WORDS.binary_search(&lower.as_str()).is_ok()
        || word.bytes().all(|byte| byte.is_ascii_lowercase())
            && WORDS.iter().any(|known| is_mistyped(word, known))
}

/// Whether a word is a known one with a typing mistake. Short words are near too many names.
fn is_mistyped(word: &str, known: &str) -> bool {
    let mistakes_max = match known.len() {
        0..=3 => return false,
        4 => return is_swapped(word, known),
        5..=6 => 1,
        _ => 2,
    };
    word.len().abs_diff(known.len()) <= mistakes_max
        && strsim::osa_distance(word, known) <= mistakes_max
}

/// Whether two letters next to each other changed places.
fn is_swapped(word: &str, known: &str) -> bool {
    word.len() == known.len() && strsim::osa_distance(word, known) == 1 && {
        let sorted = |text: &str| {
            let mut bytes = text.as_bytes().to_vec();
            bytes.sort_unstable();
            bytes
        };
        sorted(word) == sorted(known)
    }
}

/// Writes a text that its owner made up, in visible ASCII alone.
fn write_escaped(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    for c in text.chars() {
        if c.is_ascii_graphic() {
            f.write_char(c)?;
        } else {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                write!(f, "%{byte:02X}")?;
            }
        }
    }
    Ok(())
}

/// The words of the paths of the API, of the sandbox, and of usual receivers and mistakes. Sorted.
static WORDS: LazyLock<Vec<&str>> = LazyLock::new(|| KNOWN_WORDS.split_whitespace().collect());

const KNOWN_WORDS: &str = "
    a account accounts address addresses admin advance age ai allowed anything api app auth authenticate
    authentication available b bank banks bar baz business businesses c callback callbacks card cards catalog cb
    cft check checks clock code codes com company comparisons control coverage create credit customer customers
    data delete deliveries detail details dev digits dl doc docs document documents drawdowns driver echo email
    endpoint entity error event events explain export face faces faults favicon fidelity file files find first foo
    found fraud get graphql health healthz hello here hook hooks host html http https ico icon id idcard identity
    idle iluma image images inbox index individual info inspector internal is json key keys ktp kyc license list
    listen listings liveness livez llms local localhost login logout lookup manifest map match me message method
    metrics missing mistyped mock name names new next nik no nope not nothing notification notifications notify
    npwp number numbers oauth ocr one openapi org other partner partners passport passports path payment payments
    pep peps person phone ping png post postman private prod production profile profiles public query rate readyz
    receive receiver receivers record records redeliver register registration report reports request requests
    reset result results robots root route sandbox scenario scenarios schema screen screening search second secure
    selfie send service services session sessions setup sign sink site snapshot some staging static status such
    svg swagger target tax test tests there to token tokens trace trigger two txt typo unknown update upload
    uploads url urls user users v validate validation validations validator verification verifications verify
    version wallet watchlist web webhook webhooks well wellknown world worlds wrong x xendit xml yaml yml
";

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(path: &str) -> String {
        let path = LogPath {
            path,
            route: "",
            has_query: false,
        };
        path.to_string()
    }

    #[test]
    fn a_mistyped_path_is_readable() {
        for path in [
            "/v1.1/identity/bank_acount_data_request",
            "/v1/idntity/npwp_data_requests",
            "//v1/identity/",
            "/V1/Identity/bankAccountDataRequests",
            "/v1/callback/urls%20",
            "/health%0a",
            "/api/v1/customers/{id}/verify",
            "/no/such/route",
            "/nope",
            "/favicon.ico",
            "/https://api.iluma.ai/v1",
            "/__sandbox/deliveries",
        ] {
            assert_eq!(shown(path), path);
        }
    }

    #[test]
    fn ids_numbers_keys_and_names_are_shortened_and_signs_escaped() {
        for (path, expected) in [
            ("/v1/3171234567890123", "/v1/31…"),
            ("/v1/0f3a9c2b-1d2e-4f5a-8b9c-0d1e2f3a4b5c", "/v1/0f3a9c…"),
            ("/iluma_live_s3cr3ts3cr3t", "/il…"),
            ("/customers/budi-santoso", "/customers/bu…"),
            ("/customers/Budi%20Santoso", "/customers/Bu…"),
            ("/customers/Dita", "/customers/Di…"),
            ("/customers/dita", "/customers/di…"),
            ("/cb/tok3n", "/cb/to…"),
            ("/customers/Al", "/customers/…"),
            ("/budi@example.com", "/bu…"),
            ("/%1b[31mred", "/…"),
            ("/identity\u{202e}", "/identity%E2%80%AE"),
            ("/identity\u{9b}", "/identity%C2%9B"),
        ] {
            assert_eq!(shown(path), expected);
        }
        let long = "/v1".repeat(50);
        assert_eq!(shown(&long), "/v1".repeat(12) + "/…");
    }

    #[test]
    fn the_literal_segments_of_a_route_are_shown_whatever_their_words_are() {
        let path = LogPath {
            path: "/quux/hello-there/quux",
            route: "/quux/{name}",
            has_query: true,
        };
        assert_eq!(path.to_string(), "/quux/he…/qu…?…");
    }

    #[test]
    fn the_words_are_sorted() {
        assert!(WORDS.is_sorted());
    }
}
