//! Patterns for items that do not count.

use regex::{Regex, RegexBuilder};

use super::report::Coverage;

/// A name in any letter case, in which `*` stands for any text. It ignores the items with this name: their whole name
/// (`v2/ktp_data_requests/COMPLETED_FOUND`), the name within its part (`COMPLETED_FOUND`), or the name of the whole part
/// (`v2/ktp_data_requests`).
pub(super) struct IgnorePattern {
    text: String,
    regex: Regex,
}

impl IgnorePattern {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let parts: Vec<_> = text.split('*').map(regex::escape).collect();
        let regex = RegexBuilder::new(&format!("^(?:{})$", parts.join(".*")))
            .case_insensitive(true)
            .dot_matches_new_line(true)
            .build();
        match regex {
            Ok(regex) if !text.is_empty() => Ok(Self {
                text: text.to_owned(),
                regex,
            }),
            Ok(_) => Err("`ignore` is empty: write a name, in which `*` is any text".to_owned()),
            Err(_) => Err("`ignore` is too long".to_owned()),
        }
    }

    fn matches(&self, part: &str, item: &str) -> bool {
        [part, item, &format!("{part}/{item}")]
            .iter()
            .any(|name| self.regex.is_match(name))
    }
}

/// Takes the items out that match a pattern. A pattern that matches nothing is a mistake: its item would count.
pub(super) fn ignore(coverage: &mut Coverage, patterns: &[IgnorePattern]) -> Result<(), String> {
    let mut is_used = vec![false; patterns.len()];
    for part in coverage.parts_mut() {
        let name = part.name.clone();
        let mut counts = |item: &str| {
            let mut counts = true;
            for (pattern, is_used) in patterns.iter().zip(&mut is_used) {
                if pattern.matches(&name, item) {
                    *is_used = true;
                    counts = false;
                }
            }
            counts
        };
        part.exercised.retain(|done| counts(&done.name));
        part.missed.retain(|missed| counts(&missed.name));
    }
    let unused = patterns.iter().zip(is_used).find(|(_, is_used)| !is_used);
    unused.map_or(Ok(()), |(pattern, _)| {
        Err(format!(
            "`ignore`: nothing that counts is called `{}`; the names are in the report, such as \
             v2/ktp_data_requests/COMPLETED_FOUND or errors/API_VALIDATION_ERROR",
            pattern.text
        ))
    })
}
