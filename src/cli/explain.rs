//! `iluma-sandbox explain`: why a running sandbox answered a request as it did.

use std::fmt::Write;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use hyper::{Method, StatusCode};
use serde_json::Value;

use super::target::Target;
use super::{Format, block_on, fail, misused, print};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The `x-sandbox-trace` of the reply.
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
        return misused("a trace looks like 1a2b3c4d-7: it is in x-sandbox-trace of every reply");
    }
    let path = format!("explain/{}", arguments.trace);
    match client.ask(Method::GET, &path, None, Duration::ZERO).await {
        Ok((StatusCode::OK, told)) => {
            print(&match arguments.format {
                Format::Text => shown(&told),
                Format::Json => format!("{told:#}\n"),
            });
            ExitCode::SUCCESS
        }
        Ok((_, refusal)) => fail(refusal["message"].as_str().unwrap_or("it was refused")),
        Err(sentence) => fail(sentence),
    }
}

/// An explanation, for people.
pub(super) fn shown(told: &Value) -> String {
    let mut text = String::new();
    write(&mut text, told).expect("writing to a string cannot fail");
    text
}

fn write(text: &mut String, told: &Value) -> std::fmt::Result {
    let word = |value: &Value| match value {
        Value::String(word) => word.clone(),
        Value::Null => "nothing".to_owned(),
        other => other.to_string(),
    };
    let place = |place: &Value| format!("{}:{}", word(&place["file"]), place["line"]);
    let request = &told["request"];
    writeln!(
        text,
        "{} {} → {}",
        word(&request["method"]),
        word(&request["path"]),
        told["status"]
    )?;
    writeln!(text, "trace    {}", word(&told["trace"]))?;
    if !told["outcome"].is_null() {
        writeln!(text, "outcome  {}", word(&told["outcome"]))?;
    }
    if told["answered_from"].is_object() {
        let from = &told["answered_from"];
        let source = word(&from["source"]);
        writeln!(text, "from     {} ({source})", place(&from["place"]))?;
    }
    if !told["fault"].is_null() {
        writeln!(text, "fault    {}", word(&told["fault"]))?;
    }
    if !told["delay_ms"].is_null() {
        writeln!(text, "delay    {} ms", told["delay_ms"])?;
    }
    writeln!(text, "because  {}", word(&told["because"]))?;
    let turn = &told["chosen"]["turn"];
    if turn.is_number() {
        let chosen = &told["chosen"];
        let (name, at) = (word(&chosen["outcome"]), place(&chosen["place"]));
        writeln!(text, "         it is turn {turn} of {name} ({at})")?;
    }
    for complaint in items(&told["errors"]) {
        let (path, message) = (word(&complaint["path"]), word(&complaint["message"]));
        writeln!(text, "         {path} {message}")?;
    }
    write_decided_by(text, &told["decided_by"])?;
    if told["dummy_data"].is_object() {
        let data = &told["dummy_data"];
        let (lookup, verdict) = (word(&data["lookup"]), word(&data["verdict"]));
        writeln!(text, "data     {lookup} says {verdict} to {}", data["read"])?;
    }
    for rule in items(&told["rules"])
        .iter()
        .filter(|rule| rule["held"] == false)
    {
        let (outcome, at) = (word(&rule["outcome"]), place(&rule["place"]));
        writeln!(text, "tried    {outcome} ({at})")?;
        for failed in items(&rule["failed"]) {
            let (condition, expected) = (word(&failed["condition"]), &failed["expected"]);
            let received = match &failed["received"] {
                Value::Null => "nothing".to_owned(),
                received => received.to_string(),
            };
            writeln!(
                text,
                "         {condition} must be {expected} and is {received}"
            )?;
        }
    }
    let shown = items(&told["rules"]).len();
    if told["rules_tried"].as_u64() > Some(shown as u64) {
        writeln!(
            text,
            "         of {} rules the nearest {shown} are shown",
            told["rules_tried"]
        )?;
    }
    if told["record"].is_object() {
        writeln!(text, "record   {}", word(&told["record"]["id"]))?;
    }
    for change in items(&told["record"]["changes"]) {
        let (after, outcome) = (word(&change["after"]), word(&change["outcome"]));
        writeln!(text, "then     {outcome} after {after}")?;
    }
    for callback in items(&told["callbacks"]) {
        let (id, state) = (word(&callback["id"]), word(&callback["state"]));
        let (kind, url) = (word(&callback["type"]), word(&callback["url"]));
        writeln!(text, "callback {id} {kind} to {url}: {state}")?;
    }
    for note in items(&told["notes"]) {
        writeln!(text, "note     {}", word(note))?;
    }
    Ok(())
}

/// The values that decided: those of a rule's conditions, a magic value, the names of files.
fn write_decided_by(text: &mut String, decided_by: &Value) -> std::fmt::Result {
    for decided in items(decided_by) {
        let condition = decided["condition"].as_str().unwrap_or_default();
        writeln!(text, "         {condition} is {}", decided["received"])?;
    }
    if let Some(condition) = decided_by["condition"].as_str() {
        let place = &decided_by["place"];
        let file = place["file"].as_str().unwrap_or_default();
        let (line, received) = (&place["line"], &decided_by["received"]);
        writeln!(text, "         {condition} ({file}:{line}) is {received}")?;
    }
    if decided_by["file_names"].is_object() {
        let names = &decided_by["file_names"];
        writeln!(text, "         the names of files are {names}")?;
    }
    Ok(())
}

fn items(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}
