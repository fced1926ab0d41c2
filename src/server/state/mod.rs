//! The state file: worlds that outlive the process.

mod format;
mod keeper;
mod load;
mod place;
mod state_file;
mod write;

pub(crate) use self::keeper::StateKeeper;
#[cfg(any(test, fuzzing))]
pub(crate) use self::load::load_lines;
pub(crate) use self::state_file::StateFile;
