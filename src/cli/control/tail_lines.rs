//! The lines of `iluma-sandbox tail`, and which of them are asked for.

use clap::Args;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::columns::{cell, items, outcome_name};
use super::deliveries::result;
use super::trace_filters::TraceFilters;
use crate::base::visible;
use crate::cli::output::{Format, visible_texts};

#[derive(Clone, Debug, Args)]
pub(super) struct TailFilters {
    /// Only requests to this endpoint and its callbacks, such as `v1.1/bank_account_data_requests`. Can be
    /// repeated.
    #[arg(long = "endpoint", value_name = "ID")]
    pub endpoints: Vec<String>,
    /// Only requests whose response has this status, and callbacks that were answered with it: `503` or
    /// `5xx`. Can be repeated.
    #[arg(long, value_name = "STATUS", value_parser = status_pattern)]
    status: Vec<StatusPattern>,
    #[command(flatten)]
    trace: TraceFilters,
}

/// The statuses from the first to the last.
#[derive(Clone, Debug)]
struct StatusPattern {
    first: u64,
    last: u64,
}

impl TailFilters {
    /// Whether a request is asked for.
    pub(super) fn takes_request(&self, request: &Value) -> bool {
        let endpoint = request["endpoint"].as_str();
        self.takes_endpoint(endpoint)
            && self.takes_status(&request["status"])
            && self.trace.takes(request)
    }

    /// Whether a callback is asked for. Its outcome begins with the id of the endpoint.
    pub(super) fn takes_callback(&self, delivery: &Value) -> bool {
        let outcome = delivery["outcome"].as_str();
        let endpoint = outcome.and_then(|outcome| Some(outcome.rsplit_once('/')?.0));
        let last = items(delivery, "attempts").last();
        let status = last.map_or(&Value::Null, |attempt| &attempt["status"]);
        self.takes_endpoint(endpoint) && self.takes_status(status) && self.trace.takes(delivery)
    }

    fn takes_endpoint(&self, endpoint: Option<&str>) -> bool {
        self.endpoints.is_empty()
            || self
                .endpoints
                .iter()
                .any(|asked| Some(asked.as_str()) == endpoint)
    }

    fn takes_status(&self, status: &Value) -> bool {
        let status = status.as_u64().unwrap_or_default();
        let mut patterns = self.status.iter();
        self.status.is_empty()
            || patterns.any(|pattern| (pattern.first..=pattern.last).contains(&status))
    }
}

/// `503` or `5xx`
fn status_pattern(text: &str) -> Result<StatusPattern, String> {
    let (number, unit) = match text.to_ascii_lowercase().strip_suffix("xx") {
        Some(class) => (class.parse::<u64>(), 100),
        None => (text.parse(), 1),
    };
    let first = number.unwrap_or(0).saturating_mul(unit);
    let last = first.saturating_add(unit - 1);
    if !(100..=599).contains(&first) {
        return Err("write a status such as 503, or 5xx for all that begin with 5".to_owned());
    }
    Ok(StatusPattern { first, last })
}

/// The line of a request.
pub(super) fn request_line(request: &Value, format: Format) -> String {
    if format == Format::Json {
        return json_line("exchange", request);
    }
    let request = visible_texts(request);
    let [method, path, status] = ["method", "path", "status"].map(|name| cell(&request[name]));
    let notes = [
        request["outcome"]
            .is_string()
            .then(|| outcome_name(&request)),
        request["mark"].as_str().map(|mark| format!("({mark})")),
        request["fault"]
            .as_str()
            .map(|fault| format!("fault {fault}")),
        delay(&request),
        request["trace"].as_str().map(str::to_owned),
    ];
    let notes: Vec<_> = notes.into_iter().flatten().collect();
    let time = time_of_day(request["at"].as_str().unwrap_or_default());
    format!("{time}  {method} {path} → {status} {}\n", notes.join("  "))
}

fn delay(request: &Value) -> Option<String> {
    let delay_ms = request["delay_ms"].as_u64().filter(|ms| *ms > 0)?;
    Some(format!("delay {delay_ms} ms"))
}

/// The line of a callback of a world. `now` is the time of the machine when it was noticed.
pub(super) fn callback_line(
    world: &str,
    delivery: &Value,
    now: Timestamp,
    format: Format,
) -> String {
    let now = format!("{now:.6}");
    if format == Format::Json {
        // `type` says what the line is, as in an export.
        let mut delivery = delivery.clone();
        delivery["callback_type"] = delivery["type"].take();
        delivery["world"] = world.into();
        delivery["at"] = now.into();
        return json_line("delivery", &delivery);
    }
    let delivery = visible_texts(delivery);
    let [kind, url, state, id] = ["type", "url", "state", "id"].map(|name| cell(&delivery[name]));
    let result = result(&delivery);
    let (time, world) = (time_of_day(&now), visible(world));
    format!("{time}  callback {kind} to {url} → {state} {result}  {world} {id}\n")
}

/// An object on one line, with its kind in front.
fn json_line(kind: &str, fields: &Value) -> String {
    let mut line = Map::from_iter([("type".to_owned(), json!(kind))]);
    let fields = fields.as_object().into_iter().flatten();
    let fields = fields.filter(|(name, _)| *name != "type");
    line.extend(fields.map(|(name, value)| (name.clone(), value.clone())));
    Value::Object(line).to_string() + "\n"
}

/// `2026-11-28T12:34:56.123456Z` is shown as `12:34:56.123`.
fn time_of_day(at: &str) -> &str {
    at.get(11..23).unwrap_or(at)
}
