//! `iluma-sandbox export`, and what `exec` exports: the run as lines, and as a page.

mod export;
mod exported_run;
mod page;

pub(super) use self::export::{Arguments, run};
pub(super) use self::exported_run::{ExportedRun, FailOn, WARNED, WorldsExported, cannot_export};
