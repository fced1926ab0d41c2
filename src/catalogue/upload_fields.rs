//! Files in JSON and forms: the fields that hold a file in base64. Only the facts of such a file are kept, as for the
//! files of a multipart form. The text itself is dropped after the request is answered.

use std::sync::Arc;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

use crate::base::{looks_like_json, pointer_part, read_json};
use crate::http::{self, Picture, Room, Upload};
use crate::scenario::is_base64;

/// At most this many parts of a schema are searched, because its references may multiply.
const PARTS_MAX: usize = 10_000;

/// The fields of an unreadable body are unknown. So every run of base64 characters that is longer than this is left
/// out.
const UNREAD_BYTES_MAX: usize = 64;

/// The first characters of PNG and JPEG files in base64.
const PICTURES: [&str; 2] = ["iVBORw0KGgo", "/9j/"];

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The places of files in the requests of an endpoint.
#[derive(Debug)]
pub(crate) struct UploadFields {
    pub(super) paths: Vec<Vec<PathStep>>,
}

#[derive(Clone, Debug)]
pub(super) enum PathStep {
    Name(Box<str>),
    /// Any item of a list, any value of an object.
    Any,
}

impl PathStep {
    fn leads_to(&self, name: &str) -> bool {
        match self {
            Self::Name(own) => **own == *name,
            Self::Any => true,
        }
    }
}

impl UploadFields {
    /// None if the request has no such fields, which is the usual case.
    pub(crate) fn of(schema: &Value) -> Option<Arc<Self>> {
        let mut finding = FieldFinding {
            root: schema,
            path: Vec::new(),
            followed: Vec::new(),
            parts: 0,
            paths: Vec::new(),
        };
        finding.look(schema);
        let paths = finding.paths;
        (!paths.is_empty()).then(|| Arc::new(Self { paths }))
    }

    /// Whether the value at a path is a file, is inside a file, or contains a file.
    pub(crate) fn touch(&self, path: &[String]) -> bool {
        let meets = |steps: &Vec<PathStep>| {
            steps
                .iter()
                .zip(path)
                .all(|(step, name)| step.leads_to(name))
        };
        self.paths.iter().any(meets)
    }

    /// The body with facts in place of its files, and the pictures among them that `room` has room for.
    pub(crate) fn keep(
        &self,
        body: &[u8],
        is_form: bool,
        room: &dyn Fn() -> Option<Room>,
    ) -> (Vec<u8>, Vec<Picture>) {
        let mut taking = UploadExtractor {
            room,
            pictures: Vec::new(),
            at: String::new(),
        };
        let paths: Vec<_> = self.paths.iter().map(Vec::as_slice).collect();
        let kept = if is_form && !looks_like_json(body) {
            taking.form(body, &paths)
        } else if let Ok((mut value, spellings)) = read_json(body) {
            taking.json(&mut value, &paths);
            let mut kept = Vec::new();
            spellings.write(&mut kept, &value, &[]);
            kept
        } else {
            without_runs(body)
        };
        (kept, taking.pictures)
    }
}

/// Collects all paths of a schema that lead to a text in base64.
struct FieldFinding<'s> {
    root: &'s Value,
    path: Vec<PathStep>,
    /// The references that led here, because references may form a circle.
    followed: Vec<&'s str>,
    parts: usize,
    paths: Vec<Vec<PathStep>>,
}

impl<'s> FieldFinding<'s> {
    fn look(&mut self, schema: &'s Value) {
        self.parts += 1;
        if !schema.is_object() || self.parts > PARTS_MAX {
            return;
        }
        if schema["format"] == "base64" || schema["contentEncoding"] == "base64" {
            self.paths.push(self.path.clone());
            return;
        }
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            self.below(PathStep::Name(name.as_str().into()), property);
        }
        for word in ["items", "additionalProperties", "contains"] {
            self.below(PathStep::Any, &schema[word]);
        }
        for item in schema["prefixItems"].as_array().into_iter().flatten() {
            self.below(PathStep::Any, item);
        }
        for word in ["allOf", "anyOf", "oneOf"] {
            let others = schema[word].as_array().into_iter().flatten();
            others.for_each(|other| self.look(other));
        }
        for word in ["if", "then", "else"] {
            self.look(&schema[word]);
        }
        let reference = schema["$ref"].as_str().and_then(|to| to.strip_prefix('#'));
        if let Some(pointer) = reference.filter(|pointer| !self.followed.contains(pointer))
            && let Some(other) = self.root.pointer(pointer)
        {
            self.followed.push(pointer);
            self.look(other);
            self.followed.pop();
        }
    }

    fn below(&mut self, step: PathStep, schema: &'s Value) {
        self.path.push(step);
        self.look(schema);
        self.path.pop();
    }
}

/// Takes the files out of a body.
struct UploadExtractor<'a> {
    room: &'a dyn Fn() -> Option<Room>,
    pictures: Vec<Picture>,
    /// The current place in the body, as a JSON Pointer.
    at: String,
}

impl UploadExtractor<'_> {
    /// `paths` lead from this value to files. An empty path means that this value is a file.
    fn json(&mut self, value: &mut Value, paths: &[&[PathStep]]) {
        match value {
            Value::String(text) => {
                if is_there(paths) || is_picture(text) {
                    *value = self.facts(text);
                }
            }
            Value::Array(items) => {
                for (at, item) in items.iter_mut().enumerate() {
                    self.below(&at.to_string(), item, paths);
                }
            }
            Value::Object(map) => {
                for (name, value) in map {
                    self.below(name, value, paths);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn below(&mut self, name: &str, value: &mut Value, paths: &[&[PathStep]]) {
        let length = self.at.len();
        self.at += &pointer_part(name);
        self.json(value, &onwards(paths, name));
        self.at.truncate(length);
    }

    /// The form with the facts of each file in brackets: `image[bytes]=67&image[width]=1`.
    fn form(&mut self, body: &[u8], paths: &[&[PathStep]]) -> Vec<u8> {
        let mut kept = form_urlencoded::Serializer::new(String::new());
        for (key, text) in http::shown_pairs(body) {
            let names = http::form_path(&key);
            let there = names
                .iter()
                .fold(paths.to_vec(), |paths, name| onwards(&paths, name));
            if !is_there(&there) && !is_picture(&text) {
                kept.append_pair(&key, &text);
                continue;
            }
            self.at = names.iter().map(|name| pointer_part(name)).collect();
            if let Value::Object(facts) = self.facts(&text) {
                for (name, fact) in facts {
                    let fact = fact
                        .as_str()
                        .map_or_else(|| fact.to_string(), str::to_owned);
                    kept.append_pair(&format!("{key}[{name}]"), &fact);
                }
            }
        }
        kept.finish().into_bytes()
    }

    fn facts(&mut self, text: &str) -> Value {
        let (facts, picture) = facts(text, (self.room)(), || self.at.clone());
        self.pictures.extend(picture);
        facts
    }
}

pub(super) fn is_there(paths: &[&[PathStep]]) -> bool {
    paths.iter().any(|steps| steps.is_empty())
}

/// The rest of the paths that go through `name`. A path that has reached its file stays: everything inside is part
/// of the file.
pub(super) fn onwards<'p>(paths: &[&'p [PathStep]], name: &str) -> Vec<&'p [PathStep]> {
    let lead = |steps: &&'p [PathStep]| match steps.split_first() {
        None => Some(*steps),
        Some((first, rest)) => first.leads_to(name).then_some(rest),
    };
    paths.iter().filter_map(lead).collect()
}

/// The facts of the file that a text holds in base64. If it is not base64, they are the facts of the text itself.
fn facts(text: &str, room: Option<Room>, at: impl FnOnce() -> String) -> (Value, Option<Picture>) {
    let decoded = LENIENT.decode(without_label(text));
    let mut upload = Upload::called(None, room.filter(|_| decoded.is_ok()));
    upload.take(decoded.as_deref().unwrap_or(text.as_bytes()));
    let (mut facts, picture) = upload.facts(at);
    if decoded.is_err() {
        facts["type"] = "text/plain".into();
    }
    if !is_base64(text) {
        facts["base64"] = false.into(); // the rules refuse it, even if it can be decoded
    }
    (facts, picture)
}

/// The facts of a text in JSON that is a file: it is in the place of one, or it begins like a picture.
pub(super) fn facts_in_json(text: &str, is_there: bool) -> Option<Value> {
    (is_there || is_picture(text)).then(|| facts(text, None, String::new).0)
}

/// The part of `data:image/png;base64,…` after the comma. Any other text stays whole.
fn without_label(text: &str) -> &str {
    let labelled = text.strip_prefix("data:");
    let content = labelled.and_then(|rest| rest.split_once(";base64,"));
    content.map_or(text, |(_, content)| content)
}

/// Whether a text begins like a picture. A client may put a picture into a field that is not for files.
fn is_picture(text: &str) -> bool {
    let content = without_label(text);
    PICTURES.iter().any(|start| content.starts_with(start))
}

/// Whether these are the facts of the file that the text holds in base64.
pub(crate) fn facts_are_of(facts: &Value, text: &str) -> bool {
    is_upload(facts) && self::facts(text, None, String::new).0["sha256"] == facts["sha256"]
}

/// Whether a value is the facts of a file.
pub(crate) fn is_upload(value: &Value) -> bool {
    ["sha256", "bytes", "width"]
        .iter()
        .all(|name| value.get(name).is_some())
}

/// Replaces facts with a text, so that an endpoint's rules can check the rest of a kept body. The text is the hash,
/// whose digits are valid base64, unless the file was none. Returns the dotted paths of all replaced facts.
pub(crate) fn stand_in_for_facts(value: &mut Value) -> Vec<String> {
    let mut found = Vec::new();
    stand_in_below(value, "", &mut found);
    found
}

fn stand_in_below(value: &mut Value, at: &str, found: &mut Vec<String>) {
    let path = |name: &str| match at {
        "" => name.to_owned(),
        _ => format!("{at}.{name}"),
    };
    if is_upload(value) {
        let is_base64 = value["base64"] != false;
        let hash = value["sha256"].take();
        *value = if is_base64 {
            hash
        } else {
            format!("no base64: {}", hash.as_str().unwrap_or_default()).into()
        };
        found.push(at.to_owned());
        return;
    }
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                stand_in_below(item, &path(&index.to_string()), found);
            }
        }
        Value::Object(map) => {
            for (name, value) in map {
                stand_in_below(value, &path(name), found);
            }
        }
        _ => {}
    }
}

/// A body that is neither JSON nor a form, without the parts that could be a file.
fn without_runs(body: &[u8]) -> Vec<u8> {
    let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=-_\\%".contains(&byte);
    let mut kept = Vec::new();
    for run in body.chunk_by(|one, next| is_digit(*one) == is_digit(*next)) {
        if is_digit(run[0]) && run.len() > UNREAD_BYTES_MAX {
            kept.extend_from_slice(format!("…{} bytes are not kept…", run.len()).as_bytes());
        } else {
            kept.extend_from_slice(run);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn files_are_found_wherever_a_schema_has_them() {
        let picture = json!({"type": "string", "format": "base64"});
        let schema = json!({
            "$defs": {"picture": picture},
            "properties": {
                "plain": {"type": "string"},
                "front": picture,
                "by_reference": {"$ref": "#/$defs/picture"},
                "pages": {"type": "array", "items": {"properties": {"scan": picture}}},
                "either": {"anyOf": [{"type": "null"}, {"contentEncoding": "base64"}]},
                "around": {"$ref": "#"},
            },
        });
        let fields = UploadFields::of(&schema).expect("it has files");
        let path = |written: &str| written.split('.').map(str::to_owned).collect::<Vec<_>>();
        for there in [
            "front",
            "front.bytes",
            "by_reference",
            "pages",
            "pages.0.scan",
            "either",
            "around.front",
        ] {
            assert!(fields.touch(&path(there)), "{there}");
        }
        for elsewhere in ["plain", "pages.0.name", "around.plain"] {
            assert!(!fields.touch(&path(elsewhere)), "{elsewhere}");
        }
        assert!(UploadFields::of(&json!({"properties": {"plain": {"type": "string"}}})).is_none());
    }
}
