//! Plays the steps of an audit against one receiver.

use std::sync::Arc;
use std::time::Duration;

use hyper::header::HeaderValue;
use hyper::{HeaderMap, StatusCode};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::message::{AuditMessage, AuditMessages};
use super::signing::SigningSecret;
use super::steps::{AuditStep, ExpectedAnswer, STEPS, Sending};
use crate::base::{PUBLIC_KEY, ReceiverUrl};
use crate::callbacks::{AttemptResult, CallbackHead};
use crate::http::CALLBACK_TOKEN_HEADER;
use crate::server::Serving;
use crate::world::{TokenSent, World};

/// How often a callback is sent again to a receiver that answers 5xx.
const RESENDS_MAX: usize = 3;

/// How long to wait after each failure.
const PAUSE: Duration = Duration::from_millis(200);

/// What the user knows about the receiver.
pub(super) struct AuditedReceiver {
    pub url: ReceiverUrl,
    /// Replaces the token of the world.
    pub token: Option<HeaderValue>,
    pub signing: AuditSigning,
    /// How long it may take for each callback.
    pub limit: Duration,
    /// After this time an answer is slow.
    pub answer_time: Duration,
}

/// Whether callbacks are signed, and with which secret.
pub(super) enum AuditSigning {
    Unsigned,
    WithSecretOfWorld,
    WithSecret(SigningSecret),
}

/// One receiver under audit.
pub(super) struct Audit {
    sandbox: Arc<Serving>,
    world: Arc<World>,
    receiver: AuditedReceiver,
    messages: AuditMessages,
    /// Whether anything was answered before.
    reached: bool,
    refuses_everything: bool,
}

/// The result of a step.
pub(super) struct AuditVerdict {
    pub pass: bool,
    /// The answers, as `200, then 500`.
    pub received: String,
    /// What else there is to say about the result.
    pub note: Option<&'static str>,
}

/// What came back for one callback.
struct AuditAnswer {
    words: String,
    is_met: bool,
    status: Option<StatusCode>,
}

impl Audit {
    /// Prepares an audit. If the type has no callbacks, the error is a sentence.
    pub(super) fn new(
        sandbox: Arc<Serving>,
        callback_type: &str,
        receiver: AuditedReceiver,
    ) -> Result<Self, String> {
        let key = PUBLIC_KEY.parse().expect("the public key is well-formed");
        let world = sandbox.control.engine.worlds.enter(&key, Instant::now());
        let world = world.map_err(|error| error.message.unwrap_or_default())?;
        let messages = AuditMessages::new(&sandbox, &world, callback_type, &receiver.url)?;
        Ok(Self {
            sandbox,
            world,
            receiver,
            messages,
            reached: false,
            refuses_everything: false,
        })
    }

    /// The token that the receiver should accept.
    pub(super) fn token(&self) -> String {
        match &self.receiver.token {
            Some(token) => String::from_utf8_lossy(token.as_bytes()).into_owned(),
            None => self.world.callback_token(),
        }
    }

    /// The secret that the receiver should know. A secret of the user's own is not repeated.
    pub(super) fn shown_secret(&self) -> Option<String> {
        match self.receiver.signing {
            AuditSigning::Unsigned => None,
            AuditSigning::WithSecretOfWorld => Some(self.world.signing_secret_text()),
            AuditSigning::WithSecret(_) => Some("the one of --secret".to_owned()),
        }
    }

    fn secret(&self) -> Option<SigningSecret> {
        match &self.receiver.signing {
            AuditSigning::Unsigned => None,
            AuditSigning::WithSecretOfWorld => Some(self.world.signing_secret().into()),
            AuditSigning::WithSecret(secret) => Some(secret.clone()),
        }
    }

    pub(super) fn expected(&self, step: &AuditStep) -> String {
        step.expected.words(self.receiver.answer_time)
    }

    /// Why a step cannot be played. Only a product with a pending outcome has an older state.
    pub(super) fn reason_to_skip(&self, step: &AuditStep) -> Option<&'static str> {
        if step.needs_older_state() && !self.messages.has_older_state() {
            return Some("the product has no pending outcome");
        }
        let is_unsigned = matches!(self.receiver.signing, AuditSigning::Unsigned);
        (step.needs_signing() && is_unsigned)
            .then_some("callbacks are signed only with --callback-signing standard-webhooks")
    }

    /// Plays one step. An error says why the receiver cannot be reached at all.
    pub(super) async fn play(&mut self, step: &AuditStep) -> Result<AuditVerdict, String> {
        let messages = self.messages.of(step);
        let answers = match step.sending {
            Sending::InTurn => self.send_in_turn(step, &messages).await?,
            Sending::AgainAfterFailure => self.send_again_after_failure(step, &messages[0]).await?,
            Sending::TwiceAtOnce => {
                let message = &messages[0];
                let (one, other) = tokio::join!(self.send(message), self.send(message));
                vec![self.answer(step, &one)?, self.answer(step, &other)?]
            }
            Sending::AgainAfterHangUp => {
                let unanswered = self.send_and_hang_up(&messages[0]).await?;
                let again = self.send(&messages[0]).await;
                vec![unanswered, self.answer(step, &again)?]
            }
        };
        let last = answers.last();
        let pass = match step.sending {
            Sending::AgainAfterFailure => last.is_some_and(|answer| answer.is_met),
            Sending::InTurn | Sending::TwiceAtOnce | Sending::AgainAfterHangUp => {
                answers.iter().all(|answer| answer.is_met)
            }
        };
        let note = self.note(step, &answers, pass);
        let status = last.and_then(|answer| answer.status);
        let is_refusal = status.is_some_and(|status| status.is_client_error());
        self.refuses_everything |= step.name == STEPS[0].name && is_refusal;
        let mut words: Vec<_> = answers.iter().map(|answer| answer.words.as_str()).collect();
        if step.sending == Sending::TwiceAtOnce {
            words.sort_unstable(); // which copy came first is left to chance
        }
        let separator = match step.sending {
            Sending::TwiceAtOnce => " and ",
            Sending::InTurn | Sending::AgainAfterFailure | Sending::AgainAfterHangUp => ", then ",
        };
        Ok(AuditVerdict {
            pass,
            received: words.join(separator),
            note,
        })
    }

    fn note(&self, step: &AuditStep, answers: &[AuditAnswer], pass: bool) -> Option<&'static str> {
        let is_unsigned = matches!(self.receiver.signing, AuditSigning::Unsigned);
        if !pass {
            let status = answers.last().and_then(|answer| answer.status);
            let is_unknown = matches!(status.map(|status| status.as_u16()), Some(401 | 403));
            let is_first = step.name == STEPS[0].name;
            let is_strange = is_unknown && (is_first || self.refuses_everything);
            let question = if is_unsigned {
                "does the receiver know this token? --token sends another one"
            } else {
                "does the receiver know this token and this secret? --token and --secret give others"
            };
            return (is_strange && step.expected == ExpectedAnswer::Accepted).then_some(question);
        }
        if step.sending == Sending::AgainAfterFailure && answers.len() == 1 {
            return Some("the receiver did not fail, so no retry was tested");
        }
        if step.has_respelled_body() && is_unsigned {
            return Some(
                "it was not signed, so only the parser was tested: add --callback-signing standard-webhooks",
            );
        }
        (!step.expected.is_acceptance() && self.refuses_everything)
            .then_some("the receiver refused the normal callback too, so this result proves little")
    }

    async fn send_in_turn(
        &mut self,
        step: &AuditStep,
        messages: &[AuditMessage],
    ) -> Result<Vec<AuditAnswer>, String> {
        let mut answers = Vec::new();
        for message in messages {
            let sent = self.send(message).await;
            let answer = self.answer(step, &sent)?;
            let is_met = answer.is_met;
            answers.push(answer);
            if !is_met {
                break; // a receiver that hangs is not waited for twice
            }
        }
        Ok(answers)
    }

    async fn send_again_after_failure(
        &mut self,
        step: &AuditStep,
        message: &AuditMessage,
    ) -> Result<Vec<AuditAnswer>, String> {
        let mut answers = Vec::new();
        loop {
            let sent = self.send(message).await;
            let failed = sent.status.is_some_and(|status| status.is_server_error());
            answers.push(self.answer(step, &sent)?);
            if !failed || answers.len() > RESENDS_MAX {
                return Ok(answers);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Sends a callback and closes the connection when it is written. An error says why it could not be written.
    async fn send_and_hang_up(&mut self, message: &AuditMessage) -> Result<AuditAnswer, String> {
        let (until_written, written) = oneshot::channel::<()>();
        let sent = tokio::select! {
            biased; // an attempt that fails drops `until_written` too
            sent = self.send_until(message, until_written) => Some(sent),
            _ = written => None,
        };
        if let Some(sent) = sent {
            self.reached |= sent.reached;
            if !self.reached {
                return Err(words(&sent));
            }
        }
        tokio::time::sleep(PAUSE).await; // no sender tries again at once
        Ok(AuditAnswer {
            words: "no wait".to_owned(),
            is_met: true,
            status: None,
        })
    }

    /// Judges one answer. An error says why the receiver was never reached.
    fn answer(&mut self, step: &AuditStep, sent: &AttemptResult) -> Result<AuditAnswer, String> {
        self.reached |= sent.reached;
        let answer_time = self.receiver.answer_time;
        let is_met = step.expected.is_met_by(sent, answer_time);
        let mut words = words(sent);
        if !self.reached {
            return Err(words);
        }
        if !is_met && step.expected == ExpectedAnswer::AcceptedSoon && sent.succeeded() {
            words = format!("{words} after {:?}", rounded(sent.took));
        }
        Ok(AuditAnswer {
            words,
            is_met,
            status: sent.status,
        })
    }

    async fn send(&self, message: &AuditMessage) -> AttemptResult {
        self.send_until(message, ()).await
    }

    async fn send_until<T: Send + Unpin>(
        &self,
        message: &AuditMessage,
        until_written: T,
    ) -> AttemptResult {
        let egress = &self.sandbox.control.courier.egress;
        let AuditedReceiver { url, limit, .. } = &self.receiver;
        let headers = self.headers(message);
        let body = message.body.clone();
        egress.send(url, headers, body, *limit, until_written).await
    }

    fn headers(&self, message: &AuditMessage) -> HeaderMap {
        let courier = &self.sandbox.control.courier;
        let head = CallbackHead {
            token: message.token,
            message: 0, // the courier does not sign
            depth: 0,
            trace: None,
            body: &message.body,
        };
        let mut headers = courier.headers(&self.world, &head);
        if let (TokenSent::Right, Some(token)) = (message.token, &self.receiver.token) {
            headers.insert(CALLBACK_TOKEN_HEADER, token.clone());
        }
        if let Some(secret) = self.secret() {
            secret.sign(&mut headers, &message.id, message.signature, &message.body);
        }
        headers
    }
}

/// The status, or the reason why there is none.
fn words(sent: &AttemptResult) -> String {
    match sent.status {
        Some(status) if !status.is_redirection() => status.as_u16().to_string(),
        Some(_) | None => sent.error.clone().unwrap_or_default(),
    }
}

/// A time in words needs no more than milliseconds.
fn rounded(time: Duration) -> Duration {
    Duration::from_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}
