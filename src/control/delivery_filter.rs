//! The filter of a list of deliveries, from its query.

use std::collections::HashMap;

use super::ask::{parameter, whole_number};
use crate::http::Refusal;
use crate::world::{Delivery, DeliveryState};

/// The deliveries that are asked for.
#[derive(Default)]
pub(super) struct Filter<'a> {
    pub callback_type: Option<&'a String>,
    pub record: Option<&'a String>,
    pub state: Option<DeliveryState>,
    pub after_seq: u64,
}

impl<'q> Filter<'q> {
    pub(super) fn of(query: &'q HashMap<String, String>) -> Result<Self, Refusal> {
        let state = parameter(query, "state", |text| {
            serde_json::from_value::<DeliveryState>(text.into()).map_err(|_| {
                format!("`{text}` is none of scheduled, sending, retrying, delivered, failed, cancelled, suppressed, dropped, no_url")
            })
        })?;
        Ok(Self {
            callback_type: query.get("type"),
            record: query.get("record"),
            state,
            after_seq: parameter(query, "after_seq", whole_number)?.unwrap_or(0),
        })
    }

    /// Whether the type and the record are asked for.
    pub(super) fn names(&self, delivery: &Delivery) -> bool {
        let same = |asked: Option<&String>, is: Option<&str>| {
            asked.is_none_or(|asked| Some(asked.as_str()) == is)
        };
        same(self.callback_type, Some(&delivery.callback_type))
            && same(self.record, delivery.record.as_deref())
    }

    pub(super) fn matches(&self, delivery: &Delivery) -> bool {
        delivery.seq > self.after_seq
            && self.names(delivery)
            && self.state.is_none_or(|state| state == delivery.state)
    }
}
