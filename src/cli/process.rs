//! What the process of a sandbox needs besides the sandbox: threads, and memory that goes back to the system.

use std::io;
use std::process::ExitCode;
use std::sync::OnceLock;
use std::time::Duration;

use iluma_sandbox_give_back::{give_back, keep_at_most};
use tokio::time::sleep;

use super::log::Log;
use crate::server::Serving;

/// How many free bytes the allocator may keep at the end of an arena. There is an arena for each thread.
const KEPT_BYTES: i32 = 128 << 10;

/// How long no connection must have ended before memory is given back.
const QUIET: Duration = Duration::from_secs(1);

/// How often that is waited for if connections never cease to end.
const WAITS_MAX: usize = 10;

/// Runs the future of a command that serves, with a thread for each core.
pub(super) fn run(log: &Log, command: impl Future<Output = ExitCode>) -> ExitCode {
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => return log.fail(format_args!("cannot start: {error}")),
    };
    let code = runtime.block_on(command);
    runtime.shutdown_background(); // a name that is still being resolved holds up nobody
    code
}

/// With one core, one thread is best.
fn runtime() -> io::Result<tokio::runtime::Runtime> {
    let mut builder = match cores() {
        1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    builder.worker_threads(cores()).enable_all().build()
}

/// How many cores this process may use. The system is asked once, because it takes the reading of several files.
pub(super) fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from))
}

/// Gives memory back to the system after connections have ended. Otherwise the allocator keeps as much as it
/// ever needed.
pub(super) async fn return_memory(serving: &Serving) {
    keep_at_most(KEPT_BYTES);
    loop {
        serving.connection_ended.notified().await;
        for _ in 0..WAITS_MAX {
            sleep(QUIET).await;
            let is_quiet = tokio::select! {
                biased;
                () = serving.connection_ended.notified() => false,
                () = std::future::ready(()) => true,
            };
            if is_quiet {
                break;
            }
        }
        give_back();
    }
}
