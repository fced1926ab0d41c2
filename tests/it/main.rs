//! The tests: through the front door, over real sockets.

mod authentication;
mod client;
mod documentation;
mod every_outcome;
mod forms;
mod id_cards;
mod limits;
mod promises;
mod raw;
mod screening;
mod shape;
mod smoke;
mod transport;
