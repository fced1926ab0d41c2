//! The lines of `serve --record`, and what `readyz` says of the recording.

use std::sync::{Arc, Mutex};

use serde_json::{Map, Value, json};

use super::context::Context;
use super::exchange_json::commit_fields;
use super::export::{
    DroppedEntries, control_line, delivery_line, exchange_line, head, scenario_line,
};
use super::recording_status::RecordingStatus;
use crate::base::lock;
use crate::world::{Happening, Recorded};

/// The head of a recording, if it begins, and the scenario files in use.
pub(crate) fn recording_head(context: &Context, is_first: bool) -> Vec<Value> {
    let catalogue = context.engine.catalogue();
    let head = is_first.then(|| head(context, &catalogue, &[], DroppedEntries::default()));
    let generation = json!({"type": "generation", "generation": catalogue.generation});
    let files = catalogue.own_files.iter();
    let files = files.map(|file| scenario_line(file, catalogue.generation));
    head.into_iter().chain([generation]).chain(files).collect()
}

/// What happened, as lines without secrets.
pub(crate) fn recording_lines(
    context: &Context,
    Recorded { world, life, what }: Recorded,
) -> Vec<Value> {
    let mask = context.mask();
    let lines = match what {
        Happening::Begun {
            digest,
            environment,
            was_filled,
        } => {
            let missing = was_filled.then_some("it began with what a state file held");
            vec![json!({
                "type": "world",
                "digest": digest,
                "environment": environment,
                "missing": missing,
            })]
        }
        Happening::Exchange(exchange, room) => {
            let line = exchange_line(context, &exchange);
            drop(room);
            vec![line]
        }
        Happening::Control(call) => vec![control_line(&world, &call, context.redacts)],
        Happening::Attempted(delivery) => vec![delivery_line(context, &world, &delivery)],
        Happening::Deliveries(commit, deliveries) => {
            let with_commit = |delivery: &Arc<_>| {
                let mut line = delivery_line(context, &world, delivery);
                let fields = line.as_object_mut().expect("a delivery is an object");
                fields.extend(commit_fields(&commit));
                line
            };
            deliveries.iter().map(with_commit).collect()
        }
        Happening::Ended(commit) => {
            let mut line = Map::from_iter([("type".to_owned(), "end".into())]);
            line.extend(commit_fields(&commit));
            vec![line.into()]
        }
    };
    let complete = |mut line: Value| {
        line["world"] = world.as_str().into();
        line["life"] = life.into();
        mask.hide(&mut line);
        line
    };
    lines.into_iter().map(complete).collect()
}

/// What `readyz` says. Null without a recording.
pub(super) fn shown(recording: Option<&Arc<Mutex<RecordingStatus>>>) -> Value {
    let Some(recording) = recording else {
        return Value::Null;
    };
    let status = lock(recording);
    json!({
        "lines": status.lines,
        "bytes": status.bytes,
        "lost": status.lost + status.lost_before,
        "full": status.is_full,
        "error": status.error,
    })
}
