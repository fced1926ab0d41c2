//! `authorization`: a key that is let in is let in again, and an error does not repeat what came.

use std::collections::HashSet;
use std::sync::Mutex;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, HeaderValue};

use crate::base::{ApiKey, lock};
use crate::http::{ApiError, authenticate};

/// How many sentences there are, one for each mistake. If a sentence repeated what came, there would be more.
const SENTENCES: usize = 10;

static SENTENCES_SEEN: Mutex<Option<HashSet<String>>> = Mutex::new(None);

/// # Panics
/// If a key that was let in is not let in as `curl` would send it, or an error holds what came.
pub fn basic_auth(data: &[u8]) {
    match read(data) {
        None => {} // no header can hold it
        Some(Ok(key)) => {
            let key = key.reveal();
            let sent = format!("Basic {}", STANDARD.encode(format!("{key}:")));
            let again = read(sent.as_bytes()).expect("it is text");
            assert_eq!(again.expect("it was let in").reveal(), key);
        }
        Some(Err(error)) => {
            let message = error.message.expect("a refusal has words");
            let mut seen = lock(&SENTENCES_SEEN);
            let seen = seen.get_or_insert_default();
            seen.insert(message);
            assert!(seen.len() <= SENTENCES, "{seen:?}");
        }
    }
}

fn read(header: &[u8]) -> Option<Result<ApiKey, ApiError>> {
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, HeaderValue::from_bytes(header).ok()?);
    Some(authenticate(&headers))
}
