//! Inboxes: the callbacks that came to them, within limits. Where room is needed, the inbox that holds most gives way.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use hyper::HeaderMap;
use indexmap::IndexMap;
use tokio::sync::watch;

use crate::http::{self, CONTROL_TOKEN_HEADER};
use crate::world::HEAD_KEPT_BYTES_MAX;

const NAMES_MAX: usize = 1000;
const INBOX_ENTRIES_MAX: usize = 1000;

/// What was received, by name. Callbacks carry no API key, so names belong to no world.
#[derive(Debug)]
pub(crate) struct Inbox {
    pub(super) names: Mutex<InboxNames>,
    pub(super) changes: watch::Sender<()>,
}

/// All inboxes, the one that was used last at the end.
#[derive(Debug)]
pub(super) struct InboxNames {
    /// How many bytes all inboxes may hold together.
    bytes_max: usize,
    pub(super) by_name: IndexMap<String, InboxEntries>,
    /// What all entries hold.
    pub(super) bytes: usize,
    /// How many callbacks were dropped for want of room.
    pub(super) dropped: u64,
    /// The highest number in an inbox that was dropped: if it comes back, its numbers go on from there.
    seq_floor: u64,
}

#[derive(Debug, Default)]
pub(super) struct InboxEntries {
    pub(super) entries: VecDeque<Arc<InboxEntry>>,
    pub(super) seq: u64,
    pub(super) refused: u64,
    pub(super) dropped: u64,
    bytes: usize,
}

/// An inbox in a list of all.
pub(super) struct InboxSummary {
    pub(super) name: String,
    pub(super) received: usize,
    pub(super) seq: u64,
    pub(super) dropped: u64,
}

#[derive(Debug)]
pub(super) struct InboxEntry {
    pub(super) seq: u64,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Bytes,
    pub(super) answered: u16,
}

impl Inbox {
    pub(crate) fn new(bytes_max: usize) -> Self {
        let names = InboxNames {
            bytes_max,
            by_name: IndexMap::new(),
            bytes: 0,
            dropped: 0,
            seq_floor: 0,
        };
        Self {
            names: Mutex::new(names),
            changes: watch::Sender::default(),
        }
    }
}

impl InboxNames {
    /// Keeps a callback, and returns its number.
    pub(super) fn put(
        &mut self,
        name: &str,
        headers: Vec<(String, String)>,
        body: Bytes,
        answered: u16,
    ) -> u64 {
        if !self.by_name.contains_key(name) {
            self.make_room_for_a_name();
            let new = InboxEntries {
                seq: self.seq_floor,
                ..InboxEntries::default()
            };
            self.by_name.insert(name.to_owned(), new);
        }
        self.touch(name);
        let (index, received) = (self.by_name.len() - 1, &mut self.by_name[name]);
        received.seq += 1;
        let seq = received.seq;
        let entry = InboxEntry {
            seq,
            headers,
            body,
            answered,
        };
        let bytes = entry.bytes();
        received.entries.push_back(Arc::new(entry));
        received.bytes += bytes;
        let is_full = received.entries.len() > INBOX_ENTRIES_MAX;
        self.bytes += bytes;
        if is_full {
            self.drop_oldest_of(index);
        }
        self.make_room();
        seq
    }

    /// Forgets an inbox. Returns how many callbacks were in it.
    pub(super) fn remove(&mut self, name: &str) -> usize {
        let removed = self.by_name.shift_remove(name).unwrap_or_default();
        self.bytes -= removed.bytes;
        removed.entries.len()
    }

    /// An inbox that is used now is the last to give way to another name.
    pub(super) fn touch(&mut self, name: &str) {
        if let Some(index) = self.by_name.get_index_of(name) {
            self.by_name.move_index(index, self.by_name.len() - 1);
        }
    }

    /// What a list of inboxes shows, the one that was used last at the end.
    pub(super) fn summaries(&self) -> Vec<InboxSummary> {
        let summary = |(name, received): (&String, &InboxEntries)| InboxSummary {
            name: name.clone(),
            received: received.entries.len(),
            seq: received.seq,
            dropped: received.dropped,
        };
        self.by_name.iter().map(summary).collect()
    }

    pub(super) fn held(&self) -> usize {
        let inboxes = self.by_name.values();
        inboxes.map(|received| received.entries.len()).sum()
    }

    fn make_room_for_a_name(&mut self) {
        if self.by_name.len() < NAMES_MAX {
            return;
        }
        if let Some((_, idle)) = self.by_name.shift_remove_index(0) {
            self.bytes -= idle.bytes;
            self.dropped += idle.entries.len() as u64;
            self.seq_floor = self.seq_floor.max(idle.seq);
        }
    }

    fn make_room(&mut self) {
        while self.bytes > self.bytes_max {
            let sizes = self.by_name.values().map(|received| received.bytes);
            let Some((largest, _)) = sizes.enumerate().max_by_key(|(_, bytes)| *bytes) else {
                return;
            };
            self.drop_oldest_of(largest);
        }
    }

    fn drop_oldest_of(&mut self, index: usize) {
        let received = &mut self.by_name[index];
        if let Some(oldest) = received.entries.pop_front() {
            let bytes = oldest.bytes();
            received.bytes -= bytes;
            received.dropped += 1;
            self.bytes -= bytes;
            self.dropped += 1;
        }
    }
}

impl InboxEntry {
    fn bytes(&self) -> usize {
        let header = |(name, value): &(String, String)| {
            size_of::<(String, String)>() + name.len() + value.len()
        };
        let headers: usize = self.headers.iter().map(header).sum();
        size_of::<Self>() + headers + self.body.len()
    }
}

/// The headers of a callback that are kept. Of one that does not fit any more, only the name is kept, because a part of
/// a value could be a part of a secret.
pub(super) fn kept_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let mut kept = Vec::new();
    let mut room = HEAD_KEPT_BYTES_MAX;
    for (name, value) in headers {
        if *name == CONTROL_TOKEN_HEADER {
            continue;
        }
        let Some(left) = room.checked_sub(name.as_str().len()) else {
            break;
        };
        let value = http::header_text(value).into_owned();
        let (value, left) = match left.checked_sub(value.len()) {
            Some(left) => (value, left),
            None => ("…".to_owned(), left),
        };
        room = left;
        kept.push((name.as_str().to_owned(), value));
    }
    kept
}
