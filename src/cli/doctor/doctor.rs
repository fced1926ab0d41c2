//! `iluma-sandbox doctor`: looks for what commonly keeps clients from a sandbox.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::finding::{Finding, Level};
use super::{clients, network, port, receivers};
use crate::base::visible;
use crate::cli::output::{Format, block_on, finish, finish_json, misused};
use crate::cli::target::Target;
use crate::cli::tls::ReceiverArguments;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    receivers: ReceiverArguments,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    block_on(doctor(arguments))
}

async fn doctor(arguments: &Arguments) -> ExitCode {
    let place = &arguments.target.place;
    let parts = (place.url(), arguments.target.client());
    let (url, client) = match parts {
        (Ok(url), Ok(client)) => (url, client),
        (Err(sentence), _) | (_, Err(sentence)) => return misused(sentence),
    };
    let is_named = !place.sources().is_empty();
    let (port, localhost, receivers, clients) = tokio::join!(
        port::check(&client, &url, is_named),
        network::localhost(),
        receivers::check(&client, &arguments.receivers),
        clients::check(place.authority_folder(), url.is_https()),
    );
    let mut findings = port;
    findings.push(localhost);
    findings.push(network::proxies(&url));
    findings.push(network::service_links());
    findings.extend(receivers);
    findings.extend(clients);
    printed(&findings, arguments.format)
}

fn printed(findings: &[Finding], format: Format) -> ExitCode {
    let count = |level| findings.iter().filter(|one| one.level == level).count();
    let (errors, warnings) = (count(Level::Error), count(Level::Warning));
    let code = ExitCode::from(u8::from(errors > 0));
    match format {
        Format::Text => {
            let lines: String = findings.iter().map(line).collect();
            let counts = format!(
                "\n{}, {}\n",
                in_words(errors, "error"),
                in_words(warnings, "warning")
            );
            finish(&(lines + &counts), code)
        }
        Format::Json => finish_json(
            &json!({"findings": findings, "errors": errors, "warnings": warnings}),
            code,
        ),
    }
}

fn line(finding: &Finding) -> String {
    let (level, check) = (finding.level.word(), finding.check);
    let line = format!("{level:<8} {check:<10} {}\n", visible(&finding.message));
    match &finding.remedy {
        Some(remedy) => format!("{line}{:<19} remedy: {}\n", "", visible(remedy)),
        None => line,
    }
}

fn in_words(count: usize, what: &str) -> String {
    match count {
        0 => format!("no {what}"),
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}
