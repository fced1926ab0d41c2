//! The input pipeline. It turns what a client sent, in any content type, into one normalised JSON object.

use serde_json::{Map, Value};

use crate::catalogue::{ContentType, Endpoint, Facts, Verb};
use crate::http::{self, ApiError, Body, Call, FILE_NAME, MediaType, looks_like_json};

/// An input that has passed the endpoint's rules.
pub(crate) struct Input {
    pub fields: Map<String, Value>,
    /// The names of uploaded files, by field.
    pub file_names: Map<String, Value>,
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
        let (value, file_names) = match endpoint.verb {
            Verb::Get => of_path(endpoint, path),
            Verb::Post => read(endpoint, self.call, self.sample_stands_in)?,
        };
        endpoint.schema.check(&value).map_err(ApiError::refused)?;
        let Value::Object(fields) = value else {
            return Err(ApiError::not_an_object());
        };
        Ok(Input { fields, file_names })
    }
}

/// The client's input as one normalised JSON object, and the names of its files. Without a body, a magic reply
/// uses the documented sample.
fn read(
    endpoint: &Endpoint,
    call: &Call,
    has_magic: bool,
) -> Result<(Value, Map<String, Value>), ApiError> {
    let mut file_names = Map::new();
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
    let mut input = match &call.body {
        Body::Unreadable(error) => return Err(error.clone()),
        Body::Empty if has_magic => {
            let sample = schema.sample().cloned();
            sample.unwrap_or_else(|| Map::new().into())
        }
        Body::Empty => return Err(ApiError::no_body()),
        Body::Parts(parts) => {
            let mut input = parts.clone();
            file_names = take_file_names(&mut input);
            schema.shape.coerce(&mut input);
            input
        }
        // curl labels every body as a form unless it is told otherwise.
        Body::Bytes(body) if call.media_type() == MediaType::Form && !looks_like_json(body) => {
            let mut input = http::parse_form(body)?;
            schema.shape.coerce(&mut input);
            input
        }
        Body::Bytes(body) => parse_json(body)?,
    };
    schema.shape.normalise(&mut input);
    Ok((input, file_names))
}

/// File names may choose an outcome, but they are not part of the input: ids do not depend on them.
fn take_file_names(parts: &mut Value) -> Map<String, Value> {
    let parts = parts.as_object_mut().into_iter().flatten();
    parts
        .filter_map(|(field, part)| {
            let name = part.as_object_mut()?.shift_remove(FILE_NAME)?;
            Some((field.clone(), name))
        })
        .collect()
}

/// The input of a GET: the segments of its path, as numbers and booleans where the rules want them.
fn of_path(endpoint: &Endpoint, path: Map<String, Value>) -> (Value, Map<String, Value>) {
    let mut input = Value::Object(path);
    endpoint.schema.shape.coerce(&mut input);
    endpoint.schema.shape.normalise(&mut input);
    (input, Map::new())
}

pub(crate) fn neither_json_nor_form() -> ApiError {
    ApiError::unsupported_content_type(
        "This endpoint takes application/json or application/x-www-form-urlencoded.",
    )
}

pub(crate) fn parse_json(body: &[u8]) -> Result<Value, ApiError> {
    let value = serde_json::from_slice(body).map_err(|error| ApiError::not_json(&error))?;
    match value {
        Value::Object(_) => Ok(value),
        _ => Err(ApiError::not_an_object()),
    }
}
