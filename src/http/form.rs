//! `application/x-www-form-urlencoded` as JSON: older clients send forms to every JSON product.

use indexmap::IndexMap;
use serde_json::Value;

use super::error::ApiError;
use super::url_text::pairs;
use crate::base::pointer_part;

/// The maximum depth of brackets in a form key. The JSON reader has its own limit.
const FORM_DEPTH_MAX: usize = 8;

const FIELDS_MAX: usize = 10_000;

/// Reads `application/x-www-form-urlencoded`: repeated keys, `a[]=` and `a[0][k]=` make arrays and
/// objects. All values are text until `Shape::coerce` converts them.
pub(crate) fn parse_form(body: &[u8]) -> Result<Value, ApiError> {
    let mut form = FormTree::default();
    for (count, pair) in pairs(body).enumerate() {
        if count == FIELDS_MAX {
            return Err(ApiError::too_many_fields(FIELDS_MAX));
        }
        let (key, text) = pair.map_err(|reason| ApiError::broken_form(&reason))?;
        form.insert(&form_path(&key), text.into_owned());
    }
    form.into_object(&mut |text, _| Value::String(text))
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
pub(crate) struct FormTree<V> {
    values: Vec<V>,
    children: IndexMap<String, FormTree<V>>,
    /// How many `[]` were inserted: the index of the next one.
    pushed: usize,
}

impl<V> Default for FormTree<V> {
    fn default() -> Self {
        Self {
            values: Vec::new(),
            children: IndexMap::new(),
            pushed: 0,
        }
    }
}

impl<V> FormTree<V> {
    pub(crate) fn insert(&mut self, path: &[&str], value: V) {
        let Some((first, rest)) = path.split_first() else {
            self.values.push(value);
            return;
        };
        let key = if first.is_empty() {
            self.pushed += 1;
            (self.pushed - 1).to_string()
        } else {
            (*first).to_owned()
        };
        self.children.entry(key).or_default().insert(rest, value);
    }

    /// The whole form as an object. `write` gets each value and its place as a JSON Pointer.
    pub(crate) fn into_object(
        self,
        write: &mut impl FnMut(V, &str) -> Value,
    ) -> Result<Value, ApiError> {
        if let Some(path) = self.contradiction() {
            return Err(ApiError::value_and_brackets(&path));
        }
        Ok(self.object(&mut String::new(), write))
    }

    /// The path of a field that has a value and names in brackets, such as `a=1&a[b]=2`.
    fn contradiction(&self) -> Option<String> {
        if !self.values.is_empty() && !self.is_list() {
            return Some(String::new());
        }
        self.children.iter().find_map(|(key, child)| {
            let path = child.contradiction()?;
            let dot = if path.is_empty() { "" } else { "." };
            Some([key, dot, &path].concat())
        })
    }

    /// Whether all children are items of a list.
    fn is_list(&self) -> bool {
        self.children
            .keys()
            .all(|key| key.bytes().all(|byte| byte.is_ascii_digit()) && key.parse::<u64>().is_ok())
    }

    fn object(self, place: &mut String, write: &mut impl FnMut(V, &str) -> Value) -> Value {
        let children = self.children.into_iter();
        children
            .map(|(key, child)| {
                let value = child.below(&key, place, write);
                (key, value)
            })
            .collect()
    }

    /// This tree as the value `name` of what stands at `place`.
    fn below(
        self,
        name: &str,
        place: &mut String,
        write: &mut impl FnMut(V, &str) -> Value,
    ) -> Value {
        let length = place.len();
        *place += &pointer_part(name);
        let value = self.into_json(place, write);
        place.truncate(length);
        value
    }

    fn into_json(mut self, place: &mut String, write: &mut impl FnMut(V, &str) -> Value) -> Value {
        if self.children.is_empty() && self.values.len() == 1 {
            return write(self.values.remove(0), place);
        }
        if !self.is_list() {
            return self.object(place, write);
        }
        self.children
            .sort_by_cached_key(|key, _| key.parse::<u64>().unwrap_or(u64::MAX));
        // A list may come with brackets and without them: `a=1&a[]=2`.
        let values = self.values.into_iter().map(Self::of);
        let items = values.chain(self.children.into_values());
        items
            .enumerate()
            .map(|(at, item)| item.below(&at.to_string(), place, write))
            .collect()
    }

    fn of(value: V) -> Self {
        Self {
            values: vec![value],
            ..Self::default()
        }
    }
}
