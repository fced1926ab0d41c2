//! `GET /__sandbox/metrics`: what the sandbox has done and what it holds, as Prometheus reads it.

use std::fmt::{self, Display, Write};

use hyper::header::HeaderValue;

use super::ask::{ControlReply, ControlRequest};
use super::context::Context;
use crate::base::Turn;
use crate::catalogue::ReplyId;
use crate::http::Refusal;
use crate::world::{Dropped, Durations, Exercised, LIMITS_US, Totals, WorldsHeld};

const CONTENT_TYPE: HeaderValue =
    HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

pub(super) async fn answer(request: ControlRequest<'_>) -> Result<ControlReply, Refusal> {
    let text = text(request.context).await;
    let text = text.expect("writing to a string cannot fail");
    Ok(ControlReply::Document(CONTENT_TYPE, text.into()))
}

async fn text(context: &Context) -> Result<String, fmt::Error> {
    let mut turn = context.turns.brief();
    let totals = context.engine.worlds.totals(&mut turn).await;
    let tally = context.engine.worlds.tally(&mut turn).await;
    let text = &mut String::new();
    let version = env!("CARGO_PKG_VERSION");
    head(text, "build_info", "gauge", "The running version.")?;
    sample(text, "build_info", &[("version", &version)], 1)?;
    requests(text, &totals.exercised, &mut turn).await?;
    durations(text, &totals.exercised.durations)?;
    held_and_dropped(text, context, &totals, &tally)?;
    Ok(std::mem::take(text))
}

fn held_and_dropped(
    text: &mut String,
    context: &Context,
    totals: &Totals,
    tally: &WorldsHeld,
) -> fmt::Result {
    let reload = context.engine.scenarios.last_reload();
    let Dropped {
        records,
        journal,
        counters,
        deliveries,
    } = totals.dropped;

    let help = "Callbacks that have ended, by result.";
    head(text, "deliveries_total", "counter", help)?;
    for (state, count) in totals.deliveries.by_state() {
        sample(text, "deliveries_total", &[("state", &state)], count)?;
    }
    for (name, help, value) in [
        (
            "deliveries_pending",
            "Callbacks that are pending.",
            tally.holds.deliveries_pending,
        ),
        ("worlds", "Worlds in use.", tally.worlds),
        ("records", "Records that can be read.", tally.holds.records),
        (
            "journal_entries",
            "Requests in the journals of all worlds.",
            tally.holds.journal,
        ),
        (
            "held_bytes",
            "Approximate memory of all worlds.",
            tally.bytes,
        ),
    ] {
        head(text, name, "gauge", help)?;
        sample(text, name, &[], value)?;
    }
    let help = "Entries that were dropped because of a limit.";
    head(text, "dropped_total", "counter", help)?;
    let strangers = context.engine.strangers.journal().dropped;
    for (what, count) in [
        ("records", records),
        ("journal_entries", journal + strangers),
        ("counters", counters),
        ("deliveries", deliveries),
        ("worlds", tally.evicted),
    ] {
        sample(text, "dropped_total", &[("what", &what)], count)?;
    }
    let help = "Requests that were refused because the sandbox was full.";
    head(text, "requests_refused_total", "counter", help)?;
    sample(text, "requests_refused_total", &[], tally.refused)?;
    let help = "Reloads of the scenario files.";
    head(text, "reloads_total", "counter", help)?;
    for (result, count) in [
        ("succeeded", reload.count - reload.failed),
        ("failed", reload.failed),
    ] {
        sample(text, "reloads_total", &[("result", &result)], count)?;
    }
    Ok(())
}

/// One line for each outcome that was answered. `Exercised` limits how many there are.
async fn requests(text: &mut String, exercised: &Exercised, turn: &mut Turn<'_>) -> fmt::Result {
    let name = "requests_total";
    let help = "Answered requests, without those to /__sandbox/. The endpoint is empty if no endpoint was \
                reached. Then the outcome is empty too if there was no error.";
    head(text, name, "counter", help)?;
    let mut lines: Vec<_> = exercised
        .by_status()
        .map(|(reply, status, count)| (labels(reply), status, count))
        .collect();
    lines.sort_unstable();
    for ((endpoint, outcome), status, count) in lines {
        turn.pause().await;
        let labels: [(&str, &dyn Display); 3] = [
            ("endpoint", &endpoint),
            ("outcome", &outcome),
            ("status", &status.as_u16()),
        ];
        sample(text, name, &labels, count)?;
    }
    if exercised.uncounted > 0 {
        let other: &dyn Display = &"other";
        let labels = ["endpoint", "outcome", "status"].map(|label| (label, other));
        sample(text, name, &labels, exercised.uncounted)?;
    }
    Ok(())
}

/// The endpoint and the outcome of a reply.
fn labels(reply: &ReplyId) -> (&str, &str) {
    match reply {
        ReplyId::Outcome(id) => (id.endpoint(), id.name()),
        ReplyId::Error(code) => ("", code),
        ReplyId::Account => ("", ""),
    }
}

fn durations(text: &mut String, durations: &Durations) -> fmt::Result {
    let name = "request_duration_seconds";
    let help = "Time that the sandbox needed for answers, without injected delays.";
    head(text, name, "histogram", help)?;
    let mut count = 0;
    let bucket = "request_duration_seconds_bucket";
    for (limit_us, more) in LIMITS_US.iter().zip(durations.counts) {
        count += more;
        #[expect(clippy::cast_precision_loss, reason = "limits are small")]
        let limit = *limit_us as f64 / 1e6;
        sample(text, bucket, &[("le", &limit)], count)?;
    }
    count = durations.counts.iter().sum();
    sample(text, bucket, &[("le", &"+Inf")], count)?;
    let seconds = durations.sum.as_secs_f64();
    sample(text, "request_duration_seconds_sum", &[], seconds)?;
    sample(text, "request_duration_seconds_count", &[], count)
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) -> fmt::Result {
    writeln!(text, "# HELP iluma_sandbox_{name} {help}")?;
    writeln!(text, "# TYPE iluma_sandbox_{name} {kind}")
}

fn sample(
    text: &mut String,
    name: &str,
    labels: &[(&str, &dyn Display)],
    value: impl Display,
) -> fmt::Result {
    write!(text, "iluma_sandbox_{name}")?;
    for (at, (label, said)) in labels.iter().enumerate() {
        let before = if at == 0 { '{' } else { ',' };
        let said = said.to_string();
        let said = said
            .replace('\\', r"\\")
            .replace('"', r#"\""#)
            .replace('\n', r"\n");
        write!(text, "{before}{label}=\"{said}\"")?;
    }
    let end = if labels.is_empty() { "" } else { "}" };
    writeln!(text, "{end} {value}")
}
