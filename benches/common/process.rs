//! A server as a child process: started on a free port, observed through `/proc`, stopped by SIGTERM.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::{Explain, Outcome};

pub struct Server {
    child: Child,
    pub address: SocketAddr,
    stderr: Option<std::thread::JoinHandle<String>>,
}

impl Server {
    /// The sandbox. `SANDBOX_BIN` replaces the binary that was built.
    pub fn sandbox(arguments: &[String]) -> Outcome<Self> {
        Self::serve(Command::new(program()), arguments)
    }

    /// The sandbox in a control group. It is there before it starts, so that it finds its limit.
    pub fn sandbox_in(group: &Path, arguments: &[String]) -> Outcome<Self> {
        let mut command = Command::new("sh");
        let script = r#"echo $$ > "$1/cgroup.procs" && shift && exec "$@""#;
        command.args(["-c", script, "sh"]).arg(group).arg(program());
        Self::serve(command, arguments)
    }

    fn serve(mut command: Command, arguments: &[String]) -> Outcome<Self> {
        for (name, _) in std::env::vars() {
            if name.starts_with("ILUMA_SANDBOX_") {
                command.env_remove(name);
            }
        }
        Self::start(command.args(["serve", "--port", "0"]).args(arguments))
    }

    /// The bare server: this executable with `--bare-server`.
    pub fn bare(body_length: usize) -> Outcome<Self> {
        let program = std::env::current_exe().explain("cannot find the bare server")?;
        let length = body_length.to_string();
        Self::start(Command::new(program).args(["--bare-server", &length, "0"]))
    }

    /// Starts it and waits until it answers.
    fn start(command: &mut Command) -> Outcome<Self> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .explain("cannot start the server")?;
        let stdout = child.stdout.take().ok_or("the server has no stdout")?;
        let mut line = String::new();
        BufReader::new(stdout)
            .read_line(&mut line)
            .explain("cannot read what the server prints")?;
        let address = line
            .trim_end()
            .split_once(" is ready at http://")
            .ok_or(format!("the server is not ready: it printed {line:?}"))?
            .1
            .parse()
            .explain("the server printed no address")?;
        // Only important lines are kept: the log of half an hour would be more than a gigabyte.
        let pipe = child.stderr.take().ok_or("the server has no stderr")?;
        let stderr = std::thread::spawn(move || {
            let mut kept = String::new();
            for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line);
                if line.contains("panicked") && kept.len() < 1 << 16 {
                    kept.push_str(&line);
                    kept.push('\n');
                }
            }
            kept
        });
        Ok(Self {
            child,
            address,
            stderr: Some(stderr),
        })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Resident memory in KiB.
    pub fn memory(&self) -> Outcome<u64> {
        self.status("VmRSS:")
    }

    /// The peak of the resident memory.
    pub fn memory_peak(&self) -> Outcome<u64> {
        self.status("VmHWM:")
    }

    pub fn threads(&self) -> Outcome<u64> {
        self.status("Threads:")
    }

    fn status(&self, label: &str) -> Outcome<u64> {
        let path = format!("/proc/{}/status", self.pid());
        let text = fs::read_to_string(path).explain("the server cannot be looked at")?;
        let (_, rest) = text.split_once(label).ok_or("/proc is odd")?;
        let number = rest.split_whitespace().next().ok_or("/proc is odd")?;
        number.parse().explain("/proc is odd")
    }

    pub fn descriptors(&self) -> Outcome<usize> {
        let path = format!("/proc/{}/fd", self.pid());
        Ok(fs::read_dir(path)
            .explain("the server cannot be looked at")?
            .count())
    }

    /// Stops it by SIGTERM. Returns its exit code and the lines of its log about panics.
    pub fn stop(mut self) -> Outcome<(Option<i32>, String)> {
        let pid = i32::try_from(self.pid()).ok();
        let pid = pid
            .and_then(rustix::process::Pid::from_raw)
            .ok_or("no process id")?;
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)
            .explain("the server cannot be signalled")?;
        let status = self.child.wait().explain("the server does not end")?;
        let panics = self.stderr.take().map(std::thread::JoinHandle::join);
        let panics = panics.transpose().map_err(|_| "the log's reader failed")?;
        Ok((status.code(), panics.unwrap_or_default()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn program() -> PathBuf {
    std::env::var_os("SANDBOX_BIN")
        .map_or_else(|| env!("CARGO_BIN_EXE_iluma-sandbox").into(), PathBuf::from)
}

/// The processor, the cores, and the load of other work.
pub fn machine() -> String {
    let mut text = String::new();
    if let Ok(mut file) = fs::File::open("/proc/cpuinfo") {
        file.read_to_string(&mut text).ok();
    }
    let processor = text.split("model name\t: ").nth(1).unwrap_or("unknown");
    let processor = processor.lines().next().unwrap_or_default();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').take(3).collect::<Vec<_>>().join(" ");
    let cores = text.matches("processor\t:").count();
    format!("{processor}, {cores} cores, load average {load}")
}
