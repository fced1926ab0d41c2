//! `iluma-sandbox replay`.

mod against;
mod comparison;
mod difference;
mod format;
mod recording;
mod replay;
mod report;
mod request;
mod run;
mod xml;

pub(super) use self::replay::{Arguments, run};
