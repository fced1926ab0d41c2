//! What decided an answer, in a sentence and in fields.

use serde_json::{Map, Value, json};

use super::rules::{nearest_rule, tried_rules};
use super::words::{place, shown_place};
use crate::answer::engine::Engine;
use crate::answer::input::Unread;
use crate::catalogue::{Catalogue, Creation, Endpoint, Facts};
use crate::http::{self, Call};
use crate::world::{By, Exchange};

/// The explanation as it grows.
pub(super) struct Because<'a> {
    pub told: &'a mut Value,
    /// What the reader has to know of the explanation itself.
    pub notes: Vec<String>,
}

/// What an exchange is tried again with.
struct Retrial<'a> {
    seed: u64,
    catalogue: &'a Catalogue,
    creation: &'a Creation,
    facts: Facts<'a>,
    /// What decided at the time.
    by: By,
    /// The rules and magic values are those that decided: no reload has come between.
    is_same_generation: bool,
}

impl Because<'_> {
    pub(super) fn say(&mut self, chosen_by: &str, because: String) {
        self.told["chosen_by"] = chosen_by.into();
        self.told["because"] = because.into();
    }

    /// The request was refused, before an outcome was chosen or after: the reply says why.
    pub(super) fn refused(&mut self, exchange: &Exchange) {
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

    pub(super) fn of_read(&mut self, endpoint: &Endpoint, call: &Call, exchange: &Exchange) {
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

    pub(super) fn of_ask(
        &mut self,
        engine: &Engine,
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
        let unread = Unread {
            endpoint,
            call,
            sample_stands_in: false,
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
                } else if let Ok(input) = unread.validated(path) {
                    self.by_input(&Retrial {
                        seed: engine.seed,
                        catalogue,
                        creation,
                        facts: input.facts(call, why.nth),
                        by: why.by,
                        is_same_generation: why.generation == catalogue.generation,
                    });
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
        let header = call.headers().get(http::MAGIC_HEADER);
        let value = header.map_or_else(String::new, |value| {
            String::from_utf8_lossy(value.as_bytes()).into_owned()
        });
        self.told["decided_by"] = json!({"header": http::MAGIC_HEADER, "received": value});
        self.say(
            "magic",
            format!("The request asked for it: {}: {value}", http::MAGIC_HEADER),
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
    fn by_input(&mut self, retrial: &Retrial<'_>) {
        let by = retrial.by;
        if !matches!(by, By::Data(_)) {
            let chosen = match by {
                By::Rule(at) if retrial.is_same_generation => Some(at as usize),
                _ => None,
            };
            let (tried, count) = tried_rules(retrial.creation, retrial.facts, chosen);
            self.told["rules"] = tried;
            self.told["rules_tried"] = count.into();
        }
        match by {
            By::Rule(at) => self.by_rule(retrial, at as usize),
            By::Data(at) => self.by_magic_value(retrial, at.map(|at| at as usize)),
            _ => self.by_no_rule(retrial),
        }
        if matches!(by, By::DummyData | By::Default) {
            self.add_dummy_data(retrial);
        }
    }

    fn by_rule(&mut self, retrial: &Retrial<'_>, at: usize) {
        let rule = retrial.creation.rules.iter().nth(at);
        let rule = rule.filter(|_| retrial.is_same_generation);
        let Some(rule) = rule else {
            return self.say("rule", in_short(retrial.by).to_owned());
        };
        let facts = retrial.facts;
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

    /// A magic value of the endpoint decided, or the name of an uploaded file, which has no number.
    fn by_magic_value(&mut self, retrial: &Retrial<'_>, at: Option<usize>) {
        let value = at.and_then(|at| retrial.creation.magic.0.get(at));
        let value = value.filter(|_| retrial.is_same_generation);
        let because = if let Some(value) = value {
            self.told["decided_by"] = json!({
                "condition": value.written,
                "received": value.subject.of(retrial.facts),
                "place": place(&value.origin),
            });
            format!("{} names the outcome.", value.written)
        } else {
            self.told["decided_by"] = json!({"file_names": retrial.facts.file_names});
            in_short(retrial.by).to_owned()
        };
        self.say("magic_value", because);
    }

    /// Says which rule was nearest to holding.
    fn by_no_rule(&mut self, retrial: &Retrial<'_>) {
        let near = nearest_rule(retrial.creation, retrial.facts);
        let hint = near.as_ref().and_then(|near| near["differs"].as_str());
        let mut because = in_short(retrial.by).to_owned();
        if let Some(hint) = hint {
            because = format!("{because} The nearest rule: {hint}");
        }
        self.say(kind(retrial.by), because);
        if let Some(near) = near {
            self.told["nearest_rule"] = near;
        }
    }

    /// Adds what the endpoint's lookup reads and what it finds, if the endpoint has one.
    fn add_dummy_data(&mut self, retrial: &Retrial<'_>) {
        let Some(rule) = &retrial.creation.lookup else {
            return;
        };
        let input = retrial.facts.fields;
        let finding = rule
            .lookup
            .find(&retrial.catalogue.dummy, retrial.seed, rule.asked(input));
        let fields = rule.lookup.reads().iter().chain(rule.lookup.may_read());
        let read: Map<_, _> = fields
            .filter_map(|own| {
                let name = rule.reads.name_of(own);
                Some((name.to_owned(), input.get(name)?.clone()))
            })
            .collect();
        self.told["dummy_data"] = json!({
            "lookup": rule.lookup.name(),
            "read": read,
            "verdict": finding.verdict,
        });
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
