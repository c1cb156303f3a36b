//! The whole engine in one process, on one thread, in virtual
//! time, with everything around it simulated and most of it broken.
//!
//! Under test is the product's own code: the engine's loop, the scheduler, the SMPP sessions, the
//! journal, the reconciler with sled. Simulated are the clock ([`world`]), the network ([`net`]),
//! the carriers ([`smsc`]) and the journal's disk ([`disk`]). A [`Scenario`] follows from one seed,
//! and a run from its scenario: the same seed gives the same trace.
//!
//! The judge ([`model`]) folds the durable records a second time, knows what the carriers took and
//! what really went over the wire, and checks the invariants of the contract wherever they meet.
//! So that the judge is judged too, ten bugs can be planted: each must be found.

mod campaign;
mod check;
mod dice;
mod disk;
mod eye;
mod fault;
mod list;
mod model;
mod net;
mod scenario;
mod shrink;
mod smsc;
mod trace;
mod world;

pub use campaign::{Run, run};
pub use fault::{Fault, Faults};
pub use model::Violation;
pub use scenario::Scenario;
pub use shrink::shrink;
pub use trace::{Entry, Trace};
pub use volley_core::planted::{Bug, plant};

/// Damaged stores make sled panic while it opens, which the ledger catches: nothing to be read.
pub fn silence_the_store() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !volley_reconciler::is_in_sled() {
            hook(info);
        }
    }));
}

/// A folder for one simulation at a time: in memory where there is some, as thousands of stores
/// are written.
///
/// # Errors
/// When it can't be made.
pub fn folder() -> std::io::Result<tempfile::TempDir> {
    let memory = std::path::Path::new("/dev/shm");
    let mut builder = tempfile::Builder::new();
    builder.prefix("volley-proof-");
    if memory.is_dir() { builder.tempdir_in(memory) } else { builder.tempdir() }
}
