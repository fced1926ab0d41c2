//! The data of one API key: records, queue, faults, outbox, journal. Searches, verifies and redacts the journal.

mod attempt;
mod digest;
mod dropped_worlds;
mod exercised;
mod history;
mod journal;
mod last_uses;
mod named;
mod order;
mod origin;
mod outbox;
mod queued;
mod read_world;
mod recent_uploads;
mod recorder;
mod records;
mod resting;
mod saved_worlds;
mod setup;
mod snapshot;
mod standing_faults;
mod state;
mod state_guard;
mod strangers;
mod totals;
mod unused;
mod waiting;
mod warnings;
mod watchers;
mod world;
mod worlds;
mod worlds_room;

pub(crate) use self::attempt::{Attempt, Contact, TriedAddress};
pub(crate) use self::digest::WorldDigest;
pub(crate) use self::exercised::{Durations, Exercised, LIMITS_US};
pub(crate) use self::history::{CommittedCall, ControlCall};
pub(crate) use self::journal::{
    Content, DecidedBy, Decision, Expected, HEAD_KEPT_BYTES_MAX, HiddenValues, JOURNAL_ENTRIES_MAX,
    JournalOf, Judgement, Mask, NO_WORLD, RequestField, Wait, head_text, redact_attempt,
    redact_delivery, redact_exchange, redact_not_verified, redact_path, redact_received,
    redacted_url,
};
pub use self::journal::{
    Difference, Exchange, Expectation, KeptBody, NearMiss, NotVerified, Query, Verified, verify,
};
pub(crate) use self::named::Listed;
pub use self::outbox::DeliveryState;
pub(crate) use self::outbox::{
    Callbacks, DEPTH_MAX, Delivery, LogUrl, REPLY_TIME, TokenSent, Turn, UnsentEvent, WAIT,
    delivery_id, event_seq_of, log_attempt, log_cancelled, log_ended, log_ordered, log_url_test,
    no_url, seq_of,
};
pub(crate) use self::queued::{CallKind, QUEUED_MAX, Queued, QueuedOutcomes, TIMES_MAX};
pub(crate) use self::read_world::ReadWorld;
pub(crate) use self::recent_uploads::RequestUploads;
pub(crate) use self::recorder::{Happening, Recorded, Recorder};
pub(crate) use self::records::{Later, Record, Version};
pub(crate) use self::saved_worlds::{LoadedWorld, SavedWorld, WorldToSave};
pub(crate) use self::snapshot::{SNAPSHOT_BYTES_MAX, Snapshot, SnapshotRefused};
pub(crate) use self::standing_faults::{DrawnFaults, FAULTS_MAX, TTL_MAX, WorldFault};
pub(crate) use self::state::{Revision, State};
pub(crate) use self::strangers::Strangers;
pub(crate) use self::totals::{Dropped, Totals};
pub(crate) use self::waiting::Waiting;
pub(crate) use self::warnings::{Warning, WarningKind, Warnings};
#[cfg(test)]
pub(crate) use self::watchers::WAITING_MAX;
pub(crate) use self::watchers::{SUBSCRIBERS_MAX, Subscription, Tag, Watchers};
#[cfg(test)]
pub(crate) use self::world::WORLDS_MAX;
pub(crate) use self::world::World;
pub(crate) use self::worlds::{WORLD_DROPPED, Worlds, WorldsHeld};
