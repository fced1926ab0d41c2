//! The input pipeline: what a client sent, by whichever content type, becomes one normalised JSON object.

use serde_json::{Map, Value};

use crate::load_error::nearest;

/// What the request schema says of a value's place and type; drives forms, defaults and order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shape {
    Object(Vec<Property>),
    Array(Box<Shape>),
    Text,
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
            Some("integer" | "number") => Self::Number,
            Some("boolean") => Self::Boolean,
            _ => Self::Any,
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
                        "bytes" | "type" | "width" | "height" | "file_name"
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
            (Self::Array(items), Value::Array(values)) if !items.is_plain() => {
                values.iter_mut().for_each(|value| items.normalise(value));
            }
            _ => {}
        }
    }

    fn is_plain(&self) -> bool {
        !matches!(self, Self::Object(_) | Self::Array(_))
    }

    /// Turns the text of a form into numbers and booleans where the schema wants them. What cannot
    /// be converted stays text, to be complained about.
    pub(crate) fn coerce(&self, value: &mut Value) {
        match (self, &mut *value) {
            (Self::Number, Value::String(text)) => {
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
                values.iter_mut().for_each(|value| items.coerce(value));
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
    rest.iter()
        .try_fold(input.get(first)?, |value, name| match value {
            Value::Array(items) => items.get(name.parse::<usize>().ok()?),
            other => other.get(name),
        })
}

/// How deep the brackets of a form key may go; the JSON reader has a limit of its own.
const FORM_DEPTH_MAX: usize = 8;

/// Reads `application/x-www-form-urlencoded`: repeated keys, `a[]=` and `a[0][k]=` make arrays and
/// objects. Everything is text until [`Shape::coerce`] has seen it.
pub(crate) fn parse_form(body: &[u8]) -> Value {
    let mut root = FormNode::default();
    for (key, text) in form_urlencoded::parse(body) {
        root.insert(&form_path(&key), text.into_owned());
    }
    match root.into_json() {
        object @ Value::Object(_) => object,
        _ => Value::Object(Map::new()),
    }
}

/// `a[0][k]` → `a`, `0`, `k`. A key whose brackets do not match is taken as it stands.
fn form_path(key: &str) -> Vec<&str> {
    let Some((first, rest)) = key.split_once('[') else {
        return vec![key];
    };
    let Some(inner) = rest.strip_suffix(']').filter(|_| !first.is_empty()) else {
        return vec![key];
    };
    let mut path = vec![first];
    path.extend(inner.split("]["));
    if path.len() > FORM_DEPTH_MAX || path.iter().any(|part| part.contains(['[', ']'])) {
        return vec![key];
    }
    path
}

/// A form under construction: texts under this very key, and what the brackets lead to.
#[derive(Default)]
struct FormNode {
    texts: Vec<String>,
    children: indexmap::IndexMap<String, FormNode>,
    /// How many `[]` have been counted.
    pushed: usize,
}

impl FormNode {
    fn insert(&mut self, path: &[&str], text: String) {
        let Some((first, rest)) = path.split_first() else {
            self.texts.push(text);
            return;
        };
        let key = if first.is_empty() {
            self.pushed += 1;
            (self.pushed - 1).to_string()
        } else {
            (*first).to_owned()
        };
        self.children.entry(key).or_default().insert(rest, text);
    }

    fn into_json(mut self) -> Value {
        if self.children.is_empty() {
            return match self.texts.len() {
                1 => Value::String(self.texts.remove(0)),
                _ => self.texts.into_iter().map(Value::String).collect(),
            };
        }
        let indices: Option<Vec<u64>> = self.children.keys().map(|key| key.parse().ok()).collect();
        match indices {
            Some(_) => {
                self.children
                    .sort_by_cached_key(|key, _| key.parse::<u64>().unwrap_or(u64::MAX));
                self.children.into_values().map(Self::into_json).collect()
            }
            None => self
                .children
                .into_iter()
                .map(|(key, node)| (key, node.into_json()))
                .collect(),
        }
    }
}
