//! A small picture of an uploaded file.

/// A small picture of a file, and where in the request it was, as a JSON Pointer.
#[derive(Debug)]
pub(crate) struct Thumbnail {
    pub at: String,
    pub png: Vec<u8>,
}
