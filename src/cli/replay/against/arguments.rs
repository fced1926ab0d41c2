//! The flags of `replay --against`.

use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::base::{ApiKey, HttpUrl};
use crate::callbacks::Trust;
use crate::cli::client::target_url;
use crate::cli::secret::{api_key, control_token};
use crate::cli::tls::TlsClientArguments;
use crate::http::ControlToken;

/// How many requests a second a public host gets if `--rate` does not say it.
const PUBLIC_RATE: f64 = 2.0;

const RATE_MAX: f64 = 1000.0;

/// One request in about a quarter of an hour.
const RATE_MIN: f64 = 0.001;

#[derive(Debug, Args)]
pub(in crate::cli::replay) struct AgainstArguments {
    /// Send the requests to this server, and compare its replies with the recorded ones. A public host
    /// needs `--yes` and https.
    #[arg(long, value_name = "URL", value_parser = target_url)]
    pub against: Option<HttpUrl>,
    /// Development API key for that server. Live keys are refused.
    #[arg(
        long,
        value_name = "KEY",
        env = "ILUMA_SANDBOX_API_KEY",
        hide_env_values = true,
        value_parser = api_key()
    )]
    pub api_key: Option<ApiKey>,
    /// Control token of that server, if it is a sandbox that requires one.
    #[arg(
        long,
        value_name = "TOKEN",
        env = "ILUMA_SANDBOX_CONTROL_TOKEN",
        hide_env_values = true,
        value_parser = control_token()
    )]
    pub control_token: Option<ControlToken>,
    /// World of the recording to send, if there are several.
    #[arg(long, value_name = "TAG", requires = "against")]
    pub world: Option<String>,
    /// Send these requests in place of a recording's.
    #[arg(long, value_enum, requires = "against")]
    pub suite: Option<Suite>,
    /// Agree to send requests to a public host.
    #[arg(long, requires = "against")]
    pub yes: bool,
    /// Requests a second, such as `0.5`. Without it, a public host gets 2, and any other gets them
    /// without a pause.
    #[arg(long, value_name = "N", requires = "against", value_parser = rate)]
    pub rate: Option<f64>,
    #[command(flatten)]
    secure: TlsClientArguments,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli::replay) enum Suite {
    /// Each documented endpoint, outcome and error once.
    Documented,
}

impl AgainstArguments {
    /// The time between the beginnings of two requests.
    pub(super) fn interval(&self, is_public: bool) -> Duration {
        let usual = is_public.then_some(PUBLIC_RATE);
        let rate = self.rate.or(usual);
        rate.map_or(Duration::ZERO, |rate| Duration::from_secs_f64(1.0 / rate))
    }

    pub(super) fn trust(&self) -> Result<Trust, String> {
        self.secure.trust()
    }
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse::<f64>().ok();
    rate.filter(|rate| (RATE_MIN..=RATE_MAX).contains(rate))
        .ok_or_else(|| {
            format!("write a number of requests a second, from {RATE_MIN} to {RATE_MAX}")
        })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        against: AgainstArguments,
    }

    #[test]
    fn a_public_host_gets_two_requests_a_second_and_a_rate_counts_for_all_hosts() {
        let interval = |arguments: &[&str], is_public| {
            let line = ["replay", "--against", "http://127.0.0.1"];
            let line = Line::parse_from([&line, arguments].concat());
            line.against.interval(is_public).as_millis()
        };
        assert_eq!(interval(&[], true), 500);
        assert_eq!(interval(&[], false), 0);
        for is_public in [true, false] {
            assert_eq!(interval(&["--rate", "4"], is_public), 250);
            assert_eq!(interval(&["--rate", "0.5"], is_public), 2000);
        }
    }
}
