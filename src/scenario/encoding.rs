//! The text of a scenario file from its bytes.

use std::sync::Arc;

use super::mistake::{LoadError, UNCHECKED_REST};
use super::source_file::SourceFile;

/// Windows editors write it at the start of a file. It is no part of the text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl SourceFile {
    /// The file of a folder with these bytes, or the mistake that its text is not UTF-8.
    pub(super) fn decode(id: String, name: String, bytes: &[u8]) -> Result<Arc<Self>, LoadError> {
        if let Some(encoding) = wide_encoding(bytes) {
            return Err(LoadError::of_file(
                name,
                format!("is {encoding} text: save the file as UTF-8"),
            ));
        }
        let text = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
        let invalid = std::str::from_utf8(text).err();
        // An invalid byte becomes a character that marks its place in the line.
        let source = Arc::new(Self::new(
            id,
            name,
            String::from_utf8_lossy(text).into_owned(),
        ));
        let Some(invalid) = invalid else {
            return Ok(source);
        };
        let at = invalid.valid_up_to();
        Err(source.error(
            at..at + char::REPLACEMENT_CHARACTER.len_utf8(),
            format!(
                "the byte 0x{:02X} is not UTF-8: save the file as UTF-8{UNCHECKED_REST}",
                text[at]
            ),
        ))
    }
}

/// The encoding with more than one byte for an ASCII character, with or without a byte order mark.
fn wide_encoding(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Some("UTF-32"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some("UTF-16"),
        [first, 0, second, 0, ..] | [0, first, 0, second, ..] if *first != 0 && *second != 0 => {
            Some("UTF-16")
        }
        [first, 0, 0, 0, ..] | [0, 0, 0, first, ..] if *first != 0 => Some("UTF-32"),
        _ => None,
    }
}
