//! The form of a file: the contents of a `mod.rs`, and the sizes.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, File, FnArg, Item, ItemMod, Type, UseTree, Visibility};

use super::source::{is_for_tests, parts};

const FILE_LINES_MAX: usize = 400;
const FUNCTION_LINES_MAX: usize = 70;
const TUPLE_PARTS_MAX: usize = 2;
const LINTS: [&str; 2] = ["too_many_arguments", "too_many_lines"];

/// A `mod.rs` has private modules and a list of names. Inner modules of other files are private too.
pub fn form_breaches(path: &str, file: &File) -> Vec<String> {
    let is_face = path.ends_with("/mod.rs");
    let items = file.items.iter();
    let items = items.filter(|item| !is_for_tests(parts(item).0));
    let breaches = items.filter_map(|item| {
        let breach = match item {
            Item::Mod(inner) => module_breach(inner, is_face),
            item if is_face => face_breach(item),
            _ => None,
        };
        let line = item.span().start().line;
        breach.map(|breach| format!("{path}: {breach} (line {line})"))
    });
    breaches.collect()
}

fn module_breach(inner: &ItemMod, is_face: bool) -> Option<String> {
    let name = &inner.ident;
    let is_private = matches!(inner.vis, Visibility::Inherited);
    match inner.content {
        Some(_) if is_face => Some(format!("the code of module `{name}` belongs into a file")),
        None if !is_private => Some(format!("module `{name}` must be private")),
        _ => None,
    }
}

fn face_breach(item: &Item) -> Option<String> {
    let Item::Use(used) = item else {
        let name = parts(item)
            .1
            .map_or_else(|| "an item".to_owned(), |name| format!("`{name}`"));
        return Some(format!("{name} belongs into another file"));
    };
    let is_private = matches!(used.vis, Visibility::Inherited);
    let is_listed = is_private || !has_glob(&used.tree);
    (!is_listed).then(|| "re-exports must be listed by name".to_owned())
}

fn has_glob(tree: &UseTree) -> bool {
    match tree {
        UseTree::Path(path) => has_glob(&path.tree),
        UseTree::Group(group) => group.items.iter().any(has_glob),
        UseTree::Glob(_) => true,
        _ => false,
    }
}

/// Files and functions are short, and a parameter is not a tuple of many values.
pub fn size_breaches(path: &str, text: &str, file: &File) -> Vec<String> {
    let lines: Vec<_> = text.lines().collect();
    let mut breaches = Vec::new();
    if lines.len() > FILE_LINES_MAX {
        breaches.push(format!(
            "{path}: {} lines, over {FILE_LINES_MAX}",
            lines.len()
        ));
    }
    let mut ruler = Ruler {
        path,
        lines: &lines,
        breaches,
    };
    ruler.visit_file(file);
    ruler.breaches
}

struct Ruler<'a> {
    path: &'a str,
    lines: &'a [&'a str],
    breaches: Vec<String>,
}

impl Ruler<'_> {
    fn measure(&mut self, signature: &syn::Signature, body: &syn::Block) {
        let braces = body.brace_token.span;
        let (open, close) = (braces.open().start().line, braces.close().start().line);
        let inside = self.lines.get(open..close - 1).unwrap_or_default();
        let is_code = |line: &&&str| !line.trim().is_empty() && !line.trim().starts_with("//");
        let lines = inside.iter().filter(is_code).count();
        if lines > FUNCTION_LINES_MAX {
            self.breaches.push(format!(
                "{}: `{}` has {lines} lines, over {FUNCTION_LINES_MAX} (line {open})",
                self.path, signature.ident
            ));
        }
    }
}

impl<'ast> Visit<'ast> for Ruler<'_> {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.measure(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.measure(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(body) = &function.default {
            self.measure(&function.sig, body);
        }
        visit::visit_trait_item_fn(self, function);
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        for input in &signature.inputs {
            let FnArg::Typed(input) = input else { continue };
            let parts = tuple_parts(&input.ty);
            if parts > TUPLE_PARTS_MAX {
                let line = input.span().start().line;
                self.breaches.push(format!(
                    "{}: `{}` takes a tuple of {parts} (line {line})",
                    self.path, signature.ident
                ));
            }
        }
        visit::visit_signature(self, signature);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        let is_silencer = ["allow", "expect", "cfg_attr"]
            .iter()
            .any(|name| attribute.path().is_ident(name));
        let syn::Meta::List(list) = &attribute.meta else {
            return;
        };
        let words = list.tokens.to_string();
        for lint in LINTS
            .iter()
            .filter(|lint| is_silencer && words.contains(**lint))
        {
            let line = attribute.span().start().line;
            self.breaches
                .push(format!("{}: `{lint}` is silenced (line {line})", self.path));
        }
    }
}

fn tuple_parts(of: &Type) -> usize {
    match of {
        Type::Tuple(tuple) => tuple.elems.len(),
        Type::Reference(reference) => tuple_parts(&reference.elem),
        Type::Paren(inner) => tuple_parts(&inner.elem),
        _ => 0,
    }
}
