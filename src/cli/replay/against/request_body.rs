//! The body of a request that is sent again. Specimens are drawn in place of its files.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hyper::HeaderMap;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use serde_json::Value;

use super::followed_ids::FollowedIds;
use crate::base::read_exact_json;
use crate::catalogue::{Endpoint, is_upload};
use crate::cli::document::specimen;
use crate::cli::replay::request::kept_body;
use crate::http::{FILE_NAME, MediaType};

/// No part of a body has this line: the parts are fields of a recording and specimens.
const BOUNDARY: &str = "iluma-sandbox-replay-8f14e45fceea167a";

#[derive(Debug)]
pub(super) enum PlannedBody {
    Empty,
    /// As it was recorded.
    Json(String, Value),
    /// Anything else, with the fields that the recording has of it.
    Text(String, Value),
    /// JSON with the facts of files in the place of their base64.
    JsonWithFiles(Value),
    /// The parts of a multipart form, with the facts of its files.
    Parts(Value),
}

impl PlannedBody {
    /// The body of a line. An error is the reason why it cannot be sent.
    pub(super) fn of(
        line: &Value,
        media_type: MediaType,
        endpoint: Option<&Endpoint>,
    ) -> Result<Self, String> {
        let mut fields = line["body"].clone();
        let has_files = rename_files(&mut fields, endpoint);
        Ok(match media_type {
            MediaType::Multipart if fields.is_object() => Self::Parts(fields),
            MediaType::Form if has_files => {
                return Err("a form with files in base64 cannot be written again".to_owned());
            }
            MediaType::Json | MediaType::Other if has_files => Self::JsonWithFiles(fields),
            MediaType::Json | MediaType::Form | MediaType::Multipart | MediaType::Other => {
                match String::from_utf8(kept_body(line)) {
                    Ok(text) if text.is_empty() => Self::Empty,
                    Ok(text) => match read_exact_json(text.as_bytes()) {
                        Some(json) => Self::Json(text, json),
                        None => Self::Text(text, fields),
                    },
                    Err(_) => return Err("their body is no text".to_owned()),
                }
            }
        })
    }

    /// Its values, for a look at what they hold.
    pub(super) fn values(&self) -> Option<&Value> {
        match self {
            Self::Empty => None,
            Self::Json(_, value)
            | Self::Text(_, value)
            | Self::JsonWithFiles(value)
            | Self::Parts(value) => Some(value),
        }
    }

    /// The bytes to send, with the ids of the server. A multipart form gets its own boundary.
    pub(super) fn bytes(&self, ids: &FollowedIds, headers: &mut HeaderMap) -> Bytes {
        match self {
            Self::Empty => Bytes::new(),
            Self::Json(text, json) => {
                let mut json = json.clone();
                if ids.put_into(&mut json) {
                    return json.to_string().into();
                }
                text.clone().into()
            }
            Self::Text(text, _) => ids.target(text).into(),
            Self::JsonWithFiles(value) => {
                let mut json = value.clone();
                ids.put_into(&mut json);
                put_files_into(&mut json);
                json.to_string().into()
            }
            Self::Parts(fields) => {
                let mut fields = fields.clone();
                ids.put_into(&mut fields);
                let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
                let content_type =
                    HeaderValue::try_from(content_type).expect("the boundary is plain text");
                headers.insert(CONTENT_TYPE, content_type);
                multipart(&fields).into()
            }
        }
    }
}

/// Takes away the names of files, which may be those of people. The ending that chooses an outcome stays. Whether
/// there are files.
fn rename_files(value: &mut Value, endpoint: Option<&Endpoint>) -> bool {
    if is_upload(value) {
        if let Some(name) = value[FILE_NAME].as_str() {
            value[FILE_NAME] = plain_name(name, endpoint).into();
        }
        return true;
    }
    match value {
        Value::Array(items) => {
            let renamed = items.iter_mut().map(|item| rename_files(item, endpoint));
            renamed.fold(false, |any, one| any | one)
        }
        Value::Object(fields) => {
            let renamed = fields
                .values_mut()
                .map(|value| rename_files(value, endpoint));
            renamed.fold(false, |any, one| any | one)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// `budi.completed_not_found.jpg` becomes `specimen.completed_not_found.jpg`.
fn plain_name(name: &str, endpoint: Option<&Endpoint>) -> String {
    let (stem, ending) = name.rsplit_once('.').unwrap_or((name, "bin"));
    let last = stem.rsplit('.').next().unwrap_or_default();
    let is_outcome = endpoint.is_some_and(|endpoint| endpoint.outcome(last).is_some());
    let is_plain = ending.len() <= 5 && ending.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let ending = if is_plain { ending } else { "bin" };
    match is_outcome {
        true if stem == last => format!("{last}.{ending}"),
        true => format!("specimen.{last}.{ending}"),
        false => format!("specimen.{ending}"),
    }
}

fn put_files_into(value: &mut Value) {
    if is_upload(value) {
        *value = if value["base64"] == false {
            "!".repeat(file(value).len()).into() // no base64 either
        } else {
            STANDARD.encode(file(value)).into()
        };
        return;
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(put_files_into),
        Value::Object(fields) => fields.values_mut().for_each(put_files_into),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn file(facts: &Value) -> Vec<u8> {
    let number = |name: &str| {
        let number = facts[name].as_u64().unwrap_or_default();
        usize::try_from(number).unwrap_or(usize::MAX)
    };
    let kind = facts["type"].as_str().unwrap_or_default();
    specimen(kind, [number("width"), number("height")], number("bytes"))
}

fn multipart(fields: &Value) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in fields.as_object().into_iter().flatten() {
        let values = match value {
            Value::Array(items) => items.as_slice(),
            one => std::slice::from_ref(one),
        };
        for value in values {
            part(&mut body, name, value);
        }
    }
    body.extend(format!("--{BOUNDARY}--\r\n").into_bytes());
    body
}

fn part(body: &mut Vec<u8>, name: &str, value: &Value) {
    let mut more = String::new();
    let content = if is_upload(value) {
        let file_name = value[FILE_NAME].as_str().unwrap_or("specimen");
        let kind = value["type"].as_str().unwrap_or("application/octet-stream");
        more = format!(
            "; filename=\"{}\"\r\ncontent-type: {kind}",
            quoted(file_name)
        );
        file(value)
    } else if let Some(text) = value.as_str() {
        text.as_bytes().to_vec()
    } else {
        if value.is_object() {
            "\r\ncontent-type: application/json".clone_into(&mut more);
        }
        value.to_string().into_bytes()
    };
    let name = quoted(name);
    let head =
        format!("--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"{more}\r\n\r\n");
    body.extend(head.into_bytes());
    body.extend(content);
    body.extend(b"\r\n");
}

/// As browsers write the names of parts and files (HTML, "multipart form data").
fn quoted(name: &str) -> String {
    let name = name.replace('"', "%22");
    name.replace('\r', "%0D").replace('\n', "%0A")
}
