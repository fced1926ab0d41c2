//! The trace that a request names.

use super::exchange::Exchange;
use crate::http::{self, Traceparent};

impl Exchange {
    /// The `traceparent` of the request if it is well-formed.
    pub(crate) fn traceparent(&self) -> Option<String> {
        let read = Traceparent::parse(self.only_header("traceparent")?);
        read.map(|read| read.as_str().to_owned())
    }

    /// The `x-request-id` of the request, if callbacks carry it.
    pub(crate) fn request_id(&self) -> Option<&str> {
        let id = self.only_header("x-request-id")?;
        http::request_id(id).is_ok().then_some(id)
    }

    /// The value of a header. None if it has more than one.
    fn only_header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers().filter(|(other, _)| *other == name);
        let (_, first) = values.next()?;
        values.all(|(_, other)| other == first).then_some(first)
    }
}
