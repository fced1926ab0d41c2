//! Asks a port that is taken whether another sandbox has it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use hyper::Method;
use serde_json::Value;
use tokio::time::timeout;

use super::client::Client;
use crate::base::HttpUrl;
use crate::callbacks::Trust;

/// How long the holder of the port may take to answer.
const ANSWER_TIME: Duration = Duration::from_secs(1);

const VERSION_CHARS_MAX: usize = 40;

/// `iluma-sandbox 0.1.0 (process 4711)`. None if no sandbox answers there.
pub(super) async fn sandbox_at(mut address: SocketAddr) -> Option<String> {
    match address.ip() {
        IpAddr::V4(any) if any.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(any) if any.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        IpAddr::V4(_) | IpAddr::V6(_) => {}
    }
    for scheme in ["http", "https"] {
        let url = HttpUrl::parse(&format!("{scheme}://{address}")).ok()?;
        let client = Client::new(url, None, None, Trust::anybody());
        let asking = client.ask(Method::GET, "readyz", None, Duration::ZERO);
        if let Ok(Ok((_, ready))) = timeout(ANSWER_TIME, asking).await {
            return named(&ready);
        }
    }
    None
}

/// Only what a sandbox says is repeated: any other program may answer anything.
fn named(ready: &Value) -> Option<String> {
    let is_sandbox = matches!(ready["status"].as_str(), Some("ready" | "unready"));
    let is_plain = |version: &&str| {
        version.len() <= VERSION_CHARS_MAX && version.bytes().all(|byte| byte.is_ascii_graphic())
    };
    let version = ready["version"].as_str().filter(is_plain)?;
    let pid = ready["pid"].as_u64().filter(|_| is_sandbox)?;
    Some(format!("iluma-sandbox {version} (process {pid})"))
}
