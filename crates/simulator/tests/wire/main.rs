//! What a simulated SMSC looks like to whoever is connected: plain blocking sockets, no pipeline.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and measures real time"
)]

mod answers;
mod client;
mod sessions;
