//! How long somebody waits, and everything that ends a wait early.

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::world::World;

/// A wait. It ends at its time, when the sandbox stops, and when the world that it is about has ended.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    until: Instant,
    stop: watch::Receiver<bool>,
    ended: Option<watch::Receiver<bool>>,
}

impl Waiting {
    /// `stop` turns true when the sandbox stops.
    pub(crate) fn new(until: Instant, stop: &watch::Receiver<bool>) -> Self {
        Self {
            until,
            stop: stop.clone(),
            ended: None,
        }
    }

    /// A wait for something in a world.
    pub(crate) fn in_world(until: Instant, stop: &watch::Receiver<bool>, world: &World) -> Self {
        Self {
            ended: Some(world.ended()),
            ..Self::new(until, stop)
        }
    }

    /// Waits for a change. False when the wait is over.
    pub(crate) async fn change<T>(&mut self, changes: &mut watch::Receiver<T>) -> bool {
        tokio::select! {
            biased;
            () = self.over() => false,
            news = changes.changed() => news.is_ok(),
        }
    }

    /// Waits for a change, or until `due`. False when the wait is over.
    pub(crate) async fn change_or<T>(
        &mut self,
        changes: &mut watch::Receiver<T>,
        due: Option<Instant>,
    ) -> bool {
        let is_due = async {
            match due {
                Some(due) => sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            change = self.change(changes) => change,
            () = is_due => true,
        }
    }

    /// Waits for a result. None when the wait is over.
    pub(crate) async fn result<T>(&mut self, result: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            result = result => Some(result),
            () = self.over() => None,
        }
    }

    async fn over(&mut self) {
        let Self { until, stop, ended } = self;
        let world_ends = async {
            match ended {
                Some(ended) => turns_true(ended).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = sleep_until(*until) => {}
            () = turns_true(stop) => {}
            () = world_ends => {}
        }
    }
}

/// Returns when the value is true. It never becomes true when its sender is gone.
async fn turns_true(value: &mut watch::Receiver<bool>) {
    if value.wait_for(|value| *value).await.is_err() {
        std::future::pending::<()>().await;
    }
}
