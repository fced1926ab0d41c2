//! The JSON Schemas of scenario files, with which editors complete and check them. They are made of the
//! types that read the files; `make bless` writes them anew.
//!
//! Draft 7, although requests are written in 2020-12: it is the newest draft that all TOML editors know.
//! Only the tests make them, so that neither the binary nor the library pays for it; `iluma-sandbox schema`
//! prints the files that lie in the binary among the scenarios.

mod committed;
mod document;
mod generate;
mod refine;
mod request;
mod settings;
mod texts;
mod trees;
