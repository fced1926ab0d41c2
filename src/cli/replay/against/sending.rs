//! Sends the steps of a plan one by one, and compares the replies.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{HeaderMap, StatusCode};
use serde_json::Value;
use tokio::time::Instant;

use super::compared_reply::ReplyComparison;
use super::findings::{ComparedField, Findings, Verdict};
use super::followed_ids::FollowedIds;
use super::labels::Labels;
use super::plan::{ControlStep, Step};
use super::planned_request::PlannedRequest;
use super::remote::{NoReply, Remote, RemoteReply, SentRequest};
use super::without_control::WithoutControl;
use crate::catalogue::Catalogue;
use crate::cli::progress::Progress;
use crate::cli::replay::comparison::Selection;
use crate::scenario::Source;
use crate::world::Mask;

/// How long a record is waited for that changed by itself in the recording.
const CHANGE_TIME_MAX: Duration = Duration::from_mins(1);

/// How many requests may stay without a reply until the rest is not sent.
const BROKEN_MAX: usize = 3;

pub(super) struct Sending<'s> {
    pub remote: &'s Remote,
    pub catalogue: &'s Catalogue,
    pub selection: &'s Selection,
    /// The time between the beginnings of two requests.
    pub interval: Duration,
    pub findings: &'s mut Findings,
    ids: FollowedIds,
    mask: Mask,
    next_at: Option<Instant>,
    broken: usize,
    /// The latest recorded reply of each record, and when it was asked for: then and now.
    records: HashMap<String, SentRecord>,
}

struct SentRecord {
    reply: Value,
    elapsed: Duration,
    sent_at: Instant,
}

impl<'s> Sending<'s> {
    pub(super) fn new(
        remote: &'s Remote,
        catalogue: &'s Catalogue,
        selection: &'s Selection,
        findings: &'s mut Findings,
    ) -> Self {
        Self {
            remote,
            catalogue,
            selection,
            interval: Duration::ZERO,
            findings,
            ids: FollowedIds::default(),
            mask: Mask::new(Arc::default()),
            next_at: None,
            broken: 0,
            records: HashMap::new(),
        }
    }

    /// An error is a sentence: nothing could be sent.
    pub(super) async fn run(&mut self, steps: &[Step]) -> Result<(), String> {
        let progress = Progress::start();
        let has_control = steps.iter().any(|step| matches!(step, Step::Control(_)));
        let is_sandbox = has_control && self.is_sandbox().await?;
        let mut without_control = WithoutControl::default();
        for (at, step) in steps.iter().enumerate() {
            progress.set(|| format!("step {} of {}", at + 1, steps.len()));
            let is_over = self.selection.stop_at_first && !self.findings.is_equal();
            if is_over || self.findings.stopped.is_some() {
                break;
            }
            match step {
                Step::Control(call) if is_sandbox => self.control(call).await,
                Step::Control(call) => without_control.control(call),
                Step::Ask(request) => {
                    let reason = if is_sandbox {
                        None
                    } else {
                        without_control.reason(request)
                    };
                    if !self.is_selected(request) {
                        continue;
                    }
                    match reason.or_else(|| self.refusal(request)) {
                        Some(reason) => self.findings.skip(reason, &request.name),
                        None => self.ask(request).await?,
                    }
                }
            }
        }
        Ok(())
    }

    async fn is_sandbox(&mut self) -> Result<bool, String> {
        self.wait_for_turn().await;
        match self.remote.is_sandbox().await {
            Ok(is_sandbox) => Ok(is_sandbox),
            Err(NoReply::Broken(_)) => Ok(false),
            Err(NoReply::Unreachable(reason)) => Err(self.unreachable(&reason)),
        }
    }

    /// Why a request is sent to no server.
    fn refusal(&self, request: &PlannedRequest) -> Option<&'static str> {
        if request.is_registration {
            return Some("they register a callback URL");
        }
        let is_unknown = request.reads.as_deref().is_some_and(|id| {
            !request.reads_known && request.recorded.status < 400 && self.ids.get(id).is_none()
        });
        is_unknown.then_some("they read a record that no request of this run made")
    }

    fn is_selected(&self, request: &PlannedRequest) -> bool {
        let endpoints = &self.selection.endpoints;
        endpoints.is_empty() || endpoints.contains(&request.place)
    }

    async fn ask(&mut self, request: &PlannedRequest) -> Result<(), String> {
        self.wait_for_change(request).await;
        self.wait_for_turn().await;
        let mut headers = request.headers.clone();
        let body = request.body.bytes(&self.ids, &mut headers);
        let sent_at = Instant::now();
        let sent = SentRequest {
            method: request.method.clone(),
            target: self.ids.target(&request.target),
            headers,
            body,
        };
        self.findings.sent += 1;
        let reply = match self.remote.send(sent, request.has_fault).await {
            Ok(reply) => reply,
            Err(NoReply::Unreachable(reason)) if self.findings.compared == 0 => {
                return Err(self.unreachable(&reason));
            }
            Err(NoReply::Unreachable(reason)) => {
                self.findings.stopped = Some(self.unreachable(&reason));
                return Ok(());
            }
            Err(NoReply::Broken(reason)) => {
                self.no_reply(request, &reason);
                return Ok(());
            }
        };
        self.broken = 0;
        let status = reply.status.as_u16();
        if status != request.recorded.status
            && let Some(remedy) = remedy(&reply)
        {
            self.findings.stopped = Some(format!("{} was answered so: {remedy}", request.name));
            return Ok(());
        }
        if let Some(id) = request.record() {
            let record = SentRecord {
                reply: request.recorded.body.clone(),
                elapsed: request.elapsed,
                sent_at,
            };
            self.records.insert(id.to_owned(), record);
        }
        self.compare(request, &reply);
        Ok(())
    }

    fn compare(&mut self, request: &PlannedRequest, reply: &RemoteReply) {
        let mut sent: BTreeSet<_> = request.target_texts();
        add_texts(request.body.values(), &mut sent);
        let sent = sent
            .into_iter()
            .map(|text| self.ids.get(&text).map_or(text.clone(), str::to_owned))
            .collect();
        let mut comparison = ReplyComparison {
            ids: &mut self.ids,
            sent: &sent,
            mask: &self.mask,
        };
        let mut fields = comparison.fields(&request.recorded, reply);
        if request.has_fault {
            fields.retain(|field| field.path == "status"); // the rest was broken on purpose
        }
        self.add(request, fields);
    }

    fn add(&mut self, request: &PlannedRequest, mut fields: Vec<ComparedField>) {
        fields.retain(|field| !self.selection.ignores(&field.path));
        let labels = Labels::of(self.catalogue, request);
        let labelled = fields.into_iter().map(|field| {
            let label: Source = labels.label(&field.path);
            (field, label)
        });
        self.findings
            .add(&request.place, &request.name, labelled.collect());
    }

    fn no_reply(&mut self, request: &PlannedRequest, reason: &str) {
        let is_recorded = request.has_fault;
        let verdict = if is_recorded {
            Verdict::Equal
        } else {
            Verdict::Missing
        };
        let words = format!("there is no reply: {reason}");
        let path = "status".to_owned();
        self.add(
            request,
            vec![ComparedField {
                path,
                verdict,
                words,
            }],
        );
        self.broken += usize::from(!is_recorded);
        if self.broken == BROKEN_MAX {
            self.findings.stopped = Some(format!(
                "{BROKEN_MAX} requests in a row got no reply: {reason}"
            ));
        }
    }

    /// Repeats a control call on a sandbox.
    async fn control(&mut self, call: &ControlStep) {
        let name = format!("{} {}", call.method, call.path);
        if let Some(reason) = call.refusal() {
            return self.findings.skip(reason, &name);
        }
        self.wait_for_turn().await;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let body = match &call.body {
            Value::Null => Bytes::new(),
            body => {
                let mut body = body.clone();
                self.ids.put_into(&mut body);
                body.to_string().into()
            }
        };
        let sent = SentRequest {
            method: call.method.clone(),
            target: call.path.clone(),
            headers,
            body,
        };
        let why = match self.remote.send_control(sent).await {
            Ok(reply) if reply.status.is_success() => return,
            Ok(reply) => {
                if let Some(remedy) = remedy(&reply) {
                    self.findings.stopped = Some(format!("{name} was answered so: {remedy}"));
                    return;
                }
                let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
                let message = body["message"].as_str().unwrap_or_default();
                format!("was refused with {}: {message}", reply.status.as_u16())
            }
            Err(NoReply::Unreachable(reason) | NoReply::Broken(reason)) => {
                format!("got no reply: {reason}")
            }
        };
        self.findings.stopped = Some(format!(
            "the control call {name} {why}; what follows depends on it"
        ));
    }

    /// Waits for the next request's time.
    async fn wait_for_turn(&mut self) {
        let now = Instant::now();
        let at = self.next_at.map_or(now, |at| at.max(now));
        tokio::time::sleep_until(at).await;
        self.next_at = Some(at + self.interval);
    }

    /// A record that had changed by itself when it was read again gets as much time as it had then.
    async fn wait_for_change(&self, request: &PlannedRequest) {
        let record = request.reads.as_ref().and_then(|id| self.records.get(id));
        let Some(record) = record.filter(|record| record.reply != request.recorded.body) else {
            return;
        };
        let age = request.elapsed.saturating_sub(record.elapsed);
        tokio::time::sleep_until(record.sent_at + age.min(CHANGE_TIME_MAX)).await;
    }

    fn unreachable(&self, reason: &str) -> String {
        let url = self.remote.url.as_str();
        format!("cannot reach the server at {url}: {reason}")
    }
}

/// The remedy for a reply after which nothing more is sent.
fn remedy(reply: &RemoteReply) -> Option<String> {
    match reply.status {
        StatusCode::UNAUTHORIZED => Some(
            "401, the server does not know the API key; give a development key of this server with --api-key".to_owned(),
        ),
        StatusCode::FORBIDDEN => Some(
            "403, the key may not do this; ask the provider for access, or leave the request out with --only".to_owned(),
        ),
        StatusCode::TOO_MANY_REQUESTS => {
            let after = reply.headers.get(RETRY_AFTER).and_then(|after| after.to_str().ok());
            let wait = match after {
                Some(after) if after.bytes().all(|byte| byte.is_ascii_digit()) => {
                    format!("wait {after} s")
                }
                _ => "wait some minutes".to_owned(),
            };
            Some(format!(
                "429, the server wants fewer requests; {wait}, and start again with a lower --rate, such as --rate 0.5"
            ))
        }
        _ => None,
    }
}

fn add_texts(value: Option<&Value>, texts: &mut BTreeSet<String>) {
    match value {
        Some(Value::String(text)) => {
            texts.insert(text.clone());
        }
        Some(Value::Array(items)) => items.iter().for_each(|item| add_texts(Some(item), texts)),
        Some(Value::Object(fields)) => {
            fields
                .values()
                .for_each(|value| add_texts(Some(value), texts));
        }
        Some(Value::Null | Value::Bool(_) | Value::Number(_)) | None => {}
    }
}
