//! What a comparison with another server found, by endpoint and field.

use indexmap::IndexMap;

use crate::scenario::Source;

/// How many examples of the same are kept.
const EXAMPLES_MAX: usize = 3;

/// How a field of the server's reply compares with the recorded one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Verdict {
    Equal,
    Missing,
    Additional,
    OtherType,
    OtherValue,
}

/// One field of one reply.
#[derive(Debug)]
pub(super) struct ComparedField {
    /// `status`, `reply_headers.content-type`, `reply.results.0.score`
    pub path: String,
    pub verdict: Verdict,
    /// Empty for an equal field.
    pub words: String,
}

#[derive(Debug, Default)]
pub(super) struct Findings {
    pub sent: usize,
    pub compared: usize,
    pub different: usize,
    pub endpoints: IndexMap<String, EndpointFindings>,
    /// Reasons why requests were not sent or not compared.
    pub skipped: IndexMap<String, Tally>,
    /// Why the rest was not sent.
    pub stopped: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct EndpointFindings {
    pub compared: usize,
    pub different: usize,
    pub fields: IndexMap<(String, Source), FieldFindings>,
}

#[derive(Debug, Default)]
pub(super) struct FieldFindings {
    pub equal: usize,
    pub differences: IndexMap<Verdict, Tally>,
}

#[derive(Debug, Default)]
pub(super) struct Tally {
    pub count: usize,
    pub examples: Vec<Example>,
}

#[derive(Debug)]
pub(super) struct Example {
    /// The trace of the recorded request, or the name of a request of the suite.
    pub request: String,
    pub words: String,
}

impl Tally {
    fn add(&mut self, request: &str, words: String) {
        self.count += 1;
        if self.examples.len() < EXAMPLES_MAX {
            self.examples.push(Example {
                request: request.to_owned(),
                words,
            });
        }
    }
}

impl Findings {
    pub(super) fn skip(&mut self, reason: &str, request: &str) {
        let tally = self.skipped.entry(reason.to_owned()).or_default();
        tally.add(request, String::new());
    }

    /// Skips requests without names.
    pub(super) fn skip_all(&mut self, reason: &str, count: usize) {
        if count > 0 {
            self.skipped.entry(reason.to_owned()).or_default().count += count;
        }
    }

    pub(super) fn is_equal(&self) -> bool {
        self.different == 0
    }

    /// Adds the fields of one reply, each with its label.
    pub(super) fn add(
        &mut self,
        endpoint: &str,
        request: &str,
        fields: Vec<(ComparedField, Source)>,
    ) {
        let is_different = |(field, _): &(ComparedField, Source)| field.verdict != Verdict::Equal;
        let different = usize::from(fields.iter().any(is_different));
        self.compared += 1;
        self.different += different;
        let of_endpoint = self.endpoints.entry(endpoint.to_owned()).or_default();
        of_endpoint.compared += 1;
        of_endpoint.different += different;
        for (field, source) in fields {
            let findings = of_endpoint.fields.entry((general(&field.path), source));
            let findings = findings.or_default();
            match field.verdict {
                Verdict::Equal => findings.equal += 1,
                Verdict::Missing
                | Verdict::Additional
                | Verdict::OtherType
                | Verdict::OtherValue => {
                    let tally = findings.differences.entry(field.verdict).or_default();
                    tally.add(request, field.words);
                }
            }
        }
    }
}

impl Verdict {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::Missing => "missing",
            Self::Additional => "additional",
            Self::OtherType => "other type",
            Self::OtherValue => "other value",
        }
    }
}

/// The path for all items of a list: `reply.results.*.score`.
fn general(path: &str) -> String {
    let is_place = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts = path
        .split('.')
        .map(|part| if is_place(part) { "*" } else { part });
    parts.collect::<Vec<_>>().join(".")
}
