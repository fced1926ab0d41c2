//! A sandbox without a server, a clock that moves by itself, and the rules for every reply.

use std::cell::RefCell;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt, Collected, Full};
use hyper::http::response;
use hyper::server::conn::http1;
use hyper::{Method, Response};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::base::PUBLIC_KEY;
use crate::catalogue::{Catalogue, Current};
use crate::control;
use crate::http;
use crate::sandbox::{Loaded, Options, assemble};
use crate::server::{HEAD_BYTES_MAX, InMemory, Serving};

/// Longer than anything may take. On the paused clock it passes at once.
const LONG: Duration = Duration::from_mins(15);

/// After this time a reply counts as endless, such as a stream of events.
const ENDLESS: Duration = Duration::from_mins(11);

const PIPE_BYTES: usize = 16 << 10;

static SHIPPED: LazyLock<Arc<Catalogue>> =
    LazyLock::new(|| Arc::new(Catalogue::load(&[], None).expect("the shipped files are sound")));

/// The shipped catalogue, compiled once for all inputs.
pub(crate) fn shipped() -> Arc<Catalogue> {
    SHIPPED.clone()
}

/// A sandbox that has seen nothing yet.
pub(crate) fn sandbox(catalogue: Arc<Catalogue>) -> Arc<Serving> {
    let address = ([127, 0, 0, 1], 4586).into();
    let options = Options::default();
    let loaded = Loaded::without_state(&options, Current::of(catalogue));
    Arc::new(assemble(options, loaded, address, true))
}

/// Runs a future to its end, on a clock that jumps to the next timer.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    runtime.expect("a clock is all it has").block_on(future)
}

pub(crate) fn authorization() -> String {
    authorization_of(PUBLIC_KEY)
}

pub(crate) fn authorization_of(key: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{key}:")))
}

/// A reply and what it answers.
#[derive(Debug, PartialEq)]
pub(crate) struct ReceivedReply {
    pub method: Method,
    pub path: String,
    pub status: u16,
    /// The headers as they would be written.
    pub headers: String,
    /// None if the body has no end, or is broken on purpose.
    pub body: Option<Bytes>,
}

impl ReceivedReply {
    /// Whether the same request gets the same reply in another sandbox. Replies of the control API hold
    /// times, so they do not.
    pub(crate) fn is_repeatable(&self) -> bool {
        !control::is_control_path(&self.path)
    }
}

/// Sends bytes through a pipe to the server's own code. Returns all that came back, and each reply.
pub(crate) async fn send(
    sandbox: &Arc<Serving>,
    pieces: &[&[u8]],
) -> (Vec<u8>, Vec<ReceivedReply>) {
    let (ours, theirs) = tokio::io::duplex(PIPE_BYTES);
    let heard = RefCell::new(Vec::new());
    let server = InMemory::new(sandbox);
    let mut http = http1::Builder::new();
    http.auto_date_header(false).max_buf_size(HEAD_BYTES_MAX);
    let serving = server.serve(theirs, &http, async |request| {
        let method = request.method().clone();
        let path = http::normal_path(request.uri().path()).into_owned();
        let (parts, body) = server.respond(request).await?.into_parts();
        let whole = timeout(ENDLESS, body.collect()).await;
        let whole = whole.ok().and_then(Result::ok).map(Collected::to_bytes);
        if let Some(body) = &whole {
            check(&method, &path, &parts, body);
        }
        heard.borrow_mut().push(ReceivedReply {
            method,
            path,
            status: parts.status.as_u16(),
            headers: format!("{:?}", parts.headers),
            body: whole.clone(),
        });
        Some(Response::from_parts(parts, Full::new(whole?)))
    });
    let (mut reader, mut writer) = tokio::io::split(ours);
    let mut came = Vec::new();
    {
        let asking = async {
            for piece in pieces {
                if writer.write_all(piece).await.is_err() {
                    break; // the server has stopped reading
                }
                tokio::task::yield_now().await;
            }
        };
        let hearing = async { reader.read_to_end(&mut came).await.ok() };
        timeout(LONG, async { tokio::join!(asking, hearing, serving) })
            .await
            .ok();
    }
    (came, heard.take())
}

/// Checks the rules for every reply, whatever was asked.
fn check(method: &Method, path: &str, head: &response::Parts, body: &Bytes) {
    let header = |name: &str| {
        let value = head.headers.get(name);
        value.map_or("", |value| value.to_str().expect("headers are text"))
    };
    let said = || {
        format!(
            "{method} {path}: {head:?} {}",
            String::from_utf8_lossy(body)
        )
    };
    if !header("x-sandbox-fault").is_empty() {
        return; // broken as it was asked for
    }
    let kind = header("content-type");
    if control::is_control_path(path) || !header("x-sandbox-document").is_empty() {
        assert_ne!(head.status, 500, "{}", said());
        if kind.starts_with("application/json") {
            let reply: Value = serde_json::from_slice(body).expect("what is called JSON is JSON");
            let waited = head.status == 408; // a 408 shows what there is instead
            if head.status.is_client_error() && !waited {
                let is_text = |name: &str| reply[name].is_string();
                assert!(is_text("error") && is_text("message"), "{}", said());
            }
        }
        return;
    }
    assert_eq!(kind, "application/json; charset=utf-8", "{}", said());
    assert!(!header("x-sandbox-trace").is_empty(), "{}", said());
    let reply: Value = serde_json::from_slice(body).expect("a reply is JSON");
    if head.status == 500 {
        assert!(
            !header("x-sandbox-outcome").is_empty(),
            "nobody asked for it: {}",
            said()
        );
    }
    if head.status.is_success() {
        return;
    }
    let fields = reply.as_object().expect("an error is an object");
    assert!(reply["error_code"].is_string(), "{}", said());
    assert!(reply["message"].is_string(), "{}", said());
    if let Some(complaints) = fields.get("errors") {
        for complaint in complaints.as_array().expect("complaints are a list") {
            assert!(complaint["path"].is_string(), "{}", said());
            assert!(complaint["message"].is_string(), "{}", said());
        }
    }
    let known = ["error_code", "message", "errors"];
    assert!(
        fields.keys().all(|key| known.contains(&key.as_str())),
        "{}",
        said()
    );
}
