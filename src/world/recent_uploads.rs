//! The bytes of uploads of the last minute, for open inspectors.

use std::collections::VecDeque;

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::http::Picture;

/// The uploads of a world's latest requests, oldest first.
#[derive(Debug, Default)]
pub(crate) struct RecentUploads {
    requests: VecDeque<(u64, RequestUploads)>,
}

/// The uploads of one request.
#[derive(Debug)]
pub(crate) struct RequestUploads {
    pictures: Vec<Picture>,
    until: Instant,
    /// Closed when the uploads are freed.
    _freed: oneshot::Sender<()>,
}

impl RequestUploads {
    /// Returns a receiver as well, which ends when the uploads are freed. Whoever makes them has to free them at
    /// `until`.
    pub(crate) fn new(pictures: Vec<Picture>, until: Instant) -> (Self, oneshot::Receiver<()>) {
        let (sender, freed) = oneshot::channel();
        let uploads = Self {
            pictures,
            until,
            _freed: sender,
        };
        (uploads, freed)
    }
}

impl RecentUploads {
    pub(super) fn keep(&mut self, seq: u64, uploads: RequestUploads) {
        self.requests.push_back((seq, uploads));
    }

    /// The uploads of a request. Empty if none are kept, or no longer.
    pub(crate) fn of(&self, seq: u64) -> &[Picture] {
        let found = self.requests.iter().find(|(of, _)| *of == seq);
        found.map_or(&[], |(_, uploads)| &uploads.pictures)
    }

    pub(crate) fn free_expired(&mut self, now: Instant) {
        self.requests.retain(|(_, uploads)| uploads.until > now);
    }

    /// Frees the uploads of all requests up to this number.
    pub(super) fn free_through(&mut self, seq: u64) {
        self.requests.retain(|(of, _)| *of > seq);
    }
}
