//! Warnings of a run: keys of the live environment, and requests that may hold data of a real person.

use std::sync::{Arc, Mutex};

use indexmap::IndexMap;

use crate::base::lock;

/// Different warnings that are counted apart.
const WARNINGS_MAX: usize = 1000;

/// How often each warning was given, in the order of their first time. A reset does not remove them.
#[derive(Debug, Default)]
pub(crate) struct Warnings(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    given: IndexMap<Warning, u64>,
    /// Warnings beyond the limit.
    uncounted: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Warning {
    pub kind: WarningKind,
    /// The tag of the world. None if the request had none.
    pub world: Option<String>,
    /// The id of the endpoint. None for the account's paths.
    pub endpoint: Option<Arc<str>>,
    /// It holds the names of fields and no values.
    pub message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum WarningKind {
    LiveKey,
    PersonalData,
}

impl WarningKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::LiveKey => "live_key",
            Self::PersonalData => "personal_data",
        }
    }
}

impl Warnings {
    pub(crate) fn note(&self, warning: Warning) {
        let mut counts = lock(&self.0);
        if let Some(count) = counts.given.get_mut(&warning) {
            *count += 1;
        } else if counts.given.len() < WARNINGS_MAX {
            counts.given.insert(warning, 1);
        } else {
            counts.uncounted += 1;
        }
    }

    /// The warnings with their counts, and how many others were not counted apart.
    pub(crate) fn all(&self) -> (Vec<(Warning, u64)>, u64) {
        let counts = lock(&self.0);
        let given = counts.given.iter();
        let given = given.map(|(warning, count)| (warning.clone(), *count));
        (given.collect(), counts.uncounted)
    }
}
