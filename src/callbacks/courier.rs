//! The courier: sends what is due, tries again, advances a world's clock through what it set off.
//!
//! Due things lie in a queue per world. Each is due when its delay has passed in real time, or when
//! the world's clock has been advanced that far, whichever comes first.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use sha2::Sha256;
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

use super::egress::{Egress, Sent};
use crate::answer::Shared;
use crate::base::{self, Panicked, ReceiverUrl, Stamp, contained_async};
use crate::http::{CALLBACK_TOKEN_HEADER, DEPTH_HEADER};
use crate::world::{Attempt, Delivery, DeliveryState, State, TokenSent, World};

/// Sends at once, over all worlds.
const SENDS_MAX: usize = 64;

/// How long a receiver may take.
pub(crate) const RECEIVER_TIME: Duration = Duration::from_secs(30);

/// How long a world's line rests after a panic: one that comes again and again must not take a core.
const PANIC_PAUSE: Duration = Duration::from_secs(1);

/// What all worlds' callbacks share.
#[derive(Debug)]
pub(crate) struct Courier {
    pub egress: Egress,
    pub retries: Vec<Duration>,
    pub signing: bool,
    /// Sends the token in `x-iluma-callback-token` as well.
    pub second_token_header: bool,
    sends: Semaphore,
    pub(crate) pending: AtomicUsize,
}

impl Courier {
    pub(crate) fn new(egress: Egress, retries: Vec<Duration>, signing: bool, second: bool) -> Self {
        Self {
            egress,
            retries,
            signing,
            second_token_header: second,
            sends: Semaphore::new(SENDS_MAX),
            pending: AtomicUsize::new(0),
        }
    }

    /// Sends one body to a URL that is being registered.
    pub(crate) async fn ping(
        &self,
        world: &World,
        url: &ReceiverUrl,
        body: bytes::Bytes,
        limit: Duration,
    ) -> Sent {
        let headers = self.headers(world, TokenSent::Right, 0, 0, &body);
        self.egress.send(url, headers, body, limit).await
    }

    /// Sends a delivery once, past the line and the log. A given token stands in for the world's own.
    pub(crate) async fn send_once(
        &self,
        world: &World,
        delivery: &Delivery,
        token: Option<&HeaderValue>,
        limit: Duration,
    ) -> Sent {
        let Delivery { seq, depth, .. } = *delivery;
        let mut headers = self.headers(world, delivery.token, seq, depth, &delivery.body);
        if let (TokenSent::Right, Some(token)) = (delivery.token, token) {
            headers.insert(CALLBACK_TOKEN_HEADER, token.clone());
        }
        self.egress
            .send(&delivery.url, headers, delivery.body.clone(), limit)
            .await
    }

    fn headers(
        &self,
        world: &World,
        token: TokenSent,
        seq: u64,
        depth: u32,
        body: &[u8],
    ) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let token = match token {
            TokenSent::Right => Some(world.callback_token()),
            TokenSent::Wrong => Some(world.wrong_token()),
            TokenSent::None => None,
        };
        if let Some(token) = token.and_then(|token| HeaderValue::try_from(token).ok()) {
            if self.second_token_header {
                let name = HeaderName::from_static("x-iluma-callback-token");
                headers.insert(name, token.clone());
            }
            headers.insert(CALLBACK_TOKEN_HEADER, token);
        }
        headers.insert(DEPTH_HEADER, HeaderValue::from(depth + 1));
        if self.signing {
            let id = format!("msg_{}_{seq}", world.tag);
            sign(&mut headers, &id, &world.signing_secret(), body);
        }
        headers
    }
}

/// Sees to it that what lies in the world's line is sent. Called whenever something was put there.
pub(crate) fn wake(sandbox: &Arc<Shared>, world: &Arc<World>, state: &mut State) {
    if state.callbacks.queue.by_clock.is_empty() || !sandbox.sends_by_itself {
        return;
    }
    if state.callbacks.runs {
        world.changed();
        return;
    }
    state.callbacks.runs = true;
    sandbox.live.deliveries(&world.tag);
    tokio::spawn(run_on(sandbox.clone(), world.clone()));
}

/// Goes on after a panic: the line would otherwise wait for ever.
async fn run_on(sandbox: Arc<Shared>, world: Arc<World>) {
    while contained_async(pin!(run(&sandbox, &world))).await == Err(Panicked) {
        base::log_panic("sending a world's callbacks");
        tokio::time::sleep(PANIC_PAUSE).await;
    }
}

/// Sends what is due by the machine's time until the line is empty or the sandbox stops.
async fn run(sandbox: &Arc<Shared>, world: &Arc<World>) {
    let mut changes = world.changes();
    let mut stopping = sandbox.stopping();
    loop {
        changes.mark_unchanged();
        let next = {
            let mut state = world.state();
            sandbox.panic_if_told("line");
            let callbacks = &mut state.callbacks;
            if callbacks.queue.by_clock.is_empty() {
                callbacks.runs = false;
                return;
            }
            if callbacks.advancing {
                None // everything that is due is sent by the advance
            } else {
                let now = Instant::now();
                while let Some(seq) = callbacks.queue.take_by_time(now) {
                    callbacks.in_flight += 1;
                    let resets = world.resets(); // from before the lock is given back
                    tokio::spawn(attempt_unless_stopped(
                        sandbox.clone(),
                        world.clone(),
                        seq,
                        resets,
                    ));
                }
                callbacks.queue.next_time()
            }
        };
        let due = async {
            match next {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = due => {}
            _ = changes.changed() => {}
            _ = stopping.wait_for(|stopping| *stopping) => {
                let mut state = world.state();
                let cancelled = state.callbacks.cancel(&sandbox.courier, "the sandbox stopped");
                state.callbacks.runs = false;
                if !cancelled.is_empty() {
                    tracing::info!("{} pending callbacks were cancelled", cancelled.len());
                }
                return;
            }
        }
    }
}

/// One try, given up when the sandbox stops, the world is reset, or it panics.
async fn attempt_unless_stopped(
    sandbox: Arc<Shared>,
    world: Arc<World>,
    seq: u64,
    mut resets: watch::Receiver<u64>,
) {
    let mut stopping = sandbox.stopping();
    // Nothing waits for what is neither sent nor in flight: whoever counted it in must count it out, once.
    let mut settled = false;
    let (ended, reason) = {
        let trying = pin!(attempt(&sandbox, &world, seq, &mut settled));
        tokio::select! {
            biased; // what was called back is not tried again
            _ = stopping.wait_for(|stopping| *stopping) => (DeliveryState::Cancelled, "the sandbox stopped"),
            _ = resets.changed() => (DeliveryState::Cancelled, "the world was reset"),
            tried = contained_async(trying) => match tried {
                Ok(()) => return,
                Err(Panicked) => (DeliveryState::Failed, "the sandbox failed while it sent this; its log says where"),
            },
        }
    };
    let mut state = world.state();
    if ended == DeliveryState::Failed {
        base::log_panic(format_args!(
            "sending the callback {seq} of world {}",
            world.tag
        ));
    }
    if !settled {
        state.callbacks.in_flight -= 1;
        sandbox.courier.pending.fetch_sub(1, Ordering::Relaxed);
        state.callbacks.held.retain(|held| held.delivery != seq);
        if let Some(delivery) = state.callbacks.log.get_mut(seq) {
            delivery.state = ended;
            delivery.reason = Some(reason.to_owned());
        }
        state.callbacks.log.ended.count(ended);
    }
    drop(state);
    world.changed();
}

/// One try, from taking its turn to deciding what comes next.
async fn attempt(sandbox: &Arc<Shared>, world: &Arc<World>, seq: u64, settled: &mut bool) {
    let courier = &sandbox.courier;
    let turn = world.state().callbacks.sends.clone();
    let _of_world = turn.acquire().await.expect("never closed");
    let _of_all = courier.sends.acquire().await.expect("never closed");
    let prepared = {
        let mut state = world.state();
        let at = world.now(&state);
        state.callbacks.log.get_mut(seq).map(|delivery| {
            delivery.state = DeliveryState::Sending;
            delivery.next_try = None;
            (delivery.clone(), at)
        })
    };
    let Some((delivery, at)) = prepared else {
        let mut state = world.state(); // its entry had to leave the log
        *settled = true;
        state.callbacks.in_flight -= 1;
        courier.pending.fetch_sub(1, Ordering::Relaxed);
        return;
    };
    let message = delivery.redelivery_of.unwrap_or(seq);
    let headers = courier.headers(
        world,
        delivery.token,
        message,
        delivery.depth,
        &delivery.body,
    );
    let request_head = head_text(&delivery.url, &headers);
    sandbox.panic_if_told("attempt");
    let sent = courier
        .egress
        .send(&delivery.url, headers, delivery.body.clone(), RECEIVER_TIME)
        .await;
    *settled = true;
    settle(sandbox, world, seq, at, request_head, sent);
}

/// Writes an attempt into the log and puts the next one in line, if there is to be one.
fn settle(
    sandbox: &Arc<Shared>,
    world: &Arc<World>,
    seq: u64,
    at: Stamp,
    request_head: Arc<str>,
    sent: Sent,
) {
    let courier = &sandbox.courier;
    let mut state = world.state();
    let now = world.now(&state);
    let callbacks = &mut state.callbacks;
    callbacks.in_flight -= 1;
    let mut again = None;
    let mut frees_next = false;
    let succeeded = sent.succeeded();
    let attempt = Attempt {
        at,
        request_head,
        status: sent.status,
        answer: sent.answer.into(),
        error: sent.error,
        took: sent.took,
    };
    if let Some(delivery) = callbacks.log.attempted(seq, attempt) {
        let tried = delivery.attempts.len();
        delivery.state = if succeeded {
            DeliveryState::Delivered
        } else if let Some(delay) = courier.retries.get(tried - 1) {
            let delay = sent.retry_after.unwrap_or(*delay);
            delivery.next_try = Some(now.after(delay));
            again = Some(delay);
            DeliveryState::Retrying
        } else {
            DeliveryState::Failed
        };
        frees_next = !delivery.held_for_next;
        let ended = delivery.state;
        callbacks.log.ended.count(ended);
    }
    callbacks.held.retain(|held| held.delivery != seq); // nothing hastens its next try
    match again {
        Some(delay) => {
            let clock = callbacks.advanced + delay;
            callbacks.queue.add(clock, Instant::now() + delay, seq);
        }
        None => {
            courier.pending.fetch_sub(1, Ordering::Relaxed);
        }
    }
    if frees_next {
        callbacks.release_held();
    }
    callbacks.log.make_room(callbacks.pending());
    wake(sandbox, world, &mut state);
    drop(state);
    world.changed();
}

/// How far a world's clock is moved on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Advance {
    By(Duration),
    To(Stamp),
}

/// Moves the world's clock on, through everything that falls due on the way, and waits for the
/// receivers' answers. Returns the deliveries that were tried. To be spawned: it must not be dropped
/// while it waits.
pub(crate) async fn advance(sandbox: Arc<Shared>, world: Arc<World>, to: Advance) -> Vec<u64> {
    let _one_at_a_time = world.advancing.lock().await;
    let mut changes = world.changes();
    sandbox.panic_if_told("advance");
    world.state().callbacks.advancing = true;
    // Set back whatever happens, also when the client goes away in the midst of it.
    let _guard = Advancing {
        sandbox: &sandbox,
        world: &world,
    };
    loop {
        changes.mark_unchanged();
        if world.state().callbacks.in_flight == 0 {
            break;
        }
        changes.changed().await.ok();
    }
    let until = {
        let mut state = world.state();
        state.callbacks.release_held_in_time();
        let by = match to {
            Advance::By(by) => by,
            // Another advance may have come first, and further: then there is nothing to do.
            Advance::To(instant) => instant.since(world.now(&state)).unwrap_or_default(),
        };
        state.callbacks.advanced + by
    };
    let mut tried = Vec::new();
    loop {
        let next = {
            let mut state = world.state();
            let callbacks = &mut state.callbacks;
            let next = callbacks.queue.take_by_clock(until);
            callbacks.advanced = next.map_or(until, |(clock, _)| callbacks.advanced.max(clock));
            callbacks.in_flight += usize::from(next.is_some());
            next
        };
        let Some((_, seq)) = next else {
            return tried;
        };
        if !tried.contains(&seq) {
            tried.push(seq);
        }
        let resets = world.resets();
        attempt_unless_stopped(sandbox.clone(), world.clone(), seq, resets).await;
    }
}

struct Advancing<'a> {
    sandbox: &'a Arc<Shared>,
    world: &'a Arc<World>,
}

impl Drop for Advancing<'_> {
    fn drop(&mut self) {
        let mut state = self.world.state();
        state.callbacks.advancing = false;
        wake(self.sandbox, self.world, &mut state);
        drop(state);
        self.world.changed();
    }
}

fn head_text(url: &ReceiverUrl, headers: &HeaderMap) -> Arc<str> {
    let mut text = format!("POST {}", url.as_str());
    for (name, value) in headers {
        text.extend([
            "\n",
            name.as_str(),
            ": ",
            value.to_str().unwrap_or_default(),
        ]);
    }
    text.into()
}

/// Adds `webhook-id`, which stays the same over retries, `webhook-timestamp` and `webhook-signature`.
pub(crate) fn sign(headers: &mut HeaderMap, id: &str, secret: &[u8], body: &[u8]) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let timestamp = now.map_or(0, |now| now.as_secs()).to_string();
    let signature = signature(id, &timestamp, secret, body);
    for (name, value) in [
        ("webhook-id", id),
        ("webhook-timestamp", timestamp.as_str()),
        ("webhook-signature", signature.as_str()),
    ] {
        let value = HeaderValue::try_from(value).expect("digits, letters and punctuation");
        headers.insert(HeaderName::from_static(name), value);
    }
}

/// `v1,` and the base64 of HMAC-SHA256 over id, timestamp and body, with dots between them.
fn signature(id: &str, timestamp: &str, secret: &[u8], body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("a key of any length will do");
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

/// How a secret is written for receivers: `whsec_` and its base64.
pub(crate) fn written_secret(secret: &[u8]) -> String {
    format!("whsec_{}", STANDARD.encode(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_signs_as_the_specification_s_example_does() {
        let secret = STANDARD
            .decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
            .expect("base64");
        let body = br#"{"test": 2432232314}"#;
        assert_eq!(
            signature("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", &secret, body),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }
}
