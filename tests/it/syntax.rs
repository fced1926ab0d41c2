//! Scenario files that are no TOML, no UTF-8 or have an odd name: one mistake a file, at the place to correct.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::process::{run, write};

fn check(folder: &Path) -> Value {
    let (_, out, err) = run(&["check", "--format", "json", folder.to_str().expect("UTF-8")]);
    assert_eq!(err, "");
    serde_json::from_str(&out).expect("JSON")
}

/// The report for people, without the name of the folder.
fn check_as_text(folder: &Path) -> String {
    let path = folder.to_str().expect("UTF-8");
    let (_, out, err) = run(&["check", path]);
    assert_eq!(err, "");
    out.replace(path, "DIR")
}

/// Broken files and the messages about them. `§` stands before the place of the mistake and is no part of the file.
const BROKEN: &[(&str, &str)] = &[
    (
        "name = \"x\"\nreads = §[\"a\", \"b\"\n[outcomes.X]\nerror = \"x\"\n[outcomes.Y]\nwhen = { \"input.a\" = [\"b\"] }",
        "`[` has no closing `]` before line 3",
    ),
    (
        "reads = §[1, 2\nname = \"x\"\n[outcomes.X]\nbody = {}",
        "`[` has no closing `]` before line 2",
    ),
    (
        "reads = §[\n  \"a\",\n  \"b\",\n\nmissing = [\"c\"]",
        "`[` has no closing `]` before line 5",
    ),
    (
        "reads = §[\n  [1],\n  [\"a\"],\n  [\"b\"]\n\n[[records]]\nid = 1",
        "`[` has no closing `]` before line 6",
    ),
    (
        "reads = §[\"a\"",
        "`[` has no closing `]` before the end of the file",
    ),
    (
        "[outcomes.X]\nbody = §{ a = 1\n[outcomes.Y]\nbody = { b = 2 }\nstatus = 400",
        "`{` has no closing `}` before line 3",
    ),
    (
        "body = §{ a = 1\nstatus = 400\n",
        "`{` has no closing `}` before the end of the file",
    ),
    (
        "body = { a = §[1, 2 }\nname = \"x\"",
        "`[` has no closing `]` before the `}` of line 1",
    ),
    (
        "reads = [§{ a = 1 ]\nname = \"x\"",
        "`{` has no closing `}` before the `]` of line 1",
    ),
    (
        "name = \"x\"\n§[outcomes.A\nbody = {}",
        "`[` has no closing `]`",
    ),
    ("§[[records]\nid = \"x\"", "`[[` has no closing `]]`"),
    (
        "name = §\"abc\npath = \"/v9/x\"",
        "the text has no closing `\"`",
    ),
    ("name = §'abc\r\npath = 'x'", "the text has no closing `'`"),
    (
        "name = §\"\"\"abc\n[outcomes.X]\nbody = {}\n",
        "the text has no closing `\"\"\"`",
    ),
    (
        "name = §'''abc\n[outcomes.X]\nbody = {}\n",
        "the text has no closing `'''`",
    ),
    (
        "name = §\"\"\"abc\ndescription = \"\"\"more\"\"\"\n",
        "the text ends only in line 2: a closing `\"\"\"` seems to be missing before",
    ),
    // An earlier mistake comes first, even if a bracket is open behind it.
    (
        "name §\"abc\"\nreads = [1",
        "key with no value, expected `=`",
    ),
    ("name =§\nreads = [1", "a value is missing"),
    ("name = §# \"x\"\n", "a value is missing"),
    (
        "name = \"x\" §]\n",
        "unexpected key or value, expected newline, `#`",
    ),
    (
        "reads = [\"a\" §\"b\"]\n[outcomes.X]",
        "missing comma between array elements, expected `,`",
    ),
    ("name = \"a\"\n§name = \"b\"\nname = \"c\"", "duplicate key"),
    (
        "[outcomes.A]\nstatus = 200\n[outcomes.§A]\nstatus = 200",
        "duplicate key",
    ),
    ("name = §“abc”", "`“` is no quote of TOML: write `\"`"),
    (
        "name§\u{a0}= 1",
        "invalid unquoted key, expected letters, numbers, `-`, `_`: the character U+00A0 is here",
    ),
    (
        "name = \"a\"\r§path = \"x\"\r",
        "carriage return must be followed by newline, expected newline",
    ),
    (
        "name = \"漢字\"\r\n\tid = \"a§\0b\"",
        "invalid basic string, expected non-double-quote visible characters, `\\`",
    ),
    (
        "\u{feff}name = §x",
        "string values must be quoted, expected literal string",
    ),
];

#[test]
fn a_file_has_one_mistake_in_its_syntax_at_the_place_to_correct() {
    for (marked, message) in BROKEN {
        let folder = tempfile::tempdir().expect("a folder");
        let (before, after) = marked.split_once('§').expect("a place");
        let visible = before.trim_start_matches('\u{feff}');
        let line = visible.rsplit('\n').next().expect("a line");
        // The rest of the file has more mistakes, and other files are still checked.
        write(folder.path(), "mine.toml", &format!("{before}{after}"));
        write(folder.path(), "other.toml", "nam = 'x'\nextends = \"mine\"");
        let report = check(folder.path());
        let errors = report["errors"].as_array().expect("errors");
        let place = |error: &Value| {
            let file = error["file"].as_str().expect("a file");
            let name = Path::new(file).file_name().expect("a name");
            json!([
                name.to_str(),
                error["line"],
                error["column"],
                error["message"]
            ])
        };
        let places: Vec<_> = errors.iter().map(place).collect();
        let line_number = visible.matches('\n').count() + 1;
        let column = line.chars().count() + 1;
        let message = format!("{message}; the file is not checked beyond this mistake");
        let unknown = "unknown key `nam`: did you mean `name`?";
        assert_eq!(
            places,
            [
                json!(["mine.toml", line_number, column, message]),
                json!(["other.toml", 1, 1, unknown])
            ],
            "{marked}"
        );
    }
}

#[test]
fn settings_have_one_mistake_in_their_syntax_too() {
    let folder = tempfile::tempdir().expect("a folder");
    write(
        folder.path(),
        "SANDBOX.toml",
        "dummy_values = [\"a\"\nstrict = true\n[callback_urls]\nT = 1",
    );
    assert_eq!(
        check_as_text(folder.path()),
        "error: `[` has no closing `]` before line 2; the file is not checked beyond this mistake\n \
         --> DIR/SANDBOX.toml:1:16\n  |\n1 | dummy_values = [\"a\"\n  |                ^\n\n\
         1 error in 1 file\n"
    );
}

/// A line of a file whose value is a wrong word, the line as it is shown, and the caret below it.
const DRAWN: [[&str; 3]; 7] = [
    [
        "a = { '漢字' = x }",
        "a = { '漢字' = x }",
        "               ^",
    ],
    [
        "a = { b = '한글', c = wrong }",
        "a = { b = '한글', c = wrong }",
        "                      ^^^^^",
    ],
    ["a = ｆｕｌｌ", "a = ｆｕｌｌ", "    ^^^^^^^^"],
    [
        "a = { 'e\u{301}o\u{308}' = x }",
        "a = { 'e\u{301}o\u{308}' = x }",
        "             ^",
    ],
    ["a = { '👍🏽' = x }", "a = { '👍🏽' = x }", "             ^"],
    ["\ta\t=\tx", " a = x", "     ^"],
    [
        "a = { '\u{feff}\u{200b}' = x, '\u{1b}[2J' = 1 }",
        "a = { '��' = x, '�[2J' = 1 }",
        "             ^",
    ],
];

#[test]
fn the_caret_stands_below_the_mistake_whatever_is_wide_narrow_or_invisible() {
    for [text, shown, caret] in DRAWN {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), "mine.toml", text);
        let report = check_as_text(folder.path());
        let drawn: Vec<_> = report.lines().skip(3).take(2).collect();
        assert_eq!(drawn, [format!("1 | {shown}"), format!("  | {caret}")]);
    }
}

#[test]
fn a_long_line_is_shown_around_its_mistake() {
    let folder = tempfile::tempdir().expect("a folder");
    let wide = "漢".repeat(500);
    write(
        folder.path(),
        "mine.toml",
        &format!("a = {{ '{wide}' = {}, b = '{wide}' }}", "x".repeat(300)),
    );
    let report = check_as_text(folder.path());
    let drawn: Vec<_> = report.lines().skip(3).take(2).collect();
    // 100 characters before the mistake, four of them narrow, and 100 of the mistake.
    assert_eq!(
        drawn,
        [
            format!("1 | {}' = {}", "漢".repeat(96), "x".repeat(100)),
            format!("  | {}{}", " ".repeat(196), "^".repeat(100))
        ]
    );
}

#[test]
fn a_name_with_control_characters_does_not_reach_the_terminal() {
    let folder = tempfile::tempdir().expect("a folder");
    write(
        folder.path(),
        "a\u{1b}[31m\nb.toml",
        "extends = 'errors'\n\"out\\u001b[2J\" = 1",
    );
    let report = check_as_text(folder.path());
    let lines: Vec<_> = report.lines().skip(1).take(4).collect();
    assert_eq!(
        lines,
        [
            " --> DIR/a\\u{1b}[31m\\u{a}b.toml:2:1",
            "  |",
            "2 | \"out\\u001b[2J\" = 1",
            "  | ^^^^^^^^^^^^^^"
        ]
    );
    assert!(
        report.starts_with("error: unknown key `out\\u{1b}[2J`: "),
        "{report}"
    );
}

/// The bytes of a file, and the place and message of its only mistake.
fn only_mistake(bytes: &[u8]) -> Value {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("mine.toml"), bytes).expect("a file");
    write(folder.path(), "other.toml", "extends = \"mine\"");
    let report = check(folder.path());
    assert_eq!(
        report["errors"].as_array().map(Vec::len),
        Some(1),
        "{report}"
    );
    let error = &report["errors"][0];
    json!([
        error["line"],
        error["column"],
        error["message"],
        error["excerpt"]
    ])
}

#[test]
fn an_encoding_other_than_utf8_is_named() {
    let text = "path = \"/v9/things\"\n";
    let of = |unit: fn(u16) -> [u8; 2], mark: &str| -> Vec<u8> {
        mark.encode_utf16()
            .chain(text.encode_utf16())
            .flat_map(unit)
            .collect()
    };
    let wide = |unit: fn(u32) -> [u8; 4]| -> Vec<u8> {
        let chars = "\u{feff}".chars().chain(text.chars());
        chars.flat_map(|c| unit(u32::from(c))).collect()
    };
    let utf16 = json!([0, 0, "is UTF-16 text: save the file as UTF-8", ""]);
    let utf32 = json!([0, 0, "is UTF-32 text: save the file as UTF-8", ""]);
    for mark in ["\u{feff}", ""] {
        assert_eq!(only_mistake(&of(u16::to_le_bytes, mark)), utf16);
        assert_eq!(only_mistake(&of(u16::to_be_bytes, mark)), utf16);
    }
    assert_eq!(only_mistake(&wide(u32::to_le_bytes)), utf32);
    assert_eq!(only_mistake(&wide(u32::to_be_bytes)), utf32);
}

#[test]
fn a_byte_that_is_not_utf8_is_reported_at_its_line() {
    let message = "the byte 0xE9 is not UTF-8: save the file as UTF-8; the file is not checked beyond this mistake";
    let excerpt = "name = \"caf�\" # 漢";
    for mark in ["", "\u{feff}"] {
        let latin = [
            mark.as_bytes(),
            b"# first\r\nname = \"caf\xe9\" # \xe6\xbc\xa2\r\nid = \"\xff\"",
        ]
        .concat();
        assert_eq!(only_mistake(&latin), json!([2, 12, message, excerpt]));
    }
}

#[test]
fn a_file_of_zero_bytes_is_a_mistake_at_its_first_character() {
    let mistake = only_mistake(&[0; 4096]);
    assert_eq!([&mistake[0], &mistake[1]], [1, 1], "{mistake}");
}

const THINGS: &str = "path = \"/v9/things\"\n[outcomes.A]\ndefault = true\nbody = {}\n";

#[test]
fn a_file_is_read_with_a_byte_order_mark_mixed_line_ends_and_an_ending_in_capitals() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = format!("\u{feff}{}", THINGS.replacen('\n', "\r\n", 2));
    write(folder.path(), "MINE.TOML", &text);
    write(folder.path(), "Sandbox.Toml", "\u{feff}strict = true");
    write(folder.path(), "empty.bak", "");
    let (code, out, err) = run(&[
        "list",
        "--scenarios",
        folder.path().to_str().expect("UTF-8"),
    ]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains("/v9/things"), "{out}");
    assert_eq!(
        check(folder.path()),
        json!({"ok": true, "errors": [], "warnings": [], "callbacks": []})
    );
}

#[test]
fn a_name_that_was_probably_meant_as_a_scenario_is_warned_of() {
    let folder = tempfile::tempdir().expect("a folder");
    let odd = ["a.toml.txt", "b.tml", "c.TOLM", "d.toml ", "e.tom"];
    let plain = [
        "README.md",
        "notes.txt",
        "x.json",
        "x.yaml",
        "x.toml~",
        "x.toml.bak",
        "x.toml.off",
        ".x.toml",
        ".x.tml",
        "x.sh",
        "x.html",
        "toml",
    ];
    for name in odd.iter().chain(&plain) {
        write(folder.path(), name, "broken");
    }
    fs::create_dir(folder.path().join("f.toml")).expect("a folder");
    let report = check(folder.path());
    let warning = |warning: &Value| {
        let file = warning["file"].as_str().expect("a file");
        let name = Path::new(file).file_name().expect("a name");
        format!(
            "{} {}",
            name.to_str().expect("UTF-8"),
            warning["message"].as_str().expect("text")
        )
    };
    let warnings: Vec<_> = report["warnings"]
        .as_array()
        .expect("warnings")
        .iter()
        .map(warning)
        .collect();
    let not_read = "is not read: the name of a scenario file ends in `.toml`, not in";
    assert_eq!(
        warnings,
        [
            format!("a.toml.txt {not_read} `.toml.txt`"),
            format!("b.tml {not_read} `.tml`"),
            format!("c.TOLM {not_read} `.tolm`"),
            format!("d.toml  {not_read} `.toml `"),
            format!("e.tom {not_read} `.tom`"),
            "f.toml is an empty folder, not a file: Docker makes one where a file to mount is missing".to_owned(),
        ]
    );
    assert_eq!(report["ok"], true);
}

#[test]
fn two_files_whose_endings_differ_only_in_case_are_a_mistake() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "mine.TOML", THINGS);
    write(folder.path(), "mine.toml", THINGS);
    assert_eq!(
        check_as_text(folder.path()),
        "error: is the second file of the id `mine`: only the case of its ending differs\n --> DIR/mine.toml\n\n1 error in 1 file\n"
    );
}
