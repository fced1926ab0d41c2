//! `async`: whether the records of an endpoint are pending before they have their outcome.

use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;

use super::compiler::Compiler;
use crate::base::parse_duration;
use crate::catalogue::endpoint::PendingFirst;
use crate::catalogue::outcome::{Outcome, PENDING_DEFAULT};
use crate::scenario::PendingRule;

impl Compiler<'_> {
    /// The `async` of the last file that has one.
    pub(super) fn pending_first(
        &mut self,
        outcomes: &IndexMap<String, Arc<Outcome>>,
        has_id: bool,
    ) -> PendingFirst {
        let Some((file, rule)) = self.last(|file| file.pending_first.as_ref()) else {
            return PendingFirst::Unwritten;
        };
        let time = match rule.as_ref() {
            PendingRule::Is(false) => return PendingFirst::Never,
            PendingRule::Is(true) => PENDING_DEFAULT,
            PendingRule::For(text) => parse_duration(text).unwrap_or_else(|message| {
                self.errors.push(file.error(rule.span(), message));
                Duration::ZERO
            }),
        };
        if !has_id {
            self.errors.push(file.error(
                rule.span(),
                "this endpoint keeps no records that could be pending: define their ids, `id = \"…_{uuid}\"`",
            ));
        } else if !outcomes.values().any(|outcome| outcome.writes_pending()) {
            self.errors.push(file.error(
                rule.span(),
                "no outcome here is pending: write one with `pending = true`, which answers first",
            ));
        }
        PendingFirst::For(time)
    }
}
