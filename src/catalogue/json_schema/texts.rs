//! Texts and numbers with a pattern that their Rust types cannot express.

use serde_json::json;

use crate::base::{PREFIXES, SECRET_CHARS};
use crate::catalogue::compile::FRAMING;

/// A type that exists only for its schema.
macro_rules! written {
    ($name:ident, $schema:expr $(, $other:ident)*) => {
        #[expect(dead_code, reason = "only its schema is asked for")]
        pub(super) struct $name(String);

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                $(generator.subschema_for::<$other>();)*
                let _ = generator;
                $schema.try_into().expect("a schema")
            }
        }
    };
}

pub(super) use written;

/// The pattern of durations, without `^` and `$`.
pub(super) const DURATION: &str = "[0-9]{1,11}(ms|s|m|h|d)";

written!(
    EndpointId,
    json!({
        "description": "The path of a file in its folder, without `.toml`.",
        "type": "string",
        "minLength": 1,
        "examples": ["v1.1/bank_account_data_requests"],
    })
);

written!(
    RoutePath,
    json!({
        "type": "string",
        "pattern": r"^(/([a-z0-9_.-]+|\{[a-z0-9_]+\}))+$",
        "not": {"pattern": "^/__sandbox"},
        "examples": ["/v1/identity/things"],
    })
);

written!(
    IdPattern,
    json!({
        "type": "string",
        "pattern": r"^[A-Za-z0-9_-]*\{(uuid|hex24)\}[A-Za-z0-9_-]*$",
        "examples": ["thing_{uuid}", "thing_{hex24}"],
    })
);

written!(
    OutcomeName,
    json!({
        "description": "The name of an outcome: upper-case letters, digits and `_`.",
        "type": "string",
        "pattern": "^[A-Z0-9_]+$",
    })
);

written!(
    Duration,
    json!({
        "description": "A number and its unit: `250ms`, `10s`, `5m`, `2h` or `3d`.",
        "type": "string",
        "pattern": format!("^{DURATION}$"),
        "examples": ["250ms", "10s", "5m", "2h", "3d"],
    })
);

written!(
    Instant,
    json!({
        "description": "A date and time, in quotes.",
        "type": "string",
        "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}",
        "examples": ["2022-02-10T18:55:02.061Z"],
    })
);

written!(
    Status,
    json!({
        "description": "An HTTP status whose response has a body.",
        "type": "integer",
        "minimum": 200,
        "maximum": 599,
        "not": {"enum": [204, 205, 304]},
    })
);

written!(
    Headers,
    json!({
        "description": "Headers of the response by name.",
        "type": "object",
        "propertyNames": {
            "pattern": "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$",
            "not": {"enum": FRAMING},
        },
        "additionalProperties": {"type": ["string", "integer"], "pattern": "^[^\\x00-\\x08\\x0a-\\x1f\\x7f]*$"},
    })
);

written!(
    ApiKey,
    json!({
        "description": "A well-formed API key.",
        "type": "string",
        "pattern": format!("^({})[A-Za-z0-9/=+]{{{},{}}}$", PREFIXES.join("|"), SECRET_CHARS.start(), SECRET_CHARS.end()),
    })
);

written!(
    ReceiverUrl,
    json!({
        "description": "An http or https URL, without user name and fragment. Write characters other than those of ASCII percent-encoded.",
        "type": "string",
        "pattern": concat!(
            r"^\s*[Hh][Tt][Tt][Pp][Ss]?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[1-9][0-9]{0,4})?",
            r"([/?]([A-Za-z0-9\-._~!$&'()*+,;=:@/?\[\]]|%[0-9A-Fa-f]{2})*)?\s*$"
        ),
    })
);
