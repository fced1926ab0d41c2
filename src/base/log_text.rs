//! Texts of others that a log or a terminal may show: printable, on one line, and short.

use std::fmt::{self, Formatter, Write};

/// How much of a text is shown.
pub(crate) const LINE_CHARS_MAX: usize = 200;

/// A text of somebody else for a line of the log. Characters that are not printable are escaped: a terminal would
/// obey them, or show the line in another order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogText<'a>(pub(crate) &'a str);

impl fmt::Display for LogText<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (at, c) in self.0.chars().enumerate() {
            if at == LINE_CHARS_MAX {
                return f.write_char('…');
            }
            if is_printable(c) {
                f.write_char(c)?;
            } else {
                write!(f, "{}", c.escape_unicode())?;
            }
        }
        Ok(())
    }
}

/// The first line of a text that has something on it, fit to be shown. None if the text is empty.
pub(crate) fn plain_line(text: &str) -> Option<String> {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    Some(LogText(line).to_string())
}

/// Letters of all scripts, with their marks, and signs that only stand for themselves.
fn is_printable(c: char) -> bool {
    let is_sign = |c: char| matches!(c, '\u{a1}'..='\u{ac}' | '\u{ae}'..='\u{bf}' | '×' | '÷' | '–' | '—' | '‘' | '’' | '“' | '”' | '•' | '…' | '€' | '→');
    c == ' ' || c.is_ascii_graphic() || c.is_alphanumeric() || is_sign(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_escaped() {
        for (text, expected) in [
            ("plain – Ünïcödé", "plain – Ünïcödé"),
            ("\u{1b}[31mred", "\\u{1b}[31mred"),
            ("a\u{9b}b\u{202e}c\u{200b}", "a\\u{9b}b\\u{202e}c\\u{200b}"),
            ("one\r\ntwo", "one\\u{d}\\u{a}two"),
        ] {
            assert_eq!(LogText(text).to_string(), expected);
        }
        assert_eq!(LogText(&"x".repeat(300)).to_string(), "x".repeat(200) + "…");
    }

    #[test]
    fn the_first_line_with_something_on_it_is_shown() {
        assert_eq!(
            plain_line("\r\n  \r\n no such hook \nmore"),
            Some("no such hook".to_owned())
        );
        assert_eq!(plain_line(" \n"), None);
    }
}
