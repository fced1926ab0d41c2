//! The control API and the products in turns, in one world. Then the world is saved and restored.

use std::sync::Arc;

use serde_json::Value;

use super::stage::{ReceivedReply, authorization, run, sandbox, send, shipped};
use crate::server::Serving;

/// The separator of two requests.
const BETWEEN: &str = "\n---\n";

const REQUESTS_MAX: usize = 12;
const TARGET: &str = "/__sandbox/";

/// Sends requests one after the other. Each is a line with method and path, and the body after it. A path
/// without a slash at its start is one of the control API.
///
/// # Panics
/// If a reply breaks a rule for every reply, or a restored world differs.
pub fn control(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    run(async {
        let sandbox = sandbox(shipped());
        for request in text.split(BETWEEN).take(REQUESTS_MAX) {
            let (line, body) = request.split_once('\n').unwrap_or((request, ""));
            let (method, path) = line.split_once(' ').unwrap_or(("GET", line));
            ask(&sandbox, method, path, body.as_bytes()).await;
        }
        snapshot_goes_round(&sandbox).await;
    });
}

async fn snapshot_goes_round(sandbox: &Arc<Serving>) {
    let take = async || {
        let taken = ask(sandbox, "GET", "snapshot", b"").await.pop();
        taken
            .and_then(|heard| heard.body)
            .expect("a world can always be written down")
    };
    let written = take().await;
    let restored = ask(sandbox, "PUT", "snapshot", &written).await.pop();
    let restored = restored.expect("it is answered");
    assert_eq!(restored.status, 200, "{restored:?}");
    let read = |document: &[u8]| -> Value {
        let mut document: Value = serde_json::from_slice(document).expect("it is JSON");
        document["left_out"].take(); // what a snapshot leaves out is not there any more
        document
    };
    assert_eq!(read(&written), read(&take().await));
}

async fn ask(sandbox: &Arc<Serving>, method: &str, path: &str, body: &[u8]) -> Vec<ReceivedReply> {
    let slash = if path.starts_with('/') { "" } else { TARGET };
    let head = format!(
        "{method} {slash}{path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nauthorization: {}\r\n\
         content-length: {}\r\n\r\n",
        authorization(),
        body.len()
    );
    send(sandbox, &[head.as_bytes(), body]).await.1
}
