//! Names of headers and paths that several modules share, and the limit of a request's body.

use hyper::header::HeaderName;

pub(crate) const FAULT_HEADER: HeaderName = HeaderName::from_static("x-sandbox-fault");
pub(crate) const DELAY_HEADER: HeaderName = HeaderName::from_static("x-sandbox-delay");
pub(crate) const MAGIC_HEADER: &str = "x-magic-reply";
pub(crate) const DEPTH_HEADER: HeaderName = HeaderName::from_static("x-sandbox-callback-depth");
pub(crate) const CALLBACK_TOKEN_HEADER: HeaderName = HeaderName::from_static("x-callback-token");
pub(crate) const CONTROL_PREFIX: &str = "/__sandbox/";

/// The document of the emulated API. It is the sandbox's own, though its path is not below the others.
pub(crate) const OPENAPI_PATH: &str = "/openapi.json";

/// Names the world that a product request belongs to, in place of its key. It asks for what the control API asks
/// for: a host and an origin of this sandbox, the control token where there is one, and else, where only some keys
/// are let in, one of these.
pub(crate) const WORLD_HEADER: HeaderName = HeaderName::from_static("x-sandbox-world");

pub(crate) const CONTROL_TOKEN_HEADER: HeaderName =
    HeaderName::from_static("x-sandbox-control-token");

/// Where the sandbox is for lists that are made without one.
pub(crate) const DEFAULT_HOST: &str = "127.0.0.1:4586";

/// JSON and forms.
pub(crate) const BODY_BYTES_MAX: usize = 1 << 20;
