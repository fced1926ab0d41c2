//! `iluma-sandbox replay`.

mod against;
mod comparison;
#[cfg(test)]
mod damaged;
mod difference;
mod export_lines;
mod foreign;
mod learning;
mod only;
mod recording;
mod replay;
mod report;
mod request;
mod run;

pub(super) use self::replay::{Arguments, run};
