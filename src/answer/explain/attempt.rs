//! An attempt to call a receiver: why it failed, and what the receiver answered, in short.

use serde::{Deserialize, Serialize};

use crate::world::Attempt;

/// An attempt as deliveries and explanations show it.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct ExplainedAttempt {
    /// The status of the answer. None if there was no answer.
    pub status: Option<u16>,
    /// Why it failed.
    pub error: Option<String>,
    /// The addresses of the receiver, in the order in which they were tried.
    #[serde(default)]
    pub addresses: Vec<ExplainedAddress>,
    /// `FROM=TO`, the entry of `--callback-host-map` that applied.
    #[serde(default)]
    pub host_map: Option<String>,
    /// Where a redirect leads.
    #[serde(default)]
    pub location: Option<String>,
    /// The first line of the body of the answer, at most 200 characters.
    #[serde(default)]
    pub answer_line: Option<String>,
}

#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct ExplainedAddress {
    /// `127.0.0.1:3000`
    pub address: String,
    /// None for the address that was reached.
    pub error: Option<String>,
}

impl ExplainedAttempt {
    pub(crate) fn of(attempt: &Attempt) -> Self {
        let contact = &attempt.contact;
        let addresses = contact.addresses.iter().map(|tried| ExplainedAddress {
            address: tried.address.to_string(),
            error: tried.error.clone(),
        });
        let text = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
        Self {
            status: attempt.status.map(|status| status.as_u16()),
            error: attempt.error.clone(),
            addresses: addresses.collect(),
            host_map: text(&contact.host_map),
            location: text(&contact.location),
            answer_line: text(&contact.answer_line),
        }
    }

    /// What to say of it to people, each with the name of its line.
    pub(crate) fn details(&self) -> Vec<(&'static str, String)> {
        let mut details = Vec::new();
        for ExplainedAddress { address, error } in &self.addresses {
            let result = error.as_deref().unwrap_or("reached");
            details.push(("tried", format!("{address}: {result}")));
        }
        for (name, value) in [
            ("host map", &self.host_map),
            ("location", &self.location),
            ("answer", &self.answer_line),
        ] {
            details.extend(value.clone().map(|value| (name, value)));
        }
        details
    }
}
