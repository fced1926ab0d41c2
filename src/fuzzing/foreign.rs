//! HAR and Postman collections: what is read is replayed, and no API key is in what the replay exports.

use super::replay::check;
use super::stage::shipped;
use crate::base::PUBLIC_KEY;
use crate::cli::replay_document;

/// # Panics
/// If an error is empty, or the lines that were made of a document cannot be replayed or have the key
/// of the seeds.
pub fn foreign(data: &[u8]) {
    let catalogue = shipped();
    match replay_document(data, &catalogue) {
        Ok(replay) => {
            check(&replay);
            assert!(!replay.exported.contains(PUBLIC_KEY), "{replay:?}");
        }
        Err(sentence) => assert!(!sentence.is_empty()),
    }
}
