//! Small texts: lists of words, the nearest known word, hex, reasons from the system, texts that are safe to print.

use std::borrow::Cow;
use std::io::{self};
use std::sync::LazyLock;

use regex::{Captures, Regex};
use unicode_width::UnicodeWidthChar;

/// Characters that a terminal obeys or does not show: control characters, bidi controls, characters without width, and
/// the separators of lines and paragraphs.
static INVISIBLE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]").expect("the pattern is sound"));

/// The same without line breaks and tabs.
static INVISIBLE_IN_LINES: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"[\p{Cc}\p{Cf}\p{Zl}\p{Zp}--\n\t]").expect("the pattern is sound")
});

/// One line of text that is safe for a terminal and for a log: `\u{9b}` stands for an invisible character.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    if text.bytes().all(is_printed) {
        return text.into();
    }
    INVISIBLE.replace_all(text, |found: &Captures<'_>| escaped(&found[0]))
}

/// The same for a text of several lines.
pub(crate) fn visible_lines(text: &str) -> Cow<'_, str> {
    if text
        .bytes()
        .all(|byte| matches!(byte, b'\n' | b'\t') || is_printed(byte))
    {
        return text.into();
    }
    INVISIBLE_IN_LINES.replace_all(text, |found: &Captures<'_>| escaped(&found[0]))
}

/// True for a character that a terminal does not draw, or that changes how it draws others.
pub(crate) fn is_invisible(c: char) -> bool {
    INVISIBLE.is_match(c.encode_utf8(&mut [0; 4]))
}

/// Texts of such bytes need no pattern. The start prints no others, so it compiles none of the patterns.
fn is_printed(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

fn escaped(character: &str) -> String {
    character.escape_unicode().to_string()
}

/// JSON with the same characters as `\u009b`, so that it is still the same JSON.
pub(crate) fn visible_json(json: &str) -> Cow<'_, str> {
    INVISIBLE_IN_LINES.replace_all(json, |found: &Captures<'_>| {
        let units = found[0].encode_utf16().map(|unit| format!("\\u{unit:04x}"));
        units.collect::<String>()
    })
}

/// A name as one part of a JSON Pointer.
pub(crate) fn pointer_part(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// How much of a text that somebody else wrote is repeated in a message.
const REPEATED_CHARS_MAX: usize = 100;

/// A text that somebody else wrote, as a message repeats it: its first characters, without control characters.
pub(crate) fn short(text: &str) -> String {
    shortened(text, REPEATED_CHARS_MAX)
}

/// The same with another length.
pub(crate) fn shortened(text: &str, chars_max: usize) -> String {
    let plain = text.chars().filter(|c| !c.is_control());
    plain.take(chars_max).collect()
}

/// An input or output error in one clause, without the number that the system adds.
pub(crate) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((reason, _)) => reason.to_lowercase(),
        None => text,
    }
}

/// Longer words are compared with none: the work grows with the product of both lengths.
const COMPARED_BYTES_MAX: usize = 200;

/// Parts of a word up to this length are too short to tell which word is meant.
const SHORT_PART: usize = 3;

/// More words are not compared.
const COMPARED_WORDS_MAX: usize = 1000;

/// More words are not listed in a message.
const LISTED_WORDS_MAX: usize = 100;

/// The known word nearest to the written one, if it is near enough to be meant.
pub(crate) fn nearest<'a>(
    written: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    if written.len() > COMPARED_BYTES_MAX {
        return None;
    }
    let written = written.to_lowercase();
    known
        .into_iter()
        .take(COMPARED_WORDS_MAX)
        .filter(|word| word.len() <= COMPARED_BYTES_MAX)
        .filter_map(|word| Some((likeness(&written, &word.to_lowercase())?, word)))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, word)| word)
}

/// Whether a written word can mean a known one.
pub(crate) fn can_mean(written: &str, known: &str) -> bool {
    likeness(&written.to_lowercase(), &known.to_lowercase()).is_some()
}

/// How like two words are, if one can be meant by the other: at least half of the longer one is the same, or the known
/// one has every part of the written one. `foo` is not meant for `found`, although their beginnings are alike.
fn likeness(written: &str, known: &str) -> Option<f64> {
    let likeness = strsim::jaro_winkler(written, known);
    let can_be_meant = likeness >= 0.75
        && (strsim::normalized_damerau_levenshtein(written, known) >= 0.5
            || begins_with_parts(known, written)
            || has_all_parts(known, written));
    can_be_meant.then_some(likeness)
}

/// Whether the written word is the first part of the known one, or its first parts: `v2/ktp` of `v2/ktp_data_requests`.
fn begins_with_parts(known: &str, written: &str) -> bool {
    let rest = known.strip_prefix(written);
    rest.is_some_and(|rest| rest.starts_with(|c: char| !c.is_alphanumeric()))
}

/// Whether every part of the written word begins a part of the known one, as `completed` does in `completed_found`.
fn has_all_parts(known: &str, written: &str) -> bool {
    let parts = |word: &str| -> Vec<String> {
        let parts = word.split(|c: char| !c.is_alphanumeric());
        let parts = parts.filter(|part| !part.is_empty());
        parts.map(str::to_owned).collect()
    };
    let known = parts(known);
    let begins = |part: &String| known.iter().any(|known| known.starts_with(part.as_str()));
    let mut written = parts(written);
    written.retain(|part| part.len() > SHORT_PART);
    !written.is_empty() && written.iter().all(begins)
}

/// `` : did you mean `x`? `` as the end of a sentence; nothing where no known word is near.
pub(crate) fn nearest_clause<'a>(
    written: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> String {
    nearest(written, known).map_or(String::new(), |near| {
        format!(": did you mean {}?", named_near(written, near))
    })
}

/// `` Did you mean `x`? `` between two sentences, after a space; nothing where no known word is near.
pub(crate) fn nearest_sentence<'a>(
    written: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> String {
    nearest(written, known).map_or(String::new(), |near| {
        format!(" Did you mean {}?", named_near(written, near))
    })
}

/// The nearest known field in place of the list of all of them, where a message of serde names an unknown field:
/// `` `tmies`: did you mean `times`? ``
pub(crate) fn unknown_field(message: &str) -> Option<String> {
    let (written, known) = message
        .strip_prefix("unknown field `")?
        .split_once("`, expected ")?;
    let known: Vec<_> = known.split('`').skip(1).step_by(2).collect();
    Some(format!("`{written}`: {}", nearest_or_all(written, known)))
}

/// `` did you mean `x`? `` or, where no known word is near, all of them: ``known are `a`, `b` and `c` ``.
pub(crate) fn nearest_or_all<'a>(
    written: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> String {
    match nearest(written, known.clone()) {
        Some(near) => format!("did you mean {}?", named_near(written, near)),
        None => format!("known are {}", listed(known)),
    }
}

/// A known word, with the difference if the written one looks the same.
pub(crate) fn named_near(written: &str, near: &str) -> String {
    match look_alike(near, written) {
        Some(difference) => format!("`{near}` (they look alike: {difference})"),
        None => format!("`{near}`"),
    }
}

/// `` `a`, `b` and `c` ``
pub(crate) fn listed<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let mut words = words.into_iter();
    let shown = words.by_ref().take(LISTED_WORDS_MAX);
    let mut shown: Vec<_> = shown.map(|word| format!("`{word}`")).collect();
    match words.count() {
        0 => {}
        more => shown.push(format!("{more} more")),
    }
    let words = shown;
    match words.as_slice() {
        [] => "none".to_owned(),
        [only] => only.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// The name of a field in snake case: `given_names` for `givenNames`, `Given-Names` and `given names`.
pub(crate) fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 2);
    let mut was_lower = false;
    for c in name.chars() {
        if c.is_uppercase() && was_lower {
            snake.push('_');
        }
        was_lower = c.is_lowercase() || c.is_ascii_digit();
        match c {
            '-' | ' ' | '.' => snake.push('_'),
            _ => snake.extend(c.to_lowercase()),
        }
    }
    snake
}

/// From this character on, a text in a message may be cut.
const SURELY_SHOWN_CHARS: usize = 60;

/// Longer texts are not searched for characters that look alike.
const ALIKE_BYTES_MAX: usize = 4096;

/// How many characters are named where two texts differ.
const NAMED_CHARS_MAX: usize = 6;

/// How two texts differ that look alike in a message: `` `é` U+00E9 against `e` U+0065 U+0301 at character 4 ``. None if
/// they are equal, or if everybody sees the difference.
pub(crate) fn look_alike(expected: &str, received: &str) -> Option<String> {
    let pairs = expected.chars().zip(received.chars());
    let same = pairs.take_while(|(one, other)| one == other).count();
    let [expected_rest, received_rest] = [expected, received].map(|text| rest_after(text, same));
    let are_equal = expected_rest.is_empty() && received_rest.is_empty();
    if are_equal || same < SURELY_SHOWN_CHARS && !are_confusable(expected, received) {
        return None;
    }
    Some(format!(
        "{} against {} at character {}",
        first_character(expected_rest),
        first_character(received_rest),
        same + 1
    ))
}

fn rest_after(text: &str, count: usize) -> &str {
    let at = text.char_indices().nth(count);
    at.map_or("", |(at, _)| &text[at..])
}

/// Whether readers take two texts for the same one. A page shows several blanks as one.
fn are_confusable(one: &str, other: &str) -> bool {
    let looks = |text: &str| {
        let skeleton: String = unicode_security::skeleton(text).collect();
        skeleton.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    one.len().max(other.len()) <= ALIKE_BYTES_MAX && looks(one) == looks(other)
}

/// The first character with the marks on it, by its code points. An invisible one is only named.
fn first_character(text: &str) -> String {
    let Some(first) = text.chars().next() else {
        return "nothing".to_owned();
    };
    let marks = text.chars().skip(1).take_while(|c| c.width() == Some(0));
    let points = std::iter::once(first).chain(marks).take(NAMED_CHARS_MAX);
    let points: Vec<_> = points.map(code_point).collect();
    let points = points.join(" ");
    if first.is_alphanumeric() || first.is_ascii_graphic() {
        format!("`{first}` {points}")
    } else {
        points
    }
}

/// `U+00E9`
pub(crate) fn code_point(c: char) -> String {
    format!("U+{:04X}", u32::from(c))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_or_does_not_show_is_an_escape() {
        let sent = "a\u{1b}[2J\u{9b}\u{202e}\u{2066}\u{200b}\u{2028}\u{feff}\u{e0041}\r\n\té日";
        let shown = r"a\u{1b}[2J\u{9b}\u{202e}\u{2066}\u{200b}\u{2028}\u{feff}\u{e0041}";
        assert_eq!(visible(sent), format!(r"{shown}{}é日", r"\u{d}\u{a}\u{9}"));
        assert_eq!(visible_lines(sent), format!("{shown}\\u{{d}}\n\té日"));
    }

    #[test]
    fn json_with_visible_escapes_is_the_same_json() {
        let value = serde_json::json!({"\u{9b}": "\u{202e}\u{e0041}\u{7f}\n"});
        let shown = visible_json(&format!("{value:#}")).into_owned();
        assert_eq!(
            shown,
            "{\n  \"\\u009b\": \"\\u202e\\udb40\\udc41\\u007f\\n\"\n}"
        );
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&shown).ok(),
            Some(value)
        );
    }
}
