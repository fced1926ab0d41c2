//! What a coverage must reach.

use std::time::Duration;

use clap::ValueEnum;
use form_urlencoded::Serializer;
use hyper::{Method, StatusCode};
use serde_json::Value;

use super::saved::SavedCoverage;
use crate::cli::client::Client;
use crate::cli::output::{refusal, visible_texts};
use crate::control::{Coverage, GateCheck};

/// The kinds of items that count instead of the usual ones.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(in crate::cli) enum OnlyKinds {
    // With a comment for clap, the help of all flags would become several lines long.
    Errors,
    Callbacks,
}

/// What counts.
#[derive(Clone, Debug, Default)]
pub(in crate::cli) struct Counted {
    pub is_own_world: bool,
    pub endpoints: Vec<String>,
    pub only: Option<OnlyKinds>,
    pub ignored: Vec<String>,
}

impl Counted {
    fn path(&self) -> String {
        let mut query = Serializer::new("coverage?".to_owned());
        query.append_pair("world", if self.is_own_world { "own" } else { "all" });
        for endpoint in &self.endpoints {
            query.append_pair("endpoint", endpoint);
        }
        if let Some(only) = self.only {
            let only = match only {
                OnlyKinds::Errors => "errors",
                OnlyKinds::Callbacks => "callbacks",
            };
            query.append_pair("only", only);
        }
        for pattern in &self.ignored {
            query.append_pair("ignore", pattern);
        }
        query.finish()
    }
}

/// How the command calls the flags of the gate.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) struct GateFlags {
    pub min: &'static str,
    pub at_least_as: &'static str,
}

pub(in crate::cli) struct CoverageGate {
    pub counted: Counted,
    pub min: Option<u8>,
    pub at_least_as: Option<SavedCoverage>,
    pub flags: GateFlags,
}

/// Why there is no report. Both are sentences.
pub(in crate::cli) enum NoReport {
    Misused(String),
    Failed(String),
}

impl CoverageGate {
    /// Asks for the report: as values, and as the sandbox wrote it.
    pub(in crate::cli) async fn report(
        &self,
        client: &Client,
    ) -> Result<(Coverage, Value), NoReport> {
        let path = self.counted.path();
        let asked = client.ask(Method::GET, &path, None, Duration::ZERO).await;
        let (status, answer) = asked.map_err(NoReport::Failed)?;
        let message = |sentence: &str| refusal(&answer).unwrap_or_else(|| sentence.to_owned());
        if status == StatusCode::BAD_REQUEST {
            return Err(NoReport::Misused(message(
                "the sandbox refused the request",
            )));
        }
        match serde_json::from_value::<Coverage>(visible_texts(&answer)) {
            Ok(coverage) if status == StatusCode::OK => Ok((coverage, answer)),
            _ => Err(NoReport::Failed(message(
                "the sandbox has no coverage report; it may be an older version",
            ))),
        }
    }

    pub(in crate::cli) fn checks(&self, coverage: &Coverage) -> Vec<GateCheck> {
        let min = self.min.map(|min| coverage.check_min(min, self.flags.min));
        let ratchet = self.at_least_as.as_ref().map(|saved| GateCheck {
            name: self.flags.at_least_as.to_owned(),
            failure: saved.lost(coverage),
        });
        min.into_iter().chain(ratchet).collect()
    }

    /// Why the coverage of a run is not enough, or not known. Empty if it is enough.
    pub(in crate::cli) async fn failures(&self, client: &Client) -> Vec<String> {
        match self.report(client).await {
            Ok((coverage, _)) => {
                let checks = self.checks(&coverage).into_iter();
                checks.filter_map(|check| check.failure).collect()
            }
            Err(NoReport::Misused(sentence) | NoReport::Failed(sentence)) => vec![sentence],
        }
    }
}
