//! `GET /__sandbox/export`: all requests, answers and callbacks, one JSON object a line.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::ask::{ControlReply, ControlRequest, only};
use super::context::Context;
use super::deliveries;
use super::exchange_json::{self, time};
use super::requests::RequestsOf;
use super::unsent;
use crate::http::Refusal;
use crate::world::{Delivery, Mask, ReadWorld, World};

/// The version of the lines. It changes when readers have to change.
const VERSION: u32 = 1;

/// Lines are sent in pieces of about this size.
const PIECE_BYTES: usize = 64 << 10;

/// The lines, written while they are sent. Entries that have been dropped by then are left out.
struct Lines {
    context: Arc<Context>,
    head: Option<Value>,
    places: Vec<(JournalPlace, Mask)>,
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
pub(super) fn answer(request: ControlRequest<'_>) -> Result<ControlReply, Refusal> {
    let context = request.context;
    only(request.query, &["world"])?;
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
    Ok(ControlReply::Lines(Box::new(Lines::of(context, places))))
}

impl Lines {
    fn of(context: &Arc<Context>, places: Vec<JournalPlace>) -> Self {
        let mut entries = Vec::new();
        let mut worlds = Vec::new();
        let (mut requests_dropped, mut deliveries_dropped) = (0, 0);
        for (place, kept) in places.iter().enumerate() {
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
        let worlds: Vec<_> = worlds.into_iter().map(in_head).collect();
        entries.sort_unstable();
        let head = json!({
            "type": "export",
            "version": VERSION,
            "sandbox": env!("CARGO_PKG_VERSION"),
            "seed": context.engine.seed,
            "at": time(SystemTime::now()),
            "worlds": worlds,
            "dropped": {"requests": requests_dropped, "deliveries": deliveries_dropped},
        });
        let masked = places.into_iter().map(|place| {
            let mask = match &place {
                JournalPlace::World(world) => context.mask_of(world),
                JournalPlace::Strangers => context.mask_of_strangers(),
            };
            (place, mask)
        });
        Self {
            context: context.clone(),
            head: Some(head),
            places: masked.collect(),
            entries: entries.into_iter(),
        }
    }

    fn line(&self, entry: ExportEntry) -> Option<Value> {
        let (ExportEntry::Exchange { place, seq }
        | ExportEntry::Delivery { place, seq }
        | ExportEntry::Unsent { place, seq }) = entry;
        let (place, mask) = &self.places[place];
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
        let mut line = Value::Object(line);
        mask.hide(&mut line);
        Some(line)
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
    type Item = Bytes;

    /// The next piece: as many lines as make one.
    fn next(&mut self) -> Option<Bytes> {
        let mut piece = String::new();
        while piece.len() < PIECE_BYTES {
            let line = match self.head.take() {
                Some(head) => Some(head),
                None => match self.entries.next() {
                    Some((_, entry)) => self.line(entry),
                    None => break,
                },
            };
            if let Some(line) = line {
                piece += &line.to_string();
                piece.push('\n');
            }
        }
        (!piece.is_empty()).then(|| piece.into())
    }
}
