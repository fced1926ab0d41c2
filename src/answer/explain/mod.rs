//! Why a reply is as it is, worked out from what was kept with its exchange.

mod because;
mod explain;
mod later;
mod rules;
mod words;

pub(crate) use self::explain::{Found, explain, find_exchange};
