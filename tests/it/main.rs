//! The tests: through the front door, over real sockets.

#![allow(unreachable_pub, reason = "nothing is outside of a test binary")]

mod addresses;
mod architecture;
#[cfg(target_os = "linux")]
mod asynchronous;
mod attacked;
#[cfg(target_os = "linux")]
mod attacks;
#[cfg(unix)]
mod audit;
mod audit_signing;
mod authentication;
mod bank_products;
#[cfg(target_os = "linux")]
mod bombs;
mod book;
mod callback_control;
mod callback_order;
mod callback_urls;
mod callbacks;
mod catalog;
mod choosing;
mod client;
mod client_versions;
#[cfg(unix)]
mod command_line;
mod connecting;
mod contact;
#[cfg(unix)]
mod control_commands;
mod control_openapi;
mod coverage;
mod dependencies;
mod docs;
#[cfg(target_os = "linux")]
mod doctor;
mod document;
mod documentation;
mod documented_limits;
#[cfg(unix)]
mod documented_log;
mod dummy_values;
mod embedded_book;
#[cfg(target_os = "linux")]
mod endings;
mod every_outcome;
mod examples;
#[cfg(target_os = "linux")]
mod exec;
mod explain;
mod export;
mod faults;
mod fixture;
mod flags;
#[cfg(target_os = "linux")]
mod folders;
mod forms;
mod guard;
#[cfg(unix)]
mod har;
mod help;
mod http2;
mod https_callbacks;
mod id_cards;
mod ignored_errors;
mod inboxes;
mod inherited_callbacks;
mod inspector;
mod json_mistakes;
mod large_replies;
#[cfg(unix)]
mod learn;
mod limits;
mod listings_without_id;
mod llms;
#[cfg(unix)]
mod logging;
mod look_alikes;
#[cfg(unix)]
mod loopbacks;
mod many_mistakes;
mod masking;
mod memory;
mod metrics;
mod mistakes;
mod model;
mod model_based;
mod multipart;
mod near_misses;
mod numbers;
mod openapi;
mod overlaps;
mod own_products;
#[cfg(unix)]
mod panics;
mod patience;
mod postman;
mod privacy;
mod process;
#[cfg(target_os = "linux")]
mod progress;
mod promises;
mod raw;
mod reading;
#[cfg(unix)]
mod readme;
mod ready_made;
mod receiver;
#[cfg(target_os = "linux")]
mod record;
mod reload;
#[cfg(target_os = "linux")]
mod replay;
mod replay_against;
mod requests;
#[cfg(unix)]
mod sandbox_url;
mod scenario_schema;
mod scenarios;
mod screening;
mod secure;
mod security;
mod shape;
mod shell;
#[cfg(unix)]
mod small_commands;
mod snapshot;
mod stage;
mod stale;
mod stand_in;
mod state;
#[cfg(unix)]
mod state_process;
mod stopping;
mod stress;
mod strict;
mod suggestions;
mod summary;
mod syntax;
mod terminal;
mod testcontainers;
mod thin_products;
mod tls;
#[cfg(unix)]
mod tls_files;
mod traces;
mod transport;
#[cfg(unix)]
mod trigger;
mod try_out;
mod unreadable;
mod unused;
mod uploads;
#[cfg(target_os = "linux")]
mod variables;
mod verify;
mod waits;
mod warnings;
mod web_pages;
mod world_faults;
mod worlds;
#[cfg(target_os = "linux")]
mod written_files;
