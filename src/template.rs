//! Reply bodies: JSON with holes, compiled once into a plan that writes bytes.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value};
use toml::Spanned;

use crate::clock::Stamp;
use crate::dice::Dice;
use crate::fakes;
use crate::input::{Shape, dig};
use crate::load_error::{LoadError, SourceFile, listed, nearest};
use crate::lookup::{Field, FieldValue, Finding, Lookup};
use crate::scenario::Tree;

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
    Fake(fakes::Fake),
}

/// What the holes are filled with.
pub(crate) struct Fill<'a> {
    pub input: &'a Map<String, Value>,
    pub id: &'a str,
    pub created: Stamp,
    pub updated: Stamp,
    pub finding: Option<&'a Finding>,
    pub dice: &'a mut Dice,
}

/// A rendered body, and the parts of it that can be read by an id of their own.
pub(crate) struct Rendered {
    pub body: Bytes,
    pub kept: Vec<(Arc<str>, Bytes)>,
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

    fn may_be_absent(&self) -> bool {
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
        if let Some((_, field)) = name.split_once('.')
            && let Some(lookup) = scope.lookup
            && name.starts_with(lookup.prefix())
        {
            let Some(field) = lookup.field(field) else {
                let known = lookup
                    .fields()
                    .map(|field| format!("{}.{field}", lookup.prefix()));
                return Err(unknown_hole(written, known.collect()));
            };
            return Ok(Self::Found { field, optional });
        }
        if let Some(fake) = name.strip_prefix("fake.") {
            return fakes::Fake::named(fake).map(Self::Fake).ok_or_else(|| {
                unknown_hole(
                    written,
                    fakes::Fake::names()
                        .map(|name| format!("fake.{name}"))
                        .collect(),
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
                return Err(unknown_hole(written, known));
            }
        };
        if optional {
            return Err(format!(
                "`{{{{{written}}}}}` is never absent: leave out the `?`"
            ));
        }
        Ok(hole)
    }

    fn may_be_absent(&self) -> bool {
        matches!(
            self,
            Self::Absent | Self::Input { optional: true, .. } | Self::Found { optional: true, .. }
        )
    }

    fn is_absent(&self, fill: &Fill<'_>) -> bool {
        match self {
            Self::Input { path, .. } => dig(fill.input, path).is_none(),
            Self::Found { field, .. } => found(fill, *field).is_none(),
            Self::Absent => true,
            _ => false,
        }
    }

    fn write(&self, out: &mut Vec<u8>, fill: &mut Fill<'_>) {
        match self {
            Self::Id => write_text(out, fill.id),
            Self::Created => write_stamp(out, fill.created),
            Self::Updated => write_stamp(out, fill.updated),
            Self::Null | Self::Absent => out.extend_from_slice(b"null"),
            Self::Fake(fake) => write_json(out, &fake.draw(fill.dice)),
            Self::Input { path, .. } => match dig(fill.input, path) {
                Some(value) => write_json(out, value),
                None => out.extend_from_slice(b"null"),
            },
            Self::Found { field, .. } => match found(fill, *field) {
                Some(FieldValue::Json(value)) => write_json(out, value),
                Some(FieldValue::Listings(listings)) => {
                    write_list(out, listings, |out, (score, listing)| {
                        listing.write(out, *score);
                    });
                }
                None => out.extend_from_slice(b"null"),
            },
        }
    }

    /// Writes the hole inside a string: text without its quotes, anything else as its JSON.
    fn write_inside(&self, out: &mut Vec<u8>, fill: &mut Fill<'_>) {
        let mut json = Vec::new();
        self.write(&mut json, fill);
        match json.as_slice() {
            [b'"', inner @ .., b'"'] => out.extend_from_slice(inner),
            b"null" => {}
            other => {
                let text = String::from_utf8_lossy(other);
                let mut quoted = Vec::new();
                write_text(&mut quoted, &text);
                out.extend_from_slice(&quoted[1..quoted.len() - 1]);
            }
        }
    }
}

/// A larger buffer is not held on to between replies.
const SCRATCH_BYTES_MAX: usize = 4 << 10;

/// A template flattened into steps that append bytes.
#[derive(Debug)]
pub(crate) struct Plan {
    steps: Vec<Step>,
}

#[derive(Debug)]
enum Step {
    Literal(Vec<u8>),
    Value(Hole),
    Inside(Hole),
    /// `"key":` and the value, or nothing.
    OptionalEntry(Vec<u8>, Hole),
    /// A comma unless the object has just been opened.
    Comma,
    /// Marks one item of the kept array.
    KeepFrom,
    KeepTo,
    /// The listings that were found, every one kept.
    KeepEach(Field),
}

impl Plan {
    /// `keep` names the top-level array whose items can be read by their own id.
    pub(crate) fn new(template: &Template, keep: Option<&str>) -> Self {
        let mut plan = Self { steps: Vec::new() };
        plan.flatten(template, keep);
        plan
    }

    /// Writes the body by way of `out`, which is emptied first.
    pub(crate) fn render(&self, fill: &mut Fill<'_>, out: &mut Vec<u8>) -> Rendered {
        out.clear();
        let mut kept: Vec<(Option<Arc<str>>, Range<usize>)> = Vec::new();
        for step in &self.steps {
            match step {
                Step::Literal(bytes) => out.extend_from_slice(bytes),
                Step::Value(hole) => hole.write(out, fill),
                Step::Inside(hole) => hole.write_inside(out, fill),
                Step::Comma => comma(out),
                Step::OptionalEntry(key, hole) => {
                    if !hole.is_absent(fill) {
                        comma(out);
                        out.extend_from_slice(key);
                        hole.write(out, fill);
                    }
                }
                Step::KeepFrom => kept.push((None, out.len()..out.len())),
                Step::KeepTo => {
                    if let Some((_, range)) = kept.last_mut() {
                        range.end = out.len();
                    }
                }
                Step::KeepEach(field) => {
                    let listings = match found(fill, *field) {
                        Some(FieldValue::Listings(listings)) => listings.as_slice(),
                        Some(FieldValue::Json(value)) => {
                            write_json(out, value);
                            continue;
                        }
                        None => &[],
                    };
                    write_list(out, listings, |out, (score, listing)| {
                        let start = out.len();
                        listing.write(out, *score);
                        kept.push((Some(listing.id.clone()), start..out.len()));
                    });
                }
            }
        }
        // Of the right size: it lives on in the record and the journal.
        let body = Bytes::copy_from_slice(out);
        if out.capacity() > SCRATCH_BYTES_MAX {
            *out = Vec::new();
        }
        let kept = kept
            .into_iter()
            .filter_map(|(id, range)| {
                let part = body.slice(range);
                Some((id.or_else(|| id_of(&part))?, part))
            })
            .collect();
        Rendered { body, kept }
    }

    fn flatten(&mut self, template: &Template, keep: Option<&str>) {
        match template {
            Template::Scalar(value) => {
                let mut json = Vec::new();
                write_json(&mut json, value);
                self.literal(&json);
            }
            Template::Hole(hole) => self.steps.push(Step::Value(hole.clone())),
            Template::Text(pieces) => {
                self.literal(b"\"");
                for piece in pieces {
                    match piece {
                        Piece::Text(text) => {
                            let mut json = Vec::new();
                            write_text(&mut json, text);
                            self.literal(&json[1..json.len() - 1]);
                        }
                        Piece::Hole(hole) => self.steps.push(Step::Inside(hole.clone())),
                    }
                }
                self.literal(b"\"");
            }
            Template::List(items) => {
                self.literal(b"[");
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        self.literal(b",");
                    }
                    self.flatten(item, None);
                }
                self.literal(b"]");
            }
            Template::Object(entries) => self.flatten_object(entries, keep),
        }
    }

    fn flatten_object(&mut self, entries: &[(String, Template)], keep: Option<&str>) {
        let some_absent = entries.iter().any(|(_, value)| value.may_be_absent());
        self.literal(b"{");
        for (at, (name, value)) in entries.iter().enumerate() {
            let mut key = Vec::new();
            write_text(&mut key, name);
            key.push(b':');
            if let Template::Hole(hole) = value
                && hole.may_be_absent()
            {
                if !matches!(hole, Hole::Absent) {
                    self.steps.push(Step::OptionalEntry(key, hole.clone()));
                }
                continue;
            }
            if at > 0 && some_absent {
                self.steps.push(Step::Comma);
            } else if at > 0 {
                self.literal(b",");
            }
            self.literal(&key);
            if keep == Some(name) {
                self.flatten_kept(value);
            } else {
                self.flatten(value, None);
            }
        }
        self.literal(b"}");
    }

    fn flatten_kept(&mut self, value: &Template) {
        match value {
            Template::Hole(Hole::Found { field, .. }) => self.steps.push(Step::KeepEach(*field)),
            Template::List(items) => {
                self.literal(b"[");
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        self.literal(b",");
                    }
                    self.steps.push(Step::KeepFrom);
                    self.flatten(item, None);
                    self.steps.push(Step::KeepTo);
                }
                self.literal(b"]");
            }
            other => self.flatten(other, None),
        }
    }

    fn literal(&mut self, bytes: &[u8]) {
        if let Some(Step::Literal(last)) = self.steps.last_mut() {
            last.extend_from_slice(bytes);
        } else {
            self.steps.push(Step::Literal(bytes.to_vec()));
        }
    }
}

/// A string that ends in `{` ends in a quote on the wire, so the last byte alone tells.
fn comma(out: &mut Vec<u8>) {
    if out.last() != Some(&b'{') {
        out.push(b',');
    }
}

fn found<'f>(fill: &Fill<'f>, field: Field) -> Option<&'f FieldValue> {
    fill.finding?.get(field)
}

fn write_list<T>(out: &mut Vec<u8>, items: &[T], mut write: impl FnMut(&mut Vec<u8>, &T)) {
    out.push(b'[');
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(b']');
}

/// The `id` of a kept object; one without cannot be read and is not kept.
fn id_of(json: &[u8]) -> Option<Arc<str>> {
    #[derive(Deserialize)]
    struct Kept<'a> {
        #[serde(borrow)]
        id: Cow<'a, str>,
    }
    let kept = serde_json::from_slice::<Kept<'_>>(json).ok()?;
    Some(kept.id.into())
}

fn write_stamp(out: &mut Vec<u8>, stamp: Stamp) {
    out.push(b'"');
    out.extend_from_slice(&stamp.text());
    out.push(b'"');
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("writing to memory cannot fail");
}

fn write_json(out: &mut Vec<u8>, value: &Value) {
    serde_json::to_writer(out, value).expect("writing to memory cannot fail");
}

fn unknown_hole(written: &str, known: Vec<String>) -> String {
    match nearest(written, known.iter().map(String::as_str)) {
        Some(near) => format!("unknown hole `{{{{{written}}}}}`: did you mean `{{{{{near}}}}}`?"),
        None => format!(
            "unknown hole `{{{{{written}}}}}`: known here are {}",
            listed(known.iter().map(String::as_str))
        ),
    }
}
