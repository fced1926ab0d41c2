//! One request as it was read and one reply's body as it will be written, Iluma's errors and keys: values, no sockets.

mod basic_auth;
mod call;
mod error;
mod form;
mod guard;
mod upload;

pub(crate) use self::basic_auth::authenticate;
pub(crate) use self::call::{Body, Call, Effect, MediaType, Registration, Reply};
pub(crate) use self::error::{ALL_CODES, ApiError, Code, ErrorCode, error_envelope};
pub(crate) use self::form::{form_path, parse_form};
pub use self::guard::ControlToken;
pub(crate) use self::guard::{Guard, TOKEN_HEADER};
pub(crate) use self::upload::{HELD_BYTES_MAX, Upload, pointer_part};
