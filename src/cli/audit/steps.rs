//! The steps of an audit: what is sent, what a receiver should answer, and why.

use std::time::Duration;

use super::body::AuditBody;
use super::signing::SignatureSent;
use crate::base::Behaviour;
use crate::callbacks::AttemptResult;

/// One step: the callbacks to send, and the answer that is expected to each.
pub(super) struct AuditStep {
    pub name: &'static str,
    /// Completes "sent …".
    pub sent: &'static str,
    pub expected: ExpectedAnswer,
    /// Why the step matters and what to do, in one sentence.
    pub advice: &'static str,
    /// The events, one for each record.
    pub events: &'static [AuditEvent],
    pub sending: Sending,
}

/// What is sent about one record.
#[derive(Clone, Copy)]
pub(super) struct AuditEvent {
    pub behaviour: Behaviour,
    pub body: AuditBody,
    pub signature: SignatureSent,
}

/// How the callbacks of a step are sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sending {
    /// One after the other.
    InTurn,
    /// The same one again after each 5xx.
    AgainAfterFailure,
    /// Two copies in the same moment.
    TwiceAtOnce,
    /// First without waiting for the answer, then the same one again.
    AgainAfterHangUp,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ExpectedAnswer {
    Accepted,
    /// After a 5xx the same bytes are sent again.
    AcceptedInTheEnd,
    AcceptedSoon,
    Refused,
    /// As `Refused`, for a body that cannot be read.
    RefusedAsUnreadable,
}

const fn event(behaviour: Behaviour) -> AuditEvent {
    AuditEvent {
        behaviour,
        body: AuditBody::OfRecord,
        signature: SignatureSent::Right,
    }
}

const fn event_with_body(body: AuditBody) -> AuditEvent {
    AuditEvent {
        body,
        ..event(Behaviour::Normal)
    }
}

const fn signed_event(signature: SignatureSent) -> AuditEvent {
    AuditEvent {
        signature,
        ..event(Behaviour::Normal)
    }
}

const NORMAL: AuditStep = AuditStep {
    name: "normal",
    sent: "a callback",
    expected: ExpectedAnswer::Accepted,
    advice: "a callback that is not answered with 2xx counts as lost and is sent again: answer 2xx as soon as it is \
             stored",
    events: &[event(Behaviour::Normal)],
    sending: Sending::InTurn,
};

pub(super) const STEPS: [AuditStep; 18] = [
    NORMAL,
    AuditStep {
        name: "duplicate",
        sent: "the same callback twice",
        advice: "a callback can arrive more than once: accept a known one without an error",
        events: &[event(Behaviour::Duplicate)],
        ..NORMAL
    },
    AuditStep {
        name: "reorder",
        sent: "the callbacks of two records, the later one first",
        advice: "callbacks can arrive in any order: accept each one by itself",
        events: &[event(Behaviour::Reorder), event(Behaviour::Normal)],
        ..NORMAL
    },
    AuditStep {
        name: "wrong-token",
        sent: "a callback with a wrong token",
        expected: ExpectedAnswer::Refused,
        advice: "anybody who finds the URL could send callbacks: compare the token first",
        events: &[event(Behaviour::WrongToken)],
        ..NORMAL
    },
    AuditStep {
        name: "no-token",
        sent: "a callback without a token",
        expected: ExpectedAnswer::Refused,
        advice: "anybody who finds the URL could send callbacks: require the token first",
        events: &[event(Behaviour::NoToken)],
        ..NORMAL
    },
    AuditStep {
        name: "stale",
        sent: "a finished record, then its older state",
        advice: "an old state can arrive late: keep the newer one, and accept the old one without an error",
        events: &[event(Behaviour::Stale)],
        ..NORMAL
    },
    AuditStep {
        name: "unknown-fields",
        sent: "a callback with fields that are not documented",
        advice: "fields can be added at any time: ignore unknown fields",
        events: &[event(Behaviour::UnknownFields)],
        ..NORMAL
    },
    AuditStep {
        name: "invalid-json",
        sent: "a callback that is not JSON",
        expected: ExpectedAnswer::RefusedAsUnreadable,
        advice: "an unreadable body is the sender's mistake: answer 400, not 2xx and not 5xx",
        events: &[event(Behaviour::InvalidJson)],
        ..NORMAL
    },
    AuditStep {
        name: "truncated",
        sent: "the first half of a callback",
        expected: ExpectedAnswer::RefusedAsUnreadable,
        advice: "an unreadable body is the sender's mistake: answer 400, not 2xx and not 5xx",
        events: &[event(Behaviour::Truncated)],
        ..NORMAL
    },
    AuditStep {
        name: "retry",
        sent: "a callback, again after each 5xx",
        expected: ExpectedAnswer::AcceptedInTheEnd,
        advice: "a failed callback is sent again: accept it when the reason of the failure is gone",
        sending: Sending::AgainAfterFailure,
        ..NORMAL
    },
    AuditStep {
        name: "raw-body",
        sent: "a callback whose JSON has unusual blanks, escapes, numbers and order",
        advice: "JSON that is parsed and written again has other bytes than the signed ones: verify the signature over \
                 the body as it came, and read it with a JSON parser",
        events: &[event_with_body(AuditBody::Respelled)],
        ..NORMAL
    },
    AuditStep {
        name: "wrong-signature",
        sent: "a callback that is signed with another secret",
        expected: ExpectedAnswer::Refused,
        advice: "anybody who learns the token could send callbacks: compute the signature and compare it, in constant \
                 time",
        events: &[signed_event(SignatureSent::Wrong)],
        ..NORMAL
    },
    AuditStep {
        name: "old-timestamp",
        sent: "a callback that was signed an hour ago",
        expected: ExpectedAnswer::Refused,
        advice: "a callback that somebody has recorded could be sent again at any time: refuse a webhook-timestamp that \
                 is more than five minutes away",
        events: &[signed_event(SignatureSent::Old)],
        ..NORMAL
    },
    AuditStep {
        name: "rotated-secret",
        sent: "two callbacks with the signatures of two secrets, the right one first, then last",
        advice: "while a secret is replaced, callbacks have a signature of the old and one of the new: accept a callback \
                 if one of the signatures in webhook-signature is right",
        events: &[
            signed_event(SignatureSent::RightThenWrong),
            signed_event(SignatureSent::WrongThenRight),
        ],
        ..NORMAL
    },
    AuditStep {
        name: "concurrent-duplicate",
        sent: "the same callback twice at the same time",
        advice: "two copies can be processed in the same moment: let a unique key of the database decide, and answer \
                 2xx to both",
        sending: Sending::TwiceAtOnce,
        ..NORMAL
    },
    AuditStep {
        name: "slow-answer",
        sent: "a callback without waiting for the answer, then again",
        expected: ExpectedAnswer::AcceptedSoon,
        advice: "a sender does not wait for a slow answer and sends the callback again: store the callback, answer 2xx, \
                 and do the work later",
        sending: Sending::AgainAfterHangUp,
        ..NORMAL
    },
    AuditStep {
        name: "large",
        sent: "a callback of 512 KiB",
        advice: "a result with many matches is large: let the receiver read bodies of 1 MiB (many frameworks stop at \
                 100 KB)",
        events: &[event_with_body(AuditBody::Large)],
        ..NORMAL
    },
    AuditStep {
        name: "unknown-type",
        sent: "a callback about a record of an unknown product",
        advice: "a callback that is refused is sent again for hours: answer 2xx to callbacks that you do not know, and \
                 ignore them",
        events: &[event_with_body(AuditBody::UnknownProduct)],
        ..NORMAL
    },
];

impl AuditStep {
    /// Whether it says nothing about a receiver of callbacks that are not signed.
    pub(super) fn needs_signing(&self) -> bool {
        self.events
            .iter()
            .any(|event| event.signature != SignatureSent::Right)
    }

    pub(super) fn needs_older_state(&self) -> bool {
        self.events
            .iter()
            .any(|event| event.behaviour == Behaviour::Stale)
    }

    pub(super) fn has_respelled_body(&self) -> bool {
        self.events
            .iter()
            .any(|event| event.body == AuditBody::Respelled)
    }
}

impl ExpectedAnswer {
    pub(super) fn words(self, answer_time: Duration) -> String {
        match self {
            Self::Accepted => "2xx".to_owned(),
            Self::AcceptedInTheEnd => "2xx in the end".to_owned(),
            Self::AcceptedSoon => format!("2xx within {answer_time:?}"),
            Self::Refused => "401, 403 or another 4xx".to_owned(),
            Self::RefusedAsUnreadable => "400 or another 4xx".to_owned(),
        }
    }

    pub(super) fn is_met_by(self, sent: &AttemptResult, answer_time: Duration) -> bool {
        match self {
            Self::Accepted | Self::AcceptedInTheEnd => sent.succeeded(),
            Self::AcceptedSoon => sent.succeeded() && sent.took <= answer_time,
            Self::Refused | Self::RefusedAsUnreadable => {
                sent.status.is_some_and(|status| status.is_client_error())
            }
        }
    }

    pub(super) fn is_acceptance(self) -> bool {
        match self {
            Self::Accepted | Self::AcceptedInTheEnd | Self::AcceptedSoon => true,
            Self::Refused | Self::RefusedAsUnreadable => false,
        }
    }
}
