//! Small texts: lists of words, the nearest known word, hex, reasons from the system.

use std::io::{self};

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

/// The known word nearest to the written one, if it is near enough to be meant.
pub(crate) fn nearest<'a>(
    written: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let written = written.to_lowercase();
    known
        .into_iter()
        .map(|word| (strsim::jaro_winkler(&written, &word.to_lowercase()), word))
        .filter(|(likeness, _)| *likeness >= 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, word)| word)
}

/// `` : did you mean `x`? `` as the end of a sentence; nothing where no known word is near.
pub(crate) fn nearest_clause<'a>(
    written: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> String {
    nearest(written, known).map_or(String::new(), |near| format!(": did you mean `{near}`?"))
}

/// `` Did you mean `x`? `` between two sentences, after a space; nothing where no known word is near.
pub(crate) fn nearest_sentence<'a>(
    written: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> String {
    nearest(written, known).map_or(String::new(), |near| format!(" Did you mean `{near}`?"))
}

/// `` did you mean `x`? `` or, where no known word is near, all of them: ``known are `a`, `b` and `c` ``.
pub(crate) fn nearest_or_all<'a>(
    written: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> String {
    match nearest(written, known.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known are {}", listed(known)),
    }
}

/// `` `a`, `b` and `c` ``
pub(crate) fn listed<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<_> = words.into_iter().map(|word| format!("`{word}`")).collect();
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
