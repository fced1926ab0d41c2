//! The routes outside the products, with their requests and replies.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::replies::Replies;
use crate::catalogue::{self, Catalogue};
use crate::http::ErrorCode;
use crate::reference::listing::{ACCOUNT_ROUTES, AccountRoute};

/// Each route as path, method in lower case and operation.
pub(super) fn operations(catalogue: &Catalogue) -> impl Iterator<Item = (&str, String, Value)> {
    ACCOUNT_ROUTES.iter().map(|route| {
        let path = route.path.split('?').next().unwrap_or_default();
        let method = route.method.to_lowercase();
        let operation = operation(catalogue, route, path);
        (path, method, operation)
    })
}

fn operation(catalogue: &Catalogue, route: &AccountRoute, path: &str) -> Value {
    let mut replies = Replies::new(catalogue, None);
    replies.schema(StatusCode::OK, reply(catalogue, route.method, path));
    let takes_body = route.method != "GET";
    let mut errors = vec![ErrorCode::Server];
    if route.needs_key {
        errors.extend([ErrorCode::InvalidApiKey, ErrorCode::ServiceUnavailable]);
    }
    if route.path.contains("?token=") {
        errors.extend([ErrorCode::ApiValidation, ErrorCode::TokenAlreadyUsed]);
    }
    if takes_body {
        errors.extend([
            ErrorCode::ApiValidation,
            ErrorCode::InvalidJson,
            ErrorCode::InvalidUrl,
            ErrorCode::CallbackTestFailed,
            ErrorCode::FileTooLarge,
            ErrorCode::RequestTooLarge,
            ErrorCode::UnsupportedContentType,
        ]);
    }
    for error in errors {
        replies.error(error.name());
    }
    let name = path
        .trim_start_matches('/')
        .replace(['/', '{', '}', '.'], "_");
    let mut operation = json!({
        "operationId": format!("{}_{name}", route.method.to_lowercase()),
        "tags": [TAG],
        "summary": route.description,
        "x-source": route.source,
        "responses": replies.written(),
    });
    let parameters = parameters(route.path);
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    if !route.needs_key {
        operation["security"] = json!([]);
    }
    if takes_body {
        operation["requestBody"] = registration(catalogue, route.method);
        operation["callbacks"] = test_callback();
    }
    operation
}

pub(super) const TAG: &str = "Account";

/// The names in braces of a path such as `/businesses/{business_id}/api_keys?token={token}`.
fn parameters(path: &str) -> Vec<Value> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let parameter = |name: &str, place: &str| json!({"name": name, "in": place, "required": true, "schema": {"type": "string", "minLength": 1}});
    let segments = crate::catalogue::path_segments(path).map(|name| parameter(name, "path"));
    let queries = query.split('&').filter_map(|pair| pair.split_once('='));
    let queries = queries.map(|(name, _)| parameter(name, "query"));
    segments.chain(queries).collect()
}

fn registration(catalogue: &Catalogue, method: &str) -> Value {
    let types = catalogue::callback_types(catalogue);
    let mut required = vec!["url"];
    if method == "POST" {
        required.push("type");
    }
    let example = json!({"type": types.first(), "url": "http://127.0.0.1:8080/callbacks"});
    let schema = json!({
        "type": "object",
        "properties": {
            "type": {"enum": types, "description": "Which callbacks. A `PATCH` without it is for all types that have a URL."},
            "url": {"type": "string", "format": "uri", "description": "Where they go: http or https."},
        },
        "required": required,
    });
    let media = json!({"schema": schema, "examples": {"one": {"value": example}}});
    json!({"required": true, "content": {
        "application/json": media,
        "application/x-www-form-urlencoded": {"schema": schema},
    }})
}

/// The callback that tests a URL before it is registered.
fn test_callback() -> Value {
    json!({"test": {"{$request.body#/url}": {"post": {
        "summary": "The sample of the type, before the URL is taken.",
        "parameters": super::callbacks::headers(),
        "requestBody": {"required": true, "content": {"application/json": {"schema": {"type": "object"}}}},
        "responses": {"2XX": {"description": "The URL is taken."}},
    }}}})
}

fn reply(catalogue: &Catalogue, method: &str, path: &str) -> Value {
    let text = || json!({"type": "string"});
    let properties = match (method, path) {
        (_, "/health") => json!({"status": {"const": "ok"}}),
        (_, "/businesses/{business_id}/api_keys") => json!({
            "business_id": text(),
            "api_keys": {
                "type": "array",
                "items": object(&json!({
                    "environment": {"enum": ["TEST", "LIVE"]},
                    "api_key": text(),
                }), &["environment", "api_key"]),
            },
        }),
        (_, "/v1/callback/authentication_tokens") => {
            json!({"callback_authentication_token": text()})
        }
        ("GET", _) => {
            let registered = json!({
                "type": {"enum": catalogue::callback_types(catalogue)},
                "url": text(),
                "created": {"type": "string", "format": "date-time"},
                "updated": {"type": "string", "format": "date-time"},
            });
            let names = ["type", "url", "created", "updated"];
            return json!({"type": "array", "items": object(&registered, &names)});
        }
        _ => {
            let done = json!({
                "status": {"const": "SUCCESSFUL"},
                "type": {"enum": catalogue::callback_types(catalogue)},
                "types": {"type": "array", "items": text(), "description": "The types of a `PATCH` without `type`."},
                "url": text(),
                "environment": {"enum": ["TEST", "LIVE"]},
                "callback_authentication_token": text(),
            });
            let names = [
                "status",
                "url",
                "environment",
                "callback_authentication_token",
            ];
            return object(&done, &names);
        }
    };
    let names: Vec<_> = properties
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| name.as_str())
        .collect();
    object(&properties, &names)
}

fn object(properties: &Value, required: &[&str]) -> Value {
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}
