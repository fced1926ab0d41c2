//! Documents for other tools and agents: `/openapi.json`, `/__sandbox/llms.txt`, and the page that renders
//! them. None needs a key: they describe the API and show no data.

use bytes::Bytes;
use hyper::header::{HeaderName, HeaderValue};
use hyper::{Method, Response};

use crate::base::PUBLIC_KEY;

use super::document::document;
use super::{docs_page, llms};
use crate::control::context::Context;
use crate::http::ReplyBody;
use crate::http::{Call, OPENAPI_PATH};
use crate::reference::{self, About};

const LLMS: &str = "/__sandbox/llms.txt";

/// Marks a document that is at an address of the API but is not Iluma's.
const MARK: HeaderName = HeaderName::from_static("x-sandbox-document");

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// Answers a request for a document. None for any other request.
pub(crate) fn answer_document(context: &Context, call: &Call) -> Option<Response<ReplyBody>> {
    if !matches!(*call.method(), Method::GET | Method::HEAD) {
        return None;
    }
    match &*call.path() {
        OPENAPI_PATH => {
            let mut response = document(JSON, openapi(context));
            let openapi = HeaderValue::from_static("openapi");
            response.headers_mut().insert(MARK, openapi);
            Some(response)
        }
        LLMS => Some(document(
            TEXT,
            llms::text(
                &context.engine.catalogue(),
                &call.base_url(),
                (context.commands)(),
            )
            .into(),
        )),
        path => page(path),
    }
}

#[cfg(feature = "inspector")]
fn page(path: &str) -> Option<Response<ReplyBody>> {
    docs_page::answer(path).or_else(|| super::book::answer(path))
}

#[cfg(not(feature = "inspector"))]
fn page(path: &str) -> Option<Response<ReplyBody>> {
    docs_page::answer(path)
}

fn openapi(context: &Context) -> Bytes {
    let catalogue = context.engine.catalogue();
    let written = || {
        let about = About {
            catalogue: &catalogue,
            is_strict: context.engine.is_strict(&catalogue),
            key: context.admits_public_key(&catalogue).then_some(PUBLIC_KEY),
            server: "/",
        };
        reference::openapi_document(about).to_string().into()
    };
    catalogue.openapi.get_or_init(written).clone()
}
