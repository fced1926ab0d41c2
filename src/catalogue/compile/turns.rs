//! Outcomes that name others: `sequence`, `weighted`, and the changes of `then`.

use std::sync::Arc;

use foldhash::HashMap;
use indexmap::IndexMap;

use super::compiler::Compiler;
use crate::base::parse_duration;
use crate::catalogue::outcome::{Answer, CallsBack, Outcome, Then};
use crate::scenario::{OutcomePart, SourceFile, Spanned, Tree};

/// The largest weight of an outcome that is drawn.
pub(crate) const WEIGHT_MAX: i64 = 1_000_000;

/// The maximum number of changes in a `then`. All of them are written when the record is made.
pub(crate) const CHANGES_MAX: usize = 20;

impl Compiler<'_> {
    /// The answer of an outcome that only names other outcomes. None if the outcome has an answer of its own.
    pub(super) fn turns(&mut self, part: &OutcomePart, file: &Arc<SourceFile>) -> Option<Answer> {
        if let Some(cycle) = &part.cycle
            && part.sequence.is_none()
        {
            self.errors.push(file.error(
                cycle.span(),
                "`cycle` restarts a `sequence`, but there is none here",
            ));
        }
        let (what, span, answer) = match (&part.sequence, &part.weighted) {
            (None, None) => return None,
            (Some(sequence), _) => {
                let names = sequence.as_ref().iter().map(|name| name.as_ref().clone());
                let answer = Answer::Sequence {
                    names: names.collect(),
                    cycle: part.cycle.as_ref().is_some_and(|cycle| *cycle.as_ref()),
                };
                ("sequence", sequence.span(), answer)
            }
            (None, Some(weighted)) => {
                let answer = Answer::Weighted(self.weights(weighted, file));
                ("weighted", weighted.span(), answer)
            }
        };
        let answers_itself = part.body.is_some() || part.then.is_some() || part.callback.is_some();
        if answers_itself || (part.sequence.is_some() && part.weighted.is_some()) {
            let other = if what == "sequence" {
                "weighted"
            } else {
                "sequence"
            };
            self.errors.push(file.error(
                span,
                format!(
                    "a `{what}` only names other outcomes: it cannot have `body`, `error`, `then`, `callback` or `{other}`"
                ),
            ));
        }
        Some(answer)
    }

    fn weights(&mut self, weighted: &Spanned<Tree>, file: &Arc<SourceFile>) -> Vec<(String, u32)> {
        let Tree::Table(entries) = weighted.as_ref() else {
            self.errors.push(file.error(
                weighted.span(),
                "`weighted` must be a table of outcomes and their weights, such as `{ COMPLETED_FOUND = 3, FAILED = 1 }`",
            ));
            return Vec::new();
        };
        let mut weights = Vec::new();
        for (name, weight) in entries {
            match weight.as_ref() {
                Tree::Integer(number @ 0..=WEIGHT_MAX) => {
                    let number = u32::try_from(*number).expect("it is in range");
                    weights.push((name.as_ref().clone(), number));
                }
                _ => self.errors.push(file.error(
                    weight.span(),
                    format!("a weight must be a whole number between 0 and {WEIGHT_MAX}"),
                )),
            }
        }
        if weights.iter().all(|(_, weight)| *weight == 0) {
            self.errors.push(file.error(
                weighted.span(),
                "at least one outcome must have a weight above 0",
            ));
        }
        weights
    }

    pub(super) fn changes(&mut self, part: &OutcomePart, file: &Arc<SourceFile>) -> Vec<Then> {
        let Some(then) = &part.then else {
            return Vec::new();
        };
        let parts = &then.as_ref().0;
        if parts.is_empty() || parts.len() > CHANGES_MAX {
            self.errors.push(file.error(
                then.span(),
                format!("`then` must have 1 to {CHANGES_MAX} changes"),
            ));
        }
        let mut changes = Vec::new();
        for change in parts {
            let says = change.callback.is_some();
            let callback = self.callback(change.callback.as_ref(), file);
            match parse_duration(change.after.as_ref()) {
                Ok(after) => changes.push(Then {
                    after,
                    outcome: change.outcome.as_ref().clone(),
                    callback: says.then_some(CallsBack(callback)),
                }),
                Err(message) => self.errors.push(file.error(change.after.span(), message)),
            }
        }
        changes
    }

    /// Checks the names of other outcomes in `sequence`, `weighted` and `then`.
    pub(super) fn check_references(
        &mut self,
        outcomes: &IndexMap<String, Arc<Outcome>>,
        has_id: bool,
    ) {
        let mut chains = Chains::default();
        for (file, _, part) in self.outcome_parts() {
            if let Some(sequence) = &part.sequence {
                if sequence.as_ref().is_empty() {
                    self.errors.push(file.error(
                        sequence.span(),
                        "a `sequence` must name at least one outcome",
                    ));
                }
                for name in sequence.as_ref() {
                    self.check_turn(file, name, "sequence", outcomes);
                }
            }
            if let Some(weighted) = &part.weighted
                && let Tree::Table(entries) = weighted.as_ref()
            {
                for (name, _) in entries {
                    self.check_turn(file, name, "weighted", outcomes);
                }
            }
            if let Some(then) = &part.then {
                if !has_id {
                    self.errors.push(file.error(
                        then.span(),
                        "this endpoint keeps no records that could change: define their ids, \
                         `id = \"…_{uuid}\"`",
                    ));
                }
                self.check_changes(
                    file,
                    then.as_ref().0.iter().map(|change| &change.outcome),
                    outcomes,
                    &mut chains,
                );
            }
        }
    }

    /// An outcome in a `sequence` or `weighted` must have an answer of its own.
    fn check_turn(
        &mut self,
        file: &Arc<SourceFile>,
        name: &Spanned<String>,
        what: &str,
        outcomes: &IndexMap<String, Arc<Outcome>>,
    ) {
        let Some(outcome) = self.referred(file, name, outcomes) else {
            return;
        };
        let inner = match outcome.answer {
            Answer::Sequence { .. } => "a sequence",
            Answer::Weighted(_) => "a weighted outcome",
            Answer::Body { .. } | Answer::Error { .. } => return,
        };
        let outer = match what {
            "sequence" => "a sequence",
            _ => "a weighted outcome",
        };
        self.errors
            .push(file.error(name.span(), format!("{inner} cannot be part of {outer}")));
    }

    /// A record can only become outcomes with a body, and its changes must end.
    fn check_changes<'n>(
        &mut self,
        file: &Arc<SourceFile>,
        names: impl ExactSizeIterator<Item = &'n Spanned<String>>,
        outcomes: &'n IndexMap<String, Arc<Outcome>>,
        chains: &mut Chains<'n>,
    ) {
        let last = names.len().saturating_sub(1);
        for (at, name) in names.enumerate() {
            let Some(first) = self.referred(file, name, outcomes) else {
                continue;
            };
            if !matches!(first.answer, Answer::Body { .. }) {
                self.errors.push(file.error(
                    name.span(),
                    "a record cannot become an error or a sequence: name an outcome with a body",
                ));
            }
            if at < last {
                continue; // the next item of the list follows, not the `then` of this outcome
            }
            if !chains.end(first, outcomes) {
                self.errors.push(file.error(
                    name.span(),
                    "the `then` of these outcomes forms a loop that never ends",
                ));
            }
        }
    }
}

/// Whether the changes of an outcome end, for every outcome that was looked at: one chain can go through all of them.
#[derive(Default)]
struct Chains<'o>(HashMap<&'o str, bool>);

impl<'o> Chains<'o> {
    /// Whether the chain of changes that begins at this outcome ends.
    fn end(
        &mut self,
        first: &'o Arc<Outcome>,
        outcomes: &'o IndexMap<String, Arc<Outcome>>,
    ) -> bool {
        let mut visited = Vec::new();
        let mut next = Some(first);
        let ends = loop {
            let Some(outcome) = next else {
                break true;
            };
            match self.0.get(outcome.name.as_str()) {
                Some(ends) => break *ends,
                None if visited.len() > outcomes.len() => break false,
                None => visited.push(outcome.name.as_str()),
            }
            let change = outcome.then.last();
            next = change.and_then(|change| outcomes.get(&change.outcome));
        };
        self.0.extend(visited.into_iter().map(|name| (name, ends)));
        ends
    }
}
