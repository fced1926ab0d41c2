//! `GET /__sandbox/coverage`: what a run has exercised.

mod counted;
mod coverage;
mod ignored;
mod junit;
mod measure;
mod report;

pub(super) use self::coverage::answer;
pub(crate) use self::junit::GateCheck;
pub(crate) use self::report::Coverage;
