//! Learns from observed replies: writes outcomes that the scenario files do not have.

mod file;
#[cfg(any(test, fuzzing))]
mod fuzzed;
mod holes;
mod learn;
mod likeness;
mod lines;
mod observed;
mod outcome_name;
mod outcome_text;
mod report;
mod stand_in;
mod vocabulary;

#[cfg(any(test, fuzzing))]
pub(crate) use self::fuzzed::learn_again;
pub(super) use self::lines::learn_lines;
pub(super) use self::report::Report;
