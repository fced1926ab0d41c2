//! Writes files: first under a random name in the same folder, then under their own name in one step. A reader sees a
//! file whole or not at all, and a full disk leaves what was there before.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

/// The beginning of a random name.
const PREFIX: &str = ".tmp";

/// Who may read a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readers {
    Owner,
    /// Everybody whom the umask allows to.
    Everybody,
}

/// A file that is complete but does not have its own name yet. It is removed if it never gets the name.
pub(crate) struct NewFile {
    file: NamedTempFile,
    path: PathBuf,
}

impl NewFile {
    pub(crate) fn write(path: &Path, bytes: &[u8], readers: Readers) -> io::Result<Self> {
        let mut new = Self::begin(path, PREFIX.as_ref(), readers)?;
        new.write_all(bytes)?;
        Ok(new)
    }

    /// A file without content. Its random name begins with `prefix`.
    pub(crate) fn begin(path: &Path, prefix: &OsStr, readers: Readers) -> io::Result<Self> {
        let parent = path.parent().filter(|path| !path.as_os_str().is_empty());
        let mut builder = Builder::new();
        builder.prefix(prefix);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(fs::Permissions::from_mode(match readers {
                Readers::Owner => 0o600,
                Readers::Everybody => 0o666,
            }));
        }
        #[cfg(not(unix))]
        let _ = readers; // elsewhere a user's folder is closed to others already
        let file = builder.tempfile_in(parent.unwrap_or(Path::new(".")))?;
        Ok(Self {
            file,
            path: path.to_owned(),
        })
    }

    /// Waits until the content is on the disk.
    pub(crate) fn sync(self) -> io::Result<Self> {
        self.file.as_file().sync_all()?;
        Ok(self)
    }

    /// Gives the file its name. Any file with this name, also a symbolic link that leads nowhere, is an error.
    pub(crate) fn create(self) -> io::Result<()> {
        let created = self.file.persist_noclobber(self.path);
        created.map(drop).map_err(|failed| failed.error)
    }

    /// Gives the file its name. It replaces another file or a symbolic link with this name.
    pub(crate) fn replace(self) -> io::Result<()> {
        self.replace_open().map(drop)
    }

    /// The same, and the file stays open.
    pub(crate) fn replace_open(self) -> io::Result<File> {
        self.file.persist(self.path).map_err(|failed| failed.error)
    }

    /// Removes the file.
    pub(crate) fn discard(self) {
        drop(self);
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Writes a file that must not exist yet.
pub(crate) fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if path.symlink_metadata().is_ok() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    NewFile::write(path, bytes, Readers::Everybody)?.create()
}

/// Writes a file that a user named and that may exist. Its permissions stay. A symbolic link stays too, and the file
/// behind it is replaced. A device or a pipe gets the bytes.
pub(crate) fn overwrite(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let about = match fs::metadata(path) {
        Ok(about) => about,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if path.symlink_metadata().is_ok() {
                return Err(io::Error::other("it is a symbolic link that leads nowhere"));
            }
            return create(path, bytes);
        }
        Err(error) => return Err(error),
    };
    if about.is_file() {
        let new = NewFile::write(&fs::canonicalize(path)?, bytes, Readers::Everybody)?;
        new.file.as_file().set_permissions(about.permissions())?;
        return new.replace();
    }
    OpenOptions::new().write(true).open(path)?.write_all(bytes)
}
