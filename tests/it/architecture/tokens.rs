//! Names and paths in the tokens of macros.

use std::collections::BTreeSet;

use proc_macro2::{Spacing, TokenStream, TokenTree};

/// Names that a macro's definition defines, or that a call of one hands to it.
pub fn defined_by_macro(tokens: TokenStream, is_definition: bool, names: &mut BTreeSet<String>) {
    const DEFINING: [&str; 7] = ["const", "enum", "fn", "static", "struct", "trait", "type"];
    let mut is_name = false;
    for token in tokens {
        match token {
            TokenTree::Group(group) => defined_by_macro(group.stream(), is_definition, names),
            TokenTree::Ident(ident) => {
                let word = ident.to_string();
                let is_defining = DEFINING.contains(&&*word);
                if is_name || !is_definition {
                    names.insert(word);
                }
                is_name = is_defining;
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => is_name = false,
        }
    }
}

pub fn is_mark(token: &TokenTree, mark: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == mark)
}

/// `a::b::c` at this place of the tokens.
pub fn path_at(tokens: &[TokenTree], mut at: usize) -> Vec<String> {
    let mut path = vec![tokens[at].to_string()];
    while let Some([TokenTree::Punct(first), second, TokenTree::Ident(name)]) =
        tokens.get(at + 1..at + 4)
    {
        if first.as_char() != ':' || first.spacing() != Spacing::Joint || !is_mark(second, ':') {
            break;
        }
        path.push(name.to_string());
        at += 3;
    }
    path
}
