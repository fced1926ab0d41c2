//! Which outcomes of a user's scenario files send a callback, as `check` reports it.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::catalogue::{CallbackChoice, Catalogue, Endpoint, Outcome, no_callback};

/// More outcomes are only counted.
const LISTED_MAX: usize = 50;

/// Whether one outcome sends a callback, and why.
pub(super) struct CallbackNote {
    endpoint: String,
    outcome: String,
    file: String,
    line: usize,
    callback: NotedCallback,
}

enum NotedCallback {
    /// The type of the callback. The outcome inherits it from its endpoint.
    Inherited(String),
    /// The type of the callback. The key `callback` of the outcome asks for it.
    Written(String),
    /// The reason why there is none.
    Missing(&'static str),
}

/// The outcomes of users, in the order of the endpoints. A user's own endpoint without `[callback]` is left out: nobody
/// expects a callback of it.
pub(super) fn of_users(catalogue: &Catalogue) -> Vec<CallbackNote> {
    let expects =
        |endpoint: &&Endpoint| endpoint.callback_type.is_some() || endpoint.origin.file.shipped;
    let endpoints = catalogue.endpoints().filter(expects);
    let outcomes = endpoints.flat_map(|endpoint| {
        let outcomes = endpoint.outcomes.values();
        outcomes.map(move |outcome| (endpoint, &**outcome))
    });
    outcomes
        .filter(|(_, outcome)| !outcome.origin.file.shipped && !outcome.is_shared)
        .map(|(endpoint, outcome)| CallbackNote::of(endpoint, outcome))
        .collect()
}

/// A line for each outcome that sends none or inherits its callback. Empty if there is no such outcome.
pub(super) fn text(notes: &[CallbackNote]) -> String {
    let lines: Vec<_> = notes.iter().filter_map(CallbackNote::line).collect();
    if lines.is_empty() {
        return String::new();
    }
    let mut text = "\ncallbacks of your outcomes:\n".to_owned();
    for line in lines.iter().take(LISTED_MAX) {
        writeln!(text, "  {line}").expect("writing to a string cannot fail");
    }
    match lines.len().saturating_sub(LISTED_MAX) {
        0 => text,
        more => format!("{text}  and {more} more; `--format json` lists them all\n"),
    }
}

impl CallbackNote {
    fn of(endpoint: &Endpoint, outcome: &Outcome) -> Self {
        let callback = match (no_callback(endpoint, outcome), &endpoint.callback_type) {
            (Some(reason), _) => NotedCallback::Missing(reason),
            (None, callback_type) => {
                let callback_type = callback_type.clone().unwrap_or_default();
                match outcome.callback_choice {
                    CallbackChoice::Inherited => NotedCallback::Inherited(callback_type),
                    CallbackChoice::Written | CallbackChoice::Unwritten => {
                        NotedCallback::Written(callback_type)
                    }
                }
            }
        };
        Self {
            endpoint: endpoint.id.to_string(),
            outcome: outcome.name.clone(),
            file: outcome.origin.file.name.clone(),
            line: outcome.origin.line(),
            callback,
        }
    }

    fn line(&self) -> Option<String> {
        let callback = match &self.callback {
            NotedCallback::Written(_) => return None,
            NotedCallback::Inherited(callback_type) => format!(
                "sends {callback_type}, which it inherits from its endpoint; `callback = false` turns it off"
            ),
            NotedCallback::Missing(reason) => format!("sends none: {reason}"),
        };
        let Self {
            outcome,
            file,
            line,
            ..
        } = self;
        Some(format!("{outcome} ({file}:{line}) {callback}"))
    }

    pub(super) fn json(&self) -> Value {
        let (callback_type, inherited, reason) = match &self.callback {
            NotedCallback::Inherited(callback_type) => (Some(callback_type), true, None),
            NotedCallback::Written(callback_type) => (Some(callback_type), false, None),
            NotedCallback::Missing(reason) => (None, false, Some(reason)),
        };
        json!({
            "endpoint": self.endpoint,
            "outcome": self.outcome,
            "file": self.file,
            "line": self.line,
            "type": callback_type,
            "inherited": inherited,
            "reason": reason,
        })
    }
}
