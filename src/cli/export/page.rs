//! The inspector over an export: what the page asks a sandbox for, collected beforehand.

use std::time::Duration;

use bytes::Bytes;
use hyper::{Method, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use crate::base::PUBLIC_KEY;
use crate::cli::client::Client;
use crate::control;
use crate::world::NO_WORLD;

/// How long the export of a large run, or an answer of a busy sandbox, may take beyond the usual time for an answer.
pub(super) const EXPORT_TIME: Duration = Duration::from_mins(1);

/// How large the data of a page may be. Older requests and callbacks are left out.
const PAGE_DATA_BYTES_MAX: usize = 32 << 20;

/// As many requests as the inspector lists.
const PAGE_REQUESTS_MAX: usize = 10_000;

/// JSON texts. They are not parsed, so that their numbers keep all digits.
pub(super) struct PageData {
    /// The first line of the export.
    head: String,
    setup: String,
    worlds: String,
    catalog: String,
    coverage: String,
    exchanges: Vec<String>,
    deliveries: Vec<String>,
    /// `"trace":{…}`
    explanations: Vec<String>,
    omitted_requests: usize,
    omitted_deliveries: usize,
}

/// What is read of a line.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(default)]
    trace: Option<&'a str>,
    #[serde(default)]
    world: Option<&'a str>,
}

impl PageData {
    /// An error is a sentence.
    pub(super) async fn ask(client: &Client, lines: &Bytes) -> Result<Self, String> {
        let lines = std::str::from_utf8(lines).map_err(|_| "the export is no text".to_owned())?;
        let mut lines = lines.lines();
        let mut data = Self {
            head: lines.next().unwrap_or_default().to_owned(),
            setup: asked(client, "setup").await?,
            worlds: asked(client, "worlds").await?,
            catalog: asked(client, "catalog").await?,
            coverage: asked(client, "coverage?world=all").await?,
            exchanges: Vec::new(),
            deliveries: Vec::new(),
            explanations: Vec::new(),
            omitted_requests: 0,
            omitted_deliveries: 0,
        };
        let mut room = PAGE_DATA_BYTES_MAX;
        for text in lines.rev() {
            let line: Line<'_> = serde_json::from_str(text)
                .map_err(|error| format!("a line of the export cannot be read: {error}"))?;
            let fits = room >= text.len();
            match (line.kind, line.trace) {
                ("exchange", Some(trace)) => {
                    if !fits || data.exchanges.len() == PAGE_REQUESTS_MAX {
                        data.omitted_requests += 1;
                        continue;
                    }
                    let explanation = explanation(client, trace, line.world).await?;
                    room = room.saturating_sub(text.len() + explanation.len());
                    data.explanations.push(explanation);
                    data.exchanges.push(text.to_owned());
                }
                ("delivery", _) if fits => {
                    room -= text.len();
                    data.deliveries.push(text.to_owned());
                }
                ("delivery", _) => data.omitted_deliveries += 1,
                _ => {} // scenario files and control calls have no place in the inspector
            }
        }
        data.exchanges.reverse();
        Ok(data)
    }

    /// An error is a sentence.
    pub(super) fn page(&self) -> Result<String, String> {
        let json = format!(
            "{{\"head\":{},\"setup\":{},\"worlds\":{},\"catalog\":{},\"coverage\":{},\"exchanges\":[{}],\
             \"deliveries\":[{}],\"explanations\":{{{}}},\"omitted\":{{\"requests\":{},\"deliveries\":{}}}}}",
            self.head,
            self.setup,
            self.worlds,
            self.catalog,
            self.coverage,
            self.exchanges.join(","),
            self.deliveries.join(","),
            self.explanations.join(","),
            self.omitted_requests,
            self.omitted_deliveries,
        );
        // The documentation's key is in the curl lines. A file that is passed on needs none.
        let json = json.replace(PUBLIC_KEY, "$ILUMA_API_KEY");
        control::exported_inspector(&json)
            .ok_or_else(|| "the inspector is not in this build".to_owned())
    }
}

/// The JSON text of an answer.
async fn asked(client: &Client, path: &str) -> Result<String, String> {
    let path = format!("/__sandbox/{path}");
    let asked = client.ask_bytes(Method::GET, &path, Bytes::new(), EXPORT_TIME);
    match asked.await? {
        (StatusCode::OK, text) => String::from_utf8(text.into())
            .map_err(|_| format!("the sandbox answered {path} with bytes that are no text")),
        (status, _) => Err(format!(
            "the sandbox answered {path} with {}",
            status.as_u16()
        )),
    }
}

/// The explanation of a request as a field of an object. It is null if the request has been dropped meanwhile.
async fn explanation(client: &Client, trace: &str, world: Option<&str>) -> Result<String, String> {
    let world = world.filter(|tag| tag.as_bytes() != NO_WORLD);
    let world = world.map_or(String::new(), |tag| format!("?world={tag}"));
    let trace_in_path = utf8_percent_encode(trace, NON_ALPHANUMERIC);
    let path = format!("/__sandbox/explain/{trace_in_path}{world}");
    let asked = client.ask_bytes(Method::GET, &path, Bytes::new(), EXPORT_TIME);
    let text = match asked.await? {
        (StatusCode::OK, text) => String::from_utf8_lossy(&text).into_owned(),
        _ => "null".to_owned(),
    };
    Ok(format!("{}:{text}", serde_json::json!(trace)))
}
