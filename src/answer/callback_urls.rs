//! `/v1/callback/urls`: the URLs that a world's callbacks go to.

use serde_json::{Map, Value, json};

use super::engine::Engine;
use super::reply::{FollowUp, Registration, Reply, ok};
use super::{input, unrequested};
use crate::base::ReceiverUrl;
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

/// `POST` for one type, `PATCH` for one or all. The reply becomes true when the URL has been tested.
pub(crate) fn register(
    catalogue: &Catalogue,
    world: &World,
    call: &Call,
    may_be_all: bool,
) -> Result<Reply, ApiError> {
    let fields = fields(call)?;
    let text = |name: &str| {
        fields
            .get(name)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    let known = catalogue::callback_types(catalogue);
    let asked = text("type").or_else(|| text("callback_type"));
    let mut complaints = Vec::new();
    let mut complain = |path: &str, message: String| {
        complaints.push(Complaint {
            path: path.to_owned(),
            message,
        });
    };
    let types = match asked {
        Some(asked) if known.contains(&asked) => vec![asked],
        Some(_) => {
            complain("type", format!("must be one of {}", known.join(", ")));
            Vec::new()
        }
        None if may_be_all && !fields.contains_key("type") => known.clone(),
        None => {
            complain("type", "is required".to_owned());
            Vec::new()
        }
    };
    let Some(url) = text("url") else {
        complain("url", "is required".to_owned());
        return Err(ApiError::complaints(complaints));
    };
    if !complaints.is_empty() {
        return Err(ApiError::complaints(complaints));
    }
    let url = ReceiverUrl::parse(url).map_err(|reason| ApiError::invalid_url(&reason))?;
    let mut reply = Map::new();
    reply.insert("status".to_owned(), "SUCCESSFUL".into());
    match (asked, types.as_slice()) {
        (Some(one), _) => reply.insert("type".to_owned(), one.into()),
        (None, all) => reply.insert("types".to_owned(), json!(all)),
    };
    reply.insert("url".to_owned(), url.as_str().into());
    let environment = world.key.environment();
    reply.insert("environment".to_owned(), environment.into());
    reply.insert(
        "callback_authentication_token".to_owned(),
        world.callback_token().into(),
    );
    let mut state = world.state();
    let types = types
        .into_iter()
        .filter_map(|callback_type| {
            let endpoint = catalogue::endpoint_of_type(catalogue, callback_type)?;
            let outcome = catalogue::final_outcome(endpoint)?;
            let purpose = "callback URL test";
            let sample = unrequested::write_unrequested(
                catalogue, world, &mut state, endpoint, outcome, purpose,
            )?;
            Some((callback_type.to_owned(), sample.body))
        })
        .collect();
    Ok(Reply {
        effect: FollowUp::Register(Registration { types, url }),
        ..ok(&Value::Object(reply))
    })
}

fn fields(call: &Call) -> Result<Map<String, Value>, ApiError> {
    let read = match &call.body {
        Body::Unreadable(error) => return Err(error.clone()),
        Body::Empty => return Err(ApiError::no_body()),
        Body::Parts(parts) => parts.clone(),
        Body::Bytes(body) => match call.media_type() {
            MediaType::Form if !http::looks_like_json(body) => http::parse_form(body)?,
            MediaType::Form | MediaType::Json => input::parse_json(body)?.0,
            MediaType::Multipart | MediaType::Other => return Err(input::neither_json_nor_form()),
        },
    };
    match read {
        Value::Object(fields) => Ok(fields),
        _ => Err(ApiError::not_an_object()),
    }
}
