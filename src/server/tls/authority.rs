//! The local certificate authority: made once, kept in a folder of the user's, the same for every sandbox after.
//!
//! All but its time follows from its key, so that a certificate that is missing or near its end is made anew and
//! what clients trust already stays right. It is for this machine's own tests: it has no constraints of names, since
//! `--tls-host` may name any, and therefore its key is its owner's alone to read.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::str::FromStr;
use std::time::{Duration, Instant};

use jiff::{Timestamp, ToSpan, Zoned};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType, SerialNumber, date_time_ymd,
};
use sha2::{Digest, Sha256};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, DnsName, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::sign::CertifiedKey;

use super::expiry::not_after;
use crate::base::{hex, reason};
use crate::callbacks::provider;

pub(crate) const AUTHORITY_FILE: &str = "ca.pem";
const KEY_FILE: &str = "ca-key.pem";
const LOCK_FILE: &str = "ca.lock";

/// How long another sandbox may take to make the authority.
const LOCK_TIME: Duration = Duration::from_secs(5);

const FILE_BYTES_MAX: u64 = 64 << 10;
const YEARS: i64 = 10;

/// So near its end it is renewed: before a leaf that it signs would outlive it.
const RENEWED_DAYS: i64 = 400;

/// More is not accepted by every client.
const LEAF_DAYS: i64 = 397;

/// A name or an address that a certificate is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HostName {
    Name(String),
    Address(IpAddr),
}

/// A certificate authority that clients of the sandbox trust.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl FromStr for HostName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bare = text.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = bare.parse() {
            return Ok(Self::Address(address));
        }
        let name = text.strip_prefix("*.").unwrap_or(text);
        let is_dotted_number = name.split('.').all(|part| part.parse::<u32>().is_ok());
        if DnsName::try_from(name).is_err() || is_dotted_number || name.ends_with('.') {
            return Err(format!(
                "`{}` is no host name and no address: write one such as kyc.test, *.kyc.test or 192.168.1.7, \
                 without scheme and port, in ASCII",
                text.chars()
                    .filter(|c| !c.is_control())
                    .take(100)
                    .collect::<String>()
            ));
        }
        Ok(Self::Name(text.to_ascii_lowercase()))
    }
}

impl Authority {
    /// One that is kept nowhere.
    pub(crate) fn new() -> Result<Self, String> {
        Self::of(KeyPair::generate().map_err(|error| cannot_make(&error))?)
    }

    /// With a certificate that begins today.
    fn of(key: KeyPair) -> Result<Self, String> {
        let mut params = params(&key);
        good_for(&mut params, YEARS * 365);
        let serial = Timestamp::now()
            .as_nanosecond()
            .unsigned_abs()
            .to_be_bytes();
        params.serial_number = Some(SerialNumber::from_slice(&serial[4..]));
        let made = params
            .self_signed(&key)
            .map_err(|error| cannot_make(&error))?;
        Ok(Self {
            pem: made.pem(),
            issuer: Issuer::new(params, key),
        })
    }

    /// The one in a folder, which is made there if there is none. An error is a sentence.
    pub(crate) fn kept_in(folder: &Path) -> Result<Self, String> {
        create_private_folder(folder).map_err(|error| {
            format!(
                "cannot make the folder of the certificate authority {}: {}; name another with --ca-dir",
                folder.display(),
                reason(&error)
            )
        })?;
        let _lock = lock(folder)?;
        let (key_path, path) = (folder.join(KEY_FILE), folder.join(AUTHORITY_FILE));
        let key = read(&key_path)?;
        let kept = read(&path)?;
        let (key, kept) = match (key, kept) {
            (None, None) => {
                let made = Self::new()?;
                let key = made.issuer.key().serialize_pem();
                write(&key_path, &key, 0o600)?;
                write(&path, &made.pem, 0o644)?;
                tracing::info!("a certificate authority was made: {}", path.display());
                return Ok(made);
            }
            (None, Some(_)) => {
                return Err(format!(
                    "{} is there and its key {KEY_FILE} is not: put the key back beside it, or remove both to \
                     have a new authority made",
                    path.display()
                ));
            }
            (Some(key), kept) => (key, kept),
        };
        check_private(&key_path)?;
        let key = KeyPair::from_pem(&key).map_err(|_| {
            format!(
                "{} holds no private key that this sandbox has made: remove it and {AUTHORITY_FILE} to have a new \
                 authority made",
                key_path.display()
            )
        })?;
        let Some(pem) = kept else {
            let made = Self::of(key)?;
            write(&path, &made.pem, 0o644)?;
            return Ok(made);
        };
        let not_ours = || {
            format!(
                "{} is not the certificate of the key beside it: remove both to have a new authority made, or \
                 bring a certificate of your own with --tls-cert and --tls-key",
                path.display()
            )
        };
        let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| not_ours())?;
        let ends = not_after(&certificate).ok_or_else(not_ours)?;
        check_pair(&certificate, &key).ok_or_else(not_ours)?;
        if ends < Timestamp::now() + (RENEWED_DAYS * 24).hours() {
            let renewed = Self::of(key)?;
            if let Err(why) = write(&path, &renewed.pem, 0o644) {
                if ends < Timestamp::now() {
                    return Err(why);
                }
                tracing::warn!(
                    "the certificate authority is good until {ends} and is not renewed: {why}"
                );
                return Ok(Self { pem, ..renewed });
            }
            tracing::warn!(
                "the certificate authority {} was good until {ends} and has been renewed: have your clients \
                 trust it anew",
                path.display()
            );
            return Ok(renewed);
        }
        Ok(Self {
            issuer: Issuer::new(params(&key), key),
            pem,
        })
    }

    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// A new certificate for this machine's names and the given ones.
    pub(super) fn identity(
        &self,
        hosts: &[HostName],
        address: IpAddr,
    ) -> Result<CertifiedKey, String> {
        let mut names = vec![
            HostName::Name("localhost".to_owned()),
            HostName::Address(Ipv4Addr::LOCALHOST.into()),
            HostName::Address(Ipv6Addr::LOCALHOST.into()),
        ];
        let own = gethostname::gethostname().to_string_lossy().parse();
        let bound = (!address.is_unspecified()).then_some(HostName::Address(address));
        for name in own.into_iter().chain(bound).chain(hosts.iter().cloned()) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, "iluma-sandbox");
        params.subject_alt_names = names
            .into_iter()
            .map(|name| match name {
                HostName::Name(name) => name.try_into().map(SanType::DnsName),
                HostName::Address(address) => Ok(SanType::IpAddress(address)),
            })
            .collect::<Result<_, _>>()
            .map_err(|error| cannot_make(&error))?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        good_for(&mut params, LEAF_DAYS);
        let key = KeyPair::generate().map_err(|error| cannot_make(&error))?;
        let leaf = params
            .signed_by(&key, &self.issuer)
            .map_err(|error| cannot_make(&error))?;
        let chain = vec![leaf.der().clone()]; // clients have the authority, or do not trust it
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        CertifiedKey::from_der(chain, key, &provider())
            .map_err(|error| format!("TLS cannot be set up: {error}"))
    }
}

/// What follows from the key: a name that no other authority has, and what it may do.
fn params(key: &KeyPair) -> CertificateParams {
    let digest = hex(&Sha256::digest(key.public_key_raw()));
    let mut params = CertificateParams::default();
    let name = format!("iluma-sandbox local CA {}", &digest[..8]);
    params.distinguished_name.push(
        DnType::OrganizationName,
        "iluma-sandbox, for tests on this machine",
    );
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// Good for so many days, from the day before: clocks differ.
fn good_for(params: &mut CertificateParams, days: i64) {
    let now = Timestamp::now();
    let day = |at: Timestamp| {
        let day = Zoned::new(at, jiff::tz::TimeZone::UTC).date();
        let (month, day_of_month) = (day.month().unsigned_abs(), day.day().unsigned_abs());
        date_time_ymd(day.year().into(), month, day_of_month)
    };
    params.not_before = day(now - 24.hours());
    params.not_after = day(now + ((days - 1) * 24).hours());
}

/// Whether the certificate is the key's and says what this program writes.
fn check_pair(certificate: &CertificateDer<'static>, key: &KeyPair) -> Option<()> {
    let der = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    CertifiedKey::from_der(vec![certificate.clone()], der, &provider()).ok()?;
    // The name that leaves are issued by is the one that is trusted.
    let name = params(key).distinguished_name;
    let Some(rcgen::DnValue::Utf8String(name)) = name.get(&DnType::CommonName) else {
        return None;
    };
    let is_in = |name: &[u8]| certificate.windows(name.len()).any(|part| part == name);
    is_in(name.as_bytes()).then_some(())
}

fn cannot_make(error: &rcgen::Error) -> String {
    format!("a certificate cannot be made: {error}")
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

/// Held while the authority is read or made: of two sandboxes that start at once one makes it. A file system
/// without locks has to do without.
fn lock(folder: &Path) -> Result<Option<File>, String> {
    let path = folder.join(LOCK_FILE);
    let opened = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path);
    let file = match opened {
        Ok(file) => file,
        // One that was made elsewhere and is merely mounted.
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
                    "{} is held by another process: end it, or name another folder with --ca-dir",
                    path.display()
                ));
            }
            Err(TryLockError::Error(_)) => return Ok(None),
        }
    }
}

/// None where it is not there.
fn read(path: &Path) -> Result<Option<String>, String> {
    use std::io::Read;
    let read = || {
        let mut text = String::new();
        let file = File::open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is no file"));
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

/// In one step, so that no reader ever sees half a file.
fn write(path: &Path, text: &str, mode: u32) -> Result<(), String> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(format!(".{}.tmp", std::process::id()));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(mode);
    }
    #[cfg(not(unix))]
    let _ = mode; // a user's folder is the user's own there
    let written = || {
        fs::remove_file(&unfinished).ok(); // of a process that was ended half-way
        let mut file = options.open(&unfinished)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&unfinished, path)
    };
    written().map_err(|error| {
        fs::remove_file(&unfinished).ok();
        format!(
            "cannot write {} of the certificate authority: {}; name another folder with --ca-dir",
            path.display(),
            reason(&error)
        )
    })
}

/// Who has the key can pretend to be any server.
#[cfg(unix)]
fn check_private(path: &Path) -> Result<(), String> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path).map_or(0, |about| about.permissions().mode() & 0o777);
    let others = mode & 0o077;
    if others == 0 {
        return Ok(());
    }
    Err(format!(
        "others than its owner may use {path} (its mode is {mode:03o}): whoever has it can pretend to be any server \
         to your clients; `chmod 600 {path}`, or remove it and {AUTHORITY_FILE} to have a new authority made",
        path = path.display()
    ))
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "there are no modes elsewhere")]
fn check_private(_: &Path) -> Result<(), String> {
    Ok(())
}
