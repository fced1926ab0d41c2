//! How a command finds the running sandbox, and which world it uses.

use std::net::SocketAddr;

use clap::Args;

use super::bind::{Bind, DEFAULT_BIND};
use super::client::{Client, sandbox_url};
use super::secret::secret;
use crate::base::{ApiKey, HttpUrl, PUBLIC_KEY};
use crate::http::{ControlToken, DEFAULT_PORT};

/// The beginning of an error.
pub(super) const NOT_A_KEY: &str = "--api-key is not an API key";

/// Where it is.
#[derive(Debug, Args)]
pub(super) struct SandboxAddress {
    /// URL of the sandbox [default: `http://127.0.0.1:4586`; `ILUMA_SANDBOX_BIND` and
    /// `ILUMA_SANDBOX_PORT` change that].
    #[arg(long, value_parser = sandbox_url)]
    url: Option<HttpUrl>,
    /// Same as for `serve`.
    #[arg(long, hide = true, env = "ILUMA_SANDBOX_BIND", default_value = DEFAULT_BIND)]
    bind: Bind,
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
        hide_env_values = true,
        value_parser = secret::<ApiKey>(NOT_A_KEY)
    )]
    api_key: Option<ApiKey>,
    /// Control token, if the control API requires one.
    #[arg(
        long,
        value_name = "TOKEN",
        env = "ILUMA_SANDBOX_CONTROL_TOKEN",
        hide_env_values = true,
        value_parser = secret::<ControlToken>("--control-token")
    )]
    control_token: Option<ControlToken>,
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
        let address = SocketAddr::new(self.bind.client_address(), port);
        let url = format!("{scheme}://{address}");
        Ok(HttpUrl::parse(&url).expect("an address makes a URL"))
    }
}

impl Target {
    /// A client of the control API. An error is a sentence about wrong arguments.
    pub(super) fn client(&self) -> Result<Client, String> {
        Ok(Client::new(
            self.place.url()?,
            Some(self.api_key.clone().unwrap_or_else(public_key)),
            self.control_token.clone(),
            self.place.secure.trust()?,
        ))
    }
}

/// The key that is used if none is given.
pub(super) fn public_key() -> ApiKey {
    PUBLIC_KEY.parse().expect("the public key is well-formed")
}
