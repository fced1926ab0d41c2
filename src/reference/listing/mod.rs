//! The catalogue as a list: in JSON, text and Markdown.

mod fields;
mod listing;
mod markdown;
mod text;

#[cfg(feature = "cli")]
pub(crate) use self::fields::ListedField;
pub(crate) use self::listing::{
    ACCOUNT_ROUTES, AccountRoute, ListedEndpoint, ListedOutcome, Listing, endpoint_named,
};
