//! Why a TLS handshake failed, for the log: one line for a connection.

use std::error::Error as _;
use std::io;

use tokio_rustls::rustls::client::verify_server_name;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::server::{ClientHello, ParsedCertificate};
use tokio_rustls::rustls::{AlertDescription, Error};

use crate::base::shortened;

/// A name of a host has at most this many characters.
const NAME_CHARS_MAX: usize = 253;

/// The certificate that clients see, and whether `--tls-host` can add a name to it.
#[derive(Clone)]
pub(super) struct Presented {
    pub(super) certificate: CertificateDer<'static>,
    pub(super) is_own_authority: bool,
}

impl Presented {
    /// A sentence about the name that the client asks for, if the certificate does not have it.
    pub(super) fn lacks_name_of(&self, hello: &ClientHello<'_>) -> Option<String> {
        let name = hello.server_name()?;
        let asked = ServerName::try_from(name).ok()?;
        let parsed = ParsedCertificate::try_from(&self.certificate).ok()?;
        verify_server_name(&parsed, &asked).err()?;
        let name = shortened(name, NAME_CHARS_MAX);
        let advice = if self.is_own_authority {
            format!("add --tls-host {name}")
        } else {
            "use a certificate that has it".to_owned()
        };
        Some(format!(
            "the certificate is not for the name `{name}`: {advice}"
        ))
    }
}

/// The line of a handshake that failed. `lacks_name` says more, if the client asked for another name.
pub(super) fn log_failed(error: &io::Error, lacks_name: Option<&str>) {
    let reason = reason(error);
    let more = lacks_name.map_or(String::new(), |lacks_name| format!("; {lacks_name}"));
    tracing::warn!("a TLS handshake failed: {reason}{more}");
}

/// The line of a handshake that succeeded with a client that asked for another name. Many clients compare the name only
/// after the handshake, and then close the connection without a word.
pub(super) fn log_other_name(lacks_name: &str) {
    tracing::warn!("a client may refuse this TLS connection: {lacks_name}");
}

fn reason(error: &io::Error) -> String {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref());
    match tls {
        Some(Error::AlertReceived(alert)) => alert_reason(*alert),
        Some(Error::PeerIncompatible(_)) => {
            "the client and the sandbox have no version or cipher suite in common; the sandbox speaks TLS 1.2 and 1.3"
                .to_owned()
        }
        Some(Error::InvalidMessage(_) | Error::InappropriateMessage { .. }) => {
            "what the client sent is no TLS handshake".to_owned()
        }
        Some(Error::DecryptError) => "what the client sent cannot be decrypted".to_owned(),
        Some(_) => "the client broke the rules of TLS".to_owned(),
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            "the client closed the connection".to_owned()
        }
        None => match error.source() {
            Some(cause) => cause.to_string(),
            None => crate::base::reason(error),
        },
    }
}

fn alert_reason(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::UnknownCA => {
            "the client does not trust the authority of the certificate; `iluma-sandbox ca trust-help` says how to change that"
                .to_owned()
        }
        AlertDescription::BadCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnsupportedCertificate => format!(
            "the client refused the certificate ({alert:?}); it does not trust its authority (see `iluma-sandbox ca \
             trust-help`), or the certificate is for another name"
        ),
        AlertDescription::CertificateExpired => {
            "the client says that the certificate has expired; is its clock right?".to_owned()
        }
        AlertDescription::HandshakeFailure | AlertDescription::ProtocolVersion => format!(
            "the client accepts no version or cipher suite of the sandbox ({alert:?}), which speaks TLS 1.2 and 1.3"
        ),
        other => format!("the client ended it with the alert {other:?}"),
    }
}
