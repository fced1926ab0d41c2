//! Answers a recorded request again, without a socket and without calling anybody.

use std::sync::Arc;

use bytes::Bytes;

use super::follow_up::{self, Release};
use super::record::{Finished, RequestForJournal, record};
use super::respond::answer;
use super::serving::Serving;
use crate::answer::{self, FollowUp};
use crate::base::Commit;
use crate::callbacks::AttemptResult;
use crate::http::{ApiError, Call};
use crate::world::KeptBody;

/// A request of a recording.
pub(crate) struct RecordedRequest {
    pub call: Call,
    /// Its head and its body as the journal kept them.
    pub head: Box<str>,
    pub body: KeptBody,
    /// How the test of a callback URL failed. None if it was accepted.
    pub failed_test: Option<String>,
}

/// Answers the request and records it in the journal of its world. Returns the body of the reply, of which the journal may
/// have only the beginning.
pub(crate) fn answer_again(serving: &Serving, request: RecordedRequest) -> Bytes {
    let RecordedRequest {
        call,
        head,
        body,
        failed_test,
    } = request;
    let (mut answered, _) = answer(serving, &call);
    let effect = std::mem::take(&mut answered.reply.effect);
    if let Some(world) = answered.world.clone() {
        match (effect, failed_test) {
            (FollowUp::None, _) => {}
            (FollowUp::Release(held), _) => drop(Release::of(&serving.control, &world, held)),
            (FollowUp::AfterCallback(seq), _) => world.state().callbacks.release(seq),
            (FollowUp::Register(registration), Some(error)) => {
                let refused = ApiError::callback_test_failed(&error, registration.former_urls);
                let catalogue = serving.control.engine.catalogue();
                answered.reply = answer::error_reply(&catalogue, None, &refused);
                let at = world.now(&world.state());
                let test = AttemptResult::failed(error);
                let test = test.into_attempt(at, "".into(), Commit::default());
                answered.decision.failed_test = Some(Arc::new(test));
            }
            (FollowUp::Register(registration), None) => {
                answered.commit =
                    follow_up::register_tested(&serving.control, &world, registration);
            }
        }
    }
    let reply = answered.reply.body.clone();
    let faults = answered.reply.faults.take();
    let finished = Finished {
        duration: std::time::Duration::ZERO,
        call: &call,
        answered,
        faults: faults.as_deref(),
    };
    let kept = RequestForJournal {
        head,
        body,
        pictures: Vec::new(),
        trace: None,
        whole: None,
    };
    record(serving, finished, kept);
    reply
}
