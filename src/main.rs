//! The `iluma-sandbox` command; everything it does is in the library's `cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    iluma_sandbox::cli::run(std::env::args_os())
}
