//! The local certificate authority. It is made once and kept in a folder of the user's. Every later sandbox
//! uses it.
//!
//! All of it but its times follows from its key. So a certificate that is missing or near its end is made
//! anew, and what clients trust already stays right. It is for tests on this machine. It has no name
//! constraints, since `--tls-host` may name any host. Therefore only its owner may read its key.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::str::FromStr;

use jiff::{Timestamp, ToSpan, Zoned};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType, SerialNumber, date_time_ymd,
};
use sha2::{Digest, Sha256};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, DnsName, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::sign::CertifiedKey;

use super::authority_folder::AuthorityFolder;
use super::certificate::{not_after, subject};
use crate::base::{Host, hex, short};
use crate::callbacks::provider;

const YEARS: i64 = 10;

/// It is renewed this many days before its end, so that no leaf that it signs outlives it.
const RENEWED_DAYS: i64 = 400;

/// Some clients refuse a certificate that is good for longer.
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
        let name = text.strip_prefix("*.").unwrap_or(text);
        match Host::parse(name) {
            Ok(Host::Address(address)) if name == text => Ok(Self::Address(address)),
            Ok(Host::Name(host)) if DnsName::try_from(&*host).is_ok() && !host.ends_with('.') => {
                Ok(Self::Name(text.to_ascii_lowercase()))
            }
            Ok(Host::Address(_) | Host::Name(_)) | Err(_) => Err(format!(
                "`{}` is neither a host name nor an IP address: write one such as kyc.test, *.kyc.test or 192.168.1.7, \
                 without scheme and port, in ASCII",
                short(text)
            )),
        }
    }
}

impl Authority {
    /// A new authority that is kept nowhere.
    pub(crate) fn new() -> Result<Self, String> {
        Self::of(KeyPair::generate().map_err(|error| cannot_make(&error))?)
    }

    /// The authority of a key, with a new certificate.
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

    /// The authority of a folder. It is made if there is none. An error is a sentence.
    pub(crate) fn kept_in(folder: &Path) -> Result<Self, String> {
        let folder = AuthorityFolder::open(folder)?;
        let (key, certificate) = (folder.read_key()?, folder.read_certificate()?);
        let Some(key) = key else {
            return match certificate {
                None => Self::made_in(&folder),
                Some(_) => Err(folder.key_is_missing()),
            };
        };
        folder.check_key_is_private()?;
        let key = KeyPair::from_pem(&key).map_err(|_| folder.key_is_foreign())?;
        let Some(pem) = certificate else {
            let made = Self::of(key)?;
            folder.write_certificate(&made.pem)?;
            return Ok(made);
        };
        let ends = end_of_own(&pem, &key).ok_or_else(|| folder.certificate_is_foreign())?;
        if ends < Timestamp::now() + (RENEWED_DAYS * 24).hours() {
            return Self::of(key)?.in_place_of(pem, ends, &folder);
        }
        Ok(Self {
            issuer: Issuer::new(params(&key), key),
            pem,
        })
    }

    /// Makes a new authority, with a new key.
    fn made_in(folder: &AuthorityFolder) -> Result<Self, String> {
        let made = Self::new()?;
        folder.write_key(&made.issuer.key().serialize_pem())?;
        folder.write_certificate(&made.pem)?;
        tracing::info!(
            "created a certificate authority: {}",
            folder.certificate_path.display()
        );
        Ok(made)
    }

    /// Replaces a certificate that is near its end. If the folder cannot be written, the old one stays in use
    /// as long as it is good.
    fn in_place_of(
        self,
        old_pem: String,
        ends: Timestamp,
        folder: &AuthorityFolder,
    ) -> Result<Self, String> {
        if let Err(why) = folder.write_certificate(&self.pem) {
            if ends < Timestamp::now() {
                return Err(why);
            }
            tracing::warn!(
                "the certificate authority is valid until {ends} and could not be renewed: {why}"
            );
            return Ok(Self {
                pem: old_pem,
                ..self
            });
        }
        tracing::warn!(
            "the certificate authority {} was valid until {ends} and has been renewed: make your clients \
             trust the new one",
            folder.certificate_path.display()
        );
        Ok(self)
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
            .map_err(|error| format!("cannot set up TLS: {error}"))
    }
}

/// The parts of the certificate that follow from the key: a name that no other authority has, and what the
/// key may do.
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

/// Makes a certificate good for `days` days from yesterday on, because clocks differ.
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

/// When a certificate ends. None if it does not belong to the key.
fn end_of_own(pem: &str, key: &KeyPair) -> Option<Timestamp> {
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).ok()?;
    let ends = not_after(&certificate)?;
    check_pair(&certificate, key)?;
    Some(ends)
}

/// Checks that the certificate belongs to the key and has the subject that this program writes.
fn check_pair(certificate: &CertificateDer<'static>, key: &KeyPair) -> Option<()> {
    let der = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    CertifiedKey::from_der(vec![certificate.clone()], der, &provider()).ok()?;
    // Leaves name their issuer by the whole subject. So the trusted certificate must have the same one.
    let made = params(key).self_signed(key).ok()?;
    (subject(certificate)? == subject(made.der())?).then_some(())
}

fn cannot_make(error: &rcgen::Error) -> String {
    format!("cannot create a certificate: {error}")
}
