//! From scenario files to endpoints: merges what extends what, checks everything, reports every mistake.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use hyper::StatusCode;
use hyper::header::{HeaderName, HeaderValue};
use indexmap::IndexMap;
use serde_json::{Value, json};
use toml::Spanned;

use crate::clock::{Stamp, parse_duration};
use crate::endpoint::{
    Answer, ContentType, Creation, Endpoint, IdPattern, LookupRule, Outcome, PlantedRecord, Then,
};
use crate::input::Shape;
use crate::load_error::{LoadError, SourceFile, listed, nearest};
use crate::lookup::Lookup;
use crate::rules::{Rule, When};
use crate::scenario::{ErrorPart, OutcomePart, RecordPart, ScenarioFile, Source, Tree};
use crate::schema::RequestSchema;
use crate::template::{Plan, Scope, Template};

/// A file and the files that extend it, in the order in which they are laid over each other.
pub(crate) type Stack = Vec<Arc<ScenarioFile>>;

pub(crate) type SharedErrors = IndexMap<String, Arc<Outcome>>;

/// Compiles `errors.toml` and what extends it: the outcomes that every endpoint shares.
pub(crate) fn shared_errors(stack: &Stack, errors: &mut Vec<LoadError>) -> SharedErrors {
    let mut shared = SharedErrors::new();
    for file in stack {
        for (name, part) in &file.outcomes {
            let source_file = &file.source_file;
            if part.error.is_none() {
                errors.push(source_file.error(
                    name.span(),
                    format!(
                        "`{}` is shared by all endpoints, so it must have an `error`",
                        name.as_ref()
                    ),
                ));
                continue;
            }
            check_outcome_name(name, source_file, errors);
            let outcome = error_outcome(name, part, source_file, errors);
            shared.insert(name.as_ref().clone(), Arc::new(outcome));
        }
    }
    shared
}

/// Which request schemas are compiled at once, and their samples and records tried on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// Those of folders. The shipped ones are proven by the tests, and wait for their first request.
    OfFolders,
    OfAll,
}

/// Compiles one endpoint. None where a mistake leaves nothing to compile; the mistake is reported.
pub(crate) fn endpoint(
    stack: &Stack,
    shared: &SharedErrors,
    proof: Proof,
    errors: &mut Vec<LoadError>,
) -> Option<Endpoint> {
    let shipped = stack.iter().all(|file| file.source_file.shipped);
    Compiler {
        stack,
        shared,
        base: &stack[0],
        proven: shipped && proof == Proof::OfFolders,
        errors,
    }
    .endpoint()
}

/// Where to point when something is wrong.
type Place<'a> = (&'a Arc<SourceFile>, Range<usize>);

struct NamedLookup<'a> {
    lookup: Lookup,
    file: &'a Arc<SourceFile>,
    tree: &'a Spanned<Tree>,
}

struct Compiler<'a> {
    stack: &'a Stack,
    shared: &'a SharedErrors,
    base: &'a ScenarioFile,
    proven: bool,
    errors: &'a mut Vec<LoadError>,
}

impl<'a> Compiler<'a> {
    fn endpoint(&mut self) -> Option<Endpoint> {
        let before = self.errors.len();
        let path = self.path();
        for file in &self.stack[1..] {
            if let Some(path) = &file.path {
                self.errors.push(file.source_file.error(
                    path.span(),
                    "a file that extends another keeps its path: leave this out",
                ));
            }
        }
        let content_type = self.content_type();
        let (schema, schema_place) = self.schema();
        if !self.proven {
            self.prove(&schema, schema_place)?;
        }
        let lookup = self.lookup_name(&schema.shape);
        let outcomes = self.outcomes(&schema.shape, lookup.as_ref().map(|named| named.lookup));
        let aliases = self.aliases(&outcomes);
        let creation = if outcomes.values().any(|outcome| !outcome.is_error()) {
            self.creation(&schema.shape, &outcomes, lookup)
        } else {
            None
        };
        if creation.is_none() && self.base.listings.is_none() && self.errors.len() == before {
            self.errors.push(self.base.source_file.error(
                0..0,
                "the file has no outcome: write at least one `[outcomes.NAME]` with `default = true`",
            ));
        }
        let records = self.records(&schema, &outcomes, creation.as_ref());
        Some(Endpoint {
            id: self.base.source_file.id.as_str().into(),
            path: path?,
            source: self.base.source.unwrap_or_default(),
            content_type,
            schema,
            creation,
            outcomes,
            aliases,
            records,
            reads: self
                .stack
                .iter()
                .flat_map(|file| &file.reads)
                .map(|id| id.as_ref().clone())
                .collect(),
            reads_listings: self.base.listings.is_some(),
            callback_type: self
                .last(|file| file.callback.as_ref())
                .map(|(_, callback)| callback.callback_type.as_ref().clone()),
        })
    }

    /// What the last file that says anything says.
    fn last<T>(
        &self,
        part: impl Fn(&'a ScenarioFile) -> Option<&'a T>,
    ) -> Option<(&'a Arc<SourceFile>, &'a T)> {
        let stack: &'a Stack = self.stack;
        stack
            .iter()
            .rev()
            .find_map(|file| Some((&file.source_file, part(file)?)))
    }

    fn path(&mut self) -> Option<String> {
        let Some(path) = &self.base.path else {
            self.errors.push(self.base.source_file.error(
                0..0,
                "the file says neither where it answers (`path = \"/v1/…\"`) nor what it `extends`",
            ));
            return None;
        };
        let text = path.as_ref();
        let plain = |part: &str| {
            !part.is_empty()
                && part != "."
                && part != ".."
                && part.bytes().all(|byte| {
                    byte.is_ascii_lowercase()
                        || byte.is_ascii_digit()
                        || matches!(byte, b'_' | b'-' | b'.')
                })
        };
        let is_path = text
            .strip_prefix('/')
            .is_some_and(|rest| rest.split('/').all(plain));
        if !is_path || text.starts_with("/__sandbox") {
            self.errors.push(self.base.source_file.error(
                path.span(),
                "a path is `/` and lower-case words between slashes, such as `/v1/identity/things`, \
                 and not below `/__sandbox`",
            ));
            return None;
        }
        Some(text.clone())
    }

    fn content_type(&mut self) -> ContentType {
        let Some((file, written)) = self.last(|file| file.content_type.as_ref()) else {
            return ContentType::Json;
        };
        match written.as_ref().as_str() {
            "application/json" => ContentType::Json,
            "multipart/form-data" => ContentType::Multipart,
            other => {
                let error = file.error(
                    written.span(),
                    format!("`{other}` is neither `application/json` nor `multipart/form-data`"),
                );
                self.errors.push(error);
                ContentType::Json
            }
        }
    }

    /// The request rules of all files, laid over each other, and where to point when they are wrong.
    fn schema(&mut self) -> (RequestSchema, Option<Place<'a>>) {
        let mut json = json!({});
        let mut place = None;
        for file in self.stack {
            if let Some(request) = &file.request {
                merge_json(&mut json, request.as_ref().to_json());
                place = Some((&file.source_file, request.span()));
            }
        }
        (RequestSchema::new(json), place)
    }

    /// Compiles the schema and tries it on its own sample. None where there is nothing to go on with.
    fn prove(&mut self, schema: &RequestSchema, place: Option<Place<'_>>) -> Option<()> {
        let Some((file, span)) = place else {
            return Some(()); // no `request`: anything is taken
        };
        if let Err(message) = schema.prove() {
            self.errors.push(file.error(
                span,
                format!("`request` is no sound JSON Schema: {message}"),
            ));
            return None;
        }
        if let Some(sample) = schema.sample()
            && let Err(refused) = schema.check(sample)
        {
            let first = &refused.complaints[0];
            self.errors.push(file.error(
                span,
                format!(
                    "the first of `examples` does not fit the schema: `{}` {}",
                    first.path, first.message
                ),
            ));
        }
        Some(())
    }

    fn lookup_name(&mut self, input: &Shape) -> Option<NamedLookup<'a>> {
        let (file, tree) = self.last(|file| file.lookup.as_ref())?;
        let name = tree.as_ref().get("in");
        let Some(Tree::Text(text)) = name.map(Spanned::as_ref) else {
            self.errors.push(file.error(
                tree.span(),
                format!(
                    "`lookup` must say which dummy data to ask: `in = \"…\"`, one of {}",
                    listed(Lookup::names())
                ),
            ));
            return None;
        };
        let Some(lookup) = Lookup::named(text) else {
            let span = name.map_or_else(|| tree.span(), Spanned::span);
            self.errors.push(file.error(
                span,
                format!(
                    "unknown lookup `{text}`: known are {}",
                    listed(Lookup::names())
                ),
            ));
            return None;
        };
        for field in lookup.reads() {
            if !input.names().any(|name| name == *field) {
                self.errors.push(file.error(
                    tree.span(),
                    format!("`{text}` reads the field `{field}`, which the request does not have"),
                ));
            }
        }
        Some(NamedLookup { lookup, file, tree })
    }

    fn outcomes(
        &mut self,
        input: &Shape,
        lookup: Option<Lookup>,
    ) -> IndexMap<String, Arc<Outcome>> {
        let mut shared_body = Template::empty();
        let stack = self.stack;
        for file in stack {
            let body = file.reply.as_ref().and_then(|reply| reply.body.as_ref());
            if let Some(body) = body {
                shared_body.merge(self.template(body, &file.source_file, input, lookup));
            }
        }
        let keep = self.last(|file| file.keep.as_ref());
        let keep = keep.map(|(_, keep)| keep.from.as_ref().clone());
        let mut outcomes = IndexMap::new();
        for (file, name, part) in self.outcome_parts() {
            check_outcome_name(name, file, self.errors);
            let outcome = if part.error.is_some() {
                error_outcome(name, part, file, self.errors)
            } else {
                let mut body = shared_body.clone();
                if let Some(own) = &part.body {
                    body.merge(self.template(own, file, input, lookup));
                }
                let answer = match &part.sequence {
                    Some(sequence) => Answer::Sequence(
                        sequence
                            .as_ref()
                            .iter()
                            .map(|name| name.as_ref().clone())
                            .collect(),
                    ),
                    None => Answer::Body {
                        asks_lookup: body.asks_lookup(),
                        plan: Plan::new(&body, keep.as_deref()),
                    },
                };
                self.outcome(name, part, file, answer)
            };
            outcomes.insert(name.as_ref().clone(), Arc::new(outcome));
        }
        for (name, outcome) in self.shared {
            outcomes
                .entry(name.clone())
                .or_insert_with(|| outcome.clone());
        }
        self.check_references(&outcomes);
        outcomes
    }

    /// Every outcome with the file that has the last word on it, in the order of first mention.
    fn outcome_parts(&self) -> Vec<(&'a Arc<SourceFile>, &'a Spanned<String>, &'a OutcomePart)> {
        let stack: &'a Stack = self.stack;
        let mut parts = IndexMap::new();
        for file in stack {
            for (name, part) in &file.outcomes {
                parts.insert(name.as_ref().as_str(), (&file.source_file, name, part));
            }
        }
        parts.into_values().collect()
    }

    fn template(
        &mut self,
        tree: &Spanned<Tree>,
        file: &Arc<SourceFile>,
        input: &Shape,
        lookup: Option<Lookup>,
    ) -> Template {
        if !matches!(tree.as_ref(), Tree::Table(_)) {
            self.errors.push(file.error(
                tree.span(),
                format!("a `body` must be a table, not {}", tree.as_ref().kind()),
            ));
            return Template::empty();
        }
        let scope = Scope {
            file,
            input,
            lookup,
        };
        Template::compile(tree, &scope, self.errors)
    }

    fn outcome(
        &mut self,
        name: &Spanned<String>,
        part: &OutcomePart,
        file: &Arc<SourceFile>,
        answer: Answer,
    ) -> Outcome {
        let then = part.then.as_ref().and_then(|then| {
            let then = then.as_ref();
            match parse_duration(then.after.as_ref()) {
                Ok(after) => Some(Then {
                    after,
                    outcome: then.outcome.as_ref().clone(),
                }),
                Err(message) => {
                    self.errors.push(file.error(then.after.span(), message));
                    None
                }
            }
        });
        let tag = format!("{}/{}", self.base.source_file.id, name.as_ref());
        Outcome {
            name: name.as_ref().clone(),
            source: part.source.or(self.base.source).unwrap_or_default(),
            status: status(part, StatusCode::OK, file, self.errors),
            headers: headers(part, file, self.errors),
            answer,
            pending: part.pending || then.is_some(),
            callback: part.callback,
            then,
            tag: HeaderValue::try_from(tag).ok(),
        }
    }

    /// Outcomes refer to each other by name: in `sequence` and in `then`.
    fn check_references(&mut self, outcomes: &IndexMap<String, Arc<Outcome>>) {
        for (file, _, part) in self.outcome_parts() {
            if let Some(sequence) = &part.sequence {
                if sequence.as_ref().is_empty() {
                    self.errors.push(file.error(
                        sequence.span(),
                        "a `sequence` must name at least one outcome",
                    ));
                }
                for name in sequence.as_ref() {
                    if let Some(outcome) = self.referred(file, name, outcomes)
                        && matches!(outcome.answer, Answer::Sequence(_))
                    {
                        self.errors.push(
                            file.error(name.span(), "a sequence cannot be part of a sequence"),
                        );
                    }
                }
            }
            if let Some(then) = &part.then {
                let name = &then.as_ref().outcome;
                let Some(first) = self.referred(file, name, outcomes) else {
                    continue;
                };
                if !matches!(first.answer, Answer::Body { .. }) {
                    self.errors.push(file.error(
                        name.span(),
                        "a record cannot become an error or a sequence: name an outcome with a body",
                    ));
                }
                let mut next = Some(first);
                for _ in 0..outcomes.len() {
                    next = next.and_then(|outcome| outcomes.get(&outcome.then.as_ref()?.outcome));
                }
                if next.is_some() {
                    self.errors.push(file.error(
                        name.span(),
                        "`then` leads back to where it came from and would never end",
                    ));
                }
            }
        }
    }

    /// The outcome of that name, or a mistake reported at the place where it is named.
    fn referred<'o>(
        &mut self,
        file: &Arc<SourceFile>,
        name: &Spanned<String>,
        outcomes: &'o IndexMap<String, Arc<Outcome>>,
    ) -> Option<&'o Arc<Outcome>> {
        let found = outcomes.get(name.as_ref());
        if found.is_none() {
            self.errors.push(file.error(
                name.span(),
                unknown_outcome(name.as_ref(), outcomes.keys().map(String::as_str)),
            ));
        }
        found
    }

    fn aliases(&mut self, outcomes: &IndexMap<String, Arc<Outcome>>) -> IndexMap<String, String> {
        let mut aliases = IndexMap::new();
        for (file, name, part) in self.outcome_parts() {
            for alias in &part.aliases {
                check_outcome_name(alias, file, self.errors);
                let taken_by = outcomes
                    .get_key_value(alias.as_ref())
                    .map(|(outcome, _)| outcome)
                    .or_else(|| aliases.get(alias.as_ref()));
                if let Some(other) = taken_by {
                    self.errors.push(file.error(
                        alias.span(),
                        format!("`{}` already names the outcome `{other}`", alias.as_ref()),
                    ));
                }
                aliases.insert(alias.as_ref().clone(), name.as_ref().clone());
            }
        }
        aliases
    }

    fn creation(
        &mut self,
        input: &Shape,
        outcomes: &IndexMap<String, Arc<Outcome>>,
        lookup: Option<NamedLookup<'a>>,
    ) -> Option<Creation> {
        let default = self.default_outcome(outcomes);
        let mut rules = Vec::new();
        for (file, name, part) in self.outcome_parts() {
            if let Some(when) = &part.when {
                let when = When::compile(when, file, input, self.errors);
                let outcome = outcomes[name.as_ref()].clone();
                rules.push(Rule { outcome, when });
            }
        }
        let lookup = lookup.map(|named| self.lookup_rule(&named, outcomes));
        let id_pattern = match self.last(|file| file.id.as_ref()) {
            None => {
                self.errors.push(self.base.source_file.error(
                    0..0,
                    "the file does not say how ids are written: `id = \"…_{uuid}\"`",
                ));
                None
            }
            Some((file, id)) => IdPattern::parse(id.as_ref())
                .map_err(|message| self.errors.push(file.error(id.span(), message)))
                .ok(),
        };
        Some(Creation {
            id_pattern: id_pattern?,
            default: default?,
            rules,
            lookup,
            keep_at: self
                .last(|file| file.keep.as_ref())
                .map(|(_, keep)| keep.at.as_ref().as_str().into()),
        })
    }

    /// The outcome marked `default`; of several files the last one that marks any decides.
    fn default_outcome(
        &mut self,
        outcomes: &IndexMap<String, Arc<Outcome>>,
    ) -> Option<Arc<Outcome>> {
        let stack: &'a Stack = self.stack;
        for file in stack.iter().rev() {
            let marked: Vec<_> = file
                .outcomes
                .iter()
                .filter(|(_, part)| part.default)
                .collect();
            if let [.., (second, _)] = marked.as_slice()
                && marked.len() > 1
            {
                self.errors.push(file.source_file.error(
                    second.span(),
                    format!(
                        "only one outcome can be the default, and `{}` is",
                        marked[0].0.as_ref()
                    ),
                ));
            }
            if let Some((name, _)) = marked.first() {
                return outcomes.get(name.as_ref()).cloned();
            }
        }
        self.errors.push(self.base.source_file.error(
            0..0,
            "no outcome is the default: say `default = true` in one of them",
        ));
        None
    }

    fn lookup_rule(
        &mut self,
        named: &NamedLookup<'a>,
        outcomes: &IndexMap<String, Arc<Outcome>>,
    ) -> LookupRule {
        let mut by_verdict = Vec::new();
        let Tree::Table(entries) = named.tree.as_ref() else {
            unreachable!("a lookup has a name only when it is a table");
        };
        for (verdict, outcome) in entries.iter().filter(|(key, _)| key.as_ref() != "in") {
            let known = named.lookup.verdicts();
            let Some(verdict) = known.iter().find(|known| *known == verdict.as_ref()) else {
                self.errors.push(named.file.error(
                    verdict.span(),
                    format!(
                        "`{}` is no verdict of `{}`: known are {}",
                        verdict.as_ref(),
                        named.lookup.name(),
                        listed(known.iter().copied())
                    ),
                ));
                continue;
            };
            let Tree::Text(name) = outcome.as_ref() else {
                self.errors.push(
                    named
                        .file
                        .error(outcome.span(), "must be the name of an outcome"),
                );
                continue;
            };
            let name = Spanned::new(outcome.span(), name.clone());
            if let Some(outcome) = self.referred(named.file, &name, outcomes) {
                by_verdict.push((*verdict, outcome.clone()));
            }
        }
        for verdict in named.lookup.verdicts() {
            let said = entries.iter().any(|(key, _)| key.as_ref() == verdict);
            if !said {
                self.errors.push(named.file.error(
                    named.tree.span(),
                    format!("`lookup` does not say which outcome answers when the verdict is `{verdict}`"),
                ));
            }
        }
        LookupRule {
            lookup: named.lookup,
            outcomes: by_verdict,
        }
    }

    fn records(
        &mut self,
        schema: &RequestSchema,
        outcomes: &IndexMap<String, Arc<Outcome>>,
        creation: Option<&Creation>,
    ) -> HashMap<String, PlantedRecord> {
        let stack: &'a Stack = self.stack;
        let mut records = HashMap::new();
        for file in stack {
            for record in &file.records {
                let compiled = self.record(record, &file.source_file, schema, outcomes, creation);
                if let Some(compiled) = compiled {
                    records.insert(record.as_ref().id.as_ref().clone(), compiled);
                }
            }
        }
        records
    }

    fn record(
        &mut self,
        record: &Spanned<RecordPart>,
        file: &Arc<SourceFile>,
        schema: &RequestSchema,
        outcomes: &IndexMap<String, Arc<Outcome>>,
        creation: Option<&Creation>,
    ) -> Option<PlantedRecord> {
        let part = record.as_ref();
        let mut input = part.input.as_ref().to_json();
        schema.shape.normalise(&mut input);
        if !self.proven
            && let Err(refused) = schema.check(&input)
        {
            for complaint in &refused.complaints {
                self.errors.push(file.error(
                    part.input.span(),
                    format!("`input.{}` {}", complaint.path, complaint.message),
                ));
            }
        }
        let outcome = match &part.outcome {
            Some(name) => {
                let outcome = self.referred(file, name, outcomes)?;
                if !matches!(outcome.answer, Answer::Body { .. }) {
                    self.errors.push(file.error(
                        name.span(),
                        "a record cannot be an error or a sequence: name an outcome with a body",
                    ));
                    return None;
                }
                Some(outcome.clone())
            }
            None if creation.is_some_and(|creation| creation.lookup.is_some()) => None,
            None => {
                self.errors.push(file.error(
                    record.span(),
                    "the record must name its `outcome`, since no dummy data decides here",
                ));
                return None;
            }
        };
        let mut stamp = |text: &Spanned<String>| {
            text.as_ref()
                .parse::<Stamp>()
                .map_err(|_| {
                    self.errors.push(file.error(
                        text.span(),
                        format!(
                            "`{}` is no instant such as `2022-02-10T18:55:02.061Z`",
                            text.as_ref()
                        ),
                    ));
                })
                .ok()
        };
        let (created, updated) = (stamp(&part.created), stamp(&part.updated));
        let Value::Object(input) = input else {
            self.errors
                .push(file.error(part.input.span(), "`input` must be a table"));
            return None;
        };
        Some(PlantedRecord {
            outcome,
            created: created?,
            updated: updated?,
            input,
        })
    }
}

fn error_outcome(
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
            "an outcome has a `body` or an `error`, not both: the error makes its own body",
        ));
    }
    if part.then.is_some() || part.sequence.is_some() || part.callback || part.pending {
        errors.push(file.error(
            error.span(),
            "an error makes no record, so it has no `then`, `sequence`, `callback` or `pending`",
        ));
    }
    let status = status(part, StatusCode::INTERNAL_SERVER_ERROR, file, errors);
    if !status.is_client_error() && !status.is_server_error() {
        let span = part
            .status
            .as_ref()
            .map_or_else(|| error.span(), Spanned::span);
        errors.push(file.error(span, "the status of an error lies between 400 and 599"));
    }
    Outcome {
        name: name.as_ref().clone(),
        source: part.source.unwrap_or(Source::Decided),
        status,
        headers: headers(part, file, errors),
        answer: Answer::Error { code, message },
        pending: false,
        callback: false,
        then: None,
        tag: None,
    }
}

fn status(
    part: &OutcomePart,
    fallback: StatusCode,
    file: &Arc<SourceFile>,
    errors: &mut Vec<LoadError>,
) -> StatusCode {
    let Some(written) = &part.status else {
        return fallback;
    };
    match StatusCode::from_u16(*written.as_ref()) {
        Ok(status) if (200..600).contains(&status.as_u16()) => status,
        _ => {
            errors.push(file.error(written.span(), "a status lies between 200 and 599"));
            fallback
        }
    }
}

fn headers(
    part: &OutcomePart,
    file: &Arc<SourceFile>,
    errors: &mut Vec<LoadError>,
) -> Vec<(HeaderName, HeaderValue)> {
    let Some(written) = &part.headers else {
        return Vec::new();
    };
    let Tree::Table(entries) = written.as_ref() else {
        errors.push(file.error(written.span(), "`headers` must be a table of texts"));
        return Vec::new();
    };
    let mut headers = Vec::new();
    for (name, value) in entries {
        let parsed_name = HeaderName::try_from(name.as_ref().as_str());
        let parsed_value = match value.as_ref() {
            Tree::Text(text) => HeaderValue::try_from(text.as_str()).ok(),
            Tree::Integer(number) => Some(HeaderValue::from(*number)),
            _ => None,
        };
        match (parsed_name, parsed_value) {
            (Err(_), _) => errors.push(file.error(
                name.span(),
                format!("`{}` is no name of a header", name.as_ref()),
            )),
            (Ok(name), _) if FRAMING.contains(&name.as_str()) => errors.push(file.error(
                value.span(),
                format!("the server itself writes `{name}`: leave it out"),
            )),
            (_, None) => errors.push(file.error(
                value.span(),
                "a header's value is text of visible characters, or a whole number",
            )),
            (Ok(name), Some(value)) => headers.push((name, value)),
        }
    }
    headers
}

/// Headers that say how the body is framed: a wrong one would break the connection, not the test.
const FRAMING: [&str; 4] = [
    "content-length",
    "transfer-encoding",
    "connection",
    "upgrade",
];

/// Outcome names are what clients write into a header.
fn check_outcome_name(name: &Spanned<String>, file: &Arc<SourceFile>, errors: &mut Vec<LoadError>) {
    let plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    if name.as_ref().is_empty() || !name.as_ref().bytes().all(plain) {
        errors.push(file.error(
            name.span(),
            format!(
                "`{}` cannot name an outcome: use upper-case letters, digits and `_`",
                name.as_ref()
            ),
        ));
    }
}

fn unknown_outcome<'a>(written: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    match nearest(written, known.clone()) {
        Some(near) => format!("there is no outcome `{written}`: did you mean `{near}`?"),
        None => format!(
            "there is no outcome `{written}`: known are {}",
            listed(known)
        ),
    }
}

/// Lays one JSON value over another: objects key by key, everything else replaced.
fn merge_json(base: &mut Value, over: Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                merge_json(base.entry(key).or_insert(Value::Null), value);
            }
        }
        (place, over) => *place = over,
    }
}
