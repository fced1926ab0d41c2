//! A coverage report as `JUnit` XML: a suite for each part, a test case for each item.

use super::report::{Coverage, Part};
use crate::base::{JunitCase, JunitReport, JunitResult, JunitSuite};

/// A check of a gate, and why it has failed.
pub(crate) struct GateCheck {
    /// The flag or the parameter.
    pub name: String,
    pub failure: Option<String>,
}

impl Coverage {
    /// Checks that at least `min` percent is covered. `flag` requires it.
    pub(crate) fn check_min(&self, min: u8, flag: &str) -> GateCheck {
        let failure = (!self.reaches(min)).then(|| {
            format!(
                "the coverage is {} % ({} of {}), less than the {min} % that {flag} requires",
                self.percent, self.exercised, self.total
            )
        });
        GateCheck {
            name: format!("{flag} {min}"),
            failure,
        }
    }

    /// Items that were not requested are skipped test cases. A failed check is a failed one.
    pub(crate) fn junit(&self, checks: &[GateCheck]) -> String {
        let mut suites: Vec<_> = self.parts().map(suite).collect();
        if !checks.is_empty() {
            suites.push(JunitSuite {
                name: "gate",
                cases: checks.iter().map(GateCheck::case).collect(),
            });
        }
        let report = JunitReport {
            name: "coverage",
            names_errors: false,
            suites,
        };
        report.xml()
    }
}

impl GateCheck {
    fn case(&self) -> JunitCase<'_> {
        let failed = |message: &String| JunitResult::Failed {
            message: message.clone(),
            details: String::new(),
        };
        JunitCase {
            name: &self.name,
            result: self.failure.as_ref().map_or(JunitResult::Passed, failed),
        }
    }
}

fn suite(part: &Part) -> JunitSuite<'_> {
    let exercised = part.exercised.iter().map(|done| JunitCase {
        name: &done.name,
        result: JunitResult::Passed,
    });
    let missed = part.missed.iter().map(|missed| JunitCase {
        name: &missed.name,
        result: JunitResult::Skipped(format!("not requested: {}", missed.curl)),
    });
    JunitSuite {
        name: &part.name,
        cases: exercised.chain(missed).collect(),
    }
}
