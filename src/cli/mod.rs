//! The command line.

mod after_run;
mod answering;
mod audit;
mod bind;
mod ca;
mod callback_notes;
mod check;
mod client;
#[cfg(feature = "cli")]
mod commands;
mod completions;
mod control;
mod coverage;
mod descendants;
mod doctor;
mod document;
mod env;
mod exec;
mod explain;
mod export;
mod files;
mod given;
mod help;
mod init;
mod learn;
mod list;
mod log;
mod man;
mod no_proxy;
mod openapi;
mod os;
mod output;
mod parent;
mod port_holder;
mod process;
mod progress;
mod ready_file;
mod ready_message;
mod readyz;
mod replay;
mod room;
mod schema;
mod secret;
mod sending;
mod serve;
mod start_error;
mod start_table;
mod target;
mod tls;
mod trigger;
mod trust_help;
mod try_out;
mod variables;

#[cfg(feature = "cli")]
pub use self::commands::{command, run};
#[cfg(all(any(test, fuzzing), feature = "cli"))]
pub(crate) use self::learn::learn_again;
#[cfg(all(any(test, fuzzing), feature = "cli"))]
pub(crate) use self::replay::{Replayed, replay_document, replay_export};
