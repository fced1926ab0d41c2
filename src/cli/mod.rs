//! The command line.

mod answering;
mod audit;
mod ca;
mod check;
mod client;
#[cfg(feature = "cli")]
mod commands;
mod completions;
mod coverage;
mod document;
mod env;
mod explain;
mod files;
mod init;
mod list;
mod log;
mod man;
mod openapi;
mod os;
mod output;
mod parent;
mod ready_file;
mod readyz;
mod room;
mod schema;
mod serve;
mod target;
mod tls;
mod trigger;
mod trust_help;
mod try_out;

#[cfg(feature = "cli")]
pub use self::commands::{command, run};
