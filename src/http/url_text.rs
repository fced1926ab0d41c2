//! Reads the text of paths, queries and forms. Text must be UTF-8; nothing is replaced silently.

use std::borrow::Cow;

use percent_encoding::percent_decode;

use crate::base::short;

/// A path in its normal form (RFC 3986, 6.2.2.2): `%5F` becomes `_`. A `%2F` stays, because it is data and no slash.
pub(crate) fn normal_path(path: &str) -> Cow<'_, str> {
    if !path.contains('%') {
        return path.into();
    }
    let mut normal = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('%') {
        normal.push_str(before);
        match escaped_byte(after.as_bytes()) {
            Some(byte) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                normal.push(char::from(byte));
                rest = &after[2..];
            }
            Some(_) | None => {
                normal.push('%');
                rest = after;
            }
        }
    }
    normal.push_str(rest);
    normal.into()
}

/// Refuses a path with a broken escape, or with bytes that are not UTF-8.
pub(crate) fn check_path(path: &str) -> Result<(), String> {
    if !path.contains('%') {
        return Ok(());
    }
    let mut rest = path;
    while let Some((_, after)) = rest.split_once('%') {
        if escaped_byte(after.as_bytes()).is_none() {
            let broken: String = after.chars().take(2).collect();
            return Err(format!(
                "The path has the broken escape `%{}`: write two hex digits after a `%`, and `%25` for the sign itself.",
                short(&broken)
            ));
        }
        rest = after;
    }
    let wrong = path
        .split('/')
        .find(|part| decode(part.as_bytes()).is_err());
    wrong.map_or(Ok(()), |part| {
        Err(format!(
            "The path segment `{}` is not UTF-8 text.",
            short(part)
        ))
    })
}

/// The byte that two hex digits at the start of a text stand for.
fn escaped_byte(digits: &[u8]) -> Option<u8> {
    let digit = |at: usize| char::from(*digits.get(at)?).to_digit(16);
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}

/// The text of a path's segment. A segment that is not UTF-8 stays as it was sent.
pub(crate) fn segment_text(segment: &str) -> Cow<'_, str> {
    decode(segment.as_bytes()).unwrap_or(segment.into())
}

/// The pairs of a query or a form. The error is a sentence about a name or a value that is not UTF-8.
pub(crate) fn pairs(
    encoded: &[u8],
) -> impl Iterator<Item = Result<(Cow<'_, str>, Cow<'_, str>), String>> {
    encoded_pairs(encoded).map(|(name, value)| {
        let shown = || short(&sent_text(name));
        let name_text =
            decode_plus(name).ok_or_else(|| format!("the name `{}` is not UTF-8 text", shown()))?;
        let value_text = decode_plus(value)
            .ok_or_else(|| format!("the value of `{}` is not UTF-8 text", short(&name_text)))?;
        Ok((name_text, value_text))
    })
}

/// The pairs of a query or a form, for a reader of the journal. A text that is not UTF-8 stays as it was sent.
pub(crate) fn shown_pairs(encoded: &[u8]) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    let shown = |text| decode_plus(text).unwrap_or_else(|| sent_text(text));
    encoded_pairs(encoded).map(move |(name, value)| (shown(name), shown(value)))
}

fn encoded_pairs(encoded: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let pairs = encoded.split(|byte| *byte == b'&');
    pairs.filter(|pair| !pair.is_empty()).map(|pair| {
        let end = pair.iter().position(|byte| *byte == b'=');
        end.map_or((pair, &[][..]), |end| (&pair[..end], &pair[end + 1..]))
    })
}

/// Decodes `%41` and `+`. None if the result is not UTF-8.
fn decode_plus(encoded: &[u8]) -> Option<Cow<'_, str>> {
    if !encoded.contains(&b'+') {
        return decode(encoded).ok();
    }
    let blanks: Vec<u8> = encoded
        .iter()
        .map(|byte| if *byte == b'+' { b' ' } else { *byte })
        .collect();
    let text = decode(&blanks).ok()?.into_owned();
    Some(text.into())
}

fn decode(encoded: &[u8]) -> Result<Cow<'_, str>, std::str::Utf8Error> {
    percent_decode(encoded).decode_utf8()
}

/// A text that is not UTF-8, with every wrong byte percent-encoded.
fn sent_text(encoded: &[u8]) -> Cow<'_, str> {
    let mut text = String::new();
    for chunk in encoded.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|byte| format!("%{byte:02X}")));
    }
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_read_as_browsers_write_them() {
        for encoded in [
            "",
            "&",
            "a",
            "a=",
            "=b",
            "a=b=c&&d",
            "a+b=%2B+%C3%A4",
            "50%=%zz&%4",
            "a=ä",
        ] {
            let own: Vec<_> = shown_pairs(encoded.as_bytes()).collect();
            let theirs: Vec<_> = form_urlencoded::parse(encoded.as_bytes()).collect();
            assert_eq!(own, theirs, "{encoded}");
        }
    }
}
