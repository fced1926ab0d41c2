//! Runs a world's outbox: waits, sends and retries.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::{HeaderMap, StatusCode};
use tokio::sync::watch;
use tokio::time::Instant;

use super::courier::{Courier, RECEIVER_TIME};
use super::egress::AttemptResult;
use crate::base::{self, Panicked, ReceiverUrl, Stamp, contained_async};
use crate::world::{Attempt, DeliveryState, State, World};

/// How long a world's queue pauses after a panic. A panic that repeats must not use up a core.
const PANIC_PAUSE: Duration = Duration::from_secs(1);

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
                    callbacks.in_flight += 1;
                    let resets = world.resets(); // taken before the lock is released
                    tokio::spawn(attempt_unless_stopped(
                        courier.clone(),
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
                let cancelled = state.callbacks.cancel("the sandbox stopped");
                state.callbacks.runs = false;
                if !cancelled.is_empty() {
                    tracing::info!("{} pending callbacks were cancelled", cancelled.len());
                }
                return;
            }
        }
    }
}

/// One attempt. It is given up when the sandbox stops, when the world is reset, or when it panics. Its
/// connection is closed before it stops counting as in flight.
pub(super) async fn attempt_unless_stopped(
    courier: Arc<Courier>,
    world: Arc<World>,
    seq: u64,
    mut resets: watch::Receiver<u64>,
) {
    let mut stopping = courier.stopping.subscribe();
    // Every attempt must be counted out exactly once. One that stays counted in would make others wait for
    // ever.
    let mut settled = false;
    let (ended, reason) = {
        let trying = pin!(attempt(&courier, &world, seq, &mut settled));
        tokio::select! {
            biased; // a cancelled attempt is not tried again
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
        state.callbacks.count_out();
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

/// One attempt, from waiting for its turn to deciding what comes next.
async fn attempt(courier: &Arc<Courier>, world: &Arc<World>, seq: u64, settled: &mut bool) {
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
        let mut state = world.state(); // the log has dropped its entry
        *settled = true;
        state.callbacks.in_flight -= 1;
        state.callbacks.count_out();
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
    courier.panics.reached("attempt");
    let sent = courier
        .egress
        .send(&delivery.url, headers, delivery.body.clone(), RECEIVER_TIME)
        .await;
    *settled = true;
    record_attempt(courier, world, seq, at, request_head, sent);
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
    let mut state = world.state();
    let now = world.now(&state);
    let callbacks = &mut state.callbacks;
    callbacks.in_flight -= 1;
    let mut again = None;
    let mut frees_next = false;
    let succeeded = sent.succeeded();
    let ends_attempts = courier.signing && sent.status == Some(StatusCode::GONE);
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
        } else if ends_attempts {
            delivery.reason = Some(GONE.to_owned());
            DeliveryState::Failed
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
    drop(state);
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
