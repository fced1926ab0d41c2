//! A small picture of an uploaded file.

/// A small picture of a file. `at` is the place of the file in the request, as a JSON Pointer.
#[derive(Debug)]
pub(crate) struct Thumbnail {
    pub at: String,
    pub png: Vec<u8>,
}
