//! `/__sandbox/snapshot`: saves a world, and restores it.

use std::sync::Arc;

use bytes::Bytes;
use hyper::StatusCode;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::ask::{ControlAnswer, ControlReply, ControlRequest, JSON, unreadable};
use super::unsent;
use crate::base;
use crate::http::{Body, Refusal};
use crate::world::{ControlCall, SNAPSHOT_BYTES_MAX, Snapshot, SnapshotRefused, World};

/// `GET`: the caller's own world, found only after the request is known to be sound.
pub(super) async fn answer(request: ControlRequest<'_>) -> Result<ControlReply, Refusal> {
    if request.context.redacts {
        return Err(Refusal(
            StatusCode::FORBIDDEN,
            "redacted",
            "a snapshot holds all that a world knows, and this sandbox shows no personal fields (--redact)".to_owned(),
        ));
    }
    let world = request.world()?;
    let turns = &request.context.turns;
    let taken = turns.aside(world.held_bytes(), move || take(&world));
    let document = taken.await.ok_or_else(stopping)?;
    Ok(ControlReply::Document(JSON, document?))
}

fn stopping() -> Refusal {
    let message = "the sandbox stops".to_owned();
    Refusal(StatusCode::SERVICE_UNAVAILABLE, "stopping", message)
}

/// The world as a document.
fn take(world: &World) -> Result<Bytes, Refusal> {
    let snapshot = Snapshot::of(world, Instant::now());
    let document = serde_json::to_vec(&snapshot).expect("texts and numbers can be written");
    if document.len() > SNAPSHOT_BYTES_MAX {
        return Err(Refusal(
            StatusCode::INSUFFICIENT_STORAGE,
            "snapshot_too_large",
            format!(
                "this world fills {} MiB, and a snapshot has {} at most: it could not be restored",
                document.len() >> 20,
                SNAPSHOT_BYTES_MAX >> 20
            ),
        ));
    }
    Ok(document.into())
}

/// Makes the world what it was when the snapshot was taken. Callbacks that are pending now are cancelled.
pub(super) async fn restore(
    ControlRequest { context, call, .. }: ControlRequest<'_>,
    world: &Arc<World>,
) -> Result<ControlAnswer, Refusal> {
    let broken = |message: String| {
        Refusal(
            StatusCode::BAD_REQUEST,
            "bad_snapshot",
            format!("the snapshot cannot be restored, and nothing was changed: {message}"),
        )
    };
    let document = match &call.body {
        Body::Bytes(document) => document,
        Body::Empty => return Err(broken("there is no body".to_owned())),
        Body::Parts(_) => return Err(broken("it is a form: send JSON".to_owned())),
        Body::Unreadable(error) => return Err(unreadable(error)),
    };
    let call = ControlCall::new("PUT", "snapshot");
    let call = match str::from_utf8(document) {
        Ok(text) => call.with_text(text),
        Err(_) => call, // it is refused
    };
    let (document, catalogue) = (document.clone(), context.engine.catalogue());
    let of = world.clone();
    let checked = context.turns.aside(document.len(), move || {
        Snapshot::parse(&document)
            .map_err(SnapshotRefused::Broken)?
            .check(&catalogue, &of.origin(), Instant::now())
    });
    let restoration = checked
        .await
        .ok_or_else(stopping)?
        .map_err(|refused| match refused {
            SnapshotRefused::Broken(message) => broken(message),
            SnapshotRefused::Foreign(message) => {
                let Refusal(_, _, message) = broken(message);
                Refusal(StatusCode::CONFLICT, "foreign_snapshot", message)
            }
        })?;
    let (records, is_own) = (restoration.record_count, restoration.is_own);
    // Spawned: a client that goes away must not leave it half done.
    let of = world.clone();
    let restored = tokio::spawn(async move { restoration.restore(&of, call).await });
    let cancelled = base::pass_panic_on(restored.await).unwrap_or_default();
    unsent::schedule(context, world); // this sandbox may have default URLs
    let mut notes: Vec<Value> = Vec::new();
    if !is_own {
        notes.push(
            "the snapshot is of another key's world: its records are here, but ids and turns to come are \
             this key's own, so counters and rate limits were left out"
                .into(),
        );
    }
    let body = json!({
        "status": "restored",
        "world": world.tag,
        "records": records,
        "cancelled_callbacks": cancelled,
        "exact": is_own,
        "notes": notes,
    });
    Ok((StatusCode::OK, body))
}
