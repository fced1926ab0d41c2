//! Callback URLs for worlds that have not registered their own.

use crate::base::ReceiverUrl;
use crate::catalogue::{Catalogue, callback_types};
use crate::scenario::Settings;

/// The URLs of flags and the builder, by type. Folders may have more.
#[derive(Debug)]
pub(crate) struct DefaultUrls(pub Vec<(String, ReceiverUrl)>);

/// A callback type that no product has, and the known types.
#[derive(Debug)]
pub(crate) struct UnknownType {
    pub unknown: String,
    pub known: Vec<String>,
}

impl DefaultUrls {
    /// The last URL for the type: a flag's, else a folder's.
    pub(crate) fn of(&self, settings: &Settings, callback_type: &str) -> Option<ReceiverUrl> {
        let by_flag = self.0.iter().rev();
        let by_folder = settings.callback_urls.iter().rev();
        let default = by_flag
            .chain(by_folder)
            .find(|(name, _)| name == callback_type);
        default.map(|(_, url)| url.clone())
    }

    /// The types that have one, some of them twice.
    #[cfg(feature = "cli")]
    pub(crate) fn types<'a>(&'a self, settings: &'a Settings) -> impl Iterator<Item = &'a str> {
        let all = self.0.iter().chain(&settings.callback_urls);
        all.map(|(callback_type, _)| callback_type.as_str())
    }

    /// Refuses a URL for an unknown type, because it would never be called.
    pub(crate) fn check(&self, catalogue: &Catalogue) -> Result<(), UnknownType> {
        let mut types = self
            .0
            .iter()
            .chain(&catalogue.settings.callback_urls)
            .peekable();
        if types.peek().is_none() {
            return Ok(());
        }
        let known = callback_types(catalogue);
        match types.find(|(name, _)| !known.contains(&name.as_str())) {
            None => Ok(()),
            Some((unknown, _)) => Err(UnknownType {
                unknown: unknown.clone(),
                known: known.into_iter().map(str::to_owned).collect(),
            }),
        }
    }
}
