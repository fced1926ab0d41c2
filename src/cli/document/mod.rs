//! `document`: specimen pictures of identity cards and faces.

mod canvas;
mod document;
mod drawing;
mod jpeg;
mod png;
mod specimen;

pub(crate) use self::document::{Arguments, run};
pub(crate) use self::specimen::specimen;
