//! Inboxes: the callbacks that came to them, within limits.

use std::collections::VecDeque;
use std::sync::Mutex;

use bytes::Bytes;
use indexmap::IndexMap;
use tokio::sync::watch;

const NAMES_MAX: usize = 1000;
const INBOX_ENTRIES_MAX: usize = 1000;

/// How many bytes all inboxes may hold together.
const BYTES_MAX: usize = 64 << 20;

/// What was received, by name. Callbacks carry no API key, so names belong to no world.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    pub(super) names: Mutex<InboxNames>,
    pub(super) changes: watch::Sender<()>,
}

#[derive(Debug, Default)]
pub(super) struct InboxNames {
    pub(super) by_name: IndexMap<String, InboxEntries>,
    pub(super) bytes: usize,
}

#[derive(Debug, Default)]
pub(super) struct InboxEntries {
    pub(super) entries: VecDeque<InboxEntry>,
    pub(super) seq: u64,
    pub(super) refused: u64,
    pub(super) dropped: u64,
}

#[derive(Debug)]
pub(super) struct InboxEntry {
    pub(super) seq: u64,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Bytes,
    pub(super) answered: u16,
}

impl InboxNames {
    pub(super) fn put(
        &mut self,
        name: &str,
        headers: Vec<(String, String)>,
        body: Bytes,
        answered: u16,
    ) -> u64 {
        self.bytes += body.len();
        let received = self.by_name.entry(name.to_owned()).or_default();
        received.seq += 1;
        let seq = received.seq;
        received.entries.push_back(InboxEntry {
            seq,
            headers,
            body,
            answered,
        });
        while received.entries.len() > INBOX_ENTRIES_MAX || self.bytes > BYTES_MAX {
            let Some(oldest) = received.entries.pop_front() else {
                break;
            };
            self.bytes -= oldest.body.len();
            received.dropped += 1;
        }
        if self.by_name.len() > NAMES_MAX
            && let Some((_, gone)) = self.by_name.shift_remove_index(0)
        {
            self.bytes -= gone
                .entries
                .iter()
                .map(|entry| entry.body.len())
                .sum::<usize>();
        }
        seq
    }
}
