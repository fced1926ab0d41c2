//! `doctor`: checks of this machine, of a running sandbox and of its receivers.

mod clients;
mod doctor;
mod finding;
mod listener;
mod network;
mod port;
mod receivers;

pub(crate) use self::doctor::{Arguments, run};
