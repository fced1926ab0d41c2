//! A command that takes longer than a second shows on a terminal how far it has come.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::process::Stdio;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::audit::{TYPE, receiver};
use crate::process::command;

/// Runs a command whose stderr is a terminal. Returns what it prints, and what the terminal gets.
fn run_on_terminal(arguments: &[&str]) -> (String, String) {
    let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&controller).expect("it is ours");
    unlockpt(&controller).expect("it is ours");
    let name = ptsname(&controller, Vec::new()).expect("a name");
    let name = name.to_str().expect("ASCII");
    let terminal = OpenOptions::new().read(true).write(true).open(name);
    let mut child = command(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::from(terminal.expect("it opens")))
        .spawn()
        .expect("the binary runs");
    let mut shown = Vec::new();
    // A terminal that nobody has open ends with an error.
    File::from(controller).read_to_end(&mut shown).ok();
    let mut out = String::new();
    let mut stdout = child.stdout.take().expect("piped");
    stdout.read_to_string(&mut out).expect("UTF-8");
    child.wait().expect("it ends");
    (out, String::from_utf8(shown).expect("UTF-8"))
}

#[test]
fn an_audit_of_a_receiver_that_hangs_shows_its_step_and_clears_the_line() {
    let url = receiver(|heard| heard.json().map(|_| 200));
    let arguments = ["audit", "--callback", &url, "--type", TYPE];
    let slow = ["--receiver-time", "1500ms"];
    let (out, shown) = run_on_terminal(&[&arguments[..], &slow].concat());
    assert!(out.contains("\nFAIL invalid-json: "), "{out}");
    assert!(!out.contains('\r') && !out.contains("step 8"), "{out}");
    let first = "\r\rstep 8 of 18: invalid-json";
    assert!(shown.starts_with(first), "{shown:?}");
    assert!(shown.contains("\rstep 9 of 18: truncated"), "{shown:?}");
    let (_, last) = shown.rsplit_once("step").expect("a step");
    let blank = " ".repeat("step".len() + last.find('\r').expect("it is cleared"));
    assert!(shown.ends_with(&format!("\r{blank}\r")), "{shown:?}");
}

#[test]
fn a_quick_command_shows_no_progress() {
    let url = receiver(|_| Some(200));
    let (out, shown) = run_on_terminal(&["audit", "--callback", &url, "--type", TYPE]);
    assert!(out.ends_with(" failed\n"), "{out}");
    assert_eq!(shown, "");
}
