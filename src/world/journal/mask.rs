//! Hides keys, tokens and signing secrets in everything that is shown. With `--redact` it also hides what looks like a
//! mail address or a personal number.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use regex::Regex;
use serde_json::{Map, Value};

use super::callback_tokens::CallbackTokens;
use crate::base::{PREFIXES, PUBLIC_KEY};

/// Stands for a hidden text.
const HIDDEN: &str = "…";

/// The headers in which a callback carries its token.
const TOKEN_HEADERS: [&str; 2] = ["x-callback-token", "x-iluma-callback-token"];

/// A control token with fewer characters may be any word. It is hidden only as a whole word.
const CONTROL_TOKEN_CHARS_MIN: usize = 8;

/// API keys, also in base64, and signing secrets. The beginning is shown everywhere, because it names the kind of the secret.
/// A `=` may be a part of a key, so `KEY=KEY` is hidden as one: it has a `_`.
static KEY: LazyLock<Regex> = LazyLock::new(|| {
    let prefixes = PREFIXES.join("|");
    Regex::new(&format!("(?:{prefixes}|aWx1bWFf|whsec_)([A-Za-z0-9/=+_]+)"))
        .expect("the pattern is sound")
});

/// A text in base64 that is long enough for a secret.
static BASE64: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"[A-Za-z0-9+/_-]{16,}={0,2}").expect("the pattern is sound"));

static MAIL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"[\p{L}\p{N}._+-]+@[\p{L}\p{N}.-]+").expect("the pattern is sound")
});

static NUMBER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"[0-9]{9,}").expect("the pattern is sound"));

/// What must not be shown, and its exceptions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mask {
    tokens: Arc<CallbackTokens>,
    control_token: Option<Arc<str>>,
    /// Shown in the headers of callbacks.
    shown_token: Option<String>,
    shows_public_key: bool,
    hides_personal: bool,
}

impl Mask {
    /// Hides all API keys and signing secrets, and these tokens.
    pub(crate) fn new(tokens: Arc<CallbackTokens>) -> Self {
        Self {
            tokens,
            ..Self::default()
        }
    }

    /// Also hides the control token, which a client may have sent to the wrong place.
    pub(crate) fn with_control_token(mut self, token: Option<&str>) -> Self {
        self.control_token = token.map(Into::into);
        self
    }

    /// Also hides mail addresses and long numbers.
    pub(crate) fn with_personal(mut self, hides: bool) -> Self {
        self.hides_personal = hides;
        self
    }

    /// Shows this callback token in the headers of callbacks.
    pub(crate) fn showing_token(mut self, token: Option<String>) -> Self {
        self.shown_token = token;
        self
    }

    /// Shows the texts of scenario files: the documentation's key in their curl lines, and their dummy data.
    pub(crate) fn showing_scenarios(mut self) -> Self {
        self.shows_public_key = true;
        self.hides_personal = false;
        self
    }

    /// Hides secrets in all texts of a value, and in the names of its fields.
    pub(crate) fn hide(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Cow::Owned(hidden) = self.hidden(text) {
                    *text = hidden;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.hide(item)),
            Value::Object(map) => self.hide_fields(map),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Whether it hides anything in the texts of a value, or in the names of its fields.
    pub(crate) fn hides_in(&self, value: &Value) -> bool {
        let hides = |text: &str| matches!(self.hidden(text), Cow::Owned(_));
        match value {
            Value::String(text) => hides(text),
            Value::Array(items) => items.iter().any(|item| self.hides_in(item)),
            Value::Object(map) => {
                (map.iter()).any(|(name, value)| hides(name) || self.hides_in(value))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }

    /// The same for the fields of an object.
    fn hide_fields(&self, map: &mut Map<String, Value>) {
        for (name, value) in map.iter_mut() {
            if !self.is_shown_token(name, value) {
                self.hide(value);
            }
        }
        let has_secret = |name: &String| matches!(self.hidden(name), Cow::Owned(_));
        if map.keys().any(has_secret) {
            let entries = std::mem::take(map).into_iter();
            *map = entries
                .map(|(name, value)| (self.hidden(&name).into_owned(), value))
                .collect();
        }
    }

    fn is_shown_token(&self, name: &str, value: &Value) -> bool {
        let shown = self.shown_token.as_deref();
        shown.is_some() && value.as_str() == shown && TOKEN_HEADERS.contains(&name)
    }

    /// The text with its secrets hidden.
    pub(crate) fn hidden<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut places = self.places_in(text);
        if places.is_empty() {
            return Cow::Borrowed(text);
        }
        places.sort_unstable_by_key(|place| place.start);
        let mut hidden = String::with_capacity(text.len());
        let mut end = 0;
        for place in places {
            if place.start >= end {
                hidden.push_str(&text[end..place.start]);
                hidden.push_str(HIDDEN);
            }
            end = end.max(place.end);
        }
        hidden.push_str(&text[end..]);
        Cow::Owned(hidden)
    }

    /// What is to be hidden, also in an encoded form: percent-encoded, as an escape of JSON, secrets also in base64.
    fn places_in(&self, text: &str) -> Vec<Range<usize>> {
        let mut places = self.plain_secrets_in(text);
        if self.hides_personal {
            places.extend(MAIL.find_iter(text).map(|found| found.range()));
            places.extend(numbers_in(text));
        }
        if let Some((decoded, at)) = decoded(text) {
            let inner = self.places_in(&decoded).into_iter();
            places.extend(inner.map(|place| at[place.start]..at[place.end]));
        }
        let in_base64 = BASE64.find_iter(text).map(|run| run.range());
        places.extend(in_base64.filter(|run| self.is_secret_in_base64(&text[run.clone()])));
        places
    }

    fn plain_secrets_in(&self, text: &str) -> Vec<Range<usize>> {
        let keys = KEY.captures_iter(text);
        let keys = keys.filter(|found| !(self.shows_public_key && &found[0] == PUBLIC_KEY));
        let keys = keys.filter_map(|found| Some(found.get(1)?.range()));
        let tokens = self.tokens.find_in(text).into_iter();
        let tokens = tokens.filter(|place| !self.is_in_token_header(text, place));
        let control_token = self.control_token.iter();
        keys.chain(tokens)
            .chain(control_token.flat_map(|token| control_token_in(text, token)))
            .collect()
    }

    /// Whether this token may be shown, because it stands in the head of a callback.
    fn is_in_token_header(&self, text: &str, place: &Range<usize>) -> bool {
        self.shown_token.as_deref() == Some(&text[place.clone()]) && {
            let line = text[..place.start].rsplit('\n').next();
            let name = line.and_then(|line| line.strip_suffix(": "));
            name.is_some_and(|name| TOKEN_HEADERS.contains(&name))
        }
    }

    fn is_secret_in_base64(&self, run: &str) -> bool {
        let config = GeneralPurposeConfig::new()
            .with_decode_allow_trailing_bits(true)
            .with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let run = run.trim_end_matches('=');
        let whole = run.len() - usize::from(run.len() % 4 == 1);
        [STANDARD, URL_SAFE].iter().any(|alphabet| {
            let bytes = GeneralPurpose::new(alphabet, config).decode(&run[..whole]);
            let text = bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            text.is_ok_and(|text| !self.plain_secrets_in(&text).is_empty())
        })
    }
}

/// Numbers of nine digits or more that are no part of an id or of a fraction.
fn numbers_in(text: &str) -> impl Iterator<Item = Range<usize>> {
    let is_of_id = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let is_fraction = |before: &str| {
        let whole = before.strip_suffix('.');
        whole.is_some_and(|whole| whole.ends_with(|c: char| c.is_ascii_digit()))
    };
    let is_number = move |place: &Range<usize>| {
        let before = &text[..place.start];
        !before.ends_with(is_of_id)
            && !is_fraction(before)
            && !text[place.end..].starts_with(is_of_id)
    };
    NUMBER
        .find_iter(text)
        .map(|found| found.range())
        .filter(is_number)
}

/// Where the control token stands, or where a text was cut inside of it.
fn control_token_in(text: &str, token: &str) -> Vec<Range<usize>> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let is_long = token.len() >= CONTROL_TOKEN_CHARS_MIN;
    let mut places = Vec::new();
    for (at, _) in text.match_indices(token) {
        let end = at + token.len();
        let is_whole = !text[..at].ends_with(is_word) && !text[end..].starts_with(is_word);
        if is_long || is_whole {
            places.push(at..end);
        }
    }
    if !is_long {
        return places;
    }
    for (at, _) in text.match_indices(&token[..CONTROL_TOKEN_CHARS_MIN]) {
        let pairs = text[at..].bytes().zip(token.bytes());
        let end = at + pairs.take_while(|(one, other)| one == other).count();
        if text[end..].is_empty() || text[end..].starts_with(['`', '…', '"', '\n']) {
            places.push(at..end);
        }
    }
    places
}

/// The text without its percent-encoding and the escapes of JSON, and the place in the text of each of its bytes. None if
/// there is nothing to decode. Only ASCII is decoded: no secret has other characters.
fn decoded(text: &str) -> Option<(String, Vec<usize>)> {
    if !text.contains(['%', '\\']) {
        return None;
    }
    let mut decoded = String::with_capacity(text.len());
    let mut places = Vec::with_capacity(text.len() + 1);
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let (c, length) = escape_at(&text[at..]).unwrap_or((c, c.len_utf8()));
        decoded.push(c);
        places.resize(decoded.len(), at);
        at += length;
    }
    places.push(text.len());
    (decoded.len() < text.len()).then_some((decoded, places))
}

/// The ASCII character that an escape at the start of a text stands for, and the length of the escape.
fn escape_at(text: &str) -> Option<(char, usize)> {
    let ascii = |digits: Option<&str>, length: usize| {
        let byte = u8::from_str_radix(digits?, 16).ok()?;
        byte.is_ascii().then_some((char::from(byte), length))
    };
    match text.as_bytes() {
        [b'%', ..] => ascii(text.get(1..3), 3),
        [b'\\', b'u', b'0', b'0', ..] => ascii(text.get(4..6), 6),
        [b'\\', b'x', ..] => ascii(text.get(2..4), 4),
        [b'\\', c @ (b'/' | b'\\' | b'"'), ..] => Some((char::from(*c), 2)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "5b60990fe96f683b012174f17bfd70bcd10966516908eacb4615b32db0b2c3fb";

    fn mask() -> Mask {
        let tokens = CallbackTokens::default();
        tokens.add(TOKEN);
        tokens.add(&TOKEN.replace('5', "6"));
        Mask::new(tokens.into()).with_control_token(Some("control-token"))
    }

    #[test]
    fn secrets_are_hidden_wherever_they_stand() {
        let mask = mask();
        let basic = base64::engine::general_purpose::STANDARD.encode(format!("x:{PUBLIC_KEY}"));
        for (text, hidden) in [
            (PUBLIC_KEY.to_owned(), "iluma_development_…"),
            (
                format!("a={PUBLIC_KEY}&b={PUBLIC_KEY}&c=1"),
                "a=iluma_development_…&b=iluma_development_…&c=1",
            ),
            (format!("Basic {basic}"), "Basic …"),
            ("control-token, xcontrol-tokens".to_owned(), "…, x…s"),
            ("whsec_c2VjcmV0".to_owned(), "whsec_…"),
            (
                "iluma_live_ and no more".to_owned(),
                "iluma_live_ and no more",
            ),
            (format!("a{TOKEN}0"), "a…0"),
            ("5b60990 5b60991f".to_owned(), "5b60990 5b60991f"),
        ] {
            assert_eq!(mask.hidden(&text), hidden);
        }
        let mut value = serde_json::json!({"control-token": ["x", {"k": TOKEN}]});
        mask.hide(&mut value);
        assert_eq!(value, serde_json::json!({"…": ["x", {"k": "…"}]}));
    }

    #[test]
    fn the_beginning_of_a_secret_that_was_cut_is_hidden() {
        let mask = mask();
        for cut in 8..64 {
            assert_eq!(mask.hidden(&format!("`{}`", &TOKEN[..cut])), "`…`");
        }
        assert_eq!(mask.hidden("`control-to`"), "`…`");
        assert_eq!(mask.hidden("iluma_live_a"), "iluma_live_…");
    }

    #[test]
    fn encoded_secrets_are_hidden() {
        let mask = mask();
        let percent = TOKEN.bytes().map(|byte| format!("%{byte:02X}"));
        let percent = percent.collect::<Vec<_>>().concat();
        for text in [
            percent.clone(),
            percent.replace('%', "%25"),
            "iluma%5Flive%5Fabc%2Fdef".to_owned(),
            r"iluma\u005flive\u005fabc\/def".to_owned(),
            "control%2Dtoken".to_owned(),
        ] {
            let hidden = mask.hidden(&text).into_owned();
            assert!(hidden.ends_with('…'), "{text}: {hidden}");
        }
        let text = r#"{"é": "%41\n%zz"}"#;
        assert_eq!(mask.hidden(text), text);
    }

    #[test]
    fn a_short_control_token_is_hidden_only_as_a_whole_word() {
        let mask = Mask::default().with_control_token(Some("s3cret"));
        assert_eq!(mask.hidden("s3cret, s3crets"), "…, s3crets");
    }

    #[test]
    fn with_redact_mail_addresses_and_long_numbers_are_hidden_and_ids_are_not() {
        let mask = Mask::default().with_personal(true);
        for (text, hidden) in [
            ("`zubaidah@acme.id` and +6281399887766.", "`…` and +…."),
            ("3171011202800001", "…"),
            (
                "12345678-10 nmvl_123456789012",
                "12345678-10 nmvl_123456789012",
            ),
            ("-F selfie=@selfie.png", "-F selfie=@selfie.png"),
        ] {
            assert_eq!(mask.hidden(text), hidden);
        }
    }
}
