//! Why `serve` did not start, for people, with its exit code.

use std::io;
use std::process::ExitCode;

use super::log::Log;
use super::port_holder;
use crate::base::reason;
use crate::sandbox::StartError;

/// Says why the sandbox did not start.
pub(super) async fn report(log: &Log, error: StartError, tls_port: Option<u16>) -> ExitCode {
    match error {
        StartError::Scenarios(errors) => {
            log.report(&errors);
            log.misused("not started: correct the scenario files above")
        }
        error @ (StartError::CallbackType { .. }
        | StartError::CallbackHost(_)
        | StartError::State(_)
        | StartError::Recording(_)
        | StartError::Tls(_)) => log.misused(error),
        StartError::Bind { address, ref error } => {
            let flag = match tls_port {
                Some(port) if port == address.port() => "--tls-port",
                _ => "--port",
            };
            let holder = if error.kind() == io::ErrorKind::AddrInUse {
                port_holder::sandbox_at(address).await
            } else {
                None
            };
            let by = holder.map_or(String::new(), |holder| format!(" by {holder}"));
            log.fail(format_args!(
                "cannot listen on {address}: {}{by}; choose another with {flag} (0 picks a free port) or --bind",
                reason(error)
            ))
        }
    }
}
