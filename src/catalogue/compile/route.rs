//! Where an endpoint answers: its method, its path, and the values of the path's segments.

use serde_json::{Value, json};

use super::compiler::Compiler;
use crate::base::{listed, named_near, nearest};
use crate::catalogue::endpoint::{Verb, path_segments};
use crate::scenario::Tree;

impl Compiler<'_> {
    pub(super) fn verb(&mut self) -> Verb {
        for file in &self.stack[1..] {
            let both = [("path", &file.path), ("method", &file.method)];
            for (key, written) in both {
                if let Some(written) = written {
                    self.errors.push(file.source_file.error(
                        written.span(),
                        format!("a file that extends another file cannot change its {key}: leave this out"),
                    ));
                }
            }
        }
        let Some(method) = &self.base.method else {
            return Verb::Post;
        };
        let file = &self.base.source_file;
        let verb = match method.as_ref().as_str() {
            "GET" => Verb::Get,
            "POST" => Verb::Post,
            other => {
                self.errors.push(file.error(
                    method.span(),
                    format!("`{other}` is neither `POST` nor `GET`"),
                ));
                return Verb::Post;
            }
        };
        if verb == Verb::Get {
            self.check_get();
        }
        verb
    }

    /// Refuses keys that are useless for a GET, because a GET has no body and makes no record.
    fn check_get(&mut self) {
        for file in self.stack {
            let useless = [
                (&file.id, "a GET keeps no records: leave out `id`"),
                (
                    &file.content_type,
                    "a GET has no body: leave out `content_type`",
                ),
                (
                    &file.listings,
                    "an endpoint with `listings` only reads: leave out `method`",
                ),
            ];
            for (written, message) in useless {
                if let Some(written) = written {
                    self.errors
                        .push(file.source_file.error(written.span(), message));
                }
            }
        }
    }

    pub(super) fn path(&mut self, verb: Verb) -> Option<String> {
        let file = &self.base.source_file;
        let Some(path) = &self.base.path else {
            self.errors.push(file.error(
                0..0,
                "the file has neither a path (`path = \"/v1/…\"`) nor a file to extend (`extends = \"…\"`)",
            ));
            return None;
        };
        let text = path.as_ref();
        let names: Vec<_> = path_segments(text).collect();
        let repeated = (1..names.len()).find(|at| names[..*at].contains(&names[*at]));
        let wrong = if text == crate::http::OPENAPI_PATH {
            format!("the sandbox itself answers at `{text}`: choose another path")
        } else if !is_path(text) || text.starts_with("/__sandbox") {
            "a path is lower-case words, each after a `/`, such as `/v1/identity/things`, \
             and not below `/__sandbox`"
                .to_owned()
        } else if verb == Verb::Post && !names.is_empty() {
            format!(
                "only the path of a GET can have parameters such as `{{{}}}`: write `method = \"GET\"`",
                names[0]
            )
        } else if let Some(at) = repeated {
            format!("the path has the parameter `{{{}}}` twice", names[at])
        } else {
            return Some(text.clone());
        };
        self.errors.push(file.error(path.span(), wrong));
        None
    }

    /// The rules for the segments of a GET's path. A segment is text, unless `request` has a rule for it.
    pub(super) fn segment_rules(&mut self, schema: &mut Value) {
        let path = self.base.path.as_ref();
        let names: Vec<_> = path.map_or(Vec::new(), |path| path_segments(path.as_ref()).collect());
        for file in self.stack {
            let request = file.request.as_ref().map(crate::scenario::Spanned::as_ref);
            let properties = request.and_then(|request| request.get("properties"));
            let Some(Tree::Table(entries)) = properties.map(crate::scenario::Spanned::as_ref)
            else {
                continue;
            };
            for (name, _) in entries {
                let written = name.as_ref().as_str();
                if names.contains(&written) {
                    continue;
                }
                let hint = match nearest(written, names.iter().copied()) {
                    Some(near) => format!("did you mean {}?", named_near(written, near)),
                    None => format!("its parameters are {}", listed(names.iter().copied())),
                };
                self.errors.push(file.source_file.error(
                    name.span(),
                    format!(
                        "the input of a GET is in its path, and `{{{written}}}` is not: {hint}"
                    ),
                ));
            }
        }
        if let Some(schema) = schema.as_object_mut() {
            let properties = schema.entry("properties").or_insert_with(|| json!({}));
            for name in names {
                if let Some(properties) = properties.as_object_mut() {
                    let rule = properties.entry(name);
                    rule.or_insert_with(|| json!({"type": "string"}));
                }
            }
        }
    }
}

/// Whether a text is a path: lower-case words between slashes. A word in braces stands for a segment with any text.
fn is_path(text: &str) -> bool {
    let is_word = |part: &str, more: &str| {
        let plain = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || more.contains(char::from(byte))
        };
        !part.is_empty() && part.bytes().all(plain)
    };
    let is_part = |part: &str| match part
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
    {
        Some(name) => is_word(name, "_"),
        None => part != "." && part != ".." && is_word(part, "_-."),
    };
    text.strip_prefix('/')
        .is_some_and(|rest| rest.split('/').all(is_part))
}
