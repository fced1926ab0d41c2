//! Reads a request's body off the wire, within its limits, uploads as a stream.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, BodyStream};
use hyper::body::{Body as _, Incoming};
use hyper::header::CONTENT_ENCODING;
use hyper::http::request::Parts as Head;
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_stream::{Stream, StreamExt};

use super::beginning::{BEGINNING_BYTES, lacks_carriage_returns, other_boundary};
use super::broken_body::{ClientGone, broken_framing};
use super::log::{log_abandoned_body, log_unreadable_body};
use super::multipart::{Parts, UPLOAD_BYTES_MAX, read_parts};
use super::pace::BODY_TIME;
use super::record::{asked_endpoint, uploads};
use super::serving::Serving;
use crate::base::{grow_share, size_in_words};
use crate::control;
use crate::http::{
    ApiError, BODY_BYTES_MAX, BODY_WITH_FILES_BYTES_MAX, Body, HELD_BYTES_MAX, MediaType, Picture,
    boundary_of,
};

/// A body up to this size takes no share of the memory for bodies.
const SMALL_BYTES_MAX: usize = 64 << 10;

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

/// Where a body comes from.
pub(super) struct BodySource<'r> {
    pub serving: &'r Serving,
    pub head: &'r Head,
}

impl BodySource<'_> {
    /// How large a body may be that is no upload.
    fn bytes_max(&self) -> usize {
        if uploads(self.serving, self.head).is_some() {
            BODY_WITH_FILES_BYTES_MAX
        } else {
            control::body_bytes_max(self.head)
        }
    }

    /// The connection failed within the body. A client that broke the framing finds the reason in the log.
    fn gone(&self, error: &hyper::Error) -> ClientGone {
        if let Some(reason) = broken_framing(error) {
            log_unreadable_body(self.head, &reason);
        } else {
            log_abandoned_body(self.head);
        }
        ClientGone
    }

    /// The body is refused, and its client goes on sending.
    fn cut(&self) -> ClientGone {
        let most = size_in_words(DRAINED_BYTES_MAX);
        let reason = format!("it was refused, and the client went on for more than {most}");
        log_unreadable_body(self.head, &reason);
        ClientGone
    }
}

/// Reads the body of a request. None when the client went away: there is nobody left to answer. The
/// connection limits the time.
pub(super) async fn read(from: BodySource<'_>, mut incoming: Incoming) -> Option<ReadBody> {
    let headers = &from.head.headers;
    let mut pictures = Vec::new();
    let mut share = Share {
        bodies: &from.serving.bodies,
        held: None,
    };
    let read = async {
        if incoming.is_end_stream() {
            return Ok(Body::Empty);
        }
        if let Some(encoding) = headers.get(CONTENT_ENCODING)
            && !encoding.as_bytes().eq_ignore_ascii_case(b"identity")
        {
            Box::pin(drain(&from, &mut incoming)).await?;
            return Ok(Body::Unreadable(ApiError::unsupported_content_type(
                "A body with a content-encoding is not taken: send it as it is.",
            )));
        }
        if MediaType::of(headers) == MediaType::Multipart {
            let reading = read_multipart(&from, incoming, &mut share, &mut pictures);
            return Box::pin(reading).await;
        }
        read_bytes(&from, incoming, &mut share).await
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
    from: &BodySource<'_>,
    mut incoming: Incoming,
    share: &mut Share<'_>,
) -> Result<Body, ClientGone> {
    let mut whole = Bytes::new();
    let mut rest = BytesMut::new();
    let mut bytes_max = None;
    while let Some(frame) = incoming.frame().await {
        let Ok(data) = frame.map_err(|error| from.gone(&error))?.into_data() else {
            continue; // trailers
        };
        let bytes = whole.len() + rest.len() + data.len();
        let mut room = Ok(());
        if bytes > SMALL_BYTES_MAX {
            let bytes_max = *bytes_max.get_or_insert_with(|| from.bytes_max());
            room = if bytes > bytes_max {
                Err(ApiError::body_too_large(bytes_max))
            } else {
                share.take(bytes)
            };
        }
        if let Err(error) = room {
            drop((whole, rest));
            Box::pin(drain(from, &mut incoming)).await?;
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
    from: &BodySource<'_>,
    mut incoming: Incoming,
    share: &mut Share<'_>,
    pictures: &mut Vec<Picture>,
) -> Result<Body, ClientGone> {
    let mut whole_bytes = 0;
    let mut is_gone = false;
    let mut stream = BodyStream::new(&mut incoming)
        .filter_map(|frame| frame.map(|frame| frame.into_data().ok()).transpose())
        .map(|data| {
            let data = data.map_err(|error| {
                is_gone = true;
                from.gone(&error)
            })?;
            whole_bytes += data.len();
            Ok(data)
        });
    let parts = match share.take(HELD_BYTES_MAX) {
        Err(error) => Err(error),
        Ok(()) => read_form(from, &mut stream, pictures).await?,
    };
    // Reads what follows the last boundary, or the rest of a body that is refused already.
    let mut drained = 0;
    while let Some(data) = stream.next().await {
        drained += data?.len();
        if drained > DRAINED_BYTES_MAX {
            return Err(from.cut());
        }
    }
    drop(stream);
    if is_gone {
        return Err(ClientGone); // the parser has taken the error out of the stream
    }
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

/// Reads a form up to its last boundary.
async fn read_form<S>(
    from: &BodySource<'_>,
    mut stream: S,
    pictures: &mut Vec<Picture>,
) -> Result<Result<Value, ApiError>, ClientGone>
where
    S: Stream<Item = Result<Bytes, ClientGone>> + Send + Unpin,
{
    let boundary = match boundary_of(&from.head.headers) {
        Ok(boundary) => boundary,
        Err(reason) => return Ok(Err(ApiError::broken_multipart(reason))),
    };
    let mut beginning = BytesMut::new();
    while beginning.len() < BEGINNING_BYTES
        && let Some(data) = stream.next().await
    {
        beginning.extend_from_slice(&data?);
    }
    let beginning = beginning.freeze();
    let first = beginning.slice(..beginning.len().min(BEGINNING_BYTES));
    if lacks_carriage_returns(&first, &boundary) {
        let reason = "its lines must end in CR LF, and some end in LF alone";
        return Ok(Err(ApiError::broken_multipart(reason)));
    }
    let catalogue = Arc::clone(&from.serving.control.engine.catalogue());
    let endpoint = asked_endpoint(&catalogue, from.head);
    let shape = endpoint.map(|endpoint| &endpoint.schema.shape);
    let parts = Parts::of(shape, &from.serving.control.uploads, pictures);
    let whole = tokio_stream::iter([Ok(beginning)]).chain(stream);
    let read = read_parts(whole, &boundary, parts).await;
    let or_other_boundary =
        |error| other_boundary(&first, &boundary).map_or(error, ApiError::broken_multipart);
    Ok(read.map_err(or_other_boundary))
}

async fn drain(from: &BodySource<'_>, incoming: &mut Incoming) -> Result<(), ClientGone> {
    let mut drained = 0;
    while let Some(frame) = incoming.frame().await {
        if let Ok(data) = frame.map_err(|error| from.gone(&error))?.into_data() {
            drained += data.len();
        }
        if drained > DRAINED_BYTES_MAX {
            return Err(from.cut());
        }
    }
    Ok(())
}
