//! Describes the emulated API for people and tools: lists, curl lines, OpenAPI, Postman.

mod curl;
mod listing;
mod openapi;
#[cfg(feature = "cli")]
mod postman;
mod provoking;

#[cfg(feature = "cli")]
pub(crate) use self::curl::asked_path;
pub(crate) use self::curl::{Curl, curl_start, lets_public_key_in, public_key, shell_word};
#[cfg(feature = "cli")]
pub(crate) use self::listing::{ACCOUNT_ROUTES, AccountRoute, ListedField};
pub(crate) use self::listing::{ListedEndpoint, Listing, endpoint_named};
pub(crate) use self::openapi::{About, openapi_document};
#[cfg(feature = "cli")]
pub(crate) use self::postman::{Environment, postman_collection};
pub(crate) use self::provoking::ErrorSources;
