//! The catalogue: every endpoint, route and piece of dummy data of one moment. A reload makes a new one.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use hyper::Method;
use matchit::Router;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::compile::{self, Proof, Stack};
use super::dummy::{Dummy, Finding};
use super::endpoint::{Creation, Endpoint, Verb};
use super::load::{
    ACCOUNT_ROUTES, Place, check_data_extensions, check_links, router, stack_up, whole,
};
use super::outcome::{Outcome, SharedErrors};
use super::slot::Slot;
use crate::base::{Dice, nearest};
use crate::http::{ALL_CODES, ApiError, Code, ErrorCode};
use crate::scenario::{self, DateForm, LoadError, LoadErrors, ScenarioFile, Settings};

/// Everything the sandbox answers from. Never changed, only replaced.
#[derive(Debug)]
pub(crate) struct Catalogue {
    /// 1 for the one that the sandbox started with, one more with every reload that succeeded.
    pub generation: u64,
    slots: Vec<Slot>,
    pub(crate) shared_errors: SharedErrors,
    pub(crate) dummy: Dummy,
    pub(crate) settings: Settings,
    /// What loaded and is hardly meant, in the order of the files.
    pub(crate) warnings: Vec<LoadError>,
    /// What `/openapi.json` answers, written when it is first asked for.
    pub(crate) openapi: OnceLock<Bytes>,
    router: Router<Place>,
}

/// Where a request goes.
#[derive(Debug)]
pub(crate) enum Route<'a> {
    Health,
    ApiKeys {
        business_id: &'a str,
    },
    CallbackToken,
    ListCallbackUrls,
    /// For one type, or with a PATCH for all.
    SetCallbackUrl {
        may_be_all: bool,
    },
    /// A product, and what its path brings when it is asked with a GET.
    Ask(&'a Endpoint, Map<String, Value>),
    Read(&'a Endpoint, &'a str),
}

impl Route<'_> {
    /// What a log may show: unlike the path it holds nothing of the client's.
    pub(crate) fn shown(&self) -> Arc<str> {
        match self {
            Self::Health => "health".into(),
            Self::ApiKeys { .. } => "api_keys".into(),
            Self::CallbackToken => "callback_token".into(),
            Self::ListCallbackUrls | Self::SetCallbackUrl { .. } => "callback_urls".into(),
            Self::Ask(endpoint, _) | Self::Read(endpoint, _) => endpoint.id.clone(),
        }
    }
}

impl Catalogue {
    /// Loads the shipped files, then lays each folder over them. What is shipped is taken as proven.
    pub(crate) fn load(folders: &[PathBuf], dates: Option<DateForm>) -> Result<Self, LoadErrors> {
        Self::read(folders, dates, Proof::OfFolders, scenario::no_pause)
            .map_err(LoadErrors::of_found)
    }

    /// The same beside requests that are being answered.
    pub(crate) fn reload(folders: &[PathBuf], dates: Option<DateForm>) -> Result<Self, LoadErrors> {
        let pause = scenario::let_requests_go_first;
        Self::read(folders, dates, Proof::OfFolders, pause).map_err(LoadErrors::of_found)
    }

    /// Loads, and proves the shipped files as well. Of broken files the warnings are told too.
    pub(crate) fn check(folders: &[PathBuf]) -> Result<Self, Vec<LoadError>> {
        Self::read(folders, None, Proof::OfAll, scenario::no_pause)
    }

    fn read(
        folders: &[PathBuf],
        dates: Option<DateForm>,
        proof: Proof,
        pause: fn(),
    ) -> Result<Self, Vec<LoadError>> {
        let (mut layers, mut found) = scenario::read_files(folders, pause);
        if proof == Proof::OfAll {
            found.extend(scenario::prove_shipped());
        }
        layers.settings.dates = dates.or(layers.settings.dates);
        Self::of_read(layers, proof, found, pause)
    }

    /// The shipped files with one laid over them that lies in no folder.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn with_file(
        source: &Arc<crate::scenario::SourceFile>,
    ) -> Result<Self, Vec<LoadError>> {
        let (layers, found) = scenario::read_text_over(source);
        Self::of_read(layers, Proof::OfFolders, found, scenario::no_pause)
    }

    /// The endpoints that are not as they are shipped.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn touched(&self) -> impl Iterator<Item = &Endpoint> {
        let touched = self.slots.iter().filter(|slot| slot.waiting.is_none());
        touched.filter_map(|slot| slot.endpoint.get())
    }

    fn of_read(
        layers: scenario::Layers,
        proof: Proof,
        mut found: Vec<LoadError>,
        pause: fn(),
    ) -> Result<Self, Vec<LoadError>> {
        let catalogue = Self::of_layers(layers, proof, &mut found, pause);
        found.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
        found.dedup();
        match catalogue {
            Some(catalogue) if !found.iter().any(LoadError::is_error) => Ok(Self {
                warnings: found,
                ..catalogue
            }),
            _ => Err(found),
        }
    }

    fn of_layers(
        layers: scenario::Layers,
        proof: Proof,
        errors: &mut Vec<LoadError>,
        pause: fn(),
    ) -> Option<Self> {
        let stacks = stack_up(&layers, errors);
        let errors_stack = stacks.get("errors").map_or(Stack::new(), whole);
        let shared_errors = compile::compile_shared_errors(&errors_stack, errors);
        // What is shipped and touched by nobody is sound, and compiled when it is first asked for.
        let may_wait = |stack: &Stack| {
            proof == Proof::OfFolders
                && matches!(stack.as_slice(), [only] if only.is_top())
                && errors_stack.iter().all(|file| file.source_file.shipped)
        };
        for code in ALL_CODES {
            if !shared_errors.contains_key(code.name()) {
                let file = stacks.get("errors").and_then(|stack| stack.last());
                errors.push(LoadError::of_file(
                    file.map_or("errors.toml", |file| file.source_file.name.as_str()),
                    format!(
                        "the outcome `{}` is missing: the sandbox itself answers with it",
                        code.name()
                    ),
                ));
            }
        }
        let mut slots = Vec::new();
        for (id, stack) in &stacks {
            pause();
            if stack[0].is_only_data {
                check_data_extensions(stack, errors);
            } else if id == "errors" {
            } else if may_wait(stack) {
                slots.push(Slot::waiting(&stack[0]));
            } else {
                let stack = whole(stack);
                let compiled = compile::compile_endpoint(&stack, &shared_errors, proof, errors);
                slots.extend(compiled.map(Slot::of));
            }
        }
        slots.sort_by(|a, b| a.path.cmp(&b.path));
        check_links(&stacks, errors);
        let router = router(&stacks, &slots, errors)?;
        let files = stacks.into_values().flatten().collect();
        let dummy = Dummy::new(files, layers.settings.dates.unwrap_or_default());
        Some(Self {
            generation: 1,
            slots,
            shared_errors,
            dummy,
            settings: layers.settings,
            warnings: Vec::new(), // known when everything has been looked at
            openapi: OnceLock::new(),
            router,
        })
    }

    /// Finds where a request goes, or the nearest route there is.
    pub(crate) fn route<'a>(
        &'a self,
        method: &Method,
        path: &'a str,
    ) -> Result<Route<'a>, Option<String>> {
        let found = self.router.at(path).ok();
        let reads = matches!(*method, Method::GET | Method::HEAD);
        let posts = *method == Method::POST;
        let route = found.and_then(|found| match found.value {
            Place::Health if reads => Some(Route::Health),
            Place::ApiKeys if reads => Some(Route::ApiKeys {
                business_id: found.params.get("business_id").unwrap_or_default(),
            }),
            Place::CallbackToken if reads => Some(Route::CallbackToken),
            Place::CallbackUrls if reads => Some(Route::ListCallbackUrls),
            Place::CallbackUrls if posts || *method == Method::PATCH => {
                Some(Route::SetCallbackUrl { may_be_all: !posts })
            }
            Place::Endpoint(at) => {
                let is_asked = match self.slots[*at].verb {
                    Verb::Get => reads,
                    Verb::Post => posts,
                };
                let segment = |(name, text): (&str, &str)| {
                    let text = percent_decode_str(text).decode_utf8_lossy();
                    (name.to_owned(), Value::from(text))
                };
                is_asked.then(|| {
                    let path = found.params.iter().map(segment).collect();
                    Route::Ask(self.endpoint_at(*at), path)
                })
            }
            // The documentation's headings say POST where its curls send GET.
            Place::Record(at) if reads || posts => Some(Route::Read(
                self.endpoint_at(*at),
                found.params.get("id").unwrap_or_default(),
            )),
            _ => None,
        });
        route.ok_or_else(|| self.nearest_route(method, path))
    }

    fn nearest_route(&self, method: &Method, path: &str) -> Option<String> {
        let asked = asked_route(method, path);
        let routes = self.routes().into_iter();
        routes
            .map(|route| (strsim::jaro_winkler(&asked, &route), route))
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, route)| route)
    }

    /// Every route as a client would write it: `POST /v0/…`.
    fn routes(&self) -> Vec<String> {
        let more = ["GET /v1/callback/urls", "PATCH /v1/callback/urls"].map(str::to_owned);
        let account = ACCOUNT_ROUTES
            .iter()
            .map(|(method, path, _)| format!("{method} {path}"));
        let products = self.slots.iter().flat_map(|slot| {
            let ask = slot
                .is_asked
                .then(|| format!("{} {}", slot.verb.name(), slot.path));
            let read = slot.reads_back.then(|| format!("GET {}/{{id}}", slot.path));
            ask.into_iter().chain(read)
        });
        account.chain(more).chain(products).collect()
    }

    pub(crate) fn endpoint(&self, id: &str) -> Option<&Endpoint> {
        let at = self.slots.iter().position(|slot| *slot.id == *id)?;
        Some(self.endpoint_at(at))
    }

    /// The endpoint of an id, or of a path as a client asks for it.
    pub(crate) fn endpoint_named(&self, name: &str) -> Option<&Endpoint> {
        let named = |slot: &Slot| *slot.id == *name || slot.path == name;
        let at = self.slots.iter().position(named)?;
        Some(self.endpoint_at(at))
    }

    /// As [`Catalogue::endpoint_named`], or the sentence that says that there is none.
    pub(crate) fn known_endpoint(&self, name: &str) -> Result<&Endpoint, String> {
        self.endpoint_named(name).ok_or_else(|| {
            let known = self.endpoints().map(|endpoint| &*endpoint.id);
            let near = nearest(name, known)
                .map_or(String::new(), |near| format!(": did you mean `{near}`?"));
            format!("there is no endpoint `{name}`{near}")
        })
    }

    /// Every endpoint, in the order of their paths.
    pub(crate) fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        (0..self.slots.len()).map(|at| self.endpoint_at(at))
    }

    pub(crate) fn endpoint_count(&self) -> usize {
        self.slots.len()
    }

    fn endpoint_at(&self, at: usize) -> &Endpoint {
        let slot = &self.slots[at];
        slot.endpoint.get_or_init(|| {
            let stack = slot.waiting.iter().map(ScenarioFile::whole).collect();
            let proven = Proof::OfFolders;
            compile::compile_endpoint(&stack, &self.shared_errors, proven, &mut Vec::new())
                .expect("the tests prove every shipped file")
        })
    }

    /// The status and words of an error that the sandbox itself answers with.
    pub(crate) fn error(&self, code: ErrorCode) -> &super::outcome::Outcome {
        &self.shared_errors[code.name()]
    }
}

/// A route as a client asked for it. The path is the client's own words: taken only as far as it is short and plain.
pub(crate) fn asked_route(method: &Method, path: &str) -> String {
    let path: String = path.chars().filter(|c| !c.is_control()).take(200).collect();
    format!("{method} {path}")
}

/// The outcome with the status and the words of an error.
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

/// What the holes of a reply refer to that was not chosen by the dummy data: what there is to find.
pub(crate) fn found(
    seed: u64,
    catalogue: &Catalogue,
    creation: &Creation,
    input: &Map<String, Value>,
    dice: &mut Dice,
) -> Option<Finding> {
    let rule = creation.lookup.as_ref()?;
    Some((rule.lookup).assume_found(&catalogue.dummy, seed, rule.asked(input), dice))
}

/// The endpoint whose sample stands for a callback type: the one that says so, else the first.
pub(crate) fn endpoint_of_type<'c>(
    catalogue: &'c Catalogue,
    callback_type: &str,
) -> Option<&'c Endpoint> {
    let of_type = || {
        let endpoints = catalogue.endpoints();
        endpoints.filter(|endpoint| endpoint.callback_type.as_deref() == Some(callback_type))
    };
    of_type()
        .find(|endpoint| endpoint.tests_callbacks)
        .or_else(|| of_type().next())
}

/// Every callback type there is, in the order of the endpoints.
pub(crate) fn callback_types(catalogue: &Catalogue) -> Vec<&str> {
    let mut types = Vec::new();
    for endpoint in catalogue.endpoints() {
        if let Some(callback_type) = endpoint.callback_type.as_deref()
            && !types.contains(&callback_type)
        {
            types.push(callback_type);
        }
    }
    types
}

/// What the endpoint's default ends in.
pub(crate) fn final_outcome(endpoint: &Endpoint) -> Option<&Arc<Outcome>> {
    let mut outcome = &endpoint.creation.as_ref()?.default;
    while let Some(then) = outcome.then.last() {
        outcome = &endpoint.outcomes[&then.outcome];
    }
    Some(outcome)
}
