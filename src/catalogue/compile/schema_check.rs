//! Finds mistakes in `[request]` that JSON Schema itself accepts: misspelt keywords, unknown errors.

use std::sync::Arc;

use indexmap::IndexMap;

use strum::VariantArray;

use crate::base::{listed, nearest_clause};
use crate::catalogue::outcome::Outcome;
use crate::catalogue::schema::SOURCE_KEYWORD;
use crate::scenario::{LoadError, Source, SourceFile, Spanned, Tree};

/// Keywords whose value is a schema.
pub(crate) const OF_SCHEMA: [&str; 10] = [
    "additionalProperties",
    "contains",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];

/// Keywords whose value is a list of schemas.
pub(crate) const OF_LIST: [&str; 4] = ["allOf", "anyOf", "oneOf", "prefixItems"];

/// Keywords whose value is a table of schemas by name.
pub(crate) const OF_TABLE: [&str; 4] = [
    "$defs",
    "dependentSchemas",
    "patternProperties",
    "properties",
];

/// Keywords with any other value.
pub(crate) const PLAIN: [&str; 34] = [
    "$comment",
    "$id",
    "$ref",
    "$schema",
    "const",
    "contentEncoding",
    "contentMediaType",
    "default",
    "dependentRequired",
    "deprecated",
    "description",
    "enum",
    "examples",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "maxContains",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minContains",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "pattern",
    "readOnly",
    "required",
    "title",
    "type",
    "uniqueItems",
    "writeOnly",
];

/// Checks one file's part of a schema.
pub(super) struct SchemaCheck<'a> {
    pub file: &'a Arc<SourceFile>,
    pub outcomes: &'a IndexMap<String, Arc<Outcome>>,
    pub errors: &'a mut Vec<LoadError>,
}

impl SchemaCheck<'_> {
    pub(super) fn schema(&mut self, tree: &Spanned<Tree>) {
        let Tree::Table(entries) = tree.as_ref() else {
            return; // `true`, `false`, or a value that the schema compiler refuses
        };
        for (keyword, value) in entries {
            match keyword.as_ref().as_str() {
                "x-error" => self.error_names(value),
                SOURCE_KEYWORD => self.source_label(value),
                name if name.starts_with("x-") || PLAIN.contains(&name) => {}
                name if OF_SCHEMA.contains(&name) => self.schema(value),
                name if OF_LIST.contains(&name) => {
                    if let Tree::List(items) = value.as_ref() {
                        for item in items {
                            self.schema(item);
                        }
                    }
                }
                name if OF_TABLE.contains(&name) => {
                    if let Tree::Table(entries) = value.as_ref() {
                        for (_, schema) in entries {
                            self.schema(schema);
                        }
                    }
                }
                name => {
                    let known = PLAIN.into_iter().chain(OF_SCHEMA).chain(OF_LIST);
                    let known = known.chain(OF_TABLE).chain(["x-error", SOURCE_KEYWORD]);
                    let hint = nearest_clause(name, known);
                    self.errors.push(self.file.error(
                        keyword.span(),
                        format!("`{name}` is not a keyword of JSON Schema{hint}"),
                    ));
                }
            }
        }
    }

    /// `x-source = "decided"`: how well a field is known.
    fn source_label(&mut self, tree: &Spanned<Tree>) {
        let labels: Vec<_> = Source::VARIANTS
            .iter()
            .map(|source| source.name())
            .collect();
        if !matches!(tree.as_ref(), Tree::Text(text) if labels.contains(&text.as_str())) {
            self.errors.push(self.file.error(
                tree.span(),
                format!("`x-source` is one of {}", listed(labels.into_iter())),
            ));
        }
    }

    /// `x-error = { maximum = "FILE_TOO_LARGE" }`: every name must be an error of this endpoint.
    fn error_names(&mut self, tree: &Spanned<Tree>) {
        let Tree::Table(entries) = tree.as_ref() else {
            self.errors.push(self.file.error(
                tree.span(),
                "`x-error` must be a table: keywords and the names of errors",
            ));
            return;
        };
        for (_, name) in entries {
            let known = match name.as_ref() {
                Tree::Text(text) => self
                    .outcomes
                    .get(text)
                    .is_some_and(|outcome| outcome.is_error()),
                _ => false,
            };
            if !known {
                let errors = self.outcomes.values().filter(|outcome| outcome.is_error());
                let names = errors.map(|outcome| outcome.name.as_str());
                self.errors.push(self.file.error(
                    name.span(),
                    format!("must be the name of an error: one of {}", listed(names)),
                ));
            }
        }
    }
}
