//! The tree of modules, and the target of each path in it.

use std::collections::BTreeMap;

use super::source::{Import, Module, Reference, Source, child, module_of};

/// The maximum length of a chain of re-exports.
const CHAIN_MAX: usize = 16;

/// All sources below `src`, and ARCHITECTURE.md.
pub struct Tree {
    pub sources: Vec<Source>,
    pub document: String,
    modules: BTreeMap<String, Module>,
}

/// The target of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A path of another crate, or a name that no file of this crate has.
    Outside(Vec<String>),
    Module(String),
    Item {
        module: String,
        name: String,
    },
    Missing,
}

/// A path, followed to its end.
pub struct Route {
    pub target: Target,
    /// The modules that the path itself names, from its start.
    pub passed: Vec<String>,
}

impl Tree {
    /// `files` are paths such as `src/lib.rs` and `ARCHITECTURE.md`, with their texts.
    pub fn read<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut document = String::new();
        let mut sources = Vec::new();
        for (path, text) in files {
            if path == "ARCHITECTURE.md" {
                document.push_str(text);
            } else {
                sources.push(Source::read(path, text));
            }
        }
        let mut modules = BTreeMap::new();
        for source in &mut sources {
            if source.path != "src/main.rs" {
                modules.extend(std::mem::take(&mut source.modules));
            }
        }
        let tests: Vec<_> = sources
            .iter()
            .flat_map(|source| source.test_modules.clone())
            .collect();
        for source in &mut sources {
            let is_checked = |reference: &Reference| !is_within(&reference.module, &tests);
            source.references.retain(is_checked);
            if is_within(&module_of(&source.path), &tests) {
                source.awaits.clear();
                source.form_breaches.clear();
            }
        }
        sources.sort_by(|one, other| one.path.cmp(&other.path));
        Self {
            sources,
            document,
            modules,
        }
    }

    /// The file in which a module stands.
    pub fn file(&self, module: &str) -> &str {
        self.modules.get(module).map_or("", |module| &module.file)
    }

    /// Follows a path from the module that names it.
    pub fn follow(&self, reference: &Reference) -> Route {
        let mut passed = Vec::new();
        let target = self.resolve(
            &reference.module,
            &reference.path,
            false,
            CHAIN_MAX,
            &mut passed,
        );
        Route { target, passed }
    }

    /// `goes_on` is true if more names follow. Then the name is a module and not a function.
    fn resolve(
        &self,
        from: &str,
        path: &[String],
        goes_on: bool,
        chain: usize,
        passed: &mut Vec<String>,
    ) -> Target {
        let Some(chain) = chain.checked_sub(1) else {
            return Target::Missing;
        };
        let mut names = path;
        let mut target = match start(from, &mut names) {
            Start::Outside => return Target::Outside(names.to_vec()),
            Start::Nowhere => return Target::Missing,
            Start::Module(module) => Target::Module(module),
            Start::Name => {
                let head = &names[0];
                names = &names[1..];
                match self.of_scope(from, head, goes_on || !names.is_empty(), chain) {
                    Target::Missing => return Target::Outside(path.to_vec()),
                    target => target,
                }
            }
        };
        while let Some((name, rest)) = names.split_first() {
            target = match target {
                Target::Module(module) => {
                    let found = self.of_module(&module, name, goes_on || !rest.is_empty(), chain);
                    passed.push(module);
                    found
                }
                Target::Outside(mut outside) => {
                    outside.extend(names.iter().cloned());
                    return Target::Outside(outside);
                }
                target => return target,
            };
            names = rest;
        }
        if let Target::Module(module) = &target {
            passed.push(module.clone());
        }
        target
    }

    /// A name as the code of a module sees it, without `self::`.
    fn of_scope(&self, module: &str, name: &str, goes_on: bool, chain: usize) -> Target {
        let found = self.declared(module, name, goes_on, chain);
        match (found, self.modules.get(module)) {
            (Target::Missing, Some(names)) => {
                let imports = names.local_imports.iter();
                self.imported(module, imports, name, goes_on, chain)
            }
            (found, _) => found,
        }
    }

    /// A name of a module as others see it.
    fn of_module(&self, module: &str, name: &str, goes_on: bool, chain: usize) -> Target {
        let found = self.declared(module, name, goes_on, chain);
        let is_of_macro = |names: &Module| names.macro_names.contains(name);
        if found == Target::Missing && self.modules.get(module).is_some_and(is_of_macro) {
            return item(module, name);
        }
        found
    }

    fn declared(&self, module: &str, name: &str, goes_on: bool, chain: usize) -> Target {
        let Some(names) = self.modules.get(module) else {
            return Target::Missing;
        };
        let inner = names.children.contains(name).then(|| child(module, name));
        let inner = inner.filter(|inner| self.modules.contains_key(inner));
        if goes_on && let Some(inner) = inner {
            return Target::Module(inner);
        }
        if names.items.contains(name) {
            return item(module, name);
        }
        let imported = self.imported(module, names.imports.iter(), name, goes_on, chain);
        match (imported, inner) {
            (Target::Missing, Some(inner)) => Target::Module(inner),
            (imported, _) => imported,
        }
    }

    fn imported<'a>(
        &self,
        module: &str,
        imports: impl Iterator<Item = &'a Import> + Clone,
        name: &str,
        goes_on: bool,
        chain: usize,
    ) -> Target {
        let by_name = imports.clone().filter(|import| import.name == name);
        let by_name = by_name
            .map(|import| self.resolve(module, &import.path, goes_on, chain, &mut Vec::new()));
        let by_name = by_name.filter(|target| *target != Target::Missing);
        let globs = imports.filter(|import| import.name == "*");
        let globs =
            globs.map(|glob| self.resolve(module, &glob.path, true, chain, &mut Vec::new()));
        let globs = globs.filter_map(|target| match target {
            Target::Module(target) if target != module => chain
                .checked_sub(1)
                .map(|chain| self.of_module(&target, name, goes_on, chain)),
            _ => None,
        });
        let mut found = by_name.chain(globs.filter(|target| *target != Target::Missing));
        found.next().unwrap_or(Target::Missing)
    }
}

fn item(module: &str, name: &str) -> Target {
    Target::Item {
        module: module.to_owned(),
        name: name.to_owned(),
    }
}

enum Start {
    Outside,
    Nowhere,
    Module(String),
    /// A name of the scope.
    Name,
}

/// Takes `crate`, `self` and `super` from the start of a path.
fn start(from: &str, names: &mut &[String]) -> Start {
    let mut module = None;
    while let Some((name, rest)) = names.split_first() {
        let here = module.as_deref().unwrap_or(from);
        module = Some(match name.as_str() {
            "" => {
                *names = rest;
                return Start::Outside;
            }
            "crate" => String::new(),
            "self" => here.to_owned(),
            "super" if here.is_empty() => return Start::Nowhere,
            "super" => here
                .rsplit_once("::")
                .map_or("", |(outer, _)| outer)
                .to_owned(),
            _ => break,
        });
        *names = rest;
    }
    module.map_or(Start::Name, Start::Module)
}

fn is_within(module: &str, outer: &[String]) -> bool {
    outer.iter().any(|outer| {
        let rest = module.strip_prefix(&**outer);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    })
}
