//! Who has the port of the sandbox, at both loopback addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::time::timeout;

use super::finding::Finding;
use super::listener;
use crate::base::{Host, HttpUrl};
use crate::callbacks;
use crate::cli::client::Client;
use crate::cli::port_holder::sandbox_at;

const CHECK: &str = "port";

/// How long a connection may take.
const CONNECT_TIME: Duration = Duration::from_secs(2);

/// Who answers at an address.
#[derive(Debug, PartialEq, Eq)]
enum Holder {
    Nobody,
    /// The reason why the address cannot be called, such as a machine without IPv6.
    Unreachable(String),
    /// `iluma-sandbox 0.1.0 (process 4711)`
    Sandbox(String),
    /// Another program, as far as it is known.
    Other(String),
}

struct Place {
    address: SocketAddr,
    holder: Holder,
}

/// `is_named` says that a flag or variable names the sandbox, so that it should be there.
pub(super) async fn check(client: &Client, url: &HttpUrl, is_named: bool) -> Vec<Finding> {
    let Some(port) = loopback_port(url) else {
        return vec![elsewhere(client, url).await];
    };
    let at = |ip: IpAddr| SocketAddr::new(ip, port);
    let (v4, v6) = (
        at(Ipv4Addr::LOCALHOST.into()),
        at(Ipv6Addr::LOCALHOST.into()),
    );
    let (v4, v6) = tokio::join!(place(v4), place(v6));
    let places = [v4, v6];
    let mut findings: Vec<_> = places.iter().filter_map(Place::foreign).collect();
    findings.extend(sandboxes(&places));
    if findings.is_empty() {
        findings.push(nobody(client, port, is_named));
    }
    findings
}

/// The port, if the sandbox is on this machine.
fn loopback_port(url: &HttpUrl) -> Option<u16> {
    let is_loopback = match url.host() {
        Host::Address(address) => address.is_loopback(),
        Host::Name(_) => url.host().is_localhost(),
    };
    is_loopback.then(|| url.port())
}

async fn place(address: SocketAddr) -> Place {
    let url = HttpUrl::parse(&format!("http://{address}")).expect("an address makes a URL");
    let connected = timeout(CONNECT_TIME, callbacks::connect_to_host(&url)).await;
    let holder = match connected {
        Ok(Err(reason)) if reason == "connection refused" => Holder::Nobody,
        Ok(Err(reason)) => Holder::Unreachable(reason),
        Err(_) => Holder::Unreachable(format!("no connection within {CONNECT_TIME:?}")),
        Ok(Ok(_)) => match sandbox_at(address).await {
            Some(sandbox) => Holder::Sandbox(sandbox),
            None => Holder::Other(
                listener::process_at(address)
                    .await
                    .unwrap_or_else(|| "another program".to_owned()),
            ),
        },
    };
    Place { address, holder }
}

impl Place {
    fn foreign(&self) -> Option<Finding> {
        let Holder::Other(program) = &self.holder else {
            return None;
        };
        let address = self.address;
        Some(Finding::error(
            CHECK,
            format!("{address} belongs to {program}, which is no sandbox"),
            "stop it, or start the sandbox at another port with --port and name that with ILUMA_SANDBOX_URL",
        ))
    }

    fn sandbox(&self) -> Option<&str> {
        match &self.holder {
            Holder::Sandbox(sandbox) => Some(sandbox),
            Holder::Nobody | Holder::Unreachable(_) | Holder::Other(_) => None,
        }
    }
}

/// What is known of the sandboxes at both addresses. None if there is none.
fn sandboxes([v4, v6]: &[Place; 2]) -> Option<Finding> {
    let (place, other) = match (v4.sandbox(), v6.sandbox()) {
        (None, None) => return None,
        (Some(one), Some(other)) if one == other => {
            let both = format!("{} and {} belong to {one}", v4.address, v6.address);
            return Some(Finding::ok(CHECK, both));
        }
        (Some(one), Some(other)) => {
            let two = format!(
                "{} belongs to {one}, and {} to {other}: clients of `localhost` reach either",
                v4.address, v6.address
            );
            return Some(Finding::error(CHECK, two, "stop one of them"));
        }
        (Some(_), None) => (v4, v6),
        (None, Some(_)) => (v6, v4),
    };
    let sandbox = place.sandbox().unwrap_or_default();
    let (address, missing) = (place.address, other.address);
    Some(match &other.holder {
        Holder::Nobody => Finding::warning(
            CHECK,
            format!(
                "{address} belongs to {sandbox}, but nothing listens at {missing}, where some clients look for `localhost` first"
            ),
            format!("call http://{address}, or start the sandbox with --bind localhost"),
        ),
        Holder::Unreachable(reason) => Finding::ok(
            CHECK,
            format!("{address} belongs to {sandbox}; {missing} does not exist here ({reason})"),
        ),
        Holder::Other(_) | Holder::Sandbox(_) => {
            Finding::ok(CHECK, format!("{address} belongs to {sandbox}"))
        }
    })
}

fn nobody(client: &Client, port: u16, is_named: bool) -> Finding {
    let url = client.shown_url();
    if is_named {
        return Finding::error(
            CHECK,
            format!("no sandbox runs at {url}"),
            format!("start one: iluma-sandbox --port {port}"),
        );
    }
    Finding::warning(
        CHECK,
        format!("no sandbox runs at {url}; the port is free"),
        "start one: iluma-sandbox",
    )
}

/// A sandbox on another machine.
async fn elsewhere(client: &Client, url: &HttpUrl) -> Finding {
    let shown = client.shown_url();
    let connected = timeout(CONNECT_TIME, callbacks::connect_to_host(url)).await;
    let connected =
        connected.unwrap_or_else(|_| Err(format!("no connection within {CONNECT_TIME:?}")));
    match connected {
        Ok(_) => Finding::ok(CHECK, format!("something listens at {shown}")),
        Err(reason) => Finding::error(
            CHECK,
            format!("no sandbox runs at {shown}: {reason}"),
            "start one there with --bind 0.0.0.0, or correct the URL",
        ),
    }
}
