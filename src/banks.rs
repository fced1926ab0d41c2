//! The banks of Indonesia by code: `scenarios/banks.tsv`.

use std::collections::HashSet;
use std::sync::LazyLock;

/// `code`, `name`, `swift_code`, tab-separated, with a heading.
const TABLE: &str = include_str!("../scenarios/banks.tsv");

static CODES: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    TABLE
        .lines()
        .skip(1)
        .filter_map(|line| line.split('\t').next())
        .collect()
});

/// Whether a bank has this code, plain (`BCA`) or with its country (`ID_BCA`).
pub(crate) fn is_code(code: &str) -> bool {
    CODES.contains(without_country(code))
}

/// The code as lists print it: every version of the API takes it with and without `ID_`.
pub(crate) fn without_country(code: &str) -> &str {
    code.strip_prefix("ID_").unwrap_or(code)
}
