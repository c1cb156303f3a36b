//! How long to wait before connecting again.

use std::time::{Duration, Instant};

use volley_smpp::pdu::{CommandStatus, StatusClass};

use crate::Timers;

/// A session bound for so long was stable: the next wait is short again.
const STABLE_AFTER: Duration = Duration::from_secs(60);
/// Wait when the carrier says that there are too many binds (HANDBOOK A.2).
const BIND_LIMIT: Duration = Duration::from_secs(30);

/// Exponential, with jitter of a fifth, so that binds that fell together don't rise together.
#[derive(Debug)]
pub(crate) struct Backoff {
    timers: Timers,
    n_failures: u32,
    random: u64,
}

impl Backoff {
    pub(crate) const fn new(timers: Timers, seed: u64) -> Self {
        Self { timers, n_failures: 0, random: seed | 1 }
    }

    /// The wait after a connection that could not be made, or ended.
    pub(crate) fn after_failure(&mut self, bound_at: Option<Instant>, now: Instant) -> Duration {
        if bound_at.is_some_and(|at| now.saturating_duration_since(at) >= STABLE_AFTER) {
            self.n_failures = 0;
        }
        let wait = self.timers.reconnect_min.saturating_mul(1 << self.n_failures.min(16));
        self.n_failures += 1;
        self.jittered(wait.min(self.timers.reconnect_max))
    }

    /// The wait after the carrier refused the bind.
    pub(crate) fn after_refusal(&mut self, status: CommandStatus, now: Instant) -> Duration {
        match status.class() {
            StatusClass::Auth => self.jittered(self.timers.refused),
            StatusClass::Session => {
                let wait = self.after_failure(None, now);
                wait.max(self.jittered(BIND_LIMIT))
            }
            StatusClass::Ok
            | StatusClass::Throttle
            | StatusClass::Transient
            | StatusClass::Permanent
            | StatusClass::Config => self.after_failure(None, now),
        }
    }

    fn jittered(&mut self, wait: Duration) -> Duration {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let part = (self.random >> 11) as f64 / (1_u64 << 53) as f64;
        wait.mul_f64(0.8 + 0.4 * part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_are_reset_by_a_stable_bind() {
        let now = tokio::time::Instant::now().into_std();
        let mut backoff = Backoff::new(Timers::default(), 7);
        let waits: Vec<u64> = (0..8).map(|_| backoff.after_failure(None, now).as_millis() as u64).collect();
        for (wait, base) in waits.iter().zip([1, 2, 4, 8, 16, 32, 60, 60]) {
            assert!((base * 800..=base * 1200).contains(wait), "{waits:?}");
        }
        let later = now + STABLE_AFTER;
        assert!(backoff.after_failure(Some(now), later) <= Duration::from_millis(1200));
    }

    #[test]
    fn refused_credentials_are_tried_rarely() {
        let now = tokio::time::Instant::now().into_std();
        let mut backoff = Backoff::new(Timers::default(), 7);
        assert!(backoff.after_refusal(CommandStatus::RINVPASWD, now) >= Duration::from_secs(240));
        assert!(backoff.after_refusal(CommandStatus::RBINDFAIL, now) >= Duration::from_secs(24));
    }
}
