//! `audit`: a battery of requests against a running service.

mod audit;
mod battery;

pub(crate) use self::audit::{Arguments, run};
