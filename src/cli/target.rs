//! How a command finds the running sandbox, and which world it uses.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::bind::{Bind, DEFAULT_BIND};
use super::client::{Client, sandbox_url};
use super::given::{Given, GivenParser, Source};
use super::secret::{api_key, control_token};
use crate::base::{ApiKey, HttpUrl, PUBLIC_KEY};
use crate::http::{ControlToken, DEFAULT_PORT};

/// Where it is.
#[derive(Debug, Args)]
pub(super) struct SandboxAddress {
    /// URL of the sandbox [default: `http://127.0.0.1:4586`; `ILUMA_SANDBOX_BIND` and
    /// `ILUMA_SANDBOX_PORT` change that].
    #[arg(
        long,
        env = "ILUMA_SANDBOX_URL",
        value_parser = GivenParser(sandbox_url as UrlReader)
    )]
    url: Option<Given<HttpUrl>>,
    /// Same as for `serve`.
    #[arg(
        long,
        hide = true,
        env = "ILUMA_SANDBOX_BIND",
        default_value = DEFAULT_BIND,
        value_parser = GivenParser(read_bind as BindReader)
    )]
    bind: Given<Bind>,
    /// Same as for `serve`.
    #[arg(
        long,
        hide = true,
        env = "ILUMA_SANDBOX_PORT",
        default_value = DEFAULT_PORT.to_string(),
        value_parser = GivenParser(clap::value_parser!(u16))
    )]
    port: Given<u16>,
    /// Same as for `serve`.
    #[command(flatten)]
    secure: super::tls::TlsClientArguments,
}

type UrlReader = fn(&str) -> Result<HttpUrl, String>;
type BindReader = fn(&str) -> Result<Bind, String>;

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
        value_parser = api_key()
    )]
    api_key: Option<ApiKey>,
    /// Control token, if the control API requires one.
    #[arg(
        long,
        value_name = "TOKEN",
        env = "ILUMA_SANDBOX_CONTROL_TOKEN",
        hide_env_values = true,
        value_parser = control_token()
    )]
    control_token: Option<ControlToken>,
}

impl SandboxAddress {
    /// The URL of the sandbox. An error is a sentence about wrong arguments.
    pub(super) fn url(&self) -> Result<HttpUrl, String> {
        if let Some(url) = self.own_url() {
            return Ok(url.value.clone());
        }
        let (scheme, port) = self.secure.scheme_and_port(self.port.value);
        if port == 0 {
            let name = self.port.source.name().unwrap_or("the port");
            return Err(format!(
                "{name} is 0, which means any free port: give the URL of the sandbox with --url (its ready file has it)"
            ));
        }
        let address = SocketAddr::new(self.bind.value.client_address(), port);
        let url = format!("{scheme}://{address}");
        Ok(HttpUrl::parse(&url).expect("an address makes a URL"))
    }

    /// The flags and variables that say where the sandbox is. Empty if it is where the default says.
    pub(super) fn sources(&self) -> Vec<&str> {
        let sources = match self.own_url() {
            Some(url) => vec![&url.source],
            None => vec![&self.bind.source, &self.port.source],
        };
        sources.into_iter().filter_map(Source::name).collect()
    }

    /// The folder of the local certificate authority. An error is a sentence.
    pub(super) fn authority_folder(&self) -> Result<PathBuf, String> {
        self.secure.authority_folder()
    }

    /// The URL as a whole. A flag for a part of it comes before the variable for all of it.
    fn own_url(&self) -> Option<&Given<HttpUrl>> {
        let has_part = self.bind.source.is_flag() || self.port.source.is_flag();
        let url = self.url.as_ref();
        url.filter(|url| url.source.is_flag() || !has_part)
    }
}

impl Target {
    /// A client of the control API. An error is a sentence about wrong arguments.
    pub(super) fn client(&self) -> Result<Client, String> {
        let client = Client::new(
            self.place.url()?,
            Some(self.api_key.clone().unwrap_or_else(public_key)),
            self.control_token.clone(),
            self.place.secure.trust()?,
        );
        Ok(client.named_by(&self.place.sources()))
    }
}

/// The key that is used if none is given.
pub(super) fn public_key() -> ApiKey {
    PUBLIC_KEY.parse().expect("the public key is well-formed")
}

fn read_bind(text: &str) -> Result<Bind, String> {
    text.parse()
}
