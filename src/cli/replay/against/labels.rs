//! How well the sandbox knows what it answers: the label of each field of a reply.

use super::planned_request::PlannedRequest;
use crate::catalogue::{Catalogue, Route};
use crate::http;
use crate::reference::{ACCOUNT_ROUTES, AccountRoute, Curl, ListedField, Listing};
use crate::scenario::Source;

/// The labels of the fields of one reply.
pub(super) struct Labels {
    /// The weaker label of endpoint and outcome.
    reply: Source,
    /// How well the path itself is known.
    status: Source,
    /// The fields of the request, which the reply repeats.
    fields: Vec<ListedField>,
}

impl Labels {
    pub(super) fn of(catalogue: &Catalogue, request: &PlannedRequest) -> Self {
        let path = request.target.split('?').next().unwrap_or_default();
        let route = catalogue.route(&request.method, &http::normal_path(path));
        let Some(endpoint) = route.as_ref().and_then(Route::endpoint) else {
            return Self::of_account(request);
        };
        let own = if request.reads.is_some() {
            weaker(endpoint.source, endpoint.read_source)
        } else {
            endpoint.source
        };
        let outcome = request.outcome.as_deref().unwrap_or_default();
        let (of, name) = outcome.rsplit_once('/').unwrap_or(("", outcome));
        let outcome = catalogue
            .endpoint_named(of)
            .unwrap_or(endpoint)
            .outcome(name);
        let reply = outcome.map_or(own, |outcome| weaker(own, outcome.source));
        let listed = Listing::of_one(catalogue, &endpoint.id, &Curl::unserved(catalogue));
        let listed = listed.into_iter();
        let fields = listed.flat_map(|listing| listing.endpoints);
        Self {
            reply,
            status: reply,
            fields: fields.flat_map(|endpoint| endpoint.fields).collect(),
        }
    }

    /// Of the account's paths only the paths are known.
    fn of_account(request: &PlannedRequest) -> Self {
        let path = |target: &str| target.split('?').next().unwrap_or_default().to_owned();
        let asked = path(&request.target);
        let is_asked = |route: &&AccountRoute| {
            let known = path(route.path);
            let mut pairs = known.split('/').zip(asked.split('/'));
            request.method == route.method
                && known.split('/').count() == asked.split('/').count()
                && pairs.all(|(known, asked)| known == asked || known.starts_with('{'))
        };
        let known = ACCOUNT_ROUTES.iter().find(is_asked);
        Self {
            reply: Source::Decided,
            status: known.map_or(Source::Decided, |route| route.source),
            fields: Vec::new(),
        }
    }

    /// The label of a field: `status`, `reply.results.0.score`.
    pub(super) fn label(&self, path: &str) -> Source {
        if path == "status" {
            return self.status;
        }
        let Some(path) = path.strip_prefix("reply.") else {
            return self.reply;
        };
        let mut fields = self.fields.iter();
        let field = fields.find(|field| field.name.replace("[]", ".*") == path);
        field.map_or(self.reply, |field| weaker(self.reply, field.source))
    }
}

fn weaker(one: Source, other: Source) -> Source {
    if one as usize >= other as usize {
        one
    } else {
        other
    }
}
