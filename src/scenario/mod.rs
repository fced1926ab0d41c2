//! Finds and parses scenario files, and reports every mistake at its place.

mod banks;
mod countries;
mod encoding;
mod files;
mod folder;
mod format;
mod format_changes;
mod format_dummy;
mod format_faults;
mod formats;
mod mistake;
mod mistakes_listed;
mod reader;
mod settings;
mod source;
mod source_file;
mod syntax;
mod tree;

pub(crate) use self::banks::{BankList, is_bank_code, without_country};
pub(crate) use self::files::read_texts;
pub(crate) use self::files::{
    Layers, fingerprint, json_schema, let_requests_go_first, no_pause, prove_shipped, read_files,
};
#[cfg(test)]
pub(crate) use self::format::{CallbackPart, KeepPart, ReplyPart};
pub(crate) use self::format::{ErrorPart, OutcomePart, RecordPart, ScenarioFile};
pub(crate) use self::format_changes::{CallbackRule, PendingRule};
#[cfg(test)]
pub(crate) use self::format_changes::{ThenPart, ThenRule};
#[cfg(test)]
pub(crate) use self::format_dummy::MissingPart;
pub(crate) use self::format_dummy::{
    AccountFinding, BankAccountPart, EntityPart, ListingId, ListingPart, PersonPart, Scope,
};
pub(crate) use self::format_faults::{DelayPart, FaultPart, KindPart, RateLimitPart};
pub(crate) use self::formats::{FORMATS, is_base64, is_calendar_date};
pub use self::mistake::{LoadError, LoadErrors};
pub(crate) use self::mistakes_listed::{exceeds_list, listed_mistakes};
#[cfg(any(test, fuzzing))]
pub(crate) use self::reader::Reader;
pub use self::settings::DateForm;
pub(crate) use self::settings::Settings;
pub(crate) use self::source::Source;
pub(crate) use self::source_file::{Origin, SourceFile};
pub(crate) use self::tree::{Spanned, Tree};
