//! How similar two names are, from 0 to 100, as a person who screens customers would judge it.

use smallvec::SmallVec;

/// A name in the form for comparison: in lower-case ASCII, with sorted words. Legal forms of
/// businesses are left out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Name {
    words: String,
}

/// The words of a name.
type Words<'n> = SmallVec<[&'n str; 8]>;

/// Legal forms of several words. Each word alone may be part of a name.
const LEGAL_PHRASES: [&str; 3] = [" sa de cv ", " cong ty tnhh ", " cong ty co phan "];

/// Words for the legal form of a company. They are not part of its name.
const LEGAL_FORMS: &[&str] = &[
    "ab",
    "ae",
    "ag",
    "as",
    "bhd",
    "bv",
    "co",
    "company",
    "corp",
    "corporation",
    "cv",
    "eood",
    "gmbh",
    "inc",
    "incorporated",
    "jsc",
    "kft",
    "kg",
    "kk",
    "limited",
    "llc",
    "llp",
    "ltd",
    "ltda",
    "nv",
    "ooo",
    "oy",
    "oyj",
    "pjsc",
    "private",
    "plc",
    "pt",
    "pte",
    "pty",
    "pvt",
    "sa",
    "sae",
    "sarl",
    "sas",
    "sdn",
    "se",
    "sl",
    "spa",
    "sro",
    "srl",
    "tbk",
    "too",
    "ud",
    "zao",
    "zoo",
    "yk",
];

/// No real name is longer. The cost of a comparison grows with the square of the length.
const NAME_BYTES_MAX: usize = 300;

const WORDS_MAX: usize = 20;

/// Words that are less similar than this are different words, not misspellings.
const WORD_LIKENESS_MIN: f64 = 0.6;

impl Name {
    pub(crate) fn of_person(name: &str) -> Self {
        let folded = fold(name);
        Self::of_words(words(&folded).collect())
    }

    pub(crate) fn of_business(name: &str) -> Self {
        let folded = fold(name);
        let all: Words<'_> = words(&folded).collect();
        let mut text = format!(" {} ", all.join(" "));
        for phrase in LEGAL_PHRASES {
            text = text.replace(phrase, " ");
        }
        let own: Words<'_> = text
            .split_ascii_whitespace()
            .filter(|word| !LEGAL_FORMS.contains(word))
            .collect();
        if own.is_empty() {
            return Self::of_words(all); // a company with the name `Co` must keep a name
        }
        Self::of_words(own)
    }

    fn of_words(mut words: Words<'_>) -> Self {
        words.sort_unstable();
        Self {
            words: words.join(" "),
        }
    }

    /// Whether the name has no letter and no digit.
    pub(crate) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// 100 for the same words in any order. A missing or misspelt word costs as much as its share of the name's length.
    pub(crate) fn likeness(&self, other: &Self) -> u8 {
        if self.words == other.words {
            return 100;
        }
        let (one, two): (Vec<_>, Vec<_>) = (
            self.words.split(' ').collect(),
            other.words.split(' ').collect(),
        );
        let by_words = likeness_by_words(&one, &two);
        // One side may write as two words what the other writes as one: `Hari Shankar` and `Harishankar`.
        let joined = strsim::normalized_damerau_levenshtein(&one.concat(), &two.concat());
        let likeness = if joined >= 0.8 {
            joined.max(by_words)
        } else {
            by_words
        };
        // Only the same words give 100.
        percent(likeness).min(99)
    }
}

/// How similar two addresses are, word by word.
pub(crate) fn text_likeness(one: &str, other: &str) -> u8 {
    Name::of_person(one).likeness(&Name::of_person(other))
}

/// Pairs similar words and adds two shares: 60 % for how much of the better matched name is matched, and 40 % for how
/// much of both names together is.
fn likeness_by_words(one: &[&str], other: &[&str]) -> f64 {
    let mut pairs: Vec<(f64, usize, usize)> = Vec::new();
    for (i, a) in one.iter().enumerate() {
        for (j, b) in other.iter().enumerate() {
            let likeness = strsim::normalized_damerau_levenshtein(a, b);
            if likeness >= WORD_LIKENESS_MIN {
                pairs.push((likeness, i, j));
            }
        }
    }
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
    let (mut used_one, mut used_other) = (vec![false; one.len()], vec![false; other.len()]);
    let (mut covered_one, mut covered_other) = (0.0, 0.0);
    for (likeness, i, j) in pairs {
        if used_one[i] || used_other[j] {
            continue;
        }
        (used_one[i], used_other[j]) = (true, true);
        covered_one += likeness * length(one[i]);
        covered_other += likeness * length(other[j]);
    }
    let (whole_one, whole_other) = (total(one), total(other));
    if whole_one == 0.0 || whole_other == 0.0 {
        return 0.0;
    }
    let better = (covered_one / whole_one).max(covered_other / whole_other);
    let together = (covered_one + covered_other) / (whole_one + whole_other);
    0.6 * better + 0.4 * together
}

/// The name in lower-case ASCII. Initials such as `S.A.` become `sa`. Any other dot ends a word.
fn fold(name: &str) -> String {
    let mut folded = if name.is_ascii() {
        name.to_owned()
    } else {
        any_ascii::any_ascii(name)
    };
    folded.truncate(NAME_BYTES_MAX); // in ASCII every byte is a character boundary
    folded.make_ascii_lowercase();
    folded.retain(|c| !matches!(c, '\'' | '`'));
    if !folded.contains('.') {
        return folded;
    }
    let separate = |c: char| !c.is_ascii_alphanumeric() && c != '.';
    let unfold = |word: &str| {
        let is_initials = word.split('.').all(|part| part.len() <= 1);
        word.replace('.', if is_initials { "" } else { " " })
    };
    folded
        .split(separate)
        .map(unfold)
        .collect::<Vec<_>>()
        .join(" ")
}

fn words(folded: &str) -> impl Iterator<Item = &str> {
    folded
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .take(WORDS_MAX)
}

#[expect(clippy::cast_precision_loss, reason = "a word's length is small")]
fn length(word: &str) -> f64 {
    word.len() as f64
}

fn total(words: &[&str]) -> f64 {
    words.iter().map(|word| length(word)).sum()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share between 0 and 1"
)]
fn percent(share: f64) -> u8 {
    (share.clamp(0.0, 1.0) * 100.0).round() as u8
}
