//! Opens connections: races the addresses of a host, as RFC 8305 (Happy Eyeballs) says.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::resolver::Resolver;
use crate::base::{self, HttpUrl};
use crate::world::TriedAddress;

/// The next address is tried after this time, while the former ones go on. RFC 8305 calls it Connection Attempt Delay.
const CONNECTION_DELAY: Duration = Duration::from_millis(250);

/// How many addresses of a host are tried. A name may have hundreds.
const ADDRESSES_MAX: usize = 16;

/// Connects to a host, at whatever address it is. The commands reach their sandbox in this way; callbacks may only go
/// where [`super::egress::Egress`] lets them.
#[cfg(feature = "cli")]
pub(crate) async fn connect_to_host(url: &HttpUrl) -> Result<TcpStream, String> {
    let addresses = Resolver::default().resolve(url.host()).await?;
    let port = url.port();
    let addresses = addresses.into_iter().map(|ip| SocketAddr::new(ip, port));
    connect(addresses.collect(), &mut Vec::new()).await
}

/// Connects to the address that answers first. The next one is tried after a delay, or as soon as one has failed.
/// The caller limits the time; whatever was tried until then is in `tried`.
pub(super) async fn connect(
    addresses: Vec<SocketAddr>,
    tried: &mut Vec<TriedAddress>,
) -> Result<TcpStream, String> {
    let mut waiting = interleaved(addresses).into_iter().take(ADDRESSES_MAX);
    let mut attempts = JoinSet::new(); // dropping it ends the attempts that are left
    let mut last_error = "the host has no address".to_owned();
    loop {
        let next = waiting.next();
        if let Some(address) = next {
            tried.push(TriedAddress {
                address,
                error: None,
            });
            attempts.spawn(async move { (address, TcpStream::connect(address).await) });
        }
        let ended = tokio::select! {
            biased;
            ended = attempts.join_next() => ended,
            () = sleep(CONNECTION_DELAY), if waiting.len() > 0 => continue,
        };
        match ended {
            None => return Err(last_error), // all have failed
            Some(Ok((address, Ok(socket)))) => {
                socket.set_nodelay(true).ok();
                let others = tried.iter_mut().filter(|one| one.address != address);
                for other in others.filter(|one| one.error.is_none()) {
                    other.error = Some("another address answered sooner".to_owned());
                }
                return Ok(socket);
            }
            Some(Ok((address, Err(error)))) => {
                last_error = base::reason(&error);
                if let Some(failed) = tried.iter_mut().find(|one| one.address == address) {
                    failed.error = Some(last_error.clone());
                }
            }
            Some(Err(panicked)) => last_error = panicked.to_string(),
        }
    }
}

/// The addresses in the resolver's order, but the families take turns (RFC 8305, section 4).
fn interleaved(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|address| address.is_ipv6() == first_is_v6);
    let longest = first.len().max(second.len());
    let turns = (0..longest).flat_map(|turn| [first.get(turn), second.get(turn)]);
    turns.flatten().copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_families_take_turns_and_keep_their_order() {
        let addresses = |texts: &[&str]| -> Vec<SocketAddr> {
            let parsed = texts.iter().map(|text| text.parse().expect("an address"));
            parsed.collect()
        };
        let found = addresses(&["[::2]:1", "[::1]:1", "1.1.1.1:1", "[::3]:1", "1.1.1.2:1"]);
        let raced = addresses(&["[::2]:1", "1.1.1.1:1", "[::1]:1", "1.1.1.2:1", "[::3]:1"]);
        assert_eq!(interleaved(found), raced);
        assert_eq!(interleaved(Vec::new()), Vec::new());
    }
}
