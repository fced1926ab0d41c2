//! Large uploads: the sandbox, which reads, hashes and checks them, against a bare server that only reads them.

use crate::common::load::{AUTHORIZATION, Amount, Connection, Request};
use crate::common::pinned::{Server, Subject};
use crate::common::rounds::{
    CPU, Plan, Round, in_turns, load_of, print_head, print_rounds, print_row,
};
use crate::common::{Explain, Outcome};

const PICTURE_BYTES: usize = 480_000;

/// The load generator writes one upload at a time, so more connections would only wait for each other.
const CONNECTIONS: usize = 4;

pub fn measure(plan: Plan) -> Outcome<()> {
    eprintln!("uploads");
    let sandbox = Server::start(&Subject::sandbox())?;
    let (head, body) = Connection::exchange(sandbox.port(), upload().next())
        .explain("cannot try the upload on the sandbox")?;
    let headers = head.trim_end().split("\r\n").skip(1);
    let bare = Server::start(&Subject::bare(headers, body.len())?)?;
    let amount = Amount {
        connections: CONNECTIONS,
        ..Amount::during(plan.round_length)
    };
    let sides = &mut [
        load_of(&bare, upload(), amount),
        load_of(&sandbox, upload(), amount),
    ];
    let rounds = in_turns(plan, sides)?;
    let megabytes = upload().next().len() as f64 / 1e6;
    let rate = |rounds: &Vec<Round>| {
        let rounds = rounds.iter();
        rounds
            .map(|round| round.requests_per_second * megabytes)
            .collect()
    };
    let rates: Vec<Vec<f64>> = rounds.iter().map(rate).collect();
    print_head(
        &format!("medians, uploads of {PICTURE_BYTES} bytes"),
        &["bare, same headers", "sandbox"],
    );
    print_row("MB per second", 0, &rates);
    print_rounds(&rounds, &[CPU]);
    Ok(())
}

/// The form of an identity card with a selfie.
fn upload() -> Request {
    const BOUNDARY: &str = "----WebKitFormBoundary7MA4YWxkTrZu0gW7";
    let mut form = Vec::new();
    for (name, value) in [
        ("name", "penito kristian"),
        ("id_card_number", "3275031210930027"),
    ] {
        let part = format!(
            "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        );
        form.extend(part.as_bytes());
    }
    let head = format!(
        "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"selfie\"; filename=\"selfie.png\"\r\n\
         content-type: image/png\r\n\r\n"
    );
    form.extend(head.as_bytes());
    form.extend(picture());
    form.extend(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    let headers = format!("content-type: multipart/form-data; boundary={BOUNDARY}\r\n");
    let path = "POST /v0/identity/id_card_verifications";
    Request::new(path, AUTHORIZATION, &headers, &form)
}

/// The head of a PNG of 600 x 600 pixels, and bytes that look random, as those of a picture do.
fn picture() -> Vec<u8> {
    let mut picture = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    picture.extend(600_u32.to_be_bytes());
    picture.extend(600_u32.to_be_bytes());
    picture.extend([8, 2, 0, 0, 0]);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    while picture.len() < PICTURE_BYTES {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        picture.extend(state.to_be_bytes());
    }
    picture.truncate(PICTURE_BYTES);
    picture
}
