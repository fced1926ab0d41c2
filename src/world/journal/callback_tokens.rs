//! The callback tokens of all worlds, so that a mask finds each of them, and the beginning of each, in a text.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Included, Unbounded};
use std::ops::Range;
use std::sync::{Arc, LazyLock, RwLock};

use regex::Regex;

use crate::base::{read_lock, write_lock};

/// A text that was cut may end in the beginning of a token. A shorter beginning is not recognised: it could be a part of
/// any number.
const BEGINNING_CHARS_MIN: usize = 8;

static DIGITS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new("[0-9a-f]{8,}").expect("the pattern is sound"));

/// Shared by all worlds, which add their own tokens, and remove them when they are dropped. A world that was ended may
/// be dropped after a new one has the same token, so the worlds of a token are counted.
#[derive(Debug, Default)]
pub(crate) struct CallbackTokens(RwLock<BTreeMap<Arc<str>, usize>>);

impl CallbackTokens {
    pub(crate) fn add(&self, token: &str) {
        *write_lock(&self.0).entry(token.into()).or_default() += 1;
    }

    pub(crate) fn remove(&self, token: &str) {
        let mut tokens = write_lock(&self.0);
        if let Some(worlds) = tokens.get_mut(token) {
            *worlds -= 1;
            if *worlds == 0 {
                tokens.remove(token);
            }
        }
    }

    /// Where a token stands in a text, or the beginning of one.
    pub(crate) fn find_in(&self, text: &str) -> Vec<Range<usize>> {
        let tokens = read_lock(&self.0);
        let mut found = Vec::new();
        if tokens.is_empty() {
            return found;
        }
        for digits in DIGITS.find_iter(text) {
            let mut at = digits.start();
            while digits.end() - at >= BEGINNING_CHARS_MIN {
                match shared_chars(&tokens, &text[at..digits.end()]) {
                    shared if shared >= BEGINNING_CHARS_MIN => {
                        found.push(at..at + shared);
                        at += shared;
                    }
                    _ => at += 1,
                }
            }
        }
        found
    }
}

/// How many characters the beginning of a text shares with the token that shares the most.
fn shared_chars(tokens: &BTreeMap<Arc<str>, usize>, text: &str) -> usize {
    let before = tokens
        .range::<str, _>((Unbounded, Excluded(text)))
        .next_back();
    let from = tokens.range::<str, _>((Included(text), Unbounded)).next();
    let shared = |(token, _): (&Arc<str>, &usize)| {
        let pairs = token.bytes().zip(text.bytes());
        pairs.take_while(|(one, other)| one == other).count()
    };
    [before, from]
        .into_iter()
        .flatten()
        .map(shared)
        .max()
        .unwrap_or(0)
}
