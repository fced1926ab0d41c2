//! Reads the stream of events of a running sandbox.

use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::Value;
use tokio::time::timeout;

/// The sandbox sends signs of life more often than this. A connection that is silent for longer is dead.
const SILENCE_TIME: Duration = Duration::from_mins(1);

/// An event lists a few hundred requests, without headers and bodies.
const EVENT_BYTES_MAX: usize = 64 << 20;

/// The events that come over one connection.
pub(super) struct Events {
    body: Incoming,
    /// What came after the last event.
    rest: Vec<u8>,
}

pub(super) struct Event {
    pub name: String,
    pub data: Value,
}

impl Events {
    pub(super) fn of(body: Incoming) -> Self {
        Self {
            body,
            rest: Vec::new(),
        }
    }

    /// The next event. None if the connection has ended.
    pub(super) async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(block) = self.block() {
                match event(&block) {
                    Some(event) => return Some(event),
                    None => continue, // a sign of life
                }
            }
            if self.rest.len() > EVENT_BYTES_MAX {
                return None;
            }
            let frame = timeout(SILENCE_TIME, self.body.frame()).await;
            let frame = frame.ok()??.ok()?;
            if let Ok(data) = frame.into_data() {
                self.rest.extend_from_slice(&data);
            }
        }
    }

    /// The lines of the next event, which an empty line ends.
    fn block(&mut self) -> Option<String> {
        let end = self.rest.windows(2).position(|pair| pair == b"\n\n")?;
        let block: Vec<_> = self.rest.drain(..end + 2).collect();
        Some(String::from_utf8_lossy(&block).into_owned())
    }
}

/// `event: world`, then `data: {…}`
fn event(block: &str) -> Option<Event> {
    let field = |name| block.lines().find_map(|line| line.strip_prefix(name));
    Some(Event {
        name: field("event: ")?.to_owned(),
        data: serde_json::from_str(field("data: ")?).ok()?,
    })
}
