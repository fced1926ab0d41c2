//! The flags for HTTPS: for `serve`, for the commands that connect to it, and for callback receivers.

use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::{FalseyValueParser, PathBufValueParser};
use tokio_rustls::rustls::pki_types::CertificateDer;

use super::given::{Given, GivenParser};
use super::os;
use crate::base::Host;
use crate::callbacks::{self, Trust};
use crate::sandbox::Builder;
use crate::server::{AUTHORITY_FILE, HostName, read_authorities};

/// The HTTPS flags of `serve`.
#[derive(Debug, Args)]
pub(super) struct TlsArguments {
    /// Serve HTTPS instead of plain HTTP at `--port`. See `iluma-sandbox ca trust-help`.
    #[arg(long, env = "ILUMA_SANDBOX_TLS", value_parser = FalseyValueParser::new())]
    tls: bool,
    /// Serve HTTPS at this port, in addition to plain HTTP at `--port`; 0 picks a free port.
    #[arg(long, value_name = "PORT", env = "ILUMA_SANDBOX_TLS_PORT")]
    tls_port: Option<u16>,
    /// Refuse plain HTTP, as the real service does. With `--tls-port`, requests at `--port` are refused;
    /// without it, `--port` serves HTTPS.
    #[arg(long, env = "ILUMA_SANDBOX_HTTPS_ONLY", value_parser = FalseyValueParser::new())]
    https_only: bool,
    /// Additional host name or IP address for the certificate. It always covers localhost, 127.0.0.1, `::1`
    /// and the name of this machine. Can be repeated.
    #[arg(
        long = "tls-host",
        value_name = "HOST",
        env = "ILUMA_SANDBOX_TLS_HOST",
        value_parser = host
    )]
    tls_hosts: Vec<String>,
    /// Your own certificate in PEM, followed by its chain. Without this flag, the local authority issues
    /// one.
    #[arg(
        long,
        value_name = "FILE",
        env = "ILUMA_SANDBOX_TLS_CERT",
        requires = "tls_key"
    )]
    tls_cert: Option<PathBuf>,
    /// Private key of that certificate in PEM, not encrypted.
    #[arg(
        long,
        value_name = "FILE",
        env = "ILUMA_SANDBOX_TLS_KEY",
        requires = "tls_cert"
    )]
    tls_key: Option<PathBuf>,
    #[command(flatten)]
    authority: AuthorityFolderArgument,
}

/// The folder of the local certificate authority.
#[derive(Clone, Debug, Args)]
pub(super) struct AuthorityFolderArgument {
    /// Folder of the local certificate authority. The authority is created there at first use [default:
    /// iluma-sandbox in the user's data folder].
    #[arg(long, value_name = "DIR", env = "ILUMA_SANDBOX_CA_DIR", global = true)]
    ca_dir: Option<PathBuf>,
}

/// Which receivers may be called, and which of their certificates are trusted.
#[derive(Debug, Args)]
pub(super) struct ReceiverArguments {
    /// Allow callbacks to this public host. Can be repeated. Loopback and private addresses are always
    /// allowed.
    #[arg(
        long,
        value_name = "HOST",
        env = "ILUMA_SANDBOX_ALLOW_EGRESS",
        value_parser = one_host
    )]
    allow_egress: Vec<Host>,
    /// Certificate in PEM to trust for https receivers, of an authority or of a receiver itself, in
    /// addition to the authorities of the system. Can be repeated.
    #[arg(
        long = "callback-ca",
        value_name = "FILE",
        env = "ILUMA_SANDBOX_CALLBACK_CA",
        value_parser = GivenParser(PathBufValueParser::new())
    )]
    authorities: Vec<Given<PathBuf>>,
}

/// How other commands connect to a sandbox that serves HTTPS.
#[derive(Debug, Args)]
pub(super) struct TlsClientArguments {
    /// Certificate authority in PEM to trust for an https URL, in addition to those of the system and the
    /// local one.
    #[arg(
        long,
        value_name = "FILE",
        env = "ILUMA_SANDBOX_CA_FILE",
        value_parser = GivenParser(PathBufValueParser::new())
    )]
    ca_file: Option<Given<PathBuf>>,
    /// Same as for `serve`.
    #[arg(long, hide = true, env = "ILUMA_SANDBOX_TLS", value_parser = FalseyValueParser::new())]
    tls: bool,
    /// Same as for `serve`.
    #[arg(long, hide = true, env = "ILUMA_SANDBOX_TLS_PORT")]
    tls_port: Option<u16>,
    /// Same as for `serve`.
    #[arg(long, hide = true, env = "ILUMA_SANDBOX_HTTPS_ONLY", value_parser = FalseyValueParser::new())]
    https_only: bool,
    /// Same as for `serve`.
    #[arg(long, hide = true, env = "ILUMA_SANDBOX_TLS_CERT")]
    tls_cert: Option<PathBuf>,
    #[command(flatten)]
    authority: AuthorityFolderArgument,
}

impl TlsArguments {
    fn is_wanted(&self) -> bool {
        self.tls || self.https_only || self.tls_port.is_some() || self.tls_cert.is_some()
    }

    /// Sets up TLS. An error is a sentence about wrong arguments.
    pub(super) fn apply(&self, mut builder: Builder) -> Result<Builder, String> {
        if !self.is_wanted() {
            if self.tls_hosts.is_empty() {
                return Ok(builder);
            }
            return Err(
                "--tls-host has no effect without HTTPS: add --tls or --tls-port".to_owned(),
            );
        }
        builder = builder.tls(true).https_only(self.https_only);
        if let Some(port) = self.tls_port {
            builder = builder.tls_port(port);
        }
        for host in &self.tls_hosts {
            builder = builder.tls_host(host)?;
        }
        Ok(match (&self.tls_cert, &self.tls_key) {
            (Some(certificate), Some(key)) => builder.tls_files(certificate, key),
            _ => builder.ca_folder(self.authority.path()?),
        })
    }

    pub(super) fn port(&self) -> Option<u16> {
        self.tls_port
    }

    /// The file with the certificate that clients have to trust, if it is the sandbox's own.
    pub(super) fn authority_file(&self) -> Option<PathBuf> {
        let folder = self.authority.path().ok().filter(|_| self.is_wanted());
        let file = folder?.join(AUTHORITY_FILE);
        Some(std::path::absolute(&file).unwrap_or(file))
    }
}

impl AuthorityFolderArgument {
    pub(super) fn path(&self) -> Result<PathBuf, String> {
        if let Some(folder) = &self.ca_dir {
            return Ok(folder.clone());
        }
        let data = os::data_folder().ok_or(
            "there is no home folder for the certificate authority: name a folder with --ca-dir, or use your own \
             certificate with --tls-cert and --tls-key",
        )?;
        Ok(data.join("iluma-sandbox"))
    }
}

impl ReceiverArguments {
    pub(super) fn apply(&self, mut builder: Builder) -> Result<Builder, String> {
        for host in &self.allow_egress {
            builder = builder.allow_egress(host.to_string());
        }
        for given in &self.authorities {
            builder = builder.callback_authorities(authorities(given)?);
        }
        Ok(builder)
    }
}

impl TlsClientArguments {
    pub(super) fn scheme_and_port(&self, port: u16) -> (&'static str, u16) {
        let is_secured = self.tls || self.https_only || self.tls_cert.is_some();
        match self.tls_port {
            Some(own) if self.https_only => ("https", own),
            None if is_secured => ("https", port),
            _ => ("http", port),
        }
    }

    /// The folder of the local certificate authority.
    pub(super) fn authority_folder(&self) -> Result<PathBuf, String> {
        self.authority.path()
    }

    /// Trusts the authorities of the system, the one that is named, and the local one if there is any.
    pub(super) fn trust(&self) -> Result<Trust, String> {
        let mut given = match &self.ca_file {
            Some(given) => authorities(given)?,
            None => Vec::new(),
        };
        let local = self
            .authority
            .path()
            .map(|folder| folder.join(AUTHORITY_FILE));
        for path in local.ok().iter().chain(&self.tls_cert) {
            given.extend(read_authorities(Path::new(path)).unwrap_or_default());
        }
        Ok(Trust::of_commands(given))
    }
}

fn authorities(given: &Given<PathBuf>) -> Result<Vec<CertificateDer<'static>>, String> {
    read_authorities(&given.value).map_err(|why| format!("{}: {why}", given.name()))
}

fn one_host(text: &str) -> Result<Host, String> {
    if text.contains(',') {
        return Err("write one host, and repeat the flag for each".to_owned());
    }
    callbacks::callable_host(text)
}

fn host(text: &str) -> Result<String, String> {
    text.parse::<HostName>().map(|_| text.to_owned())
}
