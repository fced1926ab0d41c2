//! `document`: specimen pictures of id cards.

mod canvas;
mod document;
mod drawing;
mod png;

pub(crate) use self::document::{Arguments, run};
