//! Reads values of a JSON document, and names the path of each that is broken.

use serde_json::Value;

use crate::base::json_type;

/// A value and its path, such as `request.headers[2].name`.
#[derive(Clone)]
pub(super) struct Place<'v> {
    path: String,
    value: &'v Value,
}

impl<'v> Place<'v> {
    pub(super) fn root(value: &'v Value) -> Self {
        Self {
            path: String::new(),
            value,
        }
    }

    pub(super) fn value(&self) -> &'v Value {
        self.value
    }

    /// The field of an object. None if it is missing or null.
    pub(super) fn get(&self, name: &str) -> Option<Self> {
        let value = self.value.get(name).filter(|value| !value.is_null())?;
        let dot = if self.path.is_empty() { "" } else { "." };
        Some(Self {
            path: format!("{}{dot}{name}", self.path),
            value,
        })
    }

    /// The same for a field that must be there.
    pub(super) fn need(&self, name: &str) -> Result<Self, String> {
        self.get(name).ok_or_else(|| {
            let dot = if self.path.is_empty() { "" } else { "." };
            format!("`{}{dot}{name}` is missing", self.path)
        })
    }

    pub(super) fn object(self) -> Result<Self, String> {
        match self.value {
            Value::Object(_) => Ok(self),
            other => Err(self.wrong("an object", other)),
        }
    }

    pub(super) fn text(&self) -> Result<&'v str, String> {
        let text = self.value.as_str();
        text.ok_or_else(|| self.wrong("text", self.value))
    }

    pub(super) fn number(&self) -> Result<i64, String> {
        let number = self.value.as_i64();
        number.ok_or_else(|| self.wrong("a whole number", self.value))
    }

    pub(super) fn items(&self) -> Result<Vec<Self>, String> {
        let Value::Array(items) = self.value else {
            return Err(self.wrong("a list", self.value));
        };
        let item = |(at, value)| Self {
            path: format!("{}[{at}]", self.path),
            value,
        };
        Ok(items.iter().enumerate().map(item).collect())
    }

    /// The text of a field. None if there is none.
    pub(super) fn text_of(&self, name: &str) -> Result<Option<&'v str>, String> {
        self.get(name).map(|place| place.text()).transpose()
    }

    /// The items of a field. None if there is no such field.
    pub(super) fn items_of(&self, name: &str) -> Result<Vec<Self>, String> {
        let items = self.get(name).map(|place| place.items()).transpose()?;
        Ok(items.unwrap_or_default())
    }

    fn wrong(&self, expected: &str, value: &Value) -> String {
        let kind = json_type(value);
        if self.path.is_empty() {
            return format!("it must be {expected}, and is {kind}");
        }
        format!("`{}` must be {expected}, and is {kind}", self.path)
    }
}
