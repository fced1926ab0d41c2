//! Learns from observed replies: writes outcomes that the scenario files do not have.

mod file;
mod holes;
mod learn;
mod likeness;
mod lines;
mod observed;
mod outcome_name;
mod outcome_text;
mod report;
mod vocabulary;

pub(super) use self::lines::learn_lines;
pub(super) use self::report::Report;
