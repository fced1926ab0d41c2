//! What an audit found: line by line as text, as JSON, or as XML of `JUnit`.

use serde_json::{Value, json};

use super::battery::{Audit, AuditVerdict};
use super::steps::AuditStep;
use crate::base::{JunitCase, JunitReport, JunitResult, JunitSuite};

/// A step and what became of it.
pub(super) struct PlayedStep {
    pub step: &'static AuditStep,
    pub expected: String,
    /// The reason if the step was skipped.
    pub result: Result<AuditVerdict, &'static str>,
}

impl PlayedStep {
    pub(super) fn new(
        audit: &Audit,
        step: &'static AuditStep,
        result: Result<AuditVerdict, &'static str>,
    ) -> Self {
        Self {
            step,
            expected: audit.expected(step),
            result,
        }
    }

    pub(super) fn is_passed(&self) -> bool {
        self.result.as_ref().is_ok_and(|verdict| verdict.pass)
    }

    pub(super) fn is_failed(&self) -> bool {
        self.result.as_ref().is_ok_and(|verdict| !verdict.pass)
    }

    /// What the result means. A failed step has its advice, unless something else is likelier.
    fn note(&self, verdict: &AuditVerdict) -> Option<&'static str> {
        verdict.note.or((!verdict.pass).then_some(self.step.advice))
    }

    pub(super) fn line(&self) -> String {
        let AuditStep { name, sent, .. } = self.step;
        let verdict = match &self.result {
            Ok(verdict) => verdict,
            Err(reason) => return format!("skip {name}: {reason}"),
        };
        let received = &verdict.received;
        let (word, expected) = if verdict.pass {
            ("pass", String::new())
        } else {
            ("FAIL", format!("; expected {}", self.expected))
        };
        let note = self.note(verdict);
        let note = note.map_or(String::new(), |note| format!(": {note}"));
        format!("{word} {name}: sent {sent} → {received}{expected}{note}")
    }

    fn json(&self) -> Value {
        let AuditStep { name, advice, .. } = self.step;
        match &self.result {
            Ok(verdict) => json!({
                "name": name,
                "pass": verdict.pass,
                "expected": self.expected,
                "received": verdict.received,
                "note": self.note(verdict),
                "advice": advice,
            }),
            Err(reason) => json!({"name": name, "reason": reason, "advice": advice}),
        }
    }

    fn junit(&self) -> JunitCase<'_> {
        let result = match &self.result {
            Err(reason) => JunitResult::Skipped((*reason).to_owned()),
            Ok(verdict) if verdict.pass => JunitResult::Passed,
            Ok(verdict) => JunitResult::Failed {
                message: format!("received {}; expected {}", verdict.received, self.expected),
                details: self.line(),
            },
        };
        JunitCase {
            name: self.step.name,
            result,
        }
    }
}

pub(super) fn json(played: &[PlayedStep]) -> Value {
    let (tested, skipped): (Vec<_>, Vec<_>) = played.iter().partition(|one| one.result.is_ok());
    json!({
        "ok": !played.iter().any(PlayedStep::is_failed),
        "steps": tested.into_iter().map(PlayedStep::json).collect::<Vec<_>>(),
        "skipped": skipped.into_iter().map(PlayedStep::json).collect::<Vec<_>>(),
    })
}

pub(super) fn xml(callback_type: &str, played: &[PlayedStep]) -> String {
    let suite = JunitSuite {
        name: callback_type,
        cases: played.iter().map(PlayedStep::junit).collect(),
    };
    let report = JunitReport {
        name: "audit",
        names_errors: true,
        suites: vec![suite],
    };
    report.xml()
}
