//! A carrier for tests and benchmarks: an SMSC over real TCP with its own code (it shares only
//! `volley-smpp` with the engine), which misbehaves on purpose and says what really went over
//! the wire.
//!
//! It runs on a thread of its own with its own runtime, so that it is a second party even when
//! it lives in the engine's process.

mod alarm;
mod decide;
mod encode;
mod error;
mod fault;
mod log;
mod options;
mod server;
mod session;
mod spool;
mod wheel;
mod witness;
mod world;

pub use error::Error;
pub use options::{
    Delay, Faults, FinalStates, IdForm, QuerySmForm, ReceiptForm, RefuseBinds, Replies, ReplyAtBind, Share,
    SimulatorOptions, SlowReading, TimedWhen, When,
};
pub use server::{Account, Setup, Simulator};
pub use spool::erase_spool;
pub use witness::{AccountSeen, Seen};
