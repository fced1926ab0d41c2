//! Compiles the errors that all endpoints share.

use std::sync::Arc;

use super::outcomes::{check_outcome_name, error_outcome};
use super::stack::Stack;
use crate::catalogue::outcome::{Outcome, SharedErrors};
use crate::scenario::LoadError;

/// Compiles `errors.toml` and what extends it: the outcomes that every endpoint shares.
pub(crate) fn compile_shared_errors(stack: &Stack, errors: &mut Vec<LoadError>) -> SharedErrors {
    let mut shared = SharedErrors::new();
    for file in stack {
        for (name, part) in &file.outcomes {
            let source_file = &file.source_file;
            if part.error.is_none() {
                errors.push(source_file.error(
                    name.span(),
                    format!(
                        "`{}` is shared by all endpoints, so it must have an `error`",
                        name.as_ref()
                    ),
                ));
                continue;
            }
            check_outcome_name(name, source_file, errors);
            if part.default || part.when.is_some() || !part.aliases.is_empty() {
                errors.push(source_file.error(
                    name.span(),
                    "an error that all endpoints share cannot have `default`, `when` or `aliases`",
                ));
            }
            let outcome = Outcome {
                is_shared: true,
                ..error_outcome(name, part, source_file, errors)
            };
            shared.insert(name.as_ref().clone(), Arc::new(outcome));
        }
    }
    shared
}
