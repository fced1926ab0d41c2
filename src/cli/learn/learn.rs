//! Decides what is new in observed replies.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::file::Files;
use super::holes::Holes;
use super::likeness::{Difference, DifferenceKind, Scope};
use super::observed::Observed;
use super::outcome_name::{base_name, free_name};
use super::outcome_text::{NewAnswer, NewOutcome};
use super::report::{Known, Report};
use super::vocabulary::{Vocabulary, is_code_word};
use crate::catalogue::{Answer, Catalogue, Endpoint, Outcome, Template};
use crate::cli::progress::Progress;

/// The fields of an error of the API.
const OF_ERROR: [&str; 3] = ["error_code", "message", "errors"];

/// Learns from replies: compares them with the outcomes of the shipped scenario files and of those in `files`, and
/// adds outcomes for replies that none of them gives. An error is a sentence.
pub(super) fn learn(observed: &[Observed], files: Files) -> Result<(Files, Report), String> {
    let shipped = Catalogue::load(&[], None).map_err(|errors| errors.to_string())?;
    let mut learner = Learner {
        vocabulary: Vocabulary::of(&shipped),
        files,
        report: Report::default(),
    };
    let progress = Progress::start();
    for (at, one) in observed.iter().enumerate() {
        progress.set(|| format!("reply {} of {}", at + 1, observed.len()));
        if let Err(reason) = learner.take(one) {
            learner.report.skip(&reason, &one.place);
        }
    }
    Ok((learner.files, learner.report))
}

struct Learner {
    vocabulary: Vocabulary,
    files: Files,
    report: Report,
}

impl Learner {
    /// The error is the reason why nothing is learned from the reply.
    fn take(&mut self, observed: &Observed) -> Result<(), String> {
        let Some(endpoint) = self.files.catalogue.endpoint(&observed.endpoint) else {
            return Err("their endpoint is not in the folder".to_owned());
        };
        let scope = Scope {
            catalogue: &self.files.catalogue,
            vocabulary: &self.vocabulary,
            endpoint,
            input: observed.input.as_ref(),
        };
        let mut texts = HashSet::new();
        self.vocabulary.words_in(&observed.reply, &mut texts);
        for value in observed.input.iter().flat_map(Map::values) {
            self.vocabulary.words_in(value, &mut texts);
        }
        let reply = with_plain_names(&self.vocabulary, &texts, &observed.reply);
        let finding = match error_code(observed) {
            Some(code) => of_error(scope, observed, &reply, code),
            None => of_body(scope, observed, &reply),
        };
        if let Some(known) = finding.known {
            self.report.compare(&known, &finding.differences, observed);
        }
        let Some(outcome) = finding.new else {
            self.report.known += 1;
            return Ok(());
        };
        if !self.files.add(&observed.endpoint, &outcome)? {
            self.report.known += 1;
            return Ok(());
        }
        let path = self.files.path_of(&observed.endpoint);
        self.report.learn(observed, &outcome.name, path);
        Ok(())
    }
}

/// What a reply is to the outcomes of its endpoint.
struct Finding {
    /// The outcome that it was compared with.
    known: Option<Known>,
    differences: Vec<Difference>,
    new: Option<NewOutcome>,
}

fn of_error(scope: Scope<'_>, observed: &Observed, reply: &Value, code: &str) -> Finding {
    let known = scope
        .endpoint
        .outcomes
        .values()
        .find(|outcome| match &outcome.answer {
            Answer::Error { code: known, .. } => known == code,
            Answer::Body { .. } | Answer::Sequence { .. } | Answer::Weighted(_) => false,
        });
    if let Some(outcome) = known {
        return Finding {
            differences: error_differences(outcome, observed.status, reply),
            known: Some(Known::of(scope.endpoint, outcome)),
            new: None,
        };
    }
    let is_taken = |name: &str| is_taken(scope.endpoint, name);
    let new = NewOutcome {
        name: free_name(code, &[], is_taken),
        status: Some(observed.status),
        is_pending: false,
        has_callback: None,
        answer: NewAnswer::Error {
            code: code.to_owned(),
            // The message of the API may name a person.
            message: stand_in_message(code),
        },
        ..described(observed)
    };
    Finding {
        known: None,
        differences: Vec::new(),
        new: Some(new),
    }
}

fn of_body(scope: Scope<'_>, observed: &Observed, reply: &Value) -> Finding {
    let candidates: Vec<_> = candidates(scope.endpoint, observed.status);
    let named = observed.magic.as_deref().map(|magic| {
        let aliases = &scope.endpoint.aliases;
        aliases.get(magic).map_or(magic, String::as_str)
    });
    let compared = candidates.iter().map(|(outcome, template)| {
        let differences = scope.differences(template, reply);
        (*outcome, *template, differences)
    });
    let mut compared: Vec<_> = compared.collect();
    if let Some((outcome, _, _)) = compared.iter().find(|(.., found)| found.is_empty()) {
        return Finding {
            known: Some(Known::of(scope.endpoint, outcome)),
            differences: Vec::new(),
            new: None,
        };
    }
    let base = match named {
        Some(named) if !scope.endpoint.outcomes.contains_key(named) => named.to_owned(),
        Some(named) if compared.iter().any(|(one, ..)| one.name == named) => named.to_owned(),
        Some(_) | None => base_name(scope, observed),
    };
    compared.sort_by_key(|(outcome, _, found)| (outcome.name != base, found.len()));
    let nearest = compared
        .first()
        .filter(|(outcome, template, _)| outcome.name == base || has_same_status(template, reply));
    let differences = nearest.map_or(Vec::new(), |(.., found)| found.clone());
    let templates: Vec<_> = (with_body(scope.endpoint))
        .map(|(_, template)| template)
        .collect();
    let near = nearest.map(|(_, template, _)| *template);
    let body = Holes::new(scope, reply).body(reply, near, &templates);
    let is_taken = |name: &str| is_taken(scope.endpoint, name);
    let has_type = scope.endpoint.callback_type.is_some();
    let is_pending = is_pending(scope.endpoint, reply);
    let calls_back = nearest.is_some_and(|(outcome, ..)| outcome.callback.is_some());
    Finding {
        new: Some(NewOutcome {
            name: free_name(&base, &differences, is_taken),
            status: (observed.status != 200).then_some(observed.status),
            is_pending,
            has_callback: (has_type && !is_pending).then_some(calls_back),
            answer: NewAnswer::Body(body),
            ..described(observed)
        }),
        known: nearest.map(|(outcome, ..)| Known::of(scope.endpoint, outcome)),
        differences,
    }
}

/// The outcomes with a body and this status.
fn candidates(endpoint: &Endpoint, status: u16) -> Vec<(&Outcome, &Template)> {
    with_body(endpoint)
        .filter(|(outcome, _)| outcome.status == status)
        .collect()
}

fn with_body(endpoint: &Endpoint) -> impl Iterator<Item = (&Outcome, &Template)> {
    let outcomes = endpoint.outcomes.values().map(|outcome| &**outcome);
    outcomes.filter_map(|outcome| Some((outcome, outcome.plan()?.0.template())))
}

fn described(observed: &Observed) -> NewOutcome {
    let (what, source) = if observed.is_of_sandbox {
        ("Answered by a sandbox on", "decided")
    } else {
        ("Observed on", "observed")
    };
    NewOutcome {
        name: String::new(),
        description: format!("{what} {}.", observed.date),
        source,
        status: None,
        is_pending: false,
        has_callback: None,
        answer: NewAnswer::Body(Value::Null),
    }
}

fn is_taken(endpoint: &Endpoint, name: &str) -> bool {
    endpoint.outcomes.contains_key(name) || endpoint.aliases.contains_key(name)
}

fn has_same_status(template: &Template, reply: &Value) -> bool {
    let Template::Object(entries) = template else {
        return false;
    };
    let mut entries = entries.iter();
    entries.any(|(name, known)| {
        name == "status" && matches!(known, Template::Scalar(known) if *known == reply["status"])
    })
}

/// A record that is not finished has equal times, unless the endpoint writes equal times always.
fn is_pending(endpoint: &Endpoint, reply: &Value) -> bool {
    let creation = endpoint.creation.as_ref();
    let time = creation.and_then(|creation| creation.processing_time);
    let is_always_equal = time.is_some_and(|time| time.is_zero());
    let (created, updated) = (&reply["created"], &reply["updated"]);
    !is_always_equal && created.is_string() && created == updated
}

/// The code of a reply that has the form of an error.
fn error_code(observed: &Observed) -> Option<&str> {
    let code = observed.reply["error_code"].as_str()?;
    let is_error = (400..600).contains(&observed.status);
    (is_error && is_code_word(code)).then_some(code)
}

fn error_differences(outcome: &Outcome, observed: u16, reply: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut add = |path: &str, kind| {
        found.push(Difference {
            path: path.to_owned(),
            kind,
        });
    };
    if outcome.status != observed {
        add(
            "(HTTP status)",
            DifferenceKind::Value(Some(observed.to_string())),
        );
    }
    let Answer::Error { code, message } = &outcome.answer else {
        return found;
    };
    match &reply["message"] {
        Value::Null => add("message", DifferenceKind::Missing),
        Value::String(other) if other == message => {}
        Value::String(_) if *message == stand_in_message(code) => {}
        _ => add("message", DifferenceKind::Value(None)),
    }
    for name in reply.as_object().into_iter().flat_map(Map::keys) {
        if !OF_ERROR.contains(&name.as_str()) {
            add(name, DifferenceKind::Additional);
        }
    }
    found
}

/// Stands in learned files for the message of an error.
fn stand_in_message(code: &str) -> String {
    format!("The request was refused with {code}.")
}

/// The reply with other names for the fields of maps whose names may be those of people.
fn with_plain_names(vocabulary: &Vocabulary, texts: &HashSet<String>, value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().enumerate().map(|(at, (name, value))| {
                let value = with_plain_names(vocabulary, texts, value);
                let name = if vocabulary.keeps_name(name, texts) {
                    name.clone()
                } else {
                    format!("dummy_name_{}", at + 1)
                };
                (name, value)
            });
            Value::Object(fields.collect())
        }
        Value::Array(items) => {
            let items = items.iter();
            items
                .map(|item| with_plain_names(vocabulary, texts, item))
                .collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}
