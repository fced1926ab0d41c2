//! The library: `Sandbox`, `Builder`, and a test's `World` and `Receiver`.

mod blocking;
mod builder;
#[cfg(feature = "tls")]
mod builder_tls;
mod callbacks;
mod receiver;
mod requests;
mod sandbox;
mod world;
mod worlds;

pub use self::blocking::BlockingSandbox;
pub(crate) use self::builder::Options;
pub use self::builder::{Builder, StartError};
pub use self::callbacks::Callback;
pub use self::receiver::{ReceivedCallback, Receiver};
pub use self::sandbox::Sandbox;
pub use self::world::{Unfinished, World};
