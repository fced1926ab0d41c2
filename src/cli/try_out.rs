//! `iluma-sandbox try`: answers one request without a server, and explains the response.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use clap::Args;
use http_body_util::{BodyExt, Full};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::{HeaderMap, Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};

use super::answering::Answering;
use super::explain::explanation_text;
use super::files::{Form, FormField, read};
use super::output::{Format, block_on, fail, finish, finish_json, misused, print, print_json};
use crate::answer::{ExplainedCallback, Explanation};
use crate::base::PUBLIC_KEY;
use crate::sandbox::Sandbox;
use crate::server::{InMemory, Serving};
use crate::world::DeliveryState;

/// A reply that is broken on purpose is waited for no longer than this.
const ANSWER_TIME: Duration = Duration::from_secs(30);

const PIPE_BYTES: usize = 64 << 10;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Method of the request: `GET`, `POST` or `PATCH`.
    method: Method,
    /// Path of the request, such as `/v0/identity/individual_cft_peps`. It may have a query.
    #[arg(value_parser = path)]
    path: String,
    /// Body of the request; `@file` reads it from a file.
    #[arg(short, long, value_name = "TEXT", conflicts_with = "form")]
    data: Option<String>,
    /// Part of a multipart form: `name=value` or `name=@file`. `;type=image/png` and `;filename=ktp.png`
    /// may follow. Can be repeated.
    #[arg(short = 'F', long, value_name = "NAME=VALUE")]
    form: Vec<FormField>,
    /// Header of the request, such as `x-magic-reply: COMPLETED_FOUND`. Can be repeated.
    #[arg(short = 'H', long, value_name = "NAME: VALUE", value_parser = header)]
    header: Vec<(HeaderName, HeaderValue)>,
    /// API key, written as for `curl -u KEY:` [default: the documentation's API key].
    #[arg(short, long, value_name = "KEY:")]
    user: Option<String>,
    #[command(flatten)]
    answering: Answering,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// `commands` names those of the binary, for its own documents.
pub(super) fn run(arguments: &Arguments, commands: fn() -> Vec<(String, String)>) -> ExitCode {
    let builder = Sandbox::builder().commands(commands);
    match arguments.answering.apply(builder).unserved() {
        Ok(sandbox) => block_on(try_out(&sandbox, arguments)),
        Err(errors) => misused(errors),
    }
}

async fn try_out(sandbox: &Arc<Serving>, arguments: &Arguments) -> ExitCode {
    let request = match request(arguments) {
        Ok(request) => request,
        Err(sentence) => return misused(sentence),
    };
    let answered = tokio::time::timeout(ANSWER_TIME, ask(sandbox, request)).await;
    let reply = answered.unwrap_or_else(|_| Err(format!("no response within {ANSWER_TIME:?}")));
    let reply = match reply {
        Ok(reply) => reply,
        Err(sentence) => {
            let explanation = explain_unanswered(sandbox);
            let printed = match arguments.format {
                Format::Text => {
                    print(&explanation.as_ref().map_or(String::new(), explanation_text))
                }
                Format::Json => print_json(&json!({"explanation": explanation})),
            };
            if let Err(code) = printed {
                return code;
            }
            return fail(sentence);
        }
    };
    let trace = reply.headers.get("x-sandbox-trace");
    let trace = trace.and_then(|trace| trace.to_str().ok());
    let explain = |trace: &str| sandbox.control.explain_trace(trace, |_| true).ok();
    let explanation = trace.and_then(explain).map(without_unsent);
    match arguments.format {
        Format::Text => finish(&reply_text(&reply, explanation.as_ref()), ExitCode::SUCCESS),
        Format::Json => finish_json(&reply_json(&reply, explanation.as_ref()), ExitCode::SUCCESS),
    }
}

fn reply_json(reply: &TriedReply, explanation: Option<&Explanation>) -> Value {
    let body: Value = serde_json::from_slice(&reply.body)
        .unwrap_or_else(|_| String::from_utf8_lossy(&reply.body).into());
    let headers = reply.headers.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.to_string(), Value::String(value))
    });
    json!({
        "status": reply.status.as_u16(),
        "headers": headers.collect::<serde_json::Map<_, _>>(),
        "body": body,
        "cut_short": reply.cut_short,
        "explanation": explanation,
    })
}

/// Explains why there was no answer. There is no reply with a trace, but the journal has only one exchange.
fn explain_unanswered(sandbox: &Serving) -> Option<Explanation> {
    let world = sandbox.control.engine.worlds.all().pop()?;
    let exchange = world.state().journal.entries().last()?.clone();
    let explanation = sandbox.control.explain(Some(&world), &exchange);
    Some(without_unsent(explanation))
}

/// Says once that `try` sends no callbacks, instead of a line for every callback that has no URL.
fn without_unsent(mut explanation: Explanation) -> Explanation {
    let Some(callbacks) = &mut explanation.callbacks else {
        return explanation;
    };
    let is_unsent = |callback: &&ExplainedCallback| callback.state == DeliveryState::NoUrl;
    let unsent = callbacks.iter().find(is_unsent);
    explanation.no_callback = explanation.no_callback.or_else(|| {
        let callback_type = &unsent?.callback_type;
        Some(format!(
            "`try` sends none; a running sandbox sends {callback_type} to the URL that is registered for it"
        ))
    });
    callbacks.retain(|callback| callback.state != DeliveryState::NoUrl);
    explanation
}

fn reply_text(reply: &TriedReply, explanation: Option<&Explanation>) -> String {
    let headers = reply.headers.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes());
        format!("{name}: {value}\n")
    });
    let cut_short = reply.cut_short.as_ref();
    [
        format!("HTTP/1.1 {}\n", reply.status),
        headers.collect(),
        format!("\n{}\n", String::from_utf8_lossy(&reply.body)),
        cut_short.map_or(String::new(), |why| format!("(cut short: {why})\n")),
        explanation.map_or(String::new(), |explanation| {
            format!("\n{}", explanation_text(explanation))
        }),
    ]
    .concat()
}

/// What came back, as far as it came.
struct TriedReply {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    cut_short: Option<String>,
}

/// Sends the request through a pipe to the server's own code.
async fn ask(sandbox: &Arc<Serving>, request: Request<Full<Bytes>>) -> Result<TriedReply, String> {
    let (ours, theirs) = tokio::io::duplex(PIPE_BYTES);
    let server = &InMemory::new(sandbox);
    let http = http1::Builder::new();
    let serving = server.serve(theirs, &http, async |request| server.respond(request).await);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(ours))
        .await
        .map_err(|error| error.to_string())?;
    let answer = async move {
        let response = sender.send_request(request).await.map_err(|error| {
            if server.is_ended_by_fault() {
                "the connection was closed without a response, because of the fault".to_owned()
            } else {
                format!("no response: {error}")
            }
        })?;
        let (head, mut body) = response.into_parts();
        let mut received = Vec::new();
        let mut cut_short = None;
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(frame) => received.extend_from_slice(frame.data_ref().unwrap_or(&Bytes::new())),
                Err(error) => cut_short = Some(error.to_string()),
            }
        }
        Ok(TriedReply {
            status: head.status,
            headers: head.headers,
            body: received.into(),
            cut_short,
        })
    };
    let pipe = async { tokio::join!(serving, connection) };
    tokio::pin!(pipe, answer);
    tokio::select! {
        biased;
        answered = &mut answer => answered,
        _ = &mut pipe => answer.await,
    }
}

fn request(arguments: &Arguments) -> Result<Request<Full<Bytes>>, String> {
    let (content_type, body) = if arguments.form.is_empty() {
        let data = arguments.data.as_deref().unwrap_or_default();
        let body = match data.strip_prefix('@') {
            Some(file) => read(file)?,
            None => data.as_bytes().to_vec(),
        };
        ("application/json".to_owned(), body)
    } else {
        Form::of(&arguments.form)?.into_parts()
    };
    let user = arguments.user.as_deref().unwrap_or(PUBLIC_KEY);
    let user = if user.contains(':') {
        user.to_owned()
    } else {
        format!("{user}:")
    };
    let mut request = Request::builder()
        .method(&arguments.method)
        .uri(&arguments.path)
        .header(HOST, "127.0.0.1")
        .header(AUTHORIZATION, format!("Basic {}", STANDARD.encode(user)));
    let says_type = |(name, _): &(HeaderName, HeaderValue)| *name == CONTENT_TYPE;
    if !body.is_empty() && !arguments.header.iter().any(says_type) {
        request = request.header(CONTENT_TYPE, content_type);
    }
    for (name, value) in &arguments.header {
        request = request.header(name, value);
    }
    let request = request.body(Full::new(body.into()));
    request.map_err(|error| format!("these arguments do not form a valid request: {error}"))
}

fn path(text: &str) -> Result<String, String> {
    if text.starts_with('/') {
        Ok(text.to_owned())
    } else {
        Err("a path must begin with `/`, such as /v0/identity/individual_cft_peps".to_owned())
    }
}

/// `x-magic-reply: COMPLETED_FOUND`
fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let wrong = || "write NAME: VALUE".to_owned();
    let (name, value) = text.split_once(':').ok_or_else(wrong)?;
    let name = HeaderName::try_from(name.trim()).map_err(|_| wrong())?;
    let value = HeaderValue::try_from(value.trim()).map_err(|_| wrong())?;
    Ok((name, value))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    const BANK: &str = "/v1.1/identity/bank_account_data_requests";
    const CARD: &str = "/v0/identity/id_card_verifications";

    const SCENARIO: &str = r#"extends = "v1.1/bank_account_data_requests"
[magic]
"input.reference_id" = { prefix = "MAGIC_" }
[outcomes.UNDER_REVIEW]
when = { "input.bank_account_number" = "7000000001", "header.x-case" = "1" }
body.result = { is_found = true }
[outcomes.ALTERNATING]
when = { "input.bank_account_number" = "7000000002" }
sequence = ["SERVER_ERROR", "COMPLETED_FOUND"]
"#;

    const SETTINGS: &str = r#"magic_file_names = true
[callback_urls]
NAME_VALIDATOR_REQUEST = "http://127.0.0.1:9/"
"#;

    /// Arguments, and the parts of the explanation in their order.
    const EXPLAINED: [(&str, &str); 9] = [
        (
            "POST /nowhere",
            "trace request status outcome chosen_by because notes",
        ),
        (
            "GET /v1/callback/urls",
            "trace request status outcome chosen_by because notes",
        ),
        (
            "POST BANK -d {}",
            "trace request status outcome endpoint chosen_by because errors no_callback notes",
        ),
        (
            "POST BANK -H x-magic-reply:PENDING_THEN_COMPLETED_FOUND;delay=10ms;fault=slow(64kb/s)",
            "trace request status outcome delay_ms fault endpoint decided_by chosen_by because chosen answered_from \
             record callbacks notes",
        ),
        (
            r#"POST BANK -d {"bank_account_number":"1","bank_code":"BCA","reference_id":"MAGIC_failed"}"#,
            "trace request status outcome endpoint decided_by chosen_by because chosen answered_from record callbacks \
             notes",
        ),
        (
            r#"POST BANK -H x-case:1 -d {"bank_account_number":"7000000001","bank_code":"BCA"}"#,
            "trace request status outcome endpoint rules rules_tried chosen_by because decided_by chosen answered_from \
             record callbacks notes",
        ),
        (
            r#"POST BANK -d {"bank_account_number":"7000000002","bank_code":"BCA"}"#,
            "trace request status outcome endpoint rules rules_tried chosen_by because decided_by chosen answered_from \
             no_callback notes",
        ),
        (
            r#"POST BANK --redact -d {"bank_account_number":"7000000001","bank_code":"BCA"}"#,
            "trace request status outcome endpoint rules rules_tried chosen_by because nearest_rule dummy_data chosen \
             answered_from record callbacks notes",
        ),
        (
            "POST CARD -F name=Budi -F id_card_number=3275031210930027 \
             -F selfie=@examples/selfie.png;filename=completed_not_found.png",
            "trace request status outcome endpoint decided_by chosen_by because chosen answered_from record callbacks \
             no_callback notes",
        ),
    ];

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    async fn explanation(line: &str) -> Explanation {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in [("mine.toml", SCENARIO), ("sandbox.toml", SETTINGS)] {
            std::fs::write(folder.path().join(name), text).expect("a file");
        }
        let scenarios = folder.path().to_str().expect("UTF-8");
        let line = format!("try {line} --scenarios {scenarios}");
        let line = line.replace("BANK", BANK).replace("CARD", CARD);
        let line = Line::try_parse_from(line.split_whitespace()).expect("it parses");
        let builder = line.arguments.answering.apply(Sandbox::builder());
        let sandbox = builder.unserved().expect("it loads");
        let request = request(&line.arguments).expect("a request");
        let reply = ask(&sandbox, request).await.expect("a reply");
        let trace = reply.headers["x-sandbox-trace"].to_str().expect("text");
        let explanation = sandbox.control.explain_trace(trace, |_| true);
        explanation.expect("the trace is known")
    }

    #[tokio::test]
    async fn an_explanation_that_is_read_and_written_again_is_the_same_json() {
        for (line, parts) in EXPLAINED {
            let written = json!(explanation(line).await);
            let names = written.as_object().expect("an object").keys();
            let names: Vec<_> = names.map(String::as_str).collect();
            assert_eq!(names.join(" "), parts, "{line}");
            let text = written.to_string();
            let read: Explanation = serde_json::from_str(&text).expect("it can be read");
            assert_eq!(json!(read).to_string(), text);
        }
    }
}
