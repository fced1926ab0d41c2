//! Replays a recording in a sandbox of this process, which opens no connection.

use std::cell::RefCell;
use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Request, StatusCode};
use serde_json::Value;
use tokio::time::Instant;

use super::comparison::Comparison;
use super::foreign::{ReplyIds, comparable};
use super::recording::{Event, EventKind, RecordedLine, RecordedWorld, Recording};
use super::request::{Skip, recorded_request};
use crate::base::{ApiKey, ReceiverUrl, parse_duration, short};
use crate::callbacks::{AttemptResult, CallbackOptions};
use crate::catalogue::{Catalogue, Current};
use crate::control::{self, delivery_lines, exchange_line};
use crate::http::{Body, BodyContent, CONTROL_TOKEN_HEADER, Call, basic};
use crate::sandbox::{Loaded, Options, assemble};
use crate::scenario::{DateForm, LoadErrors, SourceFile};
use crate::server::{Serving, answer_again};
use crate::world::{ControlCall, KeptBody, World};

/// What the replay uses in place of what was recorded.
pub(super) struct Replacements {
    pub catalogue: Option<Catalogue>,
    pub seed: Option<u64>,
}

/// Replays all worlds one after the other. An error is a sentence.
pub(super) async fn replay(
    recording: &Recording,
    replacements: Replacements,
    comparison: &mut Comparison,
    output: Option<&mut String>,
) -> Result<(), String> {
    let is_same_catalogue = replacements.catalogue.is_none();
    let serving = serving(recording, replacements)?;
    for world in &recording.worlds {
        if let Some(reason) = &world.missing {
            let requests = world.events.iter();
            let requests = requests.filter(|event| matches!(event.kind, EventKind::Exchange(_)));
            comparison.skip_all(reason, requests.count(), &world.tag);
            continue;
        }
        let replay = ReplayedWorld::new(&serving, world, is_same_catalogue, recording)?;
        replay.run(comparison).await?;
        if comparison.is_over() {
            break;
        }
    }
    if let Some(output) = output {
        output.push_str(&exported(&serving).await);
    }
    Ok(())
}

/// An export of the sandbox as it is now.
async fn exported(serving: &Serving) -> String {
    let mut text = Vec::new();
    if let Some(call) = control_call(
        serving,
        "GET",
        "/__sandbox/export?world=all",
        None,
        Instant::now(),
    ) {
        let response = control::respond(&serving.control, &call).await;
        if let BodyContent::Pieces(mut pieces) = response.into_body().content {
            while let Some(piece) = pieces.recv().await {
                text.extend_from_slice(&piece);
            }
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// A sandbox as the recorded one was, without a port.
fn serving(recording: &Recording, replacements: Replacements) -> Result<Serving, String> {
    let (head, recorded) = (&recording.head, &recording.head.options);
    let wrong = |what: &str| format!("`{what}` of the first line cannot be read");
    let retries = recorded.callback_retries.iter();
    let urls = recorded.callback_urls.iter();
    let options = Options {
        seed: replacements.seed.unwrap_or(head.seed),
        clock: head.clock.parse().map_err(|_| wrong("clock"))?,
        strict: recorded.strict,
        is_async: recorded.is_async,
        callbacks: CallbackOptions {
            retries: retries
                .map(|delay| parse_duration(delay))
                .collect::<Result<_, _>>()
                .map_err(|_| wrong("callback_retries"))?,
            urls: urls
                .map(|of| Ok((of.callback_type.clone(), ReceiverUrl::parse(&of.url)?)))
                .collect::<Result<_, String>>()
                .map_err(|_| wrong("callback_urls"))?,
            signing: recorded.callback_signing,
            second_token_header: recorded.second_token_header,
            ..CallbackOptions::default()
        },
        ..Options::default()
    };
    let catalogue = match replacements.catalogue {
        Some(catalogue) => catalogue,
        None => recorded_catalogue(recording)?,
    };
    let loaded = Loaded::without_state(&options, Current::of(Arc::new(catalogue)));
    // On an address of a network, the guard lets in every host: the recorded one may have listened there.
    let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
    Ok(assemble(options, loaded, address, false))
}

pub(super) fn recorded_catalogue(recording: &Recording) -> Result<Catalogue, String> {
    let files = recording.files.iter();
    let files: Vec<_> = files
        .map(|file| Arc::new(SourceFile::new(&file.id, &file.file, file.text.clone())))
        .collect();
    let dates = match recording.head.options.dates.as_deref() {
        None => None,
        Some("objects") => Some(DateForm::Objects),
        Some(_) => Some(DateForm::Strings),
    };
    let loaded = Catalogue::with_files(&files, dates);
    loaded.map_err(|errors| {
        format!(
            "the recorded scenario files do not load in this release:\n{}",
            LoadErrors(errors)
        )
    })
}

struct ReplayedWorld<'r> {
    serving: &'r Serving,
    recorded: &'r RecordedWorld,
    /// Requests that an earlier generation answered cannot be compared with the recorded files.
    generation: Option<u64>,
    key: ApiKey,
    world: Arc<World>,
    /// The ids that are answered in place of those of another server. None for an export.
    ids: Option<RefCell<ReplyIds>>,
}

impl<'r> ReplayedWorld<'r> {
    fn new(
        serving: &'r Serving,
        recorded: &'r RecordedWorld,
        is_same_catalogue: bool,
        recording: &Recording,
    ) -> Result<Self, String> {
        let prefix = if recorded.is_live {
            "iluma_live_"
        } else {
            "iluma_development_"
        };
        let key: ApiKey = format!("{prefix}{}{:032x}", recorded.digest, recorded.life)
            .parse()
            .map_err(|_| format!("`{}` is no digest of a world", short(&recorded.digest)))?;
        let digest = recorded.digest.parse()?;
        let world = serving.control.engine.worlds.stand_in(&key, digest);
        Ok(Self {
            serving,
            recorded,
            generation: is_same_catalogue.then_some(recording.head.generation),
            key,
            world: world.map_err(|error| error.message.unwrap_or_default())?,
            ids: recording.unread.as_ref().map(|_| RefCell::default()),
        })
    }

    async fn run(&self, comparison: &mut Comparison) -> Result<(), String> {
        let mut lost = HashSet::new();
        let mut deliveries = self.recorded.deliveries.iter();
        for event in &self.recorded.events {
            if event.empties_world {
                self.compare_deliveries(deliveries.next(), &lost, true, comparison);
            }
            let received_at = self.let_time_pass(event).await;
            match &event.kind {
                EventKind::Exchange(line) => {
                    self.ask_again(&line.json(), received_at, &mut lost, comparison);
                }
                EventKind::Control(line) => {
                    let line = line.json();
                    self.control_again(&line, received_at, comparison).await;
                }
                EventKind::Attempt(seq, line) => self.attempt_again(*seq, &line.json()),
            }
            if comparison.is_over() {
                return Ok(());
            }
        }
        let is_complete = self.recorded.is_complete;
        self.compare_deliveries(deliveries.next(), &lost, is_complete, comparison);
        if self.recorded.after_gap > 0 {
            let reason = "lines before them are missing, because the disk was full";
            comparison.skip_all(reason, self.recorded.after_gap, &self.recorded.tag);
        }
        Ok(())
    }

    /// Compares the deliveries since the latest reset. `lost` has the records of requests that were not made again.
    fn compare_deliveries(
        &self,
        recorded: Option<&Vec<RecordedLine>>,
        lost: &HashSet<String>,
        is_complete: bool,
        comparison: &mut Comparison,
    ) {
        if self.ids.is_some() {
            return; // other tools do not record callbacks
        }
        let is_lost = |line: &Value| (line["record"].as_str()).is_some_and(|id| lost.contains(id));
        let recorded = recorded.into_iter().flatten().map(RecordedLine::json);
        let recorded: Vec<_> = recorded.filter(|line| !is_lost(line)).collect();
        let recorded: Vec<_> = recorded.iter().collect();
        let again = delivery_lines(&self.serving.control, &self.world);
        comparison.deliveries(&recorded, &again, is_complete && lost.is_empty());
    }

    /// Makes due what was due by the recorded moment. Returns that moment.
    async fn let_time_pass(&self, event: &Event) -> Instant {
        let moment = self.serving.control.engine.worlds.started() + event.elapsed;
        let passes = moment.saturating_duration_since(Instant::now());
        if !passes.is_zero() {
            tokio::time::advance(passes).await;
        }
        let mut state = self.world.state();
        state.callbacks.advanced = state.callbacks.advanced.max(event.advanced);
        moment
    }

    fn ask_again(
        &self,
        line: &Value,
        received_at: Instant,
        lost: &mut HashSet<String>,
        comparison: &mut Comparison,
    ) {
        let trace = line["trace"].as_str().unwrap_or_default();
        let target = line["target"].as_str().unwrap_or_default();
        if target.split(['/', '?']).any(|part| lost.contains(part)) {
            let reason = "the requests that made their records were not made again";
            return comparison.skip(reason, trace);
        }
        let with_ids = self.ids.as_ref().map(|ids| ids.borrow().put_into(line));
        let line = with_ids.as_ref().unwrap_or(line);
        let id = line["reply"]["id"].as_str().map(str::to_owned);
        let catalogue = self.serving.control.engine.catalogue();
        let request = match recorded_request(&catalogue, line, &self.key, received_at) {
            Ok(request) => request,
            Err(skip) => {
                lost.extend(id);
                return comparison.skip(&skip.reason(), trace);
            }
        };
        drop(catalogue);
        let before = self.world.state().journal.last_seq();
        let reply = answer_again(self.serving, request);
        let exchange = {
            let state = self.world.state();
            let newest = state.journal.entries().last();
            newest.filter(|newest| newest.seq > before).cloned()
        };
        match exchange {
            _ if self.is_of_other_files(line) => {
                lost.extend(id);
                comparison.skip(
                    "scenario files that were replaced later answered them",
                    trace,
                );
            }
            Some(mut exchange) => {
                exchange.reply = if line["reply_sha256"].is_string() {
                    KeptBody::copied(&reply)
                } else {
                    KeptBody::whole(reply)
                };
                let context = &self.serving.control;
                let again = control::masked(context, exchange_line(context, &exchange));
                match &self.ids {
                    None => comparison.exchange(line, &again),
                    Some(ids) => {
                        ids.borrow_mut().note(&line["reply"], &again["reply"]);
                        let (recorded, again) = comparable(line, &again);
                        comparison.exchange(&recorded, &again);
                    }
                }
            }
            None => comparison.lost(line),
        }
    }

    /// Whether an earlier generation of the recorded files answered a request.
    fn is_of_other_files(&self, line: &Value) -> bool {
        let generation = line["generation"].as_u64();
        self.generation
            .is_some_and(|current| generation != Some(current) && generation != Some(0))
    }

    /// Makes a control call again. An advance of the clock is in the moments of what follows it.
    async fn control_again(&self, line: &Value, received_at: Instant, comparison: &mut Comparison) {
        let path = line["path"].as_str().unwrap_or_default();
        if path.starts_with("/__sandbox/clock") {
            let path = path.trim_start_matches("/__sandbox/");
            let advance = ControlCall::new("POST", path).with_body(&line["body"]);
            let order = self.world.commit(received_at);
            (self.world).note_call(&mut self.world.state(), order.commit, advance);
            return;
        }
        let method = line["method"].as_str().unwrap_or_default();
        let body = Some(&line["body"]).filter(|body| !body.is_null());
        let authorization = Some(&self.key);
        let call = control_call(self.serving, method, path, authorization, received_at);
        let Some(mut call) = call else {
            return comparison.control(line, None);
        };
        if let Some(body) = body {
            call.body = Body::Bytes(Bytes::from(body.to_string()));
        }
        let response = control::respond(&self.serving.control, &call).await;
        let (head, body) = response.into_parts();
        let reason = match body.content {
            BodyContent::Whole(bytes) => serde_json::from_slice(&bytes).ok(),
            BodyContent::Pieces(_) | BodyContent::Stream(_) => None,
        };
        let reason: Value = reason.unwrap_or_default();
        if !head.status.is_success() {
            comparison.control(line, Some((head.status, reason["message"].as_str())));
        }
    }

    /// Ends an attempt as it ended then.
    fn attempt_again(&self, seq: u64, line: &Value) {
        let text = |name: &str| line[name].as_str().map(str::to_owned);
        let status = line["status"]
            .as_u64()
            .and_then(|status| u16::try_from(status).ok());
        let status = status.and_then(|status| StatusCode::from_u16(status).ok());
        let result =
            AttemptResult::recorded(status, text("answer").unwrap_or_default(), text("error"));
        let courier = &self.serving.control.courier;
        courier.attempt_as_recorded(&self.world, seq, result); // a missing one shows in the deliveries
    }
}

/// A call of the control API of the sandbox. None if it cannot be one.
fn control_call(
    serving: &Serving,
    method: &str,
    path: &str,
    key: Option<&ApiKey>,
    received_at: Instant,
) -> Option<Call> {
    let token = serving.control.engine.guard.token()?;
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, HeaderValue::from_static("localhost"))
        .header(CONTROL_TOKEN_HEADER, token.reveal())
        .header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(key) = key {
        request = request.header(AUTHORIZATION, basic(key));
    }
    let (head, ()) = request.body(()).ok()?.into_parts();
    Some(Call {
        received_at,
        at: SystemTime::now(),
        head,
        body: Body::Empty,
        files_are_hashes: false,
    })
}

impl Skip {
    fn reason(&self) -> String {
        match self {
            Self::Lacks(parts) => format!("the recording does not have all of their {parts}"),
            Self::NoRoom => "the sandbox had no room for them".to_owned(),
            Self::Broken => "they cannot be read".to_owned(),
        }
    }
}
