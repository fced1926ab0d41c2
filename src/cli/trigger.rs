//! `iluma-sandbox trigger`: makes a running sandbox send a callback, and shows the result.

use std::fmt::Write;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use form_urlencoded::Serializer;
use hyper::{Method, StatusCode};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::client::Client;
use super::output::{Format, block_on, fail, misused, print, print_json, refusal, visible_texts};
use super::target::Target;
use crate::answer::ExplainedAttempt;
use crate::base::{LogText, UnreadableJson, parse_duration, read_json};
use crate::world::DeliveryState;

/// How long one question to the sandbox waits for the delivery.
const WAIT: Duration = Duration::from_millis(500);

/// The pause between two questions, whatever the answers.
const PAUSE: Duration = Duration::from_millis(20);

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Callback type to send; `iluma-sandbox list` shows the types.
    #[arg(value_name = "TYPE", required_unless_present = "endpoint")]
    callback_type: Option<String>,
    /// Endpoint of the record, such as `v1.1/bank_account_data_requests`, if several endpoints have the
    /// type.
    #[arg(long, value_name = "ID")]
    endpoint: Option<String>,
    /// Outcome of the record [default: the final state of the endpoint's default outcome].
    #[arg(long, value_name = "X")]
    outcome: Option<String>,
    /// Change a value of the record, such as `result.is_found=false`. The value is read as JSON, or else as
    /// text. Can be repeated.
    #[arg(long, value_name = "PATH=VALUE", value_parser = setting)]
    set: Vec<(String, Value)>,
    #[command(flatten)]
    target: Target,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// How long to wait until the callback is delivered or has failed.
    #[arg(long, value_name = "DURATION", default_value = "40s", value_parser = parse_duration)]
    wait: Duration,
}

impl Arguments {
    fn request(&self) -> Value {
        let set: Map<_, _> = self.set.iter().cloned().collect();
        let mut request = json!({"set": set});
        for (name, value) in [
            ("type", &self.callback_type),
            ("endpoint", &self.endpoint),
            ("outcome", &self.outcome),
        ] {
            if let Some(value) = value {
                request[name] = value.as_str().into();
            }
        }
        request
    }
}

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    block_on(trigger(arguments))
}

async fn trigger(arguments: &Arguments) -> ExitCode {
    let client = match arguments.target.client() {
        Ok(client) => client,
        Err(sentence) => return misused(sentence),
    };
    let request = arguments.request();
    let asked = client.ask(Method::POST, "trigger", Some(&request), Duration::ZERO);
    let delivery = match asked.await {
        Ok((StatusCode::ACCEPTED, delivery)) => delivery,
        Ok((StatusCode::BAD_REQUEST, refusal)) => return misused(message(&refusal)),
        Ok((_, refusal)) => return fail(message(&refusal)),
        Err(sentence) => return fail(sentence),
    };
    show_delivery(&client, delivery, arguments.format, arguments.wait).await
}

/// Waits until a delivery has ended, and prints it. The exit code says whether it was delivered.
pub(super) async fn show_delivery(
    client: &Client,
    delivery: Value,
    format: Format,
    wait: Duration,
) -> ExitCode {
    let delivery = match ended(client, delivery, wait).await {
        Ok(delivery) => delivery,
        Err(sentence) => return fail(sentence),
    };
    let printed = match format {
        Format::Text => print(&delivery_text(&visible_texts(&delivery))),
        Format::Json => print_json(&delivery),
    };
    if let Err(code) = printed {
        return code;
    }
    if state(&delivery) == Some(DeliveryState::Delivered) {
        return ExitCode::SUCCESS;
    }
    fail(why_not(&visible_texts(&delivery), wait))
}

/// Waits until nothing more happens to the delivery and returns it, or returns it as it is when the time is over.
async fn ended(client: &Client, mut delivery: Value, wait: Duration) -> Result<Value, String> {
    let until = Instant::now() + wait;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let is_pending = state(&delivery).is_some_and(DeliveryState::is_pending);
        if !is_pending || left.is_zero() {
            return Ok(delivery);
        }
        let seq = delivery["seq"].as_u64().unwrap_or_default();
        let query = |more: &[(&str, &str)]| {
            let mut query = Serializer::new("deliveries?".to_owned());
            query.append_pair("record", delivery["record"].as_str().unwrap_or_default());
            query.append_pair("after_seq", &seq.saturating_sub(1).to_string());
            query.extend_pairs(more).finish()
        };
        // This answers as soon as it is delivered. The list shows every other end.
        let waits = left.min(WAIT);
        let wait = format!("{}ms", waits.as_millis());
        let delivered = query(&[("state", "delivered"), ("wait", &wait)]);
        client.ask(Method::GET, &delivered, None, waits).await?;
        let (_, list) = client
            .ask(Method::GET, &query(&[]), None, Duration::ZERO)
            .await?;
        let listed = list["deliveries"].as_array().into_iter().flatten();
        let Some(found) = listed.into_iter().find(|one| one["seq"] == delivery["seq"]) else {
            return Err("the sandbox no longer has the callback: its world was reset".to_owned());
        };
        delivery = found.clone();
        tokio::time::sleep(PAUSE).await;
    }
}

fn state(delivery: &Value) -> Option<DeliveryState> {
    serde_json::from_value(delivery["state"].clone()).ok()
}

fn delivery_text(delivery: &Value) -> String {
    let text = |name: &str| delivery[name].as_str().unwrap_or("none");
    let mut lines = format!(
        "{} {} to {}\noutcome {}\nrecord  {}\nbody    {}\n",
        text("id"),
        text("type"),
        text("url"),
        text("outcome"),
        text("record"),
        text("body")
    );
    let tries = delivery["attempts"].as_array().into_iter().flatten();
    for (at, attempt) in tries.enumerate() {
        let status = attempt["status"]
            .as_u64()
            .map(|status| format!("status {status}"));
        let error = attempt["error"].as_str().map(str::to_owned);
        let result = error.or(status).unwrap_or_default();
        writeln!(lines, "try {}   {result}", at + 1).expect("writing to a string cannot fail");
        lines.push_str(&details(attempt));
    }
    lines + text("state") + "\n"
}

/// The addresses and the answer of an attempt that failed.
fn details(attempt: &Value) -> String {
    let read = serde_json::from_value::<ExplainedAttempt>(attempt.clone());
    let failed = read.ok().filter(|attempt| attempt.error.is_some());
    let details = failed.iter().flat_map(ExplainedAttempt::details);
    let lines = details.map(|(name, value)| format!("        {name}: {}\n", LogText(&value)));
    lines.collect()
}

/// Why it counts as not delivered, in a sentence.
fn why_not(delivery: &Value, wait: Duration) -> String {
    let tries = delivery["attempts"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let last = tries.last().and_then(|last| last["error"].as_str());
    let last = last.map_or(String::new(), |error| format!(": {error}"));
    let reason = delivery["reason"].as_str().unwrap_or_default();
    match state(delivery) {
        Some(DeliveryState::Failed) => format!("the callback was not delivered{last}"),
        Some(DeliveryState::Retrying) => {
            format!("the callback was not delivered within {wait:?}, and will be tried again{last}")
        }
        Some(state) if state.is_pending() => {
            format!("the callback was not delivered within {wait:?}")
        }
        Some(
            DeliveryState::Scheduled
            | DeliveryState::Sending
            | DeliveryState::Delivered
            | DeliveryState::Cancelled
            | DeliveryState::Suppressed
            | DeliveryState::Dropped
            | DeliveryState::NoUrl,
        )
        | None => format!("the callback was not delivered: {reason}"),
    }
}

/// The message of the sandbox about a request that it refused.
fn message(answer: &Value) -> String {
    refusal(answer).unwrap_or_else(|| format!("the sandbox refused: {answer}"))
}

/// `result.is_found=false`
fn setting(text: &str) -> Result<(String, Value), String> {
    match text.split_once('=') {
        Some((path, value)) if !path.is_empty() => {
            let json = match read_json(value.as_bytes()) {
                Ok((json, spellings)) if spellings.unfit(&json).is_empty() => json,
                Err(UnreadableJson::Syntax(_)) => value.into(),
                Ok(_) | Err(UnreadableJson::Number(_)) => {
                    return Err(
                        "write a number that fits into 64 bits, or text in quotes".to_owned()
                    );
                }
            };
            Ok((path.to_owned(), json))
        }
        _ => Err("write PATH=VALUE".to_owned()),
    }
}
