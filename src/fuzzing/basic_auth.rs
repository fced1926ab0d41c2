//! `authorization`: what is let in is let in again, and what is refused is not repeated.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, HeaderValue};

use crate::base::ApiKey;
use crate::http::{ApiError, authenticate};

/// As many sentences as there are ways to get it wrong. With what came in one of them there would be more.
const SENTENCES: usize = 10;

static SENTENCES_SEEN: Mutex<Option<HashSet<String>>> = Mutex::new(None);

/// # Panics
/// Where a key that was let in is not let in as `curl` would send it, or an error holds what came.
pub fn basic_auth(data: &[u8]) {
    match read(data) {
        None => {} // no header can say it
        Some(Ok(key)) => {
            let key = key.reveal();
            let sent = format!("Basic {}", STANDARD.encode(format!("{key}:")));
            let again = read(sent.as_bytes()).expect("it is text");
            assert_eq!(again.expect("it was let in").reveal(), key);
        }
        Some(Err(error)) => {
            let message = error.message.expect("a refusal has words");
            let mut seen = SENTENCES_SEEN
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
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
