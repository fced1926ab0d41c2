//! What a sandbox reads from files before it listens.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::options::{Options, StartError};
use crate::base::Memory;
use crate::catalogue::Current;
use crate::server::{RecordingFile, StateFile};
use crate::world::{Recorded, Recorder, Worlds};

const REDACTED: &str =
    "a state file holds all that worlds know, also personal fields: leave out --state or --redact";

/// How long a recording may be unless another limit is set.
pub(crate) const RECORDING_BYTES_MAX: u64 = 1 << 30;

pub(crate) struct Loaded {
    pub scenarios: Current,
    pub worlds: Worlds,
    pub state: Option<StateFile>,
    /// The file of the recording, and what is to be written into it.
    pub recording: Option<(RecordingFile, mpsc::UnboundedReceiver<Recorded>)>,
}

impl Loaded {
    /// Reads the scenario files, and then the worlds of the state file.
    pub(super) fn read(options: &Options) -> Result<Self, StartError> {
        if options.state.is_some() && options.redact {
            return Err(StartError::State(REDACTED.to_owned()));
        }
        let mut loaded = Self::without_state(options, options.load()?);
        if let Some(path) = &options.record {
            let bytes_max = options.record_bytes_max.unwrap_or(RECORDING_BYTES_MAX);
            let file = RecordingFile::open(path, bytes_max);
            let (recorder, events) = Recorder::new();
            loaded.worlds.recorder = Some(recorder);
            loaded.recording = Some((file.map_err(StartError::Recording)?, events));
        }
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
            recording: None,
        }
    }
}
