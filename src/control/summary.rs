//! `GET /__sandbox/summary`: the latest requests and callbacks of a world as a short text, for the output of a failed test.

use std::fmt::Write;
use std::sync::Arc;

use super::ask::{ControlReply, ControlRequest, TEXT};
use super::context::Context;
use super::unsent;
use crate::base::{Stamp, duration_text, shortened};
use crate::http::Refusal;
use crate::world::{self, Delivery, Exchange, World};

/// How many requests and how many callbacks a summary shows.
const SUMMARY_LINES_MAX: usize = 20;

/// A longer line is cut.
const LINE_CHARS_MAX: usize = 300;

pub(super) fn answer(request: ControlRequest<'_>) -> Result<ControlReply, Refusal> {
    let text = text(request.context, &request.world()?);
    Ok(ControlReply::Document(TEXT, text.into()))
}

/// The summary of a world without its secrets, for a test in the same process.
pub(crate) fn summary(context: &Context, world: &Arc<World>) -> String {
    context.mask().hidden(&text(context, world)).into_owned()
}

fn text(context: &Context, world: &Arc<World>) -> String {
    let state = world.state();
    let now = world.now(&state);
    let request_count = state.journal.entries().count();
    let latest = state.journal.entries();
    let latest = latest.skip(request_count.saturating_sub(SUMMARY_LINES_MAX));
    let requests: Vec<_> = latest.map(|one| request_line(context, one)).collect();
    let unsent = unsent::unsent(&state.callbacks).map(|one| callback_line(one, now));
    let sent = state.callbacks.log.newest_first();
    let sent = sent.map(|one| callback_line(one, now));
    let mut callbacks: Vec<_> = sent.chain(unsent).take(SUMMARY_LINES_MAX).collect();
    callbacks.reverse();
    let callback_count = state.callbacks.log.len() + unsent::unsent(&state.callbacks).count();
    drop(state);
    let mut text = format!("world {} at {now}\n", world.tag);
    add(&mut text, "request", &requests, request_count);
    add(&mut text, "callback", &callbacks, callback_count);
    let unused = world.unused();
    for sentence in unused.setup() {
        writeln!(text, "unused: {}", cut(sentence)).ok(); // writing to a string never fails
    }
    text
}

/// A heading with the number of all, and the latest lines, oldest first.
fn add(text: &mut String, what: &str, lines: &[String], count: usize) {
    let heading = match count {
        0 => format!("no {what}\n"),
        1 => format!("1 {what}:\n"),
        count if count > lines.len() => {
            format!("the latest {} of {count} {what}s:\n", lines.len())
        }
        count => format!("{count} {what}s:\n"),
    };
    *text += &heading;
    for line in lines {
        writeln!(text, "  {}", cut(line)).ok();
    }
}

fn cut(line: &str) -> String {
    shortened(line, LINE_CHARS_MAX)
}

fn request_line(context: &Context, exchange: &Exchange) -> String {
    let path = if context.redacts {
        world::redact_path(exchange.path())
    } else {
        exchange.path().to_owned()
    };
    let outcome = exchange.outcome_name().unwrap_or_default();
    let fault = match &exchange.fault {
        Some(fault) => format!(" with the fault {fault}"),
        None => String::new(),
    };
    format!(
        "{}  {} {path} → {} {outcome}{fault}",
        exchange.trace(),
        exchange.method(),
        exchange.status.as_u16()
    )
}

/// A pending callback also says how far the clock must be moved on to send it now.
fn callback_line(callback: &Delivery, now: Stamp) -> String {
    let mut line = format!(
        "{}  {} {}",
        callback.id(),
        callback.callback_type,
        callback.standing()
    );
    let ahead = (callback.next_try).and_then(|at| at.since(now));
    if let Some(ahead) = ahead.filter(|ahead| !ahead.is_zero())
        && callback.state.is_pending()
    {
        write!(
            line,
            ", in {0}; advance the clock by {0} to send it",
            duration_text(ahead)
        )
        .ok();
    }
    line
}
