//! The lines of the log about requests: one for each, and one for a client that went away.

use std::sync::Arc;

use hyper::http::request::Parts;
use hyper::{Method, Request, StatusCode, Uri};
use tokio::time::Instant;

use super::pace::Pace;
use super::record::{Finished, RequestForJournal};
use super::serving::Serving;
use crate::answer::ReplyFaults;
use crate::base::{LogPath, microseconds};
use crate::catalogue::ReplyId;
use crate::control::Context;
use crate::http::{Call, TraceContext};

/// Whether lines about requests are written at all. Without a log a request costs nothing more.
fn is_on() -> bool {
    tracing::enabled!(tracing::Level::INFO)
}

/// What the line of a request needs of its answer, which the journal takes.
pub(super) struct RequestLine {
    endpoint: Option<Arc<str>>,
    reply: ReplyId,
    status: StatusCode,
    micros: u64,
    hint: Option<String>,
    trace: Option<TraceContext>,
}

impl RequestLine {
    /// None without a log.
    pub(super) fn of(finished: &mut Finished<'_>, kept: &RequestForJournal) -> Option<Self> {
        if !is_on() {
            return None;
        }
        let answered = &mut finished.answered;
        Some(Self {
            endpoint: answered.route.clone(),
            reply: answered.reply.id.clone(),
            status: answered.reply.status,
            micros: microseconds(finished.duration),
            hint: answered.log_hint.take(),
            trace: kept.trace.clone(),
        })
    }

    /// `x-request-id` without secrets and personal numbers. None with `--redact`.
    fn request_id(&self, control: &Context) -> Option<String> {
        let id = self.trace.as_ref()?.request_id.as_ref()?;
        let mask = control.mask().with_personal(true);
        (!control.redacts).then(|| mask.hidden(id).into_owned())
    }

    /// Writes the line.
    pub(super) fn write(
        &self,
        serving: &Serving,
        call: &Call,
        faults: Option<&ReplyFaults>,
        trace: &str,
    ) {
        let catalogue = serving.control.engine.catalogue();
        let endpoint = self.endpoint.as_deref();
        let known = endpoint.and_then(|id| catalogue.endpoint(id));
        let path = log_path(
            &call.head.uri,
            known.map_or("", |known| known.path.as_str()),
        );
        let is_lost = endpoint.is_none() && self.status == StatusCode::NOT_FOUND;
        let outcome = match &self.reply {
            ReplyId::Outcome(outcome) => Some(outcome.shown()),
            ReplyId::Error(code) => Some(&**code),
            ReplyId::Account => None,
        };
        tracing::info!(
            trace,
            method = shown_method(call.method()),
            path = %path,
            endpoint,
            outcome,
            status = self.status.as_u16(),
            delay_ms = faults.and_then(ReplyFaults::delay_ms),
            fault = faults.and_then(ReplyFaults::shown_fault).as_deref(),
            micros = self.micros,
            traceparent = self.trace.as_ref().and_then(TraceContext::traceparent),
            request_id = self.request_id(&serving.control),
            hint = self.hint.as_deref().or(is_lost.then_some("no such route")),
            "answered"
        );
    }
}

/// The line of a request that the sandbox answers as itself. There are many of them, and the journal has none, so it is
/// shown only if the request was refused.
pub(super) fn log_own_reply(call: &Call, status: StatusCode) {
    let micros = || microseconds(call.received_at.elapsed());
    let (method, path) = (shown_method(call.method()), log_path(&call.head.uri, ""));
    if status.is_client_error() || status.is_server_error() {
        if is_on() {
            let status = status.as_u16();
            tracing::info!(method, path = %path, status, micros = micros(), "the control API refused");
        }
    } else {
        let status = status.as_u16();
        tracing::debug!(method, path = %path, status, micros = micros(), "the control API answered");
    }
}

/// The line of a request that a port refuses whatever it asks for.
pub(super) fn log_refusing_port(method: &Method, uri: &Uri, status: StatusCode) {
    tracing::info!(
        method = shown_method(method),
        path = %log_path(uri, ""),
        status = status.as_u16(),
        "refused: this port takes no plain HTTP (--https-only)"
    );
}

/// The line of a request whose client went away within its body.
pub(super) fn log_abandoned_body(head: &Parts) {
    tracing::info!(
        method = shown_method(&head.method),
        path = %log_path(&head.uri, ""),
        "the client went away before its body was complete"
    );
}

/// The line of a request whose body cannot be read.
pub(super) fn log_unreadable_body(head: &Parts, reason: &str) {
    tracing::warn!(
        method = shown_method(&head.method),
        path = %log_path(&head.uri, ""),
        "the body of a request could not be read: {reason}"
    );
}

/// Writes a line if it is dropped before its request is done: the client has gone, or the sandbox stops.
pub(super) struct Unanswered {
    request: Option<(Method, Uri)>,
    pace: Arc<Pace>,
    since: Instant,
    /// Set when the journal has the request.
    pub(super) trace: Option<String>,
}

impl Unanswered {
    pub(super) fn watch<B>(request: &Request<B>, pace: &Arc<Pace>) -> Self {
        let head = || (request.method().clone(), request.uri().clone());
        Self {
            request: is_on().then(head),
            pace: pace.clone(),
            since: Instant::now(),
            trace: None,
        }
    }

    /// Holds this copy of the target, and no longer the head that it came in.
    pub(super) fn copied(&mut self, target: &Uri) {
        if let Some((_, uri)) = &mut self.request {
            uri.clone_from(target);
        }
    }

    pub(super) fn done(&mut self) {
        self.request = None;
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        let Some((method, uri)) = &self.request else {
            return;
        };
        let why = if self.pace.is_stopping() {
            "the sandbox stopped before the reply"
        } else {
            "the client went away before the reply"
        };
        tracing::info!(
            trace = self.trace.as_deref(),
            method = shown_method(method),
            path = %log_path(uri, ""),
            micros = microseconds(self.since.elapsed()),
            "{why}"
        );
    }
}

fn log_path<'a>(uri: &'a Uri, route: &'a str) -> LogPath<'a> {
    LogPath {
        path: uri.path(),
        route,
        has_query: uri.query().is_some(),
    }
}

/// The method for the log. A method that the client made up could hold anything, so it is not shown.
fn shown_method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "HEAD" => "HEAD",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}
