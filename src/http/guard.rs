//! Who may use the control API. Three checks run in this order; the first that fails refuses the request.
//!
//! 1. **Is the host right?** On a loopback address the `Host` must be a loopback name. Otherwise a web page could let
//!    its own host name point to this machine and read the answers. On any other address every `Host` is allowed, so
//!    that `http://iluma:4586` works between containers. There the token protects the API.
//! 2. **Who made the request?** Browsers tell. An `Origin` of another site is refused, and so is a request that
//!    `Sec-Fetch-Site` calls cross-site. A followed link may come from any site, because it changes nothing.
//! 3. **Is the token right?** Only if the sandbox has a token. Some paths are free: `livez` and `readyz`, because
//!    machines without secrets ask for them; the inbox, because callbacks carry no token; the files of the inspector
//!    and the description of this API, because they hold no data of this sandbox. The inspector's page asks the user
//!    for the token and sends it with every request.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ctutils::CtEq;
use hyper::header::{AsHeaderName, HOST, ORIGIN};
use hyper::http::uri::Authority;
use hyper::{HeaderMap, StatusCode};
use rand::TryRng;
use rand::rngs::SysRng;
use sha2::{Digest, Sha256};

use super::call::Call;
use super::headers::CONTROL_TOKEN_HEADER;
use super::single_headers::{RepeatedHeader, single_header};
use crate::base::{HttpUrl, hex, parse_authority};

const TOKEN_CHARS_MAX: usize = 200;

/// The secret that the control API expects in `x-sandbox-control-token`. `Debug` does not show it.
///
/// ```
/// use iluma_sandbox::ControlToken;
///
/// let token: ControlToken = "s3cret".parse().unwrap();
/// assert!(!format!("{token:?}").contains("s3cret"));
/// ```
#[derive(Clone)]
pub struct ControlToken(String);

/// How the control API of a sandbox is guarded.
#[derive(Debug)]
pub(crate) struct Guard {
    listens_on_loopback: bool,
    token: Option<ControlToken>,
}

impl Guard {
    /// On an address other than loopback there is always a token. If none is given, a random one is made.
    pub(crate) fn new(address: IpAddr, token: Option<ControlToken>) -> Self {
        let listens_on_loopback = address.is_loopback();
        Self {
            listens_on_loopback,
            token: token.or_else(|| (!listens_on_loopback).then(ControlToken::random)),
        }
    }

    pub(crate) fn token(&self) -> Option<&ControlToken> {
        self.token.as_ref()
    }

    /// The first two checks, for a request that changes something.
    pub(crate) fn judge_page(&self, call: &Call) -> Result<(), Refusal> {
        self.judge(call, "POST")
    }

    fn judge(&self, call: &Call, method: &str) -> Result<(), Refusal> {
        if self.listens_on_loopback {
            check_host(call)?;
        }
        check_origin(call, method)
    }

    /// All three checks. `method` and `parts` (of the path) are those that route the request.
    pub(crate) fn admit(&self, call: &Call, method: &str, parts: &[&str]) -> Result<(), Refusal> {
        self.judge(call, method)?;
        match (&self.token, method, parts) {
            (None, ..)
            | (_, "GET", ["" | "livez" | "readyz" | "openapi.json"] | ["inspector", _])
            | (_, "POST", ["inbox", _]) => Ok(()),
            (Some(token), ..) => token.check(call.headers()),
        }
    }
}

fn check_host(call: &Call) -> Result<(), Refusal> {
    let foreign = |host: &str| {
        Refusal(
            StatusCode::FORBIDDEN,
            "foreign_host",
            format!(
                "the Host `{host}` is no name of this machine: on a loopback address the control API answers to \
                 localhost, names that end in .localhost, 127.0.0.0/8 and [::1]; use one of these, or serve \
                 with --bind on an address of another name"
            ),
        )
    };
    let by_target = call.head.uri.authority();
    if let Some(authority) = by_target.filter(|authority| !is_loopback(authority.as_str())) {
        return Err(foreign(authority.as_str()));
    }
    let hosts: Vec<_> = texts(call.headers(), HOST).collect();
    let wrong = hosts.iter().find(|host| !is_loopback(host));
    match wrong {
        Some(host) => Err(foreign(host)),
        None if hosts.is_empty() && by_target.is_none() => Err(foreign("")),
        None => Ok(()),
    }
}

fn check_origin(call: &Call, method: &str) -> Result<(), Refusal> {
    let headers = call.headers();
    let foreign = |who: &str| {
        Refusal(
            StatusCode::FORBIDDEN,
            "foreign_origin",
            format!(
                "{who} may not use the control API: no web page may that this sandbox has not served itself"
            ),
        )
    };
    let by_target = call.head.uri.authority().map(Authority::as_str);
    let host = by_target.or_else(|| texts(headers, HOST).next());
    if let Some(origin) = texts(headers, ORIGIN).find(|origin| !is_own_origin(origin, host)) {
        return Err(foreign(&format!("the Origin `{origin}`")));
    }
    let says = |name, value| texts(headers, name).any(|said: &str| said == value);
    let follows_a_link = method == "GET" && says("sec-fetch-mode", "navigate");
    if says("sec-fetch-site", "cross-site") && !follows_a_link {
        return Err(foreign("a page of another site"));
    }
    Ok(())
}

/// All values of a header. A value that is not text becomes `?`, which no check accepts.
fn texts(headers: &HeaderMap, name: impl AsHeaderName) -> impl Iterator<Item = &str> {
    let values = headers.get_all(name).into_iter();
    values.map(|value| value.to_str().unwrap_or("?"))
}

/// Whether a page of this origin comes from the sandbox. Its port must be that of the request's host. Its name must
/// be that of the request's host, or another name of this machine.
pub(super) fn is_own_origin(origin: &str, host: Option<&str>) -> bool {
    let (Ok(page), Some(Ok((host, port)))) = (HttpUrl::parse(origin), host.map(parse_authority))
    else {
        return false;
    };
    let usual_port = if page.is_https() { 443 } else { 80 }; // with https, the sandbox or a proxy before it speaks TLS
    page.port() == port.unwrap_or(usual_port)
        && (page.host().is_same_as(&host) || page.host().is_loopback())
}

fn is_loopback(authority: &str) -> bool {
    parse_authority(authority).is_ok_and(|(host, _)| host.is_loopback())
}

impl ControlToken {
    /// The whole token. Send it, but never log it.
    ///
    /// ```
    /// use iluma_sandbox::ControlToken;
    ///
    /// let token: ControlToken = "s3cret".parse().unwrap();
    /// assert_eq!(token.reveal(), "s3cret");
    /// ```
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// A random token. It is the only chance that does not come from the seed, because whoever knows the seed must not
    /// know the token.
    fn random() -> Self {
        let mut bytes = [0; 32];
        SysRng
            .try_fill_bytes(&mut bytes)
            .expect("the system has random bytes to give");
        Self(hex(&bytes))
    }

    fn check(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let refuse = |error, message: &str| {
            let message = message.to_owned();
            Err(Refusal(StatusCode::UNAUTHORIZED, error, message))
        };
        let repeated = |RepeatedHeader| {
            let message =
                "x-sandbox-control-token came more than once, with different values: send it once";
            Refusal(
                StatusCode::UNAUTHORIZED,
                "wrong_control_token",
                message.to_owned(),
            )
        };
        match single_header(headers, CONTROL_TOKEN_HEADER).map_err(repeated)? {
            None => refuse(
                "control_token_required",
                "send the control token in x-sandbox-control-token: it was given with --control-token, or else \
                 printed at the start",
            ),
            Some(given) if self.is(given.as_bytes()) => Ok(()),
            Some(_) => refuse(
                "wrong_control_token",
                "what x-sandbox-control-token says is not the control token of this sandbox",
            ),
        }
    }

    /// Compares in a time that reveals neither how much of the given token is right nor how long the token is.
    fn is(&self, given: &[u8]) -> bool {
        let [given, own]: [[u8; 32]; 2] =
            [given, self.0.as_bytes()].map(|token| Sha256::digest(token).into());
        given.ct_eq(&own).into()
    }
}

impl FromStr for ControlToken {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_sendable = text.bytes().all(|byte| byte.is_ascii_graphic());
        if text.is_empty() || text.len() > TOKEN_CHARS_MAX || !is_sendable {
            return Err(format!(
                "a control token has 1 to {TOKEN_CHARS_MAX} letters, digits and signs of ASCII, and no blanks"
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for ControlToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ControlToken(…)")
    }
}

/// A refusal: the status, the error code, and the sentence that says why.
pub(crate) struct Refusal(
    pub(crate) StatusCode,
    pub(crate) &'static str,
    pub(crate) String,
);
