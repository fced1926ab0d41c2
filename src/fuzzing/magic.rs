//! `x-magic-reply`: a value means the same when it is written in other ways.

use hyper::HeaderMap;
use hyper::header::HeaderValue;

use super::stage::shipped;
use crate::answer::{self, Magic};
use crate::catalogue::Endpoint;
use crate::http;

const ENDPOINTS: [&str; 3] = [
    "v0/individual_cft_peps",
    "v0/id_card_verifications",
    "v1.1/bank_account_data_requests",
];

/// # Panics
/// If the same value means something else in another spelling, or a refusal has no message.
pub fn magic(data: &[u8]) {
    let catalogue = shipped();
    for id in ENDPOINTS {
        let endpoint = catalogue.endpoint(id).expect("a shipped endpoint");
        for only_errors in [false, true] {
            held(data, endpoint, only_errors);
        }
    }
}

fn held(data: &[u8], endpoint: &Endpoint, only_errors: bool) {
    let Some(read) = read(data, endpoint, only_errors) else {
        return; // no header can hold it
    };
    let magic = match read {
        Ok(magic) => magic,
        Err(message) => {
            assert!(
                !message.is_empty() && !message.contains(char::is_control),
                "{message:?}"
            );
            assert!(message.len() < 8 << 10, "{message}");
            return;
        }
    };
    let name = magic.outcome.map_or("", |outcome| &outcome.name);
    let mut said = vec![name.to_owned()];
    said.extend(magic.faults.delay.map(|delay| format!("delay={delay}")));
    said.extend(magic.faults.fault.map(|fault| format!("fault={fault}")));
    said.extend(
        magic
            .callback
            .map(|callback| format!("callback={}", callback.words())),
    );
    for written in [
        said.join("; "),
        said.join(";"),
        format!(" {} ;; ", said.join(" ;\t")),
        said.join("; ").replace(name, &name.to_lowercase()),
    ] {
        let again = self::read(written.as_bytes(), endpoint, only_errors);
        let again = again.expect("plain text").unwrap_or_else(|message| {
            panic!("`{written}` is refused: {message}");
        });
        let name_again = again.outcome.map_or("", |outcome| &outcome.name);
        assert_eq!(name_again, name, "{written}");
        assert_eq!(again.faults.delay, magic.faults.delay, "{written}");
        assert_eq!(again.faults.fault, magic.faults.fault, "{written}");
        assert_eq!(again.callback, magic.callback, "{written}");
    }
}

fn read<'e>(
    data: &[u8],
    endpoint: &'e Endpoint,
    only_errors: bool,
) -> Option<Result<Magic<'e>, String>> {
    let mut headers = HeaderMap::new();
    headers.insert(http::MAGIC_HEADER, HeaderValue::from_bytes(data).ok()?);
    let read = answer::read_magic(&headers, endpoint, only_errors);
    Some(read.map_err(|error| error.message.expect("a refusal has words")))
}
