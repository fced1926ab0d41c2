//! How a command finds the running sandbox, and which world it uses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use clap::Args;

use super::client::{Client, sandbox_url};
use crate::base::{ApiKey, HttpUrl, PUBLIC_KEY};
use crate::http::DEFAULT_PORT;

/// Where it is.
#[derive(Debug, Args)]
pub(super) struct SandboxAddress {
    /// URL of the sandbox [default: `http://127.0.0.1:4586`; `ILUMA_SANDBOX_BIND` and
    /// `ILUMA_SANDBOX_PORT` change that].
    #[arg(long, value_parser = sandbox_url)]
    url: Option<HttpUrl>,
    /// Same as for `serve`.
    #[arg(long, hide = true, env = "ILUMA_SANDBOX_BIND", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    bind: IpAddr,
    /// Same as for `serve`.
    #[arg(long, hide = true, env = "ILUMA_SANDBOX_PORT", default_value_t = DEFAULT_PORT)]
    port: u16,
    /// Same as for `serve`.
    #[command(flatten)]
    secure: super::tls::TlsClientArguments,
}

/// Where it is, and what to show there.
#[derive(Debug, Args)]
pub(super) struct Target {
    #[command(flatten)]
    pub place: SandboxAddress,
    /// API key whose world is used [default: the documentation's API key].
    #[arg(
        long,
        value_name = "KEY",
        env = "ILUMA_SANDBOX_API_KEY",
        hide_env_values = true
    )]
    api_key: Option<String>,
    /// Control token, if the control API requires one.
    #[arg(
        long,
        value_name = "TOKEN",
        env = "ILUMA_SANDBOX_CONTROL_TOKEN",
        hide_env_values = true
    )]
    control_token: Option<String>,
}

impl SandboxAddress {
    /// The URL of the sandbox. An error is a sentence about wrong arguments.
    pub(super) fn url(&self) -> Result<HttpUrl, String> {
        if let Some(url) = &self.url {
            return Ok(url.clone());
        }
        let (scheme, port) = self.secure.scheme_and_port(self.port);
        if port == 0 {
            return Err(
                "the port is 0, which means any free port: give the URL of the sandbox with --url (its ready file has it)"
                    .to_owned(),
            );
        }
        let host = match self.bind {
            IpAddr::V4(any) if any.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(any) if any.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            one => one,
        };
        let url = format!("{scheme}://{}", SocketAddr::new(host, port));
        Ok(HttpUrl::parse(&url).expect("an address makes a URL"))
    }
}

impl Target {
    /// A client of the control API. An error is a sentence about wrong arguments.
    pub(super) fn client(&self) -> Result<Client, String> {
        let url = self.place.url()?;
        let key = first_key(self.api_key.as_deref())?;
        let token = self.control_token.as_deref().map(str::parse).transpose();
        let token = token.map_err(|reason: String| format!("--control-token: {reason}"))?;
        Ok(Client::new(
            url,
            Some(key),
            token,
            self.place.secure.trust()?,
        ))
    }
}

/// As for `serve` there may be several keys, and the first is used. An error does not repeat the key: it may be a
/// real one.
pub(super) fn first_key(keys: Option<&str>) -> Result<ApiKey, String> {
    let keys = keys.unwrap_or(PUBLIC_KEY);
    let key = keys.split(',').next().unwrap_or_default().parse();
    key.map_err(|reason| format!("--api-key is not an API key: {reason}"))
}
