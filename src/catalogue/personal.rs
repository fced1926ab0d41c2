//! The names of fields that hold personal data: `scenarios/personal.tsv`, and `personal_fields` in `sandbox.toml`.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::LazyLock;

use crate::base::snake_case;

/// The columns `word` and `digits`, separated by a tab, below a heading. A field is personal if its name ends in the
/// word. `digits` says what number a field with the word anywhere in its name holds: `phone` or `account`.
const TABLE: &str = include_str!("../../scenarios/personal.tsv");

static SHIPPED: LazyLock<Vec<(&'static str, Option<Digits>)>> = LazyLock::new(|| {
    let rows = TABLE.lines().skip(1);
    rows.map(|row| match row.split_once('\t') {
        Some((word, "phone")) => (word, Some(Digits::Phone)),
        Some((word, "account")) => (word, Some(Digits::Account)),
        _ => (row, None),
    })
    .collect()
});

/// What number the digits in a field are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Digits {
    Phone,
    Account,
}

/// The words that end the names of personal fields. Those of `sandbox.toml` are only added, so no folder can show what
/// is hidden without it.
#[derive(Debug, Default)]
pub(crate) struct PersonalFields {
    added: HashSet<String>,
}

impl PersonalFields {
    pub(super) fn new(added: HashSet<String>) -> Self {
        Self { added }
    }

    /// Whether the name of a field says that it is personal, in any spelling: `givenNames`, `given-names`.
    pub(crate) fn has(&self, name: &str) -> bool {
        let name = snake_case(name);
        self.words().any(|word| {
            let before = name.strip_suffix(word);
            before.is_some_and(|before| before.is_empty() || before.ends_with('_'))
        })
    }

    /// The same as a regular expression, for names in snake case.
    pub(crate) fn pattern(&self) -> String {
        let mut words: Vec<_> = self.words().collect();
        words.sort_unstable();
        words.dedup();
        format!("(^|_)({})$", words.join("|"))
    }

    fn words(&self) -> impl Iterator<Item = &str> {
        let shipped = SHIPPED.iter().map(|(word, _)| *word);
        shipped.chain(self.added.iter().map(String::as_str))
    }
}

/// What number a field of this name holds. A phone number wins over an account number.
pub(crate) fn digits_of(name: &str) -> Option<Digits> {
    let is_lower = name.is_ascii() && !name.bytes().any(|byte| byte.is_ascii_uppercase());
    let name = if is_lower {
        Cow::from(name)
    } else {
        name.to_lowercase().into()
    };
    let has = |digits| {
        let mut words = SHIPPED.iter();
        words.any(|(word, means)| *means == Some(digits) && name.contains(word))
    };
    [Digits::Phone, Digits::Account]
        .into_iter()
        .find(|digits| has(*digits))
}
