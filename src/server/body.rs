//! Reads a request's body off the wire, within its limits, uploads as a stream.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, BodyStream};
use hyper::HeaderMap;
use hyper::body::{Body as _, Incoming};
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE};
use multer::{Constraints, Multipart, SizeLimit};
use serde_json::{Map, Value};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_stream::{Stream, StreamExt};

use super::pace::BODY_TIME;
use crate::base::{grow_share, pointer_part, size_in_words};
use crate::control::UploadStore;
use crate::http::{ApiError, BODY_BYTES_MAX, Body, HELD_BYTES_MAX, MediaType, Picture, Upload};

/// How many bytes a whole multipart request may have.
pub(crate) const UPLOAD_BYTES_MAX: usize = 10 << 20;

const PARTS_MAX: usize = 100;

/// A body up to this size takes no share of the memory for bodies.
const SMALL_BYTES_MAX: usize = 64 << 10;

/// How many bytes of a multipart body may pass before a part, or a piece of one, is found.
const UNREAD_BYTES_MAX: usize = 64 << 10;

/// How much of a refused body is still read and thrown away. Otherwise a client that is still sending would
/// see its connection cut and not the answer.
const DRAINED_BYTES_MAX: usize = 128 << 20;

/// A body, and its share of what all bodies together may hold.
pub(crate) struct ReadBody {
    pub body: Body,
    /// The pictures of a multipart form, for open inspectors.
    pub pictures: Vec<Picture>,
    pub share: Option<OwnedSemaphorePermit>,
}

impl ReadBody {
    /// A body that did not come within the time for it.
    pub(super) fn late() -> Self {
        Self {
            body: Body::Unreadable(ApiError::body_too_late(BODY_TIME)),
            pictures: Vec::new(),
            share: None,
        }
    }
}

/// Reads the body of a request. None when the client went away: there is nobody left to answer. The
/// connection limits the time.
pub(crate) async fn read(
    headers: &HeaderMap,
    mut incoming: Incoming,
    bytes_max: usize,
    bodies: &Arc<Semaphore>,
    uploads: &UploadStore,
) -> Option<ReadBody> {
    let mut pictures = Vec::new();
    let mut share = Share { bodies, held: None };
    let read = async {
        if incoming.is_end_stream() {
            return Ok(Body::Empty);
        }
        if let Some(encoding) = headers.get(CONTENT_ENCODING)
            && !encoding.as_bytes().eq_ignore_ascii_case(b"identity")
        {
            Box::pin(drain(&mut incoming)).await?;
            return Ok(Body::Unreadable(ApiError::unsupported_content_type(
                "A body with a content-encoding is not taken: send it as it is.",
            )));
        }
        if MediaType::of(headers) == MediaType::Multipart {
            return Box::pin(read_multipart(
                headers,
                incoming,
                &mut share,
                uploads,
                &mut pictures,
            ))
            .await;
        }
        read_bytes(incoming, bytes_max, &mut share).await
    };
    let body = read.await.ok()?;
    if matches!(body, Body::Unreadable(_)) {
        pictures.clear();
    }
    Some(ReadBody {
        body,
        pictures,
        share: share.held,
    })
}

/// The client went away.
struct ClientGone;

/// How many shares all bodies in flight may hold together. One share is `BODY_BYTES_MAX` bytes.
pub(crate) const SHARES_MAX: usize = 128;

/// The shares of one body. A body that is not small takes them before it is held in memory.
struct Share<'a> {
    bodies: &'a Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
}

impl Share<'_> {
    fn take(&mut self, bytes: usize) -> Result<(), ApiError> {
        if grow_share(&mut self.held, self.bodies, bytes.div_ceil(BODY_BYTES_MAX)) {
            return Ok(());
        }
        Err(ApiError::sandbox_full(
            "Too many large bodies are being sent at the same time.",
        ))
    }
}

async fn read_bytes(
    mut incoming: Incoming,
    bytes_max: usize,
    share: &mut Share<'_>,
) -> Result<Body, ClientGone> {
    let mut whole = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = incoming.frame().await {
        let Ok(data) = frame.map_err(|_| ClientGone)?.into_data() else {
            continue; // trailers
        };
        let bytes = whole.len() + rest.len() + data.len();
        let mut room = Ok(());
        if bytes > bytes_max {
            room = Err(ApiError::body_too_large(bytes_max));
        } else if bytes > SMALL_BYTES_MAX {
            room = share.take(bytes);
        }
        if let Err(error) = room {
            drop((whole, rest));
            Box::pin(drain(&mut incoming)).await?;
            return Ok(Body::Unreadable(error));
        }
        if whole.is_empty() && rest.is_empty() {
            whole = data; // nearly always the whole body: not copied
            if incoming.is_end_stream() {
                break;
            }
        } else {
            if rest.is_empty() {
                rest.extend_from_slice(&whole);
                whole = Bytes::new();
            }
            rest.extend_from_slice(&data);
        }
    }
    let body = if rest.is_empty() {
        whole
    } else {
        rest.freeze()
    };
    Ok(if body.is_empty() {
        Body::Empty
    } else {
        Body::Bytes(body)
    })
}

async fn read_multipart(
    headers: &HeaderMap,
    incoming: Incoming,
    share: &mut Share<'_>,
    uploads: &UploadStore,
    pictures: &mut Vec<Picture>,
) -> Result<Body, ClientGone> {
    let boundary = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| multer::parse_boundary(value).ok());
    let mut whole_bytes = 0;
    let unread = AtomicUsize::new(0);
    let mut stream = BodyStream::new(incoming)
        .filter_map(|frame| frame.map(|frame| frame.into_data().ok()).transpose())
        .map(|data| data.map_err(|_| StreamError::Gone))
        .map(|data| {
            let data = data?;
            whole_bytes += data.len();
            // Counts the bytes since the parser last found anything.
            if unread.fetch_add(data.len(), Ordering::Relaxed) > UNREAD_BYTES_MAX {
                return Err(StreamError::NoPart);
            }
            Ok(data)
        });
    let parts = match (boundary, share.take(HELD_BYTES_MAX)) {
        (_, Err(error)) => Err(error),
        (None, _) => Err(ApiError::broken_multipart(
            "the content-type does not say its boundary",
        )),
        (Some(boundary), _) => read_parts(&mut stream, boundary, &unread, uploads, pictures).await,
    };
    // Reads what follows the last boundary, or the rest of a body that is refused already.
    let mut drained = 0;
    while let Some(data) = stream.next().await {
        unread.store(0, Ordering::Relaxed);
        match data {
            Ok(data) => drained += data.len(),
            Err(StreamError::NoPart) => {}
            Err(StreamError::Gone) => return Err(ClientGone),
        }
        if drained > DRAINED_BYTES_MAX {
            return Err(ClientGone);
        }
    }
    drop(stream);
    if whole_bytes == 0 {
        return Ok(Body::Empty);
    }
    Ok(match parts {
        Ok(_) if whole_bytes > UPLOAD_BYTES_MAX => {
            Body::Unreadable(ApiError::upload_too_large(UPLOAD_BYTES_MAX))
        }
        Ok(parts) => Body::Parts(parts),
        Err(error) => Body::Unreadable(error),
    })
}

/// Why the stream of a multipart body gives nothing more.
#[derive(Debug, thiserror::Error)]
enum StreamError {
    #[error("the client is gone")]
    Gone,
    #[error(
        "no part begins within its first {}, or a part's head is longer",
        size_in_words(UNREAD_BYTES_MAX)
    )]
    NoPart,
}

async fn read_parts<S>(
    stream: &mut S,
    boundary: String,
    unread: &AtomicUsize,
    uploads: &UploadStore,
    pictures: &mut Vec<Picture>,
) -> Result<Value, ApiError>
where
    S: Stream<Item = Result<Bytes, StreamError>> + Send + Unpin,
{
    let limits =
        Constraints::new().size_limit(SizeLimit::new().whole_stream(UPLOAD_BYTES_MAX as u64));
    let mut multipart = Multipart::with_constraints(stream, boundary, limits);
    let mut parts = Map::new();
    let mut text_bytes = 0;
    let mut count = 0;
    while let Some(mut field) = multipart.next_field().await.map_err(multipart_error)? {
        unread.store(0, Ordering::Relaxed);
        count += 1;
        if count > PARTS_MAX {
            return Err(ApiError::broken_multipart(format_args!(
                "it has more than {PARTS_MAX} parts"
            )));
        }
        let name = field.name().unwrap_or_default().to_owned();
        if parts.contains_key(&name) {
            pictures.retain(|one| one.at != pointer_part(&name)); // the last part of a name counts
        }
        let is_text = field
            .content_type()
            .is_none_or(|kind| kind.type_().as_str() == "text");
        let is_file = field.file_name().is_some();
        // Some clients send a file without a file name. Only its type shows that it is a file.
        let value = if is_file || !is_text {
            let mut file = Upload::called(field.file_name(), uploads.room());
            while let Some(chunk) = field.chunk().await.map_err(multipart_error)? {
                unread.store(0, Ordering::Relaxed);
                file.take(&chunk);
            }
            let (facts, picture) = file.facts(|| pointer_part(&name));
            pictures.extend(picture);
            facts
        } else {
            let mut text = Vec::new();
            while let Some(chunk) = field.chunk().await.map_err(multipart_error)? {
                unread.store(0, Ordering::Relaxed);
                text_bytes += chunk.len();
                if text_bytes > BODY_BYTES_MAX {
                    return Err(ApiError::body_too_large(BODY_BYTES_MAX));
                }
                text.extend_from_slice(&chunk);
            }
            String::from_utf8(text)
                .map_err(|_| {
                    ApiError::broken_multipart(format_args!("the part `{name}` is not UTF-8 text"))
                })?
                .into()
        };
        parts.insert(name, value);
    }
    Ok(Value::Object(parts))
}

fn multipart_error(error: multer::Error) -> ApiError {
    match error {
        multer::Error::StreamSizeExceeded { .. } => ApiError::upload_too_large(UPLOAD_BYTES_MAX),
        multer::Error::IncompleteFieldData { .. }
        | multer::Error::IncompleteHeaders
        | multer::Error::IncompleteStream => {
            ApiError::broken_multipart("it ends before its closing boundary")
        }
        multer::Error::StreamReadFailed(error) => ApiError::broken_multipart(error),
        other => ApiError::broken_multipart(other),
    }
}

async fn drain(incoming: &mut Incoming) -> Result<(), ClientGone> {
    let mut drained = 0;
    while let Some(frame) = incoming.frame().await {
        if let Ok(data) = frame.map_err(|_| ClientGone)?.into_data() {
            drained += data.len();
        }
        if drained > DRAINED_BYTES_MAX {
            return Err(ClientGone);
        }
    }
    Ok(())
}
