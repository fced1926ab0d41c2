//! Hosts and ports: the one reading for every URL, header and flag.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::text::short;

/// The longest name and the longest label in DNS, in characters.
const NAME_CHARS_MAX: usize = 253;
const LABEL_CHARS_MAX: usize = 63;

/// A host that a connection can be made to.
///
/// An IPv4 address has one spelling, because resolvers do not agree on the others: some read `0177.1` as 127.0.0.1.
#[derive(Clone, Debug)]
pub(crate) enum Host {
    /// As written. A dot at its end says that the name is complete.
    Name(String),
    Address(IpAddr),
}

impl Host {
    /// Reads a host that stands alone, such as the value of a flag. An IPv6 address may be in brackets.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let sentence = |reason: &str| format!("`{}` is not a host: {reason}", short(text));
        if let Ok(v6) = text.parse::<Ipv6Addr>() {
            return Ok(Self::Address(v6.into()));
        }
        if text.contains("://") || text.contains('/') {
            return Err(sentence("write the host alone, without `http://` and path"));
        }
        if text.contains('@') {
            return Err(sentence("write the host alone, without user name"));
        }
        if !text.starts_with('[') && text.matches(':').count() == 1
            || text.rsplit_once("]:").is_some()
        {
            return Err(sentence("write the host alone, without a port"));
        }
        Self::in_url(text).map_err(|reason| sentence(&reason))
    }

    /// Reads a host as a URL has it: an IPv6 address is in brackets. An error is a clause.
    fn in_url(text: &str) -> Result<Self, String> {
        if let Some(inner) = text.strip_prefix('[') {
            let address = inner
                .strip_suffix(']')
                .and_then(|inner| inner.parse::<Ipv6Addr>().ok());
            return match address {
                Some(v6) => Ok(Self::Address(v6.into())),
                None if inner.contains('%') => {
                    Err("an IPv6 address is written without its zone".to_owned())
                }
                None => Err(format!("`{}` is not an IPv6 address", short(text))),
            };
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        if name.is_empty() {
            return Err("it is empty".to_owned());
        }
        if !name.is_ascii() {
            return Err(
                "write a name with other letters than those of ASCII in its form `xn--…`"
                    .to_owned(),
            );
        }
        let is_fit = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if let Some(unfit) = name.chars().find(|c| !is_fit(*c)) {
            return Err(format!("no name contains `{}`", unfit.escape_default()));
        }
        if name.len() > NAME_CHARS_MAX
            || name
                .split('.')
                .any(|label| label.is_empty() || label.len() > LABEL_CHARS_MAX)
        {
            return Err(format!(
                "between the dots of a name are 1 to {LABEL_CHARS_MAX} characters, and it has at most {NAME_CHARS_MAX}"
            ));
        }
        if !ends_in_a_number(name) {
            return Ok(Self::Name(text.to_owned()));
        }
        match text.parse::<Ipv4Addr>() {
            Ok(v4) => Ok(Self::Address(v4.into())),
            Err(_) => {
                Err("write an IPv4 address as four decimal numbers, such as 127.0.0.1".to_owned())
            }
        }
    }

    /// Whether both are the same host, whatever their letters' case. A dot at the end of a name makes no difference.
    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Address(one), Self::Address(other)) => one == other,
            (Self::Name(one), Self::Name(other)) => {
                without_dot(one).eq_ignore_ascii_case(without_dot(other))
            }
            (Self::Address(_), Self::Name(_)) | (Self::Name(_), Self::Address(_)) => false,
        }
    }

    /// Whether the name always means this machine (RFC 6761): `localhost`, and names below it.
    pub(crate) fn is_localhost(&self) -> bool {
        match self {
            Self::Address(_) => false,
            Self::Name(name) => {
                let name = without_dot(name).to_ascii_lowercase();
                name == "localhost" || name.ends_with(".localhost")
            }
        }
    }

    /// Whether the host is this machine: `localhost`, or a loopback address in any form.
    pub(crate) fn is_loopback(&self) -> bool {
        match self {
            Self::Address(address) => address.to_canonical().is_loopback(),
            Self::Name(_) => self.is_localhost(),
        }
    }

    /// The name as a certificate has it: without a dot at its end, an IPv6 address without brackets.
    #[cfg(feature = "tls")]
    pub(crate) fn certificate_name(&self) -> String {
        match self {
            Self::Address(address) => address.to_string(),
            Self::Name(name) => without_dot(name).to_owned(),
        }
    }
}

/// An IPv6 address has no brackets.
impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(address) => address.fmt(f),
        }
    }
}

/// Reads `host` or `host:port`, as in a URL or in the header `Host`. An error is a clause about the host or the port.
pub(crate) fn parse_authority(text: &str) -> Result<(Host, Option<u16>), String> {
    let host_end = match text.rfind(']') {
        Some(bracket) if text.starts_with('[') => bracket + 1,
        _ => text.find(':').unwrap_or(text.len()),
    };
    let (host, port) = text.split_at(host_end);
    if host.is_empty() && port.is_empty() {
        return Err("it names no host".to_owned());
    }
    if port.matches(':').count() > 1 && !host.starts_with('[') {
        return Err("write an IPv6 address in brackets, such as [::1]".to_owned());
    }
    if host.is_empty() {
        return Err("it names no host".to_owned());
    }
    let host = Host::in_url(host).map_err(|reason| format!("its host is wrong: {reason}"))?;
    if port.is_empty() {
        return Ok((host, None));
    }
    let digits = port.strip_prefix(':').filter(|digits| {
        digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0')
    });
    match digits.and_then(|digits| digits.parse().ok()) {
        Some(port) => Ok((host, Some(port))),
        None => Err("it names no port between 1 and 65535".to_owned()),
    }
}

/// Whether resolvers may read the name as an IPv4 address: its last label is a decimal, octal or hexadecimal number.
fn ends_in_a_number(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    let hex = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    match hex {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => last.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

fn without_dot(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}
