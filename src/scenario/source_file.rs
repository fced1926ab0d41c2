//! A scenario file as it was read, with an index of its lines.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// One scenario file as it was read: its id, its name for people, its text.
#[derive(Debug)]
pub(crate) struct SourceFile {
    /// The path below the root, without the ending, such as `v1.1/bank_account_data_requests`.
    pub id: String,
    /// The name for people: a path, or `shipped:v1.1/….toml` for a file in the binary.
    pub name: String,
    pub text: Cow<'static, str>,
    /// True for a file in the binary. The tests prove these files.
    pub shipped: bool,
    /// Where each line starts. A file can have very many mistakes, so lines are counted only once.
    line_starts: OnceLock<Vec<usize>>,
}

impl SourceFile {
    pub(crate) fn new(
        id: impl Into<String>,
        name: impl Into<String>,
        text: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
            text: text.into(),
            shipped: false,
            line_starts: OnceLock::new(),
        }
    }

    pub(super) fn shipped(id: String, name: String, text: &'static str) -> Self {
        Self {
            shipped: true,
            ..Self::new(id, name, text)
        }
    }

    /// The number of the line, counted from 1.
    pub(super) fn line(&self, at: usize) -> usize {
        self.line_starts().partition_point(|start| *start <= at)
    }

    /// The range of the line, without the line end.
    pub(super) fn line_range(&self, at: usize) -> Range<usize> {
        let starts = self.line_starts();
        let line = self.line(at);
        let end = starts.get(line).map_or(self.text.len(), |next| next - 1);
        starts[line - 1]..end
    }

    fn line_starts(&self) -> &[usize] {
        self.line_starts.get_or_init(|| {
            let ends = self.text.match_indices('\n');
            std::iter::once(0)
                .chain(ends.map(|(end, _)| end + 1))
                .collect()
        })
    }
}

/// The place of something in a scenario file.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub file: Arc<SourceFile>,
    at: usize,
    until: usize,
}

impl Origin {
    pub(crate) fn new(file: &Arc<SourceFile>, span: &Range<usize>) -> Self {
        Self {
            file: file.clone(),
            at: span.start,
            until: span.end,
        }
    }

    pub(crate) fn span(&self) -> Range<usize> {
        self.at..self.until
    }

    /// The line, counted from 1.
    pub(crate) fn line(&self) -> usize {
        self.file.line(self.at)
    }
}
