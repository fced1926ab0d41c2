//! `iluma-sandbox explain`: why a running sandbox answered a request as it did.

use std::fmt::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use hyper::{Method, StatusCode};
use serde_json::Value;

use super::output::{Format, block_on, fail, misused, print};
use super::target::Target;

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
    let parts = [write_answer, write_decision, write_rules, write_life];
    for write in parts {
        write(&mut text, told).expect("writing to a string cannot fail");
    }
    text
}

/// What was asked and answered, and from where.
fn write_answer(text: &mut String, told: &Value) -> fmt::Result {
    let (request, status) = (&told["request"], &told["status"]);
    let (method, path) = (word(&request["method"]), word(&request["path"]));
    writeln!(text, "{method} {path} → {status}")?;
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
    Ok(())
}

/// Why it was that, and the values that decided.
fn write_decision(text: &mut String, told: &Value) -> fmt::Result {
    writeln!(text, "because  {}", word(&told["because"]))?;
    let (chosen, turn) = (&told["chosen"], &told["chosen"]["turn"]);
    if turn.is_number() {
        let (name, at) = (word(&chosen["outcome"]), place(&chosen["place"]));
        writeln!(text, "         it is turn {turn} of {name} ({at})")?;
    }
    for complaint in items(&told["errors"]) {
        let (path, message) = (word(&complaint["path"]), word(&complaint["message"]));
        writeln!(text, "         {path} {message}")?;
    }
    for decided in items(&told["decided_by"]) {
        let (condition, received) = (word(&decided["condition"]), &decided["received"]);
        writeln!(text, "         {condition} is {received}")?;
    }
    let (one, received) = (&told["decided_by"], &told["decided_by"]["received"]);
    if one["condition"].is_string() {
        let (condition, at) = (word(&one["condition"]), place(&one["place"]));
        writeln!(text, "         {condition} ({at}) is {received}")?;
    }
    let names = &one["file_names"];
    if names.is_object() {
        writeln!(text, "         the names of files are {names}")?;
    }
    let data = &told["dummy_data"];
    if data.is_object() {
        let (lookup, verdict) = (word(&data["lookup"]), word(&data["verdict"]));
        writeln!(text, "data     {lookup} says {verdict} to {}", data["read"])?;
    }
    Ok(())
}

/// The rules that did not hold.
fn write_rules(text: &mut String, told: &Value) -> fmt::Result {
    let rules = items(&told["rules"]);
    for rule in rules.iter().filter(|rule| rule["held"] == false) {
        let (outcome, at) = (word(&rule["outcome"]), place(&rule["place"]));
        writeln!(text, "tried    {outcome} ({at})")?;
        for failed in items(&rule["failed"]) {
            let (condition, expected) = (word(&failed["condition"]), &failed["expected"]);
            let received = match &failed["received"] {
                Value::Null => "nothing".to_owned(),
                received => received.to_string(),
            };
            let differs = format!("{condition} must be {expected} and is {received}");
            writeln!(text, "         {differs}")?;
        }
    }
    let (tried, shown) = (&told["rules_tried"], rules.len());
    if tried.as_u64() > Some(shown as u64) {
        writeln!(
            text,
            "         of {tried} rules the nearest {shown} are shown"
        )?;
    }
    Ok(())
}

/// What came of it.
fn write_life(text: &mut String, told: &Value) -> fmt::Result {
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

fn items(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}

fn word(value: &Value) -> String {
    match value {
        Value::String(word) => word.clone(),
        Value::Null => "nothing".to_owned(),
        other => other.to_string(),
    }
}

/// `my.toml:4`
fn place(place: &Value) -> String {
    format!("{}:{}", word(&place["file"]), place["line"])
}
