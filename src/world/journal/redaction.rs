//! `--redact`: personal values are not shown. They are hidden only in what the control API writes about
//! requests, callbacks and reasons. Answers, callbacks and the checks of `verify` do not change.
//!
//! A value is personal by the name of its field, or by its form: a mail address, or nine or more digits. A
//! value that is hidden in a request is hidden in its reply too, wherever a sentence repeats it.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

/// The names of personal fields in snake case. The inspector uses them too, and masks these fields until they
/// are clicked.
pub(crate) const PERSONAL: &str = "(^|_)(names?|surname|mother|niks?|ktp|npwp|number|account_no|id_card|digits|phone|mobile|\
    msisdn|email|address|addresses|street_line[12]|address_line[12]?|city|province|state|postal_code|birth|birthdate|\
    birthplace|dob|dates?_of_birth|gender|nationality|nationalities|holder|image|selfie|photo)$";

static IS_PERSONAL: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(&format!("(?i){PERSONAL}")).expect("the pattern is sound"));

/// Headers with nothing personal in them. The values of all other headers are hidden.
const PLAIN_HEADERS: [&str; 14] = [
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
    "x-magic-reply",
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
pub(crate) struct Found(Vec<String>);

/// A request with its reply, as the control API writes it.
pub(crate) fn redact_exchange(shown: &mut Value) -> Found {
    let mut found = Found::default();
    path_in(&mut shown["path"], &mut found);
    for (part, is_whole) in [
        ("query", true),
        ("body", shown.get("body_sha256").is_none()),
        ("reply", shown.get("reply_sha256").is_none()),
    ] {
        contents(&mut shown[part], is_whole, &mut found);
    }
    for (name, value) in shown["headers"].as_object_mut().into_iter().flatten() {
        if !PLAIN_HEADERS.contains(&name.as_str()) {
            hide(value, &mut found);
        }
    }
    found.scrub(&mut shown["reply"]);
    found.scrub(&mut shown["reply_headers"]);
    found
}

/// A callback with its attempts.
pub(crate) fn redact_delivery(shown: &mut Value) {
    let mut found = Found::default();
    contents(&mut shown["body"], true, &mut found);
    without_query(&mut shown["url"]);
    for attempt in shown["attempts"].as_array_mut().into_iter().flatten() {
        contents(&mut attempt["answer"], true, &mut found);
        let head = attempt["request"].as_str().unwrap_or_default();
        attempt["request"] = QUERY.replace_all(head, "?…").into();
    }
}

/// A request that an inbox received.
pub(crate) fn redact_received(shown: &mut Value) {
    contents(&mut shown["body"], true, &mut Found::default());
}

/// The differences between some requests and an expectation.
pub(crate) fn redact_not_verified(shown: &mut Value) {
    for near in shown["near_misses"].as_array_mut().into_iter().flatten() {
        if let Some(request) = near["request"].as_str() {
            let words = request.split(' ').map(redact_path).collect::<Vec<_>>();
            near["request"] = words.join(" ").into();
        }
        for difference in near["differences"].as_array_mut().into_iter().flatten() {
            let field = difference["field"].as_str().unwrap_or_default();
            let (kind, name) = field.split_once('.').unwrap_or((field, ""));
            let is_hidden = match kind {
                "path" => true,
                "header" => !PLAIN_HEADERS.contains(&name),
                _ => name.split('.').any(is_personal) || has_personal(&difference["received"]),
            };
            if is_hidden {
                hide(&mut difference["expected"], &mut Found::default());
                hide(&mut difference["received"], &mut Found::default());
            }
        }
    }
}

/// The explanation of an answer. Expected values come from the scenario and stay; received values are hidden.
pub(crate) fn redact_explanation(told: &mut Value, mut found: Found) {
    if let Some(path) = told.pointer_mut("/request/path") {
        path_in(path, &mut found);
    }
    for hidden in ["/decided_by/file_names", "/dummy_data/read"] {
        if let Some(hidden) = told.pointer_mut(hidden) {
            hide(hidden, &mut found);
        }
    }
    if let Some(decided) = told.get_mut("decided_by") {
        received_in(decided);
    }
    let rules = told.get_mut("rules").and_then(Value::as_array_mut);
    for rule in rules.into_iter().flatten() {
        received_in(&mut rule["failed"]);
    }
    nearest_rule(told);
    for said in ["because", "errors", "notes"] {
        if let Some(said) = told.get_mut(said) {
            found.scrub(said);
        }
    }
}

/// The sentence about the nearest rule quotes what was received.
fn nearest_rule(told: &mut Value) {
    let Some(nearest) = told.get_mut("nearest_rule") else {
        return;
    };
    let place = format!(
        "{}:{}",
        text_of(&nearest["place"]["file"]),
        nearest["place"]["line"]
    );
    let outcome = text_of(&nearest["outcome"]);
    let hidden = format!("{outcome} ({place}) would have answered, but for what is redacted here.");
    let differs = std::mem::replace(&mut nearest["differs"], hidden.as_str().into());
    let because = text_of(&told["because"]).replace(text_of(&differs), &hidden);
    told["because"] = because.into();
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Hides segments of a path that may be somebody's number or address.
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
    let digits = segment.trim_start_matches('+').trim_start_matches("%2B");
    let is_number = digits.len() >= 6 && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number || segment.contains('@') || segment.contains("%40")
}

fn path_in(value: &mut Value, found: &mut Found) {
    if let Some(text) = value.as_str() {
        let personal = text
            .split('/')
            .filter(|segment| is_personal_segment(segment));
        personal.for_each(|segment| found.add(segment));
        *value = redact_path(text).into();
    }
}

static QUERY: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\?[^\s#]+").expect("the pattern is sound"));

/// Hides the query of a URL, because it may name a person.
fn without_query(url: &mut Value) {
    if let Some(text) = url.as_str() {
        *url = QUERY.replace(text, "?…").into();
    }
}

fn received_in(conditions: &mut Value) {
    let conditions: &mut [Value] = match conditions {
        Value::Array(conditions) => conditions,
        Value::Null => return,
        one => std::slice::from_mut(one),
    };
    for condition in conditions {
        if let Some(received) = condition.get_mut("received") {
            hide(received, &mut Found::default());
        }
    }
}

/// Hides the personal values of JSON, also of JSON in a text. Any other text is hidden whole.
fn contents(value: &mut Value, is_whole: bool, found: &mut Found) {
    match value {
        Value::Null => {}
        Value::String(text) if text.is_empty() => {}
        Value::String(text) => {
            let json = serde_json::from_str::<Value>(text).ok();
            let json = json.filter(|json| is_whole && (json.is_object() || json.is_array()));
            *text = json.map_or_else(
                || HIDDEN.to_owned(),
                |mut json| {
                    fields(&mut json, found);
                    json.to_string()
                },
            );
        }
        json => fields(json, found),
    }
}

fn fields(value: &mut Value, found: &mut Found) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                if is_personal(name) {
                    hide(value, found);
                } else {
                    fields(value, found);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| fields(item, found)),
        Value::String(text) if text.starts_with("http") => without_query(value),
        one if has_personal(one) => hide(one, found),
        _ => {}
    }
}

/// Whether the name of a field says that it is personal, in any spelling: `givenNames`, `given-names`.
fn is_personal(name: &str) -> bool {
    let mut snake = String::with_capacity(name.len() + 2);
    let mut was_lower = false;
    for c in name.chars() {
        if c.is_uppercase() && was_lower {
            snake.push('_');
        }
        was_lower = c.is_lowercase() || c.is_ascii_digit();
        snake.push(if matches!(c, '-' | ' ' | '.') { '_' } else { c });
    }
    IS_PERSONAL.is_match(&snake)
}

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

/// Hides all values in a value. It stays visible that there is one.
fn hide(value: &mut Value, found: &mut Found) {
    match value {
        Value::Null => {}
        Value::Object(map) => map.values_mut().for_each(|value| hide(value, found)),
        Value::Array(items) => items.iter_mut().for_each(|item| hide(item, found)),
        one => {
            match &*one {
                Value::String(text) => found.add(text),
                other => found.add(&other.to_string()),
            }
            *one = HIDDEN.into();
        }
    }
}

impl Found {
    fn add(&mut self, value: &str) {
        if value.len() >= SOUGHT_BYTES_MIN && value != "true" && value != "false" {
            self.0.push(value.to_owned());
        }
    }

    /// Hides the found values in all texts of a value.
    fn scrub(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                for found in &self.0 {
                    if text.contains(found.as_str()) {
                        *text = text.replace(found.as_str(), HIDDEN);
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.scrub(item)),
            Value::Object(map) => map.values_mut().for_each(|value| self.scrub(value)),
            _ => {}
        }
    }
}
