//! Compares what was recorded with what was answered again, field by field, and groups equal differences.

use hyper::StatusCode;
use indexmap::IndexMap;
use serde_json::Value;

use super::difference::{FieldDifference, differences, is_at};
use crate::base::read_exact_json;

/// Traces that are shown of one kind of difference.
const TRACES_SHOWN_MAX: usize = 3;

/// The fields of an exchange that a replay must give again.
const OF_EXCHANGE: [&str; 7] = [
    "status",
    "outcome",
    "endpoint",
    "reply_headers",
    "fault",
    "delay_ms",
    "reply_sha256",
];

/// The same where the status differs: then everything else does too.
const OF_OTHER_REPLY: [&str; 3] = ["status", "outcome", "fault"];

/// The fields of a delivery that a replay must give again.
const OF_DELIVERY: [&str; 13] = [
    "id",
    "callback_type",
    "state",
    "record",
    "outcome",
    "url",
    "created",
    "on_purpose",
    "reason",
    "redelivery_of",
    "depth",
    "traceparent",
    "request_id",
];

/// What a replay compares, and when it ends.
#[derive(Default)]
pub(super) struct Selection {
    /// Paths of fields that do not count. `*` stands for any part.
    pub ignored: Vec<Vec<String>>,
    /// Only exchanges and callbacks of these endpoints are compared. Empty: all.
    pub endpoints: Vec<String>,
    pub stop_at_first: bool,
    /// Whether times are those of the machine, which no replay gives again.
    pub ignores_times: bool,
}

impl Selection {
    /// Whether the field at a path with dots does not count.
    pub(super) fn ignores(&self, path: &str) -> bool {
        self.ignored.iter().any(|ignored| is_at(path, ignored))
    }
}

/// The same difference in several places.
#[derive(Default)]
pub(super) struct Group {
    pub count: usize,
    pub traces: Vec<String>,
}

/// What a difference is in: its kind, the field, and the words that say it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct GroupKey {
    pub what: &'static str,
    pub path: String,
    pub words: String,
}

#[derive(Default)]
pub(super) struct Comparison {
    selection: Selection,
    pub compared: usize,
    pub different: usize,
    pub callbacks: usize,
    pub different_callbacks: usize,
    pub groups: IndexMap<GroupKey, Group>,
    pub skipped: IndexMap<String, Group>,
}

impl Comparison {
    pub(super) fn new(selection: Selection) -> Self {
        Self {
            selection,
            ..Self::default()
        }
    }

    /// Whether nothing more is to be compared.
    pub(super) fn is_over(&self) -> bool {
        self.selection.stop_at_first && !self.groups.is_empty()
    }

    pub(super) fn is_equal(&self) -> bool {
        self.groups.is_empty()
    }

    pub(super) fn skip(&mut self, reason: &str, trace: &str) {
        let group = self.skipped.entry(reason.to_owned()).or_default();
        group.add(trace);
    }

    pub(super) fn skip_all(&mut self, reason: &str, count: usize, world: &str) {
        let group = self.skipped.entry(reason.to_owned()).or_default();
        group.add(&format!("world {world}"));
        group.count += count.saturating_sub(1);
    }

    pub(super) fn exchange(&mut self, recorded: &Value, again: &Value) {
        if !self.counts(recorded["endpoint"].as_str()) {
            return;
        }
        self.compared += 1;
        let trace = recorded["trace"].as_str().unwrap_or_default();
        let is_other = recorded["status"] != again["status"];
        let names: &[&str] = if is_other {
            &OF_OTHER_REPLY
        } else {
            &OF_EXCHANGE
        };
        let mut found = self.fields(names, recorded, again);
        if !is_other {
            found.extend(self.kept(reply(recorded, again)));
        }
        self.different += usize::from(!found.is_empty());
        self.add("reply", found, trace);
    }

    /// A request that its world does not get any more.
    pub(super) fn lost(&mut self, recorded: &Value) {
        self.compared += 1;
        self.different += 1;
        let trace = recorded["trace"].as_str().unwrap_or_default();
        let words = "the request is refused before its world is known".to_owned();
        self.add(
            "reply",
            vec![FieldDifference {
                path: String::new(),
                words,
            }],
            trace,
        );
    }

    /// A control call that is refused now.
    pub(super) fn control(&mut self, line: &Value, refusal: Option<(StatusCode, Option<&str>)>) {
        let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        let words = match refusal {
            Some((status, message)) => {
                format!(
                    "is refused with {}: {}",
                    status.as_u16(),
                    message.unwrap_or_default()
                )
            }
            None => "cannot be read".to_owned(),
        };
        let path = format!("{} {}", text("method"), text("path"));
        self.add(
            "control call",
            vec![FieldDifference { path, words }],
            &text("world"),
        );
    }

    /// Compares the callbacks of a world. Unless they are complete, more callbacks are no difference.
    pub(super) fn deliveries(&mut self, recorded: &[&Value], again: &[Value], is_complete: bool) {
        let id_of = |line: &Value| line["id"].as_str().unwrap_or_default().to_owned();
        let mut others: IndexMap<_, _> = again.iter().map(|line| (id_of(line), line)).collect();
        for line in recorded {
            let other = others.shift_remove(&id_of(line));
            if !self.counts(endpoint_of(line)) {
                continue;
            }
            self.callbacks += 1;
            let place = place_of(line);
            let found = match other {
                None => vec![whole("is not sent any more")],
                Some(other) => self.delivery(line, other),
            };
            self.different_callbacks += usize::from(!found.is_empty());
            self.add("callback", found, &place);
        }
        for (_, line) in others {
            if is_complete && self.counts(endpoint_of(line)) {
                self.callbacks += 1;
                self.different_callbacks += 1;
                self.add(
                    "callback",
                    vec![whole("is sent in addition")],
                    &place_of(line),
                );
            }
        }
    }

    fn delivery(&self, recorded: &Value, again: &Value) -> Vec<FieldDifference> {
        let mut found = self.fields(&OF_DELIVERY, recorded, again);
        found.extend(self.kept(callback_body(recorded, again)));
        let attempts = |line: &Value| line["attempts"].as_array().map_or(0, Vec::len);
        if attempts(recorded) != attempts(again) {
            let words = format!("{} became {}", attempts(recorded), attempts(again));
            found.extend(self.kept(vec![FieldDifference {
                path: "attempts".to_owned(),
                words,
            }]));
        }
        found
    }

    fn fields(&self, names: &[&str], recorded: &Value, again: &Value) -> Vec<FieldDifference> {
        let found = names.iter().flat_map(|name| {
            let (mut was, mut is) = (recorded[name].clone(), again[name].clone());
            for headers in [&mut was, &mut is] {
                if *name == "reply_headers"
                    && let Some(headers) = headers.as_object_mut()
                {
                    headers.shift_remove("x-sandbox-trace");
                }
            }
            differences(name, &was, &is)
        });
        self.kept(found.collect())
    }

    /// The differences that count.
    fn kept(&self, found: Vec<FieldDifference>) -> Vec<FieldDifference> {
        let counts = |one: &FieldDifference| {
            let is_time = self.selection.ignores_times && one.is_of_times();
            !is_time && !self.selection.ignores(&one.path)
        };
        found.into_iter().filter(counts).collect()
    }

    fn counts(&self, endpoint: Option<&str>) -> bool {
        let endpoints = &self.selection.endpoints;
        endpoints.is_empty() || endpoint.is_some_and(|id| endpoints.iter().any(|one| one == id))
    }

    fn add(&mut self, what: &'static str, found: Vec<FieldDifference>, trace: &str) {
        for FieldDifference { path, words } in found {
            let key = GroupKey { what, path, words };
            self.groups.entry(key).or_default().add(trace);
        }
    }
}

impl Group {
    fn add(&mut self, trace: &str) {
        self.count += 1;
        if self.traces.len() < TRACES_SHOWN_MAX {
            self.traces.push(trace.to_owned());
        }
    }
}

fn whole(words: &str) -> FieldDifference {
    FieldDifference {
        path: String::new(),
        words: words.to_owned(),
    }
}

/// The differences between the bodies of two replies.
fn reply(recorded: &Value, again: &Value) -> Vec<FieldDifference> {
    let bytes = |line: &Value| match &line["reply_text"] {
        Value::String(text) => text.clone(),
        _ => line["reply"].to_string(),
    };
    let is_same = bytes(recorded) == bytes(again);
    body("reply", is_same, &recorded["reply"], &again["reply"])
}

/// The same for two callbacks, whose bodies are texts.
fn callback_body(recorded: &Value, again: &Value) -> Vec<FieldDifference> {
    let json = |line: &Value| {
        let text = line["body"].as_str().unwrap_or_default();
        read_exact_json(text.as_bytes()).unwrap_or_else(|| text.into())
    };
    let is_same = recorded["body"] == again["body"];
    body("body", is_same, &json(recorded), &json(again))
}

/// Bytes that differ only in their form are one difference.
fn body(name: &str, is_same: bool, was: &Value, is: &Value) -> Vec<FieldDifference> {
    if is_same {
        return Vec::new();
    }
    let found = differences(name, was, is);
    if found.is_empty() {
        let words = "has the same values in other bytes".to_owned();
        let path = name.to_owned();
        return vec![FieldDifference { path, words }];
    }
    found
}

/// `v1.1/…/COMPLETED_FOUND` without its outcome.
fn endpoint_of(delivery: &Value) -> Option<&str> {
    Some(delivery["outcome"].as_str()?.rsplit_once('/')?.0)
}

fn place_of(delivery: &Value) -> String {
    let text = |name: &str| delivery[name].as_str().unwrap_or_default();
    format!("{} of world {}", text("id"), text("world"))
}
