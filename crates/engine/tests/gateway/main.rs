//! A carrier account of the pipeline against the simulator over real sockets: what is promised
//! of throughput, of answers under a flood, and of dead peers. Here because the two meet in the
//! engine.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and measures real time"
)]

mod flow;
mod link;
mod owner;
