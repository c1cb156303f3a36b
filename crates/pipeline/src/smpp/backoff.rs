//! How long to wait before connecting again.

use std::time::Duration;

use volley_smpp::pdu::{CommandStatus, StatusClass};

use super::options::BackoffOptions;

/// A generator for jitter: `SplitMix64`, so that a seed gives the same waits again.
#[derive(Debug, Clone)]
pub(crate) struct Jitter(u64);

impl Jitter {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// `duration`, 20 % more or less at most.
    pub(crate) fn spread(&mut self, duration: Duration) -> Duration {
        let share = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        duration.mul_f64(0.8 + 0.4 * share)
    }
}

/// Doubles from failure to failure, up to a limit.
#[derive(Debug, Clone)]
pub(crate) struct Backoff {
    options: BackoffOptions,
    jitter: Jitter,
    n_failures: u32,
}

impl Backoff {
    pub(crate) const fn new(options: BackoffOptions, jitter: Jitter) -> Self {
        Self { options, jitter, n_failures: 0 }
    }

    /// A connection failed, or a bind ended after `bound_for`.
    pub(crate) fn after_failure(&mut self, bound_for: Duration) -> Duration {
        self.forgive(bound_for);
        let doubled = self.options.first.saturating_mul(1 << self.n_failures.min(20));
        self.n_failures += 1;
        self.jitter.spread(doubled.min(self.options.max))
    }

    /// Forgets earlier failures if a bind lasted long enough.
    pub(crate) fn forgive(&mut self, bound_for: Duration) {
        if bound_for >= self.options.stable {
            self.n_failures = 0;
        }
    }

    /// The bind was refused.
    pub(crate) fn after_refusal(&mut self, status: CommandStatus) -> Duration {
        let wait = match refusal(status) {
            Refusal::Credentials => self.options.credentials,
            Refusal::Limit => self.options.refused,
            Refusal::Other => return self.after_failure(Duration::ZERO),
        };
        self.jitter.spread(wait)
    }
}

/// What a refused bind means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// System id, password or system type are wrong: the same again changes nothing.
    Credentials,
    /// Too many binds, or not provisioned.
    Limit,
    /// Something that may pass.
    Other,
}

/// Reads the status of a refused bind (HANDBOOK A.2).
pub(crate) fn refusal(status: CommandStatus) -> Refusal {
    match (status, status.class()) {
        (_, StatusClass::Auth) => Refusal::Credentials,
        (CommandStatus::RBINDFAIL | CommandStatus::RALYBND, _) => Refusal::Limit,
        _ => Refusal::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(duration: Duration) -> f64 {
        duration.as_secs_f64()
    }

    #[test]
    fn waits_double_to_a_limit_with_jitter_and_begin_anew_after_a_stable_bind() {
        for seed in 0..50 {
            let mut backoff = Backoff::new(BackoffOptions::default(), Jitter::new(seed));
            for expected in [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0] {
                let wait = secs(backoff.after_failure(Duration::ZERO));
                assert!((0.8 * expected..=1.2 * expected).contains(&wait), "seed {seed}: {wait} for {expected}");
            }
            let unstable = secs(backoff.after_failure(Duration::from_secs(59)));
            assert!(unstable >= 48.0, "seed {seed}: {unstable}");
            let stable = secs(backoff.after_failure(Duration::from_secs(60)));
            assert!(stable <= 1.2, "seed {seed}: {stable}");
        }
    }

    #[test]
    fn refused_credentials_and_limits_are_different_cases() {
        let mut backoff = Backoff::new(BackoffOptions::default(), Jitter::new(1));
        for status in [CommandStatus::RINVPASWD, CommandStatus::RINVSYSID, CommandStatus::RINVSYSTYP] {
            assert!((240.0..=360.0).contains(&secs(backoff.after_refusal(status))));
        }
        assert!((36.0..=54.0).contains(&secs(backoff.after_refusal(CommandStatus::RBINDFAIL))));
        assert!(secs(backoff.after_refusal(CommandStatus::RSYSERR)) <= 1.2);
    }

    #[test]
    fn the_same_seed_gives_the_same_waits() {
        let waits = |seed| {
            let mut backoff = Backoff::new(BackoffOptions::default(), Jitter::new(seed));
            (0..5).map(|_| backoff.after_failure(Duration::ZERO)).collect::<Vec<_>>()
        };
        assert_eq!(waits(7), waits(7));
        assert_ne!(waits(7), waits(8));
    }
}
