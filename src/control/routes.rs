//! What is routed below `/__sandbox/`, as the description of this API has it.

use std::sync::LazyLock;

use hyper::header::{ALLOW, HeaderValue};
use hyper::{Method, Response, StatusCode};
use indexmap::IndexMap;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;

use super::ask::{JSON, written};
use crate::base::listed;
use crate::http::ReplyBody;
use crate::http::{CONTROL_PREFIX, Refusal};

/// This API, described.
pub(super) const OPENAPI: &[u8] = include_bytes!("openapi.json");

const METHODS: [&str; 4] = ["GET", "POST", "PUT", "DELETE"];

/// To look at, with GET; no part of the API.
const PAGES: [&str; 4] = ["", "docs", "llms.txt", "inspector/{name}"];

/// The paths without their first slash, each with its methods.
static ROUTES: LazyLock<Vec<(String, Vec<&str>)>> = LazyLock::new(|| {
    let described: Described = serde_json::from_slice(OPENAPI).expect("the tests read it");
    let described = described.paths.into_iter().map(|(path, operations)| {
        let has = |method: &&str| operations.contains_key(&method.to_ascii_lowercase());
        (
            path[1..].to_owned(),
            METHODS.into_iter().filter(has).collect(),
        )
    });
    described.collect()
});

#[derive(Deserialize)]
struct Described {
    /// Their methods, in lower case.
    paths: IndexMap<String, IndexMap<String, IgnoredAny>>,
}

/// `GET livez, readyz, …; POST …`
pub(crate) fn all() -> String {
    let of_method = |method| {
        let takes = ROUTES.iter().filter(|(_, takes)| takes.contains(&method));
        let paths: Vec<_> = takes.map(|(path, _)| &**path).collect();
        format!("{method} {}", paths.join(", "))
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
    let method = match method.as_str() {
        "HEAD" => "GET",
        method => method,
    };
    let is_there = cfg!(feature = "inspector") || !path.is_empty();
    let takes = methods(&path.split('/').collect::<Vec<_>>())?;
    (is_there && takes.contains(&method)).then(|| format!("{method} {CONTROL_PREFIX}{path}"))
}

/// The answer where nothing is routed: there is no such path, or it does not take the method.
pub(super) fn none(method: &str, parts: &[&str]) -> Result<Response<ReplyBody>, Refusal> {
    let Some(methods) = methods(parts) else {
        return Err(Refusal(
            StatusCode::NOT_FOUND,
            "unknown_control_route",
            format!("known below {CONTROL_PREFIX} are {}", all()),
        ));
    };
    let path = parts.join("/");
    let message = format!(
        "{CONTROL_PREFIX}{path} takes {}, and not `{method}`",
        listed(methods.iter().copied())
    );
    let body = json!({"error": "method_not_allowed", "message": message}).to_string();
    let body = ReplyBody::new(body);
    let mut response = written(StatusCode::METHOD_NOT_ALLOWED, JSON, body);
    let allow = HeaderValue::try_from(methods.join(", ")).expect("methods are plain");
    response.headers_mut().insert(ALLOW, allow);
    Ok(response)
}

/// The methods that a path takes. None where there is no such path.
fn methods(parts: &[&str]) -> Option<&'static [&'static str]> {
    let is_it = |route: &str| {
        let mut route = route.split('/');
        let is_same = |part: &&str| {
            let is_any = |name: &str| name.starts_with('{') && !part.is_empty();
            route
                .next()
                .is_some_and(|name| name == *part || is_any(name))
        };
        parts.iter().all(is_same) && route.next().is_none()
    };
    if PAGES.into_iter().any(is_it) {
        return Some(&["GET"]);
    }
    let route = ROUTES.iter().find(|(route, _)| is_it(route));
    route.map(|(_, methods)| &**methods)
}
