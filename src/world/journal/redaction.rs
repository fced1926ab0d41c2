//! `--redact`: personal values are not shown. They are hidden only in what the control API writes about
//! requests, callbacks and reasons. Answers, callbacks and the checks of `verify` do not change.
//!
//! A value is personal by the name of its field, or by its form: a mail address, or nine or more digits. A
//! value that is hidden in a request is hidden in its reply too, wherever a sentence repeats it.

use std::sync::LazyLock;

use percent_encoding::percent_decode_str;
use regex::{Captures, Regex};
use serde_json::{Map, Value};

use crate::base::split_path;
use crate::catalogue::PersonalFields;
use crate::http::Traceparent;

/// Headers with nothing personal in them. The values of all other headers are hidden.
const PLAIN_HEADERS: [&str; 18] = [
    "accept",
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "expect",
    "host",
    "origin",
    "te",
    "transfer-encoding",
    "user-agent",
    "webhook-id",
    "webhook-signature",
    "webhook-timestamp",
    "x-callback-token",
    "x-iluma-callback-token",
    "x-sandbox-world",
];

/// Stands for a hidden value.
const HIDDEN: &str = "…";

/// Shorter values are hidden in their own field, but not looked for elsewhere.
const SOUGHT_BYTES_MIN: usize = 4;

/// A number with this many digits may be personal.
const DIGITS_MIN: usize = 9;

/// The values that were hidden. They are also looked for in sentences.
#[derive(Default)]
pub(crate) struct HiddenValues(Vec<String>);

/// A request with its reply, as the control API writes it. If the magic reply was understood, it names an outcome, and
/// may be shown.
pub(crate) fn redact_exchange(
    shown: &mut Value,
    has_magic: bool,
    personal: &PersonalFields,
) -> HiddenValues {
    let mut hidden = HiddenValues::default();
    path_in(&mut shown["path"], &mut hidden);
    for (part, is_whole) in [
        ("query", true),
        ("body", shown.get("body_sha256").is_none()),
        ("reply", shown.get("reply_sha256").is_none()),
    ] {
        contents(&mut shown[part], is_whole, personal, &mut hidden);
    }
    headers(&mut shown["headers"], has_magic, &mut hidden);
    hidden.redact_texts(&mut shown["reply"]);
    hidden.redact_texts(&mut shown["reply_headers"]);
    hidden
}

fn headers(shown: &mut Value, has_magic: bool, hidden: &mut HiddenValues) {
    for (name, value) in shown.as_object_mut().into_iter().flatten() {
        let is_plain = PLAIN_HEADERS.contains(&name.as_str())
            || has_magic && name == "x-magic-reply"
            || name == "traceparent" && value.as_str().is_some_and(is_traceparent);
        if is_plain {
            continue;
        }
        if name == "x-magic-reply" {
            hidden.add_words(value.as_str().unwrap_or_default());
        }
        hidden.hide(value);
    }
}

/// A callback with its attempts.
pub(crate) fn redact_delivery(shown: &mut Value, personal: &PersonalFields) {
    let mut hidden = HiddenValues::default();
    contents(&mut shown["body"], true, personal, &mut hidden);
    redact_url(&mut shown["url"]);
    hidden.hide(&mut shown["request_id"]);
    for attempt in shown["attempts"].as_array_mut().into_iter().flatten() {
        contents(&mut attempt["answer"], true, personal, &mut hidden);
        let head = attempt["request"].as_str().unwrap_or_default();
        let redacted = URL.replace_all(head, |url: &Captures<'_>| redacted_url(&url[0]));
        let lines = redacted.lines().map(redacted_line).collect::<Vec<_>>();
        attempt["request"] = lines.join("\n").into();
        redact_attempt(attempt, personal);
    }
}

/// A line of the head of an attempt. `x-request-id` and `tracestate` are texts of the client.
fn redacted_line(line: &str) -> String {
    match line.split_once(": ") {
        Some((name @ ("x-request-id" | "tracestate"), _)) => format!("{name}: {HIDDEN}"),
        Some(_) | None => line.to_owned(),
    }
}

/// A trace id is drawn by chance, so it says nothing about a person.
fn is_traceparent(text: &str) -> bool {
    Traceparent::parse(text).is_some()
}

/// What an attempt says of the receiver's answer. Receivers repeat what they were sent.
pub(crate) fn redact_attempt(shown: &mut Value, personal: &PersonalFields) {
    let mut hidden = HiddenValues::default();
    contents(&mut shown["answer_line"], true, personal, &mut hidden);
    redact_url(&mut shown["location"]);
}

/// A request that an inbox received.
pub(crate) fn redact_received(shown: &mut Value, personal: &PersonalFields) {
    let mut hidden = HiddenValues::default();
    contents(&mut shown["body"], true, personal, &mut hidden);
    headers(&mut shown["headers"], false, &mut hidden);
}

/// The differences between some requests and an expectation.
pub(crate) fn redact_not_verified(shown: &mut Value, personal: &PersonalFields) {
    for near in shown["near_misses"].as_array_mut().into_iter().flatten() {
        if let Some(request) = near["request"].as_str() {
            let words = request.split(' ').map(redact_path).collect::<Vec<_>>();
            near["request"] = words.join(" ").into();
        }
        for difference in near["differences"].as_array_mut().into_iter().flatten() {
            let field = difference["field"].as_str().unwrap_or_default();
            let (kind, name) = field.split_once('.').unwrap_or((field, ""));
            let is_hidden = match kind {
                "path" | "request_id" => true,
                "traceparent" => false,
                "header" => !PLAIN_HEADERS.contains(&name),
                _ => {
                    split_path(name).iter().any(|part| personal.has(part))
                        || has_personal(&difference["received"])
                }
            };
            if is_hidden {
                HiddenValues::default().hide(&mut difference["expected"]);
                HiddenValues::default().hide(&mut difference["received"]);
                if let Some(difference) = difference.as_object_mut() {
                    difference.shift_remove("look_alike");
                }
            }
        }
    }
}

/// A path, of which a segment may be somebody's number or address.
pub(crate) fn redact_path(path: &str) -> String {
    let segments = path.split('/').map(|segment| {
        if is_personal_segment(segment) {
            HIDDEN
        } else {
            segment
        }
    });
    segments.collect::<Vec<_>>().join("/")
}

fn is_personal_segment(segment: &str) -> bool {
    let segment = percent_decode_str(segment).decode_utf8_lossy();
    let digits = segment.trim_start_matches('+');
    let is_number = digits.len() >= 6 && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number || segment.contains('@')
}

fn path_in(value: &mut Value, hidden: &mut HiddenValues) {
    if let Value::String(path) = value {
        hidden.redact_path(path);
    }
}

static URL: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"https?://\S+").expect("the pattern is sound"));

/// Hides the query of a URL, because it may name a person, and the personal segments of its path.
pub(crate) fn redacted_url(url: &str) -> String {
    let url = url.split('#').next().unwrap_or_default();
    match url.split_once('?') {
        Some((path, _)) => redact_path(path) + "?…",
        None => redact_path(url),
    }
}

fn redact_url(url: &mut Value) {
    if let Some(text) = url.as_str() {
        *url = redacted_url(text).into();
    }
}

/// Hides the personal values of JSON, also of JSON in a text. Any other text is hidden whole.
fn contents(
    value: &mut Value,
    is_whole: bool,
    personal: &PersonalFields,
    hidden: &mut HiddenValues,
) {
    match value {
        Value::Null => {}
        Value::String(text) if text.is_empty() => {}
        Value::String(text) => {
            let json = serde_json::from_str::<Value>(text).ok();
            let json = json.filter(|json| is_whole && (json.is_object() || json.is_array()));
            *text = json.map_or_else(
                || HIDDEN.to_owned(),
                |mut json| {
                    fields(&mut json, personal, hidden);
                    json.to_string()
                },
            );
        }
        json => fields(json, personal, hidden),
    }
}

fn fields(value: &mut Value, personal: &PersonalFields, hidden: &mut HiddenValues) {
    match value {
        Value::Object(map) => {
            for (name, value) in map.iter_mut() {
                if personal.has(name) || !FIELD.is_match(name) {
                    hidden.hide(value);
                } else {
                    fields(value, personal, hidden);
                }
            }
            hidden.hide_names(map, |name| FIELD.is_match(name) || personal.has(name));
        }
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| fields(item, personal, hidden)),
        Value::String(text) if text.starts_with("http") => redact_url(value),
        one if has_personal(one) => hidden.hide(one),
        _ => {}
    }
}

/// The name of a field: `given_names`, `bankCode`, `addresses[0].city`, `X-Y`, `MSISDN`. A word with one capital letter
/// may be the name of a person.
static FIELD: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"^(?:[a-z_$][A-Za-z_]*|[A-Z_]+)[0-9]{0,2}(?:[\[\].-]+(?:[A-Za-z_]+[0-9]{0,2}|[0-9]{1,3})?)*$";
    Regex::new(pattern).expect("the pattern is sound")
});

/// Whether the form of a value says that it is personal.
fn has_personal(value: &Value) -> bool {
    match value {
        Value::String(text) => {
            let digits = text.bytes().filter(u8::is_ascii_digit).count();
            let is_number = |c: char| c.is_ascii_digit() || "+-. ()/".contains(c);
            text.contains('@') || digits >= DIGITS_MIN && text.chars().all(is_number)
        }
        Value::Number(number) => number.to_string().len() >= DIGITS_MIN,
        _ => false,
    }
}

impl HiddenValues {
    fn add(&mut self, value: &str) {
        if value.len() >= SOUGHT_BYTES_MIN && value != "true" && value != "false" {
            self.0.push(value.to_owned());
        }
    }

    /// Hides the found values in all texts of a value.
    pub(crate) fn hide(&mut self, value: &mut Value) {
        match value {
            Value::Null => {}
            Value::Object(map) => {
                self.hide_all(map);
                self.hide_names(map, |name| FIELD.is_match(name));
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.hide(item)),
            Value::String(text) => self.hide_text(text),
            one => {
                self.add(&one.to_string());
                *one = HIDDEN.into();
            }
        }
    }

    /// Hides the values of an object; its names stay.
    pub(crate) fn hide_all(&mut self, map: &mut Map<String, Value>) {
        map.values_mut().for_each(|value| self.hide(value));
    }

    /// Hides the names that are no names of fields: a client may send somebody's name or number as one.
    fn hide_names(&mut self, map: &mut Map<String, Value>, is_field: impl Fn(&str) -> bool) {
        if map.keys().all(|name| is_field(name)) {
            return;
        }
        let entries = std::mem::take(map).into_iter().map(|(name, value)| {
            if is_field(&name) {
                return (name, value);
            }
            self.add(&name);
            (HIDDEN.to_owned(), value)
        });
        *map = entries.collect();
    }

    /// Adds the words of a text that a sentence may repeat in parts.
    fn add_words(&mut self, text: &str) {
        text.split([' ', '=', ';', ',', '(', ')'])
            .for_each(|word| self.add(word));
    }

    pub(crate) fn hide_text(&mut self, text: &mut String) {
        self.add(text);
        HIDDEN.clone_into(text);
    }

    /// Hides the personal segments of a path.
    pub(crate) fn redact_path(&mut self, path: &mut String) {
        let segments = path.split('/');
        let personal = segments.filter(|segment| is_personal_segment(segment));
        personal.for_each(|segment| self.add(segment));
        *path = redact_path(path);
    }

    /// Hides in a sentence the values that were hidden before.
    pub(crate) fn redact_text(&self, text: &mut String) {
        for value in &self.0 {
            if text.contains(value.as_str()) {
                *text = text.replace(value.as_str(), HIDDEN);
            }
        }
    }

    /// The same in all texts of a value.
    fn redact_texts(&self, value: &mut Value) {
        match value {
            Value::String(text) => self.redact_text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.redact_texts(item)),
            Value::Object(map) => map.values_mut().for_each(|value| self.redact_texts(value)),
            _ => {}
        }
    }
}
