//! `--redact` in an explanation: the values that were received are hidden. The expected values are the scenario's.

use serde_json::{Value, json};

use super::gathered::gathered;
use crate::answer::{DecidingValues, ExplainedAttempt, Explanation};
use crate::catalogue::PersonalFields;
use crate::http;
use crate::world::{self, Content, DecidedBy, Exchange, HiddenValues};

pub(super) fn redact_explanation(
    explanation: &mut Explanation,
    exchange: &Exchange,
    personal: &PersonalFields,
) {
    let has_magic = exchange.decision.by == DecidedBy::Magic;
    let mut hidden = world::redact_exchange(&mut request_values(exchange), has_magic, personal);
    hidden.redact_path(&mut explanation.request.path);
    if let Some(id) = &mut explanation.request.request_id {
        hidden.hide_text(id);
    }
    if let Some(values) = &mut explanation.decision.decided_by {
        redact_deciding_values(values, &mut hidden);
    }
    if let Some(data) = &mut explanation.dummy_data {
        hidden.hide_all(&mut data.read);
        for near in data.nearest.iter_mut().flatten() {
            hidden.redact_text(&mut near.name);
            hidden.redact_text(&mut near.because);
        }
    }
    for rule in explanation.rules.iter_mut().flatten() {
        for condition in &mut rule.failed {
            hide(&mut condition.received);
            condition.look_alike = None;
        }
    }
    redact_nearest_rule(explanation);
    hidden.redact_text(&mut explanation.decision.because);
    for complaint in &mut explanation.errors {
        hidden.redact_text(&mut complaint.path);
        hidden.redact_text(&mut complaint.message);
    }
    for note in &mut explanation.notes {
        hidden.redact_text(note);
    }
    for callback in explanation.callbacks.iter_mut().flatten() {
        callback.url = callback.url.as_deref().map(world::redacted_url);
        if let Some(attempt) = &mut callback.last_attempt {
            redact_attempt(attempt, personal);
        }
    }
    if let Some(test) = &mut explanation.callback_test {
        redact_attempt(test, personal);
    }
}

/// The values of a request that a sentence may repeat.
fn request_values(exchange: &Exchange) -> Value {
    let body = match exchange.content() {
        Content::Json(value) | Content::Fields(value) => value,
        Content::Empty | Content::Text(_) | Content::Beginning(_) => Value::Null,
    };
    let query = gathered(http::shown_pairs(exchange.query().as_bytes()));
    json!({
        "path": exchange.path(),
        "query": query,
        "headers": gathered(exchange.headers()),
        "body": body,
    })
}

fn redact_attempt(attempt: &mut ExplainedAttempt, personal: &PersonalFields) {
    let mut shown = json!(attempt);
    world::redact_attempt(&mut shown, personal);
    *attempt = serde_json::from_value(shown).expect("only texts have changed");
}

fn redact_deciding_values(values: &mut DecidingValues, hidden: &mut HiddenValues) {
    match values {
        DecidingValues::Header { received, .. } => HiddenValues::default().hide_text(received),
        DecidingValues::MagicValue { received, .. } => hide(received),
        DecidingValues::FileNames { file_names } => hidden.hide_all(file_names),
        DecidingValues::Rule(conditions) => {
            for condition in conditions {
                hide(&mut condition.received);
            }
        }
    }
}

/// Hides a value here alone: sentences keep it, because most such values are the names of outcomes.
fn hide(received: &mut Value) {
    HiddenValues::default().hide(received);
}

/// The sentence about the nearest rule quotes the request.
fn redact_nearest_rule(explanation: &mut Explanation) {
    let Some(nearest) = &mut explanation.nearest_rule else {
        return;
    };
    let redacted = format!(
        "{} ({}) would have answered, but for what is redacted here.",
        nearest.outcome, nearest.place
    );
    let because = &mut explanation.decision.because;
    *because = because.replace(&nearest.differs, &redacted);
    nearest.differs = redacted;
}
