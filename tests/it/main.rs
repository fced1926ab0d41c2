//! The tests: through the front door, over real sockets.

mod client;
mod documentation;
mod every_outcome;
mod shape;
mod smoke;
