//! The files that commands write: whole or not at all, under a name that nobody can guess before, and never in the
//! place of a file that is something else.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::process::{BINARY, Process, run};

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

struct Writer {
    arguments: Vec<String>,
    /// A file that it writes.
    file: PathBuf,
    /// A size in blocks of 512 bytes that this file exceeds.
    blocks: u32,
}

/// Every command that writes files, with a file below this folder.
fn writers(folder: &Path) -> Vec<Writer> {
    let writer = |line: &str, path: &str, file: &str, blocks| Writer {
        arguments: line
            .replace("OWN", text(&folder.join("own")))
            .split(' ')
            .map(str::to_owned)
            .chain([text(&folder.join(path)).to_owned()])
            .collect(),
        file: folder.join(file),
        blocks,
    };
    let serve = "serve --port 0 --log-format off";
    vec![
        writer("init", "init", "init/scenario.schema.json", 16),
        writer("document --output", "card.png", "card.png", 1),
        writer("document --force --output", "forced.png", "forced.png", 1),
        writer("man --dir", "man", "man/iluma-sandbox-serve.1", 2),
        writer("ca path --ca-dir", "ca", "ca/ca-key.pem", 0),
        writer("ca export --ca-dir OWN --output", "out.pem", "out.pem", 1),
        writer(
            &format!("{serve} --tls --ca-dir"),
            "tls",
            "tls/ca-key.pem",
            0,
        ),
        writer(
            &format!("{serve} --ready-file"),
            "ready.json",
            "ready.json",
            0,
        ),
    ]
}

/// A folder with an authority in it, so that its export writes one file alone.
fn stage() -> TempDir {
    let folder = folder();
    let own = folder.path().join("own");
    assert_eq!(run(&["ca", "path", "--ca-dir", text(&own)]).0, 0);
    folder
}

/// Runs the binary after a line of shell, with the same process id.
fn after(line: &str, arguments: &[String]) -> Output {
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &format!("{line}; exec \"$@\""), "sh", BINARY])
        .args(arguments)
        .stdin(Stdio::null());
    shell.output().expect("it runs")
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).expect("UTF-8")
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else if !path.ends_with("ca.lock") {
            files.push(path);
        }
    }
    files
}

#[test]
fn a_full_disk_is_one_sentence_and_leaves_no_half_written_file() {
    for at in 0..writers(Path::new("")).len() {
        let folder = stage();
        let writer = writers(folder.path()).swap_remove(at);
        let before = files_below(folder.path()).len();
        // No file may grow further. This has the same effect as a disk that becomes full.
        let limit = format!("trap '' XFSZ; ulimit -f {}", writer.blocks);
        let output = after(&limit, &writer.arguments);
        let said = stderr(&output);
        assert!(!output.status.success(), "{:?}", writer.arguments);
        assert!(
            said.starts_with("iluma-sandbox: cannot write ") && said.contains(": file too large"),
            "{:?}: {said}",
            writer.arguments
        );
        assert_eq!(said.lines().count(), 1, "{said}");
        let is_page = |path: &PathBuf| text(path).ends_with(".1"); // a page that did fit is whole
        let left: Vec<_> = files_below(folder.path())
            .into_iter()
            .filter(|path| !is_page(path))
            .collect();
        assert_eq!(left.len(), before, "{:?}: {left:?}", writer.arguments);
        assert!(!writer.file.exists(), "{:?}", writer.arguments);
    }
}

#[test]
fn a_full_disk_leaves_the_file_that_was_to_be_replaced() {
    let folder = stage();
    let old = folder.path().join("old");
    fs::copy(folder.path().join("own/ca.pem"), &old).expect("a copy");
    let kept = fs::read(&old).expect("a file");
    let own = text(folder.path()).to_owned() + "/own";
    for line in [
        "document --force --output",
        &format!("ca export --ca-dir {own} --output"),
    ] {
        let arguments: Vec<_> = line
            .split(' ')
            .chain([text(&old)])
            .map(str::to_owned)
            .collect();
        let name = if line.starts_with("document") {
            "old.png"
        } else {
            "old"
        };
        let file = folder.path().join(name);
        fs::write(&file, &kept).expect("a file");
        let output = after("trap '' XFSZ; ulimit -f 1", &arguments);
        assert_eq!(output.status.code(), Some(1), "{line}: {}", stderr(&output));
        assert_eq!(fs::read(&file).expect("a file"), kept, "{line}");
    }
}

#[test]
fn nothing_is_written_through_a_planted_link_that_leads_nowhere() {
    for at in 0..writers(Path::new("")).len() {
        let folder = stage();
        let writer = writers(folder.path()).swap_remove(at);
        let victim = folder.path().join("victim");
        let parent = writer.file.parent().expect("a folder");
        fs::create_dir_all(parent).expect("a folder");
        symlink(&victim, &writer.file).expect("a link");
        if writer.arguments[0] == "serve" && writer.arguments.contains(&"--tls".to_owned()) {
            continue; // it would serve: `ca path` makes the same authority
        }
        let arguments: Vec<_> = writer.arguments.iter().map(String::as_str).collect();
        let (code, _, said) = run(&arguments);
        assert!(!victim.exists(), "{arguments:?}: {said}");
        // A key takes the place of the link: the folder belongs to the user.
        let is_key = writer.file.ends_with("ca-key.pem");
        assert_eq!(code, i32::from(!is_key), "{arguments:?}: {said}");
    }
}

#[test]
fn a_file_that_exists_keeps_its_permissions_and_a_link_to_it_stays() {
    let folder = stage();
    let (file, link) = (folder.path().join("a.png"), folder.path().join("b.png"));
    fs::write(&file, "old").expect("a file");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("its mode");
    symlink(&file, &link).expect("a link");
    assert_eq!(run(&["document", "--force", "-o", text(&link)]).0, 0);
    assert!(link.is_symlink());
    assert!(fs::read(&file).expect("a file").starts_with(b"\x89PNG"));
    let mode = fs::metadata(&file).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o640);

    let own = folder.path().join("own");
    let export = ["ca", "export", "--ca-dir", text(&own), "-o", "/dev/stdout"];
    let pem = fs::read_to_string(own.join("ca.pem")).expect("a file");
    assert_eq!(
        run(&export),
        (0, format!("{pem}/dev/stdout\n"), String::new())
    );
}

#[test]
fn init_writes_all_of_its_files_or_none() {
    let folder = folder();
    let dir = folder.path().join("mine");
    fs::create_dir(&dir).expect("a folder");
    symlink("/no/such/folder", dir.join("dummy")).expect("a link");
    let (code, out, said) = run(&["init", text(&dir)]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert_eq!(
        said,
        format!(
            "iluma-sandbox: cannot write {}/dummy/watchlist.toml: file exists; nothing was written\n",
            text(&dir)
        )
    );
    let left: Vec<_> = files_below(&dir);
    assert_eq!(left, [dir.join("dummy")]);
}

#[test]
fn the_ready_file_takes_the_place_of_nothing_but_a_ready_file() {
    let folder = folder();
    let serve = |file: &Path| run(&["serve", "--port", "0", "--ready-file", text(file)]);
    let refused = |file: &Path| {
        let sentence = format!(
            "iluma-sandbox: {} exists and is not a ready file: remove it, or name another file with --ready-file\n",
            text(file)
        );
        (1, String::new(), sentence)
    };
    for (name, content) in [
        ("Cargo.toml", "[package]\nname = \"mine\"\n"),
        ("package.json", "{\"name\": \"mine\"}"),
        ("pid.json", "{\"pid\": 4194304}"),
        (
            "url.json",
            "{\"control_url\": \"http://127.0.0.1:1/__sandbox\"}",
        ),
        ("null.json", "null"),
    ] {
        let file = folder.path().join(name);
        fs::write(&file, content).expect("a file");
        assert_eq!(serve(&file), refused(&file));
        assert_eq!(fs::read_to_string(&file).expect("a file"), content);
        // A link to a file is none either.
        let link = folder.path().join(format!("link to {name}"));
        symlink(&file, &link).expect("a link");
        assert_eq!(serve(&link), refused(&link));
    }
    let pipe = folder.path().join("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("mkfifo").success());
    let large = folder.path().join("large");
    let content = format!(
        "{{\"pid\": 4194304, \"control_url\": \"http:{}\"}}",
        "a".repeat(65 << 10)
    );
    fs::write(&large, content).expect("a file");
    for other in [pipe, large, folder.path().to_owned()] {
        assert_eq!(serve(&other), refused(&other));
    }
}

#[test]
fn an_empty_file_and_the_file_of_a_sandbox_that_was_killed_become_the_ready_file() {
    let folder = folder();
    let file = folder.path().join("ready.json");
    fs::write(&file, "").expect("a file");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).expect("its mode");
    let serve = || Process::serve(&["--log-format", "off", "--ready-file", text(&file)]);
    let first = serve();
    let pid = || {
        let ready = fs::read(&file).expect("a ready file");
        serde_json::from_slice::<Value>(&ready).expect("JSON")["pid"].take()
    };
    assert_eq!(pid(), first.pid());
    let mode = fs::metadata(&file).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    drop(first); // by SIGKILL
    let second = serve();
    assert_eq!(pid(), second.pid());
    assert_eq!(second.terminate().0, 0);
    assert!(!file.exists());
}

#[test]
fn a_file_that_was_planted_under_the_name_with_the_process_id_is_not_used() {
    let folder = folder();
    let (file, victim) = (
        folder.path().join("ready.json"),
        folder.path().join("victim"),
    );
    let plant = format!(
        "umask 000; touch {victim}; ln -s {victim} {file}.$$.tmp; exec \"$@\"",
        victim = text(&victim),
        file = text(&file)
    );
    let mut shell = Command::new("sh");
    shell.args([
        "-c",
        &plant,
        "sh",
        BINARY,
        "serve",
        "--port",
        "0",
        "--ready-file",
    ]);
    shell.arg(&file).stdin(Stdio::null());
    let process = Process::start(shell);
    let about = fs::symlink_metadata(&file).expect("a ready file");
    assert!(about.is_file());
    assert_eq!(about.permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read(&victim).expect("the victim"), b"");
    assert_eq!(process.terminate().0, 0);
}

#[test]
fn an_authority_that_another_user_can_replace_is_refused() {
    let data = folder();
    let ca = data.path().join("ca");
    let path = || run(&["ca", "path", "--ca-dir", text(&ca)]);
    assert_eq!(path().0, 0);
    for mode in [0o777, 0o707, 0o1777] {
        fs::set_permissions(&ca, fs::Permissions::from_mode(mode)).expect("its mode");
        let ca = text(&ca);
        let sentence = format!(
            "iluma-sandbox: every user can write to the folder of the certificate authority {ca} (its mode is \
             {mode:03o}), and can replace its key: run `chmod o-w {ca}`, or name another folder with --ca-dir\n"
        );
        assert_eq!(path(), (1, String::new(), sentence));
    }
    fs::set_permissions(&ca, fs::Permissions::from_mode(0o700)).expect("its mode");
    assert_eq!(path().0, 0);
    let key = ca.join("ca-key.pem");
    if chown(&key, Some(12345), None).is_err() {
        return; // only the administrator can give a file to somebody else
    }
    let sentence = format!(
        "iluma-sandbox: {} belongs to another user (with the number 12345), who can pretend to be any server to your \
         clients: remove it and ca.pem to create a new authority, or name another folder with --ca-dir\n",
        text(&key)
    );
    assert_eq!(path(), (1, String::new(), sentence));
    chown(&key, Some(0), None).expect("its owner");
    chown(&ca, Some(12345), None).expect("its owner");
    let sentence = format!(
        "iluma-sandbox: the folder of the certificate authority {} belongs to another user (with the number 12345), \
         who can replace its key: name a folder of your own with --ca-dir\n",
        text(&ca)
    );
    assert_eq!(path(), (1, String::new(), sentence));
}
