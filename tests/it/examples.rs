//! The shell examples run against a binary and against a sandbox that runs already.

use std::net::TcpListener;
use std::process::Command;

use crate::process::{BINARY, Process, run, write};

/// The output of an example. It must succeed.
fn example(name: &str, variable: (&str, &str)) -> String {
    let mut bash = Command::new("bash");
    let example = bash.arg(format!("examples/{name}")).env_remove("SANDBOX");
    let example = example
        .env_remove("ILUMA_SANDBOX_URL")
        .env(variable.0, variable.1);
    let output = example.output().expect("bash and curl are installed");
    let printed = String::from_utf8(output.stdout).expect("UTF-8");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printed}\n{complaint}");
    printed
}

#[test]
fn the_walkthrough_starts_the_built_binary_and_shows_its_progress() {
    let printed = example("walkthrough.sh", ("SANDBOX", BINARY));
    assert!(
        printed.starts_with(&format!("Starting {BINARY} …\n\n[1/13] Is it up?\n")),
        "{printed}"
    );
    assert!(
        printed.ends_with("\nEvery curl of the documentation was answered.\n"),
        "{printed}"
    );
    assert!(printed.contains("\n[13/13] "), "{printed}");
}

#[test]
fn the_walkthrough_uses_a_running_sandbox_and_can_be_repeated_there() {
    let running = Process::serve(&[]);
    for _ in 0..2 {
        let printed = example("walkthrough.sh", ("ILUMA_SANDBOX_URL", &running.url));
        let start = format!("Using the sandbox that runs at {}.\n", running.url);
        assert!(printed.starts_with(&start), "{printed}");
    }
}

#[test]
fn the_example_of_callbacks_shows_its_progress() {
    let printed = example("callbacks.sh", ("SANDBOX", BINARY));
    assert!(
        printed.contains("\n[1/14] Where nobody listens"),
        "{printed}"
    );
}

#[test]
fn mistakes_in_files_and_flags_are_reported_before_a_port_that_is_taken() {
    let holder = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = holder.local_addr().expect("an address").port().to_string();
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "mine.toml", "extends = 'v9/nothing'\n");
    let scenarios = folder.path().to_str().expect("UTF-8");
    let (code, _, complaint) = run(&["serve", "--port", &port, "--scenarios", scenarios]);
    assert_eq!(code, 2);
    assert!(
        complaint.contains("there is no file `v9/nothing` to extend"),
        "{complaint}"
    );
    assert!(!complaint.contains("cannot listen"), "{complaint}");
    let unknown = "NOTHING=http://127.0.0.1:9/";
    let (code, _, complaint) = run(&["serve", "--port", &port, "--callback", unknown]);
    assert_eq!(code, 2);
    assert!(
        complaint.contains("no endpoint sends callbacks of the type `NOTHING`"),
        "{complaint}"
    );
    let (code, _, complaint) = run(&["serve", "--port", &port]);
    assert_eq!(code, 1);
    assert!(complaint.contains("cannot listen on"), "{complaint}");
}
