//! The identity of a reply, apart from the text that shows it.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use hyper::header::{HeaderValue, InvalidHeaderValue};

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
pub(crate) struct OutcomeId(Arc<Parts>);

struct Parts {
    endpoint: Arc<str>,
    name: Box<str>,
    header: HeaderValue,
}

impl OutcomeId {
    pub(crate) fn new(endpoint: &Arc<str>, name: &str) -> Self {
        Self(Arc::new(Parts {
            endpoint: endpoint.clone(),
            name: name.into(),
            header: header(endpoint, name),
        }))
    }

    /// The outcome of a record of an endpoint, from the header that a snapshot has saved.
    pub(crate) fn saved(endpoint: &Arc<str>, header: &str) -> Result<Self, InvalidHeaderValue> {
        let name = header.rsplit_once('/').map_or(header, |(_, name)| name);
        Ok(Self(Arc::new(Parts {
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

    /// The endpoint as the header spells it.
    pub(crate) fn shown_endpoint(&self) -> String {
        spelled(self.endpoint())
    }
}

/// Writes the `x-sandbox-outcome` header.
fn header(endpoint: &str, name: &str) -> HeaderValue {
    let text = format!("{}/{}", spelled(endpoint), spelled(name));
    HeaderValue::try_from(text).expect("visible ASCII")
}

/// A folder may have any name, so characters that a header cannot have become `_`.
fn spelled(name: &str) -> String {
    name.chars()
        .map(|c| if c.is_ascii_graphic() { c } else { '_' })
        .collect()
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
    use super::*;

    #[test]
    fn outcomes_with_the_same_header_are_not_the_same() {
        let [one, other] = ["ä", "ö"].map(|endpoint| OutcomeId::new(&endpoint.into(), "A"));
        assert_eq!((one.shown(), other.shown()), ("_/A", "_/A"));
        assert_ne!(one, other);
        assert_eq!(one, OutcomeId::new(&"ä".into(), "A"));
        assert_eq!(OutcomeId::saved(&"ä".into(), "_/A").ok(), Some(one));
    }
}
