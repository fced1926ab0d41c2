//! An endpoint that is compiled at its first use.

use std::sync::{Arc, OnceLock};

use super::compile::{self, Proof};
use super::endpoint::{Endpoint, Verb};
use super::outcome::SharedErrors;
use crate::scenario::{ScenarioFile, Source};

/// The place of an endpoint: the facts that routing needs, and the endpoint itself after it is compiled.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) id: String,
    pub(super) path: String,
    pub(super) verb: Verb,
    pub(super) source: Source,
    pub(super) is_asked: bool,
    pub(super) reads_back: bool,
    endpoint: OnceLock<Endpoint>,
    /// The shipped file from which the endpoint is compiled later.
    pub(super) waiting: Option<Arc<ScenarioFile>>,
}

impl Slot {
    /// The endpoint. It is compiled now if it was not compiled before.
    pub(super) fn endpoint(&self, shared_errors: &SharedErrors) -> &Endpoint {
        self.endpoint.get_or_init(|| {
            let stack = self.waiting.iter().map(ScenarioFile::whole).collect();
            let proven = Proof::OfFolders;
            compile::compile_endpoint(&stack, shared_errors, proven, &mut Vec::new())
                .expect("the tests prove every shipped file")
        })
    }

    /// The endpoint, if it is compiled already.
    #[cfg(any(test, fuzzing))]
    pub(super) fn compiled(&self) -> Option<&Endpoint> {
        self.endpoint.get()
    }

    pub(super) fn of(endpoint: Endpoint) -> Self {
        Self {
            id: endpoint.id.to_string(),
            path: endpoint.path.clone(),
            verb: endpoint.verb,
            source: endpoint.source,
            is_asked: endpoint.creation.is_some(),
            reads_back: endpoint.reads_back(),
            endpoint: endpoint.into(),
            waiting: None,
        }
    }

    pub(super) fn waiting(top: &Arc<ScenarioFile>) -> Self {
        let is_get = top
            .method
            .as_ref()
            .is_some_and(|method| method.as_ref() == "GET");
        Self {
            id: top.source_file.id.clone(),
            path: top
                .path
                .as_ref()
                .map_or(String::new(), |path| path.as_ref().clone()),
            verb: if is_get { Verb::Get } else { Verb::Post },
            source: top.source.unwrap_or_default(),
            is_asked: top.listings.is_none(),
            reads_back: top.listings.is_some() || top.id.is_some(),
            endpoint: OnceLock::new(),
            waiting: Some(top.clone()),
        }
    }
}
