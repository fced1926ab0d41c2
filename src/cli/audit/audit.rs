//! `iluma-sandbox audit`: sends good and bad callbacks to the user's own receiver.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use hyper::header::HeaderValue;
use serde_json::json;

use super::battery::{self, Audit, AuditStep, AuditVerdict};
use crate::base::{ReceiverUrl, parse_duration, visible};
use crate::callbacks::RECEIVER_TIME;
use crate::cli::answering::Scenarios;
use crate::cli::output::{Format, block_on, fail, misused, print, print_json, report};
use crate::http::CALLBACK_TOKEN_HEADER;
use crate::sandbox::Sandbox;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// URL of the receiver, such as `http://127.0.0.1:8080/callbacks`.
    #[arg(long = "callback", value_name = "URL", value_parser = ReceiverUrl::parse)]
    url: ReceiverUrl,
    /// Callback type to send; `iluma-sandbox list` shows the types.
    #[arg(long = "type", value_name = "TYPE")]
    callback_type: String,
    /// Token that the receiver accepts [default: the callback token of the documentation's API key with
    /// seed 0; the report prints it].
    #[arg(long, value_parser = token)]
    token: Option<HeaderValue>,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    scenarios: Scenarios,
    #[command(flatten)]
    receivers: crate::cli::tls::ReceiverArguments,
    /// How long the receiver may take for each callback. Tests use this because 30 s are too long for them.
    #[arg(long, hide = true, value_name = "DURATION", value_parser = parse_duration)]
    receiver_time: Option<Duration>,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let builder = arguments.scenarios.apply(Sandbox::builder());
    let builder = match arguments.receivers.apply(builder) {
        Ok(builder) => builder,
        Err(sentence) => return misused(sentence),
    };
    let sandbox = match builder.unserved() {
        Ok(sandbox) => sandbox,
        Err(errors) => {
            report(&errors);
            return misused("nothing was sent: correct the scenario files above");
        }
    };
    let audit = Audit::new(
        sandbox,
        &arguments.callback_type,
        &arguments.url,
        arguments.token.clone(),
        arguments.receiver_time.unwrap_or(RECEIVER_TIME),
    );
    match audit {
        Ok(audit) => block_on(play(audit, arguments)),
        Err(sentence) => misused(sentence),
    }
}

/// Plays every step. The text is printed step by step, because a receiver that hangs takes long.
async fn play(mut audit: Audit, arguments: &Arguments) -> ExitCode {
    let is_text = arguments.format == Format::Text;
    if is_text
        && let Err(code) = print(&format!(
            "callbacks of type {} to {}\n{CALLBACK_TOKEN_HEADER}: {}\n\n",
            arguments.callback_type,
            arguments.url.as_str(),
            audit.token(),
        ))
    {
        return code;
    }
    let mut verdicts = Vec::new();
    for step in &battery::STEPS {
        if !audit.can_play(step) {
            if is_text {
                let name = step.name;
                if let Err(code) = print(&format!(
                    "skip {name}: the product has no pending outcome\n"
                )) {
                    return code;
                }
            }
            continue;
        }
        let verdict = match audit.play(step).await {
            Ok(verdict) => verdict,
            Err(reason) => {
                let url = arguments.url.as_str();
                return fail(format_args!(
                    "the receiver {url} cannot be reached: {reason}"
                ));
            }
        };
        if is_text && let Err(code) = print(&line(step, &verdict)) {
            return code;
        }
        verdicts.push((step, verdict));
    }
    let failed = verdicts.iter().filter(|(_, verdict)| !verdict.pass).count();
    if is_text {
        let passed = verdicts.len() - failed;
        if let Err(code) = print(&format!("\n{passed} passed, {failed} failed\n")) {
            return code;
        }
    } else {
        let steps: Vec<_> = verdicts
            .iter()
            .map(|(step, verdict)| {
                json!({
                    "name": step.name,
                    "pass": verdict.pass,
                    "expected": step.expected.words(),
                    "received": verdict.received,
                    "note": verdict.note,
                })
            })
            .collect();
        if let Err(code) = print_json(&json!({"ok": failed == 0, "steps": steps})) {
            return code;
        }
    }
    ExitCode::from(u8::from(failed > 0))
}

fn line(step: &AuditStep, verdict: &AuditVerdict) -> String {
    let AuditStep { name, sent, .. } = step;
    let received = &verdict.received;
    let (word, expected) = if verdict.pass {
        ("pass", String::new())
    } else {
        ("FAIL", format!("; expected {}", step.expected.words()))
    };
    let note = verdict
        .note
        .map_or(String::new(), |note| format!(": {note}"));
    let line = format!("{word} {name}: sent {sent} → {received}{expected}{note}");
    format!("{}\n", visible(&line))
}

fn token(text: &str) -> Result<HeaderValue, String> {
    match text.parse() {
        Ok(token) if !text.trim().is_empty() => Ok(token),
        _ => Err("a token must be plain text that fits into a header, and not empty".to_owned()),
    }
}
