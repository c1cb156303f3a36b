//! The proof that the contract holds: the whole engine in one process, on one thread, in virtual
//! time, with everything around it simulated and most of it broken.
//!
//! Under test is the product's own code: the engine's loop, the scheduler, the SMPP sessions, the
//! journal, the reconciler with sled. Simulated are the clock ([`world`]), the network ([`net`]),
//! the carriers ([`smsc`]) and the journal's disk ([`disk`]). A [`Scenario`] follows from one seed,
//! and a run from its scenario: the same seed gives the same trace.
//!
//! The judge ([`model`]) folds the durable records a second time, knows what the carriers took and
//! what really went over the wire, and checks the invariants of the contract wherever they meet.
//! So that the judge is judged too, nine bugs can be planted: each must be found.

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
