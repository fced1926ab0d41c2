//! A local sandbox of the Iluma KYC API: deterministic answers, magic replies, scenario files that
//! reload while it runs.
//!
//! As a fixture it starts in a line, listens on a port of its own, and stops when it is dropped:
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! use iluma_sandbox::Sandbox;
//!
//! let sandbox = Sandbox::start().await.unwrap();
//! // Point your client at `sandbox.url()` and give it `sandbox.api_key()`.
//! assert!(sandbox.api_key().starts_with("iluma_development_"));
//! # });
//! ```
//!
//! # Map
//! A request passes [`server`](self) → `answer` → `world`, reading from the `catalogue` of its moment.
//! `ARCHITECTURE.md` walks through a request, a record that finishes later, and a reload.

// The command line reads more of the catalogue than a fixture does.
#![cfg_attr(not(feature = "cli"), allow(dead_code))]
#![forbid(unsafe_code)]

mod account;
mod answer;
mod auth;
mod banks;
mod body;
mod breaking;
mod call;
mod callback;
mod callback_options;
mod callback_urls;
mod catalogue;
mod choice;
#[cfg(feature = "cli")]
pub mod cli;
mod clock;
mod compile;
mod condition;
mod connection;
mod control;
mod courier;
mod coverage;
mod curl;
mod delay;
mod delivery;
mod dice;
mod docs_page;
mod documents;
mod dummy;
mod effect;
mod egress;
mod endpoint;
mod error;
mod excerpt;
mod explain;
mod fakes;
mod fault;
mod files;
mod fixture;
mod form;
mod formats;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod hints;
mod input;
#[cfg(feature = "inspector")]
mod inspector;
mod journal;
#[cfg(test)]
mod json_schema;
mod kept;
mod life;
mod listing;
mod live;
mod llms;
mod load_error;
mod lookup;
mod magic;
mod magic_values;
mod mask;
mod names;
mod next;
mod openapi;
mod panics;
mod plan;
mod port;
#[cfg(feature = "cli")]
mod postman;
mod query;
mod queue;
mod rate_limit;
mod reader;
mod redaction;
mod rules;
mod sample;
mod sandbox;
mod scenario;
mod schema;
mod server;
mod settings;
mod signing;
mod since;
mod snapshot;
mod spanned;
mod store;
#[cfg(test)]
mod stress;
mod strict;
mod template;
mod thumbnails;
#[cfg(feature = "tls")]
mod tls;
mod totals;
mod tree;
mod turn;
mod upload;
mod upload_fields;
mod verify;
mod watch;
mod watchlist;
mod why;
mod wire;
mod world;
mod world_faults;

pub use auth::{ApiKey, PUBLIC_KEY};
pub use callback_options::{CallbackUrl, Retries};
pub use clock::{Clock, Stamp};
pub use control::ControlToken;
pub use delivery::DeliveryState;
pub use fixture::{BlockingSandbox, Callback, ReceivedCallback, Receiver, Unfinished, World};
pub use journal::{Exchange, KeptBody};
pub use load_error::{LoadError, LoadErrors};
pub use query::{Difference, Query};
pub use sandbox::{Builder, Sandbox, StartError};
pub use verify::{Expectation, NearMiss, NotVerified, Verified, verify};
pub use watchlist::DateForm;
