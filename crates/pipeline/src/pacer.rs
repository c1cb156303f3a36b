//! Permission to write, asked for right before the write, so that pacing holds on the wire.

use std::time::Instant;

/// Whoever knows the rates that hold for a carrier account.
pub trait Pacer: Send + Sync {
    /// How many of `want` segments may be written at `now` on the account's bind with this number.
    /// What is granted counts as written: the caller asks for no more than it has at hand.
    fn admit(&self, bind: u16, now: Instant, want: u32) -> Admitted;
}

/// The answer of a [`Pacer`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admitted {
    /// Segments that may be written now.
    pub granted: u32,
    /// When to ask again, if fewer were granted than wanted.
    pub retry_at: Option<Instant>,
}

/// Grants everything: the windows alone limit.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unpaced;

impl Pacer for Unpaced {
    fn admit(&self, _bind: u16, _now: Instant, want: u32) -> Admitted {
        Admitted { granted: want, retry_at: None }
    }
}
