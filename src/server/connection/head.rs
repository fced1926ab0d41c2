//! The limits of the head of a request.

/// The longest head of a request: its line and its headers.
pub(crate) const HEAD_BYTES_MAX: usize = 64 << 10;

/// The maximum number of headers over HTTP/1.1. It is the default of hyper: if it were set, hyper would allocate memory
/// for each head.
pub(super) const HEADERS_MAX: usize = 100;
