//! The window that keeps a carrier busy, found from the time that its answers take.
//!
//! Answers slow down when the carrier queues what we send: more open submits then bring nothing
//! but more doubt after a cut. The window goes by the ratio of the shortest answer time to the
//! present one, plus its square root, which lets it try for more.

use std::time::{Duration, Instant};

/// A measurement takes so long, and
const PERIOD: Duration = Duration::from_millis(100);
/// so many answers.
const ANSWERS_MIN: u32 = 10;
/// Answers this much slower than the fastest are no sign of a queue.
const TOLERANCE: f64 = 1.5;
/// The shortest answer time is found anew after so long: the way to the carrier may change.
const FORGET: Duration = Duration::from_secs(60);
const START: f64 = 10.0;
/// How much of a measurement counts at once.
const SMOOTHING: f64 = 0.4;

#[derive(Debug)]
pub(super) struct AdaptiveWindow {
    limit: f64,
    cap: f64,
    shortest_us: f64,
    shortest_since: Instant,
    period_start: Instant,
    n_answers: u32,
    sum_us: f64,
    /// The window was full in this period: only then it says anything about the carrier.
    was_full: bool,
}

impl AdaptiveWindow {
    pub(super) fn new(cap: u32, now: Instant) -> Self {
        let cap = f64::from(cap);
        Self {
            limit: START.min(cap),
            cap,
            shortest_us: f64::INFINITY,
            shortest_since: now,
            period_start: now,
            n_answers: 0,
            sum_us: 0.0,
            was_full: false,
        }
    }

    pub(super) fn limit(&self) -> u32 {
        self.limit as u32
    }

    pub(super) fn answered(&mut self, micros: u32) {
        self.n_answers += 1;
        self.sum_us += f64::from(micros);
    }

    pub(super) const fn full(&mut self) {
        self.was_full = true;
    }

    /// The new limit, if a measurement is complete.
    pub(super) fn measure(&mut self, now: Instant) -> Option<u32> {
        if now < self.period_start + PERIOD || self.n_answers < ANSWERS_MIN {
            return None;
        }
        let mean_us = (self.sum_us / f64::from(self.n_answers)).max(1.0);
        if now > self.shortest_since + FORGET || mean_us < self.shortest_us {
            (self.shortest_us, self.shortest_since) = (mean_us, now);
        }
        if self.was_full {
            let ratio = (TOLERANCE * self.shortest_us / mean_us).clamp(0.5, 1.0);
            let wanted = self.limit * ratio + self.limit.sqrt();
            self.limit += SMOOTHING * (wanted - self.limit);
            self.limit = self.limit.clamp(1.0, self.cap);
        }
        (self.period_start, self.n_answers, self.sum_us, self.was_full) = (now, 0, 0.0, false);
        Some(self.limit())
    }
}

#[cfg(test)]
mod tests {
    use volley_core::{Clock, SystemClock};

    use super::*;

    /// A carrier that takes `latency_ms` for each and no more than `per_ms` at once in a
    /// millisecond. Gives the window after so many seconds, and the answers in the last.
    fn settle(cap: u32, latency_ms: u64, per_ms: u32, seconds: u64) -> (u32, u32) {
        let start = SystemClock.now();
        let mut window = AdaptiveWindow::new(cap, start);
        let (mut waiting, mut due) = (std::collections::VecDeque::new(), std::collections::VecDeque::new());
        let (mut n_open, mut limit, mut n_last_second) = (0_u32, window.limit(), 0);
        for ms in 0..seconds * 1_000 {
            for _ in 0..per_ms {
                due.extend(waiting.pop_front().map(|written| (written, ms + latency_ms)));
            }
            while let Some((written, _)) = due.pop_front_if(|(_, at)| *at <= ms) {
                window.answered((ms - written) as u32 * 1_000);
                n_open -= 1;
                n_last_second += u32::from(ms >= (seconds - 1) * 1_000);
            }
            while n_open < limit {
                waiting.push_back(ms);
                n_open += 1;
                window.full();
            }
            limit = window.measure(start + Duration::from_millis(ms)).unwrap_or(limit);
        }
        (limit, n_last_second)
    }

    #[test]
    fn the_window_grows_to_what_keeps_the_carrier_busy_and_not_much_further() {
        let (limit, per_s) = settle(1_000, 20, 1, 60);
        assert!((20..=70).contains(&limit), "1,000/s and 20 ms need 21: {limit}");
        assert!(per_s >= 950, "{per_s}");
        let (limit, per_s) = settle(1_000, 20, 10, 60);
        assert!((200..=500).contains(&limit), "10,000/s and 20 ms need 210: {limit}");
        assert!(per_s >= 9_500, "{per_s}");
    }

    #[test]
    fn an_unlimited_carrier_gets_the_whole_window() {
        assert_eq!(settle(100, 20, 1_000, 10).0, 100);
        assert_eq!(settle(1, 20, 1_000, 10).0, 1);
    }

    #[test]
    fn an_idle_window_stays_as_it_is() {
        let start = SystemClock.now();
        let mut window = AdaptiveWindow::new(100, start);
        for n in 1..100 {
            for _ in 0..20 {
                window.answered(1_000);
            }
            window.measure(start + PERIOD * n);
        }
        assert_eq!(window.limit(), 10);
    }
}
