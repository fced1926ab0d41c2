//! Loads a catalogue: layers files, compiles them, checks the links between them.

use std::sync::Arc;

use indexmap::IndexMap;
use matchit::Router;

use super::compile::Stack;
use super::slot::Slot;
use crate::base::{listed, nearest};
use crate::scenario::{self, LoadError, ScenarioFile};

/// What a path belongs to, whatever the method.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    Health,
    ApiKeys,
    CallbackToken,
    CallbackUrls,
    Endpoint(usize),
    Record(usize),
}

/// The routes that are no product, for lists and for finding the nearest.
pub(super) const ACCOUNT_ROUTES: [(&str, &str, Place); 4] = [
    ("GET", "/health", Place::Health),
    ("GET", "/businesses/{business_id}/api_keys", Place::ApiKeys),
    (
        "GET",
        "/v1/callback/authentication_tokens",
        Place::CallbackToken,
    ),
    ("POST", "/v1/callback/urls", Place::CallbackUrls),
];

/// The files of a stack with all that is in them.
pub(super) fn whole(stack: &Stack) -> Stack {
    stack.iter().map(ScenarioFile::whole).collect()
}

/// Groups files by what they make together: later folders replace the same id, `extends` piles up.
pub(super) fn stack_up(
    layers: &scenario::Layers,
    errors: &mut Vec<LoadError>,
) -> IndexMap<String, Stack> {
    let mut stacks: IndexMap<String, Stack> = IndexMap::new();
    let is_base = |file: &&Arc<ScenarioFile>| file.extends.is_none();
    for file in layers.scenarios.iter().filter(is_base) {
        stacks.insert(file.source_file.id.clone(), vec![file.clone()]);
    }
    for file in &layers.scenarios {
        let Some(extends) = &file.extends else {
            continue;
        };
        let id = extends.as_ref();
        if let Some(stack) = stacks.get_mut(id) {
            stack.push(file.clone());
        } else if !layers.unreadable.contains(id) {
            let known = || stacks.keys().map(String::as_str);
            let hint = match nearest(id, known()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known are {}", listed(known())),
            };
            errors.push(file.source_file.error(
                extends.span(),
                if layers.is_extension(id) {
                    format!("`{id}` itself extends another file: name the one that it extends")
                } else {
                    format!("there is no file `{id}` to extend: {hint}")
                },
            ));
        }
    }
    stacks
}

/// To a file of dummy data only more of that can be added.
pub(super) fn check_data_extensions(stack: &Stack, errors: &mut Vec<LoadError>) {
    for file in stack[1..]
        .iter()
        .filter(|file| !file.is_only_data && !file.is_faulty)
    {
        let Some(extends) = &file.extends else {
            continue;
        };
        errors.push(file.source_file.error(
            extends.span(),
            format!(
                "`{}` holds dummy data: only more of that can be added to it",
                extends.as_ref()
            ),
        ));
    }
}

/// Endpoints name each other in `reads` and in `keep`.
pub(super) fn check_links(stacks: &IndexMap<String, Stack>, errors: &mut Vec<LoadError>) {
    // Endpoints with a mistake in them are meant all the same.
    let is_endpoint = |stack: &Stack| stack[0].source_file.id != "errors" && !stack[0].is_only_data;
    let known: Vec<_> = stacks
        .iter()
        .filter(|(_, stack)| is_endpoint(stack))
        .map(|(id, _)| id.as_str())
        .collect();
    for file in stacks.values().flatten() {
        let kept_at = file.keep.iter().map(|keep| &keep.at);
        for id in file.reads.iter().chain(kept_at) {
            if known.contains(&id.as_ref().as_str()) {
                continue;
            }
            let hint = nearest(id.as_ref(), known.iter().copied())
                .map_or(String::new(), |near| format!(": did you mean `{near}`?"));
            errors.push(file.source_file.error(
                id.span(),
                format!("there is no endpoint `{}`{hint}", id.as_ref()),
            ));
        }
    }
}

pub(super) fn router(
    stacks: &IndexMap<String, Stack>,
    slots: &[Slot],
    errors: &mut Vec<LoadError>,
) -> Option<Router<Place>> {
    let mut router = Router::new();
    for (_, path, place) in ACCOUNT_ROUTES {
        router
            .insert(path, place)
            .expect("the account routes do not overlap");
    }
    let mut sound = true;
    for (at, slot) in slots.iter().enumerate() {
        let ask = slot.is_asked;
        let ask = ask.then(|| router.insert(slot.path.clone(), Place::Endpoint(at)));
        let read = slot.reads_back;
        let read = read.then(|| router.insert(format!("{}/{{id}}", slot.path), Place::Record(at)));
        if [ask, read]
            .into_iter()
            .flatten()
            .any(|inserted| inserted.is_err())
        {
            sound = false;
            let file = &stacks[&slot.id][0];
            let span = file
                .path
                .as_ref()
                .map_or(0..0, crate::scenario::Spanned::span);
            errors.push(file.source_file.error(
                span,
                format!("the path `{}` is another endpoint's already", slot.path),
            ));
        }
    }
    sound.then_some(router)
}
