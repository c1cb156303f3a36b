//! Whose turn it is to bind: an account that refuses is not asked by ten binds at once.

use std::time::{Duration, Instant};

use volley_smpp::pdu::CommandStatus;

use super::{
    backoff::{Backoff, Jitter},
    options::BackoffOptions,
};

/// Until an attempt was answered, the others wait for its outcome, but no longer than this: one
/// host that stalls must not hold up the others.
const OUTCOME_WAIT: Duration = Duration::from_secs(5);
/// A refusal that may pass is asked again after this times the first wait, doubled each time.
const REFUSAL_FACTOR: u32 = 5;

/// The account's way in, shared by its binds.
#[derive(Debug)]
pub(crate) struct Gate {
    /// A bind succeeded since the last refusal: everyone may try.
    proven: bool,
    /// Who tries, and until when the others wait for the outcome.
    trying: Option<(u16, Instant)>,
    closed_until: Option<Instant>,
    refusals: Backoff,
}

/// The gate's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    Go,
    /// Ask again then, or when the gate changed.
    Wait(Instant),
}

impl Gate {
    pub(crate) fn new(options: BackoffOptions, jitter: Jitter) -> Self {
        let options = BackoffOptions { first: options.first * REFUSAL_FACTOR, ..options };
        Self { proven: false, trying: None, closed_until: None, refusals: Backoff::new(options, jitter) }
    }

    /// May `bind` try now?
    pub(crate) fn ask(&mut self, bind: u16, now: Instant) -> Admission {
        if let Some(until) = self.closed_until.filter(|until| *until > now) {
            return Admission::Wait(until);
        }
        if self.proven {
            return Admission::Go;
        }
        match self.trying {
            Some((other, until)) if other != bind && until > now => Admission::Wait(until),
            _ => {
                self.trying = Some((bind, now + OUTCOME_WAIT));
                Admission::Go
            }
        }
    }

    pub(crate) fn bound(&mut self) {
        self.proven = true;
        self.trying = None;
        self.closed_until = None;
    }

    /// Says when the account may be asked again.
    pub(crate) fn refused(&mut self, status: CommandStatus, now: Instant) -> Duration {
        let wait = self.refusals.after_refusal(status);
        self.proven = false;
        self.trying = None;
        self.closed_until = Some(now + wait);
        wait
    }

    /// `bind` got no answer at all.
    pub(crate) fn failed(&mut self, bind: u16) {
        if self.trying.is_some_and(|(trying, _)| trying == bind) {
            self.trying = None;
        }
    }

    /// A bind ended that had been stable: refusals before it don't count any more.
    pub(crate) fn was_stable(&mut self, bound_for: Duration) {
        self.refusals.forgive(bound_for);
    }
}

#[cfg(test)]
mod tests {
    use volley_core::{Clock, SystemClock};

    use super::*;

    fn gate(seed: u64) -> Gate {
        Gate::new(BackoffOptions::default(), Jitter::new(seed))
    }

    #[test]
    fn ten_refused_binds_make_at_most_five_attempts_a_minute() {
        for status in [CommandStatus::RINVPASWD, CommandStatus::RBINDFAIL, CommandStatus::RSYSERR] {
            for seed in 0..20 {
                let (mut gate, start) = (gate(seed), SystemClock.now());
                let mut attempts = Vec::new();
                for ms in (0..600_000).step_by(100) {
                    let now = start + Duration::from_millis(ms);
                    for bind in 0..10 {
                        if gate.ask(bind, now) == Admission::Go {
                            attempts.push(ms);
                            gate.refused(status, now);
                        }
                    }
                }
                for from in &attempts {
                    let n = attempts.iter().filter(|at| (*from..from + 60_000).contains(*at)).count();
                    assert!(n <= 5, "{status}, seed {seed}: {n} attempts in the minute from {from} ms");
                }
                assert!(attempts.len() >= 2, "{status}: tried again");
            }
        }
    }

    #[test]
    fn the_first_answer_decides_for_all() {
        let (mut gate, now) = (gate(1), SystemClock.now());
        assert_eq!(gate.ask(0, now), Admission::Go);
        assert_eq!(gate.ask(1, now), Admission::Wait(now + OUTCOME_WAIT));
        assert_eq!(gate.ask(1, now + OUTCOME_WAIT), Admission::Go, "a stalled host holds nobody up for long");
        gate.failed(1);
        assert_eq!(gate.ask(2, now + OUTCOME_WAIT), Admission::Go);
        gate.bound();
        assert_eq!((gate.ask(3, now), gate.ask(4, now)), (Admission::Go, Admission::Go));
    }
}
