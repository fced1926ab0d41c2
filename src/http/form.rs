//! `application/x-www-form-urlencoded` as JSON: older clients send forms to every JSON product.

use indexmap::IndexMap;
use serde_json::Value;

use super::error::ApiError;
use super::upload::pointer_part;

/// The maximum depth of brackets in a form key. The JSON reader has its own limit.
const FORM_DEPTH_MAX: usize = 8;

const FIELDS_MAX: usize = 10_000;

/// Reads `application/x-www-form-urlencoded`: repeated keys, `a[]=` and `a[0][k]=` make arrays and
/// objects. All values are text until `Shape::coerce` converts them.
pub(crate) fn parse_form(body: &[u8]) -> Result<Value, ApiError> {
    let mut form = FormTree::default();
    for (count, (key, text)) in form_urlencoded::parse(body).enumerate() {
        if count == FIELDS_MAX {
            return Err(ApiError::too_many_fields(FIELDS_MAX));
        }
        form.insert(&form_path(&key), text.into_owned());
    }
    Ok(form.into_object(&mut |text, _| Value::String(text)))
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
    pub(crate) fn into_object(self, write: &mut impl FnMut(V, &str) -> Value) -> Value {
        self.object(&mut String::new(), write)
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
        let is_index = |key: &String| {
            key.bytes().all(|byte| byte.is_ascii_digit()) && key.parse::<u64>().is_ok()
        };
        let is_list = self.children.keys().all(is_index);
        if !is_list && self.values.is_empty() {
            return self.object(place, write);
        }
        // A name may come with brackets and without them. Then both become one list, so that nothing is lost.
        let mut items: Vec<Self> = self.values.drain(..).map(Self::of).collect();
        if is_list {
            self.children
                .sort_by_cached_key(|key, _| key.parse::<u64>().unwrap_or(u64::MAX));
            items.extend(self.children.into_values());
        } else {
            items.push(self);
        }
        let items = items.into_iter().enumerate();
        items
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

pub(crate) fn looks_like_json(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"{")
}
