//! How much memory clients can make a sandbox hold, and how it is divided.

use std::str::FromStr;

use super::control_groups::control_groups;

/// The default, and what is for each part of it. Another setting scales the parts.
const MEMORY_BYTES_MAX: usize = 512 << 20;
const WORLDS_BYTES_MAX: usize = 256 << 20;
const WORLD_BYTES_MAX: usize = 64 << 20;
const IN_FLIGHT_BYTES_MAX: usize = 128 << 20;
const INBOXES_BYTES_MAX: usize = 64 << 20;
const UPLOADS_BYTES_MAX: usize = 32 << 20;
const STRANGERS_BYTES_MAX: usize = 16 << 20;

/// Four pages of requests are made at once, and JSON needs more bytes than what it is made from.
const PAGE_BYTES_MAX: usize = 8 << 20;

/// How many connections may be open. Each holds what its client sends before it is read: a window of HTTP/2, or a buffer.
const CONNECTIONS_MAX: usize = 1536;

/// The process itself needs one part in this many, and at least so much.
const PROCESS_PART: usize = 8;
const PROCESS_BYTES_MIN: usize = 20 << 20;

/// The smallest setting.
const MEMORY_BYTES_MIN: usize = 32 << 20;

/// The units of a size, by their names in lower case.
const UNITS: [(&str, usize); 10] = [
    ("", 1),
    ("k", 1 << 10),
    ("kib", 1 << 10),
    ("kb", 1000),
    ("m", 1 << 20),
    ("mib", 1 << 20),
    ("mb", 1_000_000),
    ("g", 1 << 30),
    ("gib", 1 << 30),
    ("gb", 1_000_000_000),
];

/// The setting that bounds everything which clients can make a sandbox hold: at least 32 MiB. An eighth is for the process
/// itself, which needs at least 20 MiB. The rest is divided: four sevenths for all worlds together, of which one world has at
/// most a quarter; two sevenths for requests and replies in flight; a seventh for the inboxes.
///
/// ```
/// use iluma_sandbox::Memory;
///
/// let memory: Memory = "64MiB".parse().unwrap();
/// assert_eq!(memory.bytes(), 64 << 20);
/// let error = "1MiB".parse::<Memory>().unwrap_err();
/// assert_eq!(error, "a sandbox needs at least 32MiB");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    bytes: usize,
}

impl Memory {
    /// The size in bytes.
    ///
    /// ```
    /// use iluma_sandbox::Memory;
    ///
    /// assert_eq!("1G".parse::<Memory>().unwrap().bytes(), 1 << 30);
    /// ```
    pub fn bytes(self) -> usize {
        self.bytes
    }

    /// 512 MiB, or three quarters of what the control group of the process may use, if that is less.
    pub(crate) fn of_this_process() -> Self {
        let limit = control_group_limit().unwrap_or(usize::MAX);
        let bytes = (limit / 4 * 3).clamp(MEMORY_BYTES_MIN, MEMORY_BYTES_MAX);
        Self { bytes }
    }

    /// What is for clients.
    fn shared(self) -> usize {
        self.bytes - (self.bytes / PROCESS_PART).max(PROCESS_BYTES_MIN)
    }

    fn part(self, of_default: usize) -> usize {
        let default = Self {
            bytes: MEMORY_BYTES_MAX,
        };
        let part = of_default as u128 * self.shared() as u128 / default.shared() as u128;
        usize::try_from(part).expect("a part of a size that fits")
    }

    /// All worlds together.
    pub(crate) fn worlds(self) -> usize {
        self.part(WORLDS_BYTES_MAX)
    }

    /// One world.
    pub(crate) fn world(self) -> usize {
        self.part(WORLD_BYTES_MAX)
    }

    /// All inboxes together.
    pub(crate) fn inboxes(self) -> usize {
        self.part(INBOXES_BYTES_MAX)
    }

    /// Requests and replies in flight.
    pub(crate) fn in_flight(self) -> usize {
        self.part(IN_FLIGHT_BYTES_MAX)
    }

    /// A page of requests.
    pub(crate) fn page(self) -> usize {
        self.part(PAGE_BYTES_MAX)
    }

    /// Refused requests that belong to no world.
    pub(crate) fn strangers(self) -> usize {
        self.part(STRANGERS_BYTES_MAX)
    }

    /// How many connections may be open.
    pub(crate) fn connections(self) -> usize {
        self.part(CONNECTIONS_MAX)
    }

    /// Uploads that open inspectors may fetch.
    pub(crate) fn uploads(self) -> usize {
        self.part(UPLOADS_BYTES_MAX)
    }
}

impl FromStr for Memory {
    type Err = String;

    /// Reads a number of bytes, or a number with `K`, `M`, `G`, `KiB`, `MiB`, `GiB`, `KB`, `MB` or `GB`.
    fn from_str(text: &str) -> Result<Self, String> {
        let bytes = parse_size(text)?;
        if bytes < MEMORY_BYTES_MIN {
            return Err("a sandbox needs at least 32MiB".to_owned());
        }
        Ok(Self { bytes })
    }
}

/// Reads a number of bytes, or a number with a unit.
pub(crate) fn parse_size(text: &str) -> Result<usize, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim_start().to_ascii_lowercase();
    let unit = UNITS.iter().find(|(name, _)| *name == unit);
    let (Ok(number), Some((_, unit))) = (number.parse::<usize>(), unit) else {
        return Err(format!(
            "`{text}` is no size: write `512MiB`, `2G` or a number of bytes"
        ));
    };
    Ok(number.saturating_mul(*unit))
}

/// The smallest memory limit among the control groups of this process. None where there is none.
fn control_group_limit() -> Option<usize> {
    let groups = control_groups("memory");
    let limits = groups
        .iter()
        .flat_map(|group| ["memory.max", "memory.limit_in_bytes"].map(|file| group.number(file)));
    limits.flatten().min()
}
