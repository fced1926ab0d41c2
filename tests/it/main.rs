//! The tests: through the front door, over real sockets.

#![allow(unreachable_pub, reason = "nothing is outside of a test binary")]

#[cfg(unix)]
mod audit;
mod authentication;
mod bank_products;
mod callback_control;
mod callbacks;
mod catalog;
mod choosing;
mod client;
#[cfg(unix)]
mod command_line;
mod control_openapi;
mod coverage;
mod docs;
mod document;
mod documentation;
mod every_outcome;
mod explain;
mod export;
mod faults;
mod fixture;
mod forms;
mod guard;
mod id_cards;
mod inspector;
mod limits;
mod llms;
mod metrics;
mod mistakes;
mod openapi;
mod overlaps;
mod own_products;
mod postman;
mod process;
mod promises;
mod raw;
mod readme;
mod receiver;
mod reload;
mod requests;
mod scenario_schema;
mod scenarios;
mod screening;
mod shape;
mod shell;
#[cfg(unix)]
mod small_commands;
mod snapshot;
mod stage;
mod strict;
mod thin_products;
mod transport;
#[cfg(unix)]
mod trigger;
mod try_out;
mod uploads;
mod verify;
mod warnings;
mod world_faults;
mod worlds;
