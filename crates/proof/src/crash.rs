//! Kills the real binary, and the power under it, resumes until done, and checks the result
//! against what the carrier saw: a simulator in a process of its own that is never killed.
#![allow(clippy::print_stdout, reason = "its results are its output")]

mod kills;
mod power;
mod scene;
mod syscalls;

pub use kills::run as kills;
pub use power::run as power_cut;
pub use syscalls::{errors, recovery, run as syscalls};

use std::path::PathBuf;

/// What to strike, and how often.
#[derive(Debug, Clone)]
pub struct Options {
    /// Kills to strike, or images to take.
    pub times: u64,
    /// Rows of the campaign; `None`: as many as suit the way.
    pub rows: Option<u64>,
    /// Of the random moments.
    pub seed: u64,
    /// Strikes at every so many-th call only; at least 1.
    pub step: u64,
    /// Only these calls of the system.
    pub only: Option<Vec<String>>,
    /// The binary.
    pub volley: PathBuf,
}
