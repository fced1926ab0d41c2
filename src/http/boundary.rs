//! The boundary of a multipart body, as the content-type gives it.

use hyper::HeaderMap;
use hyper::header::CONTENT_TYPE;

/// The boundary of a multipart body. The error is the reason why there is none.
pub(crate) fn boundary_of(headers: &HeaderMap) -> Result<String, String> {
    let content_type = headers.get(CONTENT_TYPE);
    let content_type = content_type.map_or_else(Default::default, |value| {
        String::from_utf8_lossy(value.as_bytes())
    });
    let mut boundaries = Vec::new();
    let mut rest = content_type.split_once(';').map(|(_, rest)| rest);
    while let Some(parameters) = rest {
        let (parameter, next) = Parameter::of(parameters)?;
        rest = next;
        if parameter.name.eq_ignore_ascii_case("boundary") {
            boundaries.push(parameter);
        }
    }
    match boundaries.as_slice() {
        [] => Err("the content-type does not say its boundary".to_owned()),
        [one] => one.boundary(),
        [_, ..] => Err("the content-type gives more than one boundary".to_owned()),
    }
}

/// A parameter of a header: `name=value` or `name="value"`.
struct Parameter<'h> {
    name: &'h str,
    value: String,
    is_quoted: bool,
}

impl<'h> Parameter<'h> {
    /// The first of these parameters, and those after its semicolon. A parameter without `=` has no name.
    fn of(parameters: &'h str) -> Result<(Self, Option<&'h str>), String> {
        let end = parameters.find([';', '=']).unwrap_or(parameters.len());
        let (name, behind) = parameters.split_at(end);
        let name = trimmed(name);
        let Some(value) = behind.strip_prefix('=') else {
            let nameless = Self {
                name: "",
                value: String::new(),
                is_quoted: false,
            };
            return Ok((nameless, behind.strip_prefix(';')));
        };
        let value = value.trim_start_matches(BLANKS);
        let Some(quoted) = value.strip_prefix('"') else {
            let (value, next) = split_at_semicolon(value);
            let parameter = Self {
                name,
                value: trimmed(value).to_owned(),
                is_quoted: false,
            };
            return Ok((parameter, next));
        };
        let (value, behind) = unquoted(quoted)
            .ok_or_else(|| format!("the content-type does not close the quotes of its {name}"))?;
        let (between, next) = split_at_semicolon(behind);
        if !trimmed(between).is_empty() {
            return Err(format!(
                "the content-type has something behind the quotes of its {name}"
            ));
        }
        let parameter = Self {
            name,
            value,
            is_quoted: true,
        };
        Ok((parameter, next))
    }

    fn boundary(&self) -> Result<String, String> {
        let value = &self.value;
        if value.is_empty() {
            return Err("the content-type gives an empty boundary".to_owned());
        }
        if !self.is_quoted && !value.bytes().all(is_token) {
            return Err(format!(
                "the content-type must give its boundary in quotes: boundary=\"{value}\""
            ));
        }
        Ok(value.clone())
    }
}

const BLANKS: [char; 2] = [' ', '\t'];

fn trimmed(text: &str) -> &str {
    text.trim_matches(BLANKS)
}

/// The text before the first semicolon, and the text after it.
fn split_at_semicolon(text: &str) -> (&str, Option<&str>) {
    match text.split_once(';') {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

/// A text up to its closing quotes, without the backslashes before quotes and backslashes, and the rest.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut rest = text.char_indices();
    while let Some((at, char)) = rest.next() {
        match char {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(rest.next()?.1),
            _ => value.push(char),
        }
    }
    None
}

/// A character that needs no quotes (RFC 9110, section 5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
