//! Mistakes in scenario files: where they are, what was expected, what to do.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use super::source_file::SourceFile;
use crate::base::{is_invisible, visible};

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
    /// What an entry stands for that says how many mistakes are not listed.
    #[serde(skip)]
    rest: Option<Box<Rest>>,
}

/// Mistakes that are not listed, in the same file and in later ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rest {
    pub mistakes: usize,
    pub later_files: usize,
}

/// The end of a message about text that is no TOML. Nothing of such a file is compiled.
pub(super) const UNCHECKED_REST: &str = "; the file is not checked beyond this mistake";

const EXCERPT_CHARS: usize = 200;

/// A message may repeat a name of the file, and names can be long.
const MESSAGE_CHARS_MAX: usize = 4000;

/// A key that begins so far before the excerpt is found. No API key is longer.
const LOOK_BEHIND_CHARS: usize = 200;

impl LoadError {
    pub(super) fn at(
        file: &Arc<SourceFile>,
        span: Range<usize>,
        message: impl Into<String>,
        severity: Severity,
    ) -> Self {
        let text = &*file.text;
        let start = floor_char_boundary(text, span.start);
        let line = file.line_range(start);
        let end = floor_char_boundary(text, span.end).clamp(start, line.end.max(start));
        let before = text[line.start..start].chars().count();
        // For a very long line, the excerpt is the part around the mistake.
        let shown_before = match before {
            0..EXCERPT_CHARS => before,
            _ => EXCERPT_CHARS / 2,
        };
        let excerpt = drawable(&around(
            &text[line.clone()],
            start - line.start,
            shown_before,
        ));
        let width = |from: usize, count: usize| -> usize {
            let part: String = excerpt.chars().skip(from).take(count).collect();
            part.width()
        };
        let indent = width(0, shown_before);
        let marked = text[start..end].chars().take(EXCERPT_CHARS).count();
        let marked = width(shown_before, marked);
        Self {
            file: file.name.clone(),
            line: file.line(start),
            column: before + 1,
            message: shown_message(&message.into()),
            indent,
            marked: marked.max(1),
            excerpt,
            severity,
            rest: None,
        }
    }

    /// A mistake that has no place inside the file: it cannot be read, or is not text.
    pub(crate) fn of_file(name: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            file: name.into(),
            line: 0,
            column: 0,
            message: shown_message(&message.into()),
            excerpt: String::new(),
            indent: 0,
            marked: 0,
            severity: Severity::Error,
            rest: None,
        }
    }

    /// An entry for mistakes that are not listed. `first` is the first of them.
    pub(super) fn of_rest(first: &Self, rest: Rest, message: String) -> Self {
        Self {
            severity: first.severity,
            rest: Some(Box::new(rest)),
            ..Self::of_file(first.file.clone(), message)
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

    /// The number of mistakes that this entry stands for.
    pub(crate) fn mistakes(&self) -> usize {
        self.rest.as_ref().map_or(1, |rest| rest.mistakes)
    }

    /// How many other files this entry stands for too.
    pub(crate) fn later_files(&self) -> usize {
        self.rest.as_ref().map_or(0, |rest| rest.later_files)
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

impl SourceFile {
    pub(crate) fn error(
        self: &Arc<Self>,
        span: Range<usize>,
        message: impl Into<String>,
    ) -> LoadError {
        LoadError::at(self, span, message, Severity::Error)
    }

    /// A warning about content that loads but is probably not meant.
    pub(crate) fn warning(
        self: &Arc<Self>,
        span: Range<usize>,
        message: impl Into<String>,
    ) -> LoadError {
        LoadError::at(self, span, message, Severity::Warning)
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

/// The part of a line that is shown: so many characters before a place, and `EXCERPT_CHARS` in all. An API key is masked also
/// if only its end is shown.
fn around(line: &str, at: usize, shown_before: usize) -> String {
    let before = line[..at].char_indices().rev().map(|(start, _)| start);
    let first = before.clone().take(shown_before).last().unwrap_or(at);
    let key_may_start = before.skip(shown_before).take(LOOK_BEHIND_CHARS).last();
    let from = key_may_start.unwrap_or(first);
    let hidden = line[from..first].chars().count();
    let mut shown = line[first..].char_indices().skip(EXCERPT_CHARS);
    let until = shown.next().map_or(line.len(), |(after, _)| first + after);
    let part = without_keys(&line[from..until]);
    let part: String = part.chars().skip(hidden).collect();
    let is_whole = until == line.len();
    if is_whole {
        part.trim_end().to_owned()
    } else {
        part
    }
}

/// A message may repeat a name of the file, which may be long and hold anything.
fn shown_message(message: &str) -> String {
    let cut: String = message.chars().take(MESSAGE_CHARS_MAX).collect();
    visible(&cut).into_owned()
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
