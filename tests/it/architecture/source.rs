//! What one source file declares and names, read from its syntax.

use std::collections::BTreeSet;

use proc_macro2::{Ident, TokenStream};
use syn::{Attribute, Item, ItemEnum, Meta};

use super::form;
use super::matches::{self, Matches};
use super::reader;

/// A source file without its tests, as plain data.
#[derive(Default)]
pub struct Source {
    /// `src/world/state.rs`
    pub path: String,
    /// `world::state`, and the modules that stand inside the file.
    pub modules: Vec<(String, Module)>,
    pub references: Vec<Reference>,
    /// `async` and `.await`, each with its line.
    pub awaits: Vec<(usize, &'static str)>,
    /// Modules that only tests compile.
    pub test_modules: Vec<String>,
    pub form_breaches: Vec<String>,
    pub size_breaches: Vec<String>,
    pub matches: Matches,
    /// The first `//!` sentence.
    pub sentence: String,
}

/// The names of one module.
#[derive(Default)]
pub struct Module {
    pub file: String,
    pub children: BTreeSet<String>,
    pub items: BTreeSet<String>,
    pub imports: Vec<Import>,
    /// Imports inside functions.
    pub local_imports: Vec<Import>,
    /// Names that a macro may define.
    pub macro_names: BTreeSet<String>,
}

/// One name of a `use`; a glob has the name `*`.
pub struct Import {
    pub name: String,
    pub path: Vec<String>,
}

/// A path as it is written. A leading `::` gives an empty first segment.
pub struct Reference {
    pub module: String,
    pub path: Vec<String>,
    pub line: usize,
    pub kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Use,
    Glob,
    Code,
}

impl Source {
    /// Reads a file; `path` starts with `src/`.
    pub fn read(path: &str, text: &str) -> Self {
        let file = syn::parse_file(text).unwrap_or_else(|error| panic!("{path}: {error}"));
        let read = reader::read(path, module_of(path), &file.items);
        Self {
            form_breaches: form::form_breaches(path, &file),
            size_breaches: form::size_breaches(path, text, &file),
            matches: matches::read(&file),
            sentence: first_sentence(text),
            ..read
        }
    }

    /// The folder below `src`, or nothing for `lib.rs` and `main.rs`.
    pub fn room(&self) -> &str {
        room_of_path(&self.path)
    }
}

pub fn room_of_path(path: &str) -> &str {
    let below = path.strip_prefix("src/").unwrap_or(path);
    below.split_once('/').map_or("", |(room, _)| room)
}

/// `src/world/state.rs` is `world::state`; `src/lib.rs` is the root, an empty path.
pub fn module_of(path: &str) -> String {
    let below = path.strip_prefix("src/").unwrap_or(path);
    let name = below.strip_suffix(".rs").unwrap_or(below);
    let name = name.strip_suffix("/mod").unwrap_or(name);
    match name {
        "lib" => String::new(),
        name => name.replace('/', "::"),
    }
}

pub fn child(module: &str, name: &str) -> String {
    if module.is_empty() {
        name.to_owned()
    } else {
        format!("{module}::{name}")
    }
}

fn first_sentence(text: &str) -> String {
    let lines = text.lines().map_while(|line| line.strip_prefix("//!"));
    let lines = lines.map(str::trim).take_while(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join(" ")
}

/// Whether tests alone compile what has these attributes.
pub fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("test")
            || attribute.path().is_ident("cfg")
                && attribute
                    .parse_args::<Meta>()
                    .is_ok_and(|meta| names_test(&meta))
    })
}

/// The enum of the same variants without their values that `#[strum_discriminants(name(…))]` makes.
pub fn discriminants(item: &ItemEnum) -> Option<Ident> {
    let attributes = item.attrs.iter();
    let mut own = attributes.filter(|one| one.path().is_ident("strum_discriminants"));
    let mut name = None;
    own.next()?
        .parse_nested_meta(|meta| {
            let content;
            syn::parenthesized!(content in meta.input);
            if meta.path.is_ident("name") {
                name = Some(content.parse()?);
                return Ok(());
            }
            content.parse::<TokenStream>().map(drop)
        })
        .ok()?;
    name
}

fn names_test(predicate: &Meta) -> bool {
    match predicate {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) if list.path.is_ident("not") => false,
        Meta::List(list) => list
            .parse_args_with(syn::punctuated::Punctuated::<Meta, syn::Token![,]>::parse_terminated)
            .is_ok_and(|parts| parts.iter().any(names_test)),
        Meta::NameValue(_) => false,
    }
}

/// The attributes of an item, and the name that it defines in its module.
pub fn parts(item: &Item) -> (&[Attribute], Option<&Ident>) {
    match item {
        Item::Const(item) => (&item.attrs, Some(&item.ident)),
        Item::Enum(item) => (&item.attrs, Some(&item.ident)),
        Item::Fn(item) => (&item.attrs, Some(&item.sig.ident)),
        Item::Macro(item) => (&item.attrs, item.ident.as_ref()),
        Item::Static(item) => (&item.attrs, Some(&item.ident)),
        Item::Struct(item) => (&item.attrs, Some(&item.ident)),
        Item::Trait(item) => (&item.attrs, Some(&item.ident)),
        Item::Type(item) => (&item.attrs, Some(&item.ident)),
        Item::Union(item) => (&item.attrs, Some(&item.ident)),
        Item::Impl(item) => (&item.attrs, None),
        Item::Mod(item) => (&item.attrs, None),
        Item::Use(item) => (&item.attrs, None),
        _ => (&[], None),
    }
}
