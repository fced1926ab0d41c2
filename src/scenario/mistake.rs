//! Mistakes in scenario files: where they are, what was expected, what to do.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use crate::base::{is_invisible, visible};

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
}

impl SourceFile {
    pub(crate) fn error(
        self: &Arc<Self>,
        span: Range<usize>,
        message: impl Into<String>,
    ) -> LoadError {
        LoadError::at(self, span, message)
    }

    /// A warning about content that loads but is probably not meant.
    pub(crate) fn warning(
        self: &Arc<Self>,
        span: Range<usize>,
        message: impl Into<String>,
    ) -> LoadError {
        LoadError {
            severity: Severity::Warning,
            ..LoadError::at(self, span, message)
        }
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
        let end = floor_char_boundary(&self.file.text, self.at);
        self.file.text[..end].matches('\n').count() + 1
    }
}

/// Whether a file with this mistake can be served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Severity {
    #[default]
    Error,
    /// The file loads, but probably does not do what was meant.
    Warning,
}

/// One mistake in one scenario file, or a warning about one. `Display` prints the file, line and column, the line
/// itself, and a caret.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use iluma_sandbox::{Sandbox, StartError};
///
/// let folder = tempfile::tempdir().unwrap();
/// std::fs::write(folder.path().join("mine.toml"), "extends = 'v9/bank_account'").unwrap();
/// let started = Sandbox::builder().scenarios(folder.path()).start().await;
/// let Err(StartError::Scenarios(errors)) = started else { panic!() };
/// assert_eq!((errors.0[0].line, errors.0[0].column), (1, 11));
/// assert_eq!(errors.0[0].excerpt, "extends = 'v9/bank_account'");
/// # });
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LoadError {
    /// The name of the file for people: a path, or `shipped:….toml`.
    pub file: String,
    /// Counted from 1. It is 0 if the mistake is the file itself, because it cannot be read.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
    /// A lower-case sentence: what is wrong and what was expected.
    pub message: String,
    /// The offending line, or the part of it around the mistake.
    pub excerpt: String,
    /// The width of the excerpt before the caret, in columns of a terminal.
    #[serde(skip)]
    indent: usize,
    /// How many columns of a terminal the caret marks.
    #[serde(skip)]
    marked: usize,
    #[serde(skip)]
    severity: Severity,
}

/// The end of a message about text that is no TOML. Nothing of such a file is compiled.
pub(super) const UNCHECKED_REST: &str = "; the file is not checked beyond this mistake";

const EXCERPT_CHARS: usize = 200;

impl LoadError {
    pub(crate) fn at(
        file: &Arc<SourceFile>,
        span: Range<usize>,
        message: impl Into<String>,
    ) -> Self {
        let text = &*file.text;
        let start = floor_char_boundary(text, span.start);
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let end = floor_char_boundary(text, span.end).clamp(start, line_end.max(start));
        let before = text[line_start..start].chars().count();
        // For a very long line, the excerpt is the part around the mistake.
        let left_out = before.saturating_sub(EXCERPT_CHARS / 2);
        let left_out = if before < EXCERPT_CHARS { 0 } else { left_out };
        let line = without_keys(text[line_start..line_end].trim_end());
        let excerpt: String = line.chars().skip(left_out).take(EXCERPT_CHARS).collect();
        let excerpt = drawable(&excerpt);
        let width = |from: usize, count: usize| -> usize {
            let part: String = excerpt.chars().skip(from).take(count).collect();
            part.width()
        };
        let indent = width(0, before - left_out);
        let marked = width(before - left_out, text[start..end].chars().count());
        Self {
            file: file.name.clone(),
            line: text[..start].matches('\n').count() + 1,
            column: before + 1,
            message: visible(&message.into()).into_owned(),
            indent,
            marked: marked.max(1),
            excerpt,
            severity: Severity::Error,
        }
    }

    /// A mistake that has no place inside the file: it cannot be read, or is not text.
    pub(crate) fn of_file(name: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            file: name.into(),
            line: 0,
            column: 0,
            message: visible(&message.into()).into_owned(),
            excerpt: String::new(),
            indent: 0,
            marked: 0,
            severity: Severity::Error,
        }
    }

    /// A warning about a file that is not read.
    pub(crate) fn warning_of_file(name: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::of_file(name, message)
        }
    }

    /// What `Display` prints, without the line of the file.
    pub(crate) fn without_excerpt(&self) -> String {
        let word = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let Self { message, line, .. } = self;
        let file = visible(&self.file);
        if *line == 0 {
            return format!("{word}: {message}\n --> {file}");
        }
        let gutter = line.to_string().len();
        let column = self.column;
        format!(
            "{word}: {message}\n{:gutter$}--> {file}:{line}:{column}",
            ""
        )
    }

    /// True if nothing can be served from the file, false for a warning.
    pub(crate) fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.without_excerpt())?;
        if self.line == 0 {
            return Ok(());
        }
        let gutter = self.line.to_string().len();
        writeln!(f, "\n{:gutter$} |", "")?;
        writeln!(f, "{} | {}", self.line, self.excerpt)?;
        write!(
            f,
            "{:gutter$} | {:indent$}{}",
            "",
            "",
            "^".repeat(self.marked),
            indent = self.indent
        )
    }
}

/// Every mistake found in a set of scenario files; `Display` prints one after the other.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use iluma_sandbox::{Sandbox, StartError};
///
/// let folder = tempfile::tempdir().unwrap();
/// std::fs::write(folder.path().join("mine.toml"), "extends = 'v9/bank_account'").unwrap();
/// let started = Sandbox::builder().scenarios(folder.path()).start().await;
/// let Err(StartError::Scenarios(errors)) = started else { panic!() };
/// assert!(errors.to_string().starts_with("error: "));
/// assert!(errors.to_string().ends_with("^"));
/// # });
/// ```
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n\n"))]
pub struct LoadErrors(pub Vec<LoadError>);

impl LoadErrors {
    /// The errors among the found mistakes, without the warnings.
    pub(crate) fn of_found(mut found: Vec<LoadError>) -> Self {
        found.retain(LoadError::is_error);
        Self(found)
    }
}

/// The text of a line as a terminal can show it safely: each character that would move the cursor, hide or reorder
/// others becomes one that is visible.
fn drawable(line: &str) -> String {
    let drawable = |c| match c {
        '\t' => ' ',
        c if is_invisible(c) => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    line.chars().map(drawable).collect()
}

/// Replaces the secret part of every API key by the same number of dots, because a line of a settings file may hold a
/// real key.
fn without_keys(line: &str) -> String {
    let mut masked = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((at, prefix)) = crate::base::PREFIXES
        .iter()
        .filter_map(|prefix| Some((rest.find(prefix)?, prefix)))
        .min()
    {
        let (before, key) = rest.split_at(at + prefix.len());
        masked.push_str(before);
        let end = key.find(['"', '\'', ' ', ',', ']']).unwrap_or(key.len());
        masked.extend(key[..end].chars().map(|_| '·'));
        rest = &key[end..];
    }
    masked + rest
}

fn floor_char_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
