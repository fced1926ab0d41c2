//! `traceparent`, `tracestate` and `x-request-id`: a request has them, and its callbacks carry them on.
//!
//! W3C Trace Context lets a sender pass `traceparent` on as it is, as a proxy does. The sandbox does this, because it
//! reports no span: a callback with an id of its own would belong to a span that nobody can find.

use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};

use super::single_headers::single_header;

const TRACEPARENT_HEADER: HeaderName = HeaderName::from_static("traceparent");
const REQUEST_ID_HEADER: HeaderName = HeaderName::from_static("x-request-id");
const TRACESTATE_HEADER: HeaderName = HeaderName::from_static("tracestate");

/// A longer id is not carried on.
pub(crate) const REQUEST_ID_BYTES_MAX: usize = 200;

/// The length that W3C Trace Context asks every sender to carry on.
const TRACESTATE_BYTES_MAX: usize = 512;

/// The length of `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`.
const TRACEPARENT_BYTES: usize = 55;

/// The flags of version 00: sampled, and random trace id.
const KNOWN_FLAGS: u8 = 0b11;

/// What a request says about the trace that it belongs to. At least one of the values is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TraceContext {
    pub traceparent: Option<Traceparent>,
    /// Only together with `traceparent`.
    pub tracestate: Option<Box<str>>,
    pub request_id: Option<Box<str>>,
    /// The id as the log shows it: without secrets. None with `--redact`.
    pub logged_request_id: Option<Box<str>>,
}

/// A valid `traceparent` in version 00.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Traceparent(Box<str>);

/// The traces that a filter asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TraceparentFilter {
    Whole(Traceparent),
    /// All with this trace id.
    TraceId(Box<str>),
}

impl TraceContext {
    /// The trace of a request. A header that is not well-formed counts as missing, as W3C Trace Context wants it.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let text = |name| single_header(headers, name).ok()??.to_str().ok();
        let traceparent = text(TRACEPARENT_HEADER).and_then(Traceparent::parse);
        let tracestate = traceparent.as_ref().and_then(|_| tracestate(headers));
        let request_id = text(REQUEST_ID_HEADER).filter(|id| is_request_id(id));
        Self::from_parts(traceparent, tracestate, request_id.map(Into::into))
    }

    pub(crate) fn from_parts(
        traceparent: Option<Traceparent>,
        tracestate: Option<Box<str>>,
        request_id: Option<Box<str>>,
    ) -> Option<Self> {
        let is_there = traceparent.is_some() || request_id.is_some();
        is_there.then_some(Self {
            traceparent,
            tracestate,
            request_id,
            logged_request_id: None,
        })
    }

    pub(crate) fn traceparent(&self) -> Option<&str> {
        self.traceparent.as_ref().map(Traceparent::as_str)
    }

    /// Adds the headers to a callback.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        for (name, value) in [
            (TRACEPARENT_HEADER, self.traceparent()),
            (TRACESTATE_HEADER, self.tracestate.as_deref()),
            (REQUEST_ID_HEADER, self.request_id.as_deref()),
        ] {
            if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
                headers.insert(name, value);
            }
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        let texts = [&self.tracestate, &self.request_id];
        let texts = texts.into_iter().flatten().map(|text| text.len());
        self.traceparent().map_or(0, str::len) + texts.sum::<usize>() + size_of::<Self>()
    }
}

impl Traceparent {
    /// Reads a header. A later version is written as version 00, the only one that is known.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let is_ascii = text.is_ascii() && text.len() >= TRACEPARENT_BYTES;
        let (known, rest) = text
            .split_at_checked(TRACEPARENT_BYTES)
            .filter(|_| is_ascii)?;
        let mut parts = known.split('-');
        let (version, trace_id) = (parts.next()?, parts.next()?);
        let (parent_id, flags) = (parts.next()?, parts.next()?);
        let is_well_formed = is_hex(version, 2)
            && version != "ff"
            && is_id(trace_id, 32)
            && is_id(parent_id, 16)
            && is_hex(flags, 2)
            && parts.next().is_none();
        let is_whole = match version {
            "00" => rest.is_empty(),
            _ => rest.is_empty() || rest.starts_with('-'),
        };
        if !is_well_formed || !is_whole {
            return None;
        }
        if version == "00" {
            return Some(Self(known.into()));
        }
        let flags = u8::from_str_radix(flags, 16).ok()? & KNOWN_FLAGS;
        Some(Self(
            format!("00-{trace_id}-{parent_id}-{flags:02x}").into(),
        ))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The 32 hex digits that all parts of a trace share.
    pub(crate) fn trace_id(&self) -> &str {
        &self.0[3..35]
    }
}

impl TraceparentFilter {
    /// The error is a sentence.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if is_id(text, 32) {
            return Ok(Self::TraceId(text.into()));
        }
        Traceparent::parse(text).map(Self::Whole).ok_or_else(|| {
            "write a traceparent such as 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01, or the 32 hex digits \
             of its trace id, in lower case"
                .to_owned()
        })
    }

    pub(crate) fn takes(&self, traceparent: &Traceparent) -> bool {
        match self {
            Self::Whole(whole) => whole == traceparent,
            Self::TraceId(id) => **id == *traceparent.trace_id(),
        }
    }
}

/// Reads the id of a request in a filter. The error is a sentence.
pub(crate) fn request_id(text: &str) -> Result<String, String> {
    if is_request_id(text) {
        return Ok(text.to_owned());
    }
    Err(format!(
        "write an id of 1 to {REQUEST_ID_BYTES_MAX} printable ASCII characters: callbacks carry no other"
    ))
}

/// Whether a list of vendors is carried on.
pub(crate) fn is_tracestate(text: &str) -> bool {
    !text.is_empty() && text.len() <= TRACESTATE_BYTES_MAX && is_printable(text)
}

/// The lists of all `tracestate` headers as one. None if it is too long.
fn tracestate(headers: &HeaderMap) -> Option<Box<str>> {
    let lists = headers.get_all(TRACESTATE_HEADER).iter();
    let lists: Result<Vec<_>, _> = lists.map(HeaderValue::to_str).collect();
    let list = lists.ok()?.join(",");
    is_tracestate(&list).then(|| list.into())
}

fn is_request_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= REQUEST_ID_BYTES_MAX && is_printable(text)
}

/// Whether a text is ASCII that a header keeps as it is: nothing invisible, and no blank at an end.
fn is_printable(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~')) && text.trim() == text
}

fn is_hex(text: &str, length: usize) -> bool {
    let is_digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    text.len() == length && text.bytes().all(is_digit)
}

/// An id of zeros means that there is none.
fn is_id(text: &str, length: usize) -> bool {
    is_hex(text, length) && text.bytes().any(|byte| byte != b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_traceparent_is_read_by_the_rules_of_w3c() {
        let read = |text: &str| Traceparent::parse(text).map(|read| read.as_str().to_owned());
        assert_eq!(read(VALID).as_deref(), Some(VALID));
        let later = VALID.replace("00-4b", "cc-4b").replace("-01", "-f9");
        assert_eq!(read(&later).as_deref(), Some(VALID));
        assert_eq!(read(&format!("{later}-more")).as_deref(), Some(VALID));
        for wrong in [
            "",
            &VALID[1..],
            &VALID[..54],
            &format!("{VALID}-more"),
            &format!("{later}more"),
            &VALID.to_uppercase(),
            &VALID.replace("00-4b", "ff-4b"),
            &VALID.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            &VALID.replace("00f067aa0ba902b7", &"0".repeat(16)),
            &VALID.replace("-01", "-0x"),
            &VALID.replace("4bf9", "4b-9"),
            &VALID.replace("4bf9", "4bé"),
            &VALID.replace('-', "_"),
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_filter_takes_a_whole_traceparent_or_a_trace_id() {
        let one = Traceparent::parse(VALID).expect("it is valid");
        let other = VALID.replace("00f067aa0ba902b7", "00f067aa0ba902b8");
        let other = Traceparent::parse(&other).expect("it is valid");
        let filter = |text: &str| TraceparentFilter::parse(text).expect("it is valid");
        assert!(filter(VALID).takes(&one) && !filter(VALID).takes(&other));
        let of_trace = filter(one.trace_id());
        assert!(of_trace.takes(&one) && of_trace.takes(&other));
        for wrong in ["", "00-1", &"0".repeat(32), &"G".repeat(32), "x\u{1b}"] {
            assert!(TraceparentFilter::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn headers_that_are_not_well_formed_count_as_missing() {
        let of = |headers: &[(&'static str, &str)]| {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.append(
                    *name,
                    HeaderValue::from_bytes(value.as_bytes()).expect("a header"),
                );
            }
            let trace = TraceContext::of(&map)?;
            let mut written = HeaderMap::new();
            trace.write(&mut written);
            Some(
                written
                    .iter()
                    .map(|(name, value)| format!("{name}: {}", value.to_str().expect("ASCII")))
                    .collect::<Vec<_>>()
                    .join("\n"),
            )
        };
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[("tracestate", "a=1")]), None);
        assert_eq!(
            of(&[
                ("traceparent", VALID),
                ("tracestate", "a=1"),
                ("tracestate", "b=2"),
                ("x-request-id", "r 1")
            ]),
            Some(format!(
                "traceparent: {VALID}\ntracestate: a=1,b=2\nx-request-id: r 1"
            ))
        );
        assert_eq!(
            of(&[
                ("traceparent", VALID),
                ("traceparent", &VALID.replace("-01", "-00"))
            ]),
            None
        );
        assert_eq!(
            of(&[("x-request-id", "a"), ("x-request-id", "a")]),
            Some("x-request-id: a".to_owned())
        );
        assert_eq!(of(&[("x-request-id", "a"), ("x-request-id", "b")]), None);
        for wrong in ["", "é", "a\tb", &"x".repeat(REQUEST_ID_BYTES_MAX + 1)] {
            assert_eq!(of(&[("x-request-id", wrong)]), None, "{wrong}");
        }
        let long = "x".repeat(TRACESTATE_BYTES_MAX + 1);
        assert_eq!(
            of(&[("traceparent", VALID), ("tracestate", &long)]),
            Some(format!("traceparent: {VALID}"))
        );
    }
}
