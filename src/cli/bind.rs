//! `--bind`: where the sandbox listens, and where commands look for it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use crate::sandbox::Builder;

pub(super) const DEFAULT_BIND: &str = "localhost";

#[derive(Clone, Copy, Debug)]
pub(super) enum Bind {
    /// Both loopback addresses.
    Localhost,
    Address(IpAddr),
}

impl FromStr for Bind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case(DEFAULT_BIND) {
            return Ok(Self::Localhost);
        }
        let in_brackets = text
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'));
        let address = match in_brackets {
            Some(inner) => inner.parse().map(IpAddr::V6),
            None => text.parse(),
        };
        let address = address.map_err(|_| {
            "write `localhost` or an IP address without a port, such as 0.0.0.0 or ::1".to_owned()
        })?;
        Ok(Self::Address(address.to_canonical()))
    }
}

impl Bind {
    pub(super) fn apply(self, builder: Builder, port: u16) -> Builder {
        match self {
            Self::Localhost => builder.both_loopbacks(true).port(port),
            Self::Address(address) => builder.address(SocketAddr::new(address, port)),
        }
    }

    /// The address for clients on this machine.
    pub(super) fn client_address(self) -> IpAddr {
        match self {
            Self::Localhost | Self::Address(IpAddr::V4(Ipv4Addr::UNSPECIFIED)) => {
                Ipv4Addr::LOCALHOST.into()
            }
            Self::Address(IpAddr::V6(Ipv6Addr::UNSPECIFIED)) => Ipv6Addr::LOCALHOST.into(),
            Self::Address(address) => address,
        }
    }
}
