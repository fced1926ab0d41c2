//! `GET /__sandbox/export`: all requests, answers and callbacks, one JSON object a line.

use std::sync::Arc;
use std::time::SystemTime;

use serde_json::{Map, Value, json};

use super::ask::{ControlReply, ControlRequest};
use super::context::Context;
use super::deliveries;
use super::exchange_json::{self, time};
use super::requests::RequestsOf;
use super::unsent;
use crate::http::Refusal;
use crate::world::{Delivery, ReadWorld, World};

/// The version of the lines. It changes when readers have to change.
const VERSION: u32 = 1;

/// The lines, written while they are sent. Entries that have been dropped by then are left out.
struct Lines {
    context: Arc<Context>,
    head: Option<Value>,
    places: Vec<JournalPlace>,
    entries: std::vec::IntoIter<(SystemTime, ExportEntry)>,
}

/// Where entries are kept.
enum JournalPlace {
    World(ReadWorld),
    Strangers,
}

/// The entry of a line: its place and its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum ExportEntry {
    Exchange {
        place: usize,
        seq: u64,
    },
    Delivery {
        place: usize,
        seq: u64,
    },
    /// An event without a URL.
    Unsent {
        place: usize,
        seq: u64,
    },
}

/// Exports the caller's own world. With `world=all` it exports all worlds, and the requests that belong to none.
pub(super) async fn answer(request: ControlRequest<'_>) -> Result<ControlReply, Refusal> {
    let context = request.context;
    let places = match RequestsOf::of(request)? {
        RequestsOf::Own(world) => vec![JournalPlace::World(ReadWorld::of(world))],
        RequestsOf::Strangers => vec![JournalPlace::Strangers],
        RequestsOf::All => {
            let worlds = context.engine.worlds.all().into_iter();
            worlds
                .map(JournalPlace::World)
                .chain([JournalPlace::Strangers])
                .collect()
        }
    };
    let lines = Lines::of(context, places).await;
    Ok(ControlReply::Lines(Box::new(lines)))
}

impl Lines {
    async fn of(context: &Arc<Context>, places: Vec<JournalPlace>) -> Self {
        let mut turn = context.turns.first().await;
        let mut entries = Vec::new();
        let mut worlds = Vec::new();
        let (mut requests_dropped, mut deliveries_dropped) = (0, 0);
        for (place, kept) in places.iter().enumerate() {
            turn.pause().await;
            let exchange = |seq| ExportEntry::Exchange { place, seq };
            match kept {
                JournalPlace::World(world) => {
                    worlds.push(&**world);
                    let state = world.state();
                    let (journal, log) = (&state.journal, &state.callbacks.log);
                    requests_dropped += journal.dropped;
                    deliveries_dropped += log.dropped;
                    entries.extend(journal.entries().map(|one| (one.at, exchange(one.seq))));
                    let delivery = |seq| ExportEntry::Delivery { place, seq };
                    entries.extend(log.newest_first().map(|one| (one.at, delivery(one.seq))));
                    let event = |seq| ExportEntry::Unsent { place, seq };
                    let unsent = unsent::due(&state.callbacks);
                    entries.extend(unsent.map(|one| (one.at, event(one.seq))));
                }
                JournalPlace::Strangers => {
                    let journal = context.engine.strangers.journal();
                    requests_dropped += journal.dropped;
                    entries.extend(journal.entries().map(|one| (one.at, exchange(one.seq))));
                }
            }
        }
        worlds.sort_unstable_by_key(|world: &&World| world.tag.as_str());
        let mut listed = Vec::new();
        for world in worlds {
            turn.pause().await;
            listed.push(in_head(world));
        }
        drop(turn);
        let sorted = context.turns.aside(size_of_val(&*entries), move || {
            entries.sort_unstable();
            entries
        });
        let entries = sorted.await.unwrap_or_default();
        let head = json!({
            "type": "export",
            "version": VERSION,
            "sandbox": env!("CARGO_PKG_VERSION"),
            "seed": context.engine.seed,
            "at": time(SystemTime::now()),
            "worlds": listed,
            "dropped": {"requests": requests_dropped, "deliveries": deliveries_dropped},
        });
        Self {
            context: context.clone(),
            head: Some(head),
            places,
            entries: entries.into_iter(),
        }
    }

    fn line(&self, entry: ExportEntry) -> Option<Value> {
        let (ExportEntry::Exchange { place, seq }
        | ExportEntry::Delivery { place, seq }
        | ExportEntry::Unsent { place, seq }) = entry;
        let place = &self.places[place];
        let (kind, fields) = match (entry, place) {
            (ExportEntry::Exchange { .. }, JournalPlace::World(world)) => {
                let exchange = world.state().journal.get(seq).cloned();
                (
                    "exchange",
                    exchange_json::exchange_json(&self.context, &exchange?),
                )
            }
            (ExportEntry::Exchange { .. }, JournalPlace::Strangers) => {
                let exchange = self.context.engine.strangers.journal().get(seq).cloned();
                (
                    "exchange",
                    exchange_json::exchange_json(&self.context, &exchange?),
                )
            }
            (ExportEntry::Delivery { .. }, JournalPlace::World(world)) => {
                let delivery = world.state().callbacks.log.get(seq).cloned();
                ("delivery", self.delivery(world, &delivery?))
            }
            (ExportEntry::Unsent { .. }, JournalPlace::World(world)) => {
                let event = unsent::event(&world.state().callbacks, seq).cloned();
                ("delivery", self.delivery(world, &event?))
            }
            (
                ExportEntry::Delivery { .. } | ExportEntry::Unsent { .. },
                JournalPlace::Strangers,
            ) => {
                return None; // nobody calls them back
            }
        };
        let mut line = Map::from_iter([("type".to_owned(), Value::from(kind))]);
        if let Value::Object(fields) = fields {
            line.extend(fields.into_iter().filter(|(name, _)| name != "type"));
        }
        Some(Value::Object(line))
    }
}

impl Lines {
    fn delivery(&self, world: &World, delivery: &Delivery) -> Value {
        let mut fields = deliveries::delivery_json(&self.context, delivery);
        fields["at"] = time(delivery.at);
        fields["world"] = world.tag.as_str().into();
        fields["callback_type"] = fields["type"].take();
        fields
    }
}

/// A world in the first line. Its digest gives its ids again where its key is not known.
fn in_head(world: &World) -> Value {
    json!({
        "world": world.tag,
        "digest": world.digest.to_string(),
        "environment": world.key.environment(),
    })
}

impl Iterator for Lines {
    type Item = Value;

    fn next(&mut self) -> Option<Value> {
        if let Some(head) = self.head.take() {
            return Some(head);
        }
        loop {
            let (_, entry) = self.entries.next()?;
            if let Some(line) = self.line(entry) {
                return Some(line);
            }
        }
    }
}
