//! The body of a request, as an export has it: JSON, or the fields of a form.

use std::io::Read;

use bytes::Bytes;
use flate2::read::GzDecoder;
use hyper::HeaderMap;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use serde_json::{Map, Value};

use super::entry::{Headers, SentBody, SentField};
use crate::base::{read_exact_json, size_in_words};
use crate::catalogue::Shape;
use crate::http::{FormTree, MediaType, boundary_of, form_path, parse_form};
use crate::server::form_parts;

/// A reply that was recorded compressed is not unpacked beyond this size.
const UNPACKED_BYTES_MAX: usize = 16 << 20;

/// A body, and the exact text of it where there is one.
pub(super) struct LineBody {
    pub value: Value,
    pub text: Option<String>,
    pub bytes: usize,
    /// Whether it has everything that was sent.
    pub is_whole: bool,
}

impl LineBody {
    /// The fields of a request decide which part of a form is a file.
    pub(super) fn of(body: &SentBody, headers: &Headers, shape: Option<&Shape>) -> Self {
        let content_type = headers.get("content-type").unwrap_or_default();
        match body {
            SentBody::Bytes(bytes) if bytes.is_empty() => Self {
                value: Value::Null,
                text: None,
                bytes: 0,
                is_whole: true,
            },
            SentBody::Missing => Self {
                value: Value::Null,
                text: None,
                bytes: 0,
                is_whole: false,
            },
            SentBody::Bytes(bytes) => Self::of_bytes(bytes, content_type, shape),
            SentBody::Fields { media_type, fields } => {
                let is_named = !content_type.is_empty();
                let content_type = if is_named { content_type } else { media_type };
                match MediaType::named(content_type) {
                    MediaType::Multipart => Self::of_parts(fields),
                    MediaType::Json | MediaType::Form | MediaType::Other => {
                        Self::of_bytes(&encoded(fields), content_type, shape)
                    }
                }
            }
        }
    }

    fn of_bytes(bytes: &[u8], content_type: &str, shape: Option<&Shape>) -> Self {
        let text = str::from_utf8(bytes).ok();
        let shown = || Value::from(text.unwrap_or_default());
        let value = match MediaType::named(content_type) {
            MediaType::Multipart => return Self::of_multipart(bytes, content_type, shape),
            MediaType::Form => parse_form(bytes).unwrap_or_else(|_| shown()),
            MediaType::Json | MediaType::Other => read_exact_json(bytes).unwrap_or_else(shown),
        };
        Self {
            value,
            text: text.map(str::to_owned),
            bytes: bytes.len(),
            is_whole: text.is_some(),
        }
    }

    /// Browsers and proxies write bytes that are no text as U+FFFD. Such a file is not the one that was sent.
    fn of_multipart(bytes: &[u8], content_type: &str, shape: Option<&Shape>) -> Self {
        let has_replaced = String::from_utf8_lossy(bytes).contains('\u{fffd}');
        let is_text = str::from_utf8(bytes).is_ok();
        let content = Bytes::copy_from_slice(bytes);
        let parts = boundary(content_type).and_then(|boundary| {
            let runtime = tokio::runtime::Builder::new_current_thread().build().ok()?;
            (runtime.block_on(form_parts(shape, &boundary, content))).ok()
        });
        Self {
            is_whole: parts.is_some() && !(has_replaced && is_text),
            value: parts.unwrap_or_default(),
            text: None,
            bytes: bytes.len(),
        }
    }

    /// The parts of a form, of whose files only the names are known.
    fn of_parts(fields: &[SentField]) -> Self {
        let mut tree = FormTree::default();
        let mut is_whole = true;
        for field in fields {
            let is_file = field.file_name.is_some();
            is_whole &= !is_file && field.value.is_some();
            if !is_file {
                let value = Value::from(field.value.as_deref().unwrap_or_default());
                tree.insert(&form_path(&field.name), value);
            }
        }
        let value = tree.into_object(&mut |value, _| value);
        Self {
            is_whole: is_whole && value.is_ok(),
            value: value.unwrap_or_else(|_| Map::new().into()),
            text: None,
            bytes: 0,
        }
    }
}

fn boundary(content_type: &str) -> Option<String> {
    let value = HeaderValue::from_str(content_type).ok()?;
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, value)]);
    boundary_of(&headers).ok()
}

fn encoded(fields: &[SentField]) -> Vec<u8> {
    let mut form = form_urlencoded::Serializer::new(String::new());
    for field in fields {
        form.append_pair(&field.name, field.value.as_deref().unwrap_or_default());
    }
    form.finish().into_bytes()
}

/// Some proxies write the bytes of a reply as they came over the wire.
pub(super) fn unpacked(bytes: Vec<u8>) -> Result<Vec<u8>, String> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(bytes);
    }
    let mut unpacked = Vec::new();
    let most = UNPACKED_BYTES_MAX as u64 + 1;
    let read = GzDecoder::new(&*bytes)
        .take(most)
        .read_to_end(&mut unpacked);
    match read {
        Err(_) => Err("the gzip of their replies is broken".to_owned()),
        Ok(_) if unpacked.len() > UNPACKED_BYTES_MAX => Err(format!(
            "their replies are larger than {} when they are unpacked",
            size_in_words(UNPACKED_BYTES_MAX)
        )),
        Ok(_) => Ok(unpacked),
    }
}
