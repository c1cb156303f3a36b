//! The first rows go ahead; the others follow when enough of them arrived.

use std::time::{Duration, Instant};

use super::percent;
use crate::options::{CanaryOptions, Portion};

/// The canary of a run.
#[derive(Debug)]
pub(crate) struct Canary {
    /// The first so many rows of the list.
    n_rows: u32,
    delivered: Portion,
    wait: Duration,
    /// When the last of its rows had left.
    all_left_at: Option<Instant>,
}

/// How its rows stand, while no others were sent.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct CanaryFacts {
    /// Never to be sent.
    pub(crate) n_suppressed: u64,
    pub(crate) n_delivered: u64,
    /// Final, and not delivered.
    pub(crate) n_failed: u64,
    /// To be sent yet, or not answered.
    pub(crate) n_to_leave: u64,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Wait,
    Pass(String),
    Fail(String),
}

impl Canary {
    /// `None` when the canary would be the whole list.
    pub(crate) fn new(options: &CanaryOptions, n_valid: u32) -> Option<Self> {
        let n_rows = options.n_rows(n_valid);
        let canary = Self { n_rows, delivered: options.delivered, wait: options.wait.0, all_left_at: None };
        (0 < n_rows && n_rows < n_valid).then_some(canary)
    }

    pub(crate) const fn n_rows(&self) -> u32 {
        self.n_rows
    }

    /// What follows from the facts at `now`.
    pub(crate) fn look(&mut self, facts: CanaryFacts, now: Instant) -> Verdict {
        let CanaryFacts { n_suppressed, n_delivered, n_failed, n_to_leave } = facts;
        let n = u64::from(self.n_rows).saturating_sub(n_suppressed);
        let share = format!("{n_delivered} of {n} rows ({}) were delivered", percent(n_delivered, n));
        if !self.delivered.is_missed(n_delivered, n) {
            return Verdict::Pass(format!("{share}, at least {}", self.delivered));
        }
        if self.delivered.is_missed(n - n_failed.min(n), n) {
            return Verdict::Fail(format!("{share} and {n_failed} failed: fewer than {} can be", self.delivered));
        }
        if n_to_leave > 0 {
            self.all_left_at = None;
            return Verdict::Wait;
        }
        let left_at = *self.all_left_at.get_or_insert(now);
        if now.saturating_duration_since(left_at) < self.wait {
            return Verdict::Wait;
        }
        let wait = humantime::format_duration(self.wait);
        Verdict::Fail(format!("{share} within {wait}, fewer than {}", self.delivered))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use volley_core::Clock as _;

    fn canary(keys: &str) -> Canary {
        Canary::new(&toml::from_str(keys).unwrap(), 1_000).unwrap()
    }

    fn facts(n_delivered: u64, n_failed: u64, n_to_leave: u64) -> CanaryFacts {
        CanaryFacts { n_suppressed: 0, n_delivered, n_failed, n_to_leave }
    }

    #[test]
    fn it_passes_fails_and_waits_as_told() {
        let start = volley_core::SystemClock.now();
        let mut canary = canary("share = 0.1\ndelivered = 0.9\nwait = \"10s\"");
        assert_eq!(canary.n_rows(), 100);
        let at = |s| start + Duration::from_secs(s);
        assert_eq!(canary.look(facts(89, 0, 11), at(0)), Verdict::Wait);
        assert_eq!(canary.look(facts(89, 0, 0), at(60)), Verdict::Wait, "the time counts from the last that left");
        assert_eq!(canary.look(facts(89, 10, 0), at(69)), Verdict::Wait);
        assert!(matches!(canary.look(facts(89, 10, 0), at(70)), Verdict::Fail(_)));
        assert!(matches!(canary.look(facts(90, 0, 0), at(69)), Verdict::Pass(_)));
        assert!(matches!(canary.look(facts(0, 11, 80), at(0)), Verdict::Fail(_)), "it can't get better");
        assert!(matches!(canary.look(CanaryFacts { n_suppressed: 100, ..facts(0, 0, 0) }, at(0)), Verdict::Pass(_)));
    }

    #[test]
    fn the_whole_list_is_no_canary() {
        let options = toml::from_str("rows = 1000\ndelivered = 0.9\nwait = \"1s\"").unwrap();
        assert!(Canary::new(&options, 1_000).is_none() && Canary::new(&options, 1_001).is_some());
    }
}
