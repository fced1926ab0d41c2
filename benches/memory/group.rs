//! A memory control group below the one of this process.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::{Explain, Outcome};

/// The files of a version of control groups: what a group may use, and the most that it has used.
struct Files {
    root: &'static str,
    limit: &'static str,
    peak: &'static str,
}

const VERSION_1: Files = Files {
    root: "/sys/fs/cgroup/memory",
    limit: "memory.limit_in_bytes",
    peak: "memory.max_usage_in_bytes",
};

const VERSION_2: Files = Files {
    root: "/sys/fs/cgroup",
    limit: "memory.max",
    peak: "memory.peak",
};

pub struct Group {
    pub folder: PathBuf,
    files: Files,
}

impl Group {
    /// Makes a group that may use so many bytes. It is removed when it is dropped: its processes have to be gone by then.
    pub fn of(bytes: u64) -> Outcome<Self> {
        let groups = fs::read_to_string("/proc/self/cgroup").explain("cannot read the groups")?;
        let group = |controllers: &str| {
            groups.lines().find_map(|line| {
                let (_, rest) = line.split_once(':')?;
                rest.strip_prefix(controllers)?.strip_prefix(":/")
            })
        };
        let (files, path) = match (group("memory"), group("")) {
            (Some(path), _) => (VERSION_1, path),
            (None, Some(path)) => (VERSION_2, path),
            (None, None) => return Err("this process is in no control group".to_owned()),
        };
        let name = format!("iluma-sandbox-{}", std::process::id());
        let folder = Path::new(files.root).join(path).join(name);
        fs::create_dir(&folder).explain("cannot make a control group")?;
        let group = Self { folder, files };
        let limit = group.folder.join(group.files.limit);
        // A group of version 2 has this file only if the group above it hands the controller on.
        if !limit.exists() {
            return Err("the control group has no limit of memory".to_owned());
        }
        fs::write(limit, bytes.to_string()).explain("cannot limit the control group")?;
        Ok(group)
    }

    /// The most bytes that the group has used.
    pub fn peak(&self) -> Outcome<u64> {
        let peak = fs::read_to_string(self.folder.join(self.files.peak));
        let peak = peak.explain("cannot read the peak of the control group")?;
        peak.trim().parse().explain("the peak is no number")
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir(&self.folder) {
            eprintln!("memory: cannot remove {}: {error}", self.folder.display());
        }
    }
}
