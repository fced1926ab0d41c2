//! What a replay found, as text and as JSON.

use serde_json::{Value, json};

use super::comparison::{Comparison, Group, GroupKey};
use super::recording::Recording;
use crate::base::{JunitCase, JunitReport, JunitResult, JunitSuite};

pub(super) fn text(runs: &[Recording], comparison: &Comparison) -> String {
    let mut lines = vec![format!(
        "{} replayed, {} different; {} compared, {} different",
        counted(comparison.compared, "request"),
        comparison.different,
        counted(comparison.callbacks, "callback"),
        comparison.different_callbacks,
    )];
    for (key, group) in &comparison.groups {
        lines.push(difference(key, group));
    }
    for (reason, group) in &comparison.skipped {
        lines.push(format!(
            "skipped {}: {reason} ({})",
            counted(group.count, "request"),
            traces(group)
        ));
    }
    let strangers = strangers(runs);
    if strangers > 0 {
        lines.push(format!(
            "skipped {}: they belong to no world",
            counted(strangers, "request")
        ));
    }
    let others = runs.iter().filter_map(|run| run.unread.as_ref());
    let others: usize = others.map(|unread| unread.others).sum();
    if others > 0 {
        lines.push(format!(
            "skipped {}: they do not concern the API",
            counted(others, "request")
        ));
    }
    lines.join("\n") + "\n"
}

/// A test case for each kind of difference, and one for each reason why requests were skipped.
pub(super) fn junit(comparison: &Comparison) -> String {
    let equal = comparison.compared - comparison.different;
    let equal = format!("{equal} equal replies");
    let names: Vec<_> = (comparison.groups.keys())
        .map(|key| format!("{} {}", key.what, key.path))
        .collect();
    let mut cases = vec![JunitCase {
        name: &equal,
        result: JunitResult::Passed,
    }];
    cases.extend(
        names
            .iter()
            .zip(&comparison.groups)
            .map(|(name, (key, group))| JunitCase {
                name,
                result: JunitResult::Failed {
                    message: key.words.clone(),
                    details: difference(key, group),
                },
            }),
    );
    let skipped = comparison.skipped.iter();
    cases.extend(skipped.map(|(reason, group)| JunitCase {
        name: reason,
        result: JunitResult::Skipped(counted(group.count, "request")),
    }));
    let report = JunitReport {
        name: "replay",
        names_errors: true,
        suites: vec![JunitSuite {
            name: "replay",
            cases,
        }],
    };
    report.xml()
}

fn difference(key: &GroupKey, group: &Group) -> String {
    let GroupKey { what, path, words } = key;
    let plural = match *what {
        "reply" if group.count > 1 => "replies".to_owned(),
        _ if group.count > 1 => format!("{what}s"),
        _ => (*what).to_owned(),
    };
    let place = if path.is_empty() {
        String::new()
    } else {
        format!("`{path}` ")
    };
    format!(
        "{} {plural}: {place}{words} ({})",
        group.count,
        traces(group)
    )
}

fn traces(group: &Group) -> String {
    let more = group.count.saturating_sub(group.traces.len());
    let shown = group.traces.join(", ");
    if more > 0 {
        format!("{shown} and {more} more")
    } else {
        shown
    }
}

fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}

pub(super) fn json(runs: &[Recording], comparison: &Comparison) -> Value {
    let groups = comparison.groups.iter().map(|(key, group)| {
        json!({
            "what": key.what,
            "path": key.path,
            "difference": key.words,
            "count": group.count,
            "examples": group.traces,
        })
    });
    let skipped = comparison.skipped.iter().map(
        |(reason, group)| json!({"reason": reason, "count": group.count, "examples": group.traces}),
    );
    json!({
        "equal": comparison.is_equal(),
        "recorded_by": runs.iter().map(|run| &run.head.sandbox).collect::<Vec<_>>(),
        "requests": {"replayed": comparison.compared, "different": comparison.different},
        "callbacks": {"compared": comparison.callbacks, "different": comparison.different_callbacks},
        "differences": groups.collect::<Vec<_>>(),
        "skipped": skipped.collect::<Vec<_>>(),
        "without_world": strangers(runs),
    })
}

/// How many requests belong to no world.
fn strangers(runs: &[Recording]) -> usize {
    runs.iter().map(|run| run.strangers).sum()
}
