//! Runs a world's outbox: waits, sends and retries.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::{HeaderMap, StatusCode};
use tokio::sync::watch;
use tokio::time::Instant;

use super::courier::{CallbackHead, Courier, RECEIVER_TIME};
use super::egress::AttemptResult;
use super::slots::Slot;
use crate::base::{self, Moment, Origin, Panicked, ReceiverUrl, Stamp, contained_async};
use crate::world::{
    self, Callbacks, Delivery, DeliveryState, Happening, State, Turn, UnsentEvent, World,
    log_attempt, log_cancelled, log_ended,
};

/// How long a world's queue pauses after a panic. A panic that repeats must not use up a core.
const PANIC_PAUSE: Duration = Duration::from_secs(1);

/// Why callbacks are cancelled at the end.
const STOPPED: &str = "the sandbox stopped";

/// Standard Webhooks, "Deliverability": after 410 the sender stops.
const GONE: &str = "the receiver answered 410, which ends the attempts (Standard Webhooks)";

impl Courier {
    /// Makes sure that the world's queue is sent. Called whenever something was put into it.
    pub(crate) fn wake(self: &Arc<Self>, world: &Arc<World>, state: &mut State) {
        if state.callbacks.queue.by_clock.is_empty() || !self.sends_by_itself {
            return;
        }
        if state.callbacks.runs {
            world.changed();
            return;
        }
        state.callbacks.runs = true;
        world.show_deliveries();
        tokio::spawn(run_on(self.clone(), world.clone()));
    }

    /// Counts a delivery as in flight. The first attempts to a receiver keep the order of these calls.
    pub(super) fn leave(&self, callbacks: &mut Callbacks, seq: u64) -> Leaving {
        callbacks.in_flight += 1;
        let is_first = |delivery: &Delivery| delivery.attempts.is_empty();
        let is_first = callbacks.log.get(seq).is_some_and(is_first);
        let url = self.url(callbacks, seq).filter(|_| is_first);
        Leaving {
            seq,
            turn: url.map(|url| callbacks.turns.take(url.origin())),
        }
    }

    /// Where the next attempt of a delivery goes.
    fn url(&self, callbacks: &Callbacks, seq: u64) -> Option<ReceiverUrl> {
        let delivery = callbacks.log.get(seq)?;
        self.target(callbacks, &delivery.callback_type)
    }

    /// Where callbacks of a type go now.
    fn target(&self, callbacks: &Callbacks, callback_type: &str) -> Option<ReceiverUrl> {
        let registered = callbacks.urls.get(callback_type);
        registered
            .map(|registered| registered.url.clone())
            .or_else(|| (self.default_url.0)(callback_type))
    }
}

/// Continues after a panic. Otherwise the queue would wait for ever.
async fn run_on(courier: Arc<Courier>, world: Arc<World>) {
    while contained_async(pin!(run(&courier, &world))).await == Err(Panicked) {
        base::log_panic("sending a world's callbacks");
        tokio::time::sleep(PANIC_PAUSE).await;
    }
}

/// Sends what is due by the machine's time, until the queue is empty or the sandbox stops.
async fn run(courier: &Arc<Courier>, world: &Arc<World>) {
    let mut changes = world.changes();
    let mut stopping = courier.stopping.subscribe();
    loop {
        changes.mark_unchanged();
        let next = {
            let mut state = world.state();
            courier.panics.reached("line");
            let callbacks = &mut state.callbacks;
            if callbacks.queue.by_clock.is_empty() {
                callbacks.runs = false;
                return;
            }
            if callbacks.advancing {
                None // the advance sends everything that is due
            } else {
                let now = Instant::now();
                while let Some(seq) = callbacks.queue.take_by_time(now) {
                    let leaving = courier.leave(callbacks, seq);
                    let resets = world.resets(); // taken before the lock is released
                    tokio::spawn(attempt_unless_stopped(
                        courier.clone(),
                        world.clone(),
                        leaving,
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
                let cancelled = state.callbacks.cancel(STOPPED);
                state.callbacks.runs = false;
                log_cancelled(&world.tag, &cancelled, STOPPED);
                return;
            }
        }
    }
}

/// A delivery that is due, on its way to its next attempt.
pub(super) struct Leaving {
    pub seq: u64,
    /// Its place among the first attempts to its receiver. Later attempts have none.
    turn: Option<Turn>,
}

/// What an attempt holds until it has written its request.
struct Connecting {
    _turn: Option<Turn>,
    _slot: Slot,
}

/// One attempt. It is given up when the sandbox stops, when the world is reset, or when it panics. Its
/// connection is closed before it stops counting as in flight.
pub(super) async fn attempt_unless_stopped(
    courier: Arc<Courier>,
    world: Arc<World>,
    leaving: Leaving,
    mut resets: watch::Receiver<u64>,
) {
    let seq = leaving.seq;
    let mut stopping = courier.stopping.subscribe();
    // Every attempt must be counted out exactly once. One that stays counted in would make others wait for
    // ever.
    let mut settled = false;
    let (ended, reason) = {
        let trying = pin!(attempt(&courier, &world, leaving, &mut settled));
        tokio::select! {
            biased; // a cancelled attempt is not tried again
            _ = stopping.wait_for(|stopping| *stopping) => (DeliveryState::Cancelled, STOPPED),
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
        state.callbacks.count_out();
        state.callbacks.held.retain(|held| held.delivery != seq);
        if let Some(delivery) = state.callbacks.log.get_mut(seq) {
            delivery.state = ended;
            delivery.reason = Some(reason.to_owned());
            log_ended(&world.tag, delivery);
        }
        state.callbacks.log.ended.count(ended);
    }
    drop(state);
    world.changed();
}

/// One attempt, from waiting for its turn to deciding what comes next.
async fn attempt(
    courier: &Arc<Courier>,
    world: &Arc<World>,
    Leaving { seq, mut turn }: Leaving,
    settled: &mut bool,
) {
    let (delivery, url, at, connecting, _unanswered) = loop {
        let Some(receiver) = receiver(courier, world, seq, &mut turn) else {
            *settled = true;
            return miss(courier, world, seq);
        };
        if let Some(turn) = &mut turn {
            turn.comes().await;
        }
        // This order, because a send that waits for the answers of its receiver must not keep others from connecting.
        let unanswered = courier
            .unanswered
            .take(world.digest, receiver.clone())
            .await;
        let slot = courier.connects.take(world.digest, receiver.clone()).await;
        let mut state = world.state();
        let at = world.now(&state);
        let url = courier.url(&state.callbacks, seq);
        let url = url.filter(|url| url.origin() == receiver); // it may have changed in the meantime
        if let (Some(url), Some(delivery)) = (url, state.callbacks.log.get_mut(seq)) {
            delivery.state = DeliveryState::Sending;
            delivery.next_try = None;
            delivery.url = Some(url.clone());
            let connecting = Connecting {
                _turn: turn.take(),
                _slot: slot,
            };
            break (delivery.clone(), url, at, connecting, unanswered);
        }
    };
    let headers = courier.headers(world, &CallbackHead::of(&delivery));
    let request_head = head_text(&url, &headers);
    courier.panics.reached("attempt");
    let sent = courier
        .egress
        .send(&url, headers, delivery.body, RECEIVER_TIME, connecting)
        .await;
    *settled = true;
    record_attempt(courier, world, seq, at, request_head, sent);
}

impl Courier {
    /// Ends an attempt of a replay as it ended when it was recorded. Nothing is sent. False if no such delivery waits.
    #[cfg(feature = "cli")]
    pub(crate) fn attempt_as_recorded(
        self: &Arc<Self>,
        world: &Arc<World>,
        seq: u64,
        result: AttemptResult,
    ) -> bool {
        let (at, request_head) = {
            let mut state = world.state();
            let at = world.now(&state);
            let callbacks = &mut state.callbacks;
            if !callbacks.queue.take_delivery(seq) {
                return false;
            }
            callbacks.in_flight += 1;
            let url = self.url(callbacks, seq);
            let (Some(delivery), Some(url)) = (callbacks.log.get_mut(seq), url) else {
                callbacks.in_flight -= 1;
                callbacks.count_out();
                return false;
            };
            delivery.url = Some(url.clone());
            delivery.next_try = None;
            let headers = self.headers(world, &CallbackHead::of(delivery));
            (at, head_text(&url, &headers))
        };
        record_attempt(self, world, seq, at, request_head, result);
        true
    }
}

/// The receiver of a delivery now. A first attempt whose receiver has changed since it took its turn takes another.
fn receiver(courier: &Courier, world: &World, seq: u64, turn: &mut Option<Turn>) -> Option<Origin> {
    let mut state = world.state();
    let receiver = courier.url(&state.callbacks, seq)?.origin();
    if turn.as_ref().is_some_and(|turn| turn.receiver != receiver) {
        *turn = Some(state.callbacks.turns.take(receiver.clone()));
    }
    Some(receiver)
}

/// Ends an attempt without a URL. A first attempt makes the delivery an event without a URL. A later one has failed.
fn miss(courier: &Arc<Courier>, world: &Arc<World>, seq: u64) {
    let mut state = world.state();
    let (at, now) = (world.now(&state), Instant::now());
    let callbacks = &mut state.callbacks;
    if let Some(tried) = callbacks
        .log
        .get(seq)
        .filter(|one| !one.attempts.is_empty())
    {
        let missed = AttemptResult::failed(world::no_url(&tried.callback_type));
        drop(state);
        return record_attempt(courier, world, seq, at, "".into(), missed);
    }
    callbacks.in_flight -= 1;
    callbacks.count_out();
    callbacks.held.retain(|held| held.delivery != seq);
    if let Some(delivery) = callbacks.log.take(seq) {
        let since = Moment::new(now, callbacks.advanced);
        let event = UnsentEvent::of(delivery, since);
        log_ended(&world.tag, &event.delivery);
        callbacks.unsent.add(event);
    }
    courier.wake(world, &mut state);
    drop(state);
    world.changed();
}

/// Writes an attempt into the log, and queues the next one if there is one.
fn record_attempt(
    courier: &Arc<Courier>,
    world: &Arc<World>,
    seq: u64,
    at: Stamp,
    request_head: Arc<str>,
    sent: AttemptResult,
) {
    let order = world.commit(Instant::now());
    let mut state = world.state();
    let now = world.now(&state);
    let callbacks = &mut state.callbacks;
    callbacks.in_flight -= 1;
    let mut again = None;
    let mut frees_next = false;
    let succeeded = sent.succeeded();
    let ends_attempts = courier.signing && sent.status == Some(StatusCode::GONE);
    let retry_after = sent.retry_after;
    let attempt = sent.into_attempt(at, request_head, order.commit);
    if let Some(delivery) = callbacks.log.attempted(seq, attempt) {
        let tried = delivery.attempts.len();
        delivery.state = if succeeded {
            DeliveryState::Delivered
        } else if ends_attempts {
            delivery.reason = Some(GONE.to_owned());
            DeliveryState::Failed
        } else if let Some(delay) = courier.retries.get(tried - 1) {
            let delay = retry_after.unwrap_or(*delay);
            delivery.next_try = Some(now.after(delay));
            again = Some(delay);
            DeliveryState::Retrying
        } else {
            DeliveryState::Failed
        };
        log_attempt(&world.tag, delivery, courier.retries.len() + 1, again);
        frees_next = !delivery.held_for_next;
        let ended = delivery.state;
        world.tell_recorder(|| Happening::Attempted(Arc::new(delivery.clone())));
        callbacks.log.ended.count(ended);
    }
    callbacks.held.retain(|held| held.delivery != seq); // nothing makes its next attempt come sooner
    match again {
        Some(delay) => {
            let clock = callbacks.advanced + delay;
            callbacks.queue.add(clock, Instant::now() + delay, seq);
        }
        None => callbacks.count_out(),
    }
    if frees_next {
        callbacks.release_held();
    }
    callbacks.log.make_room(callbacks.pending());
    courier.wake(world, &mut state);
    drop((state, order));
    world.changed();
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
