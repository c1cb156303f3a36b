//! Several limits at once.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use crate::Limit;

/// Limits of which each must allow what passes. Limits may be shared between stacks, such as a
/// campaign's rate over several carriers.
#[derive(Clone, Default)]
pub struct Stack {
    limits: Vec<Arc<Mutex<Limit>>>,
}

/// What a [`Stack`] allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted {
    /// Segments that may pass now; each limit has counted exactly these.
    pub granted: u32,
    /// Until when the rest must wait, if there is a rest.
    pub wait: Option<Wait>,
}

/// Why not now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// The earliest time at which one more may pass.
    pub until: Instant,
    /// The limit that binds, in words.
    pub limit: Arc<str>,
}

impl Stack {
    /// A stack of these limits; none of them limits nothing.
    #[must_use]
    pub const fn new(limits: Vec<Arc<Mutex<Limit>>>) -> Self {
        Self { limits }
    }

    /// Takes up to `want` at `now` from every limit.
    #[must_use]
    pub fn admit(&self, now: Instant, want: u32) -> Admitted {
        // Locked in the stack's order everywhere, so that two lanes can't wait for each other:
        // shared limits come first in every stack.
        let limits: Vec<_> =
            self.limits.iter().map(|limit| limit.lock().unwrap_or_else(PoisonError::into_inner)).collect();
        let mut granted = want;
        let mut wait: Option<Wait> = None;
        let mut taken = Vec::with_capacity(limits.len());
        for limit in &limits {
            let before = limit.level();
            let (allowed, until) = limit.take(now, granted);
            if allowed < granted {
                granted = allowed;
                wait = until.map(|until| Wait { until, limit: limit.name() });
            }
            taken.push((before, allowed));
            if granted == 0 {
                break;
            }
        }
        // A limit that gave more than a later one allows takes the difference back.
        for (limit, (before, allowed)) in limits.iter().zip(taken) {
            if allowed > granted {
                limit.restore(before);
                limit.take(now, granted);
            }
        }
        Admitted { granted, wait }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{num::NonZeroU32, time::Duration};
    use volley_core::Clock as _;

    fn limit(name: &str, rate: &str, now: Instant) -> Arc<Mutex<Limit>> {
        Arc::new(Mutex::new(Limit::new(name.to_owned(), rate.parse().unwrap(), NonZeroU32::MIN, now)))
    }

    #[test]
    fn the_slowest_binds_and_the_others_lose_nothing() {
        let start = volley_core::SystemClock.now();
        let (campaign, slow) = (limit("campaign", "100/s", start), limit("south", "10/s", start));
        let narrow = Stack::new(vec![Arc::clone(&campaign), slow]);
        let wide = Stack::new(vec![campaign]);
        let (mut n_narrow, mut n_wide) = (0, 0);
        for ms in 0..10_000 {
            let now = start + Duration::from_millis(ms);
            let admitted = narrow.admit(now, 100);
            n_narrow += admitted.granted;
            n_wide += wide.admit(now, 100).granted;
            assert!(admitted.wait.is_some());
        }
        assert!((100..=101).contains(&n_narrow), "{n_narrow}");
        assert!((995..=1001).contains(&(n_narrow + n_wide)), "{}", n_narrow + n_wide);
    }

    #[test]
    fn the_binding_limit_is_named() {
        let start = volley_core::SystemClock.now();
        let stack = Stack::new(vec![limit("campaign", "100/s", start), limit("south", "10/s", start)]);
        assert_eq!(stack.admit(start, 1), Admitted { granted: 1, wait: None });
        let wait = stack.admit(start + Duration::from_millis(50), 5).wait.unwrap();
        let after = wait.until.duration_since(start);
        assert_eq!(&*wait.limit, "south");
        assert!((Duration::from_millis(95)..=Duration::from_millis(100)).contains(&after), "{after:?}");
        assert_eq!(Stack::default().admit(start, 7), Admitted { granted: 7, wait: None });
    }
}
