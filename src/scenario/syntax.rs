//! The first mistake in the syntax of a TOML file, at the place where a person can correct it.

use std::ops::Range;

use toml_parser::Source;
use toml_parser::lexer::{Token, TokenKind};

use super::mistake::UNCHECKED_REST;
use crate::base::is_invisible;

pub(super) struct SyntaxMistake {
    pub span: Range<usize>,
    pub message: String,
}

/// The first of the parser's mistakes. The parser continues after a mistake, and then it mostly reports what only follows
/// from it. If a bracket or quote is not closed, its place is where it was opened.
pub(super) fn first_mistake(text: &str, found: &[toml::de::Error]) -> Option<SyntaxMistake> {
    let start = |mistake: &toml::de::Error| mistake.span().map_or(0, |span| span.start);
    let first = found.iter().min_by_key(|mistake| start(mistake))?;
    let at = start(first);
    let tokens = Source::new(text).lex().into_vec();
    let unclosed = unclosed_text(text, &tokens, first)
        .or_else(|| unclosed_bracket(text, &tokens).filter(|mistake| mistake.span.start <= at));
    let mut mistake = unclosed.unwrap_or_else(|| SyntaxMistake {
        span: first.span().unwrap_or_default(),
        message: explained(text, first),
    });
    mistake.message.push_str(UNCHECKED_REST);
    Some(mistake)
}

/// The parser's message, with a hint about a character that is easily overlooked.
fn explained(text: &str, mistake: &toml::de::Error) -> String {
    let message = mistake.message().trim().replace('\n', ", ");
    let span = mistake.span().unwrap_or_default();
    let is_value = message.starts_with("string values must be quoted");
    match text.get(span.start..).and_then(|rest| rest.chars().next()) {
        None | Some('\r' | '\n' | '#') if is_value => "a value is missing".to_owned(),
        Some(quote @ ('“' | '”' | '„' | '‘' | '’' | '«' | '»')) => {
            format!("`{quote}` is no quote of TOML: write `\"`")
        }
        Some(c) if !c.is_ascii() && (c.is_whitespace() || is_invisible(c)) => {
            format!("{message}: the character U+{:04X} is here", u32::from(c))
        }
        _ => message,
    }
}

/// A text without its closing quote, or one that another text's quote closes some lines later.
fn unclosed_text(text: &str, tokens: &[Token], mistake: &toml::de::Error) -> Option<SyntaxMistake> {
    let at = mistake.span()?.start;
    let mut before = tokens
        .iter()
        .rev()
        .filter(|token| token.span().start() < at);
    let token = before.find(|token| token.kind() != TokenKind::Whitespace)?;
    let (start, end) = (token.span().start(), token.span().end());
    let quotes = match token.kind() {
        TokenKind::BasicString => "\"",
        TokenKind::LiteralString => "'",
        TokenKind::MlBasicString => "\"\"\"",
        TokenKind::MlLiteralString => "'''",
        _ => return None,
    };
    let is_at_end = text
        .get(at..end)
        .is_some_and(|rest| ["", "\r"].contains(&rest));
    let is_open = is_at_end && mistake.message().starts_with("invalid ");
    let message = if is_open {
        format!("the text has no closing `{quotes}`")
    } else if at >= end && text[start..end].contains('\n') {
        let line = line_of(text, end);
        format!(
            "the text ends only in line {line}: a closing `{quotes}` seems to be missing before"
        )
    } else {
        return None;
    };
    Some(SyntaxMistake {
        span: start..start + quotes.len(),
        message,
    })
}

/// The first bracket without its closing bracket.
fn unclosed_bracket(text: &str, tokens: &[Token]) -> Option<SyntaxMistake> {
    let mut open: Vec<&Token> = Vec::new();
    let mut rest = tokens;
    let mut is_line_start = true;
    while let Some((token, after)) = rest.split_first() {
        if is_line_start && open.is_empty() && token.kind() == TokenKind::LeftSquareBracket {
            let line = line_of_tokens(rest);
            let opening = run(line, TokenKind::LeftSquareBracket);
            if count(line, TokenKind::RightSquareBracket) < opening {
                return Some(unclosed(text, token, opening, ""));
            }
            rest = &rest[line.len()..];
            continue;
        }
        if let (true, Some(bracket)) = (is_line_start, open.last())
            && begins_statement(text, line_of_tokens(rest), bracket.kind())
        {
            let before = format!(" before line {}", line_of(text, token.span().start()));
            return Some(unclosed(text, bracket, 1, &before));
        }
        match (token.kind(), open.last()) {
            (TokenKind::LeftSquareBracket | TokenKind::LeftCurlyBracket, _) => open.push(token),
            (kind @ (TokenKind::RightSquareBracket | TokenKind::RightCurlyBracket), Some(last)) => {
                if kind != closing(last.kind()) {
                    let line = line_of(text, token.span().start());
                    let before = format!(" before the {} of line {line}", kind.description());
                    return Some(unclosed(text, last, 1, &before));
                }
                open.pop();
            }
            (TokenKind::Eof, Some(last)) => {
                return Some(unclosed(text, last, 1, " before the end of the file"));
            }
            _ => {}
        }
        is_line_start = match token.kind() {
            TokenKind::Newline => true,
            TokenKind::Whitespace => is_line_start,
            _ => false,
        };
        rest = after;
    }
    None
}

fn unclosed(text: &str, bracket: &Token, length: usize, before: &str) -> SyntaxMistake {
    let start = bracket.span().start();
    let span = start..start + length;
    let opening = &text[span.clone()];
    let closing = opening.replace('[', "]").replace('{', "}");
    SyntaxMistake {
        message: format!("`{opening}` has no closing `{closing}`{before}"),
        span,
    }
}

/// True if a line cannot belong to the value that this bracket opened: it is `key = …`, or the header of a table.
fn begins_statement(text: &str, line: &[Token], bracket: TokenKind) -> bool {
    let is_array = bracket == TokenKind::LeftSquareBracket;
    let opening = run(line, TokenKind::LeftSquareBracket);
    let is_key = |token: &&Token| {
        use TokenKind::{Atom, BasicString, Dot, LiteralString, Whitespace};
        matches!(
            token.kind(),
            Atom | BasicString | LiteralString | Dot | Whitespace
        )
    };
    let key = line[opening..].iter().take_while(is_key).count();
    let (key, after) = line[opening..].split_at(key);
    if opening == 0 {
        let is_assigned = after
            .first()
            .is_some_and(|token| token.kind() == TokenKind::Equals);
        return is_array && is_assigned && !key.is_empty();
    }
    let closing = run(after, TokenKind::RightSquareBracket);
    let is_header = opening <= 2
        && closing == opening
        && after[closing..].iter().all(|token| is_blank(token.kind()));
    // An array may hold `[1]` or `["a"]` in a line of its own, but no bare word.
    let has_word = key
        .iter()
        .any(|token| is_bare_word(&text[token.span().start()..token.span().end()]));
    is_header && (!is_array || has_word)
}

fn is_bare_word(text: &str) -> bool {
    text.starts_with(char::is_alphabetic) && !["true", "false", "inf", "nan"].contains(&text)
}

fn closing(opening: TokenKind) -> TokenKind {
    if opening == TokenKind::LeftSquareBracket {
        TokenKind::RightSquareBracket
    } else {
        TokenKind::RightCurlyBracket
    }
}

fn is_blank(kind: TokenKind) -> bool {
    use TokenKind::{Comment, Eof, Newline, Whitespace};
    matches!(kind, Whitespace | Comment | Newline | Eof)
}

/// The tokens before the next line end.
fn line_of_tokens(tokens: &[Token]) -> &[Token] {
    let is_end = |token: &Token| matches!(token.kind(), TokenKind::Newline | TokenKind::Eof);
    &tokens[..tokens.iter().position(is_end).unwrap_or(tokens.len())]
}

fn run(tokens: &[Token], kind: TokenKind) -> usize {
    tokens
        .iter()
        .take_while(|token| token.kind() == kind)
        .count()
}

fn count(tokens: &[Token], kind: TokenKind) -> usize {
    tokens.iter().filter(|token| token.kind() == kind).count()
}

fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}
