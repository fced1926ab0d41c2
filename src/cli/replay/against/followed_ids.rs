//! The ids that a server gave in place of the recorded ones. Later requests are sent with them.

use std::collections::HashMap;

use serde_json::Value;

#[derive(Debug, Default)]
pub(super) struct FollowedIds(HashMap<String, String>);

impl FollowedIds {
    pub(super) fn get(&self, recorded: &str) -> Option<&str> {
        self.0.get(recorded).map(String::as_str)
    }

    /// Notes the id of the server. The first one counts.
    pub(super) fn follow(&mut self, recorded: &str, given: &str) {
        let place = self.0.entry(recorded.to_owned());
        place.or_insert_with(|| given.to_owned());
    }

    /// Path and query with the ids of the server.
    pub(super) fn target(&self, recorded: &str) -> String {
        let parts = recorded.split_inclusive(['/', '?', '&', '=']);
        let part = |part: &str| {
            let text = part.trim_end_matches(['/', '?', '&', '=']);
            let given = self.get(text).unwrap_or(text);
            format!("{given}{}", &part[text.len()..])
        };
        parts.map(part).collect()
    }

    /// Puts the ids of the server into a body. Whether there were any.
    pub(super) fn put_into(&self, value: &mut Value) -> bool {
        match value {
            Value::String(text) => match self.get(text) {
                Some(given) => {
                    *text = given.to_owned();
                    true
                }
                None => false,
            },
            Value::Array(items) => {
                let put = items.iter_mut().map(|item| self.put_into(item));
                put.fold(false, |any, one| any | one)
            }
            Value::Object(fields) => {
                let put = fields.values_mut().map(|value| self.put_into(value));
                put.fold(false, |any, one| any | one)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_replaced_in_paths_queries_and_bodies_only_as_a_whole() {
        let mut ids = FollowedIds::default();
        ids.follow("a1", "b2");
        ids.follow("a1", "c3");
        assert_eq!(ids.target("/x/a1/y?id=a1&z=a11"), "/x/b2/y?id=b2&z=a11");
        let mut body = serde_json::json!({"of": ["a1", "a11", 1]});
        assert!(ids.put_into(&mut body));
        assert_eq!(body, serde_json::json!({"of": ["b2", "a11", 1]}));
    }
}
