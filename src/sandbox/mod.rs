//! The library: `Sandbox`, `Builder`, and the `World` and `Receiver` of a test.

mod assembly;
mod blocking;
mod builder;
mod builder_address;
mod builder_callbacks;
#[cfg(feature = "tls")]
mod builder_tls;
mod builder_worlds;
mod callback;
mod callbacks;
mod loaded;
mod options;
mod patience;
mod receiver;
mod requests;
mod sandbox;
mod test_end;
mod world;
mod worlds;

#[cfg(feature = "cli")]
pub(crate) use self::assembly::assemble;
#[cfg(all(any(test, fuzzing), not(feature = "cli")))]
pub(crate) use self::assembly::assemble;
pub use self::blocking::BlockingSandbox;
pub use self::builder::Builder;
pub use self::callback::Callback;
#[cfg(feature = "cli")]
pub(crate) use self::loaded::Loaded;
#[cfg(all(any(test, fuzzing), not(feature = "cli")))]
pub(crate) use self::loaded::Loaded;
#[cfg(feature = "cli")]
pub(crate) use self::options::Options;
#[cfg(all(any(test, fuzzing), not(feature = "cli")))]
pub(crate) use self::options::Options;
pub use self::options::StartError;
pub use self::receiver::{ReceivedCallback, Receiver};
pub use self::sandbox::Sandbox;
pub use self::world::{Unfinished, World};
