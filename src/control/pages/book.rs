//! `/__sandbox/docs/book`: the pages of `docs/` for readers without a network. What other pages of the sandbox show as
//! well is not among them: the command line (`--help`), the control API, the list of outcomes.

use hyper::Response;

use super::docs_page::guarded;
use crate::http::ReplyBody;

macro_rules! pages {
    ($($name:literal),+ $(,)?) => {
        /// The names of the pages, and their Markdown.
        const PAGES: &[(&str, &str)] = &[
            $(($name, include_str!(concat!("../../../docs/", $name)))),+
        ];
    };
}

pages! {
    "SUMMARY.md",
    "callbacks.md",
    "ci.md",
    "control-api.md",
    "coverage.md",
    "errors.md",
    "explain.md",
    "faults.md",
    "fidelity.md",
    "fixed-address.md",
    "getting-started.md",
    "gitlab.md",
    "how-requests-are-read.md",
    "https.md",
    "inspector.md",
    "kubernetes.md",
    "log-and-metrics.md",
    "other-languages.md",
    "personal-data.md",
    "production.md",
    "recipes.md",
    "replay.md",
    "replicas.md",
    "requests.md",
    "responses.md",
    "scenario-format.md",
    "testcontainers.md",
    "tests.md",
    "troubleshooting.md",
    "worlds.md",
}

/// The page that renders the Markdown, its script, or the Markdown itself.
pub(super) fn answer(path: &str) -> Option<Response<ReplyBody>> {
    let path = path.strip_prefix("/__sandbox/docs/book")?;
    let (content_type, text) = match path {
        "" | "/" => (
            "text/html; charset=utf-8",
            include_str!("docs_page/book.html"),
        ),
        "/book.js" => (
            "text/javascript; charset=utf-8",
            include_str!("docs_page/book.js"),
        ),
        path => {
            let name = path.strip_prefix('/')?;
            let (_, text) = PAGES.iter().find(|(known, _)| *known == name)?;
            ("text/markdown; charset=utf-8", *text)
        }
    };
    Some(guarded(content_type, text))
}
