//! Messages to us (HANDBOOK D): parts joined, repeats recognised, keywords found. Values without
//! I/O that take the time as an argument.

mod fold;
mod keyword;
mod reassembly;
mod repeats;

pub use keyword::{Decision, Effect, Keywords, Place, Reading};
pub use reassembly::{MoMessage, MoPart, PART_TIMEOUT, Reassembler, Took};
pub use repeats::Repeats;
