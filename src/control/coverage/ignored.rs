//! Patterns for items that do not count.

use std::collections::BTreeSet;

use regex::{Regex, RegexBuilder};

use super::report::{Coverage, Part};
use crate::base::{named_near, nearest, short};

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
    let Some((pattern, _)) = unused else {
        return Ok(());
    };
    let hint = match nearest_name(coverage, &pattern.text) {
        Some(near) => format!(": did you mean {}?", named_near(&pattern.text, &near)),
        None => "; the names are in the report, such as v2/ktp_data_requests/COMPLETED_FOUND or \
                 errors/API_VALIDATION_ERROR"
            .to_owned(),
    };
    let written = short(&pattern.text);
    Err(format!(
        "`ignore`: nothing that counts is called `{written}`{hint}"
    ))
}

/// The name that is probably meant by a pattern: that of an item within its part, of a part, or of an item in any part.
fn nearest_name(coverage: &Coverage, pattern: &str) -> Option<String> {
    let within = pattern.rsplit_once('/').and_then(|(part, item)| {
        let names = coverage.parts().map(|one| one.name.as_str());
        let part = nearest(part, names)?;
        let found = coverage.parts().find(|one| one.name == part)?;
        Some(format!("{part}/{}", nearest_item(found, item)?))
    });
    within.or_else(|| {
        let parts = coverage.parts().map(|part| part.name.as_str());
        let items: BTreeSet<_> = coverage.parts().flat_map(Part::names).collect();
        nearest(pattern, parts.chain(items)).map(str::to_owned)
    })
}

/// The pattern itself if it matches an item of the part, such as `*`. Else the name of the nearest item.
fn nearest_item(part: &Part, pattern: &str) -> Option<String> {
    let regex = IgnorePattern::parse(pattern).ok()?.regex;
    if part.names().any(|name| regex.is_match(name)) {
        return Some(pattern.to_owned());
    }
    nearest(pattern, part.names()).map(str::to_owned)
}
