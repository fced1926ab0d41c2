//! The pages for people and agents: inspector, documents, llms.txt.

#[cfg(feature = "inspector")]
mod book;
mod docs_page;
mod document;
mod documents;
mod exported_inspector;
#[cfg(feature = "inspector")]
mod inspector;
mod llms;

pub(crate) use self::documents::answer_document;
pub(crate) use self::exported_inspector::exported_inspector;
#[cfg(feature = "inspector")]
pub(crate) use self::inspector::file;
