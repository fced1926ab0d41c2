//! `replay --against`: sends the requests of a recording, or of the documented API, to another server.

mod against;
mod arguments;
mod compared_reply;
mod documented_suite;
mod findings;
mod followed_ids;
mod junit_report;
mod labels;
mod personal_data;
mod plan;
mod planned_request;
mod remote;
mod report;
mod request_body;
mod sending;
mod value_kind;
mod without_control;

pub(super) use self::against::{Comparing, run};
pub(super) use self::arguments::AgainstArguments;
