//! The filter of a list of deliveries, from its query.

use std::collections::HashMap;

use super::ask::{parameter, unknown_value, whole_number};
use crate::http::{self, Refusal, TraceparentFilter};
use crate::world::{Delivery, DeliveryState};

/// The deliveries that are asked for.
#[derive(Default)]
pub(super) struct Filter<'a> {
    pub callback_type: Option<&'a String>,
    pub record: Option<&'a String>,
    pub state: Option<DeliveryState>,
    traceparent: Option<TraceparentFilter>,
    request_id: Option<String>,
    pub after_seq: u64,
}

const STATES: [&str; 9] = [
    "scheduled",
    "sending",
    "retrying",
    "delivered",
    "failed",
    "cancelled",
    "suppressed",
    "dropped",
    "no_url",
];

impl<'q> Filter<'q> {
    pub(super) fn of(query: &'q HashMap<String, String>) -> Result<Self, Refusal> {
        Ok(Self {
            callback_type: query.get("type"),
            record: query.get("record"),
            state: query.get("state").map(|text| state(text)).transpose()?,
            traceparent: parameter(query, "traceparent", TraceparentFilter::parse)?,
            request_id: parameter(query, "request_id", http::request_id)?,
            after_seq: parameter(query, "after_seq", whole_number)?.unwrap_or(0),
        })
    }

    /// Whether the type, the record and the trace are asked for.
    pub(super) fn names(&self, delivery: &Delivery) -> bool {
        let same = |asked: Option<&String>, is: Option<&str>| {
            asked.is_none_or(|asked| Some(asked.as_str()) == is)
        };
        same(self.callback_type, Some(&delivery.callback_type))
            && same(self.record, delivery.record.as_deref())
            && self.is_in_trace(delivery)
    }

    fn is_in_trace(&self, delivery: &Delivery) -> bool {
        let trace = delivery.trace.as_deref();
        let traceparent = trace.and_then(|trace| trace.traceparent.as_ref());
        let is_asked = (self.traceparent.as_ref())
            .is_none_or(|asked| traceparent.is_some_and(|traceparent| asked.takes(traceparent)));
        is_asked
            && (self.request_id.as_deref()).is_none_or(|asked| delivery.request_id() == Some(asked))
    }

    pub(super) fn matches(&self, delivery: &Delivery) -> bool {
        delivery.seq > self.after_seq
            && self.names(delivery)
            && self.state.is_none_or(|state| state == delivery.state)
    }
}

fn state(text: &str) -> Result<DeliveryState, Refusal> {
    let state = serde_json::from_value(text.into());
    state.map_err(|_| unknown_value("state", text, &STATES, None))
}
