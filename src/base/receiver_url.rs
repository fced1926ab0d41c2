//! The URL of a callback receiver: http or https, with a host.

use std::sync::Arc;

use hyper::Uri;

use super::text::short;

/// A URL that callbacks can be sent to: http or https, with a host, without user name and password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReceiverUrl {
    pub(crate) uri: Uri,
    written: String,
}

/// A receiver: scheme, host and port of its URLs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Origin(Arc<str>);

impl ReceiverUrl {
    pub(crate) fn origin(&self) -> Origin {
        let scheme = self.uri.scheme_str().unwrap_or_default();
        let host = self.uri.host().unwrap_or_default().to_ascii_lowercase();
        let usual_port = if scheme == "https" { 443 } else { 80 };
        let port = self.uri.port_u16().unwrap_or(usual_port);
        Origin(format!("{scheme}://{host}:{port}").into())
    }

    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let uri: Uri = text
            .parse()
            .map_err(|_| format!("`{}` is not a URL", short(text)))?;
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") if cfg!(feature = "tls") => {}
            Some("https") => {
                return Err(
                    "https receivers are called by a build with the feature `tls` alone: give an http URL"
                        .to_owned(),
                );
            }
            _ => return Err(format!("`{}` is not an http URL", short(text))),
        }
        let authority = uri
            .authority()
            .expect("a URL with a scheme has an authority");
        if authority.as_str().contains('@') {
            return Err("a URL with a user name or password in it is not called".to_owned());
        }
        if authority.host().is_empty() {
            return Err(format!("`{}` names no host", short(text)));
        }
        let host_ends_it = authority.as_str().len() == authority.host().len();
        if !host_ends_it && authority.port_u16().is_none_or(|port| port == 0) {
            return Err(format!(
                "`{}` names no port between 1 and 65535",
                short(text)
            ));
        }
        Ok(Self {
            written: text.to_owned(),
            uri,
        })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.written
    }

    #[cfg(feature = "tls")]
    pub(crate) fn is_https(&self) -> bool {
        self.uri.scheme_str() == Some("https")
    }
}
