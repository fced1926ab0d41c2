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
pub(super) use self::read::{Unread, read};
pub(super) use self::reply_ids::ReplyIds;
