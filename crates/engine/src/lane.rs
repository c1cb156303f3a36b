//! A lane: one carrier account as the engine's loop sees it, and how far ahead it may be fed.
//!
//! What bounds the doubt after a crash is counted here (DESIGN section 2, 2; CONTRACT section 3):
//! `outstanding` is every segment with an intent handed to the journal and no durable answer,
//! and it never exceeds the bound that was recorded before it.

use std::time::{Duration, Instant};

use volley_core::{CarrierIndex, Rate};

/// Intents committed ahead of a free window slot, and answers of one commit, at the start.
const AHEAD_AT_START: u32 = 16;
/// The most that may be ahead, whatever was measured.
const AHEAD_MAX: u32 = 16_384;
/// Over how long the answer rate is measured.
const MEASURE: Duration = Duration::from_millis(50);

/// Counters of one lane.
#[derive(Debug)]
pub(crate) struct LaneLimits {
    pub(crate) carrier: CarrierIndex,
    /// Unanswered submits over all binds.
    window: u32,
    /// A message of several segments may begin with room for one: so many more can follow.
    overshoot: u32,
    rate: Option<Rate>,
    /// Intents that may be ahead of the window (K).
    ahead: u32,
    /// Answers that one commit may cover (A).
    answers: u32,
    /// Segments with an intent and no durable answer.
    outstanding: u32,
    /// Of those, segments whose intent is not durable yet.
    in_commit: u32,
    /// The bound that the journal knows.
    recorded_bound: Option<u32>,
    measured_from: Option<Instant>,
    measured_answers: u32,
}

impl LaneLimits {
    /// `window`: unanswered submits over all binds; `max_segments`: of one message.
    pub(crate) fn new(carrier: CarrierIndex, window: u32, max_segments: u8, rate: Option<Rate>) -> Self {
        Self {
            carrier,
            window,
            overshoot: u32::from(max_segments.saturating_sub(1)),
            rate,
            ahead: AHEAD_AT_START,
            answers: AHEAD_AT_START,
            outstanding: 0,
            in_commit: 0,
            recorded_bound: None,
            measured_from: None,
            measured_answers: 0,
        }
    }

    /// Most segments that can be in doubt after a crash.
    pub(crate) const fn bound(&self) -> u32 {
        self.window + self.ahead + self.answers + self.overshoot
    }

    /// The bound, if the journal does not know it yet. It must be recorded no later than the
    /// first intent that needs it.
    pub(crate) fn bound_to_record(&mut self) -> Option<u32> {
        let bound = self.bound();
        let news = self.recorded_bound != Some(bound);
        self.recorded_bound = Some(bound);
        news.then_some(bound)
    }

    /// Segments that may get an intent now. `n_queued`: durable intents that the pipeline has
    /// not written yet.
    pub(crate) fn room(&self, n_queued: u32) -> u32 {
        let within_bound = (self.bound() - self.overshoot).saturating_sub(self.outstanding);
        let ahead = self.ahead.saturating_sub(self.in_commit + n_queued);
        within_bound.min(ahead)
    }

    /// Segments whose turn comes before one that gets its intent now.
    pub(crate) const fn ahead_of(&self, n_queued: u32) -> u32 {
        self.in_commit + n_queued
    }

    /// What the carrier takes at most, where that is known.
    pub(crate) const fn rate(&self) -> Option<Rate> {
        self.rate
    }

    /// Another rate from here on, if any.
    pub(crate) const fn set_rate(&mut self, rate: Option<Rate>) {
        self.rate = rate;
    }

    pub(crate) const fn outstanding(&self) -> u32 {
        self.outstanding
    }

    pub(crate) const fn intent(&mut self, n_segments: u32) {
        self.outstanding += n_segments;
        self.in_commit += n_segments;
    }

    pub(crate) const fn intents_durable(&mut self, n_segments: u32) {
        self.in_commit = self.in_commit.saturating_sub(n_segments);
    }

    /// Answers (or anything else that ends the doubt) are durable.
    pub(crate) const fn settled(&mut self, n_segments: u32) {
        self.outstanding = self.outstanding.saturating_sub(n_segments);
    }

    /// Answers arrived at `now`; a record takes `commit` from hand-over to durable. From both
    /// follows how much must be ahead so that the wire never waits for the disk.
    pub(crate) fn answered(&mut self, now: Instant, n_segments: u32, commit: Duration) {
        self.measured_answers += n_segments;
        let from = *self.measured_from.get_or_insert(now);
        let elapsed = now.saturating_duration_since(from);
        if elapsed < MEASURE {
            return;
        }
        let per_s = f64::from(self.measured_answers) / elapsed.as_secs_f64();
        (self.measured_from, self.measured_answers) = (Some(now), 0);
        let per_commit = per_s * commit.as_secs_f64();
        // An intent waits for the commit under way and for its own; an answer for one.
        self.ahead = self.grown(self.ahead, 3.0 * per_commit);
        self.answers = self.grown(self.answers, 2.0 * per_commit);
    }

    /// Grows only: the bound that a person was shown stays true.
    fn grown(&self, now: u32, wanted: f64) -> u32 {
        // A rated lane never needs more than a tenth of a second ahead.
        let cap =
            self.rate.map_or(AHEAD_MAX, |rate| (rate.as_per_sec() / 10.0).ceil().min(f64::from(AHEAD_MAX)) as u32);
        now.max((wanted.ceil().min(f64::from(AHEAD_MAX)) as u32).min(cap))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outstanding_never_passes_the_bound() {
        let mut lane = LaneLimits::new(CarrierIndex(0), 10, 1, None);
        assert_eq!(lane.bound_to_record(), Some(42));
        assert_eq!(lane.bound_to_record(), None);
        assert_eq!(lane.room(0), 16);
        lane.intent(16);
        assert_eq!(lane.room(0), 0);
        lane.intents_durable(16);
        assert_eq!((lane.room(16), lane.room(6)), (0, 10));
        lane.intent(10);
        lane.intents_durable(10);
        lane.intent(16);
        lane.intents_durable(16);
        assert_eq!((lane.outstanding(), lane.room(0)), (42, 0));
        lane.settled(2);
        assert_eq!(lane.room(0), 2);
    }

    #[test]
    fn a_faster_wire_is_fed_further_ahead_and_the_bound_only_grows() {
        let mut lane = LaneLimits::new(CarrierIndex(0), 10, 1, None);
        let start = volley_core::Clock::now(&volley_core::SystemClock);
        let commit = Duration::from_millis(2);
        lane.answered(start, 0, commit);
        lane.answered(start + MEASURE, 5_000, commit);
        let grown = lane.bound();
        assert!(grown > 42 + 900, "100,000/s and 2 ms need some 1,000: {grown}");
        lane.answered(start + 2 * MEASURE, 1, commit);
        assert_eq!(lane.bound(), grown);
        assert_eq!(lane.bound_to_record(), Some(grown));
    }

    #[test]
    fn a_rated_lane_is_not_fed_far_ahead() {
        let mut lane = LaneLimits::new(CarrierIndex(0), 10, 1, "100/s".parse().ok());
        let start = volley_core::Clock::now(&volley_core::SystemClock);
        lane.answered(start, 0, Duration::from_secs(1));
        lane.answered(start + MEASURE, 5_000, Duration::from_secs(1));
        assert_eq!(lane.bound(), 10 + 16 + 16);
    }
}
