//! Opens a port: at one address, or at both loopback addresses.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use socket2::SockRef;
use tokio::net::{TcpListener, TcpSocket};

use crate::base::reason;

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 4096;

/// How many free ports of 127.0.0.1 are tried until one is free at `::1` too.
const TRIES_MAX: usize = 10;

/// The sockets of a port.
pub(crate) struct Listeners {
    pub sockets: Vec<TcpListener>,
    pub place: Place,
    pub unopened: Option<Unopened>,
}

/// Why a port is not open at `::1`.
pub(crate) struct Unopened {
    v6: SocketAddr,
    error: io::Error,
}

impl Unopened {
    /// Writes the reason to the log.
    pub(crate) fn log(&self) {
        let Self { v6, error } = self;
        let port = v6.port();
        if error.kind() == ErrorKind::AddrInUse {
            tracing::warn!(
                "another program listens at {v6}: the sandbox listens at 127.0.0.1:{port} only, and clients that use \
                 localhost may reach the other program"
            );
            return;
        }
        let reason = reason(error);
        tracing::info!("listening at 127.0.0.1:{port} only, because {v6} cannot be used: {reason}");
    }
}

/// Where a port is open.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub address: SocketAddr,
    /// The port is open at `::1` too.
    pub is_at_both_loopbacks: bool,
}

impl Place {
    /// The URLs that a client on this machine can open. There is at least one.
    pub(crate) fn urls(&self, scheme: &str) -> Vec<String> {
        const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
        const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);
        let hosts = match self.address.ip() {
            _ if self.is_at_both_loopbacks => vec![V4, V6],
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => vec![V4],
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) => vec![V6, V4],
            one => vec![one],
        };
        let hosts = hosts.into_iter();
        let urls = hosts.map(|host| {
            let mut address = self.address; // it may have a scope
            address.set_ip(host);
            format!("{scheme}://{address}")
        });
        urls.collect()
    }
}

/// Listens at an address. If `both_loopbacks`, this is 127.0.0.1, and the same port is opened at `::1` if that is possible.
pub(crate) fn listen(address: SocketAddr, both_loopbacks: bool) -> io::Result<Listeners> {
    if both_loopbacks {
        return listen_at_both(address, listen_at);
    }
    let socket = listen_at(address)?;
    let place = Place {
        address: socket.local_addr()?,
        is_at_both_loopbacks: false,
    };
    Ok(Listeners {
        sockets: vec![socket],
        place,
        unopened: None,
    })
}

/// `listen_at_v6` opens the port at `::1`.
fn listen_at_both(
    v4: SocketAddr,
    listen_at_v6: impl Fn(SocketAddr) -> io::Result<TcpListener>,
) -> io::Result<Listeners> {
    // They stay open during the search, so that the system picks other ports.
    let mut rejected = Vec::new();
    loop {
        let socket = listen_at(v4)?;
        let address = socket.local_addr()?;
        let v6 = SocketAddr::from((Ipv6Addr::LOCALHOST, address.port()));
        let (sockets, unopened) = match listen_at_v6(v6) {
            Ok(second) => (vec![socket, second], None),
            Err(error)
                if error.kind() == ErrorKind::AddrInUse
                    && v4.port() == 0
                    && rejected.len() + 1 < TRIES_MAX =>
            {
                rejected.push(socket);
                continue;
            }
            Err(error) => (vec![socket], Some(Unopened { v6, error })),
        };
        let place = Place {
            address,
            is_at_both_loopbacks: unopened.is_none(),
        };
        return Ok(Listeners {
            sockets,
            place,
            unopened,
        });
    }
}

/// Listens, with room for many clients that connect at once. With the 128 places of the system, a client
/// without a place would try again only after a second.
fn listen_at(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    if let IpAddr::V6(ip) = address.ip() {
        // `::` means IPv4 too, whatever the system's default is.
        let takes_v4 = ip.is_unspecified() || ip.to_ipv4_mapped().is_some();
        SockRef::from(&socket).set_only_v6(!takes_v4)?;
    }
    #[cfg(unix)] // elsewhere it would let two processes listen at one port
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn refusal(kind: ErrorKind) -> io::Result<TcpListener> {
        Err(kind.into())
    }

    const FREE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

    #[tokio::test]
    async fn a_port_that_is_taken_at_the_second_address_is_given_up_ten_times_at_most() {
        let tried = RefCell::new(Vec::new());
        let opened = listen_at_both(FREE, |v6| {
            tried.borrow_mut().push(v6.port());
            refusal(ErrorKind::AddrInUse)
        });
        let opened = opened.expect("127.0.0.1 is enough");
        let mut tried = tried.into_inner();
        assert_eq!(tried.last(), Some(&opened.place.address.port()));
        tried.sort_unstable();
        tried.dedup();
        assert_eq!(tried.len(), TRIES_MAX, "each port is another one");
        assert!(!opened.place.is_at_both_loopbacks);
    }

    #[tokio::test]
    async fn a_port_that_is_free_at_both_addresses_is_found_by_a_second_try() {
        let tried = RefCell::new(Vec::new());
        let opened = listen_at_both(FREE, |v6| {
            tried.borrow_mut().push(v6.port());
            match tried.borrow().len() {
                1 => refusal(ErrorKind::AddrInUse),
                _ => listen_at(FREE), // stands for ::1, which this machine may not have
            }
        });
        let opened = opened.expect("a port");
        assert_eq!(tried.borrow().len(), 2);
        assert_eq!(tried.borrow()[1], opened.place.address.port());
        assert!(opened.place.is_at_both_loopbacks);
    }

    #[tokio::test]
    async fn a_machine_without_the_second_address_and_a_fixed_port_are_tried_once() {
        let taken = listen_at(FREE).expect("a port");
        let fixed = taken.local_addr().expect("an address");
        drop(taken);
        for (address, kind) in [
            (FREE, ErrorKind::AddrNotAvailable),
            (fixed, ErrorKind::AddrInUse),
        ] {
            let tried = RefCell::new(0);
            let opened = listen_at_both(address, |_| {
                *tried.borrow_mut() += 1;
                refusal(kind)
            });
            let place = opened.expect("127.0.0.1 is enough").place;
            assert_eq!((tried.into_inner(), place.urls("http").len()), (1, 1));
        }
    }

    #[test]
    fn an_address_that_cannot_be_opened_is_replaced_in_urls() {
        let urls = |address: &str| {
            let place = Place {
                address: address.parse().expect("an address"),
                is_at_both_loopbacks: false,
            };
            place.urls("https")
        };
        assert_eq!(urls("0.0.0.0:1"), ["https://127.0.0.1:1"]);
        assert_eq!(urls("[::]:1"), ["https://[::1]:1", "https://127.0.0.1:1"]);
        assert_eq!(urls("10.0.0.7:1"), ["https://10.0.0.7:1"]);
    }
}
