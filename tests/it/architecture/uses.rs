//! The names that a `use` brings.

use syn::UseTree;

use super::source::Import;

/// One name that a `use` brings.
pub struct Leaf {
    pub import: Import,
    pub line: usize,
}

/// The names that a `use` brings, with their whole paths.
pub fn leaves(used: &syn::ItemUse) -> Vec<Leaf> {
    let mut prefix: Vec<String> = used
        .leading_colon
        .map(|_| String::new())
        .into_iter()
        .collect();
    let mut leaves = Vec::new();
    add_leaves(&used.tree, &mut prefix, &mut leaves);
    leaves
}

fn add_leaves(tree: &UseTree, prefix: &mut Vec<String>, leaves: &mut Vec<Leaf>) {
    let (last, name) = match tree {
        UseTree::Path(path) => {
            prefix.push(path.ident.to_string());
            add_leaves(&path.tree, prefix, leaves);
            prefix.pop();
            return;
        }
        UseTree::Group(group) => {
            for tree in &group.items {
                add_leaves(tree, prefix, leaves);
            }
            return;
        }
        UseTree::Name(name) => (Some(&name.ident), name.ident.to_string()),
        UseTree::Rename(rename) => (Some(&rename.ident), rename.rename.to_string()),
        UseTree::Glob(_) => (None, "*".to_owned()),
    };
    let mut path = prefix.clone();
    let is_module_itself = last.is_some_and(|last| last == "self") && !path.is_empty();
    if let Some(last) = last.filter(|_| !is_module_itself) {
        path.push(last.to_string());
    }
    let name = match path.last() {
        Some(last) if name == "self" => last.clone(),
        _ => name,
    };
    let line = line_of(tree);
    leaves.push(Leaf {
        import: Import { name, path },
        line,
    });
}

fn line_of(tree: &UseTree) -> usize {
    match tree {
        UseTree::Name(name) => name.ident.span().start().line,
        UseTree::Rename(rename) => rename.ident.span().start().line,
        UseTree::Glob(glob) => glob.star_token.spans[0].start().line,
        _ => 0,
    }
}
