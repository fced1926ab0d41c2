//! What happens, told to those who look on. Each looks on through a box of limited size, which says what
//! found no room in it; where nobody looks, telling costs one load of a number.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use indexmap::IndexMap;
use tokio::sync::Notify;

/// Who looks on at once.
pub(crate) const LOOKERS_MAX: usize = 100;

/// Exchanges that wait to be looked at, and worlds of which something else is to be said.
pub(crate) const WAITING_MAX: usize = 250;

/// The eight hex digits of a world.
pub(crate) type Tag = [u8; 8];

/// Where everything is told.
#[derive(Debug, Default)]
pub(crate) struct Live {
    lookers: RwLock<Vec<Arc<Looker>>>,
    open: AtomicUsize,
}

/// One who looks on, at one world or at all.
#[derive(Debug)]
struct Looker {
    only: Option<Tag>,
    waiting: Mutex<Waiting>,
    bell: Notify,
}

/// What was not looked at yet.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    /// World and number of each, oldest first.
    pub exchanges: VecDeque<(Tag, u64)>,
    /// The same of those that have thumbnails now. The oldest give way.
    pub thumbnails: VecDeque<(Tag, u64)>,
    /// Exchanges that found no room; the oldest give way.
    pub skipped: u64,
    /// What else happened, by world. The same twice is told once.
    pub worlds: IndexMap<Tag, Changed>,
    /// More worlds have changed than there was room for.
    pub many_worlds: bool,
    pub inbox: bool,
}

/// What of a world is to be looked at again.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Changed {
    pub deliveries: bool,
    /// Its clock, faults, queue, or the like.
    pub settings: bool,
    /// It was emptied: its exchanges from before are gone.
    pub emptied: bool,
}

impl Live {
    /// None where too many look on already.
    pub(crate) fn look(self: &Arc<Self>, only: Option<Tag>) -> Option<Lookout> {
        let looker = Arc::new(Looker {
            only,
            waiting: Mutex::default(),
            bell: Notify::new(),
        });
        let mut lookers = self.lookers.write().unwrap_or_else(PoisonError::into_inner);
        if lookers.len() >= LOOKERS_MAX {
            return None;
        }
        lookers.push(looker.clone());
        self.open.store(lookers.len(), Ordering::Relaxed);
        Some(Lookout {
            live: self.clone(),
            looker,
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

    pub(crate) fn thumbnails(&self, world: Tag, seq: u64) {
        self.tell(Some(world), |waiting| {
            if waiting.thumbnails.len() == WAITING_MAX {
                waiting.thumbnails.pop_front();
            }
            waiting.thumbnails.push_back((world, seq));
        });
    }

    /// Whether anybody looks on.
    pub(crate) fn is_watched(&self) -> bool {
        self.open.load(Ordering::Relaxed) > 0
    }

    /// Whether anybody looks at a world.
    pub(crate) fn is_looked_at(&self, world: Tag) -> bool {
        let lookers = self.lookers.read().unwrap_or_else(PoisonError::into_inner);
        let sees = |looker: &Arc<Looker>| looker.only.is_none_or(|only| only == world);
        lookers.iter().any(sees)
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

    fn changed(&self, world: &str, change: impl Fn(&mut Changed)) {
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

    fn tell(&self, world: Option<Tag>, tell: impl Fn(&mut Waiting)) {
        if !self.is_watched() {
            return;
        }
        let lookers = self.lookers.read().unwrap_or_else(PoisonError::into_inner);
        for looker in lookers.iter() {
            if looker.only.is_some() && world.is_some() && looker.only != world {
                continue;
            }
            let mut waiting = looker
                .waiting
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            tell(&mut waiting);
            drop(waiting);
            looker.bell.notify_one();
        }
    }
}

/// Ends the looking on when it is dropped.
#[derive(Debug)]
pub(crate) struct Lookout {
    live: Arc<Live>,
    looker: Arc<Looker>,
}

impl Lookout {
    /// Returns when there is something to take, which may have been taken already.
    pub(crate) async fn news(&self) {
        self.looker.bell.notified().await;
    }

    pub(crate) fn take(&self) -> Waiting {
        let waiting = &self.looker.waiting;
        std::mem::take(&mut waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Lookout {
    fn drop(&mut self) {
        let lookers = &self.live.lookers;
        let mut lookers = lookers.write().unwrap_or_else(PoisonError::into_inner);
        lookers.retain(|looker| !Arc::ptr_eq(looker, &self.looker));
        self.live.open.store(lookers.len(), Ordering::Relaxed);
    }
}
