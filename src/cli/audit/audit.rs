//! `iluma-sandbox audit`: sends good and bad callbacks to the user's own receiver.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use hyper::header::HeaderValue;

use super::battery::{Audit, AuditSigning, AuditedReceiver};
use super::report::{self, PlayedStep};
use super::signing::SigningSecret;
use super::steps::STEPS;
use crate::base::{ReceiverUrl, parse_duration, visible};
use crate::callbacks::RECEIVER_TIME;
use crate::cli::answering::Scenarios;
use crate::cli::output::{
    ReportFormat, block_on, fail, finish, finish_json, misused, print, report as say,
};
use crate::cli::progress::Progress;
use crate::cli::secret::secret;
use crate::cli::sending::SendingArguments;
use crate::cli::tls::ReceiverArguments;
use crate::http::CALLBACK_TOKEN_HEADER;
use crate::sandbox::Sandbox;

/// An answer that takes longer is slow.
const ANSWER_TIME: Duration = Duration::from_secs(5);

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
    #[command(flatten)]
    sending: SendingArguments,
    /// Secret that the receiver verifies signatures with: `whsec_` and base64. It needs `--callback-signing`
    /// [default: the secret of the documentation's API key with seed 0; the report prints it].
    #[arg(
        long,
        value_name = "SECRET",
        value_parser = secret::<SigningSecret>("a value of --secret is no signing secret")
    )]
    secret: Option<SigningSecret>,
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
    #[command(flatten)]
    scenarios: Scenarios,
    #[command(flatten)]
    receivers: ReceiverArguments,
    /// How long the receiver may take for each callback. Tests use this because 30 s are too long for them.
    #[arg(long, hide = true, value_name = "DURATION", value_parser = parse_duration)]
    receiver_time: Option<Duration>,
    /// After which time an answer is slow: less than the 5 s of users, for tests.
    #[arg(long, hide = true, value_name = "DURATION", value_parser = parse_duration)]
    answer_time: Option<Duration>,
}

impl Arguments {
    fn receiver(&self) -> Result<AuditedReceiver, &'static str> {
        let signing = match (self.sending.signs(), &self.secret) {
            (true, None) => AuditSigning::WithSecretOfWorld,
            (true, Some(secret)) => AuditSigning::WithSecret(secret.clone()),
            (false, None) => AuditSigning::Unsigned,
            (false, Some(_)) => {
                return Err("--secret has no effect without --callback-signing standard-webhooks");
            }
        };
        Ok(AuditedReceiver {
            url: self.url.clone(),
            token: self.token.clone(),
            signing,
            limit: self.receiver_time.unwrap_or(RECEIVER_TIME),
            answer_time: self.answer_time.unwrap_or(ANSWER_TIME),
        })
    }
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let receiver = match arguments.receiver() {
        Ok(receiver) => receiver,
        Err(sentence) => return misused(sentence),
    };
    let builder = arguments.scenarios.apply(Sandbox::builder());
    let builder = match arguments.receivers.apply(builder) {
        Ok(builder) => arguments.sending.map_hosts(builder),
        Err(sentence) => return misused(sentence),
    };
    if let Some(sentence) = builder.wrong_host() {
        return misused(sentence);
    }
    let sandbox = match builder.unserved() {
        Ok(sandbox) => sandbox,
        Err(errors) => {
            say(&errors);
            return misused("nothing was sent: correct the scenario files above");
        }
    };
    match Audit::new(sandbox, &arguments.callback_type, receiver) {
        Ok(audit) => block_on(play(audit, arguments)),
        Err(sentence) => misused(sentence),
    }
}

/// Plays every step, and prints what was found.
async fn play(mut audit: Audit, arguments: &Arguments) -> ExitCode {
    let played = match play_steps(&mut audit, arguments).await {
        Ok(played) => played,
        Err(code) => return code,
    };
    let failed = played.iter().filter(|one| one.is_failed()).count();
    let code = ExitCode::from(u8::from(failed > 0));
    match arguments.format {
        ReportFormat::Text => {
            let passed = played.iter().filter(|one| one.is_passed()).count();
            finish(&format!("\n{passed} passed, {failed} failed\n"), code)
        }
        ReportFormat::Json => finish_json(&report::json(&played), code),
        ReportFormat::Junit => finish(&report::xml(&arguments.callback_type, &played), code),
    }
}

/// The text is printed step by step, because a receiver that hangs takes long.
async fn play_steps(audit: &mut Audit, arguments: &Arguments) -> Result<Vec<PlayedStep>, ExitCode> {
    let is_text = arguments.format == ReportFormat::Text;
    if is_text {
        print(&heading(audit, arguments))?;
    }
    let progress = Progress::start();
    let mut played = Vec::new();
    for (at, step) in STEPS.iter().enumerate() {
        progress.set(|| format!("step {} of {}: {}", at + 1, STEPS.len(), step.name));
        let result = match audit.reason_to_skip(step) {
            Some(reason) => Ok(Err(reason)),
            None => audit.play(step).await.map(Ok),
        };
        progress.clear();
        let result = result.map_err(|reason| unreachable(arguments, &reason))?;
        let one = PlayedStep::new(audit, step, result);
        if is_text {
            print(&format!("{}\n", visible(&one.line())))?;
        }
        played.push(one);
    }
    Ok(played)
}

fn heading(audit: &Audit, arguments: &Arguments) -> String {
    let (kind, url) = (&arguments.callback_type, arguments.url.as_str());
    let token = audit.token();
    let secret = audit.shown_secret();
    let secret = secret.map_or(String::new(), |secret| {
        format!("signing secret: {secret}\n")
    });
    format!("callbacks of type {kind} to {url}\n{CALLBACK_TOKEN_HEADER}: {token}\n{secret}\n")
}

fn unreachable(arguments: &Arguments, reason: &str) -> ExitCode {
    let url = arguments.url.as_str();
    fail(format_args!(
        "the receiver {url} cannot be reached: {reason}"
    ))
}

fn token(text: &str) -> Result<HeaderValue, String> {
    match text.parse() {
        Ok(token) if !text.trim().is_empty() => Ok(token),
        _ => Err("a token must be plain text that fits into a header, and not empty".to_owned()),
    }
}
