//! What loads and is hardly meant: the warnings of `check`.

use super::Compiler;

impl Compiler<'_> {
    pub(super) fn doubt(&mut self) {
        for (file, _, part) in self.outcome_parts() {
            if let Some(description) = &part.description
                && description.as_ref().trim().is_empty()
            {
                self.warn(
                    (file, description.span()),
                    "the description is empty: say what the outcome is for, or leave it out",
                );
            }
        }
    }
}
