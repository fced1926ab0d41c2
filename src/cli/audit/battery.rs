//! The steps of an audit: what is sent, what a receiver should answer, and why.

use std::sync::Arc;
use std::time::Duration;

use hyper::header::HeaderValue;
use tokio::time::Instant;

use crate::answer::{self, Event};
use crate::base::{Behaviour, Moment, PUBLIC_KEY, ReceiverUrl, nearest_sentence};
use crate::callbacks::AttemptResult;
use crate::catalogue::{self, Catalogue, Endpoint, Outcome};
use crate::server::Serving;
use crate::world::{Delivery, World};

/// How often a callback is sent again to a receiver that answers 5xx.
const RESENDS_MAX: usize = 3;

/// How long to wait after each failure.
const PAUSE: Duration = Duration::from_millis(200);

/// One step: the callbacks to send, and the answer that is expected to each.
pub(super) struct AuditStep {
    pub name: &'static str,
    /// Completes "sent …".
    pub sent: &'static str,
    pub expected: ExpectedAnswer,
    /// The advice when the receiver fails this step.
    advice: &'static str,
    /// The events, one for each record.
    events: &'static [Behaviour],
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ExpectedAnswer {
    Accepted,
    /// After a 5xx the same bytes are sent again.
    AcceptedInTheEnd,
    Refused,
    /// As `Refused`, for a body that cannot be read.
    RefusedAsUnreadable,
}

/// The result of a step.
pub(super) struct AuditVerdict {
    pub pass: bool,
    /// The answers, as `200, then 500`.
    pub received: String,
    pub note: Option<&'static str>,
}

pub(super) const STEPS: [AuditStep; 10] = [
    AuditStep {
        name: "normal",
        sent: "a callback",
        expected: ExpectedAnswer::Accepted,
        advice: "no callback would be processed",
        events: &[Behaviour::Normal],
    },
    AuditStep {
        name: "duplicate",
        sent: "the same callback twice",
        expected: ExpectedAnswer::Accepted,
        advice: "a callback can arrive more than once: accept a known one without an error",
        events: &[Behaviour::Duplicate],
    },
    AuditStep {
        name: "reorder",
        sent: "the callbacks of two records, the later one first",
        expected: ExpectedAnswer::Accepted,
        advice: "callbacks can arrive in any order",
        events: &[Behaviour::Reorder, Behaviour::Normal],
    },
    AuditStep {
        name: "wrong-token",
        sent: "a callback with a wrong token",
        expected: ExpectedAnswer::Refused,
        advice: "anybody who finds the URL could send callbacks: compare the token first",
        events: &[Behaviour::WrongToken],
    },
    AuditStep {
        name: "no-token",
        sent: "a callback without a token",
        expected: ExpectedAnswer::Refused,
        advice: "anybody who finds the URL could send callbacks: require the token first",
        events: &[Behaviour::NoToken],
    },
    AuditStep {
        name: "stale",
        sent: "a finished record, then its older state",
        expected: ExpectedAnswer::Accepted,
        advice: "an old state can arrive late: keep the newer one, and accept the old one without an error",
        events: &[Behaviour::Stale],
    },
    AuditStep {
        name: "unknown-fields",
        sent: "a callback with fields that are not documented",
        expected: ExpectedAnswer::Accepted,
        advice: "fields can be added at any time: ignore unknown fields",
        events: &[Behaviour::UnknownFields],
    },
    AuditStep {
        name: "invalid-json",
        sent: "a callback that is not JSON",
        expected: ExpectedAnswer::RefusedAsUnreadable,
        advice: "an unreadable body is the sender's mistake: answer 400, not 2xx and not 5xx",
        events: &[Behaviour::InvalidJson],
    },
    AuditStep {
        name: "truncated",
        sent: "the first half of a callback",
        expected: ExpectedAnswer::RefusedAsUnreadable,
        advice: "an unreadable body is the sender's mistake: answer 400, not 2xx and not 5xx",
        events: &[Behaviour::Truncated],
    },
    AuditStep {
        name: "retry",
        sent: "a callback, again after each 5xx",
        expected: ExpectedAnswer::AcceptedInTheEnd,
        advice: "a failed callback is sent again, and must be accepted then",
        events: &[Behaviour::Normal],
    },
];

impl ExpectedAnswer {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Accepted => "2xx",
            Self::AcceptedInTheEnd => "2xx in the end",
            Self::Refused => "401, 403 or another 4xx",
            Self::RefusedAsUnreadable => "400 or another 4xx",
        }
    }

    fn is_met_by(self, sent: &AttemptResult) -> bool {
        match self {
            Self::Accepted | Self::AcceptedInTheEnd => sent.succeeded(),
            Self::Refused | Self::RefusedAsUnreadable => {
                sent.status.is_some_and(|status| status.is_client_error())
            }
        }
    }
}

/// One receiver under audit.
pub(super) struct Audit {
    sandbox: Arc<Serving>,
    world: Arc<World>,
    /// A type that has a record to send.
    callback_type: String,
    url: ReceiverUrl,
    /// Replaces the token of the world.
    token: Option<HeaderValue>,
    limit: Duration,
    /// Whether anything was answered before.
    reached: bool,
    refuses_everything: bool,
}

impl Audit {
    /// Prepares an audit. If the type has no callbacks, the error is a sentence.
    pub(super) fn new(
        sandbox: Arc<Serving>,
        callback_type: &str,
        url: &ReceiverUrl,
        token: Option<HeaderValue>,
        limit: Duration,
    ) -> Result<Self, String> {
        product(&sandbox.control.engine.catalogue(), callback_type)?;
        let key = PUBLIC_KEY.parse().expect("the public key is well-formed");
        let world = sandbox.control.engine.worlds.enter(&key, Instant::now());
        let world = world.map_err(|error| error.message.unwrap_or_default())?;
        let audit = Self {
            sandbox,
            world,
            callback_type: callback_type.to_owned(),
            url: url.clone(),
            token,
            limit,
            reached: false,
            refuses_everything: false,
        };
        if audit.event(Behaviour::Normal).is_empty() {
            return Err(unsendable(callback_type));
        }
        Ok(audit)
    }

    /// The token that the receiver should accept.
    pub(super) fn token(&self) -> String {
        match &self.token {
            Some(token) => String::from_utf8_lossy(token.as_bytes()).into_owned(),
            None => self.world.callback_token(),
        }
    }

    /// Whether the product has what the step sends. Only a product with a pending outcome has an older state.
    pub(super) fn can_play(&self, step: &AuditStep) -> bool {
        let catalogue = self.sandbox.control.engine.catalogue();
        let endpoint = catalogue::endpoint_of_type(&catalogue, &self.callback_type);
        let has_older_state = endpoint.is_some_and(|one| one.pending_outcome().is_some());
        has_older_state || !step.events.contains(&Behaviour::Stale)
    }

    /// Plays one step. An error says why the receiver cannot be reached at all.
    pub(super) async fn play(&mut self, step: &AuditStep) -> Result<AuditVerdict, String> {
        let mut answers: Vec<String> = Vec::new();
        let mut last = None;
        for delivery in self.deliveries(step) {
            let mut sent = self.send(&delivery, &mut answers).await?;
            if step.expected == ExpectedAnswer::AcceptedInTheEnd {
                let mut resends = 0;
                while sent.status.is_some_and(|status| status.is_server_error())
                    && resends < RESENDS_MAX
                {
                    tokio::time::sleep(PAUSE).await;
                    sent = self.send(&delivery, &mut answers).await?;
                    resends += 1;
                }
            }
            let met = step.expected.is_met_by(&sent);
            last = Some(sent);
            if !met {
                break; // a receiver that hangs is not waited for twice
            }
        }
        let pass = last
            .as_ref()
            .is_some_and(|sent| step.expected.is_met_by(sent));
        let status = last.and_then(|sent| sent.status);
        let is_refusal = status.is_some_and(|status| status.is_client_error());
        let note = match step.expected {
            ExpectedAnswer::Accepted
                if !pass && matches!(status.map(|s| s.as_u16()), Some(401 | 403)) =>
            {
                Some("does the receiver know this token? --token sends another one")
            }
            _ if !pass => Some(step.advice),
            ExpectedAnswer::AcceptedInTheEnd if answers.len() == 1 => {
                Some("the receiver did not fail, so no retry was tested")
            }
            ExpectedAnswer::Refused | ExpectedAnswer::RefusedAsUnreadable
                if self.refuses_everything =>
            {
                Some("the receiver refused the normal callback too, so this result proves little")
            }
            ExpectedAnswer::Accepted
            | ExpectedAnswer::AcceptedInTheEnd
            | ExpectedAnswer::Refused
            | ExpectedAnswer::RefusedAsUnreadable => None,
        };
        self.refuses_everything |= step.name == STEPS[0].name && is_refusal;
        Ok(AuditVerdict {
            pass,
            received: answers.join(", then "),
            note,
        })
    }

    async fn send(
        &mut self,
        delivery: &Delivery,
        answers: &mut Vec<String>,
    ) -> Result<AttemptResult, String> {
        let courier = &self.sandbox.control.courier;
        let sent = courier
            .send_once(&self.world, delivery, self.token.as_ref(), self.limit)
            .await;
        self.reached |= sent.reached;
        let error = sent.error.clone().unwrap_or_default();
        if !self.reached {
            return Err(error);
        }
        answers.push(match sent.status {
            Some(status) if !status.is_redirection() => status.as_u16().to_string(),
            _ => error,
        });
        Ok(sent)
    }

    /// The deliveries of a step, in order. A delivery that waits to be overtaken comes last.
    fn deliveries(&self, step: &AuditStep) -> Vec<Delivery> {
        let mut deliveries: Vec<_> = step
            .events
            .iter()
            .flat_map(|behaviour| self.event(*behaviour))
            .collect();
        deliveries.sort_by_key(|delivery| delivery.held_for_next);
        deliveries
    }

    /// The deliveries of one record's callback.
    fn event(&self, behaviour: Behaviour) -> Vec<Delivery> {
        let catalogue = self.sandbox.control.engine.catalogue();
        let (endpoint, outcome) =
            product(&catalogue, &self.callback_type).expect("the catalogue is never reloaded");
        let mut state = self.world.state();
        let sample = answer::write_unrequested(
            &catalogue,
            &self.world,
            &mut state,
            endpoint,
            outcome,
            "audit",
        );
        let Ok(Some(sample)) = sample else {
            return Vec::new();
        };
        let id = endpoint.outcome_id(&outcome.name);
        let event = Event {
            callback_type: &self.callback_type,
            url: Some(&self.url),
            record: Some(sample.id),
            outcome: id.shown(),
            older: sample.pending_body.unwrap_or_default(),
            body: sample.body,
            after: Duration::ZERO,
            behaviour,
            depth: 0,
            now: self.world.now(&state),
            since: Moment::new(Instant::now(), Duration::ZERO),
        };
        answer::deliveries_of_event(&event)
    }
}

/// The endpoint whose sample represents the type, and the outcome that is sent.
fn product<'c>(
    catalogue: &'c Catalogue,
    callback_type: &str,
) -> Result<(&'c Endpoint, &'c Outcome), String> {
    let Some(endpoint) = catalogue::endpoint_of_type(catalogue, callback_type) else {
        let types = catalogue::callback_types(catalogue);
        let near = nearest_sentence(callback_type, types.iter().copied());
        return Err(format!(
            "there are no callbacks of type `{callback_type}`.{near} Known types: {}.",
            types.join(", ")
        ));
    };
    match catalogue::final_outcome(endpoint) {
        Some(outcome) => Ok((endpoint, outcome)),
        None => Err(unsendable(callback_type)),
    }
}

fn unsendable(callback_type: &str) -> String {
    format!(
        "the sample outcome for callbacks of type `{callback_type}` creates no record, so there is nothing to send"
    )
}
