//! Names, proxies and variables: what sends a client somewhere else than to the sandbox.

use std::net::{IpAddr, ToSocketAddrs};
use std::time::Duration;

use tokio::time::timeout;

use super::finding::Finding;
use crate::base::HttpUrl;
use crate::cli::no_proxy::{LOOPBACK, PROXIES, proxied};
use crate::cli::variables::{self, variable};

/// How long the system may take to look up `localhost`.
const LOOKUP_TIME: Duration = Duration::from_secs(3);

/// How many variables are named.
const SHOWN_MAX: usize = 5;

const HOSTS_FILE: &str = if cfg!(windows) {
    r"C:\Windows\System32\drivers\etc\hosts"
} else {
    "/etc/hosts"
};

/// What other programs get for `localhost`. The sandbox itself does not ask the system.
pub(super) async fn localhost() -> Finding {
    const CHECK: &str = "localhost";
    let remedy = format!("write `127.0.0.1 localhost` and `::1 localhost` into {HOSTS_FILE}");
    let lookup = tokio::task::spawn_blocking(|| {
        let found = ("localhost", 0).to_socket_addrs();
        let mut found: Vec<IpAddr> = found.map(|all| all.map(|one| one.ip()).collect())?;
        found.dedup();
        std::io::Result::Ok(found)
    });
    let addresses = match timeout(LOOKUP_TIME, lookup).await {
        Ok(Ok(Ok(addresses))) if !addresses.is_empty() => addresses,
        Ok(_) => return Finding::error(CHECK, "`localhost` has no address here", remedy),
        Err(_) => {
            let slow = format!("`localhost` was not found within {LOOKUP_TIME:?}");
            return Finding::error(CHECK, slow, remedy);
        }
    };
    let listed: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    let message = format!("`localhost` is {}", listed.join(" and "));
    if addresses.iter().all(IpAddr::is_loopback) {
        return Finding::ok(CHECK, message);
    }
    Finding::error(
        CHECK,
        message + ", which is not all on this machine",
        remedy,
    )
}

pub(super) fn proxies(url: &HttpUrl) -> Finding {
    const CHECK: &str = "proxy";
    let set: Vec<_> = PROXIES
        .into_iter()
        .filter(|name| variable(name).is_some())
        .collect();
    if set.is_empty() {
        return Finding::ok(CHECK, "no proxy is set");
    }
    let own = url.host().certificate_name();
    let mut hosts = LOOPBACK.to_vec();
    if !hosts.contains(&own.as_str()) {
        hosts.push(&own);
    }
    let proxied = proxied(&hosts);
    let set = set.join(" and ");
    if proxied.is_empty() {
        let hosts = hosts.join(", ");
        return Finding::ok(CHECK, format!("{set} is set, and NO_PROXY has {hosts}"));
    }
    let missing = proxied.join(",");
    Finding::warning(
        CHECK,
        format!(
            "{set} is set, but NO_PROXY or no_proxy lacks {}: many clients ask the proxy for the sandbox",
            proxied.join(", ")
        ),
        format!(
            "export NO_PROXY=\"$NO_PROXY,{missing}\" no_proxy=\"$no_proxy,{missing}\" (`iluma-sandbox exec` does it for its command)"
        ),
    )
}

pub(super) fn service_links() -> Finding {
    const CHECK: &str = "variables";
    let links = service_links_shown();
    if links.is_empty() {
        return Finding::ok(CHECK, "no variable looks like a service link of Kubernetes");
    }
    Finding::warning(
        CHECK,
        format!(
            "{} were set by Kubernetes for a Service, and the sandbox ignores them",
            links.join(", ")
        ),
        "set `enableServiceLinks: false` in the pod, or give the Service another name than iluma-sandbox",
    )
}

/// Some names. A Service with several ports has many.
fn service_links_shown() -> Vec<String> {
    let mut names = variables::service_links();
    if names.len() > SHOWN_MAX {
        let more = names.len() - SHOWN_MAX;
        names.truncate(SHOWN_MAX);
        names.push(format!("and {more} more"));
    }
    names
}
