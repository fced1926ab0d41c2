//! Errors in Iluma's words: one constructor per situation, and the one place that writes the error envelope.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::base::{JsonMistake, NoRoom, no_object_hint, short, shortened};

/// The `x-sandbox-error` of a request for which there is no memory, and its error in the control API.
pub(crate) const NO_MEMORY: &str = "memory";

/// How much of the reason is repeated why a multipart body cannot be read.
const REASON_CHARS_MAX: usize = 400;

/// A refused request. The status and the standard message come from `scenarios/errors.toml`.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    pub code: Code,
    /// Replaces the standard message.
    pub message: Option<String>,
    pub complaints: Vec<Complaint>,
    /// Set when the sandbox itself refuses, not the emulated API. It is the text of the `x-sandbox-error` header.
    pub by_sandbox: Option<&'static str>,
    /// True if the client chose this error as its answer. Then the request itself is not refused.
    pub is_asked_for: bool,
}

/// Which error it is.
#[derive(Clone, Debug)]
pub(crate) enum Code {
    Known(ErrorCode),
    /// An error that a scenario file defines, by the name of its outcome.
    Outcome(String),
}

macro_rules! error_codes {
    ($($name:ident = $text:literal),+ $(,)?) => {
        /// The errors that the sandbox answers on its own.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum ErrorCode { $($name),+ }

        pub(crate) const ALL_CODES: &[ErrorCode] = &[$(ErrorCode::$name),+];

        impl ErrorCode {
            pub(crate) fn name(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }
        }
    };
}

error_codes! {
    ApiValidation = "API_VALIDATION_ERROR",
    InvalidJson = "INVALID_JSON_FORMAT",
    InvalidApiKey = "INVALID_API_KEY",
    CallbackTestFailed = "CALLBACK_TEST_FAILED_ERROR",
    InvalidUrl = "INVALID_URL_FORMAT",
    TokenAlreadyUsed = "TOKEN_ALREADY_USED_ERROR",
    DataNotFound = "DATA_NOT_FOUND",
    NotFound = "NOT_FOUND",
    FileTooLarge = "FILE_TOO_LARGE",
    RequestTooLarge = "REQUEST_TOO_LARGE",
    RequestTimeout = "REQUEST_TIMEOUT",
    UnsupportedContentType = "UNSUPPORTED_CONTENT_TYPE",
    RateLimit = "RATE_LIMIT_EXCEEDED",
    Server = "SERVER_ERROR",
    ServiceUnavailable = "SERVICE_UNAVAILABLE_ERROR",
    StrictMode = "STRICT_MODE_ERROR",
    ForeignPage = "FOREIGN_PAGE_ERROR",
}

impl ApiError {
    fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code: Code::Known(code),
            message: Some(message.into()),
            complaints: Vec::new(),
            by_sandbox: None,
            is_asked_for: false,
        }
    }

    fn by_sandbox(mut self, reason: &'static str) -> Self {
        self.by_sandbox = Some(reason);
        self
    }

    pub(crate) fn no_route(message: String) -> Self {
        Self::new(ErrorCode::NotFound, message)
    }

    pub(crate) fn invalid_key(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidApiKey, message)
    }

    pub(crate) fn key_not_allowed() -> Self {
        Self::new(
            ErrorCode::InvalidApiKey,
            "This sandbox was started for other API keys than the one that was sent.",
        )
        .by_sandbox("API key not allowed")
    }

    pub(crate) fn unknown_magic(message: String) -> Self {
        Self::new(ErrorCode::ApiValidation, message).by_sandbox("unknown x-magic-reply")
    }

    pub(crate) fn no_callback(outcome: &str) -> Self {
        Self::unknown_magic(format!(
            "The outcome {outcome} sends no callback that could misbehave."
        ))
    }

    pub(crate) fn no_older_state(endpoint: &str) -> Self {
        Self::unknown_magic(format!(
            "`callback=stale` sends the pending state of a record, and {endpoint} has none: write an outcome with \
             `pending = true` into its file."
        ))
    }

    pub(crate) fn missing_token() -> Self {
        Self::field("token", "is required")
    }

    pub(crate) fn token_already_used() -> Self {
        Self {
            message: None,
            ..Self::new(ErrorCode::TokenAlreadyUsed, "")
        }
    }

    pub(crate) fn no_record(id: &str) -> Self {
        let shown = short(id);
        Self::new(
            ErrorCode::DataNotFound,
            format!("There is no record {shown} in the world of this API key."),
        )
    }

    pub(crate) fn no_body() -> Self {
        Self::new(ErrorCode::InvalidJson, "The request has no body.")
    }

    pub(crate) fn not_json(body: &[u8], error: &serde_json::Error) -> Self {
        let mistake = JsonMistake::of(body, error);
        Self::new(
            ErrorCode::InvalidJson,
            format!("The body is not valid JSON: {mistake}."),
        )
    }

    pub(crate) fn too_many_fields(limit: usize) -> Self {
        Self::new(
            ErrorCode::ApiValidation,
            format!("The form has more than {limit} fields."),
        )
    }

    pub(crate) fn broken_form(reason: &str) -> Self {
        Self::new(
            ErrorCode::ApiValidation,
            format!("The form cannot be read: {reason}."),
        )
    }

    pub(crate) fn broken_query(reason: &str) -> Self {
        Self::new(
            ErrorCode::ApiValidation,
            format!("The query cannot be read: {reason}."),
        )
    }

    pub(crate) fn repeated_parameter(name: &str) -> Self {
        let name = short(name);
        Self::broken_query(&format!(
            "`{name}` came more than once, with different values"
        ))
    }

    pub(crate) fn broken_path(message: String) -> Self {
        Self::new(ErrorCode::ApiValidation, message)
    }

    /// `what` is a sentence about a header that cannot be read.
    pub(crate) fn broken_header(what: String) -> Self {
        Self::new(ErrorCode::ApiValidation, what)
    }

    pub(crate) fn not_an_object(value: &Value) -> Self {
        let hint = no_object_hint(value).map_or(String::new(), |hint| format!(" {hint}."));
        Self::new(
            ErrorCode::InvalidJson,
            format!("The body must be a JSON object, at line 1 column 1.{hint}"),
        )
    }

    pub(crate) fn unsupported_content_type(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::UnsupportedContentType, message)
    }

    pub(crate) fn body_too_large(limit_bytes: usize) -> Self {
        Self::new(
            ErrorCode::RequestTooLarge,
            format!("The body is larger than {} KiB.", limit_bytes >> 10),
        )
    }

    pub(crate) fn body_too_late(limit: Duration) -> Self {
        let seconds = limit.as_secs();
        let message = format!("The body did not arrive within {seconds} s.");
        Self::new(ErrorCode::RequestTimeout, message).by_sandbox("request timeout")
    }

    pub(crate) fn upload_too_large(limit_bytes: usize) -> Self {
        Self::new(
            ErrorCode::FileTooLarge,
            format!("The upload is larger than {} MiB.", limit_bytes >> 20),
        )
    }

    pub(crate) fn broken_multipart(reason: impl std::fmt::Display) -> Self {
        let reason = shortened(&reason.to_string(), REASON_CHARS_MAX);
        Self::new(
            ErrorCode::ApiValidation,
            format!("The multipart body cannot be read: {reason}."),
        )
    }

    pub(crate) fn refused(refused: RefusedInput) -> Self {
        Self {
            code: match refused.code {
                None => Code::Known(ErrorCode::ApiValidation),
                Some(code) => Code::Outcome(code),
            },
            message: (!refused.all_listed).then(|| {
                "There was an error with the format submitted to the server. \
                 Only the first mistakes are listed."
                    .to_owned()
            }),
            complaints: refused.complaints,
            by_sandbox: None,
            is_asked_for: false,
        }
    }

    pub(crate) fn asked_for(outcome: &str) -> Self {
        Self {
            code: Code::Outcome(outcome.to_owned()),
            message: None,
            complaints: Vec::new(),
            by_sandbox: None,
            is_asked_for: true,
        }
    }

    pub(crate) fn rate_limit_exceeded() -> Self {
        Self {
            message: None,
            ..Self::new(ErrorCode::RateLimit, "")
        }
    }

    pub(crate) fn sandbox_full(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::ServiceUnavailable, message).by_sandbox("sandbox full")
    }

    pub(crate) fn no_memory(reason: NoRoom) -> Self {
        Self::new(ErrorCode::ServiceUnavailable, reason.to_string()).by_sandbox(NO_MEMORY)
    }

    /// `outcome` repeats values so often that its body is too large.
    pub(crate) fn reply_too_large(outcome: &str, limit_bytes: usize) -> Self {
        let message = format!(
            "The reply of the outcome {outcome} to this request, or its record with all later states, would be larger than \
             {} MiB: the body repeats a large value too often.",
            limit_bytes >> 20
        );
        Self::new(ErrorCode::Server, message).by_sandbox("reply too large")
    }

    /// The client asked for `what`, which is not public but `source`. `instead` tells the client what to do.
    pub(crate) fn strict_mode(what: &str, source: &str, instead: &str) -> Self {
        Self::new(
            ErrorCode::StrictMode,
            format!(
                "With --strict this sandbox answers only what is documented or observed, and {what} is {source}. {instead}"
            ),
        )
        .by_sandbox("strict mode")
    }

    pub(crate) fn server_error() -> Self {
        Self::new(
            ErrorCode::Server,
            "The sandbox failed while it answered this request.",
        )
        .by_sandbox("internal error")
    }

    /// A field of a form has a value and names in brackets, such as `a=1&a[b]=2`.
    pub(crate) fn value_and_brackets(path: &str) -> Self {
        Self::field(path, "is sent both as a value and with names in brackets")
    }

    fn field(path: &str, message: &str) -> Self {
        Self::complaints(vec![Complaint {
            path: path.to_owned(),
            message: message.to_owned(),
        }])
    }

    pub(crate) fn complaints(complaints: Vec<Complaint>) -> Self {
        Self {
            message: None,
            complaints,
            ..Self::new(ErrorCode::ApiValidation, "")
        }
    }

    pub(crate) fn invalid_url(reason: &str) -> Self {
        Self::new(
            ErrorCode::InvalidUrl,
            format!("The callback URL cannot be taken: {reason}."),
        )
    }

    /// `reason` is why the web page that sent the request may not send it.
    pub(crate) fn foreign_page(reason: &str) -> Self {
        let message = format!(
            "{reason}. Nothing was done. Call the API from your server, or in development through a proxy on the page's own \
             origin."
        );
        Self::new(ErrorCode::ForeignPage, message).by_sandbox("foreign page")
    }

    /// `reason` is what the receiver did, such as `status 500`.
    pub(crate) fn callback_test_failed(reason: &str, former_urls: usize) -> Self {
        let stays = match former_urls {
            0 => "",
            1 => " The former URL stays.",
            _ => " The former URLs stay.",
        };
        Self::new(
            ErrorCode::CallbackTestFailed,
            format!("The test callback was not answered with a 2xx: {reason}.{stays}"),
        )
    }

    pub(crate) fn outcome_name(&self) -> &str {
        match &self.code {
            Code::Known(code) => code.name(),
            Code::Outcome(name) => name,
        }
    }
}

/// Writes Iluma's error envelope.
pub(crate) fn error_envelope(error_code: &str, message: &str, complaints: &[Complaint]) -> Bytes {
    #[derive(Serialize)]
    struct Envelope<'a> {
        error_code: &'a str,
        message: &'a str,
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        errors: &'a [Complaint],
    }
    let envelope = Envelope {
        error_code,
        message,
        errors: complaints,
    };
    serde_json::to_vec(&envelope)
        .expect("texts always serialise")
        .into()
}

/// One mistake in one field.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Complaint {
    /// `scopes[0]` or `addresses[0].country`. In a multipart form it is the name of the part.
    pub path: String,
    pub message: String,
}

/// All mistakes in an input, in the order of the documentation's table.
pub(crate) struct RefusedInput {
    /// The error code that the schema asks for (`x-error`). None for a plain validation error.
    pub code: Option<String>,
    pub complaints: Vec<Complaint>,
    /// False if there are more mistakes than `complaints` lists.
    pub all_listed: bool,
}
