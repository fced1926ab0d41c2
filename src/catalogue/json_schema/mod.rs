//! The JSON Schemas of scenario files, made of the types that read them; only in tests.

mod document;
#[cfg(test)]
mod generate;
mod refine;
mod request;
mod settings;
mod texts;
mod trees;
