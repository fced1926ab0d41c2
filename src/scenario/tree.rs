//! TOML values that know their place in the file: bodies, schemas and conditions before they are compiled.

use std::fmt;
use std::ops::Range;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// A TOML value that knows its place in the file and the order of its keys.
#[derive(Clone, Debug)]
pub(crate) enum Tree {
    Text(String),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    List(Vec<Spanned<Tree>>),
    Table(Vec<(Spanned<String>, Spanned<Tree>)>),
}

impl Tree {
    pub(crate) fn to_json(&self) -> serde_json::Value {
        use serde_json::Value;
        match self {
            Self::Text(text) => Value::String(text.clone()),
            Self::Integer(number) => Value::from(*number),
            Self::Float(number) => Value::from(*number),
            Self::Boolean(truth) => Value::Bool(*truth),
            Self::List(items) => items.iter().map(|item| item.as_ref().to_json()).collect(),
            Self::Table(entries) => entries
                .iter()
                .map(|(key, value)| (key.as_ref().clone(), value.as_ref().to_json()))
                .collect(),
        }
    }

    /// The name of this kind of value, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Integer(_) | Self::Float(_) => "a number",
            Self::Boolean(_) => "a boolean",
            Self::List(_) => "an array",
            Self::Table(_) => "a table",
        }
    }

    /// The value under a table's key.
    pub(crate) fn get(&self, key: &str) -> Option<&Spanned<Tree>> {
        match self {
            Self::Table(entries) => entries
                .iter()
                .find(|(name, _)| name.as_ref() == key)
                .map(|(_, value)| value),
            _ => None,
        }
    }
}

#[cfg(test)]
impl schemars::JsonSchema for Tree {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Tree".into()
    }

    /// Accepts any value. The module `json_schema` adds the rules that are known for a place.
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        true.into()
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TreeVisitor;

        impl<'de> Visitor<'de> for TreeVisitor {
            type Value = Tree;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text, a number, a boolean, an array or a table")
            }

            fn visit_str<E>(self, text: &str) -> Result<Tree, E> {
                Ok(Tree::Text(text.to_owned()))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Tree, E> {
                Ok(Tree::Integer(number))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Tree, E> {
                Ok(Tree::Float(number))
            }

            fn visit_bool<E>(self, truth: bool) -> Result<Tree, E> {
                Ok(Tree::Boolean(truth))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    list.push(item);
                }
                Ok(Tree::List(list))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Tree, A::Error> {
                let mut table = Vec::new();
                while let Some(entry) = entries.next_entry()? {
                    table.push(entry);
                }
                Ok(Tree::Table(table))
            }
        }

        deserializer.deserialize_any(TreeVisitor)
    }
}

/// The TOML crate's `Spanned` in a type of ours, so that it can have a JSON Schema: that of its value.
#[derive(Clone, Debug)]
pub(crate) struct Spanned<T>(toml::Spanned<T>);

impl<T> Spanned<T> {
    pub(crate) fn new(range: Range<usize>, value: T) -> Self {
        Self(toml::Spanned::new(range, value))
    }

    /// The range of bytes of the value in the file.
    pub(crate) fn span(&self) -> Range<usize> {
        self.0.span()
    }

    pub(crate) fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

impl<T> AsRef<T> for Spanned<T> {
    fn as_ref(&self) -> &T {
        self.0.as_ref()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Spanned<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        toml::Spanned::deserialize(deserializer).map(Self)
    }
}

#[cfg(test)]
impl<T: schemars::JsonSchema> schemars::JsonSchema for Spanned<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> std::borrow::Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        T::json_schema(generator)
    }
}
