//! `document`: specimen pictures of identity cards and faces.

mod canvas;
mod document;
mod drawing;
mod png;

pub(crate) use self::document::{Arguments, run};
