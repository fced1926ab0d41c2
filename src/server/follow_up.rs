//! Carries out what follows from a decided answer, before and after it is written.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::answer::{FollowUp, Registration};
use crate::callbacks::{AttemptResult, Courier};
use crate::control::Context;
use crate::http::ApiError;
use crate::world::{Attempt, WAIT, Waiting, World, log_url_test};

/// How long the receiver of a test may take.
const TEST_TIME: Duration = Duration::from_secs(10);

/// Does what must happen before the reply is written. Returns what must happen after it. Nothing waits on after
/// the sandbox has begun to stop.
pub(crate) async fn carry_out_before_reply(
    context: &Context,
    world: &Arc<World>,
    effect: FollowUp,
) -> Result<Option<Release>, FailedTest> {
    let courier = &context.courier;
    match effect {
        FollowUp::None => Ok(None),
        FollowUp::Release(held) => {
            let mut state = world.state();
            courier.wake(world, &mut state);
            drop(state);
            Ok(Some(Release {
                courier: courier.clone(),
                world: world.clone(),
                held,
            }))
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
            Ok(None)
        }
        FollowUp::Register(registration) => {
            register(context, world, registration).await?;
            Ok(None)
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
) -> Result<(), FailedTest> {
    for (callback_type, body) in &registration.types {
        let at = world.now(&world.state());
        let ping = (context.courier).ping(world, &registration.url, body.clone(), TEST_TIME);
        // The ping ends at its own time.
        let until = Instant::now() + 2 * TEST_TIME;
        let mut waiting = Waiting::in_world(until, &context.stop, world);
        let sent = waiting.result(ping).await.unwrap_or_else(|| {
            let reason = "the sandbox stopped, or the world ended, before it answered";
            AttemptResult::failed(reason.to_owned())
        });
        let attempt = sent.into_attempt(at, "".into());
        log_url_test(&world.tag, callback_type, &registration.url, &attempt);
        if let Some(error) = &attempt.error {
            let former_urls = registration.former_urls;
            return Err(FailedTest {
                error: ApiError::callback_test_failed(error, former_urls),
                attempt: Arc::new(attempt),
            });
        }
    }
    let mut state = world.state();
    let now = world.now(&state);
    for (callback_type, _) in registration.types {
        let url = registration.url.clone();
        state.callbacks.register(callback_type, url, now);
    }
    context.engine.schedule_unsent(&mut state);
    context.courier.wake(world, &mut state);
    Ok(())
}

/// Releases callbacks when it is dropped: after their reply has been written, or when the client has gone.
pub(crate) struct Release {
    courier: Arc<Courier>,
    world: Arc<World>,
    held: Vec<u64>,
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
