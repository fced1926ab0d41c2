//! Files in JSON as draws see them: each by its SHA-256. So a replay, which has the hash and not the file, draws the same.

use serde_json::{Map, Value};

use super::upload_fields::{PathStep, UploadFields, facts_in_json, is_there, onwards};

impl UploadFields {
    /// The fields with the SHA-256 of each file in hex in place of its text. With `are_hashed` the texts are hashes already.
    pub(crate) fn hashed(
        &self,
        fields: &Map<String, Value>,
        are_hashed: bool,
    ) -> Map<String, Value> {
        let paths: Vec<_> = self.paths.iter().map(Vec::as_slice).collect();
        hashed_fields(fields, &paths, are_hashed)
    }
}

fn hashed_fields(
    fields: &Map<String, Value>,
    paths: &[&[PathStep]],
    are_hashed: bool,
) -> Map<String, Value> {
    let hash = |(name, value): (&String, &Value)| {
        let hashed = hashed_value(value, &onwards(paths, name), are_hashed);
        (name.clone(), hashed)
    };
    fields.iter().map(hash).collect()
}

fn hashed_value(value: &Value, paths: &[&[PathStep]], are_hashed: bool) -> Value {
    match value {
        Value::String(text) if !are_hashed => match facts_in_json(text, is_there(paths)) {
            Some(mut facts) => facts["sha256"].take(),
            None => value.clone(),
        },
        Value::Array(items) => {
            let items = items.iter().enumerate();
            let hash = |(at, item): (usize, &Value)| {
                hashed_value(item, &onwards(paths, &at.to_string()), are_hashed)
            };
            items.map(hash).collect()
        }
        Value::Object(fields) => hashed_fields(fields, paths, are_hashed).into(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}
