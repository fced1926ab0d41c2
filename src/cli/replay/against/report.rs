//! What a comparison with another server found, as text and as JSON.

use serde_json::{Value, json};
use strum::VariantArray;

use super::findings::{EndpointFindings, FieldFindings, Findings, Tally, Verdict};
use crate::scenario::Source;

const VERDICTS: [Verdict; 4] = [
    Verdict::Missing,
    Verdict::Additional,
    Verdict::OtherType,
    Verdict::OtherValue,
];

/// Differences in what is documented come first.
pub(super) fn text(url: &str, findings: &Findings) -> String {
    let mut lines = vec![format!(
        "{url}: {} sent, {} compared, {} different",
        counted(findings.sent, "request"),
        findings.compared,
        findings.different
    )];
    for source in Source::VARIANTS {
        let mut differences = differences(findings, *source).peekable();
        if differences.peek().is_none() {
            continue;
        }
        lines.push(String::new());
        lines.push(format!("{}:", heading(*source)));
        lines.extend(differences.map(|one| one.line()));
    }
    if !findings.endpoints.is_empty() {
        lines.push(String::new());
        lines.push("Equal fields:".to_owned());
        lines.extend(findings.endpoints.iter().map(equal_fields));
    }
    if !findings.skipped.is_empty() {
        lines.push(String::new());
        lines.push("Skipped:".to_owned());
        let skipped = findings.skipped.iter();
        lines.extend(skipped.map(|(reason, tally)| {
            let requests = counted(tally.count, "request");
            if tally.examples.is_empty() {
                return format!("  {requests}: {reason}");
            }
            format!("  {requests}: {reason} ({})", requests_of(tally))
        }));
    }
    lines.join("\n") + "\n"
}

fn heading(source: Source) -> &'static str {
    match source {
        Source::Documented => "Documented, and the API behaves differently",
        Source::Observed => "Observed before, and the API behaves differently",
        Source::Inferred => "Inferred, and the API behaves differently",
        Source::Decided => "Decided by the sandbox, and the API behaves differently",
    }
}

/// The same difference of a field in several replies.
struct Difference<'f> {
    endpoint: &'f str,
    path: &'f str,
    verdict: Verdict,
    tally: &'f Tally,
}

/// All differences with this label.
fn differences(findings: &Findings, source: Source) -> impl Iterator<Item = Difference<'_>> {
    let endpoints = findings.endpoints.iter();
    endpoints.flat_map(move |(endpoint, found)| {
        let fields = found.fields.iter();
        let labelled = fields.filter(move |((_, label), _)| *label == source);
        labelled.flat_map(move |((path, _), field)| {
            VERDICTS.iter().filter_map(move |verdict| {
                Some(Difference {
                    endpoint,
                    path,
                    verdict: *verdict,
                    tally: field.differences.get(verdict)?,
                })
            })
        })
    })
}

impl Difference<'_> {
    fn line(&self) -> String {
        let Self {
            endpoint,
            path,
            verdict,
            tally,
        } = self;
        format!(
            "  {endpoint}: `{path}` {}, {}: {}",
            verdict.name(),
            replies(tally.count),
            words(tally)
        )
    }
}

/// Different words with their requests.
fn words(tally: &Tally) -> String {
    let same = tally.examples.chunk_by(|one, next| one.words == next.words);
    let groups = same.map(|group| {
        let requests = group.iter().map(|example| example.request.as_str());
        let requests = requests.collect::<Vec<_>>().join(", ");
        format!("{} ({requests})", group[0].words)
    });
    let groups = groups.collect::<Vec<_>>().join("; ");
    match tally.count.saturating_sub(tally.examples.len()) {
        0 => groups,
        more => format!("{groups} and {more} more"),
    }
}

fn replies(count: usize) -> String {
    match count {
        1 => "1 reply".to_owned(),
        count => format!("{count} replies"),
    }
}

fn equal_fields((endpoint, found): (&String, &EndpointFindings)) -> String {
    let is_equal = |field: &&FieldFindings| field.differences.is_empty();
    let equal = found.fields.values().filter(is_equal).count();
    let (all, replies) = (found.fields.len(), replies(found.compared));
    format!("  {endpoint}: {equal} of {all} in {replies}")
}

fn requests_of(tally: &Tally) -> String {
    let examples = tally
        .examples
        .iter()
        .map(|example| example.request.as_str());
    let shown = examples.collect::<Vec<_>>().join(", ");
    match tally.count.saturating_sub(tally.examples.len()) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}

pub(super) fn json(url: &str, findings: &Findings) -> Value {
    let endpoints = findings.endpoints.iter().map(|(id, found)| {
        let fields = found.fields.iter().map(field_json);
        json!({
            "endpoint": id,
            "replies": {"compared": found.compared, "different": found.different},
            "fields": fields.collect::<Vec<_>>(),
        })
    });
    let found = Source::VARIANTS.iter().flat_map(|source| {
        differences(findings, *source).map(move |one| {
            json!({
                "source": source,
                "endpoint": one.endpoint,
                "path": one.path,
                "difference": one.verdict.name(),
                "count": one.tally.count,
                "examples": examples(one.tally),
            })
        })
    });
    let skipped = findings.skipped.iter().map(|(reason, tally)| {
        let examples = tally.examples.iter().map(|example| &example.request);
        json!({"reason": reason, "count": tally.count, "examples": examples.collect::<Vec<_>>()})
    });
    json!({
        "against": url,
        "equal": findings.is_equal() && findings.compared > 0 && findings.stopped.is_none(),
        "requests": {
            "sent": findings.sent,
            "compared": findings.compared,
            "different": findings.different,
        },
        "differences": found.collect::<Vec<_>>(),
        "endpoints": endpoints.collect::<Vec<_>>(),
        "skipped": skipped.collect::<Vec<_>>(),
        "stopped": findings.stopped,
    })
}

fn field_json(((path, source), field): (&(String, Source), &FieldFindings)) -> Value {
    let count = |verdict| {
        field
            .differences
            .get(&verdict)
            .map_or(0, |tally| tally.count)
    };
    json!({
        "path": path,
        "source": source,
        "equal": field.equal,
        "missing": count(Verdict::Missing),
        "additional": count(Verdict::Additional),
        "other_type": count(Verdict::OtherType),
        "other_value": count(Verdict::OtherValue),
    })
}

fn examples(tally: &Tally) -> Vec<Value> {
    let examples = tally.examples.iter();
    examples
        .map(|example| json!({"request": example.request, "words": example.words}))
        .collect()
}

/// The words of all differences of a field, for a failed test case.
pub(super) fn failure(field: &FieldFindings) -> Option<String> {
    let differences = VERDICTS.iter().filter_map(|verdict| {
        let tally = field.differences.get(verdict)?;
        Some(format!("{}: {}", verdict.name(), words(tally)))
    });
    let all = differences.collect::<Vec<_>>().join("; ");
    (!all.is_empty()).then_some(all)
}

/// The first difference of a field, in one line.
pub(super) fn words_of_first(field: &FieldFindings) -> String {
    let first = field.differences.first();
    let example = first.and_then(|(_, tally)| tally.examples.first());
    example.map_or_else(String::new, |example| example.words.clone())
}
