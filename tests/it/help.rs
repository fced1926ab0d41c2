//! `--help`: groups of commands, and examples that work.

use iluma_sandbox::cli;

use crate::process::run;

#[test]
fn every_command_is_in_a_group() {
    let (code, help, _) = run(&["--help"]);
    assert_eq!(code, 0);
    let titles = [
        "Serve and run",
        "Inspect",
        "Control a running sandbox",
        "Scenario files",
        "Documents",
    ];
    let mut rest = help.as_str();
    for title in titles {
        let (_, after) = rest
            .split_once(&format!("\n{title}\n  "))
            .unwrap_or_else(|| panic!("{title} in {help}"));
        rest = after;
    }
    assert!(!help.contains("\nOthers\n"), "{help}");
    for command in cli::command().get_subcommands() {
        let name = command.get_name();
        let lines = help.lines();
        let listed = lines.filter(|line| line.starts_with(&format!("  {name} ")));
        assert_eq!(listed.count(), 1, "{name} in {help}");
    }
    let mut lines = help.lines().filter(|line| !line.contains(" Example: "));
    assert_eq!(lines.find(|line| line.chars().count() > 100), None);
}

#[test]
fn the_help_of_every_command_has_examples_that_can_be_parsed() {
    for command in cli::command().get_subcommands() {
        let name = command.get_name();
        let help = command.get_after_help().map(ToString::to_string);
        let help = help.unwrap_or_else(|| panic!("`{name}` has no example"));
        let (_, examples) = help.split_once(":\n").expect("a title");
        for example in examples.lines() {
            let words = words(example.trim());
            assert_eq!(
                (&*words[0], &*words[1]),
                ("iluma-sandbox", name),
                "{example}"
            );
            let error = cli::command().try_get_matches_from(&words).err();
            assert!(error.is_none(), "{example}: {error:?}");
        }
    }
}

/// The words of a line as a shell reads them, up to a pipe. `eval "$(…)"` gives those of its command.
fn words(line: &str) -> Vec<String> {
    let line = line.trim_start_matches("eval \"$(").trim_end_matches(")\"");
    let (line, _) = line.split_once(" | ").unwrap_or((line, ""));
    let (mut words, mut quote) = (vec![String::new()], None);
    for c in line.chars() {
        match (c, quote) {
            (' ', None) => words.push(String::new()),
            ('\'' | '"', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            (c, _) => words.last_mut().expect("a word").push(c),
        }
    }
    if words.len() == 1 {
        words.push("serve".to_owned()); // the default command
    }
    words
}
