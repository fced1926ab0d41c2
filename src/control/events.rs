//! `GET /__sandbox/events`: server-sent events about everything that happens, for the inspector and other readers.
//!
//! | event | says |
//! |---|---|
//! | `hello` | which sandbox this is; the first event of a stream |
//! | `exchanges` | a list of requests with their answers, oldest first, without headers and bodies |
//! | `uploads` | exchanges whose uploads can be fetched for a minute, and where in the body each upload is |
//! | `ready` | that the backlog is complete: all later events are news |
//! | `skipped` | how many exchanges came too quickly for this stream and are not in it |
//! | `deliveries` | the callbacks of a world have changed: how many are pending, the number of the latest |
//! | `world` | a setting of a world has changed, such as its clock, its faults or its queue |
//! | `reset` | a world was emptied; `world` is null where too many changed to name them |
//! | `inbox` | a callback came in, or an inbox was cleared |
//! | `reload` | the state of the scenario files, with errors if they are broken; at the start, and with every reload |
//!
//! No answer waits for this: a stream collects what waits for it, at most every tenth of a second.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

use super::ask::{ControlReply, ControlRequest, bad_request, parameter, whole_number};
use super::context::Context;
use super::exchange_json::time;
use super::readyz;
use super::requests::RequestsOf;
use crate::base::{Turn, microseconds, milliseconds};
use crate::http::{Refusal, ReplyBody};
use crate::world::{
    self, DecidedBy, Exchange, JournalOf, Mask, NO_WORLD, ReadWorld, SUBSCRIBERS_MAX, Subscription,
    Tag, World,
};

const BACKLOG_MAX: usize = 10_000;

/// How many exchanges one event lists.
const BATCH: usize = 500;

/// The shortest time between two looks.
const PAUSE: Duration = Duration::from_millis(100);

/// How long a stream is silent before it sends a sign of life.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// The reader of the stream has gone.
struct Closed;

pub(super) fn open(request: ControlRequest<'_>) -> Result<ControlReply, Refusal> {
    let ControlRequest { context, query, .. } = request;
    let backlog = parameter(query, "backlog", whole_number)?.unwrap_or(0);
    let backlog = usize::try_from(backlog)
        .ok()
        .filter(|backlog| *backlog <= BACKLOG_MAX);
    let backlog = backlog.ok_or_else(|| {
        bad_request(format!(
            "`backlog`: a stream begins with the latest {BACKLOG_MAX} exchanges at most"
        ))
    })?;
    let whose = match RequestsOf::of(request)? {
        RequestsOf::Own(world) => Some(world),
        RequestsOf::All => None,
        RequestsOf::Strangers => {
            return Err(bad_request(
                "`world` is own, all, or the tag of a world: those that belong to none are among all",
            ));
        }
    };
    let only = whose.as_ref().map(|world| tag(world));
    let subscription = context.engine.worlds.live.subscribe(only).ok_or_else(|| {
        Refusal(
            StatusCode::SERVICE_UNAVAILABLE,
            "too_many_streams",
            format!("{SUBSCRIBERS_MAX} streams are open already: close one first"),
        )
    })?;
    let (sender, receiver) = mpsc::channel(1);
    let stream = Stream {
        context: context.clone(),
        subscription,
        mask: context.mask(),
        sender,
    };
    let mut stop = context.stop.clone();
    tokio::spawn(async move {
        let closed = stream.sender.clone();
        tokio::select! {
            _ = stream.run(whose, backlog) => {}
            () = closed.closed() => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    });
    let mut response = Response::new(ReplyBody::stream(receiver));
    let headers = response.headers_mut();
    let fixed = [
        (CONTENT_TYPE, "text/event-stream; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Ok(ControlReply::Response(response))
}

fn tag(world: &World) -> Tag {
    let tag = world.tag.as_bytes();
    tag.try_into().expect("eight hex digits")
}

struct Stream {
    context: Arc<Context>,
    subscription: Subscription,
    mask: Mask,
    sender: mpsc::Sender<Bytes>,
}

impl Stream {
    async fn run(&self, whose: Option<Arc<World>>, backlog: usize) -> Result<(), Closed> {
        let mut reloads = self.context.engine.scenarios.reloads();
        reloads.mark_unchanged();
        let hello = json!({"version": env!("CARGO_PKG_VERSION"), "seed": self.context.engine.seed});
        self.say("hello", hello).await?;
        self.say("reload", readyz::scenarios(&self.context)).await?;
        if backlog > 0 {
            let mut latest = latest(&self.context, whose.as_deref(), backlog).await;
            while !latest.is_empty() {
                let rest = latest.split_off(latest.len().min(BATCH));
                self.list("exchanges", latest).await?;
                latest = rest;
            }
            self.say("ready", json!({})).await?;
        }
        drop(whose); // a stream keeps no world alive
        let mut beats = Instant::now() + HEARTBEAT;
        loop {
            tokio::select! {
                () = self.subscription.news() => self.tell_news().await?,
                changed = reloads.changed() => {
                    if changed.is_err() {
                        return Ok(());
                    }
                    self.say("reload", readyz::scenarios(&self.context)).await?;
                }
                () = sleep_until(beats) => self.send(Bytes::from_static(b":\n\n")).await?,
            }
            beats = Instant::now() + HEARTBEAT;
            sleep(PAUSE).await;
        }
    }

    async fn tell_news(&self) -> Result<(), Closed> {
        let waiting = self.subscription.take();
        // Resets come first: everything before them is gone, and the events below came after them.
        if waiting.many_worlds {
            self.say("reset", json!({"world": null})).await?;
        }
        for (world, _) in waiting.worlds.iter().filter(|(_, what)| what.emptied) {
            self.say("reset", json!({"world": tag_text(world)})).await?;
        }
        if waiting.skipped > 0 {
            self.say("skipped", json!({"exchanges": waiting.skipped}))
                .await?;
        }
        let exchanges = lines(&self.context, &waiting.exchanges).await;
        self.list("exchanges", exchanges).await?;
        let uploads = uploads(&self.context, &waiting.uploads).await;
        self.list("uploads", uploads).await?;
        for (world, changed) in &waiting.worlds {
            let world = tag_text(world);
            if changed.deliveries || changed.emptied {
                self.say("deliveries", deliveries(&self.context, world))
                    .await?;
            }
            if changed.settings || changed.emptied {
                self.say("world", json!({"world": world})).await?;
            }
        }
        if waiting.inbox {
            self.say("inbox", json!({})).await?;
        }
        Ok(())
    }

    /// Sends an event, masked as all that the control API writes.
    async fn say(&self, event: &str, mut data: Value) -> Result<(), Closed> {
        self.mask.hide(&mut data);
        // JSON holds no line break.
        self.send(format!("event: {event}\ndata: {data}\n\n").into())
            .await
    }

    /// The same with a list, unless it is empty.
    async fn list(&self, event: &str, items: Vec<Value>) -> Result<(), Closed> {
        if items.is_empty() {
            return Ok(());
        }
        let mut turn = self.context.turns.brief();
        let mut data = String::new();
        for mut item in items {
            turn.pause().await;
            data.push(if data.is_empty() { '[' } else { ',' });
            self.mask.hide(&mut item);
            data += &item.to_string();
        }
        drop(turn);
        self.send(format!("event: {event}\ndata: {data}]\n\n").into())
            .await
    }

    async fn send(&self, bytes: Bytes) -> Result<(), Closed> {
        self.sender.send(bytes).await.map_err(|_| Closed)
    }
}

fn tag_text(tag: &Tag) -> &str {
    std::str::from_utf8(tag).expect("hex digits")
}

/// The worlds of these exchanges.
fn worlds_of(context: &Context, exchanges: &VecDeque<(Tag, u64)>) -> HashMap<Tag, ReadWorld> {
    let tags: HashSet<Tag> = exchanges.iter().map(|(tag, _)| *tag).collect();
    let worlds = context.engine.worlds.all().into_iter();
    let worlds = worlds.filter(|world| tags.contains(&tag(world)));
    worlds.map(|world| (tag(&world), world)).collect()
}

/// The exchanges whose uploads are still kept, and the places of these uploads.
async fn uploads(context: &Context, exchanges: &VecDeque<(Tag, u64)>) -> Vec<Value> {
    if exchanges.is_empty() {
        return Vec::new();
    }
    let worlds = worlds_of(context, exchanges);
    let find = |(tag, seq): &(Tag, u64)| {
        let state = worlds.get(tag)?.state();
        let places: Vec<_> = state.uploads.of(*seq).iter().map(|one| &one.at).collect();
        let line = json!({"trace": format!("{}-{seq}", tag_text(tag)), "at": places});
        (!places.is_empty()).then_some(line)
    };
    let mut turn = context.turns.brief();
    let mut found = Vec::new();
    for exchange in exchanges {
        turn.pause().await;
        found.extend(find(exchange));
    }
    found
}

/// The lines of the exchanges that are still kept.
async fn lines(context: &Context, traces: &VecDeque<(Tag, u64)>) -> Vec<Value> {
    if traces.is_empty() {
        return Vec::new();
    }
    let worlds = worlds_of(context, traces);
    let find = |(tag, seq): &(Tag, u64)| {
        if *tag == NO_WORLD {
            let strangers = context.engine.strangers.journal();
            return Some(line(strangers.get(*seq)?, context.redacts));
        }
        let state = worlds.get(tag)?.state();
        Some(line(state.journal.get(*seq)?, context.redacts))
    };
    let mut turn = context.turns.brief();
    let mut found = Vec::new();
    for trace in traces {
        turn.pause().await;
        found.extend(find(trace));
    }
    found
}

fn deliveries(context: &Context, world: &str) -> Value {
    let found = context.engine.worlds.by_tag(world);
    let (pending, last_seq) = found.map_or((0, 0), |world| {
        let callbacks = &world.state().callbacks;
        (callbacks.pending(), callbacks.log.last_seq())
    });
    json!({"world": world, "pending": pending, "last_seq": last_seq})
}

/// The latest exchanges, oldest first: of one world, or of the worlds that were used last.
async fn latest(context: &Context, whose: Option<&World>, most: usize) -> Vec<Value> {
    let mut turn = context.turns.first().await;
    let mut found = Vec::new();
    if let Some(world) = whose {
        lines_of(
            context,
            JournalOf::OfWorld(world),
            most,
            &mut found,
            &mut turn,
        )
        .await;
    } else {
        for world in context.engine.worlds.latest_used() {
            if found.len() >= most {
                break;
            }
            let journal = JournalOf::OfWorld(&world);
            lines_of(context, journal, most, &mut found, &mut turn).await;
        }
        let strangers = JournalOf::Strangers(&context.engine.strangers);
        lines_of(context, strangers, most, &mut found, &mut turn).await;
    }
    found.sort_by_key(|(at, _)| *at);
    let too_many = found.len().saturating_sub(most);
    found.drain(..too_many);
    found.into_iter().map(|(_, line)| line).collect()
}

async fn lines_of(
    context: &Context,
    journal: JournalOf<'_>,
    most: usize,
    found: &mut Vec<(SystemTime, Value)>,
    turn: &mut Turn<'_>,
) {
    let exchanges = journal.excerpt(0).exchanges;
    let too_many = exchanges.len().saturating_sub(most);
    for one in exchanges.into_iter().skip(too_many) {
        turn.pause().await;
        found.push((one.at, line(&one, context.redacts)));
    }
}

/// An exchange without its large parts.
fn line(exchange: &Exchange, redacts: bool) -> Value {
    let status = exchange.status.as_u16();
    let note = if exchange.endpoint().is_none() && status == 404 {
        Some("unmatched")
    } else if exchange.decision.by == DecidedBy::Nothing && status >= 400 {
        Some("refused")
    } else {
        None
    };
    let path = if redacts {
        world::redact_path(exchange.path())
    } else {
        exchange.path().to_owned()
    };
    json!({
        "seq": exchange.seq,
        "trace": exchange.trace(),
        "at": time(exchange.at),
        "world": exchange.world(),
        "method": exchange.method(),
        "path": path,
        "endpoint": exchange.endpoint(),
        "outcome": exchange.outcome(),
        "status": status,
        "mark": note,
        "record": exchange.decision.record.as_deref(),
        "traceparent": exchange.traceparent().as_deref(),
        "request_id": exchange.request_id().map(|id| if redacts { "…" } else { id }),
        "duration_us": microseconds(exchange.duration),
        "delay_ms": milliseconds(exchange.delay),
        "fault": exchange.fault,
    })
}
