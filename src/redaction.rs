//! `--redact`: personal fields are not shown. They are hidden on the way out, in what the control API writes of
//! requests, callbacks and reasons; answers, callbacks and the checks of `verify` are what they are without it.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

/// The names of personal fields, for the inspector too, which masks them until they are clicked.
pub(crate) const PERSONAL: &str = "(^|_)(names?|surname|mother|nik|npwp|number|id_card|digits|phone|email|address|addresses|\
    street_line[12]|city|province|state|postal_code|birth|birthdate|birthplace|dates?_of_birth|gender|nationality|\
    nationalities|holder|image|selfie|photo)$";

static IS_PERSONAL: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(&format!("(?i){PERSONAL}")).expect("the pattern is sound"));

/// What stands for what is not shown.
const HIDDEN: &str = "…";

/// A request with its reply, as the control API writes it.
pub(crate) fn exchange(shown: &mut Value) {
    path_in(&mut shown["path"]);
    for (part, is_whole) in [
        ("query", true),
        ("body", shown.get("body_sha256").is_none()),
        ("reply", shown.get("reply_sha256").is_none()),
    ] {
        contents(&mut shown[part], is_whole);
    }
}

/// A callback with its attempts.
pub(crate) fn delivery(shown: &mut Value) {
    contents(&mut shown["body"], true);
    for attempt in shown["attempts"].as_array_mut().into_iter().flatten() {
        contents(&mut attempt["answer"], true);
    }
}

/// What came to an inbox.
pub(crate) fn received(shown: &mut Value) {
    contents(&mut shown["body"], true);
}

/// What of some requests is otherwise than was expected.
pub(crate) fn not_verified(shown: &mut Value) {
    for near in shown["near_misses"].as_array_mut().into_iter().flatten() {
        if let Some(request) = near["request"].as_str() {
            let words = request.split(' ').map(path).collect::<Vec<_>>();
            near["request"] = words.join(" ").into();
        }
        for difference in near["differences"].as_array_mut().into_iter().flatten() {
            let field = difference["field"].as_str().unwrap_or_default();
            let (kind, name) = field.split_once('.').unwrap_or((field, ""));
            let is_personal = kind == "path" || name.split('.').any(is_personal);
            if is_personal {
                hide(&mut difference["expected"]);
                hide(&mut difference["received"]);
            }
        }
    }
}

/// Why a request was answered so: what was expected is the scenario's, what was received is hidden.
pub(crate) fn explanation(told: &mut Value) {
    if let Some(path) = told.pointer_mut("/request/path") {
        path_in(path);
    }
    for hidden in ["/decided_by/file_names", "/dummy_data/read"] {
        if let Some(hidden) = told.pointer_mut(hidden) {
            hide(hidden);
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

/// A path, of which a segment may be somebody's number or address.
pub(crate) fn path(path: &str) -> String {
    let hidden = |segment: &str| {
        let digits = segment.trim_start_matches(['+']).trim_start_matches("%2B");
        let is_number = digits.len() >= 6 && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_number || segment.contains('@') || segment.contains("%40")
    };
    let segments = path
        .split('/')
        .map(|segment| if hidden(segment) { HIDDEN } else { segment });
    segments.collect::<Vec<_>>().join("/")
}

fn path_in(value: &mut Value) {
    if let Some(text) = value.as_str() {
        *value = path(text).into();
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
            hide(received);
        }
    }
}

/// Of JSON the personal fields, of a text that is JSON the same, and of any other text all.
fn contents(value: &mut Value, is_whole: bool) {
    match value {
        Value::Null => {}
        Value::String(text) if text.is_empty() => {}
        Value::String(text) => {
            let json = serde_json::from_str::<Value>(text).ok();
            let json = json.filter(|json| is_whole && (json.is_object() || json.is_array()));
            *text = json.map_or_else(
                || HIDDEN.to_owned(),
                |mut json| {
                    fields(&mut json);
                    json.to_string()
                },
            );
        }
        json => fields(json),
    }
}

fn fields(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                if is_personal(name) {
                    hide(value);
                } else {
                    fields(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(fields),
        _ => {}
    }
}

fn is_personal(name: &str) -> bool {
    IS_PERSONAL.is_match(name)
}

/// Hides all values in a value; that there is one stays to be seen.
fn hide(value: &mut Value) {
    match value {
        Value::Null => {}
        Value::Object(map) => map.values_mut().for_each(hide),
        Value::Array(items) => items.iter_mut().for_each(hide),
        one => *one = HIDDEN.into(),
    }
}
