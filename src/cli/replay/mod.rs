//! `iluma-sandbox replay`.

mod against;
mod comparison;
#[cfg(test)]
mod damaged;
mod difference;
mod export_lines;
mod foreign;
#[cfg(any(test, fuzzing))]
mod fuzzed;
mod learning;
mod only;
mod recording;
mod replay;
mod report;
mod request;
mod run;

#[cfg(any(test, fuzzing))]
pub(crate) use self::fuzzed::{Replayed, replay_document, replay_export};
pub(super) use self::replay::{Arguments, run};
