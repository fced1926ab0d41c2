//! What a sandbox reads from files before it listens.

use std::sync::Arc;

use super::options::{Options, StartError};
use crate::base::Memory;
use crate::catalogue::Current;
use crate::server::StateFile;
use crate::world::Worlds;

const REDACTED: &str =
    "a state file holds all that worlds know, also personal fields: leave out --state or --redact";

pub(crate) struct Loaded {
    pub scenarios: Current,
    pub worlds: Worlds,
    pub state: Option<StateFile>,
}

impl Loaded {
    /// Reads the scenario files, and then the worlds of the state file.
    pub(super) fn read(options: &Options) -> Result<Self, StartError> {
        if options.state.is_some() && options.redact {
            return Err(StartError::State(REDACTED.to_owned()));
        }
        let loaded = Self::without_state(options, options.load()?);
        let Some(path) = &options.state else {
            return Ok(loaded);
        };
        let file = StateFile::open(path, &loaded.worlds, &loaded.scenarios.catalogue());
        Ok(Self {
            state: Some(file.map_err(StartError::State)?),
            ..loaded
        })
    }

    pub(crate) fn without_state(options: &Options, scenarios: Current) -> Self {
        let memory = options.memory.unwrap_or_else(Memory::of_this_process);
        Self {
            scenarios,
            worlds: Worlds::new(options.seed, options.clock, memory, Arc::default()),
            state: None,
        }
    }
}
