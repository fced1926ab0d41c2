//! Names of learned outcomes: the status, and the field that distinguishes it.

use serde_json::Value;

use super::likeness::{Difference, DifferenceKind, Scope, name_of};
use super::observed::Observed;
use super::vocabulary::is_code_word;

/// A name goes into a header, and people type it.
const NAME_CHARS_MAX: usize = 64;

/// At most this many differences are in a name.
const DIFFERENCES_MAX: usize = 2;

/// Fields that say why a record has its status.
const REASONS: [&str; 4] = ["failure_reason", "failure_code", "reason", "error_code"];

/// Fields that say whether something was found.
const FOUND: [&str; 3] = ["is_found", "found", "is_match"];

const LISTS: [&str; 3] = ["results", "matches", "hits"];

/// The name without regard to outcomes that exist: `FAILED_TEMPORARY_NETWORK_ERROR`, `COMPLETED_NOT_FOUND`.
pub(super) fn base_name(scope: Scope<'_>, observed: &Observed) -> String {
    let status = word_at(scope, &observed.reply, &["status", "state"]);
    let status = match (status, observed.status) {
        (Some(status), 200..=299) => status,
        (Some(status), code) => format!("HTTP_{code}_{status}"),
        (None, 200) => "OBSERVED".to_owned(),
        (None, code) => format!("HTTP_{code}"),
    };
    let reason = word_at(scope, &observed.reply, &REASONS);
    match reason.or_else(|| finding(&observed.reply).map(str::to_owned)) {
        Some(more) => shortened(&format!("{status}_{more}")),
        None => shortened(&status),
    }
}

/// The name of an outcome that differs from one whose name is `base`: `COMPLETED_FOUND_WITH_BANK_NAME`. `is_taken` says
/// which names exist.
pub(super) fn free_name(
    base: &str,
    differences: &[Difference],
    is_taken: impl Fn(&str) -> bool,
) -> String {
    if !is_taken(base) {
        return base.to_owned();
    }
    let mut name = base.to_owned();
    let mut differences: Vec<_> = differences.iter().collect();
    differences.sort_by_key(|difference| rank(&difference.kind));
    for difference in differences.into_iter().take(DIFFERENCES_MAX) {
        let field = words(name_of(&difference.path));
        let suffix = match &difference.kind {
            DifferenceKind::Additional => format!("WITH_{field}"),
            DifferenceKind::Missing => format!("WITHOUT_{field}"),
            DifferenceKind::Type { observed, .. } => {
                let kind = observed.trim_start_matches("a ").trim_start_matches("an ");
                format!("{field}_IS_{}", words(kind))
            }
            DifferenceKind::Value(Some(value)) => format!("{field}_{}", words(value)),
            DifferenceKind::Value(None) => format!("OTHER_{field}"),
            DifferenceKind::Empty { observed: true } => format!("NO_{field}"),
            DifferenceKind::Empty { observed: false } => format!("SOME_{field}"),
        };
        name = shortened(&format!("{name}_{suffix}"));
        if !is_taken(&name) {
            return name;
        }
    }
    let numbered = (2_u32..).map(|number| {
        let digits = number.to_string();
        let most = NAME_CHARS_MAX - digits.len() - 1;
        let start: String = name.chars().take(most).collect();
        format!("{start}_{digits}")
    });
    let mut free = numbered.filter(|name| !is_taken(name));
    free.next().expect("there are more numbers than names")
}

/// What an outcome has in addition distinguishes it best.
fn rank(kind: &DifferenceKind) -> u8 {
    match kind {
        DifferenceKind::Value(Some(_)) => 0,
        DifferenceKind::Additional => 1,
        DifferenceKind::Type { .. } | DifferenceKind::Empty { .. } => 2,
        DifferenceKind::Missing => 3,
        DifferenceKind::Value(None) => 4,
    }
}

/// The first of these fields that has a word of the API, in the reply or in its `result`.
fn word_at(scope: Scope<'_>, reply: &Value, names: &[&str]) -> Option<String> {
    let places = [reply, &reply["result"]];
    let mut values = places
        .iter()
        .flat_map(|place| names.iter().map(|name| (*name, &place[*name])));
    let found = values.find(|(name, value)| value.is_string() && scope.keeps(name, value));
    let word = words(found?.1.as_str()?);
    is_code_word(&word).then_some(word)
}

fn finding(reply: &Value) -> Option<&'static str> {
    let places = [reply, &reply["result"]];
    let flag = |place: &&Value| FOUND.iter().find_map(|name| place[*name].as_bool());
    let is_empty = |place: &&Value| {
        let mut lists = LISTS.iter().map(|name| place[*name].as_array());
        lists.find_map(|list| list.map(Vec::is_empty))
    };
    if let Some(is_found) = places.iter().find_map(flag) {
        return Some(if is_found { "FOUND" } else { "NOT_FOUND" });
    }
    let is_empty = places.iter().find_map(is_empty)?;
    Some(if is_empty { "NOT_FOUND" } else { "FOUND" })
}

/// Letters, digits and `_` alone.
fn words(text: &str) -> String {
    let snake = crate::base::snake_case(text.trim_matches('"'));
    let parts = snake.split(|c: char| !c.is_ascii_alphanumeric());
    let parts: Vec<_> = parts.filter(|part| !part.is_empty()).collect();
    parts.join("_").to_ascii_uppercase()
}

fn shortened(name: &str) -> String {
    let name: String = name.chars().take(NAME_CHARS_MAX).collect();
    name.trim_end_matches('_').to_owned()
}
