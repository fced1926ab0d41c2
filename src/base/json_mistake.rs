//! Explains why a body is no JSON: the place, the most likely cause, and what to do. Nothing of the body is repeated but
//! single characters.

use std::fmt;

use serde_json::Value;
use serde_json::error::Category;

use super::text::code_point;

/// What the parser says, at which place, and the most likely cause.
#[derive(Debug)]
pub(crate) struct JsonMistake {
    reason: String,
    line: usize,
    column: usize,
    /// The cause and the remedy, without a full stop at the end.
    hint: Option<String>,
}

const COMPRESSED: &str = "The body is compressed: send it uncompressed";
const BYTE_ORDER_MARK: &str =
    "The body begins with a byte order mark (BOM): write it as UTF-8 without BOM";
const UTF_16: &str = "The body is UTF-16, as Windows PowerShell writes files: write it as UTF-8";
const LATIN_1: &str =
    "The body is not UTF-8 but probably Latin-1 or Windows-1252: write it as UTF-8";
const SURROGATE: &str = "Half of a surrogate pair stands there: a text was cut within a character such as an emoji. \
                         Cut texts between characters";
const FILE_NAME: &str = "The body is the name of a file, not its content: write `-d @FILE` for curl, without a quote \
                         before the `@` and without `--data-raw`";
const SINGLE_QUOTES: &str = "JSON takes double quotes, not single ones. In Python, use `json.dumps`. In a Windows shell, \
                             write the JSON into a file and send it with `-d @FILE`";
const NO_QUOTES: &str = "Keys and texts need double quotes. A Windows shell removes them: write the JSON into a file and \
                         send it with `-d @FILE`";
const BACKSLASH: &str = "A backslash stands outside of a text: within single quotes of a shell, write `\"` and not `\\\"`";
const COMMENT: &str = "JSON has no comments: remove them";
const LITERAL: &str = "JSON writes `true`, `false` and `null`, in lower case, and has no `NaN` and no `undefined`. In \
                       Python, use `json.dumps`";
const STRINGIFY: &str = "A JavaScript object was sent as text: use `JSON.stringify`";
const FORM: &str =
    "The body looks like a form: send it with `content-type: application/x-www-form-urlencoded`";
const MARKUP: &str = "The body looks like XML or HTML: send JSON";
const ENCODED_TWICE: &str =
    "The JSON was encoded twice: send the object, not a text that contains it";

/// The first bytes of bodies that are not plain UTF-8.
const FIRST_BYTES: [(&[u8], &str); 9] = [
    (b"\x1f\x8b", COMPRESSED),         // gzip
    (b"\x78\x01", COMPRESSED),         // deflate
    (b"\x78\x9c", COMPRESSED),         // deflate
    (b"\x78\xda", COMPRESSED),         // deflate
    (b"\x28\xb5\x2f\xfd", COMPRESSED), // zstd
    (b"\xef\xbb\xbf", BYTE_ORDER_MARK),
    (b"\xff\xfe", UTF_16),
    (b"\xfe\xff", UTF_16),
    (b"\0", UTF_16),
];

/// Words of other languages where JSON has a value.
const LITERALS: [&str; 7] = [
    "True",
    "False",
    "None",
    "NaN",
    "nan",
    "Infinity",
    "undefined",
];

impl JsonMistake {
    pub(crate) fn of(body: &[u8], error: &serde_json::Error) -> Self {
        let text = error.to_string();
        let reason = text
            .rsplit_once(" at line ")
            .map_or(text.as_str(), |(reason, _)| reason);
        let mut mistake = Self {
            reason: reason.to_owned(),
            line: error.line(),
            column: error.column(),
            hint: None,
        };
        if reason == "invalid unicode code point" {
            mistake.move_to_first_broken_character(body);
        }
        // Otherwise it is JSON, but has other fields than expected.
        if matches!(error.classify(), Category::Syntax | Category::Eof) {
            mistake.hint = mistake.find_hint(body);
        }
        mistake
    }

    /// The parser counts wrongly after an escape in the same text.
    fn move_to_first_broken_character(&mut self, body: &[u8]) {
        let Err(error) = std::str::from_utf8(body) else {
            return;
        };
        let before = &body[..error.valid_up_to()];
        let lines: Vec<_> = before.split(|byte| *byte == b'\n').collect();
        self.line = lines.len();
        self.column = 1 + lines.last().map_or(0, |line| line.len());
    }

    fn find_hint(&self, body: &[u8]) -> Option<String> {
        let rest = self.rest_of(body);
        let known = first_bytes_hint(body)
            .or_else(|| whole_hint(body))
            .or_else(|| self.escape_hint())
            .or_else(|| word_hint(rest));
        known.map_or_else(|| character_hint(rest), |hint| Some(hint.to_owned()))
    }

    /// The body from the character on that the parser did not expect.
    fn rest_of<'b>(&self, body: &'b [u8]) -> &'b [u8] {
        let lines = body.split_inclusive(|byte| *byte == b'\n');
        let lines_before = lines.take(self.line.saturating_sub(1));
        let at = lines_before.map(<[u8]>::len).sum::<usize>() + self.column.saturating_sub(1);
        body.get(at..).unwrap_or_default()
    }

    fn escape_hint(&self) -> Option<&'static str> {
        let reasons = [
            "lone leading surrogate in hex escape",
            "unexpected end of hex escape",
        ];
        reasons.contains(&self.reason.as_str()).then_some(SURROGATE)
    }
}

impl fmt::Display for JsonMistake {
    /// Ends without a full stop, as all reasons do.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} at line {} column {}",
            self.reason, self.line, self.column
        )?;
        match &self.hint {
            Some(hint) => write!(f, ". {hint}"),
            None => Ok(()),
        }
    }
}

/// What to do, if a value that is no object was probably meant to be one.
pub(crate) fn no_object_hint(value: &Value) -> Option<&'static str> {
    let text = value.as_str()?.trim_start();
    match text.chars().next()? {
        '@' => Some(FILE_NAME),
        '{' | '[' => Some(ENCODED_TWICE),
        _ => None,
    }
}

/// Whether a body without a type of its own is meant to be JSON, even if it is broken.
pub(crate) fn looks_like_json(body: &[u8]) -> bool {
    match without_quote(body.trim_ascii_start()) {
        [b'{', ..] | [b'\\' | b'[', b'{' | b'"', ..] => true,
        [b'@', name @ ..] => !name.contains(&b'='),
        _ => first_bytes_hint(body).is_some(),
    }
}

/// A body without the quote of a shell that did not remove it.
fn without_quote(body: &[u8]) -> &[u8] {
    let quotes = ["'", "\"", "\u{201c}", "\u{2018}"].map(str::as_bytes);
    let stripped = quotes.iter().find_map(|quote| body.strip_prefix(*quote));
    stripped.unwrap_or(body).trim_ascii_start()
}

fn first_bytes_hint(body: &[u8]) -> Option<&'static str> {
    if let [b'{' | b'[' | b'"', 0, ..] = body {
        return Some(UTF_16); // without a byte order mark
    }
    let known = FIRST_BYTES
        .iter()
        .find(|(first, _)| body.starts_with(first));
    known.map(|(_, hint)| *hint)
}

/// The hint about a body that is no JSON at all.
fn whole_hint(body: &[u8]) -> Option<&'static str> {
    match without_quote(body.trim_ascii_start()) {
        [b'@', ..] => Some(FILE_NAME),
        [b'<', ..] => Some(MARKUP),
        [first, rest @ ..] if first.is_ascii_alphanumeric() => {
            let is_form = rest.contains(&b'=') && !rest.contains(&b'{');
            is_form.then_some(FORM)
        }
        _ => None,
    }
}

/// The hint about the word or the sign that the parser did not expect.
fn word_hint(rest: &[u8]) -> Option<&'static str> {
    let length = rest.iter().position(|byte| !byte.is_ascii_alphanumeric());
    let word = &rest[..length.unwrap_or(rest.len())];
    match rest.first()? {
        b'\'' => Some(SINGLE_QUOTES),
        b'\\' => Some(BACKSLASH),
        b'/' => Some(COMMENT),
        _ if LITERALS.iter().any(|known| known.as_bytes() == word) => Some(LITERAL),
        b'o' if rest.starts_with(b"object Object]") => Some(STRINGIFY),
        byte if byte.is_ascii_alphabetic() || *byte == b'_' => Some(NO_QUOTES),
        _ => None,
    }
}

/// Names a character that JSON has only within texts.
fn character_hint(rest: &[u8]) -> Option<String> {
    let start = &rest[..rest.len().min(4)];
    let valid = match std::str::from_utf8(start) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&start[..error.valid_up_to()]).unwrap_or_default(),
    };
    match valid.chars().next() {
        None if matches!(rest, [0xed, 0xa0..=0xbf, ..]) => Some(SURROGATE.to_owned()),
        None if rest.is_empty() => None,
        None => Some(LATIN_1.to_owned()),
        Some(c) if c.is_ascii() => None,
        Some(c @ ('\u{2018}'..='\u{201f}' | '\u{ab}' | '\u{bb}' | '\u{ff02}' | '\u{ff07}')) => {
            Some(format!(
                "The quote there is {}: JSON takes straight double quotes (U+0022)",
                code_point(c)
            ))
        }
        Some(c) => Some(format!(
            "The character there is {}, which JSON has only within texts: remove it, or write a plain one",
            code_point(c)
        )),
    }
}
