//! Matches over the enums of `src`: a new variant must not fall into a catch-all arm.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::{self, Visit};
use syn::{File, Item, ItemEnum, ItemImpl, Pat, Path, Type};

use super::paths::Tree;
use super::source::{discriminants, is_for_tests, parts};

/// The kinds of TOML values. No new one will come, and a reader of a file refuses all kinds but those it names.
const SETTLED: [&str; 1] = ["Tree"];

/// What a file says of enums.
#[derive(Default)]
pub struct Matches {
    /// The variants of each enum.
    enums: BTreeMap<String, BTreeSet<String>>,
    /// The matches that have a catch-all arm.
    open: Vec<OpenMatch>,
}

struct OpenMatch {
    /// The line of the catch-all arm.
    line: usize,
    /// `Fault` and `Reset`: what the arms beside it name.
    named: Vec<(String, String)>,
}

/// The arms that would silently take a new variant of an enum of `src`.
pub fn catch_alls(tree: &Tree) -> Vec<String> {
    let mut own: BTreeMap<&String, BTreeSet<&String>> = BTreeMap::new();
    for (name, variants) in tree.sources.iter().flat_map(|source| &source.matches.enums) {
        own.entry(name).or_default().extend(variants);
    }
    let is_own = |(name, variant): &&(String, String)| {
        let variants = own.get(name);
        let is_variant = variants.is_some_and(|variants| variants.contains(variant));
        is_variant && !SETTLED.contains(&name.as_str())
    };
    let mut breaches = Vec::new();
    for source in &tree.sources {
        for open in &source.matches.open {
            if let Some((name, _)) = open.named.iter().find(is_own) {
                let (path, line) = (&source.path, open.line);
                breaches.push(format!(
                    "{path}: a new variant of `{name}` falls into a catch-all arm (line {line})"
                ));
            }
        }
    }
    breaches
}

pub fn read(file: &File) -> Matches {
    let mut reader = Reader::default();
    reader.visit_file(file);
    reader.matches
}

#[derive(Default)]
struct Reader {
    matches: Matches,
    /// The type whose `impl` surrounds this place.
    own: String,
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            Item::Mod(inner) => &inner.attrs,
            item => parts(item).0,
        };
        if !is_for_tests(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_enum(&mut self, item: &'ast ItemEnum) {
        let variants = item.variants.iter().map(|one| one.ident.to_string());
        let variants: BTreeSet<_> = variants.collect();
        for name in [Some(item.ident.clone()), discriminants(item)] {
            let enums = &mut self.matches.enums;
            enums.extend(name.map(|name| (name.to_string(), variants.clone())));
        }
    }

    fn visit_item_impl(&mut self, item: &'ast ItemImpl) {
        let own = match &*item.self_ty {
            Type::Path(own) => own.path.segments.last().map(|last| last.ident.to_string()),
            _ => None,
        };
        let outer = std::mem::replace(&mut self.own, own.unwrap_or_default());
        visit::visit_item_impl(self, item);
        self.own = outer;
    }

    fn visit_expr_match(&mut self, expression: &'ast syn::ExprMatch) {
        let all = || {
            expression
                .arms
                .iter()
                .flat_map(|arm| alternatives(&arm.pat))
        };
        for (wrapper, pattern) in all().filter(|(_, pattern)| takes_all(pattern)) {
            let mut names = Names {
                own: &self.own,
                named: Vec::new(),
            };
            for (other, beside) in all() {
                if wrapper.is_none() || wrapper == other {
                    names.visit_pat(beside);
                }
            }
            self.matches.open.push(OpenMatch {
                line: syn::spanned::Spanned::span(pattern).start().line,
                named: names.named,
            });
        }
        visit::visit_expr_match(self, expression);
    }
}

/// The alternatives of a pattern, without references. The content of `Some`, `Ok` and `Err` comes with this name.
fn alternatives(pattern: &Pat) -> Vec<(Option<String>, &Pat)> {
    match pattern {
        Pat::Or(all) => all.cases.iter().flat_map(alternatives).collect(),
        Pat::Paren(inner) => alternatives(&inner.pat),
        Pat::Reference(inner) => alternatives(&inner.pat),
        Pat::TupleStruct(outer) if outer.elems.len() == 1 => {
            let name = outer.path.get_ident().map(ToString::to_string);
            match name.as_deref() {
                Some("Some" | "Ok" | "Err") => {
                    let inner = alternatives(&outer.elems[0]).into_iter();
                    inner.map(|(_, inner)| (name.clone(), inner)).collect()
                }
                _ => vec![(None, pattern)],
            }
        }
        _ => vec![(None, pattern)],
    }
}

/// `_`, or a name that binds whatever comes. `None` and constants start with a capital letter.
fn takes_all(pattern: &Pat) -> bool {
    match pattern {
        Pat::Wild(_) => true,
        Pat::Ident(name) => {
            name.subpat.is_none() && name.ident.to_string().starts_with(char::is_lowercase)
        }
        _ => false,
    }
}

/// The variants that a pattern names.
struct Names<'a> {
    own: &'a str,
    named: Vec<(String, String)>,
}

impl<'ast> Visit<'ast> for Names<'_> {
    fn visit_path(&mut self, path: &'ast Path) {
        let mut names = path.segments.iter().rev().map(|one| one.ident.to_string());
        if let (Some(variant), Some(name)) = (names.next(), names.next()) {
            let is_self = name == "Self";
            let name = if is_self { self.own.to_owned() } else { name };
            self.named.push((name, variant));
        }
    }
}
