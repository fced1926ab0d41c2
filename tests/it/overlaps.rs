//! Conflicting rules, and the warnings of `check`.

use serde_json::Value;

use crate::process::{run, write};

/// The warnings of `check` about two outcomes with these `when`s. `line` is that of the second.
fn warned(first: &str, second: &str) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let text = format!(
        "path = \"/v9/things\"\nid = \"thing_{{hex24}}\"\n[request.properties]\n\
         name = {{ type = \"string\" }}\ncount = {{ type = \"integer\" }}\n\
         [outcomes.DEFAULT]\ndefault = true\nbody = {{}}\n\
         [outcomes.FIRST]\nbody = {{}}\n{first}\n[outcomes.SECOND]\nbody = {{}}\n{second}\n"
    );
    write(folder.path(), "things.toml", &text);
    let path = folder.path().to_str().expect("UTF-8");
    let (code, report, _) = run(&["check", path, "--format", "json"]);
    assert_eq!(code, 0, "{report}");
    let report: Value = serde_json::from_str(&report).expect("JSON");
    let warnings = report["warnings"].as_array().expect("a list").iter();
    warnings
        .map(|one| {
            let message = one["message"].as_str().expect("a message");
            let message = message.replace(&format!("{path}/"), "");
            format!("{}:{} {message}", one["line"], one["column"])
        })
        .collect()
}

const SHADOWED: &str = "this rule is never used: `FIRST` (things.toml:11) is tried first, and matches all of the same requests";
const BOTH: &str = "this rule and that of `FIRST` (things.toml:11) can match the same request, and then the first in the file wins: use `priority` to choose";

#[test]
fn a_rule_that_never_comes_to_its_turn_is_warned_of() {
    for (first, second) in [
        (
            r#"when = { "input.name" = "Ani" }"#,
            r#"when = { "input.name" = "Ani" }"#,
        ),
        (
            r#"when = { "input.name" = { one_of = ["Ani", "Budi"] } }"#,
            r#"when = { "input.name" = "Budi" }"#,
        ),
        (
            r#"when = { "input.name" = { starts_with = "A" } }"#,
            r#"when = { "input.name" = "Ani", "input.count" = 1 }"#,
        ),
        (
            r#"when = { "input.name" = { present = true } }"#,
            r#"when = { "input.name" = { regex = "^A" } }"#,
        ),
        (
            r#"when = { "input.count" = { gt = 3 } }"#,
            r#"when = [{ "input.count" = 4 }, { "input.count" = { gt = 10 } }]"#,
        ),
        (
            r#"when = { "header.x-case" = { not = "a" } }"#,
            r#"when = { "header.x-case" = "b" }"#,
        ),
    ] {
        assert_eq!(
            warned(first, second),
            [format!("14:8 {SHADOWED}")],
            "{first} {second}"
        );
    }
}

#[test]
fn rules_that_can_both_hold_are_warned_of_unless_a_priority_decides() {
    for (first, second) in [
        (
            r#"when = { "input.name" = "Ani" }"#,
            r#"when = { "input.count" = 1 }"#,
        ),
        (
            r#"when = { "input.name" = "Ani" }"#,
            r#"when = { "input.name" = { starts_with = "A" } }"#,
        ),
        (
            r#"when = { "input.count" = { gt = 3 } }"#,
            r#"when = { "input.count" = { lt = 5 } }"#,
        ),
        (
            r#"when = { "nth" = 1 }"#,
            r#"when = { "input.name" = "Ani" }"#,
        ),
    ] {
        assert_eq!(
            warned(first, second),
            [format!("14:8 {BOTH}")],
            "{first} {second}"
        );
        let decided = format!("{first}\npriority = 1");
        assert_eq!(warned(&decided, second), [""; 0], "{decided} {second}");
    }
}

#[test]
fn rules_of_which_only_one_can_hold_are_not_warned_of() {
    for (first, second) in [
        (
            r#"when = { "input.name" = "Ani" }"#,
            r#"when = { "input.name" = "Budi" }"#,
        ),
        (
            r#"when = { "input.name" = "Ani" }"#,
            r#"when = { "input.name" = { not = "Ani" } }"#,
        ),
        (
            r#"when = { "input.name" = { starts_with = "A" } }"#,
            r#"when = { "input.name" = { starts_with = "B" } }"#,
        ),
        (
            r#"when = { "input.name" = { present = false } }"#,
            r#"when = { "input.name" = { regex = "x" } }"#,
        ),
        (
            r#"when = { "input.count" = { gt = 3 } }"#,
            r#"when = { "input.count" = 3 }"#,
        ),
        (
            r#"when = { "nth" = { lt = 3 } }"#,
            r#"when = { "nth" = { gt = 2 } }"#,
        ),
    ] {
        assert_eq!(warned(first, second), [""; 0], "{first} {second}");
    }
}

#[test]
fn thousands_of_rules_on_one_field_are_held_against_each_other() {
    use std::fmt::Write;
    let mut rules = String::new();
    for at in 0..3000 {
        // The first of them is tried last, and wants the same as the last in the file.
        let (value, priority) = if at == 0 { (2999, -1) } else { (at, 0) };
        writeln!(
            rules,
            "[outcomes.RULE_{at}]\nbody = {{}}\npriority = {priority}\nwhen = {{ \"input.count\" = {value} }}"
        )
        .expect("a string");
    }
    let warnings = warned(
        r#"when = { "input.name" = "Ani" }"#,
        &format!("priority = 1\nwhen = {{ \"input.name\" = \"Budi\" }}\n{rules}"),
    );
    // Each of the others with FIRST, which is on another field.
    assert_eq!(warnings.len(), 101);
    assert_eq!(
        warnings[100],
        "0:0 2900 more warnings in this file are not listed"
    );
    let shadowed =
        "`RULE_2999` (things.toml:12015) is tried first, and matches all of the same requests";
    assert!(warnings[0].ends_with(shadowed), "{}", warnings[0]);
}

#[test]
fn of_many_rules_that_share_one_value_those_of_the_same_other_value_are_found() {
    let rule = |count| {
        format!(
            "when = {{ \"input.name\" = \"Ani\", \"input.count\" = {count} }}\n[outcomes.O{count}]\nbody = {{}}\n"
        )
    };
    let second: Vec<_> = (0..1500).map(rule).collect();
    let first = r#"when = { "input.name" = "Ani", "input.count" = 1499 }"#;
    let found = warned(first, &second.concat());
    assert_eq!(found, [format!("4511:8 {SHADOWED}")]);
}
