//! The processes that a process has started, and those that they have started. Only Linux says it, in `/proc`.

/// Their ids. One that has already lost its parent is missing.
#[cfg(target_os = "linux")]
pub(super) fn of(pid: u32) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let processes: Vec<_> = processes
        .filter_map(|entry| {
            let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
            Some((pid, parent(&entry.path())?))
        })
        .collect();
    let mut found = Vec::new();
    let mut next = vec![pid];
    while let Some(parent) = next.pop() {
        let children = processes.iter().filter(|(_, of)| *of == parent);
        let children: Vec<_> = children.map(|(pid, _)| *pid).collect();
        found.extend(&children);
        next.extend(children);
    }
    found
}

/// The name of a process, in parentheses, may have blanks and parentheses itself.
#[cfg(target_os = "linux")]
fn parent(process: &std::path::Path) -> Option<u32> {
    let stat = std::fs::read_to_string(process.join("stat")).ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(not(target_os = "linux"))]
pub(super) fn of(_: u32) -> Vec<u32> {
    Vec::new()
}
