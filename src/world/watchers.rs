//! Tells subscribers what happens. Each has a box of limited size, which also says what did not fit. Without
//! subscribers this costs one atomic load.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, RwLock};

use indexmap::IndexMap;
use tokio::sync::Notify;

use crate::base::{lock, read_lock, write_lock};

/// Subscribers at the same time.
pub(crate) const SUBSCRIBERS_MAX: usize = 100;

/// Limit of a box: exchanges, and worlds with other changes.
pub(crate) const WAITING_MAX: usize = 250;

/// The eight hex digits that stand for a world.
pub(crate) type Tag = [u8; 8];

/// All subscribers. Every event goes through here.
#[derive(Debug, Default)]
pub(crate) struct Watchers {
    subscribers: RwLock<Vec<Arc<Subscriber>>>,
    open: AtomicUsize,
}

/// A subscriber of one world or of all.
#[derive(Debug)]
struct Subscriber {
    only: Option<Tag>,
    waiting: Mutex<News>,
    bell: Notify,
}

/// What a subscriber has not taken yet.
#[derive(Debug, Default)]
pub(crate) struct News {
    /// World and number of each, oldest first.
    pub exchanges: VecDeque<(Tag, u64)>,
    /// The same for exchanges whose uploads can be fetched. The oldest are dropped.
    pub uploads: VecDeque<(Tag, u64)>,
    /// Exchanges that did not fit: the oldest are dropped.
    pub skipped: u64,
    /// Other changes by world. Two equal changes are told once.
    pub worlds: IndexMap<Tag, Changes>,
    /// True when more worlds have changed than fit.
    pub many_worlds: bool,
    pub inbox: bool,
}

/// What has changed in a world.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Changes {
    pub deliveries: bool,
    /// Its clock, faults or queue, for example.
    pub settings: bool,
    /// The world was emptied: its earlier exchanges are gone.
    pub emptied: bool,
}

impl Watchers {
    /// None when there are too many subscribers already.
    pub(crate) fn subscribe(self: &Arc<Self>, only: Option<Tag>) -> Option<Subscription> {
        let subscriber = Arc::new(Subscriber {
            only,
            waiting: Mutex::default(),
            bell: Notify::new(),
        });
        let mut subscribers = write_lock(&self.subscribers);
        if subscribers.len() >= SUBSCRIBERS_MAX {
            return None;
        }
        subscribers.push(subscriber.clone());
        self.open.store(subscribers.len(), Ordering::Relaxed);
        Some(Subscription {
            live: self.clone(),
            subscriber,
        })
    }

    pub(crate) fn exchange(&self, world: Tag, seq: u64) {
        self.tell(Some(world), |waiting| {
            if waiting.exchanges.len() == WAITING_MAX {
                waiting.exchanges.pop_front();
                waiting.skipped += 1;
            }
            waiting.exchanges.push_back((world, seq));
        });
    }

    pub(crate) fn uploads(&self, world: Tag, seq: u64) {
        self.tell(Some(world), |waiting| {
            if waiting.uploads.len() == WAITING_MAX {
                waiting.uploads.pop_front();
            }
            waiting.uploads.push_back((world, seq));
        });
    }

    /// Whether there is any subscriber.
    pub(crate) fn has_subscribers(&self) -> bool {
        self.open.load(Ordering::Relaxed) > 0
    }

    /// Whether anybody has subscribed to this world.
    pub(crate) fn has_subscriber_of(&self, world: &str) -> bool {
        let subscribers = read_lock(&self.subscribers);
        let sees = |subscriber: &Arc<Subscriber>| {
            subscriber.only.is_none_or(|only| only == world.as_bytes())
        };
        subscribers.iter().any(sees)
    }

    pub(crate) fn deliveries(&self, world: &str) {
        self.changed(world, |changed| changed.deliveries = true);
    }

    pub(crate) fn settings(&self, world: &str) {
        self.changed(world, |changed| changed.settings = true);
    }

    pub(crate) fn emptied(&self, world: &str) {
        self.changed(world, |changed| changed.emptied = true);
    }

    pub(crate) fn inbox(&self) {
        self.tell(None, |waiting| waiting.inbox = true);
    }

    fn changed(&self, world: &str, change: impl Fn(&mut Changes)) {
        let Ok(world) = world.as_bytes().try_into() else {
            return;
        };
        self.tell(Some(world), |waiting| {
            if waiting.worlds.len() < WAITING_MAX || waiting.worlds.contains_key(&world) {
                change(waiting.worlds.entry(world).or_default());
            } else {
                waiting.many_worlds = true;
            }
        });
    }

    fn tell(&self, world: Option<Tag>, tell: impl Fn(&mut News)) {
        if !self.has_subscribers() {
            return;
        }
        let subscribers = read_lock(&self.subscribers);
        for subscriber in subscribers.iter() {
            if subscriber.only.is_some() && world.is_some() && subscriber.only != world {
                continue;
            }
            let mut waiting = lock(&subscriber.waiting);
            tell(&mut waiting);
            drop(waiting);
            subscriber.bell.notify_one();
        }
    }
}

/// Stops watching when it is dropped.
#[derive(Debug)]
pub(crate) struct Subscription {
    live: Arc<Watchers>,
    subscriber: Arc<Subscriber>,
}

impl Subscription {
    /// Returns when there may be something to take. It may have been taken already.
    pub(crate) async fn news(&self) {
        self.subscriber.bell.notified().await;
    }

    pub(crate) fn take(&self) -> News {
        std::mem::take(&mut lock(&self.subscriber.waiting))
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut subscribers = write_lock(&self.live.subscribers);
        subscribers.retain(|subscriber| !Arc::ptr_eq(subscriber, &self.subscriber));
        self.live.open.store(subscribers.len(), Ordering::Relaxed);
    }
}
