//! `audit`: a battery of callbacks against a user's receiver.

mod audit;
mod battery;

pub(crate) use self::audit::{Arguments, run};
