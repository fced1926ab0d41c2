//! A request that has arrived, and what it is answered from.

use super::engine::Engine;
use crate::catalogue::Catalogue;
use crate::http::Call;

#[derive(Clone, Copy)]
pub(super) struct Arrived<'c> {
    pub engine: &'c Engine,
    /// The catalogue of the moment when it arrived.
    pub catalogue: &'c Catalogue,
    pub call: &'c Call,
}
