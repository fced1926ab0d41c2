//! What the process does when nobody asks for anything.

use std::time::Duration;

use iluma_sandbox_give_back::{give_back, keep_at_most};
use tokio::time::sleep;

use crate::sandbox::Shared;

/// What the allocator may keep at the end of an arena; there is one for each thread.
const KEPT_BYTES: i32 = 128 << 10;
/// How long no connection has to have ended.
const QUIET: Duration = Duration::from_secs(1);
/// How often that is waited for where they never cease to.
const WAITS_MAX: usize = 10;

/// Gives memory back to the system after connections have ended. The allocator keeps what it ever needed otherwise.
pub(super) async fn keep_house(sandbox: &Shared) {
    keep_at_most(KEPT_BYTES);
    loop {
        sandbox.connection_ended.notified().await;
        for _ in 0..WAITS_MAX {
            sleep(QUIET).await;
            let is_quiet = tokio::select! {
                biased;
                () = sandbox.connection_ended.notified() => false,
                () = std::future::ready(()) => true,
            };
            if is_quiet {
                break;
            }
        }
        give_back();
    }
}
