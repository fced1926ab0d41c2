//! From scenario files to endpoints: merges files with the files that extend them, checks everything, and reports
//! every mistake.

use std::sync::Arc;

use foldhash::HashMap;
use indexmap::IndexMap;
use serde_json::{Value, json};

use super::schema_check::SchemaCheck;
use super::stack::{Proof, SourceSpot, Stack};
use crate::base::Spellings;
use crate::catalogue::body::TemplateScope;
use crate::catalogue::dummy::Lookup;
use crate::catalogue::endpoint::{ContentType, Endpoint, Verb};
use crate::catalogue::outcome::{LISTED, Outcome, SharedErrors};
use crate::catalogue::reply_id::OutcomeId;
use crate::catalogue::schema::{RequestSchema, SOURCE_KEYWORD};
use crate::catalogue::shape::Fields;
use crate::scenario::{LoadError, Origin, ScenarioFile, Source, SourceFile, Spanned};

/// Compiles one endpoint. None if a mistake leaves nothing to compile. The mistake is reported.
pub(crate) fn compile_endpoint(
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

pub(super) struct Compiler<'a> {
    pub(super) stack: &'a Stack,
    pub(super) shared: &'a SharedErrors,
    pub(super) base: &'a ScenarioFile,
    pub(super) proven: bool,
    pub(super) errors: &'a mut Vec<LoadError>,
}

impl<'a> Compiler<'a> {
    fn endpoint(&mut self) -> Option<Endpoint> {
        let before = self.errors.len();
        let verb = self.verb();
        let path = self.path(verb);
        let content_type = self.content_type();
        let (schema, schema_place) = self.schema(verb);
        if !self.proven {
            self.prove(&schema, schema_place)?;
        }
        let lookup = self.lookup_name(&schema.shape);
        let scope = self.scope(verb, &schema, lookup.as_ref().map(|named| named.lookup));
        if !scope.has_id {
            self.check_unkept();
        }
        let outcomes = self.outcomes(scope);
        if !self.proven {
            self.check_unproven(&schema, &outcomes, scope.fields);
        }
        let aliases = self.aliases(&outcomes);
        let creation = if outcomes.values().any(|outcome| !outcome.is_error()) {
            self.creation(scope, &outcomes, lookup)
        } else {
            None
        };
        if creation.is_none() && self.base.listings.is_none() && !self.has_error_since(before) {
            self.missing(
                "the file has no outcome: write at least one `[outcomes.NAME]` with `default = true`",
            );
        }
        let pending_first = self.pending_first(&outcomes, scope.has_id);
        let records = self.records(&schema, &outcomes, creation.as_ref());
        let source = self.base.source.unwrap_or_default();
        let callback = self.last(|file| file.callback.as_ref());
        let callback = callback.map(|(_, callback)| callback);
        let id = self.base.source_file.id.as_str().into();
        Some(Endpoint {
            outcome_ids: self.outcome_ids(&id, &outcomes),
            id,
            name: self.name(),
            verb,
            path: path?,
            source,
            read_source: self.base.read_source.unwrap_or(source),
            origin: self.origin(),
            content_type,
            schema,
            creation,
            outcomes,
            aliases,
            records,
            reads: self.reads(),
            reads_listings: self.base.listings.is_some(),
            callback_type: callback.map(|callback| callback.callback_type.as_ref().clone()),
            pending_first,
            tests_callbacks: callback.is_some_and(|callback| callback.test),
        })
    }

    /// The ids of all outcomes that an endpoint can answer with.
    fn outcome_ids(
        &self,
        endpoint: &Arc<str>,
        outcomes: &IndexMap<String, Arc<Outcome>>,
    ) -> HashMap<String, OutcomeId> {
        let names = outcomes.keys().chain(self.shared.keys());
        let names = names.map(String::as_str).chain([LISTED]);
        names
            .map(|name| (name.to_owned(), OutcomeId::new(endpoint, name)))
            .collect()
    }

    /// The name that the last file gives, or else the id.
    fn name(&self) -> String {
        let name = self.last(|file| file.name.as_ref());
        name.map_or_else(
            || self.base.source_file.id.clone(),
            |(_, name)| name.as_ref().clone(),
        )
    }

    /// The place of the path in the base file, or the beginning of the file.
    fn origin(&self) -> Origin {
        let span = self.base.path.as_ref().map_or(0..0, Spanned::span);
        Origin::new(&self.base.source_file, &span)
    }

    /// The ids of all endpoints that a file of the stack names in `reads`.
    fn reads(&self) -> Vec<String> {
        let reads = self.stack.iter().flat_map(|file| &file.reads);
        reads.map(|id| id.as_ref().clone()).collect()
    }

    /// The names that templates and rules of this endpoint may refer to.
    fn scope<'s>(
        &self,
        verb: Verb,
        schema: &'s RequestSchema,
        lookup: Option<Lookup>,
    ) -> TemplateScope<'s> {
        TemplateScope {
            fields: Fields {
                word: verb.fields_word(),
                shape: &schema.shape,
                uploads: schema.uploads.as_deref(),
            },
            lookup,
            has_id: self.last(|file| file.id.as_ref()).is_some(),
        }
    }

    /// The checks that shipped files do not need, because the tests have run them.
    fn check_unproven(
        &mut self,
        schema: &RequestSchema,
        outcomes: &IndexMap<String, Arc<Outcome>>,
        fields: Fields<'_>,
    ) {
        self.check_schema(outcomes);
        self.check_keep();
        self.doubt();
        self.check_conditions(schema, fields);
    }

    fn check_schema(&mut self, outcomes: &IndexMap<String, Arc<Outcome>>) {
        let stack: &'a Stack = self.stack;
        for file in stack {
            if let Some(request) = &file.request {
                let mut check = SchemaCheck {
                    file: &file.source_file,
                    outcomes,
                    errors: self.errors,
                };
                check.schema(request);
            }
        }
    }

    /// Checks that a body has the key that `keep` names, and that `listings` names a known list.
    fn check_keep(&mut self) {
        let stack: &'a Stack = self.stack;
        if let Some((file, keep)) = self.last(|file| file.keep.as_ref()) {
            let from = keep.from.as_ref();
            let shared = stack
                .iter()
                .filter_map(|file| file.reply.as_ref()?.body.as_ref());
            let own = stack.iter().flat_map(|file| &file.outcomes);
            let own = own.filter_map(|(_, part)| part.body.as_ref());
            if !shared
                .chain(own)
                .any(|body| body.as_ref().get(from).is_some())
            {
                self.errors.push(file.error(
                    keep.from.span(),
                    format!("no body has the key `{from}` that `keep` names"),
                ));
            }
        }
        if let Some((file, listings)) = self.last(|file| file.listings.as_ref())
            && listings.as_ref() != "watchlist"
        {
            self.errors.push(file.error(
                listings.span(),
                "the only value of `listings` is `watchlist`",
            ));
        }
    }

    /// Warns about content that loads but is probably not meant.
    pub(super) fn warn(&mut self, (file, span): SourceSpot<'_>, message: impl Into<String>) {
        self.errors.push(file.warning(span, message));
    }

    fn has_error_since(&self, before: usize) -> bool {
        self.errors[before..].iter().any(LoadError::is_error)
    }

    /// Reports a missing value. A file with a mistake is not reported, because the mistake may be this value.
    pub(super) fn missing(&mut self, message: &str) {
        if self.stack.iter().all(|file| !file.is_faulty) {
            self.errors.push(self.base.source_file.error(0..0, message));
        }
    }

    /// Refuses records and `reads` of an endpoint without `id`, because nothing can be read by an id there.
    fn check_unkept(&mut self) {
        for file in self.stack {
            let records = file.records.iter().map(Spanned::span);
            let reads = file.reads.iter().map(Spanned::span);
            let reads = reads.filter(|_| self.base.listings.is_none());
            for span in records.chain(reads) {
                self.errors.push(file.source_file.error(
                    span,
                    "this endpoint keeps no records to read: define their ids, `id = \"…_{uuid}\"`",
                ));
            }
        }
    }

    /// The value from the last file that has one.
    pub(super) fn last<T>(
        &self,
        part: impl Fn(&'a ScenarioFile) -> Option<&'a T>,
    ) -> Option<(&'a Arc<SourceFile>, &'a T)> {
        let stack: &'a Stack = self.stack;
        stack
            .iter()
            .rev()
            .find_map(|file| Some((&file.source_file, part(file)?)))
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

    /// The request rules of all files, laid over each other, and the place to report when they are wrong.
    fn schema(&mut self, verb: Verb) -> (RequestSchema, Option<SourceSpot<'a>>) {
        let mut json = json!({});
        let mut place = None;
        for file in self.stack {
            if let Some(request) = &file.request {
                let mut over = request.as_ref().to_json();
                if !Arc::ptr_eq(file, &self.stack[0]) {
                    label_additions(&json, &mut over);
                }
                merge_json(&mut json, over);
                place = Some((&file.source_file, request.span()));
            }
        }
        if verb == Verb::Get {
            self.segment_rules(&mut json);
        }
        (RequestSchema::new(json), place)
    }

    /// Compiles the schema and checks its own sample with it. None if the compilation cannot continue.
    fn prove(&mut self, schema: &RequestSchema, place: Option<SourceSpot<'_>>) -> Option<()> {
        let Some((file, span)) = place else {
            return Some(()); // no `request`: any input is accepted
        };
        if let Err(message) = schema.prove() {
            self.errors.push(file.error(
                span,
                format!("`request` is not a valid JSON Schema: {message}"),
            ));
            return None;
        }
        if let Some(sample) = schema.sample()
            && let Err(refused) = schema.check(sample, &Spellings::default())
        {
            let first = &refused.complaints[0];
            self.errors.push(file.error(
                span,
                format!(
                    "the first of the `examples` does not match the schema: `{}` {}",
                    first.path, first.message
                ),
            ));
        }
        Some(())
    }
}

/// Labels fields that an extending file adds. The `source` of the base file does not hold for them, so they are
/// `decided` unless they have a label of their own.
fn label_additions(base: &Value, over: &mut Value) {
    if let Some(items) = over.get_mut("items") {
        label_additions(&base["items"], items);
    }
    let Some(Value::Object(fields)) = over.get_mut("properties") else {
        return;
    };
    for (name, field) in fields {
        match (base["properties"].get(name), field) {
            (Some(known), field) => label_additions(known, field),
            (None, Value::Object(field)) => {
                field
                    .entry(SOURCE_KEYWORD)
                    .or_insert_with(|| Source::Decided.name().into());
            }
            (None, _) => {}
        }
    }
}

/// Lays one JSON value over another. Objects are merged key by key, anything else is replaced.
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

impl Compiler<'_> {
    pub(super) fn doubt(&mut self) {
        for (file, _, part) in self.outcome_parts() {
            if let Some(description) = &part.description
                && description.as_ref().trim().is_empty()
            {
                self.warn(
                    (file, description.span()),
                    "the description is empty: describe the outcome, or leave the key out",
                );
            }
        }
    }
}
