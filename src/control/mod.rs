//! Everything that belongs to the sandbox itself: `/__sandbox/`, its documents and pages.

mod ask;
mod callback_urls;
mod catalog;
mod clock;
mod context;
mod control;
mod coverage;
mod coverage_report;
mod deliveries;
mod delivery_filter;
mod direct;
mod events;
mod exchange_json;
mod explain;
mod export;
mod faults;
mod fidelity;
mod gathered;
mod inbox;
mod inbox_store;
mod metrics;
mod next;
mod pages;
mod readyz;
mod redacted_explanation;
mod requests;
mod routes;
mod schema;
mod setup;
mod snapshot;
mod trigger;
mod unsent;
mod upload_store;
mod uploads;
mod verify;
mod worlds;

pub(crate) use self::context::Context;
pub(crate) use self::control::{failed_reply, is_control_path, respond};
pub(crate) use self::coverage_report::Coverage;
pub(crate) use self::direct::{set_faults, trigger_directly};
pub(crate) use self::inbox_store::Inbox;
pub(crate) use self::next::{NextOutcome, Unqueueable};
pub(crate) use self::pages::answer_document;
pub(crate) use self::routes::{body_bytes_max, own_route, own_routes};
pub(crate) use self::unsent::{
    in_vain, next_unsent_due, schedule_after_reloads, unsent_callbacks,
};
pub(crate) use self::upload_store::UploadStore;
