//! The message when there is no such route: the route that is probably meant, and why it was missed.

use hyper::Method;

use super::engine::Engine;
use crate::catalogue::{Catalogue, asked_route, shown_path};
use crate::http::{Call, PageRequest};

const TWO_SLASHES: &str = "The path has two slashes in a row: does your base URL end with a slash?";
const LAST_SLASH: &str = "The path ends with a slash: leave it out";
const WHOLE_URL: &str =
    "The path contains a whole URL: send the path alone, without scheme and host.";

/// Where a client finds the route that it means, if none is near.
const ALL_ROUTES: &str = " GET /openapi.json lists all routes.";

pub(super) fn no_route(engine: &Engine, catalogue: &Catalogue, call: &Call) -> String {
    let asked = asked_route(call.method(), call.sent_path());
    if let Some(page @ PageRequest::Preflight) = PageRequest::of(call) {
        return format!("There is no {asked} here: {}.", page.advice());
    }
    let path = call.path();
    if let Some(own) = (engine.own_route)(call.method(), &shown_path(&path)) {
        return format!("There is no {asked} here. The sandbox's own is {own}.");
    }
    let hint = nearest_route_hint(engine, catalogue, call, ALL_ROUTES);
    format!("There is no {asked} here.{hint}")
}

/// Sentences that name the nearest route, of the products or of the control API, and a wrong slash. `otherwise` is the
/// sentence where no route is near. Each begins with a blank.
pub(crate) fn nearest_route_hint(
    engine: &Engine,
    catalogue: &Catalogue,
    call: &Call,
    otherwise: &str,
) -> String {
    let (method, path) = (call.method(), call.path());
    let nearest = catalogue.nearest_route(method, &path, (engine.own_routes)());
    let nearest = nearest.map(|route| format!(" The nearest is {route}."));
    let slash = slash_hint(method, &path).map_or(String::new(), |hint| format!(" {hint}"));
    nearest.unwrap_or_else(|| otherwise.to_owned()) + &slash
}

fn slash_hint(method: &Method, path: &str) -> Option<String> {
    if path.contains("://") {
        Some(WHOLE_URL.to_owned())
    } else if path.contains("//") {
        Some(TWO_SLASHES.to_owned())
    } else if path.len() > 1 && path.ends_with('/') {
        let or_id = match *method {
            Method::GET | Method::HEAD => ", or write an id after it",
            _ => "",
        };
        Some(format!("{LAST_SLASH}{or_id}."))
    } else {
        None
    }
}
