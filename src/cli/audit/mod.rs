//! `audit`: a battery of callbacks against a user's receiver.

mod audit;
mod battery;
mod body;
mod message;
mod report;
mod signing;
mod steps;

pub(crate) use self::audit::{Arguments, run};
