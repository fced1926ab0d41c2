//! Outcomes: bodies merged and compiled, names and references checked.

use std::sync::Arc;

use foldhash::HashMap;
use hyper::StatusCode;
use indexmap::IndexMap;

use super::compiler::Compiler;
use super::faults::faults;
use super::head::{headers, status};
use super::stack::Stack;
use crate::base::{Behaviour, listed, named_near, nearest};
use crate::catalogue::body::{BodyPlan, REPLY_BYTES_MAX, Template, TemplateScope};
use crate::catalogue::outcome::{Answer, CallbackChoice, Outcome, requestable_errors};
use crate::scenario::{
    CallbackRule, ErrorPart, LoadError, Origin, OutcomePart, ScenarioFile, Source, SourceFile,
    Spanned, exceeds_list,
};

/// The bodies of all outcomes of an endpoint, before placeholders are filled.
const BODIES_BYTES_MAX: usize = 64 << 20;

impl<'a> Compiler<'a> {
    pub(super) fn outcomes(&mut self, scope: TemplateScope<'_>) -> IndexMap<String, Arc<Outcome>> {
        let mut shared_body = Template::empty();
        let stack = self.stack;
        for file in stack {
            let body = file.reply.as_ref().and_then(|reply| reply.body.as_ref());
            if let Some(body) = body {
                let file = &file.source_file;
                shared_body.merge(Template::compile_body(body, file, scope, self.errors));
            }
        }
        let keep = self.last(|file| file.keep.as_ref());
        let keep = keep.map(|(_, keep)| keep.from.as_ref().clone());
        let mut outcomes = IndexMap::new();
        let mut body_bytes = 0;
        for (file, name, part) in self.outcome_parts() {
            check_outcome_name(name, file, self.errors);
            let outcome = if part.error.is_some() {
                error_outcome(name, part, file, self.errors)
            } else {
                let is_full = body_bytes > BODIES_BYTES_MAX; // reported
                let mut body = if is_full {
                    Template::empty()
                } else {
                    shared_body.clone()
                };
                if let Some(own) = part.body.as_ref().filter(|_| !is_full) {
                    body.merge(Template::compile_body(own, file, scope, self.errors));
                }
                let answer = if let Some(turns) = self.turns(part, file) {
                    turns
                } else {
                    let plan = BodyPlan::new(&body, keep.as_deref());
                    let asks_lookup = body.asks_lookup();
                    body_bytes += plan.least_bytes();
                    if !is_full {
                        self.check_size(&plan, body_bytes, (file, name));
                    }
                    Answer::Body { plan, asks_lookup }
                };
                self.outcome(name, part, file, answer)
            };
            outcomes.insert(name.as_ref().clone(), Arc::new(outcome));
        }
        for (name, outcome) in requestable_errors(self.shared) {
            outcomes
                .entry(name.clone())
                .or_insert_with(|| outcome.clone());
        }
        self.check_references(&outcomes, scope.has_id);
        self.inherit_callbacks(&mut outcomes);
        self.check_stale(&outcomes);
        outcomes
    }

    /// Refuses a body that is too large whatever the request is, and bodies that are too large together: each has a copy
    /// of the shared body.
    fn check_size(
        &mut self,
        plan: &BodyPlan,
        bytes_of_all: usize,
        (file, name): (&Arc<SourceFile>, &Spanned<String>),
    ) {
        let sentence = if plan.least_bytes() > REPLY_BYTES_MAX {
            format!(
                "the body has more than {} MiB, whatever the request is",
                REPLY_BYTES_MAX >> 20
            )
        } else if bytes_of_all > BODIES_BYTES_MAX {
            format!(
                "the bodies of this outcome and those before it have more than {} MiB, because each contains \
                 `[reply] body`: the outcomes after it are not checked",
                BODIES_BYTES_MAX >> 20
            )
        } else {
            return;
        };
        self.errors.push(file.error(name.span(), sentence));
    }

    /// Refuses `stale` where no outcome is pending: no record has an earlier state that could be sent.
    fn check_stale(&mut self, outcomes: &IndexMap<String, Arc<Outcome>>) {
        if outcomes.values().any(|outcome| outcome.writes_pending()) {
            return;
        }
        for (file, name, part) in self.outcome_parts() {
            if let Some(rule) = &part.callback
                && outcomes[name.as_ref()].callback == Some(Behaviour::Stale)
            {
                self.errors.push(file.error(
                    rule.span(),
                    "`stale` sends the pending state of a record, and no outcome here has one: write an outcome \
                     with `pending = true`",
                ));
            }
        }
    }

    /// All outcomes, in the order of their first mention. Each comes from the last file that defines it.
    pub(super) fn outcome_parts(
        &self,
    ) -> Vec<(&'a Arc<SourceFile>, &'a Spanned<String>, &'a OutcomePart)> {
        let stack: &'a Stack = self.stack;
        let mut parts = IndexMap::new();
        for file in stack {
            for (name, part) in &file.outcomes {
                parts.insert(name.as_ref().as_str(), (&file.source_file, name, part));
            }
        }
        parts.into_values().collect()
    }

    fn outcome(
        &mut self,
        name: &Spanned<String>,
        part: &OutcomePart,
        file: &Arc<SourceFile>,
        answer: Answer,
    ) -> Outcome {
        let then = self.changes(part, file);
        Outcome {
            name: name.as_ref().clone(),
            description: part.description.as_ref().map(|text| text.as_ref().clone()),
            // The `source` of a file holds only for the file's own outcomes, not for those that other files add.
            source: part
                .source
                .or(self
                    .base
                    .source
                    .filter(|_| Arc::ptr_eq(file, &self.base.source_file)))
                .unwrap_or_default(),
            status: status(part, StatusCode::OK, file, self.errors),
            headers: headers(part, file, self.errors),
            answer,
            pending: part.pending || !then.is_empty(),
            callback: self.callback(part.callback.as_ref(), file),
            callback_choice: match part.callback {
                Some(_) => CallbackChoice::Written,
                None => CallbackChoice::Unwritten,
            },
            then,
            faults: faults(name, part, file, self.errors),
            is_shared: false,
            origin: Origin::new(file, &name.span()),
        }
    }

    pub(super) fn callback(
        &mut self,
        rule: Option<&Spanned<CallbackRule>>,
        file: &Arc<SourceFile>,
    ) -> Option<Behaviour> {
        let rule = rule?;
        let behaviour = match rule.as_ref() {
            CallbackRule::Follows(false) => return None,
            CallbackRule::Follows(true) => Ok(Behaviour::Normal),
            CallbackRule::Behaves(words) => words.parse(),
        };
        if self.last(|file| file.callback.as_ref()).is_none() {
            self.errors.push(file.error(
                rule.span(),
                "a callback needs a type, so that a URL can be registered for it: write `[callback] type = \"…\"`",
            ));
        }
        behaviour
            .map_err(|message: String| self.errors.push(file.error(rule.span(), message)))
            .ok()
    }

    /// The outcome of that name. If there is none, a mistake is reported at the place of the name.
    pub(super) fn referred<'o>(
        &mut self,
        file: &Arc<SourceFile>,
        name: &Spanned<String>,
        outcomes: &'o IndexMap<String, Arc<Outcome>>,
    ) -> Option<&'o Arc<Outcome>> {
        let found = outcomes.get(name.as_ref());
        if found.is_none() {
            let written = name.as_ref();
            let sentence = if exceeds_list(self.errors) {
                format!("there is no outcome `{written}`")
            } else {
                unknown_outcome(written, outcomes)
            };
            self.errors.push(file.error(name.span(), sentence));
        }
        found
    }

    pub(super) fn aliases(
        &mut self,
        outcomes: &IndexMap<String, Arc<Outcome>>,
    ) -> IndexMap<String, String> {
        let mut aliases = IndexMap::new();
        let parts = self.outcome_parts();
        let places: HashMap<&str, _> = parts
            .iter()
            .map(|(file, name, _)| (name.as_ref().as_str(), (*file, *name)))
            .collect();
        for (file, name, part) in parts.iter().copied() {
            for alias in &part.aliases {
                check_outcome_name(alias, file, self.errors);
                let taken_by = outcomes
                    .get_key_value(alias.as_ref())
                    .map(|(outcome, _)| outcome)
                    .or_else(|| aliases.get(alias.as_ref()));
                let Some(other) = taken_by else {
                    aliases.insert(alias.as_ref().clone(), name.as_ref().clone());
                    continue;
                };
                let written = alias.as_ref();
                let error = match places
                    .get(written.as_str())
                    .filter(|(other, _)| self.is_later(other, file))
                {
                    Some((later, outcome)) => later.error(
                        outcome.span(),
                        format!(
                            "`{written}` is an alias of the outcome `{}`: choose another name",
                            name.as_ref()
                        ),
                    ),
                    None if other == written => file.error(
                        alias.span(),
                        format!("`{written}` is already the name of an outcome"),
                    ),
                    None => file.error(
                        alias.span(),
                        format!("`{written}` is already an alias of the outcome `{other}`"),
                    ),
                };
                self.errors.push(error);
            }
        }
        aliases
    }

    /// Whether a file lies over another.
    fn is_later(&self, file: &Arc<SourceFile>, other: &Arc<SourceFile>) -> bool {
        let at = |file: &Arc<SourceFile>| {
            let of_stack = |other: &Arc<ScenarioFile>| Arc::ptr_eq(&other.source_file, file);
            self.stack.iter().position(of_stack)
        };
        at(file) > at(other)
    }
}

pub(super) fn error_outcome(
    name: &Spanned<String>,
    part: &OutcomePart,
    file: &Arc<SourceFile>,
    errors: &mut Vec<LoadError>,
) -> Outcome {
    let error = part
        .error
        .as_ref()
        .expect("only called for outcomes with an error");
    let (code, message) = match error.as_ref() {
        ErrorPart::Message(message) => (name.as_ref().clone(), message.clone()),
        ErrorPart::Full { code, message } => (code.clone(), message.clone()),
    };
    if let Some(body) = &part.body {
        errors.push(file.error(
            body.span(),
            "an outcome has a `body` or an `error`, not both: an error has its own body",
        ));
    }
    let names_others = part.sequence.is_some() || part.weighted.is_some();
    if part.then.is_some() || names_others || part.callback.is_some() || part.pending {
        errors.push(file.error(
            error.span(),
            "an error creates no record, so it cannot have `then`, `sequence`, `weighted`, `callback` or `pending`",
        ));
    }
    let status = status(part, StatusCode::INTERNAL_SERVER_ERROR, file, errors);
    if !status.is_client_error() && !status.is_server_error() {
        let span = part
            .status
            .as_ref()
            .map_or_else(|| error.span(), Spanned::span);
        errors.push(file.error(span, "the status of an error must be between 400 and 599"));
    }
    Outcome {
        name: name.as_ref().clone(),
        description: part.description.as_ref().map(|text| text.as_ref().clone()),
        source: part.source.unwrap_or(Source::Decided),
        status,
        headers: headers(part, file, errors),
        answer: Answer::Error { code, message },
        pending: false,
        callback: None,
        callback_choice: CallbackChoice::Unwritten,
        then: Vec::new(),
        faults: faults(name, part, file, errors),
        is_shared: false,
        origin: Origin::new(file, &name.span()),
    }
}

/// Checks the form of an outcome's name, because clients write it into a header.
pub(super) fn check_outcome_name(
    name: &Spanned<String>,
    file: &Arc<SourceFile>,
    errors: &mut Vec<LoadError>,
) {
    let plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    if name.as_ref().is_empty() || !name.as_ref().bytes().all(plain) {
        errors.push(file.error(
            name.span(),
            format!(
                "`{}` is not a valid name for an outcome: use upper-case letters, digits and `_`",
                name.as_ref()
            ),
        ));
    }
}

/// The message about an outcome that does not exist. It has the nearest name, or else a list of the endpoint's own
/// outcomes. The shared errors are not listed by name.
fn unknown_outcome(written: &str, outcomes: &IndexMap<String, Arc<Outcome>>) -> String {
    if let Some(near) = nearest(written, outcomes.keys().map(String::as_str)) {
        let near = named_near(written, near);
        return format!("there is no outcome `{written}`: did you mean {near}?");
    }
    let own = outcomes.values().filter(|outcome| !outcome.is_shared);
    let own = listed(own.map(|outcome| outcome.name.as_str()));
    format!(
        "there is no outcome `{written}`: known are {own}, and the errors that all endpoints share"
    )
}
