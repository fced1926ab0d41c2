//! The form of ids and times, without the values that change.

use serde_json::Value;

/// `2022-02-10T18:55:02.061Z` → `0000-00-00T00:00:00.000Z`. In a UUID, every hex digit except the version (4) and the
/// variant (8, 9, a or b, shown as `v`). Everything else stays.
pub(crate) fn of(value: &Value) -> String {
    let Some(text) = value.as_str() else {
        return value.to_string();
    };
    if let Some((prefix, uuid)) = text.split_at_checked(text.len().saturating_sub(36))
        && is_uuid(uuid)
    {
        return format!("{prefix}xxxxxxxx-xxxx-4xxx-vxxx-xxxxxxxxxxxx");
    }
    if let Some((prefix, digits)) = text.split_at_checked(text.len().saturating_sub(24))
        && prefix.ends_with('_')
        && digits.bytes().all(is_lower_hex)
    {
        return format!("{prefix}{}", "x".repeat(24));
    }
    let zeros = text.replace(|c: char| c.is_ascii_digit(), "0");
    if zeros == "0000-00-00T00:00:00.000Z" {
        zeros
    } else {
        text.to_owned()
    }
}

/// A version-4 UUID in lower case.
pub(crate) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            14 => byte == b'4',
            19 => matches!(byte, b'8' | b'9' | b'a' | b'b'),
            _ => is_lower_hex(byte),
        })
}

fn is_lower_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}
