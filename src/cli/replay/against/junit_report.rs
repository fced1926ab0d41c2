//! What a comparison with another server found, as `JUnit` XML: a suite for each endpoint, a test case for each field.

use super::findings::Findings;
use super::report::{failure, words_of_first};
use crate::base::{JunitCase, JunitReport, JunitResult, JunitSuite};

pub(super) fn junit(findings: &Findings) -> String {
    let endpoints = findings.endpoints.iter();
    let names: Vec<Vec<_>> = endpoints
        .map(|(_, found)| {
            let fields = found.fields.keys();
            fields
                .map(|(path, source)| format!("{path} ({})", source.name()))
                .collect()
        })
        .collect();
    let mut suites: Vec<_> = names
        .iter()
        .zip(&findings.endpoints)
        .map(|(names, (endpoint, found))| {
            let cases = names.iter().zip(found.fields.values());
            let cases = cases.map(|(name, field)| JunitCase {
                name,
                result: match failure(field) {
                    None => JunitResult::Passed,
                    Some(details) => JunitResult::Failed {
                        message: words_of_first(field),
                        details,
                    },
                },
            });
            JunitSuite {
                name: endpoint,
                cases: cases.collect(),
            }
        })
        .collect();
    suites.extend(unsent(findings));
    let report = JunitReport {
        name: "replay",
        names_errors: true,
        suites,
    };
    report.xml()
}

/// The requests that were not sent. None if all were.
fn unsent(findings: &Findings) -> Option<JunitSuite<'_>> {
    let skipped = findings.skipped.iter();
    let mut cases: Vec<_> = skipped
        .map(|(reason, tally)| JunitCase {
            name: reason,
            result: JunitResult::Skipped(format!("requests: {}", tally.count)),
        })
        .collect();
    cases.extend(findings.stopped.as_ref().map(|stopped| JunitCase {
        name: "the rest",
        result: JunitResult::Failed {
            message: "nothing more was sent".to_owned(),
            details: stopped.clone(),
        },
    }));
    (!cases.is_empty()).then_some(JunitSuite {
        name: "not sent",
        cases,
    })
}
