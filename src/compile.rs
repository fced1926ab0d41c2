//! From scenario files to endpoints: merges what extends what, checks everything, reports every mistake.

mod creation;
mod lookups;
mod outcomes;

use std::ops::Range;
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::{Value, json};

use self::outcomes::{check_outcome_name, error_outcome};
use crate::endpoint::{ContentType, Endpoint, Outcome};
use crate::load_error::{LoadError, SourceFile};
use crate::scenario::ScenarioFile;
use crate::schema::RequestSchema;

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
            let outcome = Outcome {
                is_shared: true,
                ..error_outcome(name, part, source_file, errors)
            };
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
            listing_tag: outcomes::tag(&self.base.source_file.id, "LISTED"),
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
