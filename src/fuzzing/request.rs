//! The bytes of a socket: heads, bodies, pipelines and garbage.

use super::stage::{ReceivedReply, run, sandbox, send, shipped};

/// Sends the bytes as they are to two sandboxes. Both must answer the same.
///
/// # Panics
/// If a reply breaks a rule for every reply.
pub fn request(data: &[u8]) {
    let answers = || run(async { send(&sandbox(shipped()), &[data]).await });
    let (received_at, heard) = answers();
    let (again, heard_again) = answers();
    if heard.iter().all(ReceivedReply::is_repeatable) {
        assert_eq!(received_at, again, "the same bytes have the same answer");
        assert_eq!(heard, heard_again);
    }
}
