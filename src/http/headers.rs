//! Names of headers and paths that several modules share, and the limit of a request's body.

use hyper::header::HeaderName;

pub(crate) const FAULT_HEADER: HeaderName = HeaderName::from_static("x-sandbox-fault");
pub(crate) const DELAY_HEADER: HeaderName = HeaderName::from_static("x-sandbox-delay");
pub(crate) const WARNING_HEADER: HeaderName = HeaderName::from_static("x-sandbox-warning");
pub(crate) const MAGIC_HEADER: HeaderName = HeaderName::from_static("x-magic-reply");
pub(crate) const DEPTH_HEADER: HeaderName = HeaderName::from_static("x-sandbox-callback-depth");
pub(crate) const CALLBACK_TOKEN_HEADER: HeaderName = HeaderName::from_static("x-callback-token");
pub(crate) const CONTROL_PREFIX: &str = "/__sandbox/";

/// The OpenAPI document of the emulated API. The sandbox itself serves it, although the path is not below
/// `/__sandbox/`.
pub(crate) const OPENAPI_PATH: &str = "/openapi.json";

/// Names the world of a product request, in place of the request's API key. Such a request must pass the checks of the
/// control API: a host and an origin of this sandbox, and the control token where there is one. Without a control
/// token, a sandbox that lets in only some API keys asks for one of these keys.
pub(crate) const WORLD_HEADER: HeaderName = HeaderName::from_static("x-sandbox-world");

pub(crate) const CONTROL_TOKEN_HEADER: HeaderName =
    HeaderName::from_static("x-sandbox-control-token");

/// The address of the sandbox in lists that are made without a running sandbox.
pub(crate) const DEFAULT_HOST: &str = "127.0.0.1:4586";

/// The port of that address.
pub(crate) const DEFAULT_PORT: u16 = 4586;

/// The largest body of JSON or of a form.
pub(crate) const BODY_BYTES_MAX: usize = 1 << 20;

/// The same where fields hold files in base64. Two pictures of the documented 500 KB fit.
pub(crate) const BODY_WITH_FILES_BYTES_MAX: usize = 4 << 20;
