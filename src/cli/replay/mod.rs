//! `iluma-sandbox replay`.

mod against;
mod comparison;
#[cfg(test)]
mod damaged;
mod difference;
mod foreign;
mod learning;
mod recording;
mod replay;
mod report;
mod request;
mod run;

pub(super) use self::replay::{Arguments, run};
