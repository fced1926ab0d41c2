//! The JSON Schemas of scenario files. Editors complete and check files with them. They are made from the types that
//! read the files, and `make bless` writes them again.
//!
//! They use Draft 7, although requests use 2020-12, because it is the newest draft that all TOML editors know. Only the
//! tests make them, so they cost the binary and the library nothing. `iluma-sandbox schema` prints the files, which are
//! in the binary beside the scenarios.

mod committed;
mod document;
mod generate;
mod refine;
mod request;
mod settings;
mod texts;
mod trees;
