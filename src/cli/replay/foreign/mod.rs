//! Recordings of other tools: HAR 1.2 of a browser or a proxy, and Postman collections with saved replies.

mod entry;
mod har;
mod json_path;
mod lines;
mod masked;
mod postman;
mod read;
mod reply_ids;
mod sent_body;

pub(super) use self::masked::comparable;
pub(super) use self::read::{ForeignFile, Unread, read};
#[cfg(any(test, fuzzing))]
pub(super) use self::read::{document, of_document};
pub(super) use self::reply_ids::ReplyIds;
