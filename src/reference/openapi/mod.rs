//! The OpenAPI document of the emulated API.

mod about;
mod account;
mod callbacks;
mod document;
mod examples;
mod names;
mod operations;
mod replies;
mod requests;
mod yields;

pub(crate) use self::about::About;
pub(crate) use self::document::openapi_document;
