//! The filters for the parts of one trace: requests, and the callbacks that carry its headers.

use clap::Args;
use serde_json::Value;

use crate::http::{self, Traceparent, TraceparentFilter};

#[derive(Clone, Debug, Args)]
pub(super) struct TraceFilters {
    /// Only this W3C trace: a whole `traceparent`, or the 32 hex digits of its trace id.
    #[arg(long, value_name = "VALUE", value_parser = traceparent)]
    traceparent: Option<String>,
    /// Only this `x-request-id`.
    #[arg(long, value_name = "ID", value_parser = http::request_id)]
    request_id: Option<String>,
}

impl TraceFilters {
    /// The filters as parameters of the control API.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let pairs = [
            ("traceparent", self.traceparent.as_deref()),
            ("request_id", self.request_id.as_deref()),
        ];
        pairs
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
    }

    /// Whether a request or a callback of the control API is asked for.
    pub(super) fn takes(&self, entry: &Value) -> bool {
        let is_traced = self.traceparent.as_deref().is_none_or(|asked| {
            let traceparent = entry["traceparent"].as_str().and_then(Traceparent::parse);
            let asked = TraceparentFilter::parse(asked);
            traceparent.is_some_and(|one| asked.is_ok_and(|asked| asked.takes(&one)))
        });
        let asked = self.request_id.as_deref();
        is_traced && asked.is_none_or(|asked| entry["request_id"].as_str() == Some(asked))
    }
}

fn traceparent(text: &str) -> Result<String, String> {
    TraceparentFilter::parse(text).map(|_| text.to_owned())
}
