//! A decided reply, and what follows it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{HeaderName, HeaderValue};
use serde_json::Value;

use crate::base::{BROKEN_MAX, Fault, ReceiverUrl, duration_text, no_json};
use crate::catalogue::{Answer, Catalogue, ReplyId};
use crate::http::{DELAY_HEADER, ErrorCode, FAULT_HEADER, TraceContext, error_envelope};

pub(crate) fn ok(body: &Value) -> Reply {
    Reply {
        status: StatusCode::OK,
        headers: Vec::new(),
        body: Bytes::from(body.to_string()),
        id: ReplyId::Account,
        effect: FollowUp::None,
        faults: None,
    }
}

/// The delay and the fault of one reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReplyFaults {
    pub delay: Duration,
    pub fault: Option<Fault>,
}

impl ReplyFaults {
    pub(super) fn rewrite(&self, catalogue: &Catalogue, reply: &mut Reply) {
        match self.fault {
            Some(Fault::Malformed) => reply.body = no_json(&reply.body),
            Some(Fault::Status(status)) => {
                let errors = &catalogue.shared_errors;
                let known = errors.values().find(|error| error.status == status);
                let error = match known {
                    Some(error) => error,
                    None => catalogue.error(ErrorCode::Server),
                };
                if let Answer::Error { code, message } = &error.answer {
                    reply.status = status;
                    reply.headers.clone_from(&error.headers);
                    reply.body = error_envelope(code, message, &[]);
                }
            }
            Some(
                Fault::Reset
                | Fault::Empty
                | Fault::Truncate
                | Fault::Garbage
                | Fault::Slow(_)
                | Fault::Hang,
            )
            | None => {}
        }
    }

    /// How much later than usual the reply is completely written.
    pub(super) fn lasts(&self, reply: &Reply) -> Duration {
        match self.fault {
            Some(Fault::Slow(rate)) => {
                let bytes = u32::try_from(reply.body.len()).unwrap_or(u32::MAX);
                let dribbles = Duration::from_secs(bytes.into()) / rate.get();
                self.delay + dribbles.min(BROKEN_MAX)
            }
            Some(
                Fault::Reset
                | Fault::Empty
                | Fault::Truncate
                | Fault::Malformed
                | Fault::Garbage
                | Fault::Hang
                | Fault::Status(_),
            )
            | None => self.delay,
        }
    }

    pub(crate) fn delay_ms(&self) -> Option<u64> {
        let ms = u64::try_from(self.delay.as_millis()).ok();
        ms.filter(|ms| *ms > 0)
    }

    pub(crate) fn shown_fault(&self) -> Option<Box<str>> {
        self.fault.map(|fault| fault.to_string().into())
    }

    /// The headers that announce it in the reply, if a reply is sent at all.
    pub(crate) fn headers(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let text = |text: String| HeaderValue::try_from(text).expect("visible ASCII");
        let fault = self
            .fault
            .map(|fault| (FAULT_HEADER, text(fault.to_string())));
        let delay =
            (!self.delay.is_zero()).then(|| (DELAY_HEADER, text(duration_text(self.delay))));
        fault.into_iter().chain(delay)
    }
}

/// The deliveries that a request has planned. `held` wait until the reply is written.
#[derive(Default)]
pub(crate) struct Scheduled {
    pub held: Vec<u64>,
    /// The reply waits for this delivery.
    pub early: Option<u64>,
    /// True when there is no URL for the callback.
    pub lacks_url: bool,
    /// True when something was put into the queue.
    pub any: bool,
}

/// A reply before it is written, as `answer` decided it.
pub(crate) struct Reply {
    pub status: hyper::StatusCode,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub body: Bytes,
    pub id: ReplyId,
    pub effect: FollowUp,
    /// The delay and the fault on its way.
    pub faults: Option<Box<ReplyFaults>>,
}

/// What is still to do when the answer has been decided.
#[derive(Default)]
pub(crate) enum FollowUp {
    #[default]
    None,
    /// Release these callbacks when the reply has been written.
    Release(Vec<u64>),
    /// Release this callback at once. Write the reply when the receiver has answered.
    AfterCallback(u64),
    /// Test the URL. It is registered, and the reply becomes true, only after that.
    Register(Registration),
}

impl FollowUp {
    pub(crate) fn of(planned: Scheduled) -> Self {
        match planned.early {
            Some(early) => Self::AfterCallback(early),
            None if !planned.any => Self::None,
            None => Self::Release(planned.held),
        }
    }
}

/// A URL that a client wants to register for callbacks.
pub(crate) struct Registration {
    /// Each callback type, with the body that tests it.
    pub types: Vec<(String, Bytes)>,
    pub url: ReceiverUrl,
    /// How many of the types have a URL already. It stays if the test fails.
    pub former_urls: usize,
    /// The trace of the request, which the tests carry on.
    pub trace: Option<Arc<TraceContext>>,
}
