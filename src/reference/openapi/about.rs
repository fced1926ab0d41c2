//! What the OpenAPI document is told about this sandbox.

use crate::catalogue::Catalogue;

/// What a document is made for.
#[derive(Clone, Copy)]
pub(crate) struct About<'a> {
    pub catalogue: &'a Catalogue,
    /// Leaves out what `--strict` refuses.
    pub is_strict: bool,
    /// A key that is let in; none where it is not to be told.
    pub key: Option<&'a str>,
    /// Where the API answers; `/` for the server that the document came from.
    pub server: &'a str,
}
