//! Reads the modules and the paths of a file from its syntax.

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Item};

use super::source::{Kind, Module, Reference, Source, child, discriminants, is_for_tests, parts};
use super::tokens::{defined_by_macro, is_mark, path_at};
use super::uses::{Leaf, leaves};

pub fn read(path: &str, module: String, items: &[Item]) -> Source {
    let source = Source {
        path: path.to_owned(),
        ..Source::default()
    };
    let mut reader = Reader {
        source,
        module: String::new(),
        blocks: 0,
    };
    reader.read_module(module, items);
    reader.source
}

struct Reader {
    source: Source,
    module: String,
    /// How many blocks of code surround this place.
    blocks: usize,
}

impl Reader {
    fn read_module(&mut self, module: String, items: &[Item]) {
        let outer = std::mem::replace(&mut self.module, module);
        let mut names = Module {
            file: self.source.path.clone(),
            ..Module::default()
        };
        for item in items {
            self.declare(item, &mut names);
        }
        self.source.modules.push((self.module.clone(), names));
        for item in items {
            self.visit_item(item);
        }
        self.module = outer;
    }

    fn declare(&mut self, item: &Item, names: &mut Module) {
        let is_for_tests = is_for_tests(parts(item).0);
        match item {
            Item::Mod(inner) => {
                let name = inner.ident.to_string();
                if is_for_tests {
                    self.source.test_modules.push(child(&self.module, &name));
                }
                if inner.content.is_none() || !is_for_tests {
                    names.children.insert(name);
                }
            }
            _ if is_for_tests => {}
            Item::Use(used) => {
                let leaves = leaves(used);
                names
                    .imports
                    .extend(leaves.into_iter().map(|leaf| leaf.import));
            }
            Item::Macro(call) => {
                names
                    .items
                    .extend(call.ident.as_ref().map(Ident::to_string));
                let is_definition = call.ident.is_some();
                defined_by_macro(
                    call.mac.tokens.clone(),
                    is_definition,
                    &mut names.macro_names,
                );
            }
            item => {
                names.items.extend(parts(item).1.map(Ident::to_string));
                if let Item::Enum(item) = item {
                    let made = discriminants(item);
                    names.items.extend(made.as_ref().map(Ident::to_string));
                }
            }
        }
    }

    fn refer(&mut self, path: Vec<String>, line: usize, kind: Kind) {
        let is_bare_keyword = path.len() == 1 && matches!(&*path[0], "self" | "super" | "crate");
        let is_nothing = path.is_empty() || path[0] == "Self" || is_bare_keyword;
        if kind != Kind::Code || !is_nothing {
            let module = self.module.clone();
            self.source.references.push(Reference {
                module,
                path,
                line,
                kind,
            });
        }
    }

    fn note_async(&mut self, token: Option<syn::Token![async]>) {
        if let Some(token) = token {
            let line = token.span.start().line;
            self.source.awaits.push((line, "async"));
        }
    }

    /// Reads the paths in the tokens of a macro.
    fn scan(&mut self, tokens: TokenStream) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            match &tokens[at] {
                TokenTree::Group(group) => self.scan(group.stream()),
                TokenTree::Ident(ident) => {
                    let path = path_at(&tokens, at);
                    let line = ident.span().start().line;
                    self.note_path(&tokens[..at], path.clone(), line);
                    at += 3 * (path.len() - 1);
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
            at += 1;
        }
    }

    fn note_path(&mut self, before: &[TokenTree], mut path: Vec<String>, line: usize) {
        let is =
            |back: usize, mark| before.len() >= back && is_mark(&before[before.len() - back], mark);
        let is_member = is(1, '.') && !is(2, '.');
        if path[0] == "async" || path[0] == "await" && is_member {
            let word = if is_member { ".await" } else { "async" };
            self.source.awaits.push((line, word));
            return;
        }
        let is_variable = is(1, '$') && path[0] != "crate" || is(1, '\'');
        if is_member || is_variable {
            return;
        }
        if is(1, ':') && is(2, ':') {
            let goes_on = before.len() > 2
                && match &before[before.len() - 3] {
                    TokenTree::Ident(_) | TokenTree::Group(_) => true,
                    token => is_mark(token, '>'),
                };
            if goes_on {
                return;
            }
            path.insert(0, String::new());
        }
        self.refer(path, line, Kind::Code);
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_attribute(&mut self, _: &'ast Attribute) {}

    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_item(&mut self, item: &'ast Item) {
        if !is_for_tests(parts(item).0) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !is_for_tests(&item.attrs) {
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_item_mod(&mut self, inner: &'ast syn::ItemMod) {
        if let Some((_, items)) = &inner.content {
            let module = child(&self.module, &inner.ident.to_string());
            self.read_module(module, items);
        }
    }

    fn visit_item_use(&mut self, used: &'ast syn::ItemUse) {
        for Leaf { import, line } in leaves(used) {
            let kind = if import.name == "*" {
                Kind::Glob
            } else {
                Kind::Use
            };
            self.refer(import.path.clone(), line, kind);
            if self.blocks > 0 {
                let module = self.module.clone();
                let mut modules = self.source.modules.iter_mut();
                let names = modules.find(|(name, _)| *name == module);
                names
                    .expect("the module is declared")
                    .1
                    .local_imports
                    .push(import);
            }
        }
    }

    fn visit_block(&mut self, block: &'ast syn::Block) {
        self.blocks += 1;
        visit::visit_block(self, block);
        self.blocks -= 1;
    }

    fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
        match &path.qself {
            Some(on) if on.position == 0 => self.visit_type(&on.ty),
            _ => visit::visit_expr_path(self, path),
        }
    }

    fn visit_type_path(&mut self, path: &'ast syn::TypePath) {
        match &path.qself {
            Some(on) if on.position == 0 => self.visit_type(&on.ty),
            _ => visit::visit_type_path(self, path),
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let leading = path.leading_colon.map(|_| String::new());
        let names = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string());
        let line = path
            .segments
            .first()
            .map_or(0, |first| first.ident.span().start().line);
        self.refer(leading.into_iter().chain(names).collect(), line, Kind::Code);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.visit_path(&call.path);
        self.scan(call.tokens.clone());
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        self.note_async(signature.asyncness);
        visit::visit_signature(self, signature);
    }

    fn visit_expr_async(&mut self, block: &'ast syn::ExprAsync) {
        self.note_async(Some(block.async_token));
        visit::visit_expr_async(self, block);
    }

    fn visit_expr_closure(&mut self, closure: &'ast syn::ExprClosure) {
        self.note_async(closure.asyncness);
        visit::visit_expr_closure(self, closure);
    }

    fn visit_expr_await(&mut self, expression: &'ast syn::ExprAwait) {
        let line = expression.await_token.span.start().line;
        self.source.awaits.push((line, ".await"));
        visit::visit_expr_await(self, expression);
    }
}
