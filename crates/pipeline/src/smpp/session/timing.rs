//! A session's timers. They run on a clock that stands still while we don't read: what the SMSC
//! answered meanwhile waits in the socket, and is not late by its fault.

use std::time::{Duration, Instant};

use super::Close;
use crate::smpp::options::Timers;

#[derive(Debug)]
pub(super) struct Timing {
    timers: Timers,
    start: Instant,
    skipped: Duration,
    last_input: Duration,
    /// The last proof that the SMSC's application is alive: a response. Requests don't count.
    last_proof: Duration,
    /// A response came in the present turn.
    proof: bool,
    partial_since: Option<Duration>,
    /// Sequence number and time of our open enquire_link.
    enquire: Option<(u32, Duration)>,
}

impl Timing {
    pub(super) const fn new(timers: Timers, now: Instant) -> Self {
        Self {
            timers,
            start: now,
            skipped: Duration::ZERO,
            last_input: Duration::ZERO,
            last_proof: Duration::ZERO,
            proof: false,
            partial_since: None,
            enquire: None,
        }
    }

    fn tick(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.start).saturating_sub(self.skipped)
    }

    fn instant(&self, tick: Duration) -> Instant {
        self.start + self.skipped + tick
    }

    /// Microseconds, the lowest 32 bits: 71 minutes.
    pub(super) fn mark(&self, now: Instant) -> u32 {
        self.tick(now).as_micros() as u32
    }

    pub(super) fn skip(&mut self, duration: Duration) {
        self.skipped += duration;
    }

    pub(super) fn on_bound(&mut self, now: Instant) {
        self.last_proof = self.tick(now);
    }

    pub(super) const fn on_answer(&mut self) {
        self.proof = true;
    }

    /// Whether it answers our open enquire_link.
    pub(super) fn on_enquire_answer(&mut self, sequence: u32) -> bool {
        let is_ours = self.enquire.is_some_and(|(own, _)| own == sequence);
        self.proof |= is_ours;
        is_ours
    }

    pub(super) fn on_enquire_sent(&mut self, sequence: u32, now: Instant) {
        self.enquire = Some((sequence, self.tick(now)));
    }

    pub(super) fn on_input(&mut self, now: Instant, n_pdus: usize, partial: bool) {
        let tick = self.tick(now);
        if n_pdus > 0 {
            self.last_input = tick;
        }
        self.partial_since = match self.partial_since {
            _ if !partial => None,
            Some(since) if n_pdus == 0 => Some(since),
            _ => Some(tick),
        };
        if std::mem::take(&mut self.proof) {
            self.last_proof = tick;
            self.enquire = None;
        }
    }

    pub(super) fn check_input(&self, now: Instant) -> Result<(), Close> {
        let tick = self.tick(now);
        if self.partial_since.is_some_and(|since| tick >= since + self.timers.partial_pdu) {
            return Err(Close::PartialPdu);
        }
        if tick >= self.last_input + self.timers.inactivity {
            return Err(Close::Inactive);
        }
        Ok(())
    }

    /// Whether an enquire_link is due.
    pub(super) fn check_enquire(&self, now: Instant) -> Result<bool, Close> {
        let tick = self.tick(now);
        match self.enquire {
            Some((_, sent)) if tick >= sent + self.timers.enquire_timeout => Err(Close::EnquireUnanswered),
            Some(_) => Ok(false),
            None => Ok(tick >= self.last_proof + self.timers.enquire_interval),
        }
    }

    fn left_for_answer(&self, written: u32, now: Instant) -> Duration {
        let waited = Duration::from_micros(u64::from(self.mark(now).wrapping_sub(written)));
        self.timers.response.saturating_sub(waited)
    }

    pub(super) fn is_answer_overdue(&self, oldest_written: Option<u32>, now: Instant) -> bool {
        oldest_written.is_some_and(|written| self.left_for_answer(written, now).is_zero())
    }

    /// When silence or half a PDU has lasted too long.
    pub(super) fn next_input_wake(&self) -> Instant {
        let mut wake = self.instant(self.last_input + self.timers.inactivity);
        if let Some(since) = self.partial_since {
            wake = wake.min(self.instant(since + self.timers.partial_pdu));
        }
        wake
    }

    /// When an enquire_link, or the end of the wait for its answer, is due.
    pub(super) fn next_enquire_wake(&self) -> Instant {
        self.instant(match self.enquire {
            Some((_, sent)) => sent + self.timers.enquire_timeout,
            None => self.last_proof + self.timers.enquire_interval,
        })
    }

    /// When the submit written at `written` has waited too long.
    pub(super) fn answer_deadline(&self, written: u32, now: Instant) -> Instant {
        now + self.left_for_answer(written, now)
    }
}
