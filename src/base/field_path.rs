//! Dotted paths such as `addresses.0.country`. In a name, `\.` is a dot and `\\` is a backslash.

use serde_json::{Map, Value};

/// The names of a dotted path.
pub(crate) fn split_path(path: &str) -> Vec<String> {
    let mut names = vec![String::new()];
    let mut chars = path.chars().peekable();
    while let Some(c) = chars.next() {
        let escaped = chars.next_if(|next| c == '\\' && matches!(next, '.' | '\\'));
        if c == '.' {
            names.push(String::new());
        } else if let Some(name) = names.last_mut() {
            name.push(escaped.unwrap_or(c));
        }
    }
    names
}

/// The dotted path of names, as `split_path` reads it.
pub(crate) fn join_path(names: &[String]) -> String {
    let written = names
        .iter()
        .map(|name| name.replace('\\', r"\\").replace('.', r"\."));
    written.collect::<Vec<_>>().join(".")
}

/// The value of a field. With few fields, a linear search is faster than hashing.
pub(crate) fn field_of<'a>(input: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    match input.len() {
        0..=12 => Some(input.iter().find(|(other, _)| *other == name)?.1),
        _ => input.get(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_the_same_after_it_was_split_and_joined() {
        for (path, names) in [
            ("a.b.0", vec!["a", "b", "0"]),
            (r"a\.b.c", vec!["a.b", "c"]),
            (r"a\\.b", vec![r"a\", "b"]),
            (r"a\\\.b", vec![r"a\.b"]),
            ("a..b.", vec!["a", "", "b", ""]),
        ] {
            assert_eq!(split_path(path), names, "{path}");
            assert_eq!(join_path(&split_path(path)), path);
        }
        assert_eq!(split_path(r"a\b\"), [r"a\b\"], "a lone backslash stays");
    }
}
