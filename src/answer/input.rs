//! The input pipeline. It turns what a client sent, in any content type, into one normalised JSON object.

use serde_json::{Map, Value};

use crate::base::{Spellings, UnreadableJson, looks_like_json, read_json, recycle_json};
use crate::catalogue::{self, ContentType, Endpoint, Facts, Verb, unfit_numbers};
use crate::http::{self, ApiError, Body, Call, FILE_NAME, MediaType};

/// An input that has passed the endpoint's rules.
pub(crate) struct Input {
    pub fields: Map<String, Value>,
    /// The spellings of the numbers in the fields.
    pub spellings: Spellings,
    /// The names of uploaded files, by field.
    pub file_names: Map<String, Value>,
    body_bytes: usize,
}

impl Drop for Input {
    fn drop(&mut self) {
        recycle_json(std::mem::take(&mut self.fields), self.body_bytes);
    }
}

impl Input {
    /// The facts that rules can look at. `nth` is the call number of the endpoint, counted from 1.
    pub(crate) fn facts<'a>(&'a self, call: &'a Call, nth: u64) -> Facts<'a> {
        Facts {
            fields: &self.fields,
            file_names: &self.file_names,
            headers: call.headers(),
            query: call.raw_query(),
            nth,
        }
    }
}

/// A client's input that has not been read yet.
pub(crate) struct UnreadInput<'r> {
    pub endpoint: &'r Endpoint,
    pub call: &'r Call,
    /// The documented sample is used when there is no body.
    pub sample_stands_in: bool,
}

impl UnreadInput<'_> {
    /// Reads the input and checks it against the endpoint's rules. `path` has the segments of the path by name.
    pub(crate) fn validated(&self, path: Map<String, Value>) -> Result<Input, ApiError> {
        let endpoint = self.endpoint;
        let mut file_names = Map::new();
        let (mut value, spellings) = match endpoint.verb {
            Verb::Get => of_path(endpoint, path),
            Verb::Post => {
                let stands_in = self.sample_stands_in;
                read(endpoint, self.call, stands_in, &mut file_names)?
            }
        };
        endpoint.schema.shape.normalise(&mut value);
        let checked = endpoint.schema.check(&value, &spellings);
        checked.map_err(ApiError::refused)?;
        let Value::Object(fields) = value else {
            return Err(ApiError::not_an_object(&value));
        };
        Ok(Input {
            fields,
            spellings,
            file_names,
            body_bytes: match &self.call.body {
                Body::Bytes(bytes) => bytes.len(),
                Body::Empty | Body::Parts(_) | Body::Unreadable(_) => usize::MAX,
            },
        })
    }
}

/// The client's input as JSON with the spellings of its numbers. The names of its files go into `file_names`. Without
/// a body, a magic reply uses the documented sample.
fn read(
    endpoint: &Endpoint,
    call: &Call,
    has_magic: bool,
    file_names: &mut Map<String, Value>,
) -> Result<(Value, Spellings), ApiError> {
    let schema = &endpoint.schema;
    match (endpoint.content_type, call.media_type()) {
        _ if matches!(call.body, Body::Empty) => {}
        (ContentType::Multipart, MediaType::Multipart)
        | (ContentType::Json, MediaType::Json | MediaType::Form) => {}
        (ContentType::Multipart, _) => {
            return Err(ApiError::unsupported_content_type(
                "This endpoint takes multipart/form-data.",
            ));
        }
        (ContentType::Json, _) => return Err(neither_json_nor_form()),
    }
    match &call.body {
        Body::Unreadable(error) => Err(error.clone()),
        Body::Empty if has_magic => {
            let sample = schema.sample().cloned();
            let sample = sample.unwrap_or_else(|| Map::new().into());
            Ok((sample, Spellings::default()))
        }
        Body::Empty => Err(ApiError::no_body()),
        Body::Parts(parts) => {
            let mut input = parts.clone();
            *file_names = take_file_names(&mut input);
            let spellings = schema.shape.coerce(&mut input);
            Ok((input, spellings))
        }
        // curl labels every body as a form unless it is told otherwise.
        Body::Bytes(body) if call.media_type() == MediaType::Form && !looks_like_json(body) => {
            let mut input = http::parse_form(body)?;
            let spellings = schema.shape.coerce(&mut input);
            Ok((input, spellings))
        }
        Body::Bytes(body) => parse_json(body),
    }
}

/// File names may choose an outcome, but they are not part of the input: ids do not depend on them. A field with
/// several files has a list of names.
fn take_file_names(parts: &mut Value) -> Map<String, Value> {
    let parts = parts.as_object_mut().into_iter().flatten();
    parts
        .filter_map(|(field, part)| Some((field.clone(), take_file_name(part)?)))
        .collect()
}

fn take_file_name(part: &mut Value) -> Option<Value> {
    if catalogue::is_upload(part) {
        return part.as_object_mut()?.shift_remove(FILE_NAME);
    }
    let names: Vec<_> = match part {
        Value::Array(items) => items.iter_mut().filter_map(take_file_name).collect(),
        Value::Object(map) => map.values_mut().filter_map(take_file_name).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return None,
    };
    (!names.is_empty()).then(|| names.into())
}

/// The input of a GET: the segments of its path, as numbers and booleans where the rules want them.
fn of_path(endpoint: &Endpoint, path: Map<String, Value>) -> (Value, Spellings) {
    let mut input = Value::Object(path);
    let spellings = endpoint.schema.shape.coerce(&mut input);
    (input, spellings)
}

pub(crate) fn neither_json_nor_form() -> ApiError {
    ApiError::unsupported_content_type(
        "This endpoint takes application/json or application/x-www-form-urlencoded.",
    )
}

/// A JSON object, with the spellings of its numbers.
pub(crate) fn parse_json(body: &[u8]) -> Result<(Value, Spellings), ApiError> {
    match read_json(body) {
        Ok((value @ Value::Object(_), spellings)) => Ok((value, spellings)),
        Ok((value, _)) => Err(ApiError::not_an_object(&value)),
        Err(UnreadableJson::Syntax(error)) => Err(ApiError::not_json(body, &error)),
        Err(UnreadableJson::Number(pointer)) => Err(ApiError::refused(unfit_numbers([pointer]))),
    }
}
