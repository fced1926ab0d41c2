//! The lines of the log about callbacks. Ids and URLs are shown as in the lines about requests; the token never is.

use std::fmt::{self, Formatter};
use std::time::Duration;

use super::delivery::{Delivery, DeliveryState, delivery_id};
use crate::base::{LogPath, LogText, ReceiverUrl, duration_text, milliseconds};
use crate::http::TraceContext;
use crate::world::attempt::Attempt;

/// How many callbacks are named that were cancelled together.
const NAMED_MAX: usize = 5;

/// A receiver's URL for the log: `localhost:3000/callbacks`.
pub(crate) struct LogUrl<'a>(pub(crate) &'a ReceiverUrl);

impl fmt::Display for LogUrl<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let http = &self.0.http;
        let target = http.target();
        let (path, has_query) = match target.split_once('?') {
            Some((path, _)) => (path, true),
            None => (target.as_str(), false),
        };
        let path = LogPath {
            path,
            route: "",
            has_query,
        };
        write!(f, "{}{path}", LogText(http.authority()))
    }
}

/// `callback dlv_7 → localhost:3000/callbacks`
struct Named<'a>(&'a Delivery);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Delivery { seq, url, .. } = self.0;
        write!(f, "callback dlv_{seq}")?;
        match url {
            Some(url) => write!(f, " → {}", LogUrl(url)),
            None => Ok(()),
        }
    }
}

/// What was wrong on purpose, and whose bytes it repeats, after a comma.
struct Remarks<'a>(&'a Delivery);

impl fmt::Display for Remarks<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(on_purpose) = &self.0.on_purpose {
            write!(f, ", on purpose: {}", LogText(on_purpose))?;
        }
        if let Some(original) = self.0.redelivery_of {
            write!(f, ", the same message as dlv_{original}")?;
        }
        Ok(())
    }
}

/// `traceparent` and `x-request-id` of the request that caused a callback.
fn ids(trace: Option<&TraceContext>) -> (Option<&str>, Option<&str>) {
    let request_id = trace.and_then(|trace| trace.logged_request_id.as_deref());
    (trace.and_then(TraceContext::traceparent), request_id)
}

/// The line of an attempt. `tries` is how many there may be, `next` is when the next one comes.
pub(crate) fn log_attempt(world: &str, delivery: &Delivery, tries: usize, next: Option<Duration>) {
    let Some(attempt) = delivery.attempts.last() else {
        return;
    };
    let (at, named, remarks) = (delivery.attempts.len(), Named(delivery), Remarks(delivery));
    let callback_type = LogText(&delivery.callback_type);
    let (traceparent, request_id) = ids(delivery.trace.as_deref());
    let status = attempt.status.map(|status| status.as_u16());
    let took_ms = milliseconds(attempt.took);
    let Some(error) = &attempt.error else {
        tracing::info!(
            world, r#type = %callback_type, status, took_ms, traceparent, request_id,
            "{named}: delivered, try {at} of {tries}{remarks}"
        );
        return;
    };
    let error = LogText(error);
    let then = next.map_or_else(
        || "given up".to_owned(),
        |next| format!("next in {}", duration_text(next)),
    );
    tracing::warn!(
        world, r#type = %callback_type, status, took_ms, traceparent, request_id,
        "{named}: {error}, try {at} of {tries}, {then}{remarks}"
    );
}

/// The line of a callback that ended without an attempt, or in the middle of one.
pub(crate) fn log_ended(world: &str, delivery: &Delivery) {
    let callback_type = LogText(&delivery.callback_type);
    let (traceparent, request_id) = ids(delivery.trace.as_deref());
    let (named, remarks) = (Named(delivery), Remarks(delivery));
    let reason = delivery.reason.as_deref().unwrap_or("for no known reason");
    match delivery.state {
        DeliveryState::Suppressed => {
            tracing::info!(world, r#type = %callback_type, traceparent, request_id, "{named}: not sent{remarks}");
        }
        DeliveryState::NoUrl => {
            tracing::info!(world, r#type = %callback_type, traceparent, request_id, "{named}: not sent: {reason}{remarks}");
        }
        DeliveryState::Cancelled => {
            tracing::info!(world, r#type = %callback_type, traceparent, request_id, "{named}: cancelled: {reason}{remarks}");
        }
        DeliveryState::Dropped => {
            tracing::warn!(world, r#type = %callback_type, traceparent, request_id, "{named}: dropped: {reason}{remarks}");
        }
        DeliveryState::Failed => {
            tracing::warn!(world, r#type = %callback_type, traceparent, request_id, "{named}: {reason}, given up{remarks}");
        }
        DeliveryState::Scheduled
        | DeliveryState::Sending
        | DeliveryState::Retrying
        | DeliveryState::Delivered => {}
    }
}

/// The line of callbacks that were cancelled together.
pub(crate) fn log_cancelled(world: &str, cancelled: &[u64], reason: &str) {
    if cancelled.is_empty() || !tracing::enabled!(tracing::Level::INFO) {
        return;
    }
    let named = cancelled.iter().take(NAMED_MAX).copied().map(delivery_id);
    let named = named.collect::<Vec<_>>().join(", ");
    let more = match cancelled.len().saturating_sub(NAMED_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    tracing::info!(world, "callbacks {named}{more} were cancelled: {reason}");
}

/// The line of a callback that the control API ordered.
pub(crate) fn log_ordered(world: &str, delivery: &Delivery) {
    let callback_type = LogText(&delivery.callback_type);
    let (traceparent, request_id) = ids(delivery.trace.as_deref());
    let (named, remarks) = (Named(delivery), Remarks(delivery));
    if delivery.state == DeliveryState::Scheduled {
        let by = "ordered through the control API";
        tracing::info!(world, r#type = %callback_type, traceparent, request_id, "{named}: {by}{remarks}");
    }
}

/// The line of a URL that was tested for a callback type, before it is registered.
pub(crate) fn log_url_test(
    world: &str,
    callback_type: &str,
    url: &ReceiverUrl,
    trace: Option<&TraceContext>,
    test: &Attempt,
) {
    let (traceparent, request_id) = ids(trace);
    let (callback_type, url) = (LogText(callback_type), LogUrl(url));
    let status = test.status.map(|status| status.as_u16());
    let took_ms = milliseconds(test.took);
    match &test.error {
        None => tracing::info!(
            world, r#type = %callback_type, status, took_ms, traceparent, request_id,
            "callback URL {url}: the test was accepted"
        ),
        Some(error) => tracing::warn!(
            world, r#type = %callback_type, status, took_ms, traceparent, request_id,
            "callback URL {url}: refused, because the test was not accepted: {}", LogText(error)
        ),
    }
}
