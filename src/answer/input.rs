//! The input pipeline: what a client sent, by whichever content type, becomes one normalised JSON object.

use serde_json::{Map, Value};

use crate::base::nearest;
use crate::catalogue::{ContentType, Endpoint, Facts, UploadFields, Verb};
use crate::http::{self, ApiError, Body, Call, FILE_NAME, MediaType, looks_like_json};

/// An input that passed the endpoint's rules.
pub(crate) struct Input {
    pub fields: Map<String, Value>,
    /// How uploaded files were called, by their fields.
    pub file_names: Map<String, Value>,
}

impl Input {
    /// What rules can look at. `nth` is the how-many-th call of its endpoint this is.
    pub(crate) fn facts<'a>(&'a self, call: &'a Call, nth: u64) -> Facts<'a> {
        Facts {
            fields: &self.fields,
            file_names: &self.file_names,
            headers: call.headers(),
            query: call.head.uri.query().unwrap_or_default(),
            nth,
        }
    }
}

/// What the client sent, read and held against the endpoint's rules.
pub(crate) fn sound(
    endpoint: &Endpoint,
    path: Map<String, Value>,
    call: &Call,
    has_magic: bool,
) -> Result<Input, ApiError> {
    let (value, file_names) = match endpoint.verb {
        Verb::Get => of_path(endpoint, path),
        Verb::Post => read(endpoint, call, has_magic)?,
    };
    endpoint.schema.check(&value).map_err(ApiError::refused)?;
    let Value::Object(fields) = value else {
        return Err(ApiError::not_an_object());
    };
    Ok(Input { fields, file_names })
}

/// What the client sent as one normalised JSON object, and how its files were called; the documented
/// sample where there is no body.
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

/// How files were called may choose an outcome, but is no part of the input: ids do not depend on it.
fn take_file_names(parts: &mut Value) -> Map<String, Value> {
    let parts = parts.as_object_mut().into_iter().flatten();
    parts
        .filter_map(|(field, part)| {
            let name = part.as_object_mut()?.shift_remove(FILE_NAME)?;
            Some((field.clone(), name))
        })
        .collect()
}

/// What the segments of a GET's path hold, numbers and booleans where the rules want them.
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

/// The fields of a request under the names that holes and conditions have for them: `input.user_id`,
/// and of a GET, which has those of its path alone, `path.digits`.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a> {
    pub word: &'static str,
    pub shape: &'a Shape,
    /// Those that hold a file in base64.
    pub uploads: Option<&'a UploadFields>,
}

impl Fields<'_> {
    /// What follows on `input.`, if the request has such a field; None where the name is no field's.
    pub(crate) fn path_of(self, name: &str) -> Option<Result<Vec<String>, String>> {
        let path = name.strip_prefix(self.word)?.strip_prefix('.')?;
        let path: Vec<_> = path.split('.').map(str::to_owned).collect();
        Some(self.shape.check_path(&path).map(|()| path))
    }

    pub(crate) fn names(self) -> impl Iterator<Item = String> {
        let word = self.word;
        self.shape.names().map(move |name| format!("{word}.{name}"))
    }
}

/// What the request schema says of a value's place and type; drives forms, defaults and order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shape {
    Object(Vec<Property>),
    Array(Box<Shape>),
    Text,
    Integer,
    Number,
    Boolean,
    /// An uploaded file, seen as `{bytes, type, width, height}`.
    File,
    /// The schema does not pin the type down.
    Any,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Property {
    pub name: String,
    pub shape: Shape,
    pub default: Option<Value>,
}

impl Shape {
    pub(crate) fn of(schema: &Value) -> Self {
        if schema.get("format").and_then(Value::as_str) == Some("file") {
            return Self::File;
        }
        match schema.get("type").and_then(Value::as_str) {
            Some("object") => match schema.get("properties").and_then(Value::as_object) {
                Some(properties) => Self::Object(
                    properties
                        .iter()
                        .map(|(name, property)| Property {
                            name: name.clone(),
                            shape: Self::of(property),
                            default: property.get("default").cloned(),
                        })
                        .collect(),
                ),
                None => Self::Any,
            },
            Some("array") => Self::Array(Box::new(schema.get("items").map_or(Self::Any, Self::of))),
            Some("string") => Self::Text,
            Some("integer") => Self::Integer,
            Some("number") => Self::Number,
            Some("boolean") => Self::Boolean,
            _ => Self::Any,
        }
    }

    /// Whether a file is uploaded as one of the fields.
    pub(crate) fn has_file(&self) -> bool {
        match self {
            Self::Object(properties) => properties
                .iter()
                .any(|property| property.shape == Self::File),
            _ => false,
        }
    }

    /// The names that `{{input.…}}` may begin with.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let properties = match self {
            Self::Object(properties) => properties.as_slice(),
            _ => &[],
        };
        properties.iter().map(|property| property.name.as_str())
    }

    /// What a field of an object is.
    pub(crate) fn property(&self, name: &str) -> Option<&Self> {
        let Self::Object(properties) = self else {
            return None;
        };
        let found = properties.iter().find(|property| property.name == name);
        found.map(|property| &property.shape)
    }

    /// Refuses a dotted path that names no field of the request.
    pub(crate) fn check_path(&self, path: &[String]) -> Result<(), String> {
        let mut shape = self;
        for name in path {
            shape = match shape {
                Self::Object(properties) => {
                    let found = properties.iter().find(|property| property.name == *name);
                    &found
                        .ok_or_else(|| {
                            let hint = nearest(name, shape.names())
                                .map_or(String::new(), |near| format!(": did you mean `{near}`?"));
                            format!("the request has no field `{}`{hint}", path.join("."))
                        })?
                        .shape
                }
                Self::Array(items) if name.bytes().all(|byte| byte.is_ascii_digit()) => items,
                Self::Any => return Ok(()),
                Self::File
                    if matches!(
                        name.as_str(),
                        "bytes" | "type" | "width" | "height" | "sha256"
                    ) =>
                {
                    &Self::Any
                }
                _ => {
                    return Err(format!(
                        "`{}` reaches into a field that has no parts",
                        path.join(".")
                    ));
                }
            };
        }
        Ok(())
    }

    /// Brings an object into its one normal form: no nulls, no unknown keys, defaults filled in.
    ///
    /// An optional field that is `null` counts as absent, a required one as missing.
    pub(crate) fn normalise(&self, value: &mut Value) {
        match (self, value) {
            (Self::Object(properties), Value::Object(map)) => {
                map.retain(|name, value| {
                    if value.is_null() {
                        return false;
                    }
                    match properties.iter().find(|property| property.name == *name) {
                        Some(property) => {
                            property.shape.normalise(value);
                            true
                        }
                        None => false,
                    }
                });
                for property in properties {
                    if let Some(default) = &property.default
                        && !map.contains_key(&property.name)
                    {
                        map.insert(property.name.clone(), default.clone());
                    }
                }
            }
            // JSON Schema takes 90.0 for an integer; from here on it is one.
            (Self::Integer, Value::Number(number)) if number.is_f64() => {
                let float = number.as_f64().unwrap_or_default();
                if float.fract() == 0.0 && float.abs() < 9.0e15 {
                    #[expect(clippy::cast_possible_truncation, reason = "it is whole and in range")]
                    let integer = float as i64;
                    *number = integer.into();
                }
            }
            (Self::Array(items), Value::Array(values)) if !items.is_plain() => {
                for value in values {
                    items.normalise(value);
                }
            }
            _ => {}
        }
    }

    fn is_plain(&self) -> bool {
        matches!(self, Self::Text | Self::Boolean | Self::File | Self::Any)
    }

    /// Turns the text of a form into numbers and booleans where the schema wants them. What cannot
    /// be converted stays text, to be complained about.
    pub(crate) fn coerce(&self, value: &mut Value) {
        match (self, &mut *value) {
            (Self::Integer | Self::Number, Value::String(text)) => {
                if let Ok(number @ Value::Number(_)) = serde_json::from_str(text) {
                    *value = number;
                }
            }
            (Self::Boolean, Value::String(text)) => match text.as_str() {
                "true" => *value = Value::Bool(true),
                "false" => *value = Value::Bool(false),
                _ => {}
            },
            (Self::Array(items), Value::Array(values)) => {
                for value in values {
                    items.coerce(value);
                }
            }
            (Self::Array(_), Value::String(_)) => {
                *value = Value::Array(vec![value.take()]);
                self.coerce(value);
            }
            (Self::Object(properties), Value::Object(map)) => {
                for property in properties {
                    if let Some(value) = map.get_mut(&property.name) {
                        property.shape.coerce(value);
                    }
                }
            }
            _ => {}
        }
    }
}

/// The value at a dotted path, such as `addresses.0.country`.
pub(crate) fn dig<'a>(input: &'a Map<String, Value>, path: &[String]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    // Of a few fields the one is found sooner by looking than by hashing.
    let value = match input.len() {
        0..=12 => input.iter().find(|(name, _)| *name == first)?.1,
        _ => input.get(first)?,
    };
    rest.iter().try_fold(value, |value, name| match value {
        Value::Array(items) => items.get(name.parse::<usize>().ok()?),
        other => other.get(name),
    })
}
