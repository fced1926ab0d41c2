//! Values without sockets: a request that was read, the body of a reply, Iluma's errors and keys.

mod basic_auth;
mod boundary;
mod call;
mod error;
mod form;
mod guard;
mod headers;
mod reply_body;
mod single_headers;
mod trace_context;
mod upload;
mod url_text;
mod web_page;

pub(crate) use self::basic_auth::authenticate;
#[cfg(feature = "cli")]
pub(crate) use self::basic_auth::basic;
pub(crate) use self::boundary::boundary_of;
pub(crate) use self::call::{Body, Call, MediaType, Secure, head_bytes};
pub(crate) use self::error::{
    ALL_CODES, ApiError, Code, Complaint, ErrorCode, NO_MEMORY, RefusedInput, error_envelope,
};
pub(crate) use self::form::{FormTree, form_path, parse_form};
pub use self::guard::ControlToken;
pub(crate) use self::guard::{Guard, Refusal};
pub(crate) use self::headers::{
    BODY_BYTES_MAX, BODY_WITH_FILES_BYTES_MAX, CALLBACK_TOKEN_HEADER, CONTROL_PREFIX,
    CONTROL_TOKEN_HEADER, DEFAULT_HOST, DEFAULT_PORT, DELAY_HEADER, DEPTH_HEADER, FAULT_HEADER,
    MAGIC_HEADER, OPENAPI_PATH, WARNING_HEADER, WORLD_HEADER,
};
pub(crate) use self::reply_body::{BodyContent, ReplyBody};
pub(crate) use self::single_headers::{RepeatedHeader, header_text, single_header};
pub(crate) use self::trace_context::{
    TraceContext, Traceparent, TraceparentFilter, is_tracestate, request_id,
};
pub(crate) use self::upload::{FILE_NAME, HELD_BYTES_MAX, PIECE_BYTES, Picture, Room, Upload};
pub(crate) use self::url_text::{check_path, normal_path, segment_text, shown_pairs};
pub(crate) use self::web_page::{PageRequest, refuse_foreign_page};
