//! Who may use the control API. Three questions, in this order; the first that is answered badly refuses.
//!
//! 1. **Which sandbox is asked?** On a loopback address the `Host` has to be a loopback name: else a web page
//!    could have its own name point here and read what is answered. On any other address it is free, so that
//!    `http://iluma:4586` works between containers; the token stands guard there.
//! 2. **Who made the request?** A browser says so: an `Origin` that is not this sandbox's is refused, and so is
//!    what `Sec-Fetch-Site` calls cross-site. A link that is followed may come from anywhere: it changes nothing.
//! 3. **Is the token right?** Where there is one. `livez` and `readyz` are asked by machines that have no
//!    secrets, callbacks to the inbox carry none, and neither the files of the inspector nor the description of
//!    this API hold anything that is this sandbox's: these are free. The page asks for the token and sends it with all that it asks for.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use ctutils::CtEq;
use hyper::header::{AsHeaderName, HOST, ORIGIN};
use hyper::http::uri::Authority;
use hyper::{HeaderMap, StatusCode, Uri};
use rand::TryRng;
use rand::rngs::SysRng;
use sha2::{Digest, Sha256};

use super::call::Call;
use super::headers::CONTROL_TOKEN_HEADER;
use crate::base::hex;

const TOKEN_CHARS_MAX: usize = 200;

/// What the control API asks for in `x-sandbox-control-token`. `Debug` does not show it.
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
    /// Outside of the loopback interface there is always a token: one is made where none is given.
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

    /// The first two questions, for what changes something.
    pub(crate) fn judge_page(&self, call: &Call) -> Result<(), Refusal> {
        self.judge(call, "POST")
    }

    fn judge(&self, call: &Call, method: &str) -> Result<(), Refusal> {
        if self.listens_on_loopback {
            check_host(call)?;
        }
        check_origin(call, method)
    }

    /// `method` and `parts` are those by which the request is routed.
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
    if let Some(authority) = by_target.filter(|authority| !is_loopback(authority)) {
        return Err(foreign(authority.as_str()));
    }
    let hosts: Vec<_> = texts(call.headers(), HOST).collect();
    let wrong = hosts.iter().find(|host| {
        let authority = host.parse().ok();
        !authority.is_some_and(|authority| is_loopback(&authority))
    });
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
    let host = texts(headers, HOST)
        .next()
        .and_then(|host| host.parse().ok());
    let host = call.head.uri.authority().cloned().or(host);
    if let Some(origin) = texts(headers, ORIGIN).find(|origin| !is_own(origin, host.as_ref())) {
        return Err(foreign(&format!("the Origin `{origin}`")));
    }
    let says = |name, value| texts(headers, name).any(|said: &str| said == value);
    let follows_a_link = method == "GET" && says("sec-fetch-mode", "navigate");
    if says("sec-fetch-site", "cross-site") && !follows_a_link {
        return Err(foreign("a page of another site"));
    }
    Ok(())
}

/// All values of a header; one that is no text is a text that nothing likes.
fn texts(headers: &HeaderMap, name: impl AsHeaderName) -> impl Iterator<Item = &str> {
    let values = headers.get_all(name).into_iter();
    values.map(|value| value.to_str().unwrap_or("?"))
}

/// Whether a page of this origin comes from the sandbox: it has the request's own host, or another name of
/// this machine and the same port.
fn is_own(origin: &str, host: Option<&Authority>) -> bool {
    let (Ok(origin), Some(host)) = (origin.parse::<Uri>(), host) else {
        return false;
    };
    let usual_port = match origin.scheme_str() {
        Some("http") => 80,
        Some("https") => 443, // something before the sandbox speaks TLS
        _ => return false,
    };
    let Some(page) = origin.authority() else {
        return false;
    };
    let port = |authority: &Authority| authority.port_u16().unwrap_or(usual_port);
    let same_name = page.host().eq_ignore_ascii_case(host.host());
    port(page) == port(host) && (same_name || is_loopback(page))
}

fn is_loopback(authority: &Authority) -> bool {
    let name = authority.host().trim_end_matches('.').to_ascii_lowercase();
    if authority.as_str().contains('@') {
        return false;
    }
    if let Some(v6) = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
    {
        let address = v6.parse::<Ipv6Addr>();
        return address.is_ok_and(|address| address.to_canonical().is_loopback());
    }
    let is_address = || {
        name.parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
    };
    name == "localhost" || name.ends_with(".localhost") || is_address()
}

impl ControlToken {
    /// The whole token, to be sent and never to be logged.
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

    /// The one thing here that does not come from the seed: who knows that must not know this.
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
        match headers.get(CONTROL_TOKEN_HEADER) {
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

    /// In a time that says nothing of how much of it is right, nor of its length.
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

/// A refusal, with the sentence that says why.
pub(crate) struct Refusal(
    pub(crate) StatusCode,
    pub(crate) &'static str,
    pub(crate) String,
);
