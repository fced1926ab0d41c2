//! Looks at the beginning of a multipart body for mistakes that the parser does not name.

use crate::base::shortened;

/// How much of a body is looked at.
pub(super) const BEGINNING_BYTES: usize = 1 << 10;

/// How much of a boundary is repeated.
const SHOWN_CHARS: usize = 80;

/// Says if the lines up to the first part's content end in LF alone. The parser would take the next part for its
/// content.
pub(super) fn lacks_carriage_returns(beginning: &[u8], boundary: &str) -> bool {
    let delimiter = format!("--{boundary}");
    let lines = complete_lines(beginning);
    let mut head = lines
        .skip_while(|line| trimmed(line) != delimiter.as_bytes())
        .take_while(|line| !trimmed(line).is_empty());
    head.any(|line| !line.ends_with(b"\r"))
}

/// The reason why a body cannot be read, if it begins with another boundary.
pub(super) fn other_boundary(beginning: &[u8], boundary: &str) -> Option<String> {
    let lines = || complete_lines(beginning).map(trimmed);
    let delimiter = format!("--{boundary}");
    if lines().any(|line| line == delimiter.as_bytes()) {
        return None;
    }
    let other = lines().find_map(|line| line.strip_prefix(b"--"))?;
    let short = |text: &str| shortened(text, SHOWN_CHARS);
    Some(format!(
        "it begins with the boundary `{}`, and the content-type gives `{}`",
        short(&String::from_utf8_lossy(other)),
        short(boundary)
    ))
}

/// The lines that end within the beginning, without their LF.
fn complete_lines(beginning: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = beginning.split_inclusive(|byte| *byte == b'\n');
    lines.filter_map(|line| line.strip_suffix(b"\n"))
}

fn trimmed(line: &[u8]) -> &[u8] {
    line.trim_ascii_end()
}
