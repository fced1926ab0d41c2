//! The commands that control a running sandbox: each is one call of the control API, or a few.

mod callback;
mod clock;
mod columns;
mod controlled_world;
mod deliveries;
mod events;
mod faults;
mod followed_callbacks;
mod list_path;
mod next;
mod redeliver;
mod request_filters;
mod requests;
mod reset;
mod snapshot;
mod tail;
mod tail_lines;
mod trace_filters;
mod verify;
mod worlds;

pub(super) use self::callback::{Arguments as CallbackArguments, run as run_callback};
pub(super) use self::clock::{Arguments as ClockArguments, run as run_clock};
pub(super) use self::deliveries::{Arguments as DeliveriesArguments, run as run_deliveries};
pub(super) use self::faults::{Arguments as FaultsArguments, run as run_faults};
pub(super) use self::next::{Arguments as NextArguments, run as run_next};
pub(super) use self::redeliver::{Arguments as RedeliverArguments, run as run_redeliver};
pub(super) use self::requests::{Arguments as RequestsArguments, run as run_requests};
pub(super) use self::reset::{Arguments as ResetArguments, run as run_reset};
pub(super) use self::snapshot::{Arguments as SnapshotArguments, run as run_snapshot};
pub(super) use self::tail::{Arguments as TailArguments, run as run_tail};
pub(super) use self::verify::{Arguments as VerifyArguments, run as run_verify};
pub(super) use self::worlds::{Arguments as WorldsArguments, run as run_worlds};
