//! The URL of a callback receiver.

use std::sync::Arc;

use super::http_url::HttpUrl;

/// A URL that callbacks can be sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReceiverUrl {
    pub(crate) http: HttpUrl,
}

/// A receiver: scheme, host and port of its URLs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Origin(Arc<str>);

impl ReceiverUrl {
    pub(crate) fn origin(&self) -> Origin {
        let scheme = if self.http.is_https() {
            "https"
        } else {
            "http"
        };
        let host = self.http.host().to_string().to_ascii_lowercase();
        let port = self.http.port();
        Origin(format!("{scheme}://{host}:{port}").into())
    }

    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let http = HttpUrl::parse(text)?;
        if http.is_https() && !cfg!(feature = "tls") {
            return Err(
                "https receivers are called by a build with the feature `tls` alone: give an http URL"
                    .to_owned(),
            );
        }
        Ok(Self { http })
    }

    pub(crate) fn as_str(&self) -> &str {
        self.http.as_str()
    }
}
