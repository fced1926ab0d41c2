//! A shell that knows only curl, and `head` that writes its input: it runs the commands that the sandbox prints for pasting.

use reqwest::multipart::{Form, Part};

use crate::client::{Answer, Client, png};

/// Runs curls that are joined by `&&`, and returns the last answer. `$ILUMA_API_KEY` is `own_key`.
pub(crate) async fn paste(client: &Client, line: &str, own_key: &str) -> Answer {
    let mut last = None::<Answer>;
    let words = words(line, own_key);
    for command in words.split(|word| word == "&&") {
        let pipe = command.iter().position(|word| word == "|");
        let (input, command) = match pipe {
            Some(at) => (output(&command[..at]), &command[at + 1..]),
            None => (Vec::new(), command),
        };
        let answer = curl(client, command, &input).await;
        if let Some(before) = last.replace(answer) {
            assert_eq!(before.status, 200, "`&&` goes no further: {}", before.text);
        }
    }
    last.expect("a command")
}

/// What a command writes into a pipe.
fn output(command: &[String]) -> Vec<u8> {
    let words: Vec<_> = command.iter().map(String::as_str).collect();
    match words[..] {
        ["head", "-c", bytes, "/dev/zero"] => vec![0; bytes.parse().expect("a number")],
        _ => panic!("{command:?} is not known"),
    }
}

async fn curl(client: &Client, command: &[String], input: &[u8]) -> Answer {
    assert_eq!(command[0], "curl");
    let (mut method, mut url, mut user) = ("GET", None, None);
    let (mut headers, mut body, mut form) = (Vec::new(), None, None);
    let mut rest = command[1..].iter().map(String::as_str);
    while let Some(word) = rest.next() {
        let mut next = || rest.next().expect("a value of the flag");
        match word {
            "-X" => method = next(),
            "-u" => user = next().strip_suffix(':'),
            "-H" => headers.push(next().split_once(": ").expect("a header")),
            "-d" => body = Some(next().as_bytes().to_vec()),
            "--data-binary" => {
                assert_eq!(next(), "@-");
                body = Some(input.to_vec());
            }
            "-F" | "--form-string" => {
                let (name, value) = next().split_once('=').expect("a field");
                let part = if word == "-F" && value == "@-;filename=file" {
                    Part::bytes(input.to_vec()).file_name("file")
                } else if word == "-F" && value == "@/dev/null;filename=file" {
                    Part::bytes(Vec::new()).file_name("file")
                } else if word == "-F" {
                    part(value)
                } else {
                    Part::text(value.to_owned())
                };
                let fields: Form = form.take().unwrap_or_default();
                form = Some(fields.part(name.to_owned(), part));
            }
            word if url.is_none() && !word.starts_with('-') => url = Some(word),
            other => panic!("curl is not known to take {other:?}"),
        }
    }
    let url = url.expect("a URL");
    let path = url
        .strip_prefix(&client.sandbox.url())
        .unwrap_or_else(|| panic!("{url} is not the sandbox's"));
    if method == "GET" && (body.is_some() || form.is_some()) {
        method = "POST";
    }
    let mut request = client.as_key(user.expect("a key and a colon"), method, path);
    let has_type = headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    for (name, value) in headers {
        request = request.header(name, value);
    }
    if let Some(body) = body {
        request = request.body(body);
        if !has_type {
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
    }
    if let Some(form) = form {
        request = request.multipart(form);
    }
    Answer::of(request).await
}

/// The content of a `-F`: a file, JSON, or a text that curl does not change.
fn part(value: &str) -> Part {
    if let Some(file) = value.strip_prefix('@') {
        assert!(
            file.starts_with('"') || !file.contains([',', ';']),
            "curl would cut {file:?}"
        );
        return Part::bytes(png(600, 600, 204_800)).file_name(unquoted(file));
    }
    let json = value.strip_suffix(";type=application/json");
    let text = json.unwrap_or(value);
    let is_quoted = json.is_some() && text.starts_with('"');
    assert!(
        is_quoted || !(text.starts_with(['<', '"', ' ']) || text.contains(';')),
        "curl would change {value:?}"
    );
    let part = Part::text(unquoted(text));
    match json {
        Some(_) => part.mime_str("application/json").expect("a type"),
        None => part,
    }
}

fn unquoted(text: &str) -> String {
    let Some(quoted) = text.strip_prefix('"') else {
        return text.to_owned();
    };
    let mut chars = quoted.strip_suffix('"').expect("a quote").chars();
    let mut plain = String::new();
    while let Some(c) = chars.next() {
        plain.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    plain
}

/// Splits as a shell does: blanks, `'…'`, `"…"` with one variable in it, `\'`.
fn words(line: &str, own_key: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = None::<String>;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' => words.extend(word.take()),
            '\'' => word
                .get_or_insert_default()
                .extend(chars.by_ref().take_while(|c| *c != '\'')),
            '"' => {
                let text: String = chars.by_ref().take_while(|c| *c != '"').collect();
                let text = text.replace("$ILUMA_API_KEY", own_key);
                word.get_or_insert_default().push_str(&text);
            }
            '\\' => word.get_or_insert_default().extend(chars.next()),
            '|' if word.is_none() => words.push("|".to_owned()),
            '$' | '`' | ';' | '|' | '(' | ')' | '{' | '*' | '?' => {
                panic!("a shell would make something else of `{c}` in {line}")
            }
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}
