//! The tests: through the front door, over real sockets.

mod client;
mod smoke;
