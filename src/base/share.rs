//! A share of what all requests together may hold.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Grows a share to so many permits of the whole; it never shrinks. False, and as it was, where too few are left.
pub(crate) fn grow_share(
    share: &mut Option<OwnedSemaphorePermit>,
    whole: &Arc<Semaphore>,
    permits: usize,
) -> bool {
    let held = share.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
    if permits <= held {
        return true;
    }
    let more = u32::try_from(permits - held).unwrap_or(u32::MAX);
    let Ok(more) = whole.clone().try_acquire_many_owned(more) else {
        return false;
    };
    match share {
        Some(held) => held.merge(more),
        None => *share = Some(more),
    }
    true
}
