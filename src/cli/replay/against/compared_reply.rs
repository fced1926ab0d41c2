//! Compares the reply of a server with the recorded one, field by field. Ids and times are compared by their kind.

use std::collections::BTreeSet;

use hyper::HeaderMap;
use serde_json::{Map, Value};

use super::findings::{ComparedField, Verdict};
use super::followed_ids::FollowedIds;
use super::remote::RemoteReply;
use super::value_kind::TextKind;
use crate::base::{json_type, same_json, shortened};
use crate::world::Mask;

/// Longer values are cut.
const SHOWN_CHARS_MAX: usize = 60;

/// Stands for a secret in a recording.
const HIDDEN: &str = "…";

/// A field with such a part in its name holds a secret.
const SECRET_NAMES: [&str; 4] = ["token", "secret", "api_key", "password"];

/// Headers of the sandbox itself and of the connection.
const NOT_COMPARED: [&str; 4] = ["date", "content-length", "connection", "transfer-encoding"];

/// What the recording has of a reply.
#[derive(Debug)]
pub(super) struct RecordedReply {
    pub status: u16,
    pub headers: Map<String, Value>,
    pub body: Value,
}

/// Compares replies of one request.
pub(super) struct ReplyComparison<'c> {
    pub ids: &'c mut FollowedIds,
    /// The texts of the request as it was sent. The reply repeats them as they are.
    pub sent: &'c BTreeSet<String>,
    /// Hides API keys in the words.
    pub mask: &'c Mask,
}

impl ReplyComparison<'_> {
    pub(super) fn fields(
        &mut self,
        recorded: &RecordedReply,
        reply: &RemoteReply,
    ) -> Vec<ComparedField> {
        let mut found = Vec::new();
        let status = reply.status.as_u16();
        let body: Option<Value> = match &*reply.body {
            [] => Some(Value::Null),
            bytes => serde_json::from_slice(bytes).ok(),
        };
        let is_other = status != recorded.status;
        found.push(if is_other {
            let words = self.status_change(recorded.status, reply, body.as_ref());
            field("status".to_owned(), Verdict::OtherValue, words)
        } else {
            equal("status")
        });
        let is_error = |status: u16| status >= 400;
        if is_error(status) != is_error(recorded.status) {
            return found; // a reply of another purpose has nothing in common
        }
        self.headers(&recorded.headers, &reply.headers, &mut found);
        match (body, &recorded.body) {
            (None, Value::String(text)) if text.as_bytes() == &*reply.body => {
                found.push(equal("reply"));
            }
            (None, recorded) => found.push(ComparedField {
                path: "reply".to_owned(),
                verdict: Verdict::OtherType,
                words: format!("{} became a body that is not JSON", json_type(recorded)),
            }),
            (Some(body), recorded) => self.value("reply", recorded, &body, &mut found),
        }
        found
    }

    /// The change of a status, with what an error says.
    fn status_change(&self, was: u16, reply: &RemoteReply, body: Option<&Value>) -> String {
        let mut words = vec![format!("{was} became {}", reply.status.as_u16())];
        for name in ["error_code", "message"] {
            if let Some(text) = body.and_then(|body| body[name].as_str()) {
                words.push(format!("{name} {}", self.shown(name, &text.into())));
            }
        }
        words.join(", ")
    }

    fn headers(
        &mut self,
        recorded: &Map<String, Value>,
        headers: &HeaderMap,
        found: &mut Vec<ComparedField>,
    ) {
        for (name, was) in recorded {
            if name.starts_with("x-sandbox-") || NOT_COMPARED.contains(&&**name) {
                continue;
            }
            let path = format!("reply_headers.{name}");
            let Some(is) = headers.get(name) else {
                let words = format!("was {}", self.shown(name, was));
                found.push(field(path, Verdict::Missing, words));
                continue;
            };
            let mut is = String::from_utf8_lossy(is.as_bytes()).into_owned();
            let mut was = was.as_str().unwrap_or_default().to_owned();
            if name == "content-type" {
                for text in [&mut is, &mut was] {
                    *text = media_type(text);
                }
            }
            self.value(&path, &was.into(), &is.into(), found);
        }
    }

    fn value(&mut self, path: &str, was: &Value, is: &Value, found: &mut Vec<ComparedField>) {
        match (was, is) {
            (Value::Object(was), Value::Object(is)) => self.object(path, was, is, found),
            (Value::Array(was), Value::Array(is)) => {
                for (at, (was, is)) in was.iter().zip(is).enumerate() {
                    self.value(&format!("{path}.{at}"), was, is, found);
                }
                let compared = if was.len() == is.len() {
                    equal(path)
                } else {
                    let words = format!("has {} items, and had {}", is.len(), was.len());
                    field(path.to_owned(), Verdict::OtherValue, words)
                };
                found.push(compared);
            }
            (Value::String(was), Value::String(is)) => found.push(self.text(path, was, is)),
            _ if same_json(was, is) => found.push(equal(path)),
            _ => {
                let verdict = if json_type(was) == json_type(is) {
                    Verdict::OtherValue
                } else {
                    Verdict::OtherType
                };
                found.push(field(path.to_owned(), verdict, self.change(path, was, is)));
            }
        }
    }

    fn object(
        &mut self,
        path: &str,
        was: &Map<String, Value>,
        is: &Map<String, Value>,
        found: &mut Vec<ComparedField>,
    ) {
        for (name, was) in was {
            let path = format!("{path}.{name}");
            if let Some(is) = is.get(name) {
                self.value(&path, was, is, found);
            } else {
                let words = format!("was {}", self.shown(name, was));
                found.push(field(path, Verdict::Missing, words));
            }
        }
        for (name, is) in is.iter().filter(|(name, _)| !was.contains_key(*name)) {
            let words = self.shown(name, is);
            found.push(field(format!("{path}.{name}"), Verdict::Additional, words));
        }
    }

    fn text(&mut self, path: &str, was: &str, is: &str) -> ComparedField {
        if was.contains(HIDDEN) {
            return equal(path); // the recording does not have it
        }
        let change = |verdict, this: &Self| {
            let words = this.change(path, &was.into(), &is.into());
            field(path.to_owned(), verdict, words)
        };
        if self.sent.contains(self.ids.get(was).unwrap_or(was)) {
            let expected = self.ids.get(was).unwrap_or(was);
            return if expected == is {
                equal(path)
            } else {
                change(Verdict::OtherValue, self)
            };
        }
        if let Some(expected) = self.ids.get(was) {
            if expected == is {
                return equal(path);
            }
            let words = format!(
                "{} became {} before",
                self.shown(path, &was.into()),
                self.shown(path, &expected.into())
            );
            let words = format!("{words}, and is {} here", self.shown(path, &is.into()));
            return field(path.to_owned(), Verdict::OtherValue, words);
        }
        let (kind, given) = (TextKind::of(was), TextKind::of(is));
        let is_id = matches!(kind, TextKind::Id(_)) || path.rsplit('.').next() == Some("id");
        if is_id {
            self.ids.follow(was, is);
        }
        match kind.words() {
            Some(_) if kind == given => equal(path),
            Some(words) => {
                let words = format!("{words} became {}", self.shown(path, &is.into()));
                field(path.to_owned(), Verdict::OtherType, words)
            }
            None if was == is => equal(path),
            None => change(Verdict::OtherValue, self),
        }
    }

    fn change(&self, path: &str, was: &Value, is: &Value) -> String {
        format!("{} became {}", self.shown(path, was), self.shown(path, is))
    }

    /// A value without secrets. `path` ends with the name of its field.
    fn shown(&self, path: &str, value: &Value) -> String {
        let mut value = value.clone();
        hide_secrets(path, &mut value);
        self.mask.hide(&mut value);
        shortened(&value.to_string(), SHOWN_CHARS_MAX)
    }
}

/// The values of fields that are secrets by their name: the server's callback token is one.
fn hide_secrets(path: &str, value: &mut Value) {
    let name = path.rsplit('.').next().unwrap_or_default();
    match value {
        Value::String(text) if SECRET_NAMES.iter().any(|secret| name.contains(secret)) => {
            HIDDEN.clone_into(text);
        }
        Value::Array(items) => items.iter_mut().for_each(|item| hide_secrets(path, item)),
        Value::Object(fields) => fields
            .iter_mut()
            .for_each(|(name, value)| hide_secrets(name, value)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn equal(path: &str) -> ComparedField {
    field(path.to_owned(), Verdict::Equal, String::new())
}

fn field(path: String, verdict: Verdict, words: String) -> ComparedField {
    ComparedField {
        path,
        verdict,
        words,
    }
}

/// `application/json; charset=utf-8` without its parameters.
fn media_type(text: &str) -> String {
    let name = text.split(';').next().unwrap_or_default();
    name.trim().to_ascii_lowercase()
}
