//! A request that has arrived, with everything that is needed to answer it.

use super::engine::Engine;
use crate::catalogue::Catalogue;
use crate::http::Call;

#[derive(Clone, Copy)]
pub(super) struct Arrived<'c> {
    pub engine: &'c Engine,
    /// The catalogue at the moment of arrival.
    pub catalogue: &'c Catalogue,
    pub call: &'c Call,
}
