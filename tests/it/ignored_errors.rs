//! Every place of the sources that ignores an error, and why it may. An error of a write that nobody sees would make a
//! command succeed with half of its output.

use std::fs;
use std::path::Path;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Expr, Pat, Stmt};

/// A file, a part of the statement, and the reason.
const IGNORED: &[(&str, &str, &str)] = &[
    (
        "callbacks/connect.rs",
        "set_nodelay",
        "the socket works without it",
    ),
    (
        "catalogue/watch.rs",
        "self.wake.send",
        "the thread has ended already",
    ),
    (
        "catalogue/watch.rs",
        "thread.join",
        "a panic of the thread was logged where it happened",
    ),
    (
        "catalogue/watch.rs",
        "changed.send",
        "the watcher has ended",
    ),
    (
        "cli/init.rs",
        "fs::remove_file",
        "the error that came first is reported",
    ),
    (
        "cli/progress.rs",
        "thread.join",
        "a panic of the thread was reported where it happened",
    ),
    (
        "cli/room.rs",
        "thread.join",
        "a thread that only waits does not panic",
    ),
    (
        "cli/output.rs",
        "std::io::stderr()",
        "there is no other place to say so, and the exit code stays",
    ),
    (
        "cli/parent.rs",
        "io::copy",
        "an error is an end of stdin too",
    ),
    (
        "server/recording/recording_file.rs",
        "self.cut()",
        "the next line fails too, and that is reported",
    ),
    (
        "server/recording/recording_file.rs",
        "fs::remove_file",
        "why the sandbox did not start is reported",
    ),
    (
        "server/recording/recording_writer.rs",
        "self.stop.send",
        "the thread has ended already",
    ),
    (
        "server/recording/recording_writer.rs",
        "thread.join",
        "a panic of the thread was logged where it happened",
    ),
    (
        "world/recorder.rs",
        "self.sender.send",
        "nobody writes any more",
    ),
    (
        "control/summary.rs",
        "write",
        "writing to a string never fails",
    ),
    (
        "sandbox/sandbox.rs",
        "self.stop_and_save()",
        "the log has the reason",
    ),
    (
        "server/state/keeper.rs",
        "self.write()",
        "the log and `readyz` say why, and the next write comes",
    ),
    (
        "server/state/place.rs",
        "fs::remove_file",
        "a file that stays does no harm, and the next start tries again",
    ),
    (
        "server/state/write.rs",
        "folder.sync_all()",
        "some file systems cannot, and the file itself is synced",
    ),
    (
        "server/connection/calm.rs",
        "poll_write(context, &GOAWAY)",
        "the connection ends anyway",
    ),
    (
        "server/connection/calm.rs",
        "poll_flush(context)",
        "the connection ends anyway",
    ),
    (
        "server/new_file.rs",
        "let _ = readers",
        "it is no error: the value is not used there",
    ),
    ("cli/os.rs", "kill_process", "the process has ended already"),
    ("cli/exec.rs", "start_kill", "the command has ended already"),
    ("cli/parent.rs", "ended.send", "nobody waits any more"),
    (
        "control/pages/llms.rs",
        "writeln!(text,",
        "a write to a string never fails",
    ),
    (
        "sandbox/receiver.rs",
        "connection.await",
        "a sender may go away",
    ),
    (
        "sandbox/sandbox.rs",
        "server.await",
        "a panic of the server was logged where it happened",
    ),
    (
        "server/connection/begun.rs",
        "poll_read",
        "the next read returns the error",
    ),
    (
        "server/connection/connection.rs",
        "set_nodelay",
        "the socket works without it",
    ),
    (
        "server/in_memory.rs",
        "serve_connection",
        "a fault ends it with an error",
    ),
    (
        "server/sabotage.rs",
        "set_zero_linger",
        "the connection is closed in the usual way",
    ),
    (
        "server/sabotage.rs",
        "write_all(GARBAGE)",
        "the client has gone",
    ),
    (
        "server/sabotage.rs",
        "socket.shutdown()",
        "the client has gone",
    ),
    (
        "server/tls/plain.rs",
        "write_all(&answer)",
        "the client has gone",
    ),
    (
        "server/tls/plain.rs",
        "socket.shutdown()",
        "the client has gone",
    ),
    (
        "world/journal/progress.rs",
        "write!(message,",
        "a write to a string never fails",
    ),
    (
        "world/named.rs",
        "world.name.set",
        "the name is set already, and it is the same",
    ),
    (
        "world/world.rs",
        "changes.changed()",
        "its sender is part of the world, which is there",
    ),
    (
        "callbacks/slots.rs",
        "grant.send",
        "the attempt that waited has ended",
    ),
    (
        "cli/commands.rs",
        "error.print()",
        "there is no other place to say so, and the exit code stays",
    ),
    (
        "cli/log.rs",
        "writer.write_all",
        "it never fails: lines that find no room are left out",
    ),
    (
        "world/outbox/turns.rs",
        "before.await",
        "the turn before was dropped, which ends it too",
    ),
];

#[test]
fn every_place_that_ignores_an_error_has_its_reason() {
    let mut found = Vec::new();
    add(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        "",
        &mut found,
    );
    let is_listed = |file: &str, statement: &str| {
        let mut listed = IGNORED.iter();
        listed.any(|(of, part, _)| *of == file && statement.contains(part))
    };
    let new = found
        .iter()
        .filter(|(file, statement)| !is_listed(file, statement));
    let new: Vec<_> = new
        .map(|(file, statement)| format!("{file}: {statement}"))
        .collect();
    assert!(
        new.is_empty(),
        "these ignore an error without a reason in the list:\n{}",
        new.join("\n")
    );
    for (file, part, _) in IGNORED {
        let is_there = found
            .iter()
            .any(|(of, statement)| of == file && statement.contains(part));
        assert!(is_there, "`{part}` in {file} ignores no error any more");
    }
}

/// Adds the statements below a folder that ignore an error.
fn add(folder: &Path, name: &str, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("an entry");
        let (path, file) = (entry.path(), entry.file_name());
        if file == "fuzzing" {
            continue; // it exists only in tests
        }
        let name = [name, file.to_str().expect("UTF-8")].concat();
        if path.is_dir() {
            add(&path, &format!("{name}/"), found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("UTF-8");
            let mut statements = Statements {
                lines: text.lines().collect(),
                found: Vec::new(),
            };
            statements.visit_file(&syn::parse_file(&text).expect("Rust"));
            found.extend(
                statements
                    .found
                    .into_iter()
                    .map(|statement| (name.clone(), statement)),
            );
        }
    }
}

/// The statements that ignore an error.
struct Statements<'t> {
    lines: Vec<&'t str>,
    found: Vec<String>,
}

impl<'ast> Visit<'ast> for Statements<'_> {
    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        if ignores_an_error(statement) {
            let span = statement.span();
            let lines = &self.lines[span.start().line - 1..span.end().line];
            let text: Vec<_> = lines.iter().map(|line| line.trim()).collect();
            self.found.push(text.concat());
        }
        visit::visit_stmt(self, statement);
    }
}

/// `….ok();`, `….unwrap_or_default();`, `let _ = …;`, `drop(write!(…));`
fn ignores_an_error(statement: &Stmt) -> bool {
    match statement {
        Stmt::Local(local) => matches!(local.pat, Pat::Wild(_)),
        Stmt::Expr(Expr::MethodCall(call), Some(_)) => {
            let name = call.method.to_string();
            matches!(
                name.as_str(),
                "ok" | "err" | "is_ok" | "is_err" | "unwrap_or_default"
            )
        }
        Stmt::Expr(Expr::Call(call), Some(_)) => {
            let drops =
                matches!(&*call.func, Expr::Path(function) if function.path.is_ident("drop"));
            let is_call = |value: &Expr| {
                matches!(value, Expr::MethodCall(_) | Expr::Macro(_) | Expr::Await(_))
            };
            drops && call.args.first().is_some_and(is_call)
        }
        Stmt::Expr(..) | Stmt::Macro(_) | Stmt::Item(_) => false,
    }
}
