//! A local sandbox of the Iluma KYC API: deterministic answers, magic replies, scenario files that
//! reload while it runs.
//!
//! As a fixture it starts in one line of code, listens on a port of its own, and stops when it is dropped:
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

// The command line uses more of every module than a fixture does.
#![cfg_attr(not(feature = "cli"), allow(dead_code, unused_imports))]
#![forbid(unsafe_code)]

mod answer;
mod base;
mod callbacks;
mod catalogue;
#[cfg(feature = "cli")]
pub mod cli;
mod control;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod http;
mod reference;
mod sandbox;
mod scenario;
mod server;
mod world;

pub use base::{ApiKey, Clock, Memory, PUBLIC_KEY, Stamp};
pub use callbacks::{CallbackUrl, Retries};
pub use http::ControlToken;
pub use sandbox::{
    BlockingSandbox, Builder, Callback, ReceivedCallback, Receiver, Sandbox, StartError,
    Unfinished, World,
};
pub use scenario::{DateForm, LoadError, LoadErrors};
pub use world::{
    DeliveryState, Difference, Exchange, Expectation, KeptBody, NearMiss, NotVerified, Query,
    Verified, verify,
};
