//! The folder of the local certificate authority: its key, its certificate, and a lock for making them.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::base::reason;
use crate::server::new_file::{NewFile, Readers};

pub(crate) const AUTHORITY_FILE: &str = "ca.pem";
const KEY_FILE: &str = "ca-key.pem";
const LOCK_FILE: &str = "ca.lock";

/// How long another sandbox may take to make the authority.
const LOCK_TIME: Duration = Duration::from_secs(5);

const FILE_BYTES_MAX: u64 = 64 << 10;

/// A folder that is locked for as long as this lives. Errors are sentences.
pub(super) struct AuthorityFolder {
    pub certificate_path: PathBuf,
    key_path: PathBuf,
    _lock: Option<File>,
}

impl AuthorityFolder {
    /// Makes the folder if there is none. Waits while another sandbox makes an authority in it.
    pub(super) fn open(folder: &Path) -> Result<Self, String> {
        create_private_folder(folder).map_err(|error| {
            format!(
                "cannot create the folder of the certificate authority {}: {}; name another with --ca-dir",
                folder.display(),
                reason(&error)
            )
        })?;
        check_folder(folder)?;
        Ok(Self {
            _lock: lock(folder)?,
            certificate_path: folder.join(AUTHORITY_FILE),
            key_path: folder.join(KEY_FILE),
        })
    }

    /// The private key in PEM. None where it is not there.
    pub(super) fn read_key(&self) -> Result<Option<String>, String> {
        read(&self.key_path)
    }

    /// The certificate in PEM. None where it is not there.
    pub(super) fn read_certificate(&self) -> Result<Option<String>, String> {
        read(&self.certificate_path)
    }

    pub(super) fn write_key(&self, pem: &str) -> Result<(), String> {
        write(&self.key_path, pem, Readers::Owner)
    }

    pub(super) fn write_certificate(&self, pem: &str) -> Result<(), String> {
        write(&self.certificate_path, pem, Readers::Everybody)
    }

    /// Refuses a key that others can read or that belongs to another user: whoever has it can pretend to be any server.
    pub(super) fn check_key_is_private(&self) -> Result<(), String> {
        check_private(&self.key_path)
    }

    pub(super) fn key_is_missing(&self) -> String {
        format!(
            "{} exists, but its key {KEY_FILE} is missing: put the key back into the same folder, or remove both to \
             create a new authority",
            self.certificate_path.display()
        )
    }

    pub(super) fn key_is_foreign(&self) -> String {
        format!(
            "{} has no private key that this sandbox created: remove it and {AUTHORITY_FILE} to create a new \
             authority",
            self.key_path.display()
        )
    }

    pub(super) fn certificate_is_foreign(&self) -> String {
        format!(
            "{} is not the certificate of the key in the same folder: remove both to create a new authority, or \
             use your own certificate with --tls-cert and --tls-key",
            self.certificate_path.display()
        )
    }
}

fn create_private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(folder)
}

/// The lock is held while the authority is read or made: if two sandboxes start at once, one makes it. A file
/// system without locks gives none.
fn lock(folder: &Path) -> Result<Option<File>, String> {
    let path = folder.join(LOCK_FILE);
    let opened = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path);
    let file = match opened {
        Ok(file) => file,
        // The authority was made elsewhere, and its folder is only mounted.
        Err(_) if folder.join(KEY_FILE).exists() => return Ok(None),
        Err(error) => {
            return Err(format!(
                "cannot write to the folder of the certificate authority {}: {}; name another with --ca-dir",
                folder.display(),
                reason(&error)
            ));
        }
    };
    let started = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::WouldBlock) if started.elapsed() < LOCK_TIME => {
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(TryLockError::WouldBlock) => {
                return Err(format!(
                    "{} is locked by another process: stop it, or name another folder with --ca-dir",
                    path.display()
                ));
            }
            Err(TryLockError::Error(_)) => return Ok(None),
        }
    }
}

/// None if there is no such file.
fn read(path: &Path) -> Result<Option<String>, String> {
    use std::io::Read;
    let read = || {
        let mut text = String::new();
        let file = File::open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is not a file"));
        }
        file.take(FILE_BYTES_MAX).read_to_string(&mut text)?;
        Ok(text)
    };
    match read() {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!(
            "cannot read {} of the certificate authority: {}",
            path.display(),
            reason(&error)
        )),
    }
}

fn write(path: &Path, text: &str, readers: Readers) -> Result<(), String> {
    let written = NewFile::write(path, text.as_bytes(), readers).and_then(NewFile::sync);
    written.and_then(NewFile::replace).map_err(|error| {
        format!(
            "cannot write {} of the certificate authority: {}; name another folder with --ca-dir",
            path.display(),
            reason(&error)
        )
    })
}

/// Refuses a folder where other users can replace the key.
#[cfg(unix)]
fn check_folder(folder: &Path) -> Result<(), String> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let Ok(about) = fs::metadata(folder) else {
        return Ok(()); // it cannot be used, which its first use reports
    };
    let folder = folder.display();
    if is_of_another(about.uid()) {
        return Err(format!(
            "the folder of the certificate authority {folder} belongs to another user (with the number {}), who can \
             replace its key: name a folder of your own with --ca-dir",
            about.uid()
        ));
    }
    let mode = about.permissions().mode() & 0o7777;
    if mode & 0o002 == 0 {
        return Ok(());
    }
    Err(format!(
        "every user can write to the folder of the certificate authority {folder} (its mode is {mode:03o}), and can \
         replace its key: run `chmod o-w {folder}`, or name another folder with --ca-dir"
    ))
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "only Unix has file modes")]
fn check_folder(_: &Path) -> Result<(), String> {
    Ok(())
}

/// The administrator can read and replace every file anyway.
#[cfg(unix)]
fn is_of_another(owner: u32) -> bool {
    owner != 0 && owner != rustix::process::geteuid().as_raw()
}

#[cfg(unix)]
fn check_private(path: &Path) -> Result<(), String> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let Ok(about) = fs::metadata(path) else {
        return Ok(()); // it was removed since it was read
    };
    let path = path.display();
    if is_of_another(about.uid()) {
        return Err(format!(
            "{path} belongs to another user (with the number {}), who can pretend to be any server to your clients: \
             remove it and {AUTHORITY_FILE} to create a new authority, or name another folder with --ca-dir",
            about.uid()
        ));
    }
    let mode = about.permissions().mode() & 0o777;
    let others = mode & 0o077;
    if others == 0 {
        return Ok(());
    }
    Err(format!(
        "other users can access {path} (its mode is {mode:03o}), and with it they can pretend to be any server \
         to your clients: run `chmod 600 {path}`, or remove it and {AUTHORITY_FILE} to create a new authority"
    ))
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "only Unix has file modes")]
fn check_private(_: &Path) -> Result<(), String> {
    Ok(())
}
