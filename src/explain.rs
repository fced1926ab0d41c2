//! Why an exchange was answered as it was, worked out from what the journal keeps of it.

mod rules;

use std::time::Duration;

use hyper::{Request, StatusCode};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use self::rules::{nearest_rule, tried_rules};
use crate::call::{Body, Call, MediaType};
use crate::catalogue::{Catalogue, Route};
use crate::choice::By;
use crate::condition::Facts;
use crate::endpoint::{Creation, Endpoint};
use crate::input;
use crate::journal::{Exchange, KeptBody};
use crate::load_error::Origin;
use crate::magic;
use crate::sandbox::Shared;
use crate::world::World;

/// What is known of an exchange and why it went so. `world` is none for one that belongs to no world.
pub(crate) fn explain(sandbox: &Shared, world: Option<&World>, exchange: &Exchange) -> Value {
    let catalogue = sandbox.catalogue();
    let why = &exchange.why;
    let mut notes = Vec::new();
    if why.generation != 0 && why.generation != catalogue.generation {
        notes.push(format!(
            "the scenarios were reloaded since: rules and dummy data are shown as they are now (generation {}, then {})",
            catalogue.generation, why.generation
        ));
    }
    let call = call(exchange);
    let (method, path) = (call.method().clone(), call.path().to_owned());
    let mut told = json!({
        "trace": exchange.trace(),
        "request": {"method": method.as_str(), "path": path},
        "status": exchange.status.as_u16(),
        "outcome": exchange.outcome.as_ref().and_then(|tag| tag.to_str().ok()),
    });
    if !exchange.delay.is_zero() {
        told["delay_ms"] = milliseconds(exchange.delay).into();
    }
    if let Some(fault) = &exchange.fault {
        told["fault"] = (&**fault).into();
    }
    let route = catalogue.route(&method, &path);
    let endpoint = match &route {
        Ok(Route::Ask(endpoint, _) | Route::Read(endpoint, _)) => Some(*endpoint),
        _ => None,
    };
    if let Some(endpoint) = endpoint {
        told["endpoint"] = json!({
            "id": &*endpoint.id,
            "source": endpoint.source.name(),
            "place": place(&endpoint.origin),
        });
    }
    let mut because = Because {
        told: &mut told,
        notes,
    };
    match &route {
        Err(nearest) => because.say("no_route", nearest.clone()),
        Ok(_) if world.is_none() => because.refused(exchange),
        Ok(Route::Ask(endpoint, path)) => {
            because.of_ask(sandbox, &catalogue, endpoint, path.clone(), &call, exchange);
        }
        Ok(Route::Read(endpoint, _)) => because.of_read(endpoint, &call, exchange),
        Ok(_) => because.say(
            "account",
            "This path is no product: it is answered from what the world holds.".to_owned(),
        ),
    }
    let notes = because.notes;
    if let Some(world) = world {
        add_life(&mut told, world, exchange);
    }
    told["notes"] = notes.into();
    told
}

/// The explanation as it grows.
struct Because<'a> {
    told: &'a mut Value,
    notes: Vec<String>,
}

impl Because<'_> {
    fn say(&mut self, chosen_by: &str, because: String) {
        self.told["chosen_by"] = chosen_by.into();
        self.told["because"] = because.into();
    }

    /// The request was refused, before an outcome was chosen or after: the reply says why.
    fn refused(&mut self, exchange: &Exchange) {
        let body: Value = serde_json::from_slice(&exchange.reply.bytes).unwrap_or_default();
        let message = body["message"].as_str().unwrap_or("its reply says no more");
        let fault = exchange.fault.as_deref().unwrap_or_default();
        let refusal = if fault == "malformed" || fault.starts_with("status") {
            format!("The request was refused; in what words is lost to its fault, {fault}.")
        } else {
            format!("The request was refused: {message}")
        };
        let chosen = self.told["because"].as_str().map(|chosen| {
            let stop = if chosen.ends_with('.') { "" } else { "." };
            format!("{chosen}{stop} {refusal}")
        });
        self.say("refusal", chosen.unwrap_or(refusal));
        if body["errors"].is_array() {
            self.told["errors"] = body["errors"].clone();
        }
    }

    fn of_read(&mut self, endpoint: &Endpoint, call: &Call, exchange: &Exchange) {
        match exchange.why.by {
            By::Magic => self.by_magic(call),
            By::Next => self.by_next(exchange),
            By::Record => {
                let id = exchange.why.record.as_deref().unwrap_or_default();
                self.say(
                    "record",
                    format!("The record {id} is what it was when it was read."),
                );
            }
            _ => return self.refused(exchange),
        }
        self.answered_from(exchange, endpoint);
    }

    fn of_ask(
        &mut self,
        sandbox: &Shared,
        catalogue: &Catalogue,
        endpoint: &Endpoint,
        path: Map<String, Value>,
        call: &Call,
        exchange: &Exchange,
    ) {
        let why = &exchange.why;
        let Some(creation) = &endpoint.creation else {
            return;
        };
        match why.by {
            By::Nothing | By::Record => return self.refused(exchange),
            By::Magic => self.by_magic(call),
            By::Next => self.by_next(exchange),
            By::Data(_) | By::Rule(_) | By::DummyData | By::Default => {
                if exchange.request.whole_bytes > exchange.request.bytes.len() {
                    self.notes.push(
                        "only a part of the body is kept, so rules and dummy data cannot be tried again"
                            .to_owned(),
                    );
                    self.say(kind(why.by), in_short(why.by).to_owned());
                } else if let Ok(input) = input::sound(endpoint, path, call, false) {
                    let facts = input.facts(call, why.nth);
                    self.by_input(sandbox, catalogue, creation, facts, exchange);
                } else {
                    self.say(kind(why.by), in_short(why.by).to_owned());
                    self.notes
                        .push("by the rules of now the input would be refused".to_owned());
                }
            }
        }
        self.answered_from(exchange, endpoint);
    }

    fn by_magic(&mut self, call: &Call) {
        let header = call.headers().get(magic::HEADER);
        let value = header.map_or_else(String::new, |value| {
            String::from_utf8_lossy(value.as_bytes()).into_owned()
        });
        self.told["decided_by"] = json!({"header": magic::HEADER, "received": value});
        self.say(
            "magic",
            format!("The request asked for it: {}: {value}", magic::HEADER),
        );
    }

    fn by_next(&mut self, exchange: &Exchange) {
        let name = (exchange.why.chosen.as_ref()).map_or("", |outcome| outcome.name.as_str());
        self.say(
            "next",
            format!("{name} was queued for this call by POST /__sandbox/next."),
        );
    }

    /// Tries again what a request brings by itself: magic values, rules, dummy data.
    fn by_input(
        &mut self,
        sandbox: &Shared,
        catalogue: &Catalogue,
        creation: &Creation,
        facts: Facts<'_>,
        exchange: &Exchange,
    ) {
        let by = exchange.why.by;
        let generation_is_the_same = exchange.why.generation == catalogue.generation;
        let chosen = match by {
            By::Rule(at) if generation_is_the_same => Some(at as usize),
            _ => None,
        };
        if !matches!(by, By::Data(_)) {
            let (tried, count) = tried_rules(creation, facts, chosen);
            self.told["rules"] = tried;
            self.told["rules_tried"] = count.into();
        }
        match by {
            By::Rule(at) => {
                let rule = creation.rules.iter().nth(at as usize);
                let rule = rule.filter(|_| generation_is_the_same);
                let Some(rule) = rule else {
                    return self.say("rule", in_short(by).to_owned());
                };
                let held = rule
                    .when
                    .0
                    .iter()
                    .find(|all| all.iter().all(|condition| condition.holds(facts)));
                let decided: Vec<_> = (held.into_iter().flatten())
                    .map(|condition| {
                        json!({
                            "condition": &*condition.written,
                            "expected": condition.test.shown(),
                            "received": condition.subject.of(facts),
                        })
                    })
                    .collect();
                let place = shown_place(&rule.origin);
                self.say("rule", format!("The rule at {place} holds."));
                self.told["decided_by"] = decided.into();
            }
            By::Data(at) => {
                let value = at.and_then(|at| creation.magic.0.get(at as usize));
                let value = value.filter(|_| generation_is_the_same);
                let because = if let Some(value) = value {
                    self.told["decided_by"] = json!({
                        "condition": value.written,
                        "received": value.subject.of(facts),
                        "place": place(&value.origin),
                    });
                    format!("{} names the outcome.", value.written)
                } else {
                    self.told["decided_by"] = json!({"file_names": facts.file_names});
                    in_short(by).to_owned()
                };
                self.say("magic_value", because);
            }
            _ => {
                let near = nearest_rule(creation, facts);
                let hint = near.as_ref().and_then(|near| near["differs"].as_str());
                let mut because = in_short(by).to_owned();
                if let Some(hint) = hint {
                    because = format!("{because} The nearest rule: {hint}");
                }
                self.say(kind(by), because);
                if let Some(near) = near {
                    self.told["nearest_rule"] = near;
                }
            }
        }
        if let Some(rule) = &creation.lookup
            && matches!(by, By::DummyData | By::Default)
        {
            let asked = rule.asked(facts.fields);
            let finding = rule.lookup.find(&catalogue.dummy, sandbox.seed, asked);
            let fields = rule.lookup.reads().iter().chain(rule.lookup.may_read());
            let read: Map<_, _> = fields
                .filter_map(|own| {
                    let name = rule.reads.name_of(own);
                    Some((name.to_owned(), facts.fields.get(name)?.clone()))
                })
                .collect();
            self.told["dummy_data"] = json!({
                "lookup": rule.lookup.name(),
                "read": read,
                "verdict": finding.verdict,
            });
        }
    }

    /// Which file and line answered; a sequence answers through another outcome, and a refusal in place
    /// of all.
    fn answered_from(&mut self, exchange: &Exchange, endpoint: &Endpoint) {
        let Some(chosen) = &exchange.why.chosen else {
            return;
        };
        self.told["chosen"] = json!({"outcome": chosen.name, "place": place(&chosen.origin)});
        let turn = exchange.why.turn;
        if turn > 0 {
            self.told["chosen"]["turn"] = turn.into();
        }
        if exchange.why.is_refused {
            return self.refused(exchange);
        }
        let tag = exchange.outcome.as_ref().and_then(|tag| tag.to_str().ok());
        let name = tag.and_then(|tag| Some(tag.rsplit_once('/')?.1));
        let answered = match name {
            Some(name) if name != chosen.name => endpoint.outcomes.get(name).map(|found| &**found),
            _ => Some(&**chosen),
        };
        if let Some(answered) = answered {
            self.told["answered_from"] = json!({
                "outcome": answered.name,
                "source": answered.source.name(),
                "place": place(&answered.origin),
            });
        }
    }
}

/// The record that came of it, what it becomes, and its callbacks.
fn add_life(told: &mut Value, world: &World, exchange: &Exchange) {
    let Some(id) = exchange.why.record.as_deref() else {
        return;
    };
    let state = world.state();
    let mut record = json!({"id": id});
    if let Some(kept) = state.records.get(id) {
        let now = Instant::now();
        let shown = kept.version_at(now, state.callbacks.advanced);
        record["shows"] = shown.outcome.to_str().unwrap_or_default().into();
        let changes = kept.changes().map(|(after, version)| {
            json!({
                "after": format!("{after:?}"),
                "after_ms": milliseconds(after),
                "outcome": version.outcome.to_str().unwrap_or_default(),
            })
        });
        record["changes"] = changes.collect();
    }
    told["record"] = record;
    let of_record = |id: &str| {
        let deliveries = state.callbacks.log.newest_first();
        deliveries
            .filter(|one| one.record.as_deref() == Some(id))
            .map(|one| {
                json!({
                    "id": format!("dlv_{}", one.seq),
                    "type": &*one.callback_type,
                    "outcome": &*one.outcome,
                    "url": one.url.as_str(),
                    "state": one.state,
                    "attempts": one.attempts.len(),
                    "next_try": one.next_try.map(|at| at.to_string()),
                    "on_purpose": one.on_purpose,
                    "reason": one.reason,
                })
            })
            .collect::<Vec<_>>()
    };
    let mut callbacks = of_record(id);
    callbacks.reverse();
    told["callbacks"] = callbacks.into();
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn kind(by: By) -> &'static str {
    match by {
        By::Nothing => "refusal",
        By::Magic => "magic",
        By::Next => "next",
        By::Data(_) => "magic_value",
        By::Rule(_) => "rule",
        By::DummyData => "dummy_data",
        By::Default => "default",
        By::Record => "record",
    }
}

fn in_short(by: By) -> &'static str {
    match by {
        By::DummyData => "No rule holds; the dummy data decided.",
        By::Default => "No rule holds and no dummy data decides: it is the endpoint's default.",
        By::Rule(_) => "A rule held.",
        By::Data(_) => "The name of a file names the outcome.",
        By::Nothing | By::Magic | By::Next | By::Record => "",
    }
}

fn place(origin: &Origin) -> Value {
    json!({"file": origin.file.name, "line": origin.line()})
}

/// `my.toml:4`
fn shown_place(origin: &Origin) -> String {
    format!("{}:{}", origin.file.name, origin.line())
}

/// The request as it came, as far as it was kept.
fn call(exchange: &Exchange) -> Call {
    let mut request = Request::builder()
        .method(exchange.method())
        .uri(exchange.target());
    for (name, value) in exchange.headers() {
        request = request.header(name, value);
    }
    let (head, ()) = request
        .body(())
        .unwrap_or_else(|_| Request::new(()))
        .into_parts();
    let kept: &KeptBody = &exchange.request;
    let parts = || serde_json::from_slice(&kept.bytes).ok();
    let body = match MediaType::of(&head.headers) {
        _ if kept.whole_bytes == 0 => Body::Empty,
        MediaType::Multipart => parts().map_or(Body::Empty, Body::Parts),
        _ => Body::Bytes(kept.bytes.clone()),
    };
    Call {
        came: Instant::now(),
        head,
        body,
    }
}

/// The exchange of a trace, or the status and the sentence that say why there is none.
pub(crate) fn find(
    sandbox: &Shared,
    trace: &str,
    may_see: impl Fn(&World) -> bool,
) -> Result<Value, (StatusCode, String)> {
    let shown: String = trace.chars().filter(|c| !c.is_control()).take(50).collect();
    let unknown = |why: &str| Err((StatusCode::NOT_FOUND, format!("`{shown}`: {why}")));
    let Some((tag, seq)) = trace.rsplit_once('-') else {
        return unknown("a trace looks like 1a2b3c4d-7: it is in x-sandbox-trace of every reply");
    };
    let Ok(seq) = seq.parse::<u64>() else {
        return unknown("a trace ends in the number of its exchange");
    };
    if tag == "00000000" {
        return match sandbox.strangers().get(seq).cloned() {
            Some(exchange) => Ok(explain(sandbox, None, &exchange)),
            None => unknown(
                "of the requests that belong to no world only the latest refused ones are kept",
            ),
        };
    }
    let world = sandbox.worlds.by_tag(tag).filter(|world| may_see(world));
    let Some(world) = world else {
        return unknown("there is no such world, or it was ended");
    };
    let (found, last) = {
        let state = world.state();
        (state.journal.get(seq).cloned(), state.journal.last_seq())
    };
    match found {
        Some(exchange) => Ok(explain(sandbox, Some(&world), &exchange)),
        None if seq > last => {
            unknown("there has been no such exchange since the world began or was reset")
        }
        None => unknown("the journal has dropped it: it keeps the latest 1000"),
    }
}
