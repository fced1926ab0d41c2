//! Reads the certificates that an operator brings. Errors say what to do.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use jiff::Timestamp;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{Error, InconsistentKeys};

use super::certificate::{is_authority, not_after};
use crate::base::reason;
use crate::callbacks::provider;

const FILE_BYTES_MAX: u64 = 4 << 20;

/// A certificate with its chain, and its key.
pub(super) fn read(certificate: &Path, key: &Path) -> Result<CertifiedKey, String> {
    let chain = certificates(certificate)?;
    if let Some(ended) = not_after(&chain[0]).filter(|ends| *ends < Timestamp::now()) {
        tracing::warn!(
            "the certificate {} expired on {ended}: clients will refuse it",
            certificate.display()
        );
    }
    if is_authority(&chain[0]) {
        tracing::warn!(
            "the certificate {} is that of an authority (CA:TRUE), which some clients refuse from a server: use one that it \
             has signed",
            certificate.display()
        );
    }
    let key_der = private_key(key)?;
    CertifiedKey::from_der(chain, key_der, &provider()).map_err(|error| match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => format!(
            "{} is not the key of the certificate {}",
            key.display(),
            certificate.display()
        ),
        Error::InvalidCertificate(_) => {
            format!("{} has no readable X.509 certificate", certificate.display())
        }
        _ => format!(
            "the key {} has a type that is not supported: use RSA of 2048 bits or more, ECDSA on P-256 or P-384, or \
             Ed25519",
            key.display()
        ),
    })
}

/// The authorities in a file, to be trusted.
pub(crate) fn read_authorities(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    certificates(path)
}

/// Whether a file holds one certificate and nothing else.
pub(crate) fn is_one_certificate(path: &Path) -> bool {
    let items = bytes(path).map(|text| {
        String::from_utf8_lossy(&text)
            .matches("-----BEGIN ")
            .count()
    });
    items == Ok(1) && certificates(path).is_ok()
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let text = bytes(path)?;
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match read {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        Ok(_) => Err(not_pem(path, &text, "certificate", "CERTIFICATE", "x509")),
        Err(_) => Err(format!("{} is broken PEM", path.display())),
    }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    let text = bytes(path)?;
    let has = |words: &[u8]| text.windows(words.len()).any(|part| part == words);
    if has(b"BEGIN ENCRYPTED PRIVATE KEY") || has(b"Proc-Type: 4,ENCRYPTED") {
        return Err(format!(
            "the key {path} is encrypted, and the sandbox cannot ask for its password: decrypt it with `openssl pkey \
             -in {path} -out FILE`",
            path = path.display()
        ));
    }
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| match error {
        pem::Error::NoItemsFound => not_pem(path, &text, "private key", "PRIVATE KEY", "pkey"),
        _ => format!("{} is broken PEM", path.display()),
    })
}

fn not_pem(path: &Path, bytes: &[u8], what: &str, label: &str, command: &str) -> String {
    let path = path.display();
    if bytes.first() == Some(&0x30) {
        return format!(
            "{path} looks like DER or PKCS#12, but PEM is needed: `openssl {command} -inform der -in {path} -out FILE` \
             converts DER, `openssl pkcs12 -nodes -in {path} -out FILE` converts PKCS#12"
        );
    }
    format!("{path} has no {what} in PEM (`-----BEGIN {label}-----`)")
}

fn bytes(path: &Path) -> Result<Vec<u8>, String> {
    let read = || {
        let file = File::open(path)?;
        if !file.metadata()?.is_file() {
            return Err(std::io::Error::other("it is not a file"));
        }
        let mut bytes = Vec::new();
        file.take(FILE_BYTES_MAX).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().map_err(|error| format!("cannot read {}: {}", path.display(), reason(&error)))
}
