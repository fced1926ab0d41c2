//! http and https URLs: the one strict reading for every URL that the sandbox is given.

use std::fmt::Write;

use super::host::{Host, parse_authority};
use super::text::short;

/// The longest URL. No receiver needs more.
const URL_BYTES_MAX: usize = 8 << 10;

/// An http or https URL with a host. It has no user name, no password and no fragment.
#[derive(Clone, Debug)]
pub(crate) struct HttpUrl {
    written: String,
    is_https: bool,
    host: Host,
    port: Option<u16>,
    /// The place of host and port in `written`. Path and query follow.
    authority: std::ops::Range<usize>,
}

impl HttpUrl {
    /// Reads a URL. Blanks around it are ignored. An error is a sentence that repeats no password.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.len() > URL_BYTES_MAX {
            return Err(format!(
                "`{}…` is longer than {URL_BYTES_MAX} bytes",
                Self::shown(text)
            ));
        }
        let (scheme, rest) = text.split_once(':').unwrap_or((text, ""));
        let is_https = scheme.eq_ignore_ascii_case("https");
        if !is_https && !scheme.eq_ignore_ascii_case("http") {
            return Err(format!("`{}` is not an http URL", Self::shown(text)));
        }
        let Some(rest) = rest.strip_prefix("//") else {
            return Err(format!(
                "`{}` is not a URL: write `//` before the host",
                Self::shown(text)
            ));
        };
        let start = text.len() - rest.len();
        let length = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let authority = start..start + length;
        if text[authority.clone()].contains('@') {
            return Err("a URL with a user name or password in it is not called".to_owned());
        }
        let is_wrong = |reason: String| format!("`{}` is not a URL: {reason}", short(text));
        let (host, port) = parse_authority(&text[authority.clone()]).map_err(is_wrong)?;
        check_target(&text[authority.end..]).map_err(is_wrong)?;
        Ok(Self {
            written: text.to_owned(),
            is_https,
            host,
            port,
            authority,
        })
    }

    /// A wrong URL, as a message repeats it. What may be a user name and a password is left out.
    pub(crate) fn shown(text: &str) -> String {
        match text.rsplit_once('@') {
            Some((_, after)) => format!("…@{}", short(after)),
            None => short(text),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.written
    }

    pub(crate) fn is_https(&self) -> bool {
        self.is_https
    }

    pub(crate) fn host(&self) -> &Host {
        &self.host
    }

    /// The port to connect to.
    pub(crate) fn port(&self) -> u16 {
        let usual = if self.is_https { 443 } else { 80 };
        self.port.unwrap_or(usual)
    }

    /// Host and port as written, for the header `Host`.
    pub(crate) fn authority(&self) -> &str {
        &self.written[self.authority.clone()]
    }

    /// Path and query, for the request line: `/?a=1` for `http://host?a=1`.
    pub(crate) fn target(&self) -> String {
        let written = &self.written[self.authority.end..];
        if written.starts_with('/') {
            return written.to_owned();
        }
        format!("/{written}")
    }
}

impl PartialEq for HttpUrl {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Eq for HttpUrl {}

/// Whether path and query can be sent as they are. An error is a clause.
fn check_target(target: &str) -> Result<(), String> {
    let is_fit = |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@/?[]%".contains(c);
    if let Some(unfit) = target.chars().find(|c| !is_fit(*c)) {
        if unfit == '#' {
            return Err("a fragment (`#…`) is never sent: leave it out".to_owned());
        }
        return Err(format!(
            "it has {}: write it percent-encoded, as `{}`",
            named(unfit),
            percent_encoded(unfit)
        ));
    }
    let mut parts = target.split('%').skip(1);
    let is_escape = |part: &str| {
        let digits = part.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    if !parts.all(is_escape) {
        return Err(
            "two hexadecimal digits must follow a `%`: write the sign itself as `%25`".to_owned(),
        );
    }
    Ok(())
}

fn named(c: char) -> String {
    match c {
        ' ' => "a space".to_owned(),
        c if c.is_control() => "a control character".to_owned(),
        c => format!("the character `{c}`"),
    }
}

fn percent_encoded(c: char) -> String {
    let mut encoded = String::new();
    for byte in c.encode_utf8(&mut [0; 4]).bytes() {
        write!(encoded, "%{byte:02X}").expect("a string can be written");
    }
    encoded
}

#[cfg(test)]
mod tests {
    use hyper::Uri;
    use hyper::header::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_accepted_can_be_sent_and_means_the_same_to_others(
            text in r"(http|HTTPS)://(\PC{0,12}|[a-z0-9.:\[\]%@_-]{0,16})(:[0-9+]{0,6})?([/?]\PC{0,12})?"
        ) {
            let Ok(url) = HttpUrl::parse(&text) else { return Ok(()) };
            let uri: Uri = text.trim().parse().expect("a URL");
            let authority = uri.authority().expect("a host");
            prop_assert_eq!(url.authority(), authority.as_str());
            prop_assert_eq!(url.port, authority.port_u16());
            let bare = authority.host().trim_matches(['[', ']']);
            match url.host() {
                Host::Address(address) => prop_assert_eq!(Ok(*address), bare.parse()),
                Host::Name(name) => prop_assert_eq!(name, bare),
            }
            prop_assert!(HeaderValue::try_from(url.authority()).is_ok());
            let sent: Uri = url.target().parse().expect("a path");
            prop_assert_eq!(sent.path(), uri.path());
            prop_assert_eq!(sent.query(), uri.query());
        }
    }

    #[test]
    fn a_url_is_read_into_what_is_sent() {
        for (url, https, port, authority, target) in [
            ("http://host:1?a=1", false, 1, "host:1", "/?a=1"),
            ("HTTP://Host.", false, 80, "Host.", "/"),
            (
                " https://[::1]:8443/a%20b?c[]=%E2%9C%93\n",
                true,
                8443,
                "[::1]:8443",
                "/a%20b?c[]=%E2%9C%93",
            ),
            ("https://my_service//x", true, 443, "my_service", "//x"),
        ] {
            let read = HttpUrl::parse(url).expect(url);
            assert_eq!((read.is_https(), read.port()), (https, port), "{url}");
            assert_eq!(
                (read.authority(), &*read.target()),
                (authority, target),
                "{url}"
            );
        }
    }
}
