//! The pages for people and agents: inspector, documents, llms.txt.

#[cfg(feature = "inspector")]
mod book;
mod docs_page;
mod document;
mod documents;
#[cfg(feature = "inspector")]
mod exported_inspector;
#[cfg(feature = "inspector")]
mod inspector;
mod llms;

pub(crate) use self::documents::answer_document;
#[cfg(feature = "inspector")]
pub(crate) use self::exported_inspector::exported_inspector;
#[cfg(feature = "inspector")]
pub(crate) use self::inspector::file;

/// The inspector is not in this build.
#[cfg(not(feature = "inspector"))]
pub(crate) fn exported_inspector(_: &str) -> Option<String> {
    None
}
