//! What `serve` says when the sandbox is ready: a line of text, or JSON for launchers.

use std::path::Path;

use serde_json::json;

use crate::http::{CONTROL_TOKEN_HEADER, ControlToken};
use crate::sandbox::Sandbox;

/// The ready message: where the sandbox is, and its control token if it made one itself.
pub(super) fn words(sandbox: &Sandbox, token_is_given: bool) -> String {
    let url = sandbox.url();
    let secured = sandbox.tls_url().filter(|other| *other != url);
    let secured = secured.map(|other| format!("HTTPS is at {other}\n"));
    let at = format!(
        "iluma-sandbox is ready at {url}\n{}",
        secured.unwrap_or_default()
    );
    match sandbox.control_token().filter(|_| !token_is_given) {
        None => at,
        Some(token) => format!(
            "{at}the control API needs the header {CONTROL_TOKEN_HEADER}: {}\n",
            token.reveal()
        ),
    }
}

/// What a launcher needs to know, as one line of JSON.
pub(super) fn json(sandbox: &Sandbox, ca_file: Option<&Path>) -> String {
    let url = sandbox.url();
    let port = url
        .rsplit(':')
        .next()
        .and_then(|port| port.parse::<u16>().ok());
    let ready = json!({
        "url": url,
        "urls": sandbox.urls(),
        "port": port,
        "pid": std::process::id(),
        "api_key": sandbox.api_key(),
        "callback_token": sandbox.callback_token(),
        "control_token": sandbox.control_token().map(ControlToken::reveal),
        "control_url": format!("{url}/__sandbox"),
        "tls_url": sandbox.tls_url(),
        "ca_file": ca_file,
        "version": env!("CARGO_PKG_VERSION"),
    });
    format!("{ready}\n")
}
