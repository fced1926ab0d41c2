//! Names of endpoints and outcomes in a query. Each becomes the name that the journal uses, and an unknown name
//! is refused. A misspelt name would match nothing, and a test that asks for "never" would pass.

use std::collections::BTreeSet;

use super::condition::{Expected, RequestField};
use super::query::Query;
use crate::base::{listed, nearest_clause};
use crate::catalogue::{Catalogue, Endpoint, LISTED};

impl Query {
    /// Gives endpoints their ids and outcomes their names. The error is one sentence about a wrong name or value.
    pub(crate) fn name(&mut self, catalogue: &Catalogue) -> Result<(), String> {
        // Conditions about the endpoint come first.
        let mut endpoint = None;
        for condition in &mut self.conditions {
            condition.check()?;
            match condition.field {
                RequestField::Endpoint if !condition.is_absence() => {
                    let found = catalogue.known_endpoint(&condition.expected.text())?;
                    condition.expected = Expected::Json((*found.id).into());
                    endpoint = Some(found);
                }
                RequestField::Outcome if !condition.is_absence() => {
                    let name = outcome_of(catalogue, endpoint, &condition.expected.text())?;
                    condition.expected = Expected::Json(name.into());
                }
                RequestField::Endpoint
                | RequestField::Outcome
                | RequestField::Status
                | RequestField::Method
                | RequestField::Path
                | RequestField::Trace
                | RequestField::Traceparent
                | RequestField::RequestId
                | RequestField::Query(_)
                | RequestField::Header(_)
                | RequestField::Body(_) => {}
            }
        }
        Ok(())
    }
}

/// The name of an outcome, or its whole tag if `asked` is one. Without an endpoint, outcomes of all endpoints
/// count.
fn outcome_of(
    catalogue: &Catalogue,
    endpoint: Option<&Endpoint>,
    asked: &str,
) -> Result<String, String> {
    if let Some((id, name)) = asked.rsplit_once('/') {
        let endpoint = catalogue.known_endpoint(id)?;
        let name = outcome_of(catalogue, Some(endpoint), name)?;
        return Ok(format!("{}/{name}", endpoint.id));
    }
    let endpoints: Vec<_> = match endpoint {
        Some(endpoint) => vec![endpoint],
        None => catalogue.endpoints().collect(),
    };
    let names = endpoints.iter().filter_map(|one| recorded(one, asked));
    let names: BTreeSet<_> = names.collect();
    // A name can be an outcome of one endpoint and another name at others. The outcome wins.
    if let Some(itself) = names.iter().find(|name| name.eq_ignore_ascii_case(asked)) {
        return Ok((*itself).to_owned());
    }
    let mut names = names.into_iter();
    match (names.next(), names.next()) {
        (Some(only), None) => Ok(only.to_owned()),
        (Some(one), Some(other)) => Err(format!(
            "`{asked}` is another name of {}, depending on the endpoint: name the endpoint too, or one of these",
            listed([one, other].into_iter().chain(names)),
        )),
        (None, _) => {
            let names = endpoints.iter().flat_map(|one| one.outcomes.keys());
            let aliases = endpoints.iter().flat_map(|one| one.aliases.keys());
            let known = names.chain(aliases).map(String::as_str);
            let near = nearest_clause(asked, known);
            let whose = match endpoint {
                Some(endpoint) => format!("`{}` has", endpoint.id),
                None => "there is".to_owned(),
            };
            Err(format!("{whose} no outcome `{asked}`{near}"))
        }
    }
}

/// The journal's name for an outcome of an endpoint.
fn recorded<'e>(endpoint: &'e Endpoint, asked: &str) -> Option<&'e str> {
    if let Some(outcome) = endpoint.outcome(asked) {
        return Some(&outcome.name);
    }
    asked.eq_ignore_ascii_case(LISTED).then_some(LISTED)
}
