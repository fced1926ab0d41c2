//! The catalogue: all endpoints, routes and dummy data at one moment. A reload makes a new one.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use hyper::Method;
use matchit::Router;
use serde_json::{Map, Value};

use super::dummy::{Dummy, Finding};
use super::endpoint::{Creation, Endpoint, Verb};
use super::near_route::{self, KnownRoute};
use super::outcome::{Outcome, SharedErrors};
use super::personal::PersonalFields;
use super::reply_id::unescaped;
use super::route::{ACCOUNT_ROUTES, CALLBACK_URLS, Route, RouteTarget};
use super::slot::Slot;
use crate::base::{Dice, named_near, nearest, shortened};
use crate::http::{self, ApiError, Code, ErrorCode};
use crate::scenario::{LoadError, Settings, Source, SourceFile};

/// The data from which the sandbox answers. It is never changed, only replaced.
#[derive(Debug)]
pub(crate) struct Catalogue {
    /// The number of the catalogue: 1 at the start, one more after every successful reload.
    pub generation: u64,
    pub(super) slots: Vec<Slot>,
    pub(crate) shared_errors: SharedErrors,
    pub(crate) dummy: Dummy,
    pub(crate) settings: Settings,
    /// The files of folders, in the order in which they were laid over the shipped ones.
    pub(crate) own_files: Vec<Arc<SourceFile>>,
    pub(crate) personal: PersonalFields,
    /// Warnings about content that loads but is probably not meant, in the order of the files.
    pub(crate) warnings: Vec<LoadError>,
    /// The answer of `/openapi.json`, written at the first request for it.
    pub(crate) openapi: OnceLock<Bytes>,
    pub(super) router: Router<RouteTarget>,
}

impl Catalogue {
    /// The endpoints that differ from the shipped ones.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn touched(&self) -> impl Iterator<Item = &Endpoint> {
        let touched = self.slots.iter().filter(|slot| slot.waiting.is_none());
        touched.filter_map(Slot::compiled)
    }

    /// Finds the route of a request by its path in normal form.
    pub(crate) fn route<'a>(&'a self, method: &Method, path: &str) -> Option<Route<'a>> {
        let found = self.router.at(path).ok();
        let reads = matches!(*method, Method::GET | Method::HEAD);
        let posts = *method == Method::POST;
        found.and_then(|found| {
            let text = |name| {
                let segment = found.params.get(name).unwrap_or_default();
                http::segment_text(segment).into_owned()
            };
            match found.value {
                RouteTarget::Health if reads => Some(Route::Health),
                RouteTarget::ApiKeys if reads => Some(Route::ApiKeys {
                    business_id: text("business_id"),
                }),
                RouteTarget::CallbackToken if reads => Some(Route::CallbackToken),
                RouteTarget::CallbackUrls if reads => Some(Route::ListCallbackUrls),
                RouteTarget::CallbackUrls if posts || *method == Method::PATCH => {
                    Some(Route::SetCallbackUrl { may_be_all: !posts })
                }
                RouteTarget::Endpoint(at) => {
                    let is_asked = match self.slots[*at].verb {
                        Verb::Get => reads,
                        Verb::Post => posts,
                    };
                    let segment = |(name, text): (&str, &str)| {
                        (name.to_owned(), Value::from(http::segment_text(text)))
                    };
                    is_asked.then(|| {
                        let path = found.params.iter().map(segment).collect();
                        Route::Ask(self.endpoint_at(*at), path)
                    })
                }
                // The documentation says POST in its headings and GET in its curl examples.
                RouteTarget::Record(at) if reads || posts => {
                    Some(Route::Read(self.endpoint_at(*at), text("id")))
                }
                RouteTarget::Health
                | RouteTarget::ApiKeys
                | RouteTarget::CallbackToken
                | RouteTarget::CallbackUrls
                | RouteTarget::Record(_) => None,
            }
        })
    }

    /// The nearest route to a request without one. `more` are methods and paths outside of the emulated API.
    pub(crate) fn nearest_route(
        &self,
        method: &Method,
        path: &str,
        more: Vec<(&'static str, String)>,
    ) -> Option<String> {
        let more = more.into_iter().map(|(method, path)| KnownRoute {
            method,
            path,
            source: Source::Decided,
        });
        let known = self.routes().chain(more);
        near_route::nearest(method.as_str(), &shortened(path, 200), known)
    }

    /// All routes, first those without a product.
    fn routes(&self) -> impl Iterator<Item = KnownRoute<'_>> {
        let more = [("GET", CALLBACK_URLS), ("PATCH", CALLBACK_URLS)];
        let account = ACCOUNT_ROUTES
            .iter()
            .map(|(method, path, _)| (*method, *path));
        let account = account.chain(more).map(|(method, path)| KnownRoute {
            method,
            path: path.to_owned(),
            source: Source::Documented,
        });
        let products = self.slots.iter().flat_map(|slot| {
            let route = |method, path| KnownRoute {
                method,
                path,
                source: slot.source,
            };
            let ask = (slot.is_asked).then(|| route(slot.verb.name(), slot.path.clone()));
            let read = (slot.reads_back).then(|| route("GET", format!("{}/{{id}}", slot.path)));
            ask.into_iter().chain(read)
        });
        account.chain(products)
    }

    pub(crate) fn endpoint(&self, id: &str) -> Option<&Endpoint> {
        let at = self.slots.iter().position(|slot| *slot.id == *id)?;
        Some(self.endpoint_at(at))
    }

    /// The endpoint with this id or with this path. The id may be escaped as in `x-sandbox-outcome`.
    pub(crate) fn endpoint_named(&self, name: &str) -> Option<&Endpoint> {
        let at = |name: &str| {
            let mut slots = self.slots.iter();
            slots.position(|slot| *slot.id == *name || slot.path == name)
        };
        let at = at(name).or_else(|| at(&unescaped(name)?))?;
        Some(self.endpoint_at(at))
    }

    /// Like [`Catalogue::endpoint_named`]. The error is a message that the endpoint does not exist.
    pub(crate) fn known_endpoint(&self, name: &str) -> Result<&Endpoint, String> {
        self.endpoint_named(name)
            .ok_or_else(|| self.unknown_endpoint(name, String::new))
    }

    /// Says that there is no endpoint of this name, with the nearest id, or the nearest path if the name is one.
    /// `otherwise` ends the sentence where none is near.
    pub(crate) fn unknown_endpoint(
        &self,
        name: &str,
        otherwise: impl FnOnce() -> String,
    ) -> String {
        let is_path = name.starts_with('/');
        let known = self.slots.iter();
        let known = known.map(|slot| if is_path { &*slot.path } else { &*slot.id });
        match nearest(name, known) {
            Some(near) => {
                let near = named_near(name, near);
                format!("there is no endpoint `{name}`: did you mean {near}?")
            }
            None => format!("there is no endpoint `{name}`{}", otherwise()),
        }
    }

    /// All endpoints, in the order of their paths.
    pub(crate) fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        (0..self.slots.len()).map(|at| self.endpoint_at(at))
    }

    pub(crate) fn endpoint_count(&self) -> usize {
        self.slots.len()
    }

    fn endpoint_at(&self, at: usize) -> &Endpoint {
        self.slots[at].endpoint(&self.shared_errors)
    }

    /// The outcome with the status and the message of an error that the sandbox answers on its own.
    pub(crate) fn error(&self, code: ErrorCode) -> &super::outcome::Outcome {
        &self.shared_errors[code.name()]
    }
}

/// The outcome with the status and the message of an error.
pub(crate) fn error_outcome<'c>(
    catalogue: &'c Catalogue,
    endpoint: Option<&'c Endpoint>,
    error: &ApiError,
) -> &'c Outcome {
    match &error.code {
        Code::Known(code) => catalogue.error(*code),
        Code::Outcome(name) => endpoint
            .and_then(|endpoint| endpoint.outcomes.get(name))
            .or_else(|| catalogue.shared_errors.get(name))
            .expect("outcomes are named only where they exist"),
    }
}

/// Looks up the dummy data for the placeholders of a reply whose outcome the dummy data did not choose. It
/// always finds something, because the outcome is already decided. None if the endpoint has no lookup.
pub(crate) fn find_dummy_data(
    seed: u64,
    catalogue: &Catalogue,
    creation: &Creation,
    input: &Map<String, Value>,
    dice: &mut Dice,
) -> Option<Finding> {
    let rule = creation.lookup.as_ref()?;
    Some((rule.lookup).assume_found(&catalogue.dummy, seed, rule.asked(input), dice))
}

/// The last outcome of the endpoint's default: what a record becomes in the end.
pub(crate) fn final_outcome(endpoint: &Endpoint) -> Option<&Arc<Outcome>> {
    let mut outcome = &endpoint.creation.as_ref()?.default;
    while let Some(then) = outcome.then.last() {
        outcome = &endpoint.outcomes[&then.outcome];
    }
    Some(outcome)
}
