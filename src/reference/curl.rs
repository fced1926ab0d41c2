//! Curl lines that work when they are pasted into a shell.

use std::path::Path;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::base::{ApiKey, PUBLIC_KEY};
use crate::catalogue::{Catalogue, ContentType, Endpoint, Shape, Verb};
use crate::http::{self, DEFAULT_HOST};

/// Writes lines for one sandbox and one API key.
pub(crate) struct Curl {
    /// `curl`, with the option that makes it trust the sandbox.
    start: String,
    base: String,
    /// The user, quoted for a shell.
    user: String,
}

impl Curl {
    /// For a sandbox that is started with these scenarios and no other settings.
    pub(crate) fn unserved(catalogue: &Catalogue) -> Self {
        Self::new(
            "curl".to_owned(),
            format!("http://{DEFAULT_HOST}"),
            lets_public_key_in(catalogue),
        )
    }

    /// The same, with the key from the shell's variable.
    pub(crate) fn with_own_key(self) -> Self {
        Self {
            user: own_key(),
            ..self
        }
    }

    /// For a sandbox at `base`, with the documentation's key, which is public. If that key is not let in, a
    /// variable stands for the key. [`curl_start`] makes `start`.
    pub(crate) fn new(start: String, base: String, lets_public_key_in: bool) -> Self {
        Self {
            start,
            base,
            user: if lets_public_key_in {
                shell_word(&format!("{PUBLIC_KEY}:"))
            } else {
                own_key()
            },
        }
    }

    /// Asks a product with the sample of its documentation.
    pub(crate) fn sample(&self, catalogue: &Catalogue, endpoint: &Endpoint) -> String {
        if endpoint.creation.is_none() {
            let listing = catalogue.dummy.any_listing();
            return self.read(endpoint, listing.map_or("any", |listing| &listing.id));
        }
        let sample = endpoint.schema.sample();
        let fields = match (endpoint.verb, endpoint.content_type) {
            (Verb::Get, _) => String::new(),
            (Verb::Post, ContentType::Json) => {
                let body = sample.cloned().unwrap_or_else(|| json!({})).to_string();
                format!(
                    " -H 'Content-Type: application/json' -d {}",
                    shell_word(&body)
                )
            }
            (Verb::Post, ContentType::Multipart) => parts(endpoint),
        };
        let method = if fields.is_empty() && endpoint.verb == Verb::Post {
            " -X POST"
        } else {
            ""
        };
        self.line(method, &asked_path(endpoint), &fields)
    }

    /// Asks for the outcome in `x-magic-reply`, without a body. The sample is used instead.
    pub(crate) fn magic(&self, endpoint: &Endpoint, magic: &str) -> String {
        let header = format!(
            " -H {}",
            shell_word(&format!("{}: {magic}", http::MAGIC_HEADER))
        );
        if endpoint.creation.is_none() {
            return self.line("", &format!("{}/any", endpoint.path), &header);
        }
        let method = match endpoint.verb {
            Verb::Get => "",
            Verb::Post => " -X POST",
        };
        self.line(method, &asked_path(endpoint), &header)
    }

    /// Reads a record or a listing back by its id.
    pub(crate) fn read(&self, endpoint: &Endpoint, id: &str) -> String {
        self.line("", &format!("{}/{id}", endpoint.path), "")
    }

    /// Registers the sandbox's own inbox for callbacks of a type.
    pub(crate) fn register(&self, callback_type: &str) -> String {
        self.register_at(callback_type, &self.inbox(""))
    }

    pub(super) fn inbox(&self, query: &str) -> String {
        format!("{}/__sandbox/inbox/coverage{query}", self.base)
    }

    pub(super) fn register_at(&self, callback_type: &str, url: &str) -> String {
        let body = json!({"type": callback_type, "url": url}).to_string();
        self.line(
            "",
            "/v1/callback/urls",
            &format!(" -d {}", shell_word(&body)),
        )
    }

    /// Posts what `options` send to a product.
    pub(super) fn post(&self, endpoint: &Endpoint, options: &str) -> String {
        self.line("", &asked_path(endpoint), options)
    }

    /// Asks a product without an input. `query` may be empty, or begins with `?`.
    pub(super) fn bare(&self, endpoint: &Endpoint, query: &str) -> String {
        let (method, path) = match (endpoint.verb, &endpoint.creation) {
            (_, None) => ("", format!("{}/any", endpoint.path)),
            (Verb::Get, Some(_)) => ("", asked_path(endpoint)),
            (Verb::Post, Some(_)) => (" -X POST", asked_path(endpoint)),
        };
        self.line(method, &format!("{path}{query}"), "")
    }

    /// The same with a key that is none.
    pub(super) fn with_wrong_key(&self) -> Self {
        Self {
            start: self.start.clone(),
            base: self.base.clone(),
            user: "nobody:".to_owned(),
        }
    }

    pub(super) fn line(&self, method: &str, path: &str, rest: &str) -> String {
        let url = shell_word(&format!("{}{path}", self.base));
        format!("{}{method} {url} -u {}{rest}", self.start, self.user)
    }
}

/// The beginning of a line. For HTTPS it names the file of the sandbox's own authority. A shell on another
/// machine can name its own file in a variable, and that one wins.
pub(crate) fn curl_start(authority_file: Option<&Path>) -> String {
    match authority_file {
        None => "curl".to_owned(),
        Some(path) => {
            let path = path.display().to_string();
            let quoted = path.chars().flat_map(|c| {
                let is_special = r#"\"$`}"#.contains(c);
                is_special.then_some('\\').into_iter().chain([c])
            });
            let quoted: String = quoted.collect();
            format!(r#"curl --cacert "${{CURL_CA_BUNDLE:-{quoted}}}""#)
        }
    }
}

/// Whether a sandbox with these scenarios and no other settings lets the documentation's key in.
pub(crate) fn lets_public_key_in(catalogue: &Catalogue) -> bool {
    let allowed = &catalogue.settings.api_keys;
    allowed.is_empty() || allowed.contains(&public_key())
}

pub(crate) fn public_key() -> ApiKey {
    PUBLIC_KEY.parse().expect("the public key is well-formed")
}

fn own_key() -> String {
    r#""$ILUMA_API_KEY:""#.to_owned()
}

/// The path with the sample's values in its segments.
pub(crate) fn asked_path(endpoint: &Endpoint) -> String {
    let sample = endpoint.schema.sample();
    let part = |part: &str| {
        let name = part
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'));
        let Some(name) = name else {
            return part.to_owned();
        };
        let value = sample.and_then(|sample| sample.get(name));
        let value = value.map_or_else(|| "example".to_owned(), text);
        utf8_percent_encode(&value, NON_ALPHANUMERIC).to_string()
    };
    let parts: Vec<_> = endpoint.path.split('/').map(part).collect();
    parts.join("/")
}

/// The parts of a multipart form: one for each item of a list. An uploaded file is named after its field.
fn parts(endpoint: &Endpoint) -> String {
    parts_without(endpoint, "")
}

/// The same without one field.
pub(super) fn parts_without(endpoint: &Endpoint, left_out: &str) -> String {
    let sample = endpoint.schema.sample();
    let fields = sample.and_then(Value::as_object).into_iter().flatten();
    let part = |(name, value): (&String, &Value)| {
        let shape = endpoint.schema.shape.property(name);
        let values = match value {
            Value::Array(items) => items.as_slice(),
            one => std::slice::from_ref(one),
        };
        let item = shape.map(|shape| shape.items().unwrap_or(shape));
        let parts = values.iter().map(|value| part(name, value, item));
        parts.collect::<String>()
    };
    let fields = fields.filter(|(name, _)| *name != left_out);
    fields.map(part).collect()
}

fn part(name: &str, value: &Value, shape: Option<&Shape>) -> String {
    if shape == Some(&Shape::File) {
        let media_type = value["type"].as_str();
        let ending = media_type.and_then(|media_type| media_type.rsplit('/').next());
        let file = format!("{name}.{}", ending.unwrap_or("bin"));
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        let file = if file.chars().all(is_plain) {
            file
        } else {
            form_quoted(&file)
        };
        return format!(" -F {}", shell_word(&format!("{name}=@{file}")));
    }
    if value.is_object() {
        let json = value.to_string();
        let json = if json.contains(';') {
            form_quoted(&json)
        } else {
            json
        };
        return format!(
            " -F {}",
            shell_word(&format!("{name}={json};type=application/json"))
        );
    }
    let value = text(value);
    let option = if is_literal_in_form(&value) {
        "-F"
    } else {
        "--form-string"
    };
    format!(" {option} {}", shell_word(&format!("{name}={value}")))
}

/// False for a text that `curl -F` would take for a file, cut at `;`, or trim.
fn is_literal_in_form(text: &str) -> bool {
    !text.starts_with(['@', '<', '"', ' ', '\t']) && !text.contains(';')
}

/// A content or a file name inside `curl -F`. Without quotes, `;` and in a file name `,` would end it.
fn form_quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\""))
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Writes a text as one word of a shell. A `=` at the start is quoted for zsh.
pub(crate) fn shell_word(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=@%+,".contains(&byte);
    if !text.is_empty() && !text.starts_with('=') && text.bytes().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}
