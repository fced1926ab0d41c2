//! Reply bodies as scenario files write them: JSON with holes.

use std::ops::Range;
use std::sync::Arc;

use serde_json::Value;
use toml::Spanned;

use crate::fakes;
use crate::input::Shape;
use crate::load_error::{LoadError, SourceFile, listed, nearest};
use crate::lookup::{Field, Lookup};
use crate::tree::Tree;

/// A reply body before it is a plan: bodies of shared part and outcome still merge over each other.
#[derive(Clone, Debug)]
pub(crate) enum Template {
    Scalar(Value),
    /// A hole that is the whole string keeps its JSON type.
    Hole(Hole),
    /// Text with holes inside.
    Text(Vec<Piece>),
    List(Vec<Template>),
    Object(Vec<(String, Template)>),
}

#[derive(Clone, Debug)]
pub(crate) enum Piece {
    Text(String),
    Hole(Hole),
}

/// The closed list of what a reply may refer to.
#[derive(Clone, Debug)]
pub(crate) enum Hole {
    /// `{{input.addresses}}`; with `?` the key is left out when the input is absent.
    Input {
        path: Vec<String>,
        optional: bool,
    },
    Id,
    Created,
    Updated,
    Null,
    /// Leaves the key out: keeps a place in the order that an outcome may fill.
    Absent,
    /// What the endpoint's lookup found, such as `{{watchlist.results}}`.
    Found {
        field: Field,
        optional: bool,
    },
    /// Drawn anew for every record and place, and the same through the record's life.
    Fake {
        fake: fakes::Fake,
        place: String,
    },
}

/// What a template may refer to.
pub(crate) struct Scope<'a> {
    pub file: &'a Arc<SourceFile>,
    pub input: &'a Shape,
    pub lookup: Option<Lookup>,
}

impl Template {
    pub(crate) fn empty() -> Self {
        Self::Object(Vec::new())
    }

    pub(crate) fn compile(
        tree: &Spanned<Tree>,
        scope: &Scope<'_>,
        errors: &mut Vec<LoadError>,
    ) -> Self {
        match tree.as_ref() {
            Tree::Text(text) => Self::compile_text(text, tree.span(), scope, errors),
            Tree::List(items) => Self::List(
                items
                    .iter()
                    .map(|item| {
                        let compiled = Self::compile(item, scope, errors);
                        if compiled.may_be_absent() {
                            errors.push(scope.file.error(
                                item.span(),
                                "a hole that may be absent can only be the value of a key",
                            ));
                        }
                        compiled
                    })
                    .collect(),
            ),
            Tree::Table(entries) => Self::Object(
                entries
                    .iter()
                    .map(|(key, value)| (key.as_ref().clone(), Self::compile(value, scope, errors)))
                    .collect(),
            ),
            scalar => Self::Scalar(scalar.to_json()),
        }
    }

    fn compile_text(
        text: &str,
        span: Range<usize>,
        scope: &Scope<'_>,
        errors: &mut Vec<LoadError>,
    ) -> Self {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            let Some((name, after)) = after.split_once("}}") else {
                errors.push(scope.file.error(
                    span,
                    format!("the hole `{{{{{after}` is never closed by `}}}}`"),
                ));
                return Self::Scalar(Value::Null);
            };
            match Hole::parse(name.trim(), scope) {
                Ok(hole) => pieces.push(Piece::Hole(hole)),
                Err(message) => {
                    errors.push(scope.file.error(span, message));
                    return Self::Scalar(Value::Null);
                }
            }
            rest = after;
        }
        if pieces.is_empty() {
            return Self::Scalar(Value::String(text.to_owned()));
        }
        if let ([Piece::Hole(hole)], true) = (pieces.as_slice(), rest.is_empty()) {
            return Self::Hole(hole.clone());
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Self::Text(pieces)
    }

    /// Lays `over` on top: objects key by key, everything else replaced. New keys come last.
    pub(crate) fn merge(&mut self, over: Self) {
        match (self, over) {
            (Self::Object(base), Self::Object(entries)) => {
                for (key, value) in entries {
                    match base.iter_mut().find(|(name, _)| *name == key) {
                        Some((_, place)) => place.merge(value),
                        None => base.push((key, value)),
                    }
                }
            }
            (place, over) => *place = over,
        }
    }

    /// Whether any hole is filled by the endpoint's lookup.
    pub(crate) fn asks_lookup(&self) -> bool {
        match self {
            Self::Scalar(_) => false,
            Self::Hole(hole) => matches!(hole, Hole::Found { .. }),
            Self::Text(pieces) => pieces
                .iter()
                .any(|piece| matches!(piece, Piece::Hole(Hole::Found { .. }))),
            Self::List(items) => items.iter().any(Self::asks_lookup),
            Self::Object(entries) => entries.iter().any(|(_, value)| value.asks_lookup()),
        }
    }

    pub(crate) fn may_be_absent(&self) -> bool {
        matches!(self, Self::Hole(hole) if hole.may_be_absent())
    }
}

impl Hole {
    fn parse(written: &str, scope: &Scope<'_>) -> Result<Self, String> {
        let (name, optional) = match written.strip_suffix('?') {
            Some(name) => (name, true),
            None => (written, false),
        };
        if let Some(path) = name.strip_prefix("input.") {
            let path: Vec<_> = path.split('.').map(str::to_owned).collect();
            scope.input.check_path(&path)?;
            return Ok(Self::Input { path, optional });
        }
        if let Some((prefix, field)) = name.split_once('.')
            && let Some(lookup) = scope.lookup
            && prefix == lookup.prefix()
        {
            let Some(field) = lookup.field(field) else {
                let known = lookup
                    .fields()
                    .map(|field| format!("{}.{field}", lookup.prefix()));
                return Err(unknown_hole(written, &known.collect::<Vec<_>>()));
            };
            return Ok(Self::Found { field, optional });
        }
        if let Some(fake) = name.strip_prefix("fake.") {
            let named = (!optional).then(|| fakes::Fake::named(fake)).flatten();
            let place = String::new(); // known when the body is laid out
            return named.map(|fake| Self::Fake { fake, place }).ok_or_else(|| {
                unknown_hole(
                    written,
                    &fakes::Fake::names()
                        .map(|name| format!("fake.{name}"))
                        .collect::<Vec<_>>(),
                )
            });
        }
        let hole = match name {
            "id" => Self::Id,
            "created" => Self::Created,
            "updated" => Self::Updated,
            "null" => Self::Null,
            "absent" => Self::Absent,
            _ => {
                let mut known: Vec<_> = ["id", "created", "updated", "null", "absent"]
                    .map(str::to_owned)
                    .into();
                known.extend(scope.input.names().map(|name| format!("input.{name}")));
                if let Some(lookup) = scope.lookup {
                    known.extend(
                        lookup
                            .fields()
                            .map(|field| format!("{}.{field}", lookup.prefix())),
                    );
                }
                return Err(unknown_hole(written, &known));
            }
        };
        if optional {
            return Err(format!(
                "`{{{{{written}}}}}` is never absent: leave out the `?`"
            ));
        }
        Ok(hole)
    }

    pub(crate) fn may_be_absent(&self) -> bool {
        matches!(
            self,
            Self::Absent | Self::Input { optional: true, .. } | Self::Found { optional: true, .. }
        )
    }
}

fn unknown_hole(written: &str, known: &[String]) -> String {
    match nearest(written, known.iter().map(String::as_str)) {
        Some(near) => format!("unknown hole `{{{{{written}}}}}`: did you mean `{{{{{near}}}}}`?"),
        None => format!(
            "unknown hole `{{{{{written}}}}}`: known here are {}",
            listed(known.iter().map(String::as_str))
        ),
    }
}
