//! What an account does when the carrier says "too fast": stops at once, goes on a little below
//! what the carrier was seen to take, and finds its way back up (HANDBOOK A.5).
//!
//! Additive increase and multiplicative decrease alone would lose a second of sending again and
//! again. As a carrier that polices tells us its rate by what it accepts, the first cut goes
//! right below that; then the ceiling rests, climbs slowly to where it was refused, and faster
//! beyond, since that was some time ago.

use std::time::{Duration, Instant};

/// Accepted answers are counted in slots of this length, over a second.
const SLOT: Duration = Duration::from_millis(50);
const N_SLOTS: usize = 20;
/// How far below what was accepted we go on.
const BELOW: f64 = 0.95;
/// How long the ceiling rests after a cut.
const REST: Duration = Duration::from_secs(5);
/// Climb up to where the last cut was, in a second.
const CLIMB_KNOWN: f64 = 0.01;
/// Climb beyond.
const CLIMB_UNKNOWN: f64 = 0.10;
/// A ceiling so far above what we send limits nothing any more.
const FORGET_ABOVE: f64 = 2.0;
/// No ceiling is lower, in segments per second.
const FLOOR: f64 = 1.0;
/// Fewer acceptances than this are no measure of what the carrier takes in a second.
const FEW: f64 = 10.0;
/// A pause after the first cut is so many segments long, at least [`PAUSE_MIN`].
const PAUSE_SEGMENTS: f64 = 5.0;
const PAUSE_MIN: Duration = Duration::from_millis(20);
/// `RMSGQFUL` may concern one destination alone: it counts above this share of a second's answers.
const QUEUE_FULL_SHARE: f64 = 0.02;
/// Until the next question, when next to nothing is missing.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);
/// What a timer that rings late may send back to back.
const LATENESS: Duration = Duration::from_millis(4);

/// Answers of one turn of one session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct TurnAnswers {
    pub(crate) n_accepted: u32,
    /// 0x58.
    pub(crate) n_throttled: u32,
    /// 0x14.
    pub(crate) n_queue_full: u32,
    /// How long ago the last written of the throttled ones was written.
    pub(crate) youngest: Duration,
}

/// One account's ceiling.
#[derive(Debug)]
pub(crate) struct Throttle {
    /// The first pause.
    pause: Duration,
    ceiling: Option<Ceiling>,
    paused_until: Option<Instant>,
    accepted: Meter,
    queue_full: Meter,
    sent: Meter,
    /// When sending began, after a second without.
    sending_since: Instant,
}

#[derive(Debug)]
struct Ceiling {
    per_sec: f64,
    /// Where the carrier refused.
    refused_at: f64,
    cut: Instant,
    renewed: Instant,
    tokens: f64,
}

/// Counts over the last second.
#[derive(Debug)]
struct Meter {
    start: Instant,
    slots: [u32; N_SLOTS],
    /// Number of the newest slot since `start`.
    newest: u64,
}

impl Meter {
    const fn new(start: Instant) -> Self {
        Self { start, slots: [0; N_SLOTS], newest: 0 }
    }

    fn advance(&mut self, now: Instant) {
        let newest = (now.saturating_duration_since(self.start).as_micros() / SLOT.as_micros()) as u64;
        let n_passed = newest.saturating_sub(self.newest).min(N_SLOTS as u64);
        for n in 1..=n_passed {
            if let Some(slot) = self.slots.get_mut(((self.newest + n) % N_SLOTS as u64) as usize) {
                *slot = 0;
            }
        }
        // After a long silence all slots are empty, whatever their place.
        self.newest = self.newest.max(newest);
    }

    fn add(&mut self, now: Instant, n: u32) {
        self.advance(now);
        if let Some(slot) = self.slots.get_mut((self.newest % N_SLOTS as u64) as usize) {
            *slot += n;
        }
    }

    fn last_second(&mut self, now: Instant) -> f64 {
        self.advance(now);
        self.slots.iter().map(|n| f64::from(*n)).sum()
    }
}

impl Throttle {
    /// `pause`: after the first throttled answer.
    pub(crate) const fn new(pause: Duration, now: Instant) -> Self {
        Self {
            pause,
            ceiling: None,
            paused_until: None,
            accepted: Meter::new(now),
            queue_full: Meter::new(now),
            sent: Meter::new(now),
            sending_since: now,
        }
    }

    /// Segments per second that we keep below, while the carrier's refusals are the reason.
    pub(crate) fn ceiling_per_sec(&self) -> Option<f64> {
        self.ceiling.as_ref().map(|ceiling| ceiling.per_sec)
    }

    /// Answers arrived.
    pub(crate) fn on_answers(&mut self, now: Instant, answers: TurnAnswers) {
        self.accepted.add(now, answers.n_accepted);
        if answers.n_queue_full > 0 {
            self.queue_full.add(now, answers.n_queue_full);
        }
        let share = QUEUE_FULL_SHARE * self.accepted.last_second(now);
        let is_queue_full = answers.n_queue_full > 0 && self.queue_full.last_second(now) > share;
        if answers.n_throttled > 0 || is_queue_full {
            self.cut(now, answers.youngest);
        }
    }

    fn cut(&mut self, now: Instant, youngest: Duration) {
        let measured = self.accepted.last_second(now).max(FLOOR);
        let (refused_at, pause) = match &self.ceiling {
            // Written before we slowed down: old news.
            Some(ceiling) if now.checked_sub(youngest).is_none_or(|written| written <= ceiling.cut) => return,
            Some(ceiling) => {
                let refused_at = ceiling.per_sec.min(measured);
                let pause = Duration::from_secs_f64(PAUSE_SEGMENTS / refused_at);
                (refused_at, pause.clamp(PAUSE_MIN.min(self.pause), self.pause))
            }
            None if measured >= FEW => (measured, self.pause),
            None => (measured.max(self.half_of_begun_second(now)), self.pause),
        };
        let per_sec = (refused_at * BELOW).max(FLOOR);
        self.paused_until = Some(now + pause);
        self.ceiling = Some(Ceiling { per_sec, refused_at, cut: now, renewed: now, tokens: 0.0 });
    }

    /// In the first second of sending a handful of acceptances says little: one refusal after two
    /// messages is no rate of two a second. Half of what we sent is the classic cut; were it still
    /// too much, the next refusal finds a whole second to go by.
    fn half_of_begun_second(&mut self, now: Instant) -> f64 {
        let sending_for = now.saturating_duration_since(self.sending_since);
        if sending_for >= Duration::from_secs(1) {
            return 0.0;
        }
        self.sent.last_second(now) / sending_for.max(SLOT).as_secs_f64() / 2.0
    }

    /// Takes up to `want` segments; if fewer, says when to ask again.
    pub(crate) fn take(&mut self, now: Instant, want: u32) -> (u32, Option<Instant>) {
        if let Some(until) = self.paused_until.filter(|until| *until > now) {
            return (0, Some(until));
        }
        self.paused_until = None;
        let sent_last_second = self.sent.last_second(now);
        if sent_last_second == 0.0 {
            self.sending_since = now;
        }
        let Some(ceiling) = &mut self.ceiling else {
            self.sent.add(now, want);
            return (want, None);
        };
        ceiling.renew(now);
        if ceiling.per_sec > FORGET_ABOVE * sent_last_second.max(ceiling.refused_at) {
            self.ceiling = None;
            self.sent.add(now, want);
            return (want, None);
        }
        let granted = want.min(ceiling.tokens as u32);
        ceiling.tokens -= f64::from(granted);
        let missing = 1.0 - ceiling.tokens.fract();
        // Never at once: a remainder lost to rounding would be asked for again and again.
        let wait = Duration::from_secs_f64(missing / ceiling.per_sec).max(SHORTEST_WAIT);
        let retry_at = (granted < want).then(|| now + wait);
        self.sent.add(now, granted);
        (granted, retry_at)
    }

    /// These were taken and not used.
    pub(crate) fn give_back(&mut self, n_segments: u32) {
        if let Some(ceiling) = &mut self.ceiling {
            ceiling.tokens += f64::from(n_segments);
        }
    }
}

impl Ceiling {
    fn renew(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.renewed).as_secs_f64();
        self.renewed = now;
        let most = (self.per_sec * LATENESS.as_secs_f64()).max(0.0) + 1.0;
        self.tokens = (self.tokens + passed * self.per_sec).min(most);
        if now >= self.cut + REST {
            let climb = if self.per_sec < self.refused_at { CLIMB_KNOWN } else { CLIMB_UNKNOWN };
            self.per_sec *= 1.0 + climb * passed;
        }
    }
}

#[cfg(test)]
mod tests {
    use volley_core::{Clock, SystemClock};

    use super::*;

    /// A carrier that polices by a true sliding second, with answers after 20 ms.
    struct Police {
        per_sec: usize,
        accepted: Vec<u64>,
        open: std::collections::VecDeque<(u64, bool)>,
    }

    const LATENCY_MS: u64 = 20;

    struct Outcome {
        ms: u64,
        n_throttled: u32,
        n_accepted: u32,
    }

    /// Sends `n` messages at `rate` per second at most, `window` open at once; what is throttled
    /// goes out again.
    fn run(throttle: &mut Throttle, start: Instant, police: &mut Police, n: u32, rate: f64, window: usize) -> Outcome {
        let (mut left, mut outcome) = (n, Outcome { ms: 0, n_throttled: 0, n_accepted: 0 });
        let mut tokens = 1.0_f64;
        while outcome.n_accepted < n {
            outcome.ms += 1;
            let now = start + Duration::from_millis(outcome.ms);
            let mut answers = TurnAnswers { youngest: Duration::from_millis(LATENCY_MS), ..TurnAnswers::default() };
            while let Some((written, taken)) = police.open.front().copied() {
                if written + LATENCY_MS > outcome.ms {
                    break;
                }
                police.open.pop_front();
                if taken {
                    answers.n_accepted += 1;
                } else {
                    answers.n_throttled += 1;
                    left += 1;
                }
            }
            outcome.n_accepted += answers.n_accepted;
            outcome.n_throttled += answers.n_throttled;
            throttle.on_answers(now, answers);
            tokens = (tokens + rate / 1_000.0).min(2.0_f64.max(rate / 250.0));
            let want = left.min((window - police.open.len()) as u32).min(tokens as u32);
            let granted = if want == 0 { 0 } else { throttle.take(now, want).0 };
            left -= granted;
            tokens -= f64::from(granted);
            for _ in 0..granted {
                let in_second = police.accepted.iter().rev().take_while(|at| **at + 1_000 > outcome.ms).count();
                let taken = in_second < police.per_sec;
                if taken {
                    police.accepted.push(outcome.ms);
                }
                police.open.push_back((outcome.ms, taken));
            }
            assert!(outcome.ms < 600_000, "it ends");
        }
        outcome
    }

    #[test]
    fn a_thousand_messages_pass_an_smsc_that_polices_fifty_a_second_in_24_s() {
        for window in [1, 5, 10, 50] {
            let start = SystemClock.now();
            let mut throttle = Throttle::new(Duration::from_secs(1), start);
            let mut police = Police { per_sec: 50, accepted: Vec::new(), open: Default::default() };
            let outcome = run(&mut throttle, start, &mut police, 1_000, 200.0, window);
            let n_answers = outcome.n_throttled + outcome.n_accepted;
            let share = f64::from(outcome.n_throttled) / f64::from(n_answers);
            assert!(outcome.ms <= 24_000, "window {window}: {} ms", outcome.ms);
            assert!(share < 0.05, "window {window}: {} throttled", outcome.n_throttled);
        }
    }

    #[test]
    fn an_early_refusal_is_no_rate() {
        let start = SystemClock.now();
        let mut throttle = Throttle::new(Duration::from_secs(1), start);
        let at = |ms| start + Duration::from_millis(ms);
        // Sending begins long after the carrier was started, at 200/s.
        for n in 0..20 {
            assert_eq!(throttle.take(at(60_000 + 5 * n), 1), (1, None));
        }
        throttle.on_answers(at(60_050), TurnAnswers { n_accepted: 4, ..TurnAnswers::default() });
        throttle.on_answers(at(60_100), TurnAnswers { n_throttled: 1, ..TurnAnswers::default() });
        let ceiling = throttle.ceiling_per_sec().unwrap();
        assert!((90.0..=100.0).contains(&ceiling), "{ceiling}");
    }

    #[test]
    fn the_way_back_up_takes_less_than_a_minute() {
        let start = SystemClock.now();
        let mut throttle = Throttle::new(Duration::from_secs(1), start);
        let mut police = Police { per_sec: 100, accepted: Vec::new(), open: Default::default() };
        let down = run(&mut throttle, start, &mut police, 20_000, 1_000.0, 100);
        assert!(throttle.ceiling_per_sec().is_some_and(|ceiling| (85.0..115.0).contains(&ceiling)), "{throttle:?}");
        let share = f64::from(down.n_throttled) / 20_000.0;
        assert!(share < 0.05, "{share}");
        // The carrier relents; a new clock begins where the old one ended.
        let start = start + Duration::from_millis(down.ms);
        let mut police = Police { per_sec: 10_000, accepted: Vec::new(), open: Default::default() };
        run(&mut throttle, start, &mut police, 1_000 * 40, 1_000.0, 100);
        let ceiling = throttle.ceiling_per_sec();
        assert!(ceiling.is_none_or(|ceiling| ceiling >= 950.0), "{ceiling:?}");
    }

    #[test]
    fn a_stray_full_queue_slows_nothing_but_many_do() {
        let start = SystemClock.now();
        let mut throttle = Throttle::new(Duration::from_secs(1), start);
        let at = |ms| start + Duration::from_millis(ms);
        let stray = TurnAnswers { n_accepted: 100, n_queue_full: 1, ..TurnAnswers::default() };
        throttle.on_answers(at(100), stray);
        assert_eq!(throttle.take(at(100), 9), (9, None));
        throttle.on_answers(at(200), TurnAnswers { n_queue_full: 10, ..TurnAnswers::default() });
        assert_eq!(throttle.take(at(200), 9), (0, Some(at(1_200))));
        assert_eq!(throttle.ceiling_per_sec(), Some(95.0));
    }

    #[test]
    fn what_was_written_before_the_cut_cuts_no_deeper() {
        let start = SystemClock.now();
        let mut throttle = Throttle::new(Duration::from_secs(1), start);
        let at = |ms| start + Duration::from_millis(ms);
        throttle.on_answers(at(100), TurnAnswers { n_accepted: 100, ..TurnAnswers::default() });
        let late = |ms| TurnAnswers { n_throttled: 5, youngest: Duration::from_millis(ms), ..TurnAnswers::default() };
        throttle.on_answers(at(200), late(50));
        let ceiling = throttle.ceiling_per_sec();
        throttle.on_answers(at(300), late(100));
        throttle.on_answers(at(900), late(800));
        assert_eq!(throttle.ceiling_per_sec(), ceiling);
        throttle.on_answers(at(2_000), late(10));
        assert!(throttle.ceiling_per_sec() < ceiling);
    }
}
