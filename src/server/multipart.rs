//! Reads the parts of a multipart body. The schema of the endpoint decides which part is a file.

use std::collections::HashSet;
#[cfg(feature = "cli")]
use std::sync::Arc;

use bytes::Bytes;
use encoding_rs::{Encoding, UTF_8};
use hyper::HeaderMap;
use hyper::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderName, HeaderValue};
use multra::{Constraints, Field, Multipart, SizeLimit};
use serde_json::Value;
use tokio_stream::Stream;

use super::broken_body::ClientGone;
use crate::base::{JsonMistake, UnreadableJson, pointer_part, read_json, size_in_words};
use crate::catalogue::Shape;
use crate::control::UploadStore;
use crate::http::{ApiError, BODY_BYTES_MAX, FormTree, MediaType, Picture, Upload, form_path};

/// How many bytes a whole multipart request may have.
pub(crate) const UPLOAD_BYTES_MAX: usize = 10 << 20;

const PARTS_MAX: usize = 100;

/// How long the text before the first part may be, and the head of a part.
const UNREAD_BYTES_MAX: usize = 64 << 10;

const TRANSFER_ENCODING: HeaderName = HeaderName::from_static("content-transfer-encoding");

/// The transfer encodings that leave the bytes as they are.
const PLAIN_ENCODINGS: [&str; 3] = ["7bit", "8bit", "binary"];

/// Reads the parts of a form. Names with brackets make lists and objects, as in other forms.
pub(super) async fn read_parts<S>(
    stream: S,
    boundary: &str,
    mut parts: Parts<'_>,
) -> Result<Value, ApiError>
where
    S: Stream<Item = Result<Bytes, ClientGone>> + Send,
{
    let sizes = SizeLimit::new()
        .whole_stream(UPLOAD_BYTES_MAX as u64)
        .preamble(UNREAD_BYTES_MAX as u64)
        .headers(UNREAD_BYTES_MAX as u64);
    let limits = Constraints::new().size_limit(sizes).max_fields(PARTS_MAX);
    let mut multipart = Multipart::with_constraints(stream, boundary, limits);
    while let Some(field) = multipart.next_field().await.map_err(multipart_error)? {
        parts.read(field).await?;
    }
    parts.into_value()
}

/// Reads the parts of a form that is in memory. Of a file it returns the facts.
#[cfg(feature = "cli")]
pub(crate) async fn form_parts(
    shape: Option<&Shape>,
    boundary: &str,
    body: Bytes,
) -> Result<Value, ApiError> {
    let uploads = UploadStore::new(false, 0, Arc::default());
    let mut pictures = Vec::new();
    let parts = Parts::of(shape, &uploads, &mut pictures);
    read_parts(tokio_stream::once(Ok(body)), boundary, parts).await
}

fn multipart_error(error: multra::Error) -> ApiError {
    use multra::Error;
    let unread = size_in_words(UNREAD_BYTES_MAX);
    match error {
        Error::StreamSizeExceeded { .. } => ApiError::upload_too_large(UPLOAD_BYTES_MAX),
        Error::IncompleteFieldData { .. } | Error::IncompleteHeaders | Error::IncompleteStream => {
            ApiError::broken_multipart("it ends before its closing boundary")
        }
        Error::FieldCountExceeded { .. } => {
            ApiError::broken_multipart(format_args!("it has more than {PARTS_MAX} parts"))
        }
        Error::PreambleSizeExceeded { .. } => {
            ApiError::broken_multipart(format_args!("no part begins within its first {unread}"))
        }
        Error::HeadersSizeExceeded { .. } => {
            ApiError::broken_multipart(format_args!("the head of a part is longer than {unread}"))
        }
        Error::ReadHeaderFailed(reason) => {
            ApiError::broken_multipart(format_args!("the head of a part is broken: {reason}"))
        }
        other => ApiError::broken_multipart(other),
    }
}

/// The parts that were read.
pub(super) struct Parts<'r> {
    /// The fields of the endpoint. None where there is no endpoint, such as in the control API.
    shape: Option<&'r Shape>,
    uploads: &'r UploadStore,
    pictures: &'r mut Vec<Picture>,
    tree: FormTree<PartValue>,
    /// The names of fields that take one value.
    single: HashSet<String>,
    text_bytes: usize,
}

enum PartValue {
    Json(Value),
    File(Value, Option<Picture>),
}

impl<'r> Parts<'r> {
    pub(super) fn of(
        shape: Option<&'r Shape>,
        uploads: &'r UploadStore,
        pictures: &'r mut Vec<Picture>,
    ) -> Self {
        Self {
            shape,
            uploads,
            pictures,
            tree: FormTree::default(),
            single: HashSet::new(),
            text_bytes: 0,
        }
    }

    async fn read(&mut self, field: Field<'_>) -> Result<(), ApiError> {
        let label = Label::of(&field)?;
        let mut path = form_path(&label.name);
        let mut shape = self.shape.and_then(|shape| shape.at(&path));
        let items = shape.and_then(Shape::items);
        let content = self.content(field, &label, items.or(shape)).await?;
        let is_unselected = label.file_name.as_deref() == Some("") && content.is_empty();
        if is_unselected {
            return Ok(()); // the user selected no file
        }
        let value = content.into_value(&label, shape)?;
        if items.is_some() && !value.is_list() {
            path.push(""); // `a` is `a[]` where the field is a list
            shape = items;
        }
        let is_repeatable = path.contains(&"") || !shape.is_some_and(Shape::is_single);
        if !is_repeatable && !self.single.insert(label.name.clone()) {
            return Err(ApiError::broken_multipart(format_args!(
                "the part `{}` is there twice, and its field takes one value",
                label.name
            )));
        }
        self.tree.insert(&path, value);
        Ok(())
    }

    /// The content of a part as text or as a file. `shape` is that of one value of the field.
    async fn content(
        &mut self,
        mut field: Field<'_>,
        label: &Label,
        shape: Option<&Shape>,
    ) -> Result<PartContent, ApiError> {
        let kind = PartKind::of(label, shape);
        let room = match kind {
            PartKind::File => self.uploads.room(),
            PartKind::Text | PartKind::Unknown => None,
        };
        let mut file = Upload::called(label.file_name.as_deref(), room);
        while let Some(chunk) = field.chunk().await.map_err(multipart_error)? {
            file.take(&chunk);
            if matches!(kind, PartKind::Text) {
                self.fit_text(file.bytes())?;
            }
        }
        let is_text = match kind {
            PartKind::Text => true,
            PartKind::File => false,
            PartKind::Unknown => label.charset.is_some() || file.is_text(),
        };
        if !is_text {
            return Ok(PartContent::File(Box::new(file)));
        }
        self.text_bytes = self.fit_text(file.bytes())?;
        Ok(PartContent::Text(label.decoded(&file.into_held())?))
    }

    /// The bytes of all texts with one more text.
    fn fit_text(&self, bytes: u64) -> Result<usize, ApiError> {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        let all = self.text_bytes.saturating_add(bytes);
        if all > BODY_BYTES_MAX {
            return Err(ApiError::body_too_large(BODY_BYTES_MAX));
        }
        Ok(all)
    }

    fn into_value(self) -> Result<Value, ApiError> {
        let pictures = self.pictures;
        self.tree.into_object(&mut |value, place| match value {
            PartValue::Json(value) => value,
            PartValue::File(facts, picture) => {
                pictures.extend(picture.map(|picture| Picture {
                    at: place.to_owned(),
                    ..picture
                }));
                facts
            }
        })
    }
}

/// What a part says of itself.
struct Label {
    name: String,
    file_name: Option<String>,
    has_type: bool,
    is_text_type: bool,
    is_json: bool,
    charset: Option<String>,
}

impl Label {
    fn of(field: &Field<'_>) -> Result<Self, ApiError> {
        let headers = field.headers();
        let disposition = headers.get(CONTENT_DISPOSITION).map(HeaderValue::as_bytes);
        if std::str::from_utf8(disposition.unwrap_or_default()).is_err() {
            return Err(ApiError::broken_multipart(
                "the content-disposition of a part is not UTF-8 text",
            ));
        }
        let name = field.name().unwrap_or_default();
        if name.is_empty() {
            return Err(ApiError::broken_multipart(
                "a part has no name in its content-disposition",
            ));
        }
        if let Some(encoding) = header(headers, &TRANSFER_ENCODING)
            && !PLAIN_ENCODINGS
                .iter()
                .any(|plain| encoding.eq_ignore_ascii_case(plain))
        {
            return Err(ApiError::broken_multipart(format_args!(
                "the part `{name}` has the content-transfer-encoding `{encoding}`: send its bytes as they are"
            )));
        }
        let charset = field
            .content_type()
            .and_then(|kind| kind.get_param("charset"));
        let content_type = header(headers, &CONTENT_TYPE);
        let starts_with = |start: &str| {
            let kind = content_type.as_deref().unwrap_or_default();
            kind.get(..start.len())
                .is_some_and(|begin| begin.eq_ignore_ascii_case(start))
        };
        if starts_with("multipart/") {
            return Err(ApiError::broken_multipart(format_args!(
                "the part `{name}` holds further parts: send one part for each file"
            )));
        }
        Ok(Self {
            name: name.to_owned(),
            file_name: field.file_name().map(str::to_owned),
            charset: charset.map(|charset| charset.to_string()),
            has_type: content_type.is_some(),
            is_text_type: starts_with("text/"),
            is_json: content_type.is_some_and(|kind| MediaType::named(&kind) == MediaType::Json),
        })
    }

    /// The text of the part, in the charset that its content-type names.
    fn decoded(&self, bytes: &[u8]) -> Result<String, ApiError> {
        let name = &self.name;
        let charset = match &self.charset {
            None => UTF_8,
            Some(charset) => Encoding::for_label(charset.as_bytes()).ok_or_else(|| {
                ApiError::broken_multipart(format_args!(
                    "the part `{name}` has the unknown charset `{charset}`"
                ))
            })?,
        };
        let text = charset.decode_without_bom_handling_and_without_replacement(bytes);
        let text = text.ok_or_else(|| {
            let charset = charset.name();
            ApiError::broken_multipart(format_args!("the part `{name}` is not {charset} text"))
        })?;
        Ok(text.into_owned())
    }
}

fn header(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let value = String::from_utf8_lossy(headers.get(name)?.as_bytes());
    Some(value.trim().to_owned())
}

/// How the content of a part is read.
enum PartKind {
    Text,
    File,
    /// The content decides: UTF-8 is text.
    Unknown,
}

impl PartKind {
    fn of(label: &Label, shape: Option<&Shape>) -> Self {
        match shape {
            // Text that says nothing of a file is most likely a mistake, such as a path. Then the field is
            // refused, because it is no file.
            Some(Shape::File) if label.file_name.is_none() && !label.has_type => Self::Unknown,
            Some(Shape::File) => Self::File,
            Some(
                Shape::Object(_)
                | Shape::Array(_)
                | Shape::Text
                | Shape::Integer
                | Shape::Number
                | Shape::Boolean,
            ) => Self::Text,
            Some(Shape::Any) if label.is_json => Self::Text,
            Some(Shape::Any) | None => {
                let is_text = label.is_text_type || label.is_json || !label.has_type;
                if label.file_name.is_some() || !is_text {
                    Self::File
                } else {
                    Self::Unknown
                }
            }
        }
    }
}

enum PartContent {
    Text(String),
    File(Box<Upload>),
}

impl PartContent {
    fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::File(file) => file.is_empty(),
        }
    }

    /// The value for a field of this shape. Objects, and lists that are labelled as JSON, are parsed.
    fn into_value(self, label: &Label, shape: Option<&Shape>) -> Result<PartValue, ApiError> {
        let text = match self {
            Self::Text(text) => text,
            Self::File(file) => {
                // Its place in the form is known when all parts are read. Its bytes need not wait for that.
                let (facts, picture) = file.facts(|| pointer_part(&label.name));
                return Ok(PartValue::File(facts, picture));
            }
        };
        let is_parsed = match shape {
            Some(Shape::Object(_)) => true,
            Some(Shape::Array(items)) => {
                matches!(**items, Shape::Object(_))
                    || label.is_json && text.trim_start().starts_with('[')
            }
            Some(Shape::Any) => label.is_json,
            Some(Shape::Text | Shape::Integer | Shape::Number | Shape::Boolean | Shape::File)
            | None => false,
        };
        if !is_parsed {
            return Ok(PartValue::Json(Value::String(text)));
        }
        match read_json(text.as_bytes()) {
            Ok((value, spellings)) if spellings.unfit(&value).is_empty() => {
                Ok(PartValue::Json(value))
            }
            Ok(_) | Err(UnreadableJson::Number(_)) => {
                Err(ApiError::broken_multipart(format_args!(
                    "a number in the part `{}` does not fit into 64 bits",
                    label.name
                )))
            }
            Err(UnreadableJson::Syntax(_)) if !label.is_json => {
                Ok(PartValue::Json(Value::String(text)))
            }
            Err(UnreadableJson::Syntax(error)) => Err(ApiError::broken_multipart(format_args!(
                "the part `{}` is not the JSON that its content-type says: {}",
                label.name,
                JsonMistake::of(text.as_bytes(), &error)
            ))),
        }
    }
}

impl PartValue {
    fn is_list(&self) -> bool {
        matches!(self, Self::Json(Value::Array(_)))
    }
}
