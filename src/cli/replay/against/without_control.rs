//! A server without a control API repeats no steps of time, queue and faults. This finds the requests whose recorded
//! replies depend on such steps.

use std::collections::{HashMap, HashSet, VecDeque};

use serde_json::Value;

use super::plan::ControlStep;
use super::planned_request::PlannedRequest;

const TIME: &str = "their reply depends on a step of the clock, and only a sandbox repeats it";
const QUEUE: &str = "their outcome was queued, and only a sandbox repeats that";
const FAULTS: &str = "a fault broke their reply, and only a sandbox repeats that";

const RESET: &str = "they read a record from before a reset, and only a sandbox repeats that";

/// The state that control calls gave the recorded world.
#[derive(Default)]
pub(super) struct WithoutControl<'p> {
    /// The queued outcomes by endpoint, those for reads apart.
    queues: HashMap<(String, bool), VecDeque<String>>,
    /// The latest reply of each record, and the steps of the clock until then.
    replies: HashMap<&'p str, (&'p Value, usize)>,
    clock_steps: usize,
    /// Whether faults of the world were set. They may limit the rate.
    has_faults: bool,
    moved: HashSet<&'p str>,
    /// Records from before a reset.
    forgotten: HashSet<&'p str>,
}

impl<'p> WithoutControl<'p> {
    /// Notes a control call, which is not sent.
    pub(super) fn control(&mut self, step: &ControlStep) {
        match step.name() {
            "clock" | "clock/advance" => self.clock_steps += 1,
            "faults" => self.has_faults = step.method == hyper::Method::PUT,
            "next" if step.method == hyper::Method::POST => self.queue(&step.body),
            "next" => match step.path.split_once("endpoint=") {
                None => self.queues.clear(),
                Some((_, endpoint)) => self.queues.retain(|(id, _), _| id != endpoint),
            },
            "reset" | "snapshot" => {
                self.queues.clear();
                self.has_faults = false;
                let known = self.replies.drain().map(|(id, _)| id);
                self.forgotten.extend(known);
            }
            _ => {}
        }
    }

    fn queue(&mut self, body: &Value) {
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let reads = body["reads"] == true;
        let times = body["times"].as_u64().unwrap_or(1);
        let times = usize::try_from(times).unwrap_or(usize::MAX).min(10_000);
        let queue = self.queues.entry((text("endpoint"), reads)).or_default();
        queue.extend(std::iter::repeat_n(text("outcome"), times));
    }

    /// Why the request is not sent. None if its reply depends on no control call.
    pub(super) fn reason(&mut self, request: &'p PlannedRequest) -> Option<&'static str> {
        if self.takes_queued(request) {
            return Some(QUEUE);
        }
        let is_limited = self.has_faults && request.recorded.status == 429 && !request.has_magic();
        if request.has_fault || is_limited {
            return Some(FAULTS);
        }
        if let Some(id) = &request.reads {
            if self.forgotten.contains(&**id) && !request.reads_known {
                return Some(RESET);
            }
            if self.is_moved(id, request) {
                return Some(TIME);
            }
        }
        if let Some(id) = request.record() {
            let reply = (&request.recorded.body, self.clock_steps);
            self.replies.insert(id, reply);
        }
        None
    }

    fn takes_queued(&mut self, request: &PlannedRequest) -> bool {
        if request.has_magic() {
            return false;
        }
        let name = request
            .outcome
            .as_ref()
            .and_then(|outcome| outcome.rsplit('/').next());
        let calls = (request.place.clone(), request.reads.is_some());
        let Some(queue) = self.queues.get_mut(&calls) else {
            return false;
        };
        if queue.front().map(String::as_str) != name {
            return false;
        }
        queue.pop_front().is_some()
    }

    /// Whether the clock was moved between two different replies of a record.
    fn is_moved(&mut self, id: &'p str, request: &'p PlannedRequest) -> bool {
        let last = self.replies.get(id);
        let has_changed = last.is_some_and(|(reply, steps)| {
            *steps < self.clock_steps && **reply != request.recorded.body
        });
        if has_changed {
            self.moved.insert(id);
        }
        self.moved.contains(id)
    }
}
