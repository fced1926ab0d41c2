//! Reads the few facts of a certificate that the sandbox needs: its end, its subject, and whether it is an authority's.

use jiff::Timestamp;
use x509_cert::certificate::{CertificateInner, Raw};
use x509_cert::der::Decode;
use x509_cert::ext::pkix::BasicConstraints;
use x509_cert::name::Name;

/// Raw, because some serial numbers are longer than RFC 5280 allows.
type Certificate = CertificateInner<Raw>;

/// The end of a certificate's time. None where it is no certificate.
pub(super) fn not_after(certificate: &[u8]) -> Option<Timestamp> {
    let certificate = Certificate::from_der(certificate).ok()?;
    let end = certificate.tbs_certificate().validity().not_after;
    let seconds = end.to_unix_duration().as_secs();
    Timestamp::from_second(seconds.try_into().ok()?).ok()
}

/// The name of a certificate's owner. None where it is no certificate.
pub(super) fn subject(certificate: &[u8]) -> Option<Name> {
    let certificate = Certificate::from_der(certificate).ok()?;
    Some(certificate.tbs_certificate().subject().clone())
}

/// Whether a certificate says that others are signed with its key.
pub(super) fn is_authority(certificate: &[u8]) -> bool {
    let Ok(certificate) = Certificate::from_der(certificate) else {
        return false;
    };
    let constraints = certificate
        .tbs_certificate()
        .get_extension::<BasicConstraints>();
    matches!(constraints, Ok(Some((_critical, constraints))) if constraints.ca)
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, IsCa, KeyPair, date_time_ymd};

    use super::*;

    fn certificate(change: impl FnOnce(&mut CertificateParams)) -> Vec<u8> {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        change(&mut params);
        let made = params.self_signed(&key).expect("a certificate");
        made.der().to_vec()
    }

    #[test]
    fn times_of_both_kinds_are_read() {
        let end = |year, month, day| {
            let made = certificate(|params| params.not_after = date_time_ymd(year, month, day));
            not_after(&made).map(|at| at.to_string())
        };
        assert_eq!(
            end(2049, 12, 31).as_deref(), // the last day of a UTCTime
            Some("2049-12-31T00:00:00Z")
        );
        assert_eq!(
            end(2050, 1, 1).as_deref(), // the first of a GeneralizedTime
            Some("2050-01-01T00:00:00Z")
        );
        assert_eq!(end(1999, 2, 28).as_deref(), Some("1999-02-28T00:00:00Z"));
    }

    #[test]
    fn a_certificate_with_a_long_serial_number_is_read() {
        let made = certificate(|params| {
            params.not_after = date_time_ymd(2030, 1, 1);
            params.serial_number = Some(vec![0x7f; 32].into());
            params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        });
        assert_eq!(
            not_after(&made).map(|at| at.to_string()).as_deref(),
            Some("2030-01-01T00:00:00Z")
        );
        assert!(is_authority(&made));
    }

    #[test]
    fn an_authority_is_told_from_others() {
        let unconstrained = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let constrained = IsCa::Ca(rcgen::BasicConstraints::Constrained(0));
        for (is_ca, expected) in [
            (unconstrained, true),
            (constrained, true),
            (IsCa::ExplicitNoCa, false),
            (IsCa::NoCa, false),
        ] {
            let made = certificate(|params| params.is_ca = is_ca);
            assert_eq!(is_authority(&made), expected, "{is_ca:?}");
        }
    }

    #[test]
    fn what_is_no_certificate_has_no_end_and_is_no_authority() {
        let made = certificate(|params| {
            params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        });
        let cut_short = (0..made.len()).map(|length| &made[..length]);
        let broken = [
            &b"\x30\x80"[..],
            b"\x30\x84\xff\xff\xff\xff",
            b"\x30\x85\x01\x01\x01\x01\x01",
            b"\x30\x02\x30\x00",
            b"\x30\x04\x30\x02\xa0\x00",
        ];
        for broken in broken.into_iter().chain(cut_short) {
            assert_eq!(not_after(broken), None, "{broken:?}");
            assert!(!is_authority(broken), "{broken:?}");
        }
    }

    #[test]
    fn a_changed_byte_never_panics() {
        let made = certificate(|params| {
            params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Constrained(0));
        });
        for at in 0..made.len() {
            for byte in [0, 0x7f, 0x80, 0xff] {
                let mut changed = made.clone();
                changed[at] = byte;
                not_after(&changed);
                is_authority(&changed);
            }
        }
    }
}
