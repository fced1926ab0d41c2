//! `replay --against`: checks what is asked for, sends it, and reports.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use super::arguments::{AgainstArguments, Suite};
use super::findings::Findings;
use super::junit_report::junit;
use super::plan::{self, Step};
use super::remote::Remote;
use super::sending::Sending;
use super::{documented_suite, personal_data, report};
use crate::base::{ApiKey, HttpUrl, nearest_or_all, short};
use crate::callbacks::CheckedHost;
use crate::catalogue::{Catalogue, Current};
use crate::cli::learn::{Report, learn_lines};
use crate::cli::output::{ReportFormat, block_on, finish, finish_json, misused, report as say};
use crate::cli::replay::comparison::Selection;
use crate::cli::replay::only::endpoint_ids;
use crate::cli::replay::recording::{RecordedWorld, Recording};
use crate::cli::replay::run::recorded_catalogue;
use crate::sandbox::{Loaded, Options, assemble};
use crate::server::Serving;

/// What is compared with the server, and how the result is shown.
pub(in crate::cli::replay) struct Comparing<'a> {
    pub url: &'a HttpUrl,
    /// None for a suite.
    pub file: Option<&'a Path>,
    /// Scenario files in place of the recorded ones.
    pub catalogue: Option<Arc<Catalogue>>,
    pub seed: Option<u64>,
    pub selection: Selection,
    /// The folder for outcomes that are learned from the replies.
    pub learned_into: Option<&'a Path>,
    /// They can define routes that HAR and Postman collections have.
    pub folders: &'a [PathBuf],
    pub format: ReportFormat,
}

pub(in crate::cli::replay) fn run(
    arguments: &AgainstArguments,
    comparing: Comparing<'_>,
) -> ExitCode {
    let format = comparing.format;
    let url = comparing.url.as_str().to_owned();
    block_on(async {
        match compare(arguments, comparing).await {
            Ok(compared) => end(&url, format, &compared),
            Err(sentence) => misused(sentence),
        }
    })
}

/// What was found, and what was learned.
struct Compared {
    findings: Findings,
    learned: Option<Report>,
}

/// An error is a sentence: nothing was sent, or nothing was answered.
async fn compare(
    arguments: &AgainstArguments,
    mut comparing: Comparing<'_>,
) -> Result<Compared, String> {
    let key = development_key(arguments)?;
    let mut findings = Findings::default();
    let (catalogue, steps) = plan(arguments, &comparing, &mut findings)?;
    comparing.selection.endpoints =
        endpoint_ids(&comparing.selection.endpoints, &catalogue, |name| {
            steps.iter().any(|step| step.is_at(name))
        })?;
    personal_data::check(&catalogue, &steps)?;
    let host = checked_host(comparing.url, arguments.yes).await?;
    let remote = Remote {
        url: comparing.url.clone(),
        host,
        key,
        control_token: arguments.control_token.clone(),
        trust: arguments.trust()?,
    };
    let interval = arguments.interval(remote.host.is_public);
    let mut sending = Sending::new(&remote, &catalogue, &comparing.selection, &mut findings);
    sending.interval = interval;
    sending.observed = comparing.learned_into.map(|_| Vec::new());
    sending.run(&steps).await?;
    let observed = sending.observed.take();
    let learned = comparing.learned_into.zip(observed);
    let learned = learned.map(|(folder, lines)| learn_lines(&catalogue, &lines, folder));
    Ok(Compared {
        findings,
        learned: learned.transpose()?,
    })
}

fn development_key(arguments: &AgainstArguments) -> Result<ApiKey, String> {
    let key = arguments.api_key.clone().ok_or(
        "--against needs a key: give a development key of that server with --api-key or ILUMA_SANDBOX_API_KEY",
    )?;
    if key.is_live() {
        return Err(
            "the API key is a live key, and nothing is sent with one: give a development key, which begins with `iluma_development_`"
                .to_owned(),
        );
    }
    Ok(key)
}

/// The steps to take, and the catalogue that has their labels.
fn plan(
    arguments: &AgainstArguments,
    comparing: &Comparing<'_>,
    findings: &mut Findings,
) -> Result<(Arc<Catalogue>, Vec<Step>), String> {
    let Some(file) = comparing.file else {
        let Some(Suite::Documented) = arguments.suite else {
            return Err("give the file of a recording, or --suite documented".to_owned());
        };
        let serving = fresh_sandbox(comparing)?;
        let steps = documented_suite::steps(&serving)?;
        let catalogue = serving.control.engine.catalogue();
        return Ok((Arc::clone(&catalogue), steps));
    };
    let seed = comparing.seed.unwrap_or_default();
    let runs = Recording::replayable(file, comparing.folders, seed)?;
    let catalogue = match (&comparing.catalogue, runs.last()) {
        (Some(catalogue), _) => catalogue.clone(),
        (None, Some(latest)) => Arc::new(recorded_catalogue(latest)?),
        (None, None) => return Err("the recording is empty".to_owned()),
    };
    let lives = chosen_world(&runs, arguments.world.as_deref())?;
    let steps = plan::steps(&catalogue, &lives, findings);
    for run in &runs {
        findings.skip_all("they belong to no world", run.strangers);
    }
    Ok((catalogue, steps))
}

/// A sandbox of this release, without a port.
fn fresh_sandbox(comparing: &Comparing<'_>) -> Result<Serving, String> {
    let catalogue = if let Some(catalogue) = &comparing.catalogue {
        catalogue.clone()
    } else {
        let shipped = Catalogue::load(&[], None);
        Arc::new(shipped.map_err(|errors| errors.to_string())?)
    };
    let options = Options {
        seed: comparing.seed.unwrap_or_default(),
        ..Options::default()
    };
    let loaded = Loaded::without_state(&options, Current::of(catalogue));
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    Ok(assemble(options, loaded, address, false))
}

/// The lives of one world, in their order.
fn chosen_world<'r>(
    runs: &'r [Recording],
    tag: Option<&str>,
) -> Result<Vec<&'r RecordedWorld>, String> {
    let all = || runs.iter().flat_map(|run| &run.worlds);
    let tags: BTreeSet<_> = all().map(|world| world.tag.as_str()).collect();
    let listed = || tags.iter().copied().collect::<Vec<_>>().join(", ");
    let near = |tag| nearest_or_all(tag, tags.iter().copied());
    let chosen = match (tag, tags.first()) {
        (_, None) => return Err("the recording has no world".to_owned()),
        (Some(tag), Some(_)) if !tags.contains(tag) => {
            return Err(format!(
                "the recording has no world `{}`: {}",
                short(tag),
                near(tag)
            ));
        }
        (Some(tag), Some(_)) => tag,
        (None, Some(only)) if tags.len() == 1 => only,
        (None, Some(_)) => {
            return Err(format!(
                "the recording has several worlds, and one key is one world: choose one with --world ({})",
                listed()
            ));
        }
    };
    Ok(all().filter(|world| world.tag == chosen).collect())
}

/// Resolves the host and checks each of its addresses.
async fn checked_host(url: &HttpUrl, agreed: bool) -> Result<CheckedHost, String> {
    let host = CheckedHost::of(url).await;
    let host = host.map_err(|reason| format!("nothing was sent to {}: {reason}", url.as_str()))?;
    if !host.is_public {
        return Ok(host);
    }
    if !agreed {
        return Err(format!(
            "{} is a public host: add --yes to send the requests to it with your development key",
            url.host()
        ));
    }
    if !url.is_https() {
        return Err(format!(
            "{} is a public host, and its URL has no https: the key would be readable on the way",
            url.host()
        ));
    }
    Ok(host)
}

fn end(url: &str, format: ReportFormat, compared: &Compared) -> ExitCode {
    let Compared { findings, learned } = compared;
    let code = if findings.stopped.is_some() || findings.compared == 0 {
        ExitCode::from(2)
    } else if findings.is_equal() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    };
    let code = match format {
        ReportFormat::Text => {
            let learned = learned.as_ref().map(Report::text);
            let text = report::text(url, findings) + &learned.unwrap_or_default();
            finish(&text, code)
        }
        ReportFormat::Json => {
            let mut json = report::json(url, findings);
            if let Some(learned) = learned {
                json["learned"] = learned.json();
            }
            finish_json(&json, code)
        }
        ReportFormat::Junit => finish(&junit(findings), code),
    };
    match &findings.stopped {
        Some(stopped) => say(format_args!("iluma-sandbox: stopped: {stopped}")),
        None if findings.compared == 0 => {
            say("iluma-sandbox: no request could be compared");
        }
        None => {}
    }
    code
}
