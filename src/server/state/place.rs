//! Where the state file is: its path without symbolic links, and the lock beside it.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::base::reason;
use crate::server::new_file::{NewFile, Readers};

/// What follows the name of the state file in the name of its lock.
const LOCK_SUFFIX: &str = ".lock";

/// What follows the name of the state file in the name of one that is not complete yet.
const NEW_INFIX: &str = ".new-";

/// A place for a state file that no other sandbox uses as long as this lives.
#[derive(Debug)]
pub(super) struct StatePlace {
    pub path: PathBuf,
    /// The beginning of the names of files that are not complete yet.
    prefix: OsString,
    /// None on a file system without locks.
    lock: Option<File>,
}

impl StatePlace {
    /// Finds the place, locks it, and tries to make a file there. An error is a sentence.
    pub(super) fn claim(path: &Path) -> Result<Self, String> {
        let path = resolved(path)?;
        let lock = lock(&path)?;
        let mut prefix = OsString::from(".");
        prefix.push(path.file_name().unwrap_or_default());
        prefix.push(NEW_INFIX);
        let place = Self { path, prefix, lock };
        place.remove_incomplete();
        let tried = place.new_file();
        tried
            .map_err(|error| cannot_write(&place.path, &error))?
            .discard();
        Ok(place)
    }

    /// A file that is to take the place.
    pub(super) fn new_file(&self) -> io::Result<NewFile> {
        NewFile::begin(&self.path, &self.prefix, Readers::Owner)
    }

    /// Removes what a sandbox left that was killed while it wrote. Nobody writes now, because this sandbox has the lock.
    fn remove_incomplete(&self) {
        if self.lock.is_none() {
            return;
        }
        let entries = self.path.parent().map(fs::read_dir);
        for entry in entries.into_iter().flatten().flatten().flatten() {
            let name = entry.file_name();
            let is_incomplete =
                (name.as_encoded_bytes()).starts_with(self.prefix.as_encoded_bytes());
            if is_incomplete && entry.file_type().is_ok_and(|kind| kind.is_file()) {
                fs::remove_file(entry.path()).ok();
            }
        }
    }

    /// Whether there is a file. Anything else there is an error.
    pub(super) fn is_there(&self) -> io::Result<bool> {
        match fs::symlink_metadata(&self.path) {
            Ok(about) if about.is_file() => Ok(true),
            Ok(_) => Err(io::Error::other("it is no file any more")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn cannot_write(path: &Path, error: &io::Error) -> String {
    format!(
        "cannot write the state file {}: {}; make its folder writable, or name another file with --state",
        path.display(),
        reason(error)
    )
}

/// The path of the file itself: a symbolic link stays, and the file behind it is replaced.
fn resolved(path: &Path) -> Result<PathBuf, String> {
    let shown = path.display();
    let refused = |what: &str| format!("the state file {shown} {what}: name another with --state");
    let Some(name) = path.file_name() else {
        return Err(refused("is a folder"));
    };
    match path.symlink_metadata() {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let folder = path
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty());
            let folder = folder.unwrap_or(Path::new("."));
            let folder = fs::canonicalize(folder).map_err(|error| {
                format!(
                    "there is no folder {} for the state file: {}; make it, or name another file with --state",
                    folder.display(),
                    reason(&error)
                )
            })?;
            return Ok(folder.join(name));
        }
        Err(error) => return Err(refused(&format!("cannot be read ({})", reason(&error)))),
    }
    let target = fs::canonicalize(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => refused("is a symbolic link that leads nowhere"),
        _ => refused(&format!("cannot be read ({})", reason(&error))),
    })?;
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    if is_mounted(&target, &mounts) {
        return Err(format!(
            "the state file {shown} is mounted by itself and cannot be replaced: mount its folder instead"
        ));
    }
    match fs::metadata(&target) {
        Ok(about) if about.is_file() => Ok(target),
        Ok(about) if about.is_dir() => Err(refused("is a folder")),
        Ok(_) => Err(refused("is a device or a pipe")),
        Err(error) => Err(refused(&format!("cannot be read ({})", reason(&error)))),
    }
}

/// Whether the file is the target of a mount, as Docker makes them. `mounts` is the list of the kernel.
fn is_mounted(file: &Path, mounts: &str) -> bool {
    let Some(file) = file.to_str() else {
        return false;
    };
    let escaped = file.replace('\\', "\\134").replace(' ', "\\040");
    let mut targets = mounts.lines().filter_map(|line| line.split(' ').nth(4));
    targets.any(|target| target == escaped)
}

fn lock(path: &Path) -> Result<Option<File>, String> {
    let mut name = OsString::from(path);
    name.push(LOCK_SUFFIX);
    let place = PathBuf::from(name);
    if place.symlink_metadata().is_ok_and(|about| !about.is_file()) {
        return Err(format!(
            "{} is not the lock of a state file: remove it, or name another file with --state",
            place.display()
        ));
    }
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let file = (options.open(&place)).map_err(|error| cannot_write(path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err(format!(
            "another sandbox uses the state file {}: stop it, or name another file with --state",
            path.display()
        )),
        Err(TryLockError::Error(_)) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_mounted_by_itself_is_recognised() {
        let mounts = "1 2 8:1 / / rw - ext4 /dev/sda1 rw\n\
                      3 1 8:1 /home/me/my\\040state /data/my\\040state rw,relatime - ext4 /dev/sda1 rw\n\
                      4 1 8:1 /home/me /mine rw - ext4 /dev/sda1 rw\n";
        assert!(is_mounted(Path::new("/data/my state"), mounts));
        assert!(!is_mounted(Path::new("/mine/state"), mounts));
        assert!(!is_mounted(Path::new("/home/me/my state"), mounts));
        assert!(!is_mounted(Path::new("/data/my state"), ""));
    }
}
