//! Loads a catalogue: lays files over each other, compiles them, and checks the links between them.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use indexmap::IndexMap;
use matchit::Router;

use super::catalogue::Catalogue;
use super::compile::{self, Proof, Stack};
use super::dummy::Dummy;
use super::personal::PersonalFields;
use super::route::{ACCOUNT_ROUTES, RouteTarget};
use super::slot::Slot;
use crate::base::{nearest_clause, nearest_or_all};
use crate::http::ALL_CODES;
use crate::scenario::{self, DateForm, LoadError, LoadErrors, ScenarioFile, SourceFile};

impl Catalogue {
    /// Loads the shipped files, then lays each folder over them. The shipped files count as proven.
    pub(crate) fn load(folders: &[PathBuf], dates: Option<DateForm>) -> Result<Self, LoadErrors> {
        Self::read(folders, dates, Proof::OfFolders, scenario::no_pause)
            .map_err(LoadErrors::of_found)
    }

    /// The same while requests are answered: it pauses to let them go first.
    pub(crate) fn reload(folders: &[PathBuf], dates: Option<DateForm>) -> Result<Self, LoadErrors> {
        let pause = scenario::let_requests_go_first;
        Self::read(folders, dates, Proof::OfFolders, pause).map_err(LoadErrors::of_found)
    }

    /// Loads and also proves the shipped files. If files are broken, the result has their warnings too.
    pub(crate) fn check(folders: &[PathBuf]) -> Result<Self, Vec<LoadError>> {
        Self::read(folders, None, Proof::OfAll, scenario::no_pause)
    }

    fn read(
        folders: &[PathBuf],
        dates: Option<DateForm>,
        proof: Proof,
        pause: fn(),
    ) -> Result<Self, Vec<LoadError>> {
        let (mut layers, mut found) = scenario::read_files(folders, pause);
        if proof == Proof::OfAll {
            found.extend(scenario::prove_shipped());
        }
        layers.settings.dates = dates.or(layers.settings.dates);
        Self::of_read(layers, proof, found, pause)
    }

    /// Loads the shipped files with files over them that are in no folder.
    pub(crate) fn with_files(
        sources: &[Arc<SourceFile>],
        dates: Option<DateForm>,
    ) -> Result<Self, Vec<LoadError>> {
        let (mut layers, found) = scenario::read_texts(sources);
        layers.settings.dates = dates.or(layers.settings.dates);
        Self::of_read(layers, Proof::OfFolders, found, scenario::no_pause)
    }

    fn of_read(
        layers: scenario::Layers,
        proof: Proof,
        mut found: Vec<LoadError>,
        pause: fn(),
    ) -> Result<Self, Vec<LoadError>> {
        let catalogue = Self::of_layers(layers, proof, &mut found, pause);
        found.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
        found.dedup();
        let found = scenario::listed_mistakes(found);
        match catalogue {
            Some(catalogue) if !found.iter().any(LoadError::is_error) => Ok(Self {
                warnings: found,
                ..catalogue
            }),
            _ => Err(found),
        }
    }

    fn of_layers(
        layers: scenario::Layers,
        proof: Proof,
        errors: &mut Vec<LoadError>,
        pause: fn(),
    ) -> Option<Self> {
        let stacks = layer_files(&layers, errors);
        let errors_stack = stacks.get("errors").map_or(Stack::new(), whole);
        let shared_errors = compile::compile_shared_errors(&errors_stack, errors);
        // A shipped file that no folder changes is sound. It is compiled at the first request for it.
        let may_wait = |stack: &Stack| {
            proof == Proof::OfFolders
                && matches!(stack.as_slice(), [only] if only.is_top())
                && errors_stack.iter().all(|file| file.source_file.shipped)
        };
        for code in ALL_CODES {
            if !shared_errors.contains_key(code.name()) {
                let file = stacks.get("errors").and_then(|stack| stack.last());
                errors.push(LoadError::of_file(
                    file.map_or("errors.toml", |file| file.source_file.name.as_str()),
                    format!(
                        "the outcome `{}` is missing, but the sandbox needs it",
                        code.name()
                    ),
                ));
            }
        }
        let mut slots = Vec::new();
        for (id, stack) in &stacks {
            pause();
            if stack[0].is_only_data {
                check_data_extensions(stack, errors);
            } else if id == "errors" {
            } else if may_wait(stack) {
                slots.push(Slot::waiting(&stack[0]));
            } else {
                let stack = whole(stack);
                let compiled = compile::compile_endpoint(&stack, &shared_errors, proof, errors);
                slots.extend(compiled.map(Slot::of));
            }
        }
        slots.sort_by(|a, b| a.path.cmp(&b.path));
        check_links(&stacks, errors);
        let router = router(&stacks, &slots, errors)?;
        let files = stacks.into_values().flatten().collect();
        let dummy = Dummy::new(files, layers.settings.dates.unwrap_or_default());
        Some(Self {
            generation: 1,
            slots,
            shared_errors,
            dummy,
            personal: PersonalFields::new(layers.settings.personal_fields.clone()),
            settings: layers.settings,
            own_files: layers.own_files,
            warnings: Vec::new(), // set when everything is checked
            openapi: OnceLock::new(),
            router,
        })
    }
}

/// The files of a stack, completely read.
pub(super) fn whole(stack: &Stack) -> Stack {
    stack.iter().map(ScenarioFile::whole).collect()
}

/// Groups the files that make one endpoint. A file of a later folder replaces the file with the same id. Files with
/// `extends` are added on top.
pub(super) fn layer_files(
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
            let hint = if scenario::exceeds_list(errors) {
                String::new()
            } else {
                let known = stacks.keys().map(String::as_str);
                format!(": {}", nearest_or_all(id, known))
            };
            errors.push(file.source_file.error(
                extends.span(),
                if layers.is_extension(id) {
                    format!("`{id}` extends another file itself: extend that file instead")
                } else {
                    format!("there is no file `{id}` to extend{hint}")
                },
            ));
        }
    }
    stacks
}

/// A file of dummy data can be extended only with more dummy data.
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
                "`{}` has dummy data: a file that extends it can only add dummy data",
                extends.as_ref()
            ),
        ));
    }
}

/// Checks the endpoints that endpoints name in `reads` and in `keep`.
pub(super) fn check_links(stacks: &IndexMap<String, Stack>, errors: &mut Vec<LoadError>) {
    // An endpoint with a mistake counts as known: a link to it is right.
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
            let hint = nearest_clause(id.as_ref(), known.iter().copied());
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
) -> Option<Router<RouteTarget>> {
    let mut router = Router::new();
    for (_, path, place) in ACCOUNT_ROUTES {
        router
            .insert(path, place)
            .expect("the account routes do not overlap");
    }
    let mut sound = true;
    for (at, slot) in slots.iter().enumerate() {
        let ask = slot.is_asked;
        let ask = ask.then(|| router.insert(slot.path.clone(), RouteTarget::Endpoint(at)));
        let read = slot.reads_back;
        let read =
            read.then(|| router.insert(format!("{}/{{id}}", slot.path), RouteTarget::Record(at)));
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
                format!(
                    "the path `{}` already belongs to another endpoint",
                    slot.path
                ),
            ));
        }
    }
    sound.then_some(router)
}
