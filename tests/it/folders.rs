//! A scenario folder in every possible state: if it cannot be loaded, the last answers stay and the reason is shown.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::attacked::Attacked;
use crate::process::{run, write};
use crate::raw::{Raw, request};
use crate::stage::BANK;

fn saying(message: &str) -> String {
    format!(
        "extends = \"v1.1/bank_account_data_requests\"\n\n\
         [outcomes.OURS]\nstatus = 422\nerror = \"{message}\"\n"
    )
}

struct Watched {
    sandbox: Attacked,
    raw: Raw,
    reloads: u64,
}

impl Watched {
    async fn start(folder: &Path) -> Self {
        let path = folder.to_str().expect("UTF-8");
        let sandbox = Attacked::start(&["--scenarios", path]).await;
        let raw = Raw::to(sandbox.address).await;
        Self {
            sandbox,
            raw,
            reloads: 0,
        }
    }

    async fn said(&mut self) -> String {
        self.raw
            .send(request(
                &format!("POST {BANK}"),
                &["x-magic-reply: OURS"],
                b"",
            ))
            .await;
        self.raw.answer().await.error().2
    }

    /// `readyz` after the next reload, or the one after that, because a change may be seen in two halves.
    async fn reloaded(&mut self, until: impl Fn(&Value) -> bool) -> Value {
        loop {
            self.raw
                .send(request("GET /__sandbox/readyz", &[], b""))
                .await;
            let ready = self.raw.answer().await.json();
            let reloads = ready["reloads"].as_u64().expect("a number");
            if reloads > self.reloads && until(&ready) {
                self.reloads = reloads;
                return ready;
            }
        }
    }

    /// Checks that the folder cannot be loaded and the last answers stay. Returns the message.
    async fn is_held_up(&mut self, by: &str) {
        let ready = self.reloaded(|ready| ready["scenarios"] == "stale").await;
        let message = ready["errors"][0]["message"].as_str().expect("a message");
        assert!(message.contains(by), "{message:?} does not say {by:?}");
        assert_eq!(self.said().await, "first");
        self.sandbox.witness_is_answered().await;
    }

    async fn is_mended(&mut self) {
        self.reloaded(|ready| ready["scenarios"] == "current").await;
        assert_eq!(self.said().await, "first");
    }

    async fn ends_unharmed(self) {
        drop(self.raw);
        self.sandbox.ends_unharmed().await;
    }
}

/// Puts something that is not a scenario file into a folder. Returns the message about it.
type Spoil = (&'static str, fn(&Path), &'static str);

const SPOILS: [Spoil; 9] = [
    (
        "a gigabyte",
        |file| {
            fs::File::create(file)
                .and_then(|file| file.set_len(1 << 30))
                .expect("a sparse file");
        },
        "cannot be read: it is larger than 4 MiB",
    ),
    (
        "a FIFO",
        |file| {
            assert!(
                Command::new("mkfifo")
                    .arg(file)
                    .status()
                    .expect("mkfifo")
                    .success()
            );
        },
        "cannot be read: it is not a regular file",
    ),
    (
        "a device",
        |file| symlink("/dev/zero", file).expect("a link"),
        "cannot be read: it is not a regular file",
    ),
    (
        "a socket",
        |file| drop(std::os::unix::net::UnixListener::bind(file).expect("a socket")),
        "cannot be read: it is not a regular file",
    ),
    (
        "a link to itself",
        |file| symlink(file, file).expect("a link"),
        "cannot be read: too many levels of symbolic links",
    ),
    (
        "a link to nothing",
        |file| symlink("/nowhere", file).expect("a link"),
        "cannot be read: no such file or directory",
    ),
    (
        "no text",
        |file| fs::write(file, b"x = \"\xff\"").expect("a file"),
        "the byte 0xFF is not UTF-8",
    ),
    (
        "a thousand brackets",
        |file| fs::write(file, format!("x = {}", "[".repeat(1000))).expect("a file"),
        "max recursion depth met",
    ),
    (
        "a hundred thousand dots",
        |file| fs::write(file, format!("{}x = 1", "x.".repeat(100_000))).expect("a file"),
        "recursion limit",
    ),
];

#[tokio::test]
async fn what_is_no_scenario_file_holds_a_reload_up_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "ours.toml", &saying("first"));
    let mut watched = Watched::start(folder.path()).await;
    let file = folder.path().join("spoilt.toml");
    for (what, spoil, says) in SPOILS {
        spoil(&file);
        println!("{what}");
        watched.is_held_up(says).await;
        fs::remove_file(&file).expect(what);
        watched.is_mended().await;
    }
    watched.ends_unharmed().await;
}

#[test]
fn what_is_no_scenario_file_keeps_it_from_starting() {
    for (what, spoil, says) in SPOILS {
        let folder = tempfile::tempdir().expect("a folder");
        spoil(&folder.path().join("spoilt.toml"));
        let path = folder.path().to_str().expect("UTF-8");
        let (code, _, said) = run(&["serve", "--port", "0", "--scenarios", path]);
        assert_eq!((code, said.contains(says)), (2, true), "{what}: {said}");
    }
}

#[tokio::test]
async fn a_folder_may_go_come_back_and_be_swapped() {
    let parent = tempfile::tempdir().expect("a folder");
    let at = |name: &str| parent.path().join(name);
    write(&at("one"), "ours.toml", &saying("first"));
    write(&at("two"), "ours.toml", &saying("second"));
    symlink(at("one"), at("now")).expect("a link");
    let mut watched = Watched::start(&at("now")).await;
    assert_eq!(watched.said().await, "first");
    // Kubernetes does the same: the link is replaced in one step.
    let swap = |to: &str| {
        symlink(at(to), at("next")).expect("a link");
        fs::rename(at("next"), at("now")).expect("a swap");
    };
    swap("two");
    watched
        .reloaded(|ready| ready["scenarios"] == "current")
        .await;
    assert_eq!(watched.said().await, "second");
    swap("one");
    watched.is_mended().await;
    // The folder is removed and comes back with other contents.
    fs::rename(at("one"), at("gone")).expect("it can be moved");
    watched
        .is_held_up("cannot be read: no such file or directory")
        .await;
    write(&at("new"), "ours.toml", &saying("third"));
    fs::rename(at("new"), at("one")).expect("it can be moved");
    watched
        .reloaded(|ready| ready["scenarios"] == "current")
        .await;
    assert_eq!(watched.said().await, "third");
    // A change in the new folder is noticed too.
    write(&at("one"), "ours.toml", &saying("fourth"));
    watched
        .reloaded(|ready| ready["scenarios"] == "current")
        .await;
    assert_eq!(watched.said().await, "fourth");
    watched.ends_unharmed().await;
}

#[tokio::test]
async fn a_folder_that_may_only_be_read_is_enough() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "ours.toml", &saying("first"));
    let may = |mode: u32| {
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).expect("it is ours");
    };
    may(0o500);
    let mut watched = Watched::start(folder.path()).await;
    assert_eq!(watched.said().await, "first");
    may(0o700);
    watched.ends_unharmed().await;
}

#[test]
fn each_file_whose_name_is_no_text_is_a_mistake() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in [
        &b"\xff.toml"[..],
        b"\xfe.toml",
        b"\xfd/things.toml",
        b"notes \xfc",
    ] {
        let path = folder.path().join(std::ffi::OsStr::from_bytes(name));
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, saying("first")).expect("a file");
    }
    let path = folder.path().to_str().expect("UTF-8");
    let (code, report, _) = run(&["check", path, "--format", "json"]);
    assert_eq!(code, 1, "{report}");
    let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
    let errors = report["errors"].as_array().expect("a list").iter();
    let told: Vec<_> = errors
        .map(|one| {
            [&one["file"], &one["message"]]
                .map(|text| text.as_str().expect("text").replace(path, ""))
        })
        .collect();
    let mistake = |name: &str| format!("has a name that is not UTF-8 text, `{name}`: rename it");
    assert_eq!(
        told,
        [
            ["/\u{fffd}.toml", &mistake(r"\xfe.toml")],
            ["/\u{fffd}.toml", &mistake(r"\xff.toml")],
            ["/\u{fffd}/things.toml", &mistake(r"\xfd/things.toml")],
        ]
    );
}

/// Ten links to their own folder, followed sixteen levels deep, would be ten thousand million million folders.
#[test]
fn folders_that_lead_into_themselves_are_given_up() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in 0..10 {
        symlink(folder.path(), folder.path().join(name.to_string())).expect("a link");
    }
    write(folder.path(), "ours.toml", &saying("first"));
    let path = folder.path().to_str().expect("UTF-8");
    let (code, _, said) = run(&["serve", "--port", "0", "--scenarios", path]);
    assert_eq!(code, 2, "{said}");
    let times = said
        .matches("cannot be read: it has more than 10000 files, or folders nested deeper than 16")
        .count();
    assert_eq!(times, 1, "{said}");
}
