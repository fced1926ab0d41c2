//! The identity of a reply, apart from the text that shows it.

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use hyper::header::{HeaderValue, InvalidHeaderValue};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

/// The answer that a reply gives. The journal, the counts and the explanations tell replies apart by it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum ReplyId {
    Outcome(OutcomeId),
    /// An error outside the products, by its code.
    Error(Arc<str>),
    /// A success outside the products.
    #[default]
    Account,
}

impl ReplyId {
    pub(crate) fn outcome(&self) -> Option<&OutcomeId> {
        match self {
            Self::Outcome(id) => Some(id),
            Self::Error(_) | Self::Account => None,
        }
    }

    /// The `x-sandbox-outcome` header. Only replies of products have one.
    pub(crate) fn header(&self) -> Option<&HeaderValue> {
        self.outcome().map(OutcomeId::header)
    }
}

/// An outcome of an endpoint. It is compared by the endpoint's id and the outcome's name. Its header is only shown.
#[derive(Clone)]
pub(crate) struct OutcomeId(Arc<OutcomeParts>);

struct OutcomeParts {
    endpoint: Arc<str>,
    name: Box<str>,
    header: HeaderValue,
}

impl OutcomeId {
    pub(crate) fn new(endpoint: &Arc<str>, name: &str) -> Self {
        Self(Arc::new(OutcomeParts {
            endpoint: endpoint.clone(),
            name: name.into(),
            header: header(endpoint, name),
        }))
    }

    /// The outcome of a record of an endpoint, from the header that a snapshot has saved.
    pub(crate) fn saved(endpoint: &Arc<str>, header: &str) -> Result<Self, InvalidHeaderValue> {
        let name = header.rsplit_once('/').map_or(header, |(_, name)| name);
        Ok(Self(Arc::new(OutcomeParts {
            endpoint: endpoint.clone(),
            name: name.into(),
            header: HeaderValue::try_from(header)?,
        })))
    }

    pub(crate) fn endpoint(&self) -> &str {
        &self.0.endpoint
    }

    pub(crate) fn name(&self) -> &str {
        &self.0.name
    }

    pub(crate) fn header(&self) -> &HeaderValue {
        &self.0.header
    }

    /// The header as text.
    pub(crate) fn shown(&self) -> &str {
        self.0.header.to_str().unwrap_or_default()
    }
}

/// What a header cannot have, and the sign that escapes it.
const ESCAPED: &AsciiSet = &CONTROLS.add(b' ').add(b'%');

/// Writes the `x-sandbox-outcome` header. A file may have any name, so the header percent-encodes the UTF-8 bytes of
/// characters that it cannot have.
fn header(endpoint: &str, name: &str) -> HeaderValue {
    let text = utf8_percent_encode(&format!("{endpoint}/{name}"), ESCAPED).to_string();
    HeaderValue::try_from(text).expect("visible ASCII")
}

/// The name that a header spells, if it is not the name itself.
pub(super) fn unescaped(spelled: &str) -> Option<Cow<'_, str>> {
    let name = percent_decode_str(spelled).decode_utf8().ok()?;
    (name != spelled).then_some(name)
}

impl PartialEq for OutcomeId {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || (self.endpoint() == other.endpoint() && self.name() == other.name())
    }
}

impl Eq for OutcomeId {}

impl Hash for OutcomeId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.endpoint().hash(state);
        self.name().hash(state);
    }
}

impl fmt::Display for OutcomeId {
    /// As a query names it: `v0/individual_cft_peps/COMPLETED_FOUND`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.endpoint(), self.name())
    }
}

impl fmt::Debug for OutcomeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn different_outcomes_have_different_headers_that_can_be_read_back() {
        let names = ["ä", "ö", "%C3%A4", "a b", "a_b", "a%20b", "日本/\u{7f}"];
        let mut headers = HashSet::new();
        for name in names {
            let outcome = OutcomeId::new(&name.into(), "A");
            let spelled = outcome.shown().strip_suffix("/A").expect("the outcome");
            let read = unescaped(spelled).unwrap_or(spelled.into());
            assert_eq!(read, name);
            assert_eq!(
                OutcomeId::saved(&name.into(), outcome.shown()).ok(),
                Some(outcome.clone())
            );
            assert!(headers.insert(outcome.shown().to_owned()), "{name}");
        }
    }
}
