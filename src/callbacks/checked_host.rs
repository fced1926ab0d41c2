//! A host whose addresses are checked before anything is sent to it.

use std::net::SocketAddr;

use tokio::net::TcpStream;

use super::connect::connect;
use super::reach::{Reach, judge};
use super::resolver::Resolver;
use crate::base::HttpUrl;

/// The addresses of a host at one moment. No other address is connected to later, whatever its name means then.
#[derive(Clone, Debug)]
pub(crate) struct CheckedHost {
    addresses: Vec<SocketAddr>,
    /// Whether any of them is neither of this machine nor of a private network.
    pub is_public: bool,
}

impl CheckedHost {
    /// Resolves the host once. An error is a sentence: it has no address, or one that is never called.
    pub(crate) async fn of(url: &HttpUrl) -> Result<Self, String> {
        let mut checked = Self {
            addresses: Vec::new(),
            is_public: false,
        };
        for address in Resolver::default().resolve(url.host()).await? {
            match judge(address) {
                Reach::Never => {
                    return Err(format!(
                        "{address} is an address that is never called: it is link-local or the metadata service of a cloud"
                    ));
                }
                Reach::Public => checked.is_public = true,
                Reach::Near => {}
            }
            let address = SocketAddr::new(address, url.port());
            checked.addresses.push(address);
        }
        Ok(checked)
    }

    pub(crate) async fn connect(&self) -> Result<TcpStream, String> {
        connect(self.addresses.clone(), &mut Vec::new()).await
    }
}
