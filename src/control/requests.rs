//! `/__sandbox/requests`: lists requests with their answers, and waits for them.

use std::collections::HashMap;
use std::sync::Arc;

use hyper::StatusCode;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::ask::{
    ControlAnswer, ControlReply, ControlRequest, JSON, LIMIT_DEFAULT, bad_request, parameter,
    unknown_value, wait_for_count, whole_number,
};
use super::context::Context;
use super::exchange_json::exchange_json;
use crate::answer::{is_tag, may_see_all};
use crate::http::Refusal;
use crate::world::{
    self, Exchange, Expectation, Expected, JOURNAL_ENTRIES_MAX, JournalOf, Judgement, Mask,
    NotVerified, Query, RequestField, Wait, World,
};

const FILTERS_MAX: usize = 100;

/// Parameters that are no filters. `key` chooses the world.
const SETTINGS: [&str; 8] = [
    "key",
    "world",
    "after_seq",
    "before_seq",
    "order",
    "limit",
    "wait",
    "count",
];

const WORLDS: [&str; 3] = ["own", "all", "strangers"];

const ORDERS: [&str; 2] = ["newest", "oldest"];

/// Whose requests are asked for.
pub(super) enum RequestsOf {
    Own(Arc<World>),
    Strangers,
    All,
}

impl RequestsOf {
    /// The caller's own world, unless `world=` says `all` or `strangers`. Where only some keys are let in,
    /// these need one of them as well.
    pub(super) fn of(request: ControlRequest<'_>) -> Result<Self, Refusal> {
        let ControlRequest { context, query, .. } = request;
        let whose = match query.get("world").map(String::as_str) {
            None | Some("own") => return request.world().map(Self::Own),
            Some(tag) if is_tag(tag) => return request.world().map(Self::Own),
            Some("all") => Self::All,
            Some("strangers") => Self::Strangers,
            Some(other) => {
                let more = Some("the tag of a world");
                return Err(unknown_value("world", other, &WORLDS, more));
            }
        };
        may_see_all(&context.engine, request.call, query)?;
        Ok(whose)
    }

    /// The journal of these requests. None for all worlds, which have no common journal.
    pub(super) fn journal<'a>(&'a self, context: &'a Context) -> Option<JournalOf<'a>> {
        match self {
            Self::Own(world) => Some(JournalOf::OfWorld(world)),
            Self::Strangers => Some(JournalOf::Strangers(&context.engine.strangers)),
            Self::All => None,
        }
    }
}

/// The page of a list that is asked for.
struct Page {
    query: Query,
    newest_first: bool,
    limit: usize,
    bytes_max: usize,
    after_seq: u64,
    before_seq: u64,
}

/// All that match, newest first unless it is said otherwise. With `wait` it answers as soon as `count` of
/// them match, or 408 with what came closest.
pub(super) async fn list(request: ControlRequest<'_>) -> Result<ControlReply, Refusal> {
    let ControlRequest { context, query, .. } = request;
    let page = Page::read(context, query)?;
    let wait = wait_for_count(query)?;
    let whose = RequestsOf::of(request)?;
    let Some(journal) = whose.journal(context) else {
        if wait.is_some() || page.after_seq > 0 || page.before_seq < u64::MAX {
            return Err(bad_request(
                "`wait`, `after_seq` and `before_seq` need one world: each counts its own requests",
            ));
        }
        return Ok(page.of_all(context).await);
    };
    if let Some((wait, count)) = wait {
        let expectation = Expectation::at_least(count, page.query.clone());
        let expectation = expectation.after(page.after_seq);
        let until = Wait::Until(Instant::now() + wait);
        if let Err(error) = journal
            .verify(&expectation, until, &context.stop, &context.turns)
            .await
        {
            return Ok(ControlReply::Whole(timed_out(context, &error)));
        }
    }
    Ok(page.of(context, journal).await)
}

impl Page {
    fn read(context: &Context, query: &HashMap<String, String>) -> Result<Self, Refusal> {
        if query.contains_key("thumbnails") {
            return Err(bad_request(
                "`thumbnails` is no longer a parameter: GET requests/{trace}/uploads?at=/selfie returns a picture, \
                 for a minute after it came",
            ));
        }
        let mut names: Vec<_> = query.keys().filter(|name| !is_setting(name)).collect();
        names.sort();
        let filters = names
            .into_iter()
            .map(|name| (name.as_str(), Expected::written(&query[name])));
        let newest_first = match query.get("order").map(String::as_str) {
            None | Some("newest") => true,
            Some("oldest") => false,
            Some(other) => return Err(unknown_value("order", other, &ORDERS, None)),
        };
        let limit = parameter(query, "limit", whole_number)?.unwrap_or(LIMIT_DEFAULT);
        let limit = usize::try_from(limit)
            .ok()
            .filter(|limit| *limit <= JOURNAL_ENTRIES_MAX);
        let limit = limit.ok_or_else(|| {
            bad_request(format!(
                "`limit`: a page has {JOURNAL_ENTRIES_MAX} requests at most"
            ))
        })?;
        Ok(Self {
            query: query_of(context, filters, &SETTINGS)?,
            newest_first,
            limit,
            bytes_max: context.page_bytes_max,
            after_seq: parameter(query, "after_seq", whole_number)?.unwrap_or(0),
            before_seq: parameter(query, "before_seq", whole_number)?.unwrap_or(u64::MAX),
        })
    }

    async fn of(&self, context: &Context, journal: JournalOf<'_>) -> ControlReply {
        let mut turn = context.turns.first().await;
        let excerpt = journal.excerpt(self.after_seq);
        let mut matching = Matching::default();
        let range = excerpt.exchanges.iter();
        for exchange in range.filter(|one| one.seq < self.before_seq) {
            turn.pause().await;
            matching.add(&self.query, exchange);
        }
        let Matching {
            mut exchanges,
            not_judged,
        } = matching;
        if self.newest_first {
            exchanges.reverse();
        }
        let (page, left) = self.cut(&exchanges);
        let rest = json!({
            "requests": [],
            "matched": exchanges.len(),
            "not_judged": not_judged,
            "dropped": excerpt.dropped,
            "reaches_into_dropped": self.after_seq < excerpt.dropped_until,
            "last_seq": excerpt.last_seq,
            "next": page.last().filter(|_| left > 0).map(|one| one.seq),
        });
        let mut text = PageText::of(&rest);
        let mask = context.mask();
        for exchange in page {
            turn.pause().await;
            text.add(context, exchange, &mask);
        }
        text.finish()
    }

    /// A page over all worlds, in the order of time. There is no next page: each world counts its own requests.
    async fn of_all(&self, context: &Context) -> ControlReply {
        let mut turn = context.turns.first().await;
        let mut dropped = 0;
        let mut all: Vec<Exchange> = Vec::new();
        let mut matched = 0;
        let mut unknown = Vec::new();
        for world in context.engine.worlds.all() {
            turn.pause().await;
            let excerpt = JournalOf::OfWorld(&world).excerpt(0);
            dropped += excerpt.dropped;
            let mut matching = Matching::default();
            for exchange in &excerpt.exchanges {
                turn.pause().await;
                matching.add(&self.query, exchange);
            }
            if self.newest_first {
                matching.exchanges.reverse();
            }
            matched += matching.exchanges.len();
            unknown.extend(matching.not_judged);
            all.extend(matching.exchanges.into_iter().take(self.limit).cloned());
            if all.len() > 10 * JOURNAL_ENTRIES_MAX {
                self.sort(&mut all);
            }
        }
        self.sort(&mut all);
        let exchanges: Vec<_> = all.iter().collect();
        let (page, _) = self.cut(&exchanges);
        let mut text = PageText::of(&json!({
            "requests": [],
            "matched": matched,
            "not_judged": unknown,
            "dropped": dropped,
            "reaches_into_dropped": dropped > 0,
            "last_seq": null,
            "next": null,
        }));
        let mask = context.mask();
        for exchange in page {
            turn.pause().await;
            text.add(context, exchange, &mask);
        }
        text.finish()
    }

    /// Sorts the exchanges, and drops those that do not fit on the page.
    fn sort(&self, all: &mut Vec<Exchange>) {
        all.sort_by_cached_key(|one| (one.at, one.trace()));
        if self.newest_first {
            all.reverse();
        }
        all.truncate(self.limit);
    }

    /// As many exchanges as a page may have, at least one if there are any, and how many are left.
    fn cut<'m, 'e>(&self, matching: &'m [&'e Exchange]) -> (&'m [&'e Exchange], usize) {
        let mut bytes = 0;
        let fits = |one: &&&Exchange| {
            bytes += one.head.len() + one.request.bytes.len() + one.reply.bytes.len();
            bytes <= self.bytes_max
        };
        let fitting = matching.iter().take(self.limit).take_while(fits).count();
        let at = fitting.max(self.limit.min(matching.len()).min(1));
        (&matching[..at], matching.len() - at)
    }
}

/// The exchanges that match, oldest first, and the traces of those that cannot be judged.
#[derive(Default)]
struct Matching<'e> {
    exchanges: Vec<&'e Exchange>,
    not_judged: Vec<String>,
}

impl<'e> Matching<'e> {
    fn add(&mut self, query: &Query, exchange: &'e Exchange) {
        match query.judge(exchange) {
            Judgement::Meant => self.exchanges.push(exchange),
            Judgement::Other => {}
            Judgement::Unknown => self.not_judged.push(exchange.trace()),
        }
    }
}

/// The JSON of a page. It is written one request at a time, because a page may be large.
struct PageText {
    text: String,
    /// What follows the requests.
    end: String,
    is_empty: bool,
}

impl PageText {
    /// `rest` is the page without its requests.
    fn of(rest: &Value) -> Self {
        let rest = rest.to_string();
        // The other values are numbers and traces, so these characters are only there.
        let (begin, end) = rest
            .split_once("\"requests\":[]")
            .expect("it is a part of a page");
        Self {
            text: format!("{begin}\"requests\":["),
            end: format!("]{end}"),
            is_empty: true,
        }
    }

    fn add(&mut self, context: &Context, exchange: &Exchange, mask: &Mask) {
        let mut json = exchange_json(context, exchange);
        mask.hide(&mut json);
        if !std::mem::take(&mut self.is_empty) {
            self.text.push(',');
        }
        self.text += &json.to_string();
    }

    fn finish(self) -> ControlReply {
        ControlReply::Masked(JSON, (self.text + &self.end).into())
    }
}

fn is_setting(name: &str) -> bool {
    SETTINGS.contains(&name)
}

/// Reads the filters of a URL or of a JSON body. Endpoints and outcomes get the names that the journal uses. `settings`
/// are the other names that could be meant.
pub(super) fn query_of<'n>(
    context: &Context,
    filters: impl Iterator<Item = (&'n str, Expected)>,
    settings: &[&str],
) -> Result<Query, Refusal> {
    let mut query = Query::any();
    for (at, (name, expected)) in filters.enumerate() {
        if at == FILTERS_MAX {
            return Err(bad_request(format!(
                "there are more than {FILTERS_MAX} filters"
            )));
        }
        let field = RequestField::parse(name, settings).map_err(bad_request)?;
        query = if field == RequestField::Status {
            let status = expected.status();
            query.status(status.ok_or_else(|| bad_request("`status` is a number such as 200"))?)
        } else {
            query.with(field, expected)
        };
    }
    let catalogue = context.engine.catalogue();
    query.name(&catalogue).map_err(bad_request)?;
    Ok(query)
}

/// 408, with the requests that came instead.
fn timed_out(context: &Context, error: &NotVerified) -> ControlAnswer {
    let mut body = json!({"error": "timeout"});
    if let (Value::Object(body), Value::Object(error)) = (&mut body, json!(error)) {
        body.extend(error);
    }
    if context.redacts {
        world::redact_not_verified(&mut body, &context.engine.catalogue().personal);
    }
    (StatusCode::REQUEST_TIMEOUT, body)
}
