//! `iluma-sandbox coverage`, and the gate that `exec` has too.

mod coverage;
mod gate;
mod saved;

pub(super) use self::coverage::{Arguments, run};
pub(super) use self::gate::{Counted, CoverageGate, GateFlags, NoReport, OnlyKinds};
pub(super) use self::saved::SavedCoverage;
