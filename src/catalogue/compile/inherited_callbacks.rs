//! The outcomes of users inherit the callback of their endpoint.

use std::sync::Arc;

use foldhash::HashMap;
use indexmap::IndexMap;

use super::compiler::Compiler;
use crate::base::Behaviour;
use crate::catalogue::outcome::{CallbackChoice, Outcome};

impl<'a> Compiler<'a> {
    /// Lets a callback follow every outcome of a user that has a body, does not stay pending and has no key `callback`.
    /// Shipped outcomes have that key where the real API sends a callback.
    pub(super) fn inherit_callbacks(&self, outcomes: &mut IndexMap<String, Arc<Outcome>>) {
        if self.last(|file| file.callback.as_ref()).is_none() {
            return;
        }
        for name in self.heirs(outcomes) {
            let outcome = Arc::get_mut(&mut outcomes[name]);
            let outcome = outcome.expect("nothing else refers to the outcomes yet");
            outcome.callback = Some(Behaviour::Normal);
            outcome.callback_choice = CallbackChoice::Inherited;
        }
    }

    fn heirs(&self, outcomes: &IndexMap<String, Arc<Outcome>>) -> Vec<&'a str> {
        let mut stays_pending = PendingChains::default();
        let mut heirs = Vec::new();
        for (file, name, part) in self.outcome_parts() {
            let outcome = &outcomes[name.as_ref()];
            let is_decided = file.shipped || part.callback.is_some() || part.pending;
            if !is_decided && outcome.plan().is_some() && !stays_pending.of(outcome, outcomes) {
                heirs.push(name.as_ref().as_str());
            }
        }
        heirs
    }
}

/// Whether a record stays pending, for every outcome that was looked at.
#[derive(Default)]
struct PendingChains<'o>(HashMap<&'o str, bool>);

impl<'o> PendingChains<'o> {
    /// Whether a record that begins with this outcome is still pending after its last change.
    fn of(&mut self, first: &'o Outcome, outcomes: &'o IndexMap<String, Arc<Outcome>>) -> bool {
        let mut visited = Vec::new();
        let mut last = first;
        let stays = loop {
            if let Some(stays) = self.0.get(last.name.as_str()) {
                break *stays;
            }
            if visited.len() > outcomes.len() {
                break true; // a loop, which is reported as a mistake
            }
            visited.push(last.name.as_str());
            let change = last.then.last();
            match change.and_then(|change| outcomes.get(&change.outcome)) {
                Some(next) => last = next,
                None => break last.pending,
            }
        };
        self.0.extend(visited.into_iter().map(|name| (name, stays)));
        stays
    }
}
