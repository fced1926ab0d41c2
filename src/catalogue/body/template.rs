//! Reply bodies as scenario files write them: JSON with placeholders.

use std::ops::Range;
use std::sync::Arc;

use foldhash::HashMap;
use serde_json::Value;

use crate::base::{listed, nearest};
use crate::catalogue::dummy::{Fake, Lookup, LookupField};
use crate::catalogue::shape::Fields;
use crate::scenario::{BankList, LoadError, SourceFile, Spanned, Tree};

/// A reply body before it becomes a plan. The bodies of the shared part and of an outcome are merged in this form.
#[derive(Clone, Debug)]
pub(crate) enum Template {
    Scalar(Value),
    /// A placeholder that is the whole string. The value keeps its JSON type.
    Hole(Hole),
    /// Text with placeholders inside.
    Text(Vec<Piece>),
    List(Vec<Template>),
    Object(Vec<(String, Template)>),
}

#[derive(Clone, Debug)]
pub(crate) enum Piece {
    Text(String),
    Hole(Hole),
}

/// The complete list of values that a reply may refer to.
#[derive(Clone, Debug)]
pub(crate) enum Hole {
    /// `{{input.addresses}}`, or `{{path.digits}}` for a GET. With `?` the key is left out when the input is absent.
    Input {
        path: Vec<String>,
        optional: bool,
    },
    Id,
    Created,
    Updated,
    Null,
    /// Leaves the key out, but keeps its place in the order, so that an outcome can fill it.
    Absent,
    /// A value that the endpoint's lookup found, such as `{{watchlist.results}}`.
    Found {
        field: LookupField,
        optional: bool,
    },
    /// An invented value. It is drawn for every record and place, and stays the same as long as the record exists.
    Fake {
        fake: Fake,
        place: String,
    },
    /// All banks: `{{banks.plain}}`.
    Banks(BankList),
}

/// The names that a template may refer to.
#[derive(Clone, Copy)]
pub(crate) struct TemplateScope<'a> {
    pub fields: Fields<'a>,
    pub lookup: Option<Lookup>,
    /// Whether the endpoint has a form for ids.
    pub has_id: bool,
}

impl Template {
    pub(crate) fn empty() -> Self {
        Self::Object(Vec::new())
    }

    /// Compiles a whole body: an object, an array, or a placeholder.
    pub(crate) fn compile_body(
        tree: &Spanned<Tree>,
        file: &Arc<SourceFile>,
        scope: TemplateScope<'_>,
        errors: &mut Vec<LoadError>,
    ) -> Self {
        let before = errors.len();
        let body = Self::compile(tree, file, scope, errors);
        let wrong = match &body {
            _ if errors.len() > before => None,
            Self::Scalar(_) | Self::Text(_) => Some(format!(
                "a `body` must be a table, an array or one placeholder, not {}",
                tree.as_ref().kind()
            )),
            Self::Hole(_) | Self::List(_) | Self::Object(_) => {
                body.may_be_absent().then(|| ONLY_OF_A_KEY.to_owned())
            }
        };
        errors.extend(wrong.map(|message| file.error(tree.span(), message)));
        body
    }

    fn compile(
        tree: &Spanned<Tree>,
        file: &Arc<SourceFile>,
        scope: TemplateScope<'_>,
        errors: &mut Vec<LoadError>,
    ) -> Self {
        match tree.as_ref() {
            Tree::Text(text) => Self::compile_text(text, tree.span(), file, scope, errors),
            Tree::List(items) => Self::List(
                items
                    .iter()
                    .map(|item| {
                        let compiled = Self::compile(item, file, scope, errors);
                        if compiled.may_be_absent() {
                            errors.push(file.error(item.span(), ONLY_OF_A_KEY));
                        }
                        compiled
                    })
                    .collect(),
            ),
            Tree::Table(entries) => Self::Object(
                entries
                    .iter()
                    .map(|(key, value)| {
                        let value = Self::compile(value, file, scope, errors);
                        (key.as_ref().clone(), value)
                    })
                    .collect(),
            ),
            scalar => Self::Scalar(scalar.to_json()),
        }
    }

    fn compile_text(
        text: &str,
        span: Range<usize>,
        file: &Arc<SourceFile>,
        scope: TemplateScope<'_>,
        errors: &mut Vec<LoadError>,
    ) -> Self {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            let Some((name, after)) = after.split_once("}}") else {
                errors.push(file.error(
                    span,
                    format!("the placeholder `{{{{{after}` is not closed by `}}}}`"),
                ));
                return Self::Scalar(Value::Null);
            };
            match Hole::parse(name.trim(), scope) {
                Ok(hole) => pieces.push(Piece::Hole(hole)),
                Err(message) => {
                    errors.push(file.error(span, message));
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

    /// Lays `over` on top. Objects are merged key by key, anything else is replaced. New keys come last.
    pub(crate) fn merge(&mut self, over: Self) {
        match (self, over) {
            (Self::Object(base), Self::Object(entries)) => {
                let names = base.iter().enumerate();
                let places: HashMap<_, _> =
                    names.map(|(at, (name, _))| (name.clone(), at)).collect();
                for (key, value) in entries {
                    match places.get(&key) {
                        Some(at) => base[*at].1.merge(value),
                        None => base.push((key, value)),
                    }
                }
            }
            (place, over) => *place = over,
        }
    }

    /// Whether the endpoint's lookup fills any placeholder.
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

    /// The keys that lead to the record's id. None if the body does not say it.
    pub(crate) fn path_to_id(&self) -> Option<Vec<&str>> {
        match self {
            Self::Hole(Hole::Id) => Some(Vec::new()),
            Self::Object(entries) => entries.iter().find_map(|(key, value)| {
                let mut path = value.path_to_id()?;
                path.insert(0, key);
                Some(path)
            }),
            Self::Scalar(_) | Self::Hole(_) | Self::Text(_) | Self::List(_) => None,
        }
    }

    pub(crate) fn may_be_absent(&self) -> bool {
        matches!(self, Self::Hole(hole) if hole.may_be_absent())
    }
}

impl Hole {
    fn parse(written: &str, scope: TemplateScope<'_>) -> Result<Self, String> {
        let (name, optional) = match written.strip_suffix('?') {
            Some(name) => (name, true),
            None => (written, false),
        };
        if let Some(path) = scope.fields.path_of(name) {
            let path = path?;
            if scope.fields.uploads.is_some_and(|files| files.touch(&path)) {
                return Err(format!(
                    "`{{{{{written}}}}}` is a file in base64, or contains one: files are not stored, so a response cannot contain them"
                ));
            }
            return Ok(Self::Input { path, optional });
        }
        let hole = match (name, name.split_once('.')) {
            ("id", _) if scope.has_id => Self::Id,
            ("id", _) => {
                return Err(
                    "there is no `{{id}}` here, because this endpoint keeps no records: define their \
                     ids, `id = \"…_{uuid}\"`"
                        .to_owned(),
                );
            }
            ("created", _) => Self::Created,
            ("updated", _) => Self::Updated,
            ("null", _) => Self::Null,
            ("absent", _) => Self::Absent,
            (_, Some(("fake", fake))) if let Some(fake) = Fake::named(fake) => {
                let place = String::new(); // known when the body is laid out
                Self::Fake { fake, place }
            }
            (_, Some(("banks", list))) if let Some(list) = BankList::named(list) => {
                Self::Banks(list)
            }
            (_, Some((prefix, field)))
                if let Some(lookup) = scope.lookup.filter(|lookup| lookup.prefix() == prefix)
                    && let Some(field) = lookup.field(field) =>
            {
                return Ok(Self::Found { field, optional });
            }
            _ => return Err(scope.unknown_hole(written)),
        };
        if optional {
            return Err(format!(
                "`{{{{{written}}}}}` cannot be absent: leave out the `?`"
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

impl TemplateScope<'_> {
    fn unknown_hole(self, written: &str) -> String {
        let known = self.holes();
        let known = || known.iter().map(String::as_str);
        match nearest(written, known()) {
            Some(near) => {
                format!("unknown placeholder `{{{{{written}}}}}`: did you mean `{{{{{near}}}}}`?")
            }
            None => format!(
                "unknown placeholder `{{{{{written}}}}}`: known here: {}",
                listed(known())
            ),
        }
    }

    /// All placeholders that are possible in this scope.
    fn holes(self) -> Vec<String> {
        let found = self.lookup.into_iter().flat_map(|lookup| {
            let fields = lookup.fields();
            fields.map(move |field| format!("{}.{field}", lookup.prefix()))
        });
        let id = self.has_id.then(|| "id".to_owned());
        let always = ["created", "updated", "null", "absent"];
        id.into_iter()
            .chain(always.map(str::to_owned))
            .chain(self.fields.names())
            .chain(found)
            .chain(Fake::names().map(|name| format!("fake.{name}")))
            .chain(BankList::names().map(|name| format!("banks.{name}")))
            .collect()
    }
}

const ONLY_OF_A_KEY: &str = "a placeholder that can be absent must be the whole value of a key";
