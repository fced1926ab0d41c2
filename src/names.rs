//! How alike two names are, from 0 to 100, as somebody who screens customers would say.

/// A name ready to be compared: folded to ASCII and lower case, in words, without legal forms.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Name {
    words: Vec<String>,
}

/// Forms of several words, of which each alone may be part of a name.
const LEGAL_PHRASES: [&str; 3] = [" sa de cv ", " cong ty tnhh ", " cong ty co phan "];

/// What a company's name says of its form and not of itself.
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

/// Nobody's name is longer; comparing costs the square of it.
const NAME_BYTES_MAX: usize = 300;
const WORDS_MAX: usize = 20;

/// Words less alike than this are different words, not misspellings.
const WORD_LIKENESS_MIN: f64 = 0.6;

impl Name {
    pub(crate) fn of_person(name: &str) -> Self {
        let mut words = words(name);
        words.sort_unstable();
        Self { words }
    }

    pub(crate) fn of_business(name: &str) -> Self {
        let all = words(name);
        let mut text = format!(" {} ", all.join(" "));
        for phrase in LEGAL_PHRASES {
            text = text.replace(phrase, " ");
        }
        let mut words: Vec<_> = text
            .split_ascii_whitespace()
            .filter(|word| !LEGAL_FORMS.contains(word))
            .map(str::to_owned)
            .collect();
        if words.is_empty() {
            words = all; // a company called `Co` is still called something
        }
        words.sort_unstable();
        Self { words }
    }

    /// 100 for the same words in any order; a missing or misspelt word costs by its share of the name.
    pub(crate) fn likeness(&self, other: &Self) -> u8 {
        if self.words == other.words {
            return 100;
        }
        let by_words = likeness_by_words(&self.words, &other.words);
        // Words that one side writes apart: `Hari Shankar` and `Harishankar`.
        let joined =
            strsim::normalized_damerau_levenshtein(&self.words.concat(), &other.words.concat());
        let likeness = if joined >= 0.8 {
            joined.max(by_words)
        } else {
            by_words
        };
        // Only the same words are a 100.
        percent(likeness).min(99)
    }
}

/// How alike two texts are, word by word: for addresses.
pub(crate) fn text_likeness(one: &str, other: &str) -> u8 {
    Name::of_person(one).likeness(&Name::of_person(other))
}

/// Two shares: how much of the better covered name is covered, and how much of both together.
fn likeness_by_words(one: &[String], other: &[String]) -> f64 {
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
        covered_one += likeness * length(&one[i]);
        covered_other += likeness * length(&other[j]);
    }
    let (whole_one, whole_other) = (total(one), total(other));
    if whole_one == 0.0 || whole_other == 0.0 {
        return 0.0;
    }
    let better = (covered_one / whole_one).max(covered_other / whole_other);
    let together = (covered_one + covered_other) / (whole_one + whole_other);
    0.6 * better + 0.4 * together
}

fn words(name: &str) -> Vec<String> {
    let mut folded = if name.is_ascii() {
        name.to_owned()
    } else {
        any_ascii::any_ascii(name)
    };
    folded.truncate(NAME_BYTES_MAX); // it is ASCII now: any byte is a boundary
    folded.make_ascii_lowercase();
    folded.retain(|c| !matches!(c, '\'' | '`'));
    folded
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '.')
        .flat_map(dotted)
        .take(WORDS_MAX)
        .collect()
}

/// `S.A.` is one word, `R.Prabawa` is two.
fn dotted(text: &str) -> Vec<String> {
    let parts = || text.split('.').filter(|part| !part.is_empty());
    if parts().all(|part| part.len() == 1) {
        let word: String = parts().collect();
        return if word.is_empty() {
            Vec::new()
        } else {
            vec![word]
        };
    }
    parts().map(str::to_owned).collect()
}

#[expect(clippy::cast_precision_loss, reason = "a word's length is small")]
fn length(word: &str) -> f64 {
    word.len() as f64
}

fn total(words: &[String]) -> f64 {
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
