//! `iluma-sandbox explain`: asks a running sandbox to explain one of its responses.

use std::fmt::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::output::{Format, block_on, fail, finish, finish_json, misused, refusal, visible_texts};
use super::target::Target;
use crate::answer::{DecidingValues, ExplainedAttempt, Explanation, NearListing};
use crate::base::LogText;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Trace of the response: the value of its header `x-sandbox-trace`.
    trace: String,
    #[command(flatten)]
    target: Target,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    block_on(explain(arguments))
}

async fn explain(arguments: &Arguments) -> ExitCode {
    let client = match arguments.target.client() {
        Ok(client) => client,
        Err(sentence) => return misused(sentence),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if !arguments.trace.chars().all(plain) {
        return misused(
            "a trace looks like 1a2b3c4d-7: every response has it in the header x-sandbox-trace",
        );
    }
    let path = format!("explain/{}", arguments.trace);
    let answer = match client.ask(Method::GET, &path, None, Duration::ZERO).await {
        Ok((StatusCode::OK, answer)) => answer,
        Ok((_, answer)) => {
            let message = refusal(&answer);
            return fail(
                message
                    .as_deref()
                    .unwrap_or("the sandbox refused the request"),
            );
        }
        Err(sentence) => return fail(sentence),
    };
    match arguments.format {
        Format::Json => finish_json(&answer, ExitCode::SUCCESS),
        Format::Text => match serde_json::from_value(visible_texts(&answer)) {
            Ok(explanation) => finish(&explanation_text(&explanation), ExitCode::SUCCESS),
            Err(error) => fail(format_args!(
                "the sandbox sent an explanation that this version cannot read: {error}"
            )),
        },
    }
}

/// Writes an explanation as lines for people.
pub(super) fn explanation_text(explanation: &Explanation) -> String {
    let visible = serde_json::from_value(visible_texts(&json!(explanation)));
    let explanation: &Explanation = &visible.expect("only characters in texts have changed");
    let mut text = String::new();
    let parts = [write_answer, write_decision, write_rules, write_record];
    for write in parts {
        write(&mut text, explanation).expect("writing to a string cannot fail");
    }
    text
}

/// The request, the reply, and the line of the scenario that wrote it.
fn write_answer(text: &mut String, explanation: &Explanation) -> fmt::Result {
    let (request, status) = (&explanation.request, explanation.status);
    writeln!(text, "{} {} → {status}", request.method, request.path)?;
    writeln!(text, "trace    {}", explanation.trace)?;
    if let Some(traceparent) = &request.traceparent {
        writeln!(text, "w3c      traceparent {traceparent}")?;
    }
    if let Some(id) = &request.request_id {
        writeln!(text, "id       x-request-id {id}")?;
    }
    if let Some(outcome) = &explanation.outcome {
        writeln!(text, "outcome  {outcome}")?;
    }
    if let Some(from) = &explanation.answered_from {
        writeln!(text, "from     {} ({})", from.place, from.source.name())?;
    }
    if let Some(fault) = &explanation.fault {
        writeln!(text, "fault    {fault}")?;
    }
    if let Some(delay_ms) = explanation.delay_ms {
        writeln!(text, "delay    {delay_ms} ms")?;
    }
    Ok(())
}

/// The decision, and the values that led to it.
fn write_decision(text: &mut String, explanation: &Explanation) -> fmt::Result {
    let decision = &explanation.decision;
    writeln!(text, "because  {}", decision.because)?;
    if let Some(chosen) = &explanation.chosen
        && let Some(turn) = chosen.turn
    {
        let (name, at) = (&chosen.outcome, &chosen.place);
        writeln!(text, "         it is turn {turn} of {name} ({at})")?;
    }
    for complaint in &explanation.errors {
        writeln!(text, "         {} {}", complaint.path, complaint.message)?;
    }
    match &decision.decided_by {
        Some(DecidingValues::Rule(conditions)) => {
            for tried in conditions {
                writeln!(text, "         {} is {}", tried.condition, tried.received)?;
            }
        }
        Some(DecidingValues::MagicValue {
            condition,
            received,
            place,
        }) => writeln!(text, "         {condition} ({place}) is {received}")?,
        Some(DecidingValues::FileNames { file_names }) => {
            let names = json!(file_names);
            writeln!(text, "         the names of files are {names}")?;
        }
        // The sentence has its value already.
        Some(DecidingValues::Header { .. }) | None => {}
    }
    if let Some(data) = &explanation.dummy_data {
        let (lookup, verdict) = (&data.lookup, &data.verdict);
        let read = json!(data.read);
        writeln!(text, "data     {lookup} says {verdict} to {read}")?;
        if let Some(nearest) = &data.nearest {
            write_nearest(text, nearest)?;
        }
    }
    Ok(())
}

/// The listings that a search did not find.
fn write_nearest(text: &mut String, nearest: &[NearListing]) -> fmt::Result {
    for near in nearest {
        let (name, id, score) = (&near.name, &near.id, near.score);
        writeln!(
            text,
            "nearest  {name} ({id}) with score {score}: {}",
            near.because
        )?;
    }
    if nearest.is_empty() {
        writeln!(text, "nearest  no name on the list is similar")?;
    }
    Ok(())
}

/// The rules that did not hold.
fn write_rules(text: &mut String, explanation: &Explanation) -> fmt::Result {
    let rules = explanation.rules.as_deref().unwrap_or_default();
    for rule in rules.iter().filter(|rule| !rule.held) {
        writeln!(text, "tried    {} ({})", rule.outcome, rule.place)?;
        for failed in &rule.failed {
            let (condition, expected) = (&failed.condition, &failed.expected);
            let received = match &failed.received {
                Value::Null => "nothing".to_owned(),
                received => received.to_string(),
            };
            let differs = format!("{condition} must be {expected} and is {received}");
            writeln!(text, "         {differs}")?;
            if let Some(look_alike) = &failed.look_alike {
                writeln!(text, "         they look alike: {look_alike}")?;
            }
        }
    }
    let (tried, shown) = (explanation.rules_tried.unwrap_or_default(), rules.len());
    if tried > shown {
        writeln!(
            text,
            "         of {tried} rules the nearest {shown} are shown"
        )?;
    }
    Ok(())
}

/// The last attempt to call a receiver, if it failed.
fn write_attempt(text: &mut String, attempt: Option<&ExplainedAttempt>) -> fmt::Result {
    let Some(attempt) = attempt else {
        return Ok(());
    };
    let Some(error) = &attempt.error else {
        return Ok(());
    };
    writeln!(text, "         failed: {}", LogText(error))?;
    for (name, value) in attempt.details() {
        writeln!(text, "         {name}: {}", LogText(&value))?;
    }
    Ok(())
}

/// The record, its changes and callbacks, and the notes.
fn write_record(text: &mut String, explanation: &Explanation) -> fmt::Result {
    if let Some(record) = &explanation.record {
        writeln!(text, "record   {}", record.id)?;
        for change in record.changes.iter().flatten() {
            writeln!(text, "then     {} after {}", change.outcome, change.after)?;
        }
    }
    for callback in explanation.callbacks.iter().flatten() {
        let (id, kind) = (&callback.id, &callback.callback_type);
        let state = json!(callback.state);
        let state = state.as_str().expect("a state is written as text");
        match (&callback.url, &callback.reason) {
            (Some(url), _) => writeln!(text, "callback {id} {kind} to {url}: {state}")?,
            (None, Some(reason)) => writeln!(text, "callback {id} {kind}: {state}, {reason}")?,
            (None, None) => writeln!(text, "callback {id} {kind}: {state}")?,
        }
        write_attempt(text, callback.last_attempt.as_ref())?;
    }
    if let Some(reason) = &explanation.no_callback {
        writeln!(text, "callback none: {reason}")?;
    }
    write_attempt(text, explanation.callback_test.as_ref())?;
    for note in &explanation.notes {
        writeln!(text, "note     {note}")?;
    }
    Ok(())
}
