//! The filters that choose requests, as the control API has them.

use clap::Args;
use serde_json::{Map, Value, json};

use super::columns::items;
use super::list_path::ListPath;
use super::trace_filters::TraceFilters;
use crate::base::read_exact_json;

#[derive(Debug, Args)]
pub(super) struct RequestFilters {
    /// Only requests to this endpoint, such as `v1.1/bank_account_data_requests`.
    #[arg(long, value_name = "ID")]
    endpoint: Option<String>,
    /// Only requests with this outcome.
    #[arg(long, value_name = "X")]
    outcome: Option<String>,
    /// Only requests whose response has this status, such as `503`.
    #[arg(long, value_name = "N")]
    status: Option<u16>,
    /// Only requests with this method.
    #[arg(long)]
    method: Option<String>,
    /// Only requests with this path.
    #[arg(long)]
    path: Option<String>,
    #[command(flatten)]
    trace: TraceFilters,
    /// Only requests with this value in a field: `body.NAME=VALUE`, `header.NAME=VALUE`, `query.NAME=VALUE` or
    /// `trace=VALUE`. `body.NAME:=VALUE` takes JSON. Can be repeated.
    #[arg(long = "where", value_name = "FIELD=VALUE", value_parser = field_value)]
    fields: Vec<FieldValue>,
    /// Only requests after the one with this number.
    #[arg(long, value_name = "SEQ")]
    pub after_seq: Option<u64>,
    /// Requests that belong to no world, such as those without an API key.
    #[arg(long, conflicts_with = "world")]
    pub strangers: bool,
}

#[derive(Clone, Debug)]
struct FieldValue {
    field: String,
    value: Value,
}

impl RequestFilters {
    fn pairs(&self) -> Vec<(&str, Value)> {
        let texts = [
            ("endpoint", &self.endpoint),
            ("outcome", &self.outcome),
            ("method", &self.method),
            ("path", &self.path),
        ];
        let texts = texts.into_iter();
        let texts = texts.filter_map(|(name, value)| Some((name, json!(value.as_ref()?))));
        let trace = self.trace.pairs();
        let texts = texts.chain(trace.map(|(name, value)| (name, json!(value))));
        let status = self.status.map(|status| ("status", json!(status)));
        let fields = self.fields.iter();
        let fields = fields.map(|one| (one.field.as_str(), one.value.clone()));
        texts.chain(status).chain(fields).collect()
    }

    /// The filters as a JSON object.
    pub(super) fn json(&self) -> Value {
        let pairs = self.pairs().into_iter();
        let fields: Map<_, _> = pairs
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        fields.into()
    }

    /// Adds the filters to the path of a list.
    pub(super) fn add_to(&self, path: &mut ListPath) {
        for (name, value) in self.pairs() {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            path.text(name, Some(&text));
        }
    }
}

/// `body.bank_code=BCA`, or `body.amount:=5`
fn field_value(text: &str) -> Result<FieldValue, String> {
    let wrong = || "write FIELD=VALUE, such as body.bank_code=BCA".to_owned();
    let (field, value) = text.split_once('=').ok_or_else(wrong)?;
    let (field, value) = match field.strip_suffix(':') {
        Some(field) => {
            let json = read_exact_json(value.as_bytes());
            let json = json.ok_or("the value after `:=` must be JSON, such as 5 or true")?;
            (field, json)
        }
        None => (field, value.into()),
    };
    if field.is_empty() {
        return Err(wrong());
    }
    Ok(FieldValue {
        field: field.to_owned(),
        value,
    })
}

/// Why an expectation does not hold, with the closest requests. The texts of the answer are safe for a terminal.
pub(super) fn not_verified_text(answer: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut lines = vec![text(&answer["message"])];
    for near in items(answer, "near_misses") {
        let (trace, request) = (text(&near["trace"]), text(&near["request"]));
        lines.push(format!("  close was {trace}, {request}:"));
        for difference in items(near, "differences") {
            let field = text(&difference["field"]);
            let [expected, received] =
                ["expected", "received"].map(|name| match &difference[name] {
                    Value::Null => "nothing".to_owned(),
                    value => value.to_string(),
                });
            let line = match difference["note"].as_str() {
                Some(note) => format!("{field}: {note}"),
                None => format!("{field}: expected {expected}, received {received}"),
            };
            lines.push(format!("    {line}"));
        }
    }
    lines.join("\n")
}
