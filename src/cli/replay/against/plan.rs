//! The steps of a recorded world, as they are to be taken on another server.

use hyper::Method;
use serde_json::Value;

use super::findings::Findings;
use super::planned_request::PlannedRequest;
use crate::catalogue::Catalogue;
use crate::cli::replay::recording::{EventKind, RecordedWorld};

#[derive(Debug)]
pub(super) enum Step {
    Ask(Box<PlannedRequest>),
    Control(ControlStep),
}

impl Step {
    /// Whether it is a request to this endpoint, or to this method and path without one.
    pub(super) fn is_at(&self, place: &str) -> bool {
        match self {
            Self::Ask(request) => request.place == place,
            Self::Control(_) => false,
        }
    }
}

/// A control call that changed the recorded world.
#[derive(Debug)]
pub(super) struct ControlStep {
    pub method: Method,
    /// `/__sandbox/next`
    pub path: String,
    pub body: Value,
    pub has_whole_body: bool,
}

/// The steps of all lives of a world in their order. What cannot be sent is in the findings.
pub(super) fn steps(
    catalogue: &Catalogue,
    lives: &[&RecordedWorld],
    findings: &mut Findings,
) -> Vec<Step> {
    let mut steps = Vec::new();
    for world in lives {
        if !steps.is_empty() {
            steps.push(Step::Control(ControlStep::reset()));
        }
        add_life(catalogue, world, &mut steps, findings);
    }
    steps
}

fn add_life(
    catalogue: &Catalogue,
    world: &RecordedWorld,
    steps: &mut Vec<Step>,
    findings: &mut Findings,
) {
    for event in &world.events {
        match &event.kind {
            EventKind::Exchange(line) => {
                let line = line.json();
                match PlannedRequest::of(catalogue, &line) {
                    Ok(request) => steps.push(Step::Ask(Box::new(request))),
                    Err(reason) => {
                        let trace = line["trace"].as_str().unwrap_or_default();
                        findings.skip(&reason, trace);
                    }
                }
            }
            EventKind::Control(line) => steps.extend(control_step(&line.json()).map(Step::Control)),
            EventKind::Attempt(..) => {} // the target sends no callback of this replay
        }
    }
}

fn control_step(line: &Value) -> Option<ControlStep> {
    Some(ControlStep {
        method: line["method"].as_str()?.parse().ok()?,
        path: line["path"].as_str()?.to_owned(),
        body: line["body"].clone(),
        has_whole_body: line["body_is_kept"] != false,
    })
}

impl ControlStep {
    /// The beginning of another life.
    fn reset() -> Self {
        Self {
            method: Method::POST,
            path: "/__sandbox/reset".to_owned(),
            body: Value::Null,
            has_whole_body: true,
        }
    }

    /// The call without `/__sandbox/` and its query.
    pub(super) fn name(&self) -> &str {
        let path = self.path.trim_start_matches("/__sandbox/");
        path.split('?').next().unwrap_or_default()
    }

    /// Why it is not sent to a sandbox either.
    pub(super) fn refusal(&self) -> Option<&'static str> {
        if !self.has_whole_body {
            return Some("the recording does not have all of a control call's body");
        }
        let urls = self.body["callback_urls"].as_array();
        match self.name() {
            "clock" | "clock/advance" | "faults" | "next" | "reset" => None,
            "snapshot" if urls.is_some_and(Vec::is_empty) => None,
            "snapshot" => Some("a snapshot registers callback URLs"),
            _ => Some("a control call registers a callback URL or sends a callback"),
        }
    }
}
