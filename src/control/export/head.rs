//! The first lines of an export: the sandbox, its worlds, and the scenario files of its folders.

use std::time::SystemTime;

use serde_json::{Value, json};

use crate::base::{Clock, duration_text};
use crate::catalogue::Catalogue;
use crate::control::context::Context;
use crate::control::exchange_json::time;
use crate::scenario::{DateForm, SourceFile};
use crate::world::{State, Warnings, World};

/// The version of the lines. It changes when readers have to change.
pub(super) const VERSION: u32 = 2;

/// How many entries have been dropped.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct DroppedEntries {
    pub requests: u64,
    pub deliveries: u64,
}

/// What a sandbox must have to give the same answers again, besides the scenario files.
pub(crate) fn head(
    context: &Context,
    catalogue: &Catalogue,
    worlds: &[Value],
    dropped: DroppedEntries,
) -> Value {
    let (engine, courier) = (&context.engine, &context.courier);
    let urls = engine.urls.0.iter();
    json!({
        "type": "export",
        "version": VERSION,
        "sandbox": env!("CARGO_PKG_VERSION"),
        "seed": engine.seed,
        "clock": match engine.worlds.clock() {
            Clock::Frozen(instant) => instant.to_string(),
            Clock::System => "system".to_owned(),
        },
        "options": {
            "strict": engine.strict,
            "async": engine.is_async,
            "dates": catalogue.settings.dates.map(|dates| match dates {
                DateForm::Strings => "strings",
                DateForm::Objects => "objects",
            }),
            "callback_retries": courier.retries.iter().copied().map(duration_text).collect::<Vec<_>>(),
            "callback_signing": courier.signing,
            "second_token_header": courier.second_token_header,
            "callback_urls": urls.map(|(kind, url)| json!({"type": kind, "url": url.as_str()})).collect::<Vec<_>>(),
        },
        "redacted": context.redacts,
        "generation": catalogue.generation,
        "at": time(SystemTime::now()),
        "worlds": worlds,
        "dropped": {"requests": dropped.requests, "deliveries": dropped.deliveries},
    })
}

/// What a run may fail for, without the values. The limit of different warnings is far above what a run has.
pub(super) fn warnings(warnings: &Warnings, is_exported: impl Fn(Option<&str>) -> bool) -> Value {
    let (given, uncounted) = warnings.all();
    let given = given.into_iter();
    let given = given.filter(|(warning, _)| is_exported(warning.world.as_deref()));
    let mut listed: Vec<_> = given
        .map(|(warning, count)| {
            json!({
                "kind": warning.kind.name(),
                "world": warning.world,
                "endpoint": warning.endpoint.as_deref(),
                "message": warning.message,
                "count": count,
            })
        })
        .collect();
    if uncounted > 0 {
        let message = "there were more warnings than are counted apart";
        listed.push(json!({"kind": "others", "world": null, "endpoint": null, "message": message, "count": uncounted}));
    }
    listed.into()
}

/// A world in the first line. Its digest gives its ids again where its key is not known.
pub(super) fn world_in_head(world: &World, state: &State) -> Value {
    json!({
        "world": world.tag,
        "digest": world.digest.to_string(),
        "environment": world.key.environment(),
        "missing": missing(state),
    })
}

/// What is no longer known of the history of a world, as a sentence. Null if all is known.
fn missing(state: &State) -> Option<String> {
    let (requests, calls) = (state.journal.dropped, state.history.dropped);
    if requests > 0 || calls > 0 {
        return Some(format!(
            "its oldest {requests} requests and {calls} control calls were dropped"
        ));
    }
    let is_restored = (state.history.calls().next())
        .is_some_and(|first| first.call.method == "PUT" && !first.call.lacks_body);
    (state.history.was_filled && !is_restored)
        .then(|| "it began with what a state file or a large snapshot held".to_owned())
}

/// A scenario file of a folder. The lines are in the order in which the files are laid over the shipped ones.
pub(crate) fn scenario_line(source: &SourceFile, generation: u64) -> Value {
    json!({
        "type": "scenario",
        "generation": generation,
        "id": source.id,
        "file": source.name,
        "text": source.text,
    })
}
