//! The types of input fields, and values at dotted paths.

use serde_json::{Map, Value};

use super::upload_fields::UploadFields;
use crate::base::{
    JsonPlace, Spellings, canonical_number, field_of, join_path, nearest_clause, split_path,
};

/// The fields of a request, under their names in placeholders and conditions: `input.user_id`. A GET has only the
/// fields of its path: `path.digits`.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a> {
    pub word: &'static str,
    pub shape: &'a Shape,
    /// The fields that hold a file in base64.
    pub uploads: Option<&'a UploadFields>,
}

impl Fields<'_> {
    /// The part of a name after `input.`, split at its dots. The error says that the request has no such field. None if
    /// the name is not that of a field.
    pub(crate) fn path_of(self, name: &str) -> Option<Result<Vec<String>, String>> {
        let path = name.strip_prefix(self.word)?.strip_prefix('.')?;
        let path = split_path(path);
        Some(self.shape.check_path(&path).map(|()| path))
    }

    pub(crate) fn names(self) -> impl Iterator<Item = String> {
        let word = self.word;
        let written = self.shape.names().map(|name| join_path(&[name.to_owned()]));
        written.map(move |name| format!("{word}.{name}"))
    }
}

/// The structure and types of an input, from the request schema. They decide how forms are converted, which defaults
/// are filled in, and the order of fields.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shape {
    Object(Vec<Property>),
    Array(Box<Shape>),
    Text,
    Integer,
    Number,
    Boolean,
    /// An uploaded file. Rules see it as `{bytes, type, width, height}`.
    File,
    /// The schema does not say one type.
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

    /// Whether one of the fields is an uploaded file.
    pub(crate) fn has_file(&self) -> bool {
        match self {
            Self::Object(properties) => properties
                .iter()
                .any(|property| property.shape == Self::File),
            Self::Array(_)
            | Self::Text
            | Self::Integer
            | Self::Number
            | Self::Boolean
            | Self::File
            | Self::Any => false,
        }
    }

    /// Whether a field of this shape takes one value of a form.
    pub(crate) fn is_single(&self) -> bool {
        match self {
            Self::Array(_) | Self::Any => false,
            Self::Object(_)
            | Self::Text
            | Self::Integer
            | Self::Number
            | Self::Boolean
            | Self::File => true,
        }
    }

    /// The names of the top-level fields, which can follow on `{{input.`.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let properties = match self {
            Self::Object(properties) => properties.as_slice(),
            Self::Array(_)
            | Self::Text
            | Self::Integer
            | Self::Number
            | Self::Boolean
            | Self::File
            | Self::Any => &[],
        };
        properties.iter().map(|property| property.name.as_str())
    }

    /// The shape of an object's field.
    pub(crate) fn property(&self, name: &str) -> Option<&Self> {
        let Self::Object(properties) = self else {
            return None;
        };
        let found = properties.iter().find(|property| property.name == name);
        found.map(|property| &property.shape)
    }

    /// The shape of the items of a list.
    pub(crate) fn items(&self) -> Option<&Self> {
        if let Self::Array(items) = self {
            return Some(items);
        }
        None
    }

    /// The shape at a path of a form, such as `a[0][b]` or `a[]`. None if the schema has no such field.
    pub(crate) fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |shape, name| match shape {
            Self::Object(_) => shape.property(name),
            Self::Array(_) if name.bytes().all(|byte| byte.is_ascii_digit()) => shape.items(),
            Self::Array(_)
            | Self::Text
            | Self::Integer
            | Self::Number
            | Self::Boolean
            | Self::File
            | Self::Any => None,
        })
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
                            let names = shape.names().map(|name| join_path(&[name.to_owned()]));
                            let names: Vec<_> = names.collect();
                            let hint = nearest_clause(name, names.iter().map(String::as_str));
                            format!("the request has no field `{}`{hint}", join_path(path))
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
                Self::Array(_)
                | Self::Text
                | Self::Integer
                | Self::Number
                | Self::Boolean
                | Self::File => {
                    return Err(format!(
                        "`{}` reaches into a field that has no parts",
                        join_path(path)
                    ));
                }
            };
        }
        Ok(())
    }

    /// Brings an object into its normal form: no nulls, no unknown keys, and with defaults.
    ///
    /// A field that is `null` counts as absent. So a required field that is `null` is missing.
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
            // JSON Schema accepts 90.0 as an integer. Here it becomes one.
            (Self::Integer, Value::Number(number)) => *number = canonical_number(number),
            (Self::Array(items), Value::Array(values)) if !items.is_plain() => {
                for value in values {
                    items.normalise(value);
                }
            }
            (
                Self::Object(_)
                | Self::Array(_)
                | Self::Text
                | Self::Integer
                | Self::Number
                | Self::Boolean
                | Self::File
                | Self::Any,
                _,
            ) => {}
        }
    }

    fn is_plain(&self) -> bool {
        matches!(self, Self::Text | Self::Boolean | Self::File | Self::Any)
    }

    /// Converts the text of a form into numbers and booleans if the schema wants them. Text that cannot be converted
    /// stays text, so that the schema complains about it. Returns the spellings of the numbers.
    pub(crate) fn coerce(&self, value: &mut Value) -> Spellings {
        let mut spellings = Spellings::default();
        self.coerce_at(value, JsonPlace::default(), &mut spellings);
        spellings
    }

    fn coerce_at(&self, value: &mut Value, place: JsonPlace, spellings: &mut Spellings) {
        match (self, &mut *value) {
            (Self::Integer | Self::Number, Value::String(text)) => {
                if let Ok(number @ Value::Number(_)) = serde_json::from_str(text) {
                    spellings.add(place, text.trim_ascii());
                    *value = number;
                }
            }
            (Self::Boolean, Value::String(text)) => match text.as_str() {
                "true" => *value = Value::Bool(true),
                "false" => *value = Value::Bool(false),
                _ => {}
            },
            (Self::Array(items), Value::Array(values)) => {
                for (at, value) in values.iter_mut().enumerate() {
                    items.coerce_at(value, place.item(at), spellings);
                }
            }
            (Self::Array(_), Value::String(_)) => {
                *value = Value::Array(vec![value.take()]);
                self.coerce_at(value, place, spellings);
            }
            (Self::Object(properties), Value::Object(map)) => {
                for property in properties {
                    if let Some(value) = map.get_mut(&property.name) {
                        let place = place.below(&property.name);
                        property.shape.coerce_at(value, place, spellings);
                    }
                }
            }
            (
                Self::Object(_)
                | Self::Array(_)
                | Self::Text
                | Self::Integer
                | Self::Number
                | Self::Boolean
                | Self::File
                | Self::Any,
                _,
            ) => {}
        }
    }
}

/// The value at a dotted path, such as `addresses.0.country`.
pub(crate) fn dig<'a>(input: &'a Map<String, Value>, path: &[String]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    let value = field_of(input, first)?;
    rest.iter().try_fold(value, |value, name| match value {
        Value::Array(items) => items.get(name.parse::<usize>().ok()?),
        other => other.get(name),
    })
}
