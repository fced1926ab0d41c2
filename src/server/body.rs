//! Reads a request's body off the wire, within its limits, uploads as a stream.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, BodyStream};
use hyper::Version;
use hyper::body::{Body as _, Incoming};
use hyper::header::CONTENT_ENCODING;
use hyper::http::request::Parts as Head;
use serde_json::Value;
use tokio::time::timeout;
use tokio_stream::{Stream, StreamExt};

use super::beginning::{BEGINNING_BYTES, lacks_carriage_returns, other_boundary};
use super::broken_body::{ClientGone, broken_framing};
use super::log::{log_abandoned_body, log_unreadable_body};
use super::multipart::{Parts, UPLOAD_BYTES_MAX, read_parts};
use super::pace::BODY_TIME;
use super::record::{asked_endpoint, uploads};
use super::serving::Serving;
use crate::base::{InFlightShare, NoRoom, size_in_words};
use crate::control;
use crate::http::{
    self, ApiError, BODY_WITH_FILES_BYTES_MAX, Body, HELD_BYTES_MAX, MediaType, Picture,
    boundary_of,
};

/// Up to this size nobody asks how large a body may be.
const SMALL_BYTES_MAX: usize = 64 << 10;

/// How much of a refused body is still read and thrown away. Otherwise a client that is still sending
/// would see its connection cut and not the answer.
const DRAINED_BYTES_MAX: usize = 128 << 20;

/// How long the rest of a refused body is read over HTTP/2. Some clients miss an answer that comes while they send.
const DRAINED_TIME: Duration = Duration::from_secs(1);

/// A body that has been read.
pub(crate) struct ReadBody {
    pub body: Body,
    /// The pictures of a multipart form, for open inspectors.
    pub pictures: Vec<Picture>,
}

impl ReadBody {
    /// A body that did not come within the time for it.
    pub(super) fn late() -> Self {
        Self {
            body: Body::Unreadable(ApiError::body_too_late(BODY_TIME)),
            pictures: Vec::new(),
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

    /// Whether the rest of a refused body may be left unread. Over HTTP/2 its client is told to stop sending, and the answer
    /// comes through.
    fn may_be_left(&self) -> bool {
        self.head.version == Version::HTTP_2
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

/// Reads the body of a request into its share of the memory. None when the client went away: there is nobody left to
/// answer. The connection limits the time.
pub(super) async fn read(
    from: BodySource<'_>,
    mut incoming: Incoming,
    share: &mut InFlightShare,
) -> Option<ReadBody> {
    let headers = &from.head.headers;
    let mut pictures = Vec::new();
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
            let reading = read_multipart(&from, incoming, share, &mut pictures);
            return Box::pin(reading).await;
        }
        read_bytes(&from, incoming, share).await
    };
    let body = read.await.ok()?;
    if matches!(body, Body::Unreadable(_)) {
        pictures.clear();
    }
    Some(ReadBody { body, pictures })
}

/// Refuses a request for which there is no room, and throws its body away.
pub(super) async fn refuse(
    from: BodySource<'_>,
    mut incoming: Incoming,
    reason: NoRoom,
) -> Option<ReadBody> {
    drain(&from, &mut incoming).await.ok()?;
    Some(ReadBody {
        body: Body::Unreadable(ApiError::no_memory(reason)),
        pictures: Vec::new(),
    })
}

async fn read_bytes(
    from: &BodySource<'_>,
    mut incoming: Incoming,
    share: &mut InFlightShare,
) -> Result<Body, ClientGone> {
    let mut read_whole = Bytes::new();
    let mut read = Vec::new();
    let mut bytes_max = None;
    while let Some(frame) = incoming.frame().await {
        let Ok(data) = frame.map_err(|error| from.gone(&error))?.into_data() else {
            continue; // trailers
        };
        let bytes = read.len() + data.len();
        let is_too_large =
            bytes > SMALL_BYTES_MAX && bytes > *bytes_max.get_or_insert_with(|| from.bytes_max());
        let room = if is_too_large {
            Err(ApiError::body_too_large(bytes_max.unwrap_or_default()))
        } else {
            grow(share, from, bytes).await
        };
        if let Err(error) = room {
            drop((read, data));
            leave(share, from);
            Box::pin(drain(from, &mut incoming)).await?;
            return Ok(Body::Unreadable(error));
        }
        if read.is_empty() && incoming.is_end_stream() {
            read_whole = data; // nearly always the whole body: not copied
            break;
        }
        if bytes > read.capacity() {
            read.reserve_exact(share.body_room() - read.len()); // never more than what is counted
        }
        read.extend_from_slice(&data); // a piece would hold the whole buffer that it was read into
    }
    let body = if read.is_empty() {
        read_whole
    } else {
        read.into()
    };
    Ok(if body.is_empty() {
        Body::Empty
    } else {
        Body::Bytes(body)
    })
}

/// Gives room back, because the rest of the body is not kept.
fn leave(share: &mut InFlightShare, from: &BodySource<'_>) {
    if from.may_be_left() {
        let head_bytes = http::head_bytes(&from.head.uri, &from.head.headers);
        share.shrink(&from.serving.control.in_flight, head_bytes);
    } else {
        share.release();
    }
}

/// Grows the share of a request to so many bytes of its body.
async fn grow(
    share: &mut InFlightShare,
    from: &BodySource<'_>,
    bytes: usize,
) -> Result<(), ApiError> {
    let grown = share.grow(&from.serving.control.in_flight, bytes).await;
    grown.map_err(ApiError::no_memory)
}

async fn read_multipart(
    from: &BodySource<'_>,
    mut incoming: Incoming,
    share: &mut InFlightShare,
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
    let room = grow(share, from, HELD_BYTES_MAX).await;
    let has_room = room.is_ok();
    let parts = match room {
        Err(error) => {
            leave(share, from);
            Err(error)
        }
        Ok(()) => read_form(from, &mut stream, pictures).await?,
    };
    match &parts {
        Ok(_) => drain_rest(from, &mut stream).await?, // what follows the last boundary
        Err(_) => drain_refused(from, &mut stream).await?,
    }
    drop(stream);
    if is_gone {
        return Err(ClientGone); // the parser has taken the error out of the stream
    }
    if whole_bytes == 0 && has_room {
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
    let stream = BodyStream::new(incoming)
        .filter_map(|frame| frame.map(|frame| frame.into_data().ok()).transpose())
        .map(|data| data.map_err(|error| from.gone(&error)));
    drain_refused(from, stream).await
}

/// Throws the rest of a refused body away.
async fn drain_refused<S>(from: &BodySource<'_>, stream: S) -> Result<(), ClientGone>
where
    S: Stream<Item = Result<Bytes, ClientGone>> + Unpin,
{
    let draining = drain_rest(from, stream);
    if from.may_be_left() {
        return timeout(DRAINED_TIME, draining).await.unwrap_or(Ok(()));
    }
    draining.await
}

async fn drain_rest<S>(from: &BodySource<'_>, mut stream: S) -> Result<(), ClientGone>
where
    S: Stream<Item = Result<Bytes, ClientGone>> + Unpin,
{
    let mut drained = 0;
    while let Some(data) = stream.next().await {
        drained += data?.len();
        if drained > DRAINED_BYTES_MAX {
            return Err(from.cut());
        }
    }
    Ok(())
}
