//! The lines of an export, in the order of time.

use std::sync::Arc;
use std::time::SystemTime;

use serde_json::Value;

use super::control_line::control_line;
use super::delivery_line::delivery_line;
use super::exchange_line::exchange_line;
use super::head::{DroppedEntries, head, scenario_line, warnings, world_in_head};
use crate::control::ask::{ControlReply, ControlRequest};
use crate::control::context::Context;
use crate::control::requests::RequestsOf;
use crate::control::unsent;
use crate::http::Refusal;
use crate::world::{ReadWorld, World};

/// The lines, written while they are sent. Entries that have been dropped by then are left out.
struct Lines {
    context: Arc<Context>,
    /// The head and the scenario files.
    first: std::vec::IntoIter<Value>,
    places: Vec<JournalPlace>,
    entries: std::vec::IntoIter<(SystemTime, ExportEntry)>,
}

/// Where entries are kept.
enum JournalPlace {
    World(ReadWorld),
    Strangers,
}

impl JournalPlace {
    fn world_tag(&self) -> Option<&str> {
        match self {
            Self::World(world) => Some(&world.tag),
            Self::Strangers => None,
        }
    }
}

/// The entry of a line: its place and its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum ExportEntry {
    Exchange {
        place: usize,
        seq: u64,
    },
    /// A control call, by its number in the order of its world.
    Control {
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
pub(in crate::control) async fn answer(
    request: ControlRequest<'_>,
) -> Result<ControlReply, Refusal> {
    let context = request.context;
    let whose = RequestsOf::of(request)?;
    let is_all = matches!(whose, RequestsOf::All);
    let places = match whose {
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
    let lines = Lines::of(context, places, is_all).await;
    Ok(ControlReply::Lines(Box::new(lines)))
}

impl Lines {
    async fn of(context: &Arc<Context>, places: Vec<JournalPlace>, is_all: bool) -> Self {
        let mut turn = context.turns.first().await;
        let mut entries = Vec::new();
        let mut worlds = Vec::new();
        let mut dropped = DroppedEntries::default();
        for (place, kept) in places.iter().enumerate() {
            turn.pause().await;
            let exchange = |seq| ExportEntry::Exchange { place, seq };
            match kept {
                JournalPlace::World(world) => {
                    worlds.push(&**world);
                    let state = world.state();
                    let (journal, log) = (&state.journal, &state.callbacks.log);
                    dropped.requests += journal.dropped;
                    dropped.deliveries += log.dropped;
                    entries.extend(journal.entries().map(|one| (one.at, exchange(one.seq))));
                    let call = |seq| ExportEntry::Control { place, seq };
                    let calls = state.history.calls();
                    entries.extend(calls.map(|one| (one.at, call(one.commit.number))));
                    let delivery = |seq| ExportEntry::Delivery { place, seq };
                    entries.extend(log.newest_first().map(|one| (one.at, delivery(one.seq))));
                    let event = |seq| ExportEntry::Unsent { place, seq };
                    let unsent = unsent::due(&state.callbacks);
                    entries.extend(unsent.map(|one| (one.at, event(one.seq))));
                }
                JournalPlace::Strangers => {
                    let journal = context.engine.strangers.journal();
                    dropped.requests += journal.dropped;
                    entries.extend(journal.entries().map(|one| (one.at, exchange(one.seq))));
                }
            }
        }
        worlds.sort_unstable_by_key(|world: &&World| world.tag.as_str());
        let mut listed = Vec::new();
        for world in worlds {
            turn.pause().await;
            listed.push(world_in_head(world, &world.state()));
        }
        drop(turn);
        let sorted = context.turns.aside(size_of_val(&*entries), move || {
            entries.sort_unstable();
            entries
        });
        let entries = sorted.await.unwrap_or_default();
        let catalogue = context.engine.catalogue();
        let own_files = catalogue.own_files.iter();
        let files = own_files.map(|file| scenario_line(file, catalogue.generation));
        let is_exported =
            |world: Option<&str>| is_all || places.iter().any(|place| place.world_tag() == world);
        let mut head = head(context, &catalogue, &listed, dropped);
        head["warnings"] = warnings(&context.engine.warnings, is_exported);
        let first = [head];
        let first: Vec<_> = first.into_iter().chain(files).collect();
        Self {
            context: context.clone(),
            first: first.into_iter(),
            places,
            entries: entries.into_iter(),
        }
    }

    fn line(&self, entry: ExportEntry) -> Option<Value> {
        let (ExportEntry::Exchange { place, seq }
        | ExportEntry::Control { place, seq }
        | ExportEntry::Delivery { place, seq }
        | ExportEntry::Unsent { place, seq }) = entry;
        let place = &self.places[place];
        match (entry, place) {
            (ExportEntry::Exchange { .. }, JournalPlace::World(world)) => {
                let exchange = world.state().journal.get(seq).cloned()?;
                Some(exchange_line(&self.context, &exchange))
            }
            (ExportEntry::Exchange { .. }, JournalPlace::Strangers) => {
                let exchange = self.context.engine.strangers.journal().get(seq).cloned()?;
                Some(exchange_line(&self.context, &exchange))
            }
            (ExportEntry::Control { .. }, JournalPlace::World(world)) => {
                let call = world.state().history.get(seq).cloned()?;
                Some(control_line(&world.tag, &call, self.context.redacts))
            }
            (ExportEntry::Delivery { .. }, JournalPlace::World(world)) => {
                let delivery = world.state().callbacks.log.get(seq).cloned()?;
                Some(delivery_line(&self.context, &world.tag, &delivery))
            }
            (ExportEntry::Unsent { .. }, JournalPlace::World(world)) => {
                let event = unsent::event(&world.state().callbacks, seq).cloned()?;
                Some(delivery_line(&self.context, &world.tag, &event))
            }
            (
                ExportEntry::Control { .. }
                | ExportEntry::Delivery { .. }
                | ExportEntry::Unsent { .. },
                JournalPlace::Strangers,
            ) => None, // nobody calls them back, and no control call is theirs
        }
    }
}

impl Iterator for Lines {
    type Item = Value;

    fn next(&mut self) -> Option<Value> {
        if let Some(first) = self.first.next() {
            return Some(first);
        }
        loop {
            let (_, entry) = self.entries.next()?;
            if let Some(line) = self.line(entry) {
                return Some(line);
            }
        }
    }
}
