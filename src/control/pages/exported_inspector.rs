//! The inspector as one file with its data. It works without a server, and it loads nothing.

#![cfg_attr(not(feature = "inspector"), allow(dead_code))]

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

#[cfg(feature = "inspector")]
use super::inspector::text;

/// The page is not in this build.
#[cfg(not(feature = "inspector"))]
fn text(_: &str) -> Option<&'static str> {
    None
}

/// The module that starts the page.
const MAIN: &str = "main.js";

/// What stands for the files in `index.html`.
const STYLE_LINK: &str = r#"<link rel="stylesheet" href="inspector/style.css">"#;
const MAIN_SCRIPT: &str = r#"<script type="module" src="inspector/main.js"></script>"#;

/// `json` is the data that `recording.js` reads. None if the inspector is not in this build.
pub(crate) fn exported_inspector(json: &str) -> Option<String> {
    let (html, style) = (text("index.html")?, text("style.css")?);
    let script = bundle()?;
    let policy = format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; img-src data:; base-uri 'none'; form-action 'none'",
        hash(&script),
        hash(style)
    );
    let head = format!(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n<style>{style}</style>"
    );
    let data = format!(
        "<script type=\"application/json\" id=\"export\">{}</script>\n<script type=\"module\">{script}</script>",
        in_html(json)
    );
    // The data come last: their text may contain what is replaced.
    let page = html.replacen(STYLE_LINK, &head, 1);
    let (before, after) = page.split_once(MAIN_SCRIPT)?;
    Some(format!("{before}{data}{after}"))
}

/// A source of a Content Security Policy that allows exactly this inline text.
fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}

/// JSON in which HTML finds no tag and no comment, and JavaScript no line break.
fn in_html(json: &str) -> String {
    json.replace('<', "\\u003c")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

/// All modules of the page as one: a browser loads none from a file. Each becomes a function that returns its exports.
/// Imports stand on one line each, exports are declarations, and no modules import each other in a circle: a test runs
/// the page.
fn bundle() -> Option<String> {
    let mut script = "const modules = {};\n".to_owned();
    let mut bundled = Vec::new();
    add(MAIN, &mut bundled, &mut script)?;
    Some(script)
}

/// Adds a module after those that it imports.
fn add(name: &str, bundled: &mut Vec<String>, script: &mut String) -> Option<()> {
    if bundled.iter().any(|known| known == name) {
        return Some(());
    }
    bundled.push(name.to_owned());
    let module = text(name)?;
    for (_, imported) in module.lines().filter_map(import) {
        add(imported, bundled, script)?;
    }
    let mut exports = Vec::new();
    let mut body = String::new();
    for line in module.lines() {
        if let Some((names, imported)) = import(line) {
            let names = match names.strip_prefix("* as ") {
                Some(name) => name.to_owned(),
                None => names.replace(" as ", ": "),
            };
            writeln!(body, "const {names} = modules['{imported}'];").ok()?;
            continue;
        }
        let declaration = line.strip_prefix("export ");
        exports.extend(declaration.and_then(declared));
        body.push_str(declaration.unwrap_or(line));
        body.push('\n');
    }
    let exports = exports.join(", ");
    writeln!(
        script,
        "modules['{name}'] = (() => {{\n{body}return {{ {exports} }};\n}})();"
    )
    .ok()
}

/// What a line imports, and from which file: `import { h, put } from './dom.js';`.
fn import(line: &str) -> Option<(&str, &str)> {
    let (names, file) = line.strip_prefix("import ")?.split_once(" from './")?;
    Some((names, file.strip_suffix("';")?))
}

/// The name in `const name = …`, `async function name(…`, `class Name …`.
fn declared(declaration: &str) -> Option<&str> {
    let mut words = declaration.split(|c: char| !(c.is_alphanumeric() || "_$".contains(c)));
    words.find(|word| !["const", "async", "function", "class", ""].contains(word))
}
