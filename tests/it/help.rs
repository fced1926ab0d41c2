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
        let examples = help.strip_prefix("Examples:\n").expect("examples");
        for example in examples.lines() {
            let line = example.trim();
            let bare = line.trim_start_matches("eval \"$(").trim_end_matches(")\"");
            let mut words: Vec<_> = bare
                .split(' ')
                .map(|word| word.trim_matches('\''))
                .collect();
            if words.len() == 1 {
                words.push("serve");
            }
            assert_eq!((words[0], words[1]), ("iluma-sandbox", name), "{line}");
            let error = cli::command().try_get_matches_from(&words).err();
            assert!(error.is_none(), "{line}: {error:?}");
        }
    }
}
