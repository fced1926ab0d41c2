//! `application/x-www-form-urlencoded` as JSON: older clients send forms to every JSON product.

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::error::ApiError;
use super::url_text::pairs;

/// The maximum depth of brackets in a form key. The JSON reader has its own limit.
const FORM_DEPTH_MAX: usize = 8;

const FIELDS_MAX: usize = 10_000;

/// Reads `application/x-www-form-urlencoded`: repeated keys, `a[]=` and `a[0][k]=` make arrays and
/// objects. All values are text until `Shape::coerce` converts them.
pub(crate) fn parse_form(body: &[u8]) -> Result<Value, ApiError> {
    let mut root = FormNode::default();
    for (count, pair) in pairs(body).enumerate() {
        if count == FIELDS_MAX {
            return Err(ApiError::too_many_fields(FIELDS_MAX));
        }
        let (key, text) = pair.map_err(|reason| ApiError::broken_form(&reason))?;
        root.insert(&form_path(&key), text.into_owned());
    }
    Ok(match root.into_json() {
        object @ Value::Object(_) => object,
        _ => Value::Object(Map::new()),
    })
}

/// `a[0][k]` → `a`, `0`, `k`. A key with unmatched brackets stays as it is.
pub(crate) fn form_path(key: &str) -> Vec<&str> {
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

/// A form while it is read: the values of this key, and the children that its brackets name.
#[derive(Default)]
struct FormNode {
    texts: Vec<String>,
    children: IndexMap<String, FormNode>,
    /// How many `[]` were inserted: the index of the next one.
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
        let is_index = |key: &String| {
            key.bytes().all(|byte| byte.is_ascii_digit()) && key.parse::<u64>().is_ok()
        };
        let is_list = self.children.keys().all(is_index);
        if !is_list {
            let entries = self.children.into_iter();
            return entries.map(|(key, node)| (key, node.into_json())).collect();
        }
        self.children
            .sort_by_cached_key(|key, _| key.parse::<u64>().unwrap_or(u64::MAX));
        self.children.into_values().map(Self::into_json).collect()
    }
}

pub(crate) fn looks_like_json(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"{")
}
