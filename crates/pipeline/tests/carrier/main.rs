//! A carrier against an SMSC that the test plays by hand, over real sockets.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says so by panicking")]

mod chaos;
mod drain;
mod faults;
mod flow;
mod octets;
mod queries;
mod reconnect;
mod smsc;
mod tls;
