//! The flags of HTTPS: what `serve` speaks, where other commands find it, and what receivers have to show.

use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::FalseyValueParser;

use super::os;
use crate::callbacks::Trust;
use crate::sandbox::Builder;
use crate::server::{AUTHORITY_FILE, HostName, read_authorities};

/// What is spoken.
#[derive(Debug, Args)]
pub(super) struct TlsArguments {
    /// Speak HTTPS at the port, and no plain HTTP: see `iluma-sandbox ca trust-help`.
    #[arg(long, env = "ILUMA_SANDBOX_TLS", value_parser = FalseyValueParser::new())]
    tls: bool,
    /// Speak HTTPS at a port of its own, beside plain HTTP at `--port`; 0 takes any free one.
    #[arg(long, value_name = "PORT", env = "ILUMA_SANDBOX_TLS_PORT")]
    tls_port: Option<u16>,
    /// Refuse plain HTTP as the real service does: at `--port` where there is a `--tls-port`, else by speaking
    /// HTTPS there.
    #[arg(long, env = "ILUMA_SANDBOX_HTTPS_ONLY", value_parser = FalseyValueParser::new())]
    https_only: bool,
    /// Name or address that the certificate is good for, beside localhost, 127.0.0.1, `::1` and this
    /// machine's name; repeat it, or separate by commas.
    #[arg(
        long = "tls-host",
        value_name = "HOST",
        env = "ILUMA_SANDBOX_TLS_HOST",
        value_delimiter = ',',
        value_parser = host
    )]
    tls_hosts: Vec<String>,
    /// Certificate of your own in PEM, its chain after it, instead of one by the local authority.
    #[arg(
        long,
        value_name = "FILE",
        env = "ILUMA_SANDBOX_TLS_CERT",
        requires = "tls_key"
    )]
    tls_cert: Option<PathBuf>,
    /// The key of that certificate in PEM, not encrypted.
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

/// Where the local certificate authority is kept.
#[derive(Clone, Debug, Args)]
pub(super) struct AuthorityFolderArgument {
    /// Folder of the local certificate authority, which is made there at first use [default:
    /// iluma-sandbox in the user's data folder].
    #[arg(long, value_name = "DIR", env = "ILUMA_SANDBOX_CA_DIR", global = true)]
    ca_dir: Option<PathBuf>,
}

/// Which receivers callbacks may go to, and what they have to show.
#[derive(Debug, Args)]
pub(super) struct ReceiverArguments {
    /// Public host that callbacks may go to; repeat it. Loopback and private addresses need none.
    #[arg(
        long,
        value_name = "HOST",
        env = "ILUMA_SANDBOX_ALLOW_EGRESS",
        value_delimiter = ','
    )]
    allow_egress: Vec<String>,
    /// Certificate authority in PEM that https receivers may be signed by, beside the system's; repeat it.
    #[arg(
        long = "callback-ca",
        value_name = "FILE",
        env = "ILUMA_SANDBOX_CALLBACK_CA",
        value_delimiter = ','
    )]
    authorities: Vec<PathBuf>,
}

/// How other commands reach what `serve` speaks.
#[derive(Debug, Args)]
pub(super) struct Reached {
    /// Certificate authority in PEM to trust at an https address, beside the system's and the local one.
    #[arg(long, value_name = "FILE", env = "ILUMA_SANDBOX_CA_FILE")]
    ca_file: Option<PathBuf>,
    /// As `serve` has it.
    #[arg(long, hide = true, env = "ILUMA_SANDBOX_TLS", value_parser = FalseyValueParser::new())]
    tls: bool,
    /// As `serve` has it.
    #[arg(long, hide = true, env = "ILUMA_SANDBOX_TLS_PORT")]
    tls_port: Option<u16>,
    /// As `serve` has it.
    #[arg(long, hide = true, env = "ILUMA_SANDBOX_HTTPS_ONLY", value_parser = FalseyValueParser::new())]
    https_only: bool,
    /// As `serve` has it.
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
                "--tls-host is of no use without HTTPS: add --tls or --tls-port".to_owned(),
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
            "there is no home folder to keep the certificate authority in: name a folder with --ca-dir, or bring a \
             certificate with --tls-cert and --tls-key",
        )?;
        Ok(data.join("iluma-sandbox"))
    }
}

impl ReceiverArguments {
    pub(super) fn apply(&self, mut builder: Builder) -> Result<Builder, String> {
        for host in &self.allow_egress {
            builder = builder.allow_egress(host);
        }
        for path in &self.authorities {
            let authorities =
                read_authorities(path).map_err(|why| format!("--callback-ca: {why}"))?;
            builder = builder.callback_authorities(authorities);
        }
        Ok(builder)
    }
}

impl Reached {
    pub(super) fn scheme_and_port(&self, port: u16) -> (&'static str, u16) {
        let is_secured = self.tls || self.https_only || self.tls_cert.is_some();
        match self.tls_port {
            Some(own) if self.https_only => ("https", own),
            None if is_secured => ("https", port),
            _ => ("http", port),
        }
    }

    /// Trusts the authorities of the system, the one that is named, and the local one if there is any.
    pub(super) fn trust(&self) -> Result<Trust, String> {
        let mut given = match &self.ca_file {
            Some(path) => read_authorities(path).map_err(|why| format!("--ca-file: {why}"))?,
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

fn host(text: &str) -> Result<String, String> {
    text.parse::<HostName>().map(|_| text.to_owned())
}
