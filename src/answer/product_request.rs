//! A request for a product, once its endpoint and its world are known.

use std::sync::Arc;

use super::engine::Engine;
use super::magic::Magic;
use crate::catalogue::{Catalogue, Endpoint, Outcome};
use crate::http::{ApiError, Call};
use crate::world::{CallKind, DecidedBy, World};

/// What every step of the answer may look at.
#[derive(Clone, Copy)]
pub(super) struct ProductRequest<'r> {
    pub engine: &'r Engine,
    pub catalogue: &'r Catalogue,
    pub world: &'r World,
    pub endpoint: &'r Endpoint,
    pub call: &'r Call,
    /// True when only what is documented or observed may answer.
    pub is_strict: bool,
}

impl<'r> ProductRequest<'r> {
    /// The outcome that the header names, else the one that a test has queued for this call, with the origin of
    /// the name.
    pub(super) fn named_outcome(
        &self,
        magic: &Magic<'r>,
        reads: bool,
    ) -> Result<Option<(&'r Arc<Outcome>, DecidedBy)>, ApiError> {
        if let Some(outcome) = magic.outcome {
            return Ok(Some((outcome, DecidedBy::Magic)));
        }
        let queued = self.take_queued(reads)?;
        Ok(queued.map(|outcome| (outcome, DecidedBy::Next)))
    }

    /// Takes the outcome that a test has queued for this call.
    fn take_queued(&self, reads: bool) -> Result<Option<&'r Arc<Outcome>>, ApiError> {
        let Self {
            world, endpoint, ..
        } = *self;
        if !world.has_setup() {
            return Ok(None);
        }
        let Some(name) = world.take_next(&CallKind::new(endpoint, reads)) else {
            return Ok(None);
        };
        match endpoint.outcome(&name) {
            Some(outcome) if !reads || outcome.is_error() => Ok(Some(outcome)),
            _ => Err(ApiError::unknown_magic(format!(
                "Queued for this call was {name}. {}",
                endpoint.unknown_outcome(&name, reads)
            ))),
        }
    }
}
