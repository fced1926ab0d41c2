//! Finds what is new in a list of the callbacks of a world.

use std::collections::HashMap;

use serde_json::Value;

use super::columns::items;
use crate::world::DeliveryState;

/// The callbacks of a world that were seen before.
#[derive(Debug, Default)]
pub(super) struct FollowedCallbacks {
    /// All callbacks up to this number have ended.
    pub ended_until: u64,
    /// State and number of attempts of later ones.
    seen: HashMap<u64, (Option<DeliveryState>, usize)>,
}

impl FollowedCallbacks {
    /// The callbacks of an answer that were tried or have ended since the last time, oldest first.
    pub(super) fn news<'l>(&mut self, list: &'l Value) -> Vec<&'l Value> {
        let mut listed: Vec<_> = items(list, "deliveries").collect();
        listed.reverse();
        let mut news = Vec::new();
        for delivery in &listed {
            let seq = seq(delivery);
            let now = (state(delivery), items(delivery, "attempts").count());
            let before = self.seen.insert(seq, now);
            if seq > self.ended_until && before != Some(now) && has_result(now.0) {
                news.push(*delivery);
            }
        }
        // The list may have lost the oldest callbacks.
        let first = listed.first().map(|oldest| seq(oldest));
        let first = first.unwrap_or(1);
        self.ended_until = self.ended_until.max(first.saturating_sub(1));
        let is_over = |seen: Option<&(Option<DeliveryState>, usize)>| {
            seen.is_some_and(|(state, _)| !state.is_some_and(DeliveryState::is_pending))
        };
        while is_over(self.seen.get(&(self.ended_until + 1))) {
            self.ended_until += 1;
        }
        let ended_until = self.ended_until;
        self.seen.retain(|seq, _| *seq > ended_until);
        news
    }
}

fn seq(delivery: &Value) -> u64 {
    delivery["seq"].as_u64().unwrap_or_default()
}

fn state(delivery: &Value) -> Option<DeliveryState> {
    serde_json::from_value(delivery["state"].clone()).ok()
}

/// Whether there is something to say about a callback: it was tried, or nothing more will happen.
fn has_result(state: Option<DeliveryState>) -> bool {
    match state {
        Some(DeliveryState::Scheduled | DeliveryState::Sending) | None => false,
        Some(
            DeliveryState::Retrying
            | DeliveryState::Delivered
            | DeliveryState::Failed
            | DeliveryState::Cancelled
            | DeliveryState::Suppressed
            | DeliveryState::Dropped
            | DeliveryState::NoUrl,
        ) => true,
    }
}
