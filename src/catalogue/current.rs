//! The catalogue in use, and its reloads.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;
use tokio::sync::watch;
use tokio::time::Instant;

use super::catalogue::Catalogue;
use crate::base::{self, Panicked, Panics, contained, lock};
use crate::scenario::{DateForm, LoadError, LoadErrors};

/// The catalogue in use. A reload replaces it as a whole.
#[derive(Debug)]
pub(crate) struct Current {
    pub folders: Vec<PathBuf>,
    dates: Option<DateForm>,
    pub panics: Panics,
    catalogue: ArcSwap<Catalogue>,
    /// Changes with every reload, also a failed one. The catalogue is replaced first.
    reloads: watch::Sender<Reload>,
    /// Allows one reload at a time, so that the reload that reads last is also the last to replace the catalogue.
    reloading: Mutex<()>,
}

/// How the last reload went.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reload {
    /// How many reloads there were, successful or not.
    pub count: u64,
    /// How many reloads failed.
    pub failed: u64,
    /// When the last reload was.
    pub at: Option<Instant>,
    /// The errors of the last reload, if it failed. Then the catalogue in use is older than the files.
    pub errors: Option<Arc<LoadErrors>>,
}

impl Current {
    /// Loads the shipped files, with these folders laid over them.
    pub(crate) fn load(
        folders: Vec<PathBuf>,
        dates: Option<DateForm>,
        panics: Panics,
    ) -> Result<Self, LoadErrors> {
        let catalogue = Catalogue::load(&folders, dates)?;
        log_warnings(&catalogue);
        Ok(Self {
            folders,
            dates,
            panics,
            ..Self::of(Arc::new(catalogue))
        })
    }

    /// Uses a catalogue that is loaded already. No folder belongs to it.
    pub(crate) fn of(catalogue: Arc<Catalogue>) -> Self {
        Self {
            folders: Vec::new(),
            dates: None,
            panics: Panics::default(),
            catalogue: ArcSwap::new(catalogue),
            reloads: watch::Sender::default(),
            reloading: Mutex::default(),
        }
    }

    /// The catalogue in use. A request takes it only once.
    pub(crate) fn catalogue(&self) -> arc_swap::Guard<Arc<Catalogue>> {
        self.catalogue.load()
    }

    /// Receives every reload, also a failed one.
    pub(crate) fn reloads(&self) -> watch::Receiver<Reload> {
        self.reloads.subscribe()
    }

    pub(crate) fn last_reload(&self) -> Reload {
        self.reloads.borrow().clone()
    }

    /// Reads the folders again. A broken file leaves the last good catalogue in place.
    pub(crate) fn reload(&self) {
        let _one_at_a_time = lock(&self.reloading);
        let loaded = contained(|| {
            self.panics.reached("reload");
            Catalogue::reload(&self.folders, self.dates)
        });
        let loaded = loaded.unwrap_or_else(|Panicked| {
            base::log_panic("reloading the scenarios");
            let sentence = "the scenario files cannot be read because of a bug in the sandbox; its log has the details";
            Err(LoadErrors(vec![LoadError::of_file("scenarios", sentence)]))
        });
        let errors = match loaded {
            Ok(mut catalogue) => {
                catalogue.generation = self.catalogue().generation + 1;
                tracing::info!(generation = catalogue.generation, "scenarios reloaded");
                log_warnings(&catalogue);
                self.catalogue.store(Arc::new(catalogue));
                None
            }
            Err(errors) => {
                tracing::error!(
                    "scenarios not reloaded, the previous ones are still used:\n{errors}"
                );
                Some(Arc::new(errors))
            }
        };
        self.reloads.send_modify(|reload| {
            reload.count += 1;
            reload.at = Some(Instant::now());
            reload.failed += u64::from(errors.is_some());
            reload.errors = errors;
        });
    }
}

/// Logs the warnings of a load, once.
fn log_warnings(catalogue: &Catalogue) {
    if !catalogue.warnings.is_empty() {
        let warnings = LoadErrors(catalogue.warnings.clone());
        tracing::warn!("the scenarios were loaded, with warnings:\n{warnings}");
    }
}
