//! Curl lines that provoke an error without a magic reply.

use serde_json::{Value, json};

use super::curl::{Curl, parts_without, shell_word};
use crate::base::Spellings;
use crate::catalogue::{self, Catalogue, ContentType, Endpoint, Shape, Verb};
use crate::http::{ALL_CODES, BODY_WITH_FILES_BYTES_MAX, ErrorCode};

/// More than any upload may have.
const LARGE_UPLOAD_BYTES: usize = 11 << 20;

/// Where an error can come from.
pub(crate) struct ErrorSources<'a> {
    pub catalogue: &'a Catalogue,
    pub endpoints: &'a [&'a Endpoint],
    /// True if errors of other paths than those of the endpoints do not count.
    pub has_endpoints_only: bool,
    /// True if errors of requests without a world do not count.
    pub has_world: bool,
}

impl ErrorSources<'_> {
    fn posted(&self, content_type: Option<ContentType>) -> Option<&Endpoint> {
        let fits = |endpoint: &&&Endpoint| {
            endpoint.verb == Verb::Post
                && endpoint.creation.is_some()
                && content_type.is_none_or(|wanted| endpoint.content_type == wanted)
        };
        self.endpoints
            .iter()
            .copied()
            .find(|endpoint| fits(&endpoint))
    }

    /// Whether the account's paths and those that do not exist count too.
    fn has_other_paths(&self) -> bool {
        !self.has_endpoints_only
    }

    /// A type whose URL is tested before it is registered.
    fn tested_callback_type(&self) -> Option<&str> {
        let types = catalogue::callback_types(self.catalogue);
        let is_tested = |callback_type: &&str| {
            let endpoint = catalogue::endpoint_of_type(self.catalogue, callback_type);
            endpoint.and_then(catalogue::final_outcome).is_some()
        };
        types.into_iter().find(is_tested)
    }
}

impl Curl {
    /// A line whose last request is answered with this error, without `x-magic-reply`. None if no request is.
    pub(crate) fn provoking(&self, name: &str, sources: &ErrorSources<'_>) -> Option<String> {
        let code = ALL_CODES.iter().find(|code| code.name() == name);
        code.and_then(|code| self.provoking_code(*code, sources))
            .or_else(|| self.breaking_a_rule(name, sources))
    }

    fn provoking_code(&self, code: ErrorCode, sources: &ErrorSources<'_>) -> Option<String> {
        let account = sources.has_other_paths();
        match code {
            ErrorCode::ApiValidation => self.invalid(sources),
            ErrorCode::InvalidJson => {
                let endpoint = sources.posted(None)?;
                Some(self.bare(endpoint, ""))
            }
            ErrorCode::InvalidApiKey if sources.has_world => None,
            ErrorCode::InvalidApiKey => {
                let endpoint = sources.endpoints.first()?;
                Some(self.with_wrong_key().bare(endpoint, ""))
            }
            ErrorCode::UnsupportedContentType => {
                let endpoint = sources.posted(None)?;
                Some(self.post(endpoint, " -H 'Content-Type: text/plain' -d text"))
            }
            ErrorCode::RequestTooLarge => {
                let endpoint = sources.posted(Some(ContentType::Json))?;
                let curl = self.post(endpoint, " --data-binary @-");
                let bytes = BODY_WITH_FILES_BYTES_MAX + 1;
                Some(format!("head -c {bytes} /dev/zero | {curl}"))
            }
            ErrorCode::FileTooLarge => self.large_upload(sources),
            ErrorCode::DataNotFound => {
                let mut endpoints = sources.endpoints.iter();
                let endpoint = endpoints.find(|endpoint| endpoint.reads_back())?;
                Some(self.read(endpoint, "unknown"))
            }
            ErrorCode::NotFound => {
                (account && !sources.has_world).then(|| self.line("", "/nowhere", ""))
            }
            ErrorCode::CallbackTestFailed => {
                let callback_type = sources.tested_callback_type().filter(|_| account)?;
                Some(self.register_at(callback_type, &self.inbox("?status=500")))
            }
            ErrorCode::InvalidUrl => {
                let types = catalogue::callback_types(sources.catalogue);
                let callback_type = types.first().filter(|_| account)?;
                Some(self.register_at(callback_type, "nowhere"))
            }
            ErrorCode::TokenAlreadyUsed => (account && !sources.has_world).then(|| {
                let once = self.line("", "/businesses/coverage/api_keys?token=coverage", "");
                format!("{once} && {once}")
            }),
            ErrorCode::RequestTimeout
            | ErrorCode::RateLimit
            | ErrorCode::Server
            | ErrorCode::ServiceUnavailable
            | ErrorCode::StrictMode
            | ErrorCode::ForeignPage => None,
        }
    }

    /// An empty object where a field is required, or else a query that cannot be read.
    fn invalid(&self, sources: &ErrorSources<'_>) -> Option<String> {
        let requires_fields = |endpoint: &&&Endpoint| {
            let mut empty = json!({});
            endpoint.schema.shape.normalise(&mut empty);
            let checked = endpoint.schema.check(&empty, &Spellings::default());
            endpoint.verb == Verb::Post
                && endpoint.content_type == ContentType::Json
                && checked.is_err_and(|refused| refused.code.is_none())
        };
        if let Some(endpoint) = sources.endpoints.iter().find(requires_fields) {
            let body = " -H 'Content-Type: application/json' -d '{}'";
            return Some(self.post(endpoint, body));
        }
        let endpoint = sources.endpoints.first()?;
        Some(self.bare(endpoint, "?%FF"))
    }

    fn large_upload(&self, sources: &ErrorSources<'_>) -> Option<String> {
        let endpoint = sources.posted(Some(ContentType::Multipart))?;
        let (field, _) = file_field(endpoint)?;
        let part = format!(" -F '{field}=@-;filename=file'");
        let curl = self.post(endpoint, &part);
        Some(format!("head -c {LARGE_UPLOAD_BYTES} /dev/zero | {curl}"))
    }

    /// An error that the schema of an endpoint names for a broken rule. If this rule is not the least size of a file, the
    /// line asks for the error by a magic reply.
    fn breaking_a_rule(&self, name: &str, sources: &ErrorSources<'_>) -> Option<String> {
        let mut endpoints = sources.endpoints.iter();
        let endpoint = endpoints.find(|endpoint| names_error(endpoint.schema.json(), name))?;
        let too_small = file_field(endpoint).filter(|(_, schema)| {
            let of_size = schema["properties"]["bytes"]["x-error"]["minimum"].as_str();
            of_size == Some(name)
        });
        Some(match too_small {
            Some((field, _)) => {
                let file = shell_word(&format!("{field}=@/dev/null;filename=file"));
                let parts = parts_without(endpoint, field);
                self.post(endpoint, &format!("{parts} -F {file}"))
            }
            None => self.magic(endpoint, name),
        })
    }
}

/// The first field that is an uploaded file, with its schema.
fn file_field(endpoint: &Endpoint) -> Option<(&str, &Value)> {
    let mut names = endpoint.schema.shape.names();
    let is_file = |name: &&str| endpoint.schema.shape.property(name) == Some(&Shape::File);
    let name = names.find(is_file)?;
    Some((name, &endpoint.schema.json()["properties"][name]))
}

/// Whether a schema has this error in an `x-error`.
fn names_error(schema: &Value, name: &str) -> bool {
    match schema {
        Value::Object(fields) => fields.iter().any(|(key, value)| match key.as_str() {
            "x-error" => {
                let mut names = value.as_object().into_iter().flatten();
                names.any(|(_, error)| error == name)
            }
            _ => names_error(value, name),
        }),
        Value::Array(items) => items.iter().any(|item| names_error(item, name)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}
