//! One attempt to call a receiver: how it was reached, and what it answered.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hyper::StatusCode;

use crate::base::Commit;
use crate::base::Stamp;

/// One attempt to send a delivery.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    /// By the world's clock.
    pub at: Stamp,
    /// By the machine's clock.
    pub sent_at: SystemTime,
    /// The headers that were sent, as text.
    pub request_head: Arc<str>,
    pub status: Option<StatusCode>,
    pub answer: Arc<str>,
    pub error: Option<String>,
    pub took: Duration,
    pub contact: Contact,
    /// Its end, in the order of its world. The test of a URL has none.
    pub commit: Commit,
}

impl Attempt {
    pub(super) fn bytes(&self) -> usize {
        self.request_head.len() + self.answer.len() + self.contact.bytes() + 100
    }
}

/// The addresses of one attempt and the gist of its answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Contact {
    /// `FROM=TO`, the entry of the host map that applied.
    pub host_map: Option<Box<str>>,
    /// In the order in which they were tried.
    pub addresses: Vec<TriedAddress>,
    /// Where a redirect leads. It is not followed.
    pub location: Option<Box<str>>,
    /// The first line of the body of the answer.
    pub answer_line: Option<Box<str>>,
}

/// An address of the receiver that an attempt connected to.
#[derive(Clone, Debug)]
pub(crate) struct TriedAddress {
    pub address: SocketAddr,
    /// None for the address that was reached.
    pub error: Option<String>,
}

impl Contact {
    fn bytes(&self) -> usize {
        let texts = [&self.host_map, &self.location, &self.answer_line];
        let texts: usize = texts.into_iter().flatten().map(|text| text.len()).sum();
        texts + self.addresses.len() * 80
    }
}
