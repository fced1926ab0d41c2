//! The control groups of this process, with which Linux limits containers and services. Other systems have none.

use std::fs;
use std::path::{Path, PathBuf};

/// A control group of this process, or one around it.
pub(crate) struct ControlGroup(PathBuf);

impl ControlGroup {
    /// The number in a file of the group. None where the group has no such file, or says `max`.
    pub(crate) fn number(&self, file: &str) -> Option<usize> {
        let text = fs::read_to_string(self.0.join(file)).ok()?;
        text.trim().parse().ok()
    }
}

/// The groups that a controller can limit this process by, each with all around it: those of version 2, and those of the
/// controller's own hierarchy in version 1.
pub(crate) fn control_groups(controller: &str) -> Vec<ControlGroup> {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let unified = Path::new("/sys/fs/cgroup");
    let mut found = Vec::new();
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else {
            continue;
        };
        match controllers {
            "" => found.extend(up_to(unified, path)),
            own if own == controller => found.extend(up_to(&unified.join(own), path)),
            _ => {}
        }
    }
    found
}

/// A group, and each around it up to the root of its hierarchy.
fn up_to(root: &Path, path: &str) -> Vec<ControlGroup> {
    let group = root.join(path.trim_start_matches('/'));
    let groups = group
        .ancestors()
        .take_while(|group| group.starts_with(root));
    groups.map(|group| ControlGroup(group.to_owned())).collect()
}
