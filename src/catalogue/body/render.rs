//! A reply body, flattened into steps that append bytes. These steps are all the work for a reply's body.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value};
use smallvec::SmallVec;

use super::reply_size::{REPLY_BYTES_MAX, ReplyTooLarge};
use super::template::{Hole, Piece, Template};
use crate::base::{Mix, Spellings, Stamp};
use crate::catalogue::dummy::{FieldValue, Finding, LookupField};
use crate::catalogue::shape::dig;

/// The values that fill the placeholders.
pub(crate) struct Fill<'a> {
    pub input: &'a Map<String, Value>,
    /// The spellings of the numbers in the input. Its echo repeats them.
    pub spellings: &'a Spellings,
    pub id: &'a str,
    pub created: Stamp,
    pub updated: Stamp,
    pub finding: Option<&'a Finding>,
    /// The number on which the record's draws depend.
    pub drawn: u128,
}

/// A rendered body, and the ids and ranges of its parts that can be read by an id of their own.
pub(crate) struct Rendered {
    pub body: Bytes,
    pub kept: SmallVec<[(Arc<str>, Range<usize>); 1]>,
}

/// A buffer larger than this is freed after a reply.
const SCRATCH_BYTES_MAX: usize = 4 << 10;

/// A template flattened into steps that append bytes.
#[derive(Debug)]
pub(crate) struct BodyPlan {
    steps: Vec<RenderStep>,
    /// The template from which the plan was made. It describes the body.
    template: Template,
    /// The current place in the body while the plan is made.
    place: Vec<String>,
}

#[derive(Debug)]
enum RenderStep {
    Literal(Vec<u8>),
    Value(Hole),
    Inside(Hole),
    /// Writes `"key":` and the value, or nothing if the value is absent.
    OptionalEntry(Vec<u8>, Hole),
    /// Writes a comma, unless the object has just been opened.
    Comma,
    /// Marks the start of one item of the kept array.
    KeepFrom,
    KeepTo,
    /// Writes the listings that were found, and keeps each of them.
    KeepEach(LookupField),
}

impl BodyPlan {
    /// `keep` is the key of the top-level array whose items can be read by their own ids.
    pub(crate) fn new(template: &Template, keep: Option<&str>) -> Self {
        let mut plan = Self {
            steps: Vec::new(),
            template: template.clone(),
            place: Vec::new(),
        };
        plan.flatten(template, keep);
        plan
    }

    pub(crate) fn template(&self) -> &Template {
        &self.template
    }

    /// The size of the body without the values of the request and of the dummy data.
    pub(crate) fn least_bytes(&self) -> usize {
        let fixed = |step: &RenderStep| match step {
            RenderStep::Literal(bytes) => bytes.len(),
            RenderStep::Value(Hole::Banks(list)) | RenderStep::Inside(Hole::Banks(list)) => {
                list.json().len()
            }
            RenderStep::Value(_)
            | RenderStep::Inside(_)
            | RenderStep::OptionalEntry(..)
            | RenderStep::Comma
            | RenderStep::KeepFrom
            | RenderStep::KeepTo
            | RenderStep::KeepEach(_) => 0,
        };
        self.steps.iter().map(fixed).sum()
    }

    /// Renders the body. `out` is only a buffer, and is emptied first.
    pub(crate) fn render(
        &self,
        fill: &mut Fill<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Rendered, ReplyTooLarge> {
        out.clear();
        let mut kept = SmallVec::<[(Option<Arc<str>>, Range<usize>); 1]>::new();
        for step in &self.steps {
            if out.len() > REPLY_BYTES_MAX {
                break;
            }
            match step {
                RenderStep::Literal(bytes) => out.extend_from_slice(bytes),
                RenderStep::Value(hole) => hole.write(out, fill),
                RenderStep::Inside(hole) => hole.write_inside(out, fill),
                RenderStep::Comma => comma(out),
                RenderStep::OptionalEntry(key, hole) => {
                    if !hole.is_absent(fill) {
                        comma(out);
                        out.extend_from_slice(key);
                        hole.write(out, fill);
                    }
                }
                RenderStep::KeepFrom => kept.push((None, out.len()..out.len())),
                RenderStep::KeepTo => {
                    if let Some((_, range)) = kept.last_mut() {
                        range.end = out.len();
                    }
                }
                RenderStep::KeepEach(field) => {
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
        if out.len() > REPLY_BYTES_MAX {
            *out = Vec::new();
            return Err(ReplyTooLarge);
        }
        // A copy of the exact size, because the record and the journal keep it.
        let body = Bytes::copy_from_slice(out);
        if out.capacity() > SCRATCH_BYTES_MAX {
            *out = Vec::new();
        }
        let kept = kept
            .into_iter()
            .filter_map(|(id, range)| Some((id.or_else(|| id_of(&body[range.clone()]))?, range)))
            .collect();
        Ok(Rendered { body, kept })
    }

    fn flatten(&mut self, template: &Template, keep: Option<&str>) {
        match template {
            Template::Scalar(value) => {
                let mut json = Vec::new();
                write_json(&mut json, value);
                self.literal(&json);
            }
            Template::Hole(hole) => {
                let hole = self.placed(hole);
                self.steps.push(RenderStep::Value(hole));
            }
            Template::Text(pieces) => {
                self.literal(b"\"");
                for piece in pieces {
                    match piece {
                        Piece::Text(text) => {
                            let mut json = Vec::new();
                            write_text(&mut json, text);
                            self.literal(&json[1..json.len() - 1]);
                        }
                        Piece::Hole(hole) => {
                            let hole = self.placed(hole);
                            self.steps.push(RenderStep::Inside(hole));
                        }
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

    /// The placeholder with its place in the body. A fake depends on its place, so it stays the same while a record
    /// changes.
    fn placed(&self, hole: &Hole) -> Hole {
        match hole {
            Hole::Fake { fake, .. } => Hole::Fake {
                fake: *fake,
                place: self.place.join("."),
            },
            Hole::Input { .. }
            | Hole::Id
            | Hole::Created
            | Hole::Updated
            | Hole::Null
            | Hole::Absent
            | Hole::Found { .. }
            | Hole::Banks(_) => hole.clone(),
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
                    self.steps
                        .push(RenderStep::OptionalEntry(key, hole.clone()));
                }
                continue;
            }
            if at > 0 && some_absent {
                self.steps.push(RenderStep::Comma);
            } else if at > 0 {
                self.literal(b",");
            }
            self.literal(&key);
            self.place.push(name.clone());
            if keep == Some(name) {
                self.flatten_kept(value);
            } else {
                self.flatten(value, None);
            }
            self.place.pop();
        }
        self.literal(b"}");
    }

    fn flatten_kept(&mut self, value: &Template) {
        match value {
            Template::Hole(Hole::Found { field, .. }) => {
                self.steps.push(RenderStep::KeepEach(*field));
            }
            Template::List(items) => {
                self.literal(b"[");
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        self.literal(b",");
                    }
                    self.steps.push(RenderStep::KeepFrom);
                    self.flatten(item, None);
                    self.steps.push(RenderStep::KeepTo);
                }
                self.literal(b"]");
            }
            Template::Scalar(_) | Template::Hole(_) | Template::Text(_) | Template::Object(_) => {
                self.flatten(value, None);
            }
        }
    }

    fn literal(&mut self, bytes: &[u8]) {
        if let Some(RenderStep::Literal(last)) = self.steps.last_mut() {
            last.extend_from_slice(bytes);
        } else {
            self.steps.push(RenderStep::Literal(bytes.to_vec()));
        }
    }
}

/// The last byte shows whether the object has just been opened: in JSON a string that ends in `{` has a quote after it.
fn comma(out: &mut Vec<u8>) {
    if out.last() != Some(&b'{') {
        out.push(b',');
    }
}

fn found<'f>(fill: &Fill<'f>, field: LookupField) -> Option<&'f FieldValue> {
    fill.finding?.get(field)
}

fn write_list<T>(out: &mut Vec<u8>, items: &[T], mut write: impl FnMut(&mut Vec<u8>, &T)) {
    out.push(b'[');
    for (at, item) in items.iter().enumerate() {
        if out.len() > REPLY_BYTES_MAX {
            return; // the reply is refused anyway
        }
        if at > 0 {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(b']');
}

/// The `id` of a kept object. An object without an `id` cannot be read, and is not kept.
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

impl Hole {
    fn is_absent(&self, fill: &Fill<'_>) -> bool {
        match self {
            Self::Input { path, .. } => dig(fill.input, path).is_none(),
            Self::Found { field, .. } => found(fill, *field).is_none(),
            Self::Absent => true,
            Self::Id
            | Self::Created
            | Self::Updated
            | Self::Null
            | Self::Fake { .. }
            | Self::Banks(_) => false,
        }
    }

    fn write(&self, out: &mut Vec<u8>, fill: &mut Fill<'_>) {
        match self {
            Self::Id => write_text(out, fill.id),
            Self::Created => write_stamp(out, fill.created),
            Self::Updated => write_stamp(out, fill.updated),
            Self::Null | Self::Absent => out.extend_from_slice(b"null"),
            Self::Fake { fake, place } => {
                let mut mix = Mix::new(0, "fake");
                mix.wide(fill.drawn);
                mix.text(place);
                write_json(out, &fake.draw(&mut mix.dice()));
            }
            Self::Banks(list) => out.extend_from_slice(list.json()),
            Self::Input { path, .. } => match dig(fill.input, path) {
                Some(value) => fill.spellings.write(out, value, path),
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

    /// Writes a placeholder inside a string: text without its quotes, any other value as JSON.
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
