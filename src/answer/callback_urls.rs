//! `/v1/callback/urls`: the URLs that a world's callbacks go to.

use serde_json::{Map, Value, json};

use super::engine::Engine;
use super::reply::{FollowUp, Registration, Reply, ok};
use super::trace::trace_of;
use super::{input, unrequested};
use crate::base::{ReceiverUrl, looks_like_json};
use crate::catalogue::{self, Catalogue};
use crate::http::{self, ApiError, Body, Call, Complaint, MediaType};
use crate::world::World;

/// `GET`: the registered URLs, and the default URLs of flags and folders for the other types.
pub(crate) fn list(engine: &Engine, catalogue: &Catalogue, world: &World) -> Reply {
    let state = world.state();
    let since = world.clock.now();
    let listed: Vec<_> = catalogue::callback_types(catalogue)
        .into_iter()
        .filter_map(|callback_type| {
            let registered = state.callbacks.urls.get(callback_type);
            let (created, updated) =
                registered.map_or((since, since), |known| (known.created, known.updated));
            let url = engine.callback_url(catalogue, &state.callbacks, callback_type)?;
            Some(json!({
                "type": callback_type,
                "url": url.as_str(),
                "created": created.to_string(),
                "updated": updated.to_string(),
            }))
        })
        .collect();
    ok(&Value::Array(listed))
}

/// The callback types that a request is for.
enum AskedTypes<'c> {
    One(&'c str),
    /// All types that have a URL.
    All(Vec<&'c str>),
}

/// `POST` for one type, `PATCH` for one or all. The reply becomes true when the URL has been tested.
pub(crate) fn register(
    engine: &Engine,
    catalogue: &Catalogue,
    world: &World,
    call: &Call,
    may_be_all: bool,
) -> Result<Reply, ApiError> {
    let fields = fields(call)?;
    let mut state = world.state();
    let has_url = |callback_type: &&str| {
        let url = engine.callback_url(catalogue, &state.callbacks, callback_type);
        url.is_some()
    };
    let known = catalogue::callback_types(catalogue);
    let with_url: Vec<_> = known.iter().copied().filter(has_url).collect();
    let replaceable = may_be_all.then_some(with_url.as_slice());
    let asked = asked_types(&fields, &known, replaceable);
    let url = match fields.get("url") {
        Some(Value::String(url)) if !url.is_empty() => Ok(url.as_str()),
        Some(Value::String(_) | Value::Null) | None => Err("is required"),
        Some(_) => Err("must be a string"), // such as a field that a form has twice
    };
    let (asked, url) = match (asked, url) {
        (Ok(asked), Ok(url)) => (asked, url),
        (asked, url) => {
            let of_type = asked.err().map(|message| complaint("type", message));
            let of_url = url.err().map(|message| complaint("url", message));
            return Err(ApiError::complaints(
                of_type.into_iter().chain(of_url).collect(),
            ));
        }
    };
    let url = ReceiverUrl::parse(url).map_err(|reason| ApiError::invalid_url(&reason))?;
    let reply = registered(world, &asked, &url);
    let types = match asked {
        AskedTypes::One(one) => vec![one],
        AskedTypes::All(all) => all,
    };
    let former_urls = types.iter().filter(|one| with_url.contains(one)).count();
    let types = types
        .into_iter()
        .map(|callback_type| {
            let endpoint = catalogue::endpoint_of_type(catalogue, callback_type);
            let Some((endpoint, outcome)) =
                endpoint.and_then(|one| Some((one, catalogue::final_outcome(one)?)))
            else {
                return Ok(None);
            };
            let purpose = "callback URL test";
            let sample = unrequested::write_unrequested(
                catalogue, world, &mut state, endpoint, outcome, purpose,
            )?;
            Ok(sample.map(|sample| (callback_type.to_owned(), sample.body)))
        })
        .filter_map(Result::transpose)
        .collect::<Result<_, ApiError>>()?;
    Ok(Reply {
        effect: FollowUp::Register(Registration {
            types,
            url,
            former_urls,
            trace: trace_of(engine, world, call),
        }),
        ..ok(&reply)
    })
}

/// The types that the fields name, or a complaint. `replaceable` are the types that have a URL, if the request may
/// change all of them.
fn asked_types<'c>(
    fields: &Map<String, Value>,
    known: &[&'c str],
    replaceable: Option<&[&'c str]>,
) -> Result<AskedTypes<'c>, String> {
    let sent = ["type", "callback_type"].map(|name| fields.get(name));
    let mut sent = sent
        .into_iter()
        .flatten()
        .filter(|value| !value.is_null())
        .peekable();
    match replaceable {
        Some(all) if sent.peek().is_none() && !all.is_empty() => {
            return Ok(AskedTypes::All(all.to_vec()));
        }
        _ => {}
    }
    let named = sent.find(|value| *value != "").ok_or("is required")?;
    let found = known.iter().find(|known| named == **known);
    found
        .map(|one| AskedTypes::One(one))
        .ok_or_else(|| format!("must be one of {}", known.join(", ")))
}

fn complaint(path: &str, message: impl Into<String>) -> Complaint {
    Complaint {
        path: path.to_owned(),
        message: message.into(),
    }
}

/// The body of the reply, once the URL is registered.
fn registered(world: &World, asked: &AskedTypes<'_>, url: &ReceiverUrl) -> Value {
    let mut reply = Map::new();
    reply.insert("status".to_owned(), "SUCCESSFUL".into());
    match asked {
        AskedTypes::One(one) => reply.insert("type".to_owned(), (*one).into()),
        AskedTypes::All(all) => reply.insert("types".to_owned(), json!(all)),
    };
    reply.insert("url".to_owned(), url.as_str().into());
    let environment = world.key.environment();
    reply.insert("environment".to_owned(), environment.into());
    reply.insert(
        "callback_authentication_token".to_owned(),
        world.callback_token().into(),
    );
    reply.into()
}

fn fields(call: &Call) -> Result<Map<String, Value>, ApiError> {
    let read = match &call.body {
        Body::Unreadable(error) => return Err(error.clone()),
        Body::Empty => return Err(ApiError::no_body()),
        Body::Parts(parts) => parts.clone(),
        Body::Bytes(body) => match call.media_type() {
            MediaType::Form if !looks_like_json(body) => http::parse_form(body)?,
            MediaType::Form | MediaType::Json => input::parse_json(body)?.0,
            MediaType::Multipart | MediaType::Other => return Err(input::neither_json_nor_form()),
        },
    };
    match read {
        Value::Object(fields) => Ok(fields),
        value => Err(ApiError::not_an_object(&value)),
    }
}
