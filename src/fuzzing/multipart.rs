//! Uploads: a multipart body with any boundary, in one piece and in many.

use super::stage::{authorization, run, sandbox, send, shipped};

const PATH: &str = "/v0/identity/id_card_verifications";

/// Sends a multipart body. The first line is the boundary for the header, the rest is the body. The answer
/// must be the same however the body is cut into pieces.
///
/// # Panics
/// If a reply breaks a rule for every reply.
pub fn multipart(data: &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let (boundary, body) = data.split_at(end);
    let body = body.get(1..).unwrap_or_default();
    let plain = |byte: &u8| matches!(byte, b' '..=b'~');
    if !boundary.iter().all(plain) {
        return; // no header can hold it
    }
    let boundary = String::from_utf8_lossy(boundary);
    let head = |framing: String| {
        format!(
            "POST {PATH} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nauthorization: {}\r\n\
             content-type: multipart/form-data; boundary={boundary}\r\n{framing}\r\n\r\n",
            authorization()
        )
    };
    let whole = head(format!("content-length: {}", body.len()));
    let (_, in_one) = run(async { send(&sandbox(shipped()), &[whole.as_bytes(), body]).await });

    // The lengths of the pieces are such that cuts fall everywhere in the boundary.
    let mut chunked = vec![head("transfer-encoding: chunked".to_owned()).into_bytes()];
    let (mut rest, mut length) = (body, 1);
    while !rest.is_empty() {
        let (piece, behind) = rest.split_at(length.min(rest.len()));
        chunked.push([format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat());
        (rest, length) = (behind, length % 61 + 3);
    }
    chunked.push(b"0\r\n\r\n".to_vec());
    let pieces: Vec<_> = chunked.iter().map(Vec::as_slice).collect();
    let (_, in_many) = run(async { send(&sandbox(shipped()), &pieces).await });
    assert_eq!(in_one.len(), 1, "one request, one reply");
    assert_eq!(in_one, in_many);
}
