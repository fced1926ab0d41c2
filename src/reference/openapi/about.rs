//! The sandbox that an OpenAPI document describes.

use crate::catalogue::Catalogue;

/// What a document is made from.
#[derive(Clone, Copy)]
pub(crate) struct About<'a> {
    pub catalogue: &'a Catalogue,
    /// Leaves out everything that `--strict` refuses.
    pub is_strict: bool,
    /// A key that is let in. None when it must not be shown.
    pub key: Option<&'a str>,
    /// The URL of the API. `/` means the server that the document came from.
    pub server: &'a str,
}
