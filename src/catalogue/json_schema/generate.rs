//! Makes the schema of a type, in the form that TOML editors accept.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use serde_json::Value;

/// The schema of a type, with the definitions that `more` adds.
pub(super) fn generated<T: JsonSchema>(more: impl FnOnce(&mut schemars::SchemaGenerator)) -> Value {
    let settings = SchemaSettings::draft07().with_transform(WithoutNull);
    let mut generator = settings.into_generator();
    more(&mut generator);
    let mut schema = generator.into_root_schema_for::<T>().to_value();
    let map = schema.as_object_mut().expect("the schema of a struct");
    for key in ["description", "title", "$schema"] {
        let value = map.shift_remove(key).expect("every document has them");
        map.shift_insert(0, key.to_owned(), value);
    }
    schema
}

/// Removes null: TOML has none, so an optional value may be absent but not null. It also removes the sizes of integers
/// and the line breaks of comments, which editors do not need.
#[derive(Clone)]
struct WithoutNull;

impl Transform for WithoutNull {
    fn transform(&mut self, schema: &mut schemars::Schema) {
        transform_subschemas(self, schema);
        let Some(map) = schema.as_object_mut() else {
            return;
        };
        if map.get("format").is_some_and(is_integer_size) {
            map.remove("format");
        }
        if let Some(Value::String(description)) = map.get_mut("description") {
            *description = description.replace('\n', " ");
        }
        if let Some(Value::Array(options)) = map.get_mut("enum") {
            options.retain(|option| !option.is_null());
        }
        if let Some(Value::Array(types)) = map.get_mut("type") {
            types.retain(|kind| kind != "null");
            if let [only] = types.as_slice() {
                let only = only.clone();
                map.insert("type".to_owned(), only);
            }
        }
        if let Some(Value::Array(options)) = map.get_mut("anyOf") {
            options.retain(|option| option.get("type").is_none_or(|kind| kind != "null"));
            if let [Value::Object(only)] = options.as_slice() {
                let only = only.clone();
                map.remove("anyOf");
                // Draft 7 ignores the other keys beside a reference.
                if only.contains_key("$ref") && !map.is_empty() {
                    map.insert("allOf".to_owned(), Value::Array(vec![only.into()]));
                } else {
                    map.extend(only);
                }
            }
        }
        map.retain(|key, value| key != "default" || !value.is_null());
    }
}

fn is_integer_size(format: &Value) -> bool {
    let format = format.as_str().unwrap_or_default();
    format.starts_with("uint") || format.starts_with("int")
}
