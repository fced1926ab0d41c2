//! The callbacks of an audit, each about a record of its own.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::signing::SignatureSent;
use super::steps::{AuditEvent, AuditStep};
use crate::answer::{self, Event};
use crate::base::{Behaviour, Moment, ReceiverUrl};
use crate::catalogue::{self, Catalogue, Endpoint, Outcome};
use crate::server::Serving;
use crate::world::{Delivery, TokenSent, World};

/// A callback that is ready to be sent.
pub(super) struct AuditMessage {
    /// The same for copies.
    pub id: String,
    pub token: TokenSent,
    pub signature: SignatureSent,
    pub body: Bytes,
}

/// Makes the callbacks.
pub(super) struct AuditMessages {
    sandbox: Arc<Serving>,
    world: Arc<World>,
    /// A type that has a record to send.
    callback_type: String,
    url: ReceiverUrl,
    /// How many were made so far, not counting copies.
    count: u64,
}

impl AuditMessages {
    /// If the type has no callbacks, the error is a sentence.
    pub(super) fn new(
        sandbox: &Arc<Serving>,
        world: &Arc<World>,
        callback_type: &str,
        url: &ReceiverUrl,
    ) -> Result<Self, String> {
        product(&sandbox.control.engine.catalogue(), callback_type)?;
        let messages = Self {
            sandbox: sandbox.clone(),
            world: world.clone(),
            callback_type: callback_type.to_owned(),
            url: url.clone(),
            count: 0,
        };
        if messages.deliveries(Behaviour::Normal).is_empty() {
            return Err(unsendable(callback_type));
        }
        Ok(messages)
    }

    /// Whether the product has a pending outcome.
    pub(super) fn has_older_state(&self) -> bool {
        let catalogue = self.sandbox.control.engine.catalogue();
        let endpoint = catalogue::endpoint_of_type(&catalogue, &self.callback_type);
        endpoint.is_some_and(|one| one.pending_outcome().is_some())
    }

    /// The callbacks of a step, in order. A callback that waits to be overtaken comes last.
    pub(super) fn of(&mut self, step: &AuditStep) -> Vec<AuditMessage> {
        let (mut messages, mut held) = (Vec::new(), Vec::new());
        for event in step.events {
            for delivery in self.deliveries(event.behaviour) {
                self.count += u64::from(delivery.redelivery_of.is_none());
                let message = self.message(event, &delivery);
                if delivery.held_for_next {
                    held.push(message);
                } else {
                    messages.push(message);
                }
            }
        }
        messages.extend(held);
        messages
    }

    fn message(&self, event: &AuditEvent, delivery: &Delivery) -> AuditMessage {
        AuditMessage {
            id: format!("msg_{}_{}", self.world.tag, self.count),
            token: delivery.token,
            signature: event.signature,
            body: event.body.of(&delivery.body),
        }
    }

    /// The deliveries of one record's callback.
    fn deliveries(&self, behaviour: Behaviour) -> Vec<Delivery> {
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
            trace: None,
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
        return Err(catalogue::unknown_callback_type(callback_type, &types));
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
