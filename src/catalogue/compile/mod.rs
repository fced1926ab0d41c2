//! From scenario files, laid over each other, to an endpoint. Every mistake is reported at its place.

mod compiler;
mod creation;
mod faults;
mod head;
mod inherited_callbacks;
mod lookups;
mod never;
mod outcomes;
mod overlaps;
mod pending_first;
mod records;
mod route;
mod schema_check;
mod shared_errors;
mod stack;
mod turns;

pub(crate) use self::compiler::compile_endpoint;
#[cfg(test)]
pub(crate) use self::head::FRAMING;
#[cfg(test)]
pub(crate) use self::schema_check::{OF_LIST, OF_SCHEMA, OF_TABLE, PLAIN};
pub(crate) use self::shared_errors::compile_shared_errors;
pub(crate) use self::stack::{Proof, Stack};
#[cfg(test)]
pub(crate) use self::turns::{CHANGES_MAX, WEIGHT_MAX};
