//! The decision that led to a reply, in a sentence and in fields.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::conversion::{file_place, received, tried_condition};
use super::explanation::{
    AnsweringOutcome, ChosenBy, ChosenOutcome, DecidingValues, ExplainedDecision, Explanation,
    LookupVerdict,
};
use super::near_listings::near_listings;
use super::rules::{nearest_rule, tried_rules};
use crate::answer::engine::Engine;
use crate::answer::input::UnreadInput;
use crate::catalogue::{Catalogue, Creation, Endpoint, Facts};
use crate::http::{self, Call, Complaint};
use crate::world::{DecidedBy, Exchange};

/// Adds the decision to an explanation.
pub(super) struct DecisionExplainer<'a> {
    pub explanation: &'a mut Explanation,
    pub call: &'a Call,
    pub exchange: &'a Exchange,
}

/// Rules and dummy data, to be tried again with the facts of an exchange.
struct RuleTrial<'a> {
    seed: u64,
    catalogue: &'a Catalogue,
    creation: &'a Creation,
    facts: Facts<'a>,
    /// What decided when the request was answered.
    by: DecidedBy,
    /// True if there was no reload since: the rules and magic values are those that decided.
    is_same_generation: bool,
}

impl DecisionExplainer<'_> {
    pub(super) fn decide(&mut self, chosen_by: ChosenBy, because: String) {
        let decision = &mut self.explanation.decision;
        decision.chosen_by = chosen_by;
        decision.because = because;
    }

    fn decide_by(&mut self, chosen_by: ChosenBy, because: String, values: DecidingValues) {
        self.explanation.decision = ExplainedDecision {
            chosen_by,
            because,
            decided_by: Some(values),
        };
    }

    /// The request was refused, before or after an outcome was chosen. The reply says why.
    pub(super) fn explain_refusal(&mut self) {
        let body: Value = serde_json::from_slice(&self.exchange.reply.bytes).unwrap_or_default();
        let message = body["message"].as_str().unwrap_or("its reply says no more");
        let refusal = match self.exchange.decision.fault {
            Some(fault) if fault.replaces_body() => {
                format!("The request was refused; in what words is lost to its fault, {fault}.")
            }
            Some(_) | None => format!("The request was refused: {message}"),
        };
        let because = match self.explanation.decision.because.as_str() {
            "" => refusal,
            chosen if chosen.ends_with('.') => format!("{chosen} {refusal}"),
            chosen => format!("{chosen}. {refusal}"),
        };
        self.decide(ChosenBy::Refusal, because);
        self.explanation.errors = complaints(&body);
    }

    /// Explains the reply to a request that read a record.
    pub(super) fn explain_read(&mut self, endpoint: &Endpoint) {
        match self.exchange.decision.by {
            DecidedBy::Magic => self.explain_magic(),
            DecidedBy::Next => self.explain_next(),
            DecidedBy::Record => {
                let id = self.exchange.decision.record.as_deref().unwrap_or_default();
                let because = format!("The record {id} is what it was when it was read.");
                self.decide(ChosenBy::Record, because);
            }
            DecidedBy::Nothing
            | DecidedBy::Data(_)
            | DecidedBy::Rule(_)
            | DecidedBy::DummyData
            | DecidedBy::Default => {
                return self.explain_refusal();
            }
        }
        self.add_outcomes(endpoint);
    }

    /// Explains the reply to a product request. `path` has the segments of its path, by their names.
    pub(super) fn explain_product_request(
        &mut self,
        engine: &Engine,
        catalogue: &Catalogue,
        endpoint: &Endpoint,
        path: Map<String, Value>,
    ) {
        let decision = &self.exchange.decision;
        match decision.by {
            DecidedBy::Nothing | DecidedBy::Record => return self.explain_refusal(),
            DecidedBy::Magic => self.explain_magic(),
            DecidedBy::Next => self.explain_next(),
            DecidedBy::Data(_) | DecidedBy::Rule(_) | DecidedBy::DummyData | DecidedBy::Default => {
                if self.exchange.request.whole_bytes > self.exchange.request.bytes.len() {
                    self.explain_in_short(
                        "only a part of the body is kept, so rules and dummy data cannot be tried again",
                    );
                } else if let Ok(input) = unread(endpoint, self.call).validated(path) {
                    self.explain_input(&RuleTrial {
                        seed: engine.seed,
                        catalogue,
                        creation: endpoint
                            .creation
                            .as_ref()
                            .expect("only products are routed here"),
                        facts: input.facts(self.call, decision.nth),
                        by: decision.by,
                        is_same_generation: decision.generation == catalogue.generation,
                    });
                } else {
                    self.explain_in_short("by the rules of now the input would be refused");
                }
            }
        }
        self.add_outcomes(endpoint);
    }

    /// Says what decided, and why there is no more to say.
    fn explain_in_short(&mut self, note: &str) {
        let by = self.exchange.decision.by;
        self.explanation.notes.push(note.to_owned());
        self.decide(chosen_by(by), in_short(by).to_owned());
    }

    fn explain_magic(&mut self) {
        let header = self.call.headers().get(http::MAGIC_HEADER);
        let received =
            header.map_or_else(String::new, |value| http::header_text(value).into_owned());
        let header = http::MAGIC_HEADER.to_string();
        let because = format!("The request asked for it: {header}: {received}");
        let values = DecidingValues::Header { header, received };
        self.decide_by(ChosenBy::Magic, because, values);
    }

    fn explain_next(&mut self) {
        let chosen = self.exchange.decision.chosen.as_ref();
        let name = chosen.map_or("", |outcome| outcome.name.as_str());
        let because = format!("{name} was queued for this call by POST /__sandbox/next.");
        self.decide(ChosenBy::Next, because);
    }

    /// Tries magic values, rules and dummy data again.
    fn explain_input(&mut self, retrial: &RuleTrial<'_>) {
        let by = retrial.by;
        if !matches!(by, DecidedBy::Data(_)) {
            let chosen = match by {
                DecidedBy::Rule(at) => retrial.is_same_generation.then_some(at as usize),
                DecidedBy::Nothing
                | DecidedBy::Magic
                | DecidedBy::Next
                | DecidedBy::Data(_)
                | DecidedBy::DummyData
                | DecidedBy::Default
                | DecidedBy::Record => None,
            };
            let (rules, count) = tried_rules(retrial.creation, retrial.facts, chosen);
            self.explanation.rules = Some(rules);
            self.explanation.rules_tried = Some(count);
        }
        match by {
            DecidedBy::Rule(at) => self.explain_rule(retrial, at as usize),
            DecidedBy::Data(at) => self.explain_magic_value(retrial, at.map(|at| at as usize)),
            DecidedBy::Nothing
            | DecidedBy::Magic
            | DecidedBy::Next
            | DecidedBy::DummyData
            | DecidedBy::Default
            | DecidedBy::Record => {
                self.explain_nearest_rule(retrial);
            }
        }
        if matches!(by, DecidedBy::DummyData | DecidedBy::Default) {
            self.explanation.dummy_data = lookup_verdict(retrial);
        }
    }

    fn explain_rule(&mut self, retrial: &RuleTrial<'_>, at: usize) {
        let rule = retrial.creation.rules.iter().nth(at);
        let rule = rule.filter(|_| retrial.is_same_generation);
        let Some(rule) = rule else {
            return self.decide(ChosenBy::Rule, in_short(retrial.by).to_owned());
        };
        let facts = retrial.facts;
        let held = rule
            .when
            .0
            .iter()
            .find(|all| all.iter().all(|condition| condition.holds(facts)));
        let conditions = (held.into_iter().flatten())
            .map(|condition| tried_condition(condition, facts))
            .collect();
        let because = format!("The rule at {} holds.", file_place(&rule.origin));
        self.decide_by(ChosenBy::Rule, because, DecidingValues::Rule(conditions));
    }

    /// A magic value of the endpoint decided, or the name of an uploaded file. A file name has no number.
    fn explain_magic_value(&mut self, retrial: &RuleTrial<'_>, at: Option<usize>) {
        let value = at.and_then(|at| retrial.creation.magic.0.get(at));
        let value = value.filter(|_| retrial.is_same_generation);
        let (because, values) = if let Some(value) = value {
            let values = DecidingValues::MagicValue {
                condition: value.written.clone(),
                received: received(&value.subject, retrial.facts),
                place: file_place(&value.origin),
            };
            (format!("{} names the outcome.", value.written), values)
        } else {
            let file_names = retrial.facts.file_names.clone();
            let values = DecidingValues::FileNames { file_names };
            (in_short(retrial.by).to_owned(), values)
        };
        self.decide_by(ChosenBy::MagicValue, because, values);
    }

    /// No rule held: says which one was nearest to holding.
    fn explain_nearest_rule(&mut self, retrial: &RuleTrial<'_>) {
        let mut because = in_short(retrial.by).to_owned();
        let nearest = nearest_rule(retrial.creation, retrial.facts);
        if let Some(nearest) = &nearest {
            because = format!("{because} The nearest rule: {}", nearest.differs);
        }
        self.decide(chosen_by(retrial.by), because);
        self.explanation.nearest_rule = nearest;
    }

    /// Adds the outcome that was chosen and the one that wrote the reply. These differ where a sequence was chosen.
    /// A refusal stands in place of the second.
    fn add_outcomes(&mut self, endpoint: &Endpoint) {
        let Some(chosen) = &self.exchange.decision.chosen else {
            return;
        };
        let turn = self.exchange.decision.turn;
        self.explanation.chosen = Some(ChosenOutcome {
            outcome: chosen.name.clone(),
            place: file_place(&chosen.origin),
            turn: (turn > 0).then_some(turn),
        });
        if self.exchange.decision.is_refused {
            return self.explain_refusal();
        }
        if self.exchange.decision.is_pending_first {
            let because = &mut self.explanation.decision.because;
            because.push_str(" The endpoint is asynchronous, so the record is pending first.");
        }
        let answered = match self.exchange.outcome_name() {
            Some(name) if name != chosen.name => endpoint.outcomes.get(name),
            _ => Some(chosen),
        };
        self.explanation.answered_from = answered.map(|outcome| AnsweringOutcome {
            outcome: outcome.name.clone(),
            source: outcome.source,
            place: file_place(&outcome.origin),
        });
    }
}

fn unread<'r>(endpoint: &'r Endpoint, call: &'r Call) -> UnreadInput<'r> {
    UnreadInput {
        endpoint,
        call,
        sample_stands_in: false,
    }
}

/// The mistakes that a refusal lists.
fn complaints(body: &Value) -> Vec<Complaint> {
    Vec::deserialize(&body["errors"]).unwrap_or_default()
}

/// The fields that the endpoint's lookup reads, and its verdict; none if the endpoint has no lookup.
fn lookup_verdict(retrial: &RuleTrial<'_>) -> Option<LookupVerdict> {
    let rule = retrial.creation.lookup.as_ref()?;
    let input = retrial.facts.fields;
    let finding = rule
        .lookup
        .find(&retrial.catalogue.dummy, retrial.seed, rule.asked(input));
    let fields = rule.lookup.reads().iter().chain(rule.lookup.may_read());
    let read = fields.filter_map(|own| {
        let name = rule.reads.name_of(own);
        Some((name.to_owned(), input.get(name)?.clone()))
    });
    let misses = finding.verdict == "not_found";
    let nearest = misses.then(|| near_listings(&retrial.catalogue.dummy, rule, input));
    Some(LookupVerdict {
        lookup: rule.lookup.name().to_owned(),
        read: read.collect(),
        verdict: finding.verdict.to_owned(),
        nearest: nearest.flatten(),
    })
}

fn chosen_by(by: DecidedBy) -> ChosenBy {
    match by {
        DecidedBy::Nothing => ChosenBy::Refusal,
        DecidedBy::Magic => ChosenBy::Magic,
        DecidedBy::Next => ChosenBy::Next,
        DecidedBy::Data(_) => ChosenBy::MagicValue,
        DecidedBy::Rule(_) => ChosenBy::Rule,
        DecidedBy::DummyData => ChosenBy::DummyData,
        DecidedBy::Default => ChosenBy::Default,
        DecidedBy::Record => ChosenBy::Record,
    }
}

fn in_short(by: DecidedBy) -> &'static str {
    match by {
        DecidedBy::DummyData => "No rule holds; the dummy data decided.",
        DecidedBy::Default => {
            "No rule holds and no dummy data decides: it is the endpoint's default."
        }
        DecidedBy::Rule(_) => "A rule held.",
        DecidedBy::Data(_) => "The name of a file names the outcome.",
        DecidedBy::Nothing | DecidedBy::Magic | DecidedBy::Next | DecidedBy::Record => "",
    }
}
