//! Which process listens at an address of this machine. Only Linux says it, in `/proc`.

use std::net::SocketAddr;

/// `node (process 4711)`. None if it is not known, as for processes of other users.
#[cfg(target_os = "linux")]
pub(super) async fn process_at(address: SocketAddr) -> Option<String> {
    let search = tokio::task::spawn_blocking(move || linux::process_at(address));
    search.await.ok().flatten() // a panic was logged where it happened
}

#[cfg(not(target_os = "linux"))]
pub(super) async fn process_at(_: SocketAddr) -> Option<String> {
    None
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;
    use std::net::SocketAddr;
    use std::path::Path;

    /// The state of a listening socket in `/proc/net/tcp`.
    const LISTENING: &str = "0A";

    pub(super) fn process_at(address: SocketAddr) -> Option<String> {
        // A socket of IPv6 may take IPv4 connections too.
        let tables: &[&str] = match address {
            SocketAddr::V4(_) => &["/proc/net/tcp", "/proc/net/tcp6"],
            SocketAddr::V6(_) => &["/proc/net/tcp6"],
        };
        let tables = tables
            .iter()
            .filter_map(|path| fs::read_to_string(path).ok());
        let sockets: Vec<_> = tables
            .flat_map(|table| {
                let sockets = table
                    .lines()
                    .filter_map(|line| socket(line, address.port()));
                sockets.collect::<Vec<_>>()
            })
            .collect();
        let processes = fs::read_dir("/proc").ok()?.flatten();
        let mut processes = processes.map(|process| process.path());
        let process = processes.find(|process| holds(process, &sockets))?;
        let pid = process.file_name()?.to_str()?;
        let name = fs::read_to_string(process.join("comm")).ok()?;
        Some(format!("{} (process {pid})", name.trim()))
    }

    /// The link of a socket that listens at the port: `socket:[4711]`.
    fn socket(line: &str, port: u16) -> Option<String> {
        let fields: Vec<_> = line.split_whitespace().collect();
        let (_, local_port) = fields.get(1)?.rsplit_once(':')?;
        let is_it = *fields.get(3)? == LISTENING && u16::from_str_radix(local_port, 16) == Ok(port);
        is_it.then(|| fields.get(9).map(|inode| format!("socket:[{inode}]")))?
    }

    fn holds(process: &Path, sockets: &[String]) -> bool {
        let Ok(open) = fs::read_dir(process.join("fd")) else {
            return false; // no process, or one of another user
        };
        open.flatten().any(|file| {
            let link = fs::read_link(file.path());
            link.is_ok_and(|link| sockets.iter().any(|socket| link == Path::new(socket)))
        })
    }
}
