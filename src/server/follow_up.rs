//! Carries out what follows from a decided answer, before and after it is written.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::answer::{FollowUp, Registration};
use crate::base::Commit;
use crate::callbacks::{AttemptResult, Courier};
use crate::control::Context;
use crate::http::ApiError;
use crate::world::{Attempt, WAIT, Waiting, World, log_url_test};

/// How long the receiver of a test may take.
const TEST_TIME: Duration = Duration::from_secs(10);

/// What was done before a reply is written.
#[derive(Default)]
pub(crate) struct CarriedOut {
    /// What must happen after it.
    pub release: Option<Release>,
    /// The place of the request in the order of its world, if it changed the world only now.
    pub commit: Option<Commit>,
}

/// Does what must happen before the reply is written. Nothing waits on after the sandbox has begun to stop.
pub(crate) async fn carry_out_before_reply(
    context: &Context,
    world: &Arc<World>,
    effect: FollowUp,
) -> Result<CarriedOut, FailedTest> {
    let courier = &context.courier;
    match effect {
        FollowUp::None => Ok(CarriedOut::default()),
        FollowUp::Release(held) => {
            let mut state = world.state();
            courier.wake(world, &mut state);
            drop(state);
            Ok(CarriedOut {
                release: Some(Release::of(context, world, held)),
                commit: None,
            })
        }
        FollowUp::AfterCallback(seq) => {
            let mut changes = world.changes();
            {
                let mut state = world.state();
                state.callbacks.release(seq);
                courier.wake(world, &mut state);
            }
            let answered = async {
                loop {
                    let tried = {
                        let state = world.state();
                        let delivery = state.callbacks.log.get(seq);
                        delivery.is_none_or(|delivery| {
                            !delivery.attempts.is_empty() || !delivery.state.is_pending()
                        })
                    };
                    if tried || changes.changed().await.is_err() {
                        return;
                    }
                }
            };
            let mut waiting = Waiting::in_world(Instant::now() + WAIT, &context.stop, world);
            waiting.result(answered).await;
            Ok(CarriedOut::default())
        }
        FollowUp::Register(registration) => {
            let commit = register(context, world, registration).await?;
            Ok(CarriedOut {
                release: None,
                commit: Some(commit),
            })
        }
    }
}

/// The test of a callback URL failed, so the URL is not registered.
pub(crate) struct FailedTest {
    pub error: ApiError,
    pub attempt: Arc<Attempt>,
}

/// Sends the test of each type. The URL is registered only if the receiver accepts all of them.
async fn register(
    context: &Context,
    world: &Arc<World>,
    registration: Registration,
) -> Result<Commit, FailedTest> {
    for (callback_type, body) in &registration.types {
        let at = world.now(&world.state());
        let (url, trace) = (&registration.url, registration.trace.as_deref());
        let ping = context
            .courier
            .ping(world, url, trace, body.clone(), TEST_TIME);
        // The ping ends at its own time.
        let until = Instant::now() + 2 * TEST_TIME;
        let mut waiting = Waiting::in_world(until, &context.stop, world);
        let sent = waiting.result(ping).await.unwrap_or_else(|| {
            let reason = "the sandbox stopped, or the world ended, before it answered";
            AttemptResult::failed(reason.to_owned())
        });
        let attempt = sent.into_attempt(at, "".into(), Commit::default());
        log_url_test(&world.tag, callback_type, url, trace, &attempt);
        if let Some(error) = &attempt.error {
            let former_urls = registration.former_urls;
            return Err(FailedTest {
                error: ApiError::callback_test_failed(error, former_urls),
                attempt: Arc::new(attempt),
            });
        }
    }
    Ok(register_tested(context, world, registration))
}

/// Registers a URL that its receiver has accepted.
pub(super) fn register_tested(
    context: &Context,
    world: &Arc<World>,
    registration: Registration,
) -> Commit {
    let order = world.commit(Instant::now());
    let mut state = world.state();
    let now = world.now(&state);
    for (callback_type, _) in registration.types {
        let url = registration.url.clone();
        state.callbacks.register(callback_type, url, now);
    }
    context.engine.schedule_unsent(&mut state);
    context.courier.wake(world, &mut state);
    order.commit
}

/// Releases callbacks when it is dropped: after their reply has been written, or when the client has gone.
pub(crate) struct Release {
    courier: Arc<Courier>,
    world: Arc<World>,
    held: Vec<u64>,
}

impl Release {
    pub(super) fn of(context: &Context, world: &Arc<World>, held: Vec<u64>) -> Self {
        Self {
            courier: context.courier.clone(),
            world: world.clone(),
            held,
        }
    }
}

impl Drop for Release {
    fn drop(&mut self) {
        if self.held.is_empty() {
            return;
        }
        let mut state = self.world.state();
        for seq in &self.held {
            state.callbacks.release(*seq);
        }
        self.courier.wake(&self.world, &mut state);
    }
}
