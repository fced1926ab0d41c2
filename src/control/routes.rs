//! The routes below `/__sandbox/`, one row each. What depends on a route reads its row. A test compares the rows with
//! `openapi.json`.

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use hyper::header::HeaderValue;
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};

use self::Handler::{Custom, CustomAsync, OwnWorld, OwnWorldAsync, Page, Plain, PlainAsync};
use super::ask::{ControlAnswer, ControlReply, ControlRequest, JSON, secrets};
use super::context::Context;
use super::{
    callback_urls, catalog, clock, coverage, deliveries, dummy_values, events, explain, export,
    faults, fidelity, inbox, metrics, next, readyz, requests, schema, setup, snapshot, state,
    summary, trigger, unused, uploads, verify, worlds,
};
use crate::answer::nearest_route_hint;
use crate::base::listed;
use crate::catalogue::asked_route;
use crate::http::{self, BODY_BYTES_MAX, CONTROL_PREFIX, Call, Refusal};
use crate::world::{SNAPSHOT_BYTES_MAX, World};

/// The description of this API.
const OPENAPI: &[u8] = include_bytes!("openapi.json");

const METHODS: [&str; 4] = ["GET", "POST", "PUT", "DELETE"];

/// Documents that `pages::answer_document` answers before the guard is asked.
const DOCUMENTS: [&str; 2] = ["docs", "llms.txt"];

/// In the order of `openapi.json`; the rows of one path in the order of `METHODS`.
#[rustfmt::skip] // one line a row
static ROUTES: &[ControlRoute] = &[
    get("", Page(setup::page)).with_any_parameters(),
    get("inspector/{name}", Page(setup::page_file)).with_any_parameters(),
    get("livez", Plain(|_| Ok(readyz::alive()))).with_any_parameters(),
    get("readyz", PlainAsync(|request| Box::pin(async move { Ok(readyz::answer(request).await) }))).with_any_parameters(),
    get("metrics", CustomAsync(|request| Box::pin(metrics::answer(request)))),
    get("openapi.json", Custom(|_| Ok(ControlReply::Document(JSON, Bytes::from_static(OPENAPI)))))
        .with_unmasked(Unmasked::All),
    get("catalog", Plain(catalog::answer)).with_unmasked(Unmasked::Scenarios).with_parameters(&["endpoint", "format"]),
    get("coverage", PlainAsync(|request| Box::pin(coverage::answer(request))))
        .with_repeatable(&["endpoint", "ignore"]).with_unmasked(Unmasked::Scenarios)
        .with_parameters(&["endpoint", "only", "ignore", "min", "format", "world"]),
    get("fidelity", Plain(|request| Ok(fidelity::answer(request)))).with_unmasked(Unmasked::Scenarios),
    get("explain/{trace}", Plain(explain::answer)),
    get("worlds", PlainAsync(|request| Box::pin(worlds::list(request)))),
    post("worlds", PlainAsync(|request| Box::pin(worlds::mint(request)))).with_unmasked(OWN_SECRETS),
    delete("worlds", PlainAsync(|request| Box::pin(worlds::end(request)))),
    get("world", OwnWorld(|request, world| Ok(secrets(request.context, world)))).with_unmasked(OWN_SECRETS),
    post("reset", OwnWorldAsync(|_, world| Box::pin(worlds::reset(world)))),
    get("snapshot", CustomAsync(|request| Box::pin(snapshot::answer(request)))).with_unmasked(Unmasked::All),
    put("snapshot", OwnWorldAsync(|request, world| Box::pin(snapshot::restore(request, world))))
        .with_body_bytes_max(SNAPSHOT_BYTES_MAX),
    post("state", PlainAsync(|request| Box::pin(state::write(request)))),
    get("requests", CustomAsync(|request| Box::pin(requests::list(request)))).with_any_parameters(),
    get("requests/{trace}/uploads", Custom(uploads::answer)).with_parameters(&["at"]),
    post("verify", PlainAsync(|request| Box::pin(verify::answer(request)))).with_parameters(&["world"]),
    get("export", CustomAsync(|request| Box::pin(export::answer(request)))).with_parameters(&["world"]),
    get("next", OwnWorld(|_, world| Ok(next::show(world)))),
    post("next", OwnWorld(next::queue)),
    delete("next", OwnWorld(next::clear)).with_parameters(&["endpoint"]),
    get("faults", OwnWorld(|request, world| Ok(faults::show(world, request.call.received_at)))),
    put("faults", OwnWorld(faults::put)),
    delete("faults", OwnWorld(|request, world| Ok(faults::heal(world, request.call.received_at)))),
    get("deliveries", OwnWorldAsync(|request, world| Box::pin(deliveries::list(request, world))))
        .with_unmasked(Unmasked::TokenHeader).with_parameters(&[
            "type", "record", "state", "traceparent", "request_id", "after_seq", "wait", "count", "limit",
        ]),
    post("deliveries/{id}/redeliver", OwnWorld(deliveries::redeliver)).with_unmasked(Unmasked::TokenHeader),
    post("trigger", OwnWorld(trigger::answer)).with_unmasked(Unmasked::TokenHeader),
    get("idle", OwnWorldAsync(|request, world| Box::pin(deliveries::idle(request, world)))).with_parameters(&["wait"]),
    get("unused", OwnWorld(|_, world| Ok(unused::answer(world)))),
    get("summary", Custom(summary::answer)),
    get("clock", OwnWorld(|_, world| Ok(clock::show(world)))),
    post("clock", OwnWorldAsync(|request, world| Box::pin(clock::set(request, world)))),
    post("clock/advance", OwnWorldAsync(|request, world| Box::pin(clock::advance(request, world)))),
    get("events", Custom(events::open)).with_parameters(&["world", "backlog"]),
    get("callback_urls", OwnWorld(|request, world| Ok(callback_urls::list(request, world)))),
    put("callback_urls", OwnWorld(callback_urls::put)),
    get("schema", Plain(schema::answer)).with_unmasked(Unmasked::Scenarios).with_parameters(&["endpoint"]),
    post("dummy_values", Plain(dummy_values::answer)).with_unmasked(Unmasked::Scenarios),
    get("setup", Plain(|request| Ok(setup::setup(request)))).with_unmasked(Unmasked::Scenarios),
    get("inbox", PlainAsync(|request| Box::pin(inbox::names(request)))),
    get("inbox/{name}", PlainAsync(|request| Box::pin(inbox::list(request)))).with_unmasked(Unmasked::TokenHeader)
        .with_parameters(&["wait", "count", "after_seq"]),
    post("inbox/{name}", Plain(inbox::receive)).with_parameters(&["status", "times"]),
    delete("inbox/{name}", Plain(inbox::clear)),
];

/// A receiver of callbacks needs these.
const OWN_SECRETS: Unmasked =
    Unmasked::Fields(&["api_key", "callback_token", "callback_signing_secret"]);

/// What a route shows that the mask would hide. A refusal has no exception, because it may repeat what was sent.
#[derive(Clone, Copy, Debug)]
pub(super) enum Unmasked {
    Nothing,
    /// These fields of the reply: its caller asks for its own secrets.
    Fields(&'static [&'static str]),
    /// The texts of scenario files with their dummy data, and the documentation's key in curl lines. No client wrote
    /// them.
    Scenarios,
    /// The caller's own callback token in the headers of callbacks, because tests compare it.
    TokenHeader,
    /// A document of the sandbox itself, or a snapshot, which must be restored as it was.
    All,
}

/// A row: a method, a path, and what answers there.
pub(super) struct ControlRoute {
    method: &'static str,
    /// The path without `/__sandbox/`. `{…}` stands for any one part; a pattern has at most one of these.
    pattern: &'static str,
    pub handler: Handler,
    /// How large the body of a request may be.
    body_bytes_max: usize,
    /// The parameters of its query. None if the handler reads any: the filters of requests, and health checks, which
    /// monitors extend.
    pub parameters: Option<&'static [&'static str]>,
    /// The parameters that may come more than once.
    pub repeatable: &'static [&'static str],
    pub unmasked: Unmasked,
}

/// The function that answers, and whose world it answers for.
pub(super) enum Handler {
    /// No part of the API, but a page that uses it.
    Page(fn(ControlRequest<'_>) -> Result<ControlReply, Refusal>),
    /// For no world, or for worlds that the function finds itself.
    Plain(fn(ControlRequest<'_>) -> Result<ControlAnswer, Refusal>),
    PlainAsync(for<'a> fn(ControlRequest<'a>) -> AnswerFuture<'a>),
    /// The same, answered with more than a status and JSON.
    Custom(fn(ControlRequest<'_>) -> Result<ControlReply, Refusal>),
    CustomAsync(for<'a> fn(ControlRequest<'a>) -> ReplyFuture<'a>),
    /// For the caller's own world.
    OwnWorld(fn(ControlRequest<'_>, &Arc<World>) -> Result<ControlAnswer, Refusal>),
    OwnWorldAsync(for<'a> fn(ControlRequest<'a>, &'a Arc<World>) -> AnswerFuture<'a>),
}

pub(super) type AnswerFuture<'a> =
    Pin<Box<dyn Future<Output = Result<ControlAnswer, Refusal>> + Send + 'a>>;

pub(super) type ReplyFuture<'a> =
    Pin<Box<dyn Future<Output = Result<ControlReply, Refusal>> + Send + 'a>>;

const fn get(pattern: &'static str, handler: Handler) -> ControlRoute {
    ControlRoute::new("GET", pattern, handler)
}

const fn post(pattern: &'static str, handler: Handler) -> ControlRoute {
    ControlRoute::new("POST", pattern, handler)
}

const fn put(pattern: &'static str, handler: Handler) -> ControlRoute {
    ControlRoute::new("PUT", pattern, handler)
}

const fn delete(pattern: &'static str, handler: Handler) -> ControlRoute {
    ControlRoute::new("DELETE", pattern, handler)
}

impl ControlRoute {
    const fn new(method: &'static str, pattern: &'static str, handler: Handler) -> Self {
        Self {
            method,
            pattern,
            handler,
            body_bytes_max: BODY_BYTES_MAX,
            parameters: Some(&[]),
            repeatable: &[],
            unmasked: Unmasked::Nothing,
        }
    }

    const fn with_body_bytes_max(mut self, body_bytes_max: usize) -> Self {
        self.body_bytes_max = body_bytes_max;
        self
    }

    const fn with_parameters(mut self, parameters: &'static [&'static str]) -> Self {
        self.parameters = Some(parameters);
        self
    }

    const fn with_any_parameters(mut self) -> Self {
        self.parameters = None;
        self
    }

    const fn with_repeatable(mut self, parameters: &'static [&'static str]) -> Self {
        self.repeatable = parameters;
        self
    }

    const fn with_unmasked(mut self, unmasked: Unmasked) -> Self {
        self.unmasked = unmasked;
        self
    }

    /// Whether a request may change the world it is for.
    pub(super) fn changes_something(&self) -> bool {
        self.method != "GET"
    }

    fn is_page(&self) -> bool {
        matches!(self.handler, Page(_))
    }

    /// The part of a path in the place of `{…}`, or an empty text where the pattern has no `{…}`. None where the path
    /// does not fit. An empty part fits too: the handler says what is wrong with it.
    fn parameter_in<'p>(&self, path: &'p str) -> Option<&'p str> {
        let mut parameter = "";
        let mut parts = path.split('/');
        for name in self.pattern.split('/') {
            let part = parts.next()?;
            if name.starts_with('{') {
                parameter = part;
            } else if name != part {
                return None;
            }
        }
        parts.next().is_none().then_some(parameter)
    }

    /// Whether this is the path, with something in the place of `{…}`.
    fn is_at(&self, path: &str) -> bool {
        let parameter = self.parameter_in(path);
        parameter.is_some_and(|parameter| !parameter.is_empty() || !self.pattern.contains('{'))
    }
}

/// The method by which a request is routed.
pub(super) fn routed_method(method: &Method) -> &str {
    match method.as_str() {
        "HEAD" => "GET",
        method => method,
    }
}

/// The route of a request and its path parameter. `path` is without the prefix.
pub(super) fn find<'p>(method: &str, path: &'p str) -> Option<(&'static ControlRoute, &'p str)> {
    let mut of_method = ROUTES.iter().filter(|route| route.method == method);
    of_method.find_map(|route| Some((route, route.parameter_in(path)?)))
}

/// How large the body of a request may be: of all of them only a snapshot may be large.
pub(crate) fn body_bytes_max(head: &Parts) -> usize {
    let path = http::normal_path(head.uri.path());
    let path = path.strip_prefix(CONTROL_PREFIX);
    let found = path.and_then(|path| find(head.method.as_str(), path));
    found.map_or(BODY_BYTES_MAX, |(route, _)| route.body_bytes_max)
}

/// `GET livez, readyz, …; POST …`
pub(crate) fn all() -> String {
    let of_method = |method| {
        let routes = ROUTES.iter().filter(|route| !route.is_page());
        let of_method = routes.filter(|route| route.method == method);
        let patterns: Vec<_> = of_method.map(|route| route.pattern).collect();
        format!("{method} {}", patterns.join(", "))
    };
    METHODS.map(of_method).join("; ")
}

/// What a request meant that is no product's: the sandbox's own, without its prefix.
pub(crate) fn own_route(method: &Method, path: &str) -> Option<String> {
    let path = path.strip_prefix('/')?;
    let path = match path.strip_suffix('/').unwrap_or(path) {
        "healthz" => "readyz",
        path => path,
    };
    let method = routed_method(method);
    let is_there = cfg!(feature = "inspector") || !path.is_empty();
    let takes = methods(path).contains(&method);
    (is_there && takes).then(|| format!("{method} {CONTROL_PREFIX}{path}"))
}

/// The methods and paths of all routes but pages.
pub(crate) fn own_routes() -> Vec<(&'static str, String)> {
    let routes = ROUTES.iter().filter(|route| !route.is_page());
    let patterns = routes.map(|route| (route.method, route.pattern));
    let documents = DOCUMENTS.map(|document| ("GET", document));
    let path = |(method, pattern)| (method, format!("{CONTROL_PREFIX}{pattern}"));
    patterns.chain(documents).map(path).collect()
}

/// The answer where nothing is routed: there is no such path, or it does not take the method.
pub(super) fn none(context: &Context, call: &Call, path: &str) -> Refusal {
    let methods = methods(path);
    if methods.is_empty() {
        let engine = &context.engine;
        let asked = asked_route(call.method(), call.sent_path());
        let hint = nearest_route_hint(engine, &engine.catalogue(), call, "");
        return Refusal(
            StatusCode::NOT_FOUND,
            "unknown_control_route",
            format!(
                "there is no {asked}.{hint} Known below {CONTROL_PREFIX} are {}",
                all()
            ),
        );
    }
    let message = format!(
        "{CONTROL_PREFIX}{path} takes {}, and not `{}`",
        listed(methods.iter().copied()),
        call.method()
    );
    Refusal(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        message,
    )
}

/// The value of `allow` for a path that does not take the method of a request.
pub(super) fn allow(path: &str) -> HeaderValue {
    HeaderValue::try_from(methods(path).join(", ")).expect("methods are plain")
}

/// The methods that a path takes. Empty where there is no such path.
fn methods(path: &str) -> Vec<&'static str> {
    if DOCUMENTS.contains(&path) {
        return vec!["GET"];
    }
    let routes = ROUTES.iter().filter(|route| route.is_at(path));
    routes.map(|route| route.method).collect()
}
