//! The emulated API as an `OpenAPI` 3.1 document. It is made from the catalogue, so nothing is written twice.

use serde_json::{Map, Value, json};

use super::about::About;
use super::account;
use super::names::ComponentNames;
use super::operations::{Product, WrittenOperation};
use crate::scenario::FORMATS;

/// The whole document.
pub(crate) fn openapi_document(about: About<'_>) -> Value {
    let catalogue = about.catalogue;
    let names = ComponentNames::of(catalogue);
    let mut written = WrittenOperation::default();
    written.component("Error", error_schema());
    let mut tags =
        vec![json!({"name": account::TAG, "description": "Keys, callback URLs, health."})];
    let shown = catalogue.endpoints();
    let shown = shown.filter(|endpoint| !about.is_strict || endpoint.source.is_public());
    for endpoint in shown {
        let product = Product::new(about, &names, endpoint);
        product.write(&mut written);
        let tag = json!({"name": names.tag(endpoint), "x-source": endpoint.source});
        tags.push(tag);
    }
    for (path, method, operation) in account::operations(catalogue) {
        written.operation(path, &method, operation);
    }
    let strict = if about.is_strict {
        " With --strict it answers only what is documented or observed; what it refuses is left out here."
    } else {
        ""
    };
    let mut api_key = json!({
        "type": "http",
        "scheme": "basic",
        "description": "The API key as the user name, and no password.",
    });
    if let Some(key) = about.key {
        api_key["x-sandbox-key"] = key.into();
    }
    let formats: Map<_, _> = FORMATS
        .iter()
        .map(|(name, _, sentence)| ((*name).to_owned(), json!(sentence)))
        .chain([(
            "bank-code".to_owned(),
            json!("must be the code of a known bank"),
        )])
        .collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Iluma KYC API, as iluma-sandbox emulates it",
            "version": env!("CARGO_PKG_VERSION"),
            "description": format!("{ABOUT}{strict}"),
            "license": {"name": "MIT", "identifier": "MIT"},
            "x-formats": formats,
        },
        "servers": [{"url": about.server}],
        "security": [{"api_key": []}],
        "tags": tags,
        "paths": written.paths,
        "components": {
            "schemas": written.components,
            "headers": headers(),
            "securitySchemes": {"api_key": api_key},
        },
    })
}

const ABOUT: &str = "Made of the scenario files that the sandbox has loaded. `x-source` says how well a fact \
    is known: `documented`, `observed`, `inferred` or `decided` (the sandbox's own choice). The header \
    `x-magic-reply` picks an outcome; what begins with `x-sandbox-` is the sandbox's and not Iluma's.";

/// The schema of Iluma's error envelope.
fn error_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "error_code": {"type": "string"},
            "message": {"type": "string"},
            "errors": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "properties": {"path": {"type": "string"}, "message": {"type": "string"}},
                    "required": ["path", "message"],
                    "additionalProperties": false,
                },
            },
        },
        "required": ["error_code", "message"],
        "additionalProperties": false,
    })
}

/// The sandbox's own headers.
fn headers() -> Value {
    json!({
        "x-sandbox-trace": {
            "description": "Names the exchange: `iluma-sandbox explain` says why it was answered so.",
            "required": true,
            "schema": {"type": "string", "pattern": "^[0-9a-f]{8}-[0-9]+$"},
        },
        "x-sandbox-outcome": {
            "description": "The endpoint and the outcome that answered, percent-encoded where they are not ASCII.",
            "schema": {"type": "string"},
        },
    })
}
