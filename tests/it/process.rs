//! The binary as a process: start, call, stop.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};

pub const BINARY: &str = env!("CARGO_BIN_EXE_iluma-sandbox");

/// The binary without settings from the environment.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.args(arguments).stdin(Stdio::null());
    for (name, _) in std::env::vars() {
        if name.starts_with("ILUMA_SANDBOX_") {
            command.env_remove(name);
        }
    }
    command
}

/// The output and exit code of a command that ends by itself.
pub fn run(arguments: &[&str]) -> (i32, String, String) {
    let output = command(arguments).output().expect("the binary runs");
    (
        output.status.code().expect("an exit code"),
        String::from_utf8(output.stdout).expect("UTF-8"),
        String::from_utf8(output.stderr).expect("UTF-8"),
    )
}

/// A serving process. It is stopped when dropped.
pub struct Process {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// Read only on request.
    pub stderr: Option<ChildStderr>,
    /// The lines of stderr that `wait_for_log` has read.
    log: String,
    pub url: String,
}

impl Process {
    /// Starts on a free port and waits for the line that says it is ready.
    pub fn serve(arguments: &[&str]) -> Self {
        Self::start(command(&[&["serve", "--port", "0"], arguments].concat()))
    }

    pub fn start(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("a line");
        let url = line
            .trim_end()
            .strip_prefix("iluma-sandbox is ready at ")
            .unwrap_or_else(|| panic!("not ready: {line:?}"))
            .to_owned();
        let stderr = child.stderr.take();
        Self {
            child,
            stdout,
            stderr,
            log: String::new(),
            url,
        }
    }

    /// The next line that it prints.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("a line");
        line
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    #[cfg(unix)]
    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = i32::try_from(self.pid())
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        rustix::process::kill_process(pid.expect("a process id"), signal)
            .expect("it can be signalled");
    }

    /// Reads the log until a line has these words.
    pub fn wait_for_log(&mut self, words: &str) {
        let stderr = self.stderr.as_mut().expect("nobody else reads it");
        loop {
            let mut line = Vec::new();
            while line.last() != Some(&b'\n') {
                let mut byte = [0];
                stderr.read_exact(&mut byte).expect("the log goes on");
                line.extend(byte);
            }
            let line = String::from_utf8(line).expect("UTF-8");
            self.log.push_str(&line);
            if line.contains(words) {
                return;
            }
        }
    }

    /// Sends SIGTERM; returns the exit code, the rest of stdout, and stderr.
    #[cfg(unix)]
    pub fn terminate(self) -> (i32, String, String) {
        self.stop(rustix::process::Signal::TERM)
    }

    #[cfg(unix)]
    pub fn stop(mut self, signal: rustix::process::Signal) -> (i32, String, String) {
        self.signal(signal);
        let (mut out, mut err) = (String::new(), std::mem::take(&mut self.log));
        if let Some(mut stderr) = self.stderr.take() {
            stderr.read_to_string(&mut err).expect("UTF-8");
        }
        self.stdout.read_to_string(&mut out).expect("UTF-8");
        let status = self.child.wait().expect("it ends");
        (status.code().expect("it exits by itself"), out, err)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Writes a file in a folder, and creates the parent folders. The file appears in one step, so a sandbox that watches
/// the folder never reads half of it.
pub fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    let whole = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(whole.path(), text).expect("a file");
    whole.persist(path).expect("it can be moved there");
}
