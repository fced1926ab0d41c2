//! Whether the receivers that are registered in the world answer, and with what.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{HeaderMap, Method, StatusCode};
use serde_json::Value;
use tokio::task::JoinSet;

use super::finding::Finding;
use crate::base::ReceiverUrl;
use crate::callbacks::AttemptResult;
use crate::cli::client::Client;
use crate::cli::output::refusal;
use crate::cli::tls::ReceiverArguments;
use crate::sandbox::{Builder, Sandbox};
use crate::server::Serving;
use crate::world::LogUrl;

const CHECK: &str = "receivers";

/// How long a receiver may take.
const RECEIVER_TIME: Duration = Duration::from_secs(5);

/// Asks the sandbox for the receivers of the world, and each of them for an answer.
pub(super) async fn check(client: &Client, arguments: &ReceiverArguments) -> Vec<Finding> {
    let asked = client.ask(Method::GET, "callback_urls", None, Duration::ZERO);
    let answer = match asked.await {
        Ok((StatusCode::OK, answer)) => answer,
        Ok((_, answer)) => {
            let why = refusal(&answer).unwrap_or_else(|| "the sandbox refused".to_owned());
            return vec![Finding::warning(
                CHECK,
                format!("the receivers are not known: {why}"),
                "give --api-key and --control-token as the sandbox has them",
            )];
        }
        Err(_) => {
            let skipped = "skipped, because no sandbox says which receivers there are";
            return vec![Finding::ok(CHECK, skipped)];
        }
    };
    let urls = registered(&answer);
    if urls.is_empty() {
        return vec![Finding::ok(
            CHECK,
            "no receiver is registered in this world",
        )];
    }
    let sender = match arguments.apply(Sandbox::builder()).map(Builder::unserved) {
        Ok(Ok(sender)) => sender,
        Ok(Err(errors)) => return vec![cannot_send(&errors.to_string())],
        Err(sentence) => return vec![cannot_send(&sentence)],
    };
    let mut asked = JoinSet::new();
    for (url, types) in urls {
        asked.spawn(ask(sender.clone(), url, types));
    }
    let mut findings = asked.join_all().await;
    findings.sort_by(|one, other| one.message.cmp(&other.message));
    findings
}

/// The URLs with their callback types.
fn registered(answer: &Value) -> BTreeMap<String, Vec<String>> {
    let mut urls: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in answer["callback_urls"].as_array().into_iter().flatten() {
        if let (Some(url), Some(callback_type)) = (row["url"].as_str(), row["type"].as_str()) {
            let types = urls.entry(url.to_owned()).or_default();
            types.push(callback_type.to_owned());
        }
    }
    urls
}

/// Posts an empty object without a token: no receiver can take it for a callback.
async fn ask(sender: Arc<Serving>, url: String, types: Vec<String>) -> Finding {
    let types = types.join(", ");
    let url = match ReceiverUrl::parse(&url) {
        Ok(url) => url,
        Err(reason) => return cannot_send(&reason),
    };
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let egress = &sender.control.courier.egress;
    let sent = egress.send(&url, headers, "{}".into(), RECEIVER_TIME, ());
    judged(&sent.await, &format!("{types}: {}", LogUrl(&url)))
}

fn judged(sent: &AttemptResult, receiver: &str) -> Finding {
    let Some(status) = sent.status else {
        let reason = sent.error.as_deref().unwrap_or("no answer");
        return Finding::error(
            CHECK,
            format!("{receiver} does not answer: {reason}"),
            "start the receiver, or register another URL",
        );
    };
    let answers = format!("{receiver} answers {}", status.as_u16());
    let remedy = match status {
        StatusCode::NOT_FOUND => "nothing is at this path: correct the registered URL",
        status if status.is_redirection() => {
            "callbacks follow no redirect: register the URL that it leads to"
        }
        status if status.is_server_error() => "see the log of the receiver",
        _ => {
            return Finding::ok(CHECK, answers + " to an empty request without a token");
        }
    };
    Finding::warning(CHECK, answers, remedy)
}

fn cannot_send(reason: &str) -> Finding {
    Finding::warning(
        CHECK,
        format!("the receivers were not asked: {reason}"),
        "correct the flag or the URL",
    )
}
