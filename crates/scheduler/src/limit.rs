//! One rate limit, over governor's GCRA.

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use governor::{
    Quota, RateLimiter,
    clock::Clock,
    middleware::NoOpMiddleware,
    nanos::Nanos,
    state::{NotKeyed, StateStore},
};
use volley_core::Rate;

/// How long a caller may be late without losing its turn: timers tick at a millisecond, and the
/// system lets tasks wait.
const LATENESS: Duration = Duration::from_millis(4);

/// Below this many segments a second, a segment is counted in [`FINE_CELLS`] cells.
const FINE_BELOW_PER_SEC: f64 = 250.0;
/// Cells of one segment at low rates: lateness is less than a segment there.
const FINE_CELLS: u32 = 64;

/// A rate that holds in every sliding second, with the time as an argument.
///
/// GCRA with a burst of `b` lets no more than `rate x t + b` pass in any time `t`, and loses what
/// a caller that comes late did not take. A burst of 1 and timers that tick at a millisecond
/// would lose 1 % of 10/s and half of 1,000/s. So the burst inside is larger by what comes due
/// in [`LATENESS`]; where that is a segment or more, the rate inside is smaller by as many: any
/// sliding second still holds no more than the rate and the burst asked for, and the long run
/// stays within half a percent below the rate. Where it is less than a segment, segments are
/// counted in fractions.
pub struct Limit {
    name: Arc<str>,
    /// `None` lets everything pass.
    gauge: Option<Gauge>,
    level: Level,
    at: At,
    start: Instant,
}

/// A rate and a burst, as governor counts them.
struct Gauge {
    limiter: RateLimiter<NotKeyed, Level, At, NoOpMiddleware<Duration>>,
    /// Most segments that pass at once.
    burst: u32,
    /// Cells that governor counts for a segment.
    cells: u32,
    /// Time from one cell to the next, and the cells that pass at once.
    period: Duration,
    burst_cells: u32,
}

impl Gauge {
    /// `rate`: segments per second, above 0.
    fn new(rate: f64, burst: NonZeroU32, level: &Level, at: &At) -> Self {
        let late = rate * LATENESS.as_secs_f64();
        let cells = if rate < FINE_BELOW_PER_SEC { FINE_CELLS } else { 1 };
        // `late` is at most 0.4 % of the rate, so a rate is left.
        let interval_ns = 1e9 / (rate - late.floor()) / f64::from(cells);
        let period = Duration::from_nanos(interval_ns.ceil() as u64);
        let lent = (late * f64::from(cells)).floor() as u32;
        let burst_cells = burst.saturating_mul(NonZeroU32::MIN.saturating_add(cells - 1)).saturating_add(lent);
        let burst = burst.get() + late.floor() as u32;
        let quota = Quota::with_period(period).unwrap_or_else(|| Quota::per_second(NonZeroU32::MIN));
        // governor counts levels from when a limiter was made: they count from the beginning.
        at.set(Duration::ZERO);
        let limiter = RateLimiter::new(quota.allow_burst(burst_cells), level.clone(), at.clone());
        Self { limiter, burst, cells, period, burst_cells: burst_cells.get() }
    }
}

impl Limit {
    /// A limit that starts full at `now`. `name` says which it is, for people: "campaign rate
    /// 500/s".
    #[must_use]
    pub fn new(name: String, rate: Rate, burst: NonZeroU32, now: Instant) -> Self {
        let mut limit = Self::open(now);
        limit.name = name.into();
        limit.gauge = Some(Gauge::new(rate.as_per_sec(), burst, &limit.level, &limit.at));
        limit
    }

    /// No limit, until [`Limit::change`] makes it one.
    #[must_use]
    pub fn open(now: Instant) -> Self {
        Self { name: "".into(), gauge: None, level: Level::default(), at: At::default(), start: now }
    }

    /// Another rate from `now` on, or none. The limit is empty then: the first segment passes after
    /// one interval, so that a change never lets a burst out.
    pub fn change(&mut self, name: String, rate: Option<Rate>, burst: NonZeroU32, now: Instant) {
        self.name = name.into();
        self.gauge = rate.map(|rate| Gauge::new(rate.as_per_sec(), burst, &self.level, &self.at));
        if let Some(gauge) = &self.gauge {
            // One segment passes when the level lies no further ahead than the burst less its own cells.
            let empty = now.saturating_duration_since(self.start) + gauge.period * gauge.burst_cells;
            self.level.0.store(u64::try_from(empty.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }

    /// Another rate from here on, in segments per second above 0; what was taken stays taken, so that
    /// a rate that changes all the time gives no burst. `name` as in [`Limit::new`].
    pub fn set_rate(&mut self, name: String, per_sec: f64, burst: NonZeroU32) {
        self.name = name.into();
        self.gauge = Some(Gauge::new(per_sec, burst, &self.level, &self.at));
    }

    /// Which limit it is.
    #[must_use]
    pub fn name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }

    /// Takes up to `want` at `now`; gives how many, and when the next may pass if not all did.
    pub(crate) fn take(&self, now: Instant, want: u32) -> (u32, Option<Instant>) {
        let Some(gauge) = &self.gauge else { return (want, None) };
        self.at.set(now.saturating_duration_since(self.start));
        let mut taken = 0;
        // Binary steps: a level of the whole burst costs one call, an empty one a few.
        let mut step = want.min(gauge.burst);
        while taken < want && step > 0 {
            step = step.min(want - taken);
            let n = NonZeroU32::new(step * gauge.cells).unwrap_or(NonZeroU32::MIN);
            match gauge.limiter.check_n(n) {
                Ok(Ok(())) => taken += step,
                Ok(Err(not_until)) if step == 1 => {
                    return (taken, Some(self.start + not_until.earliest_possible()));
                }
                Ok(Err(_)) | Err(_) => step /= 2,
            }
        }
        (taken, None)
    }

    /// The level before something was taken, to put it back.
    pub(crate) fn level(&self) -> SavedLevel {
        SavedLevel(self.level.0.load(Ordering::Relaxed))
    }

    pub(crate) fn restore(&self, level: SavedLevel) {
        self.level.0.store(level.0, Ordering::Relaxed);
    }
}

/// See [`Limit::level`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct SavedLevel(u64);

/// governor's state where it can be saved and put back: a limit must lose nothing when another
/// one refuses. 0 is "nothing taken yet". Who changes it holds the limit's lock.
#[derive(Debug, Clone, Default)]
struct Level(Arc<AtomicU64>);

impl StateStore for Level {
    type Key = NotKeyed;

    fn measure_and_replace<T, F, E>(&self, _key: &NotKeyed, f: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let level = self.0.load(Ordering::Relaxed);
        let (decision, next) = f((level > 0).then(|| Nanos::from(level)))?;
        self.0.store(next.as_u64(), Ordering::Relaxed);
        Ok(decision)
    }
}

/// The time that the caller says it is, since the limit began.
#[derive(Debug, Clone, Default)]
struct At(Arc<AtomicU64>);

impl At {
    fn set(&self, since_start: Duration) {
        self.0.store(u64::try_from(since_start.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

impl Clock for At {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use volley_core::Clock as _;

    /// Simulated time: a caller that wakes for each turn up to `late_us` late, and takes all it
    /// can. Gives when each segment left, in µs.
    fn departures(rate: &str, late_us: u64, n: usize, seed: u64) -> Vec<u64> {
        let start = volley_core::SystemClock.now();
        let limit = Limit::new("test".to_owned(), rate.parse().unwrap(), NonZeroU32::MIN, start);
        let (mut now, mut random, mut left) = (start, seed | 1, Vec::new());
        while left.len() < n {
            let (taken, next) = limit.take(now, 10_000);
            let at = now.duration_since(start).as_micros() as u64;
            left.extend(std::iter::repeat_n(at, taken as usize));
            random = random.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
            let late = if late_us == 0 { 0 } else { (random >> 33) % late_us };
            now = next.unwrap_or(now).max(now) + Duration::from_micros(late);
        }
        left
    }

    fn most_in(window_us: u64, departures: &[u64]) -> usize {
        let (mut from, mut most) = (0, 0);
        for (to, at) in departures.iter().enumerate() {
            while departures[from] + window_us <= *at {
                from += 1;
            }
            most = most.max(to - from + 1);
        }
        most
    }

    #[test]
    fn every_rate_holds_in_any_second_and_in_the_long_run() {
        for (rate, per_s) in [
            ("1/min", 1.0_f64 / 60.0),
            ("1/s", 1.0),
            ("10/s", 10.0),
            ("100/s", 100.0),
            ("300/s", 300.0),
            ("999/s", 999.0),
            ("1000/s", 1e3),
            ("10000/s", 1e4),
            ("50000/s", 5e4),
            ("200000/s", 2e5),
        ] {
            for late_us in [0, 500, 2_000] {
                let seed = late_us + per_s as u64;
                let n = (per_s * 20.0).clamp(100.0, 400_000.0) as usize;
                let left = departures(rate, late_us, n, seed);
                let most = most_in(1_000_000, &left);
                assert!(
                    most as f64 <= per_s.max(1.0) + 1.0,
                    "{rate}, {late_us} us late, seed {seed}: {most} in a second"
                );
                let took_s = (left[n - 1] - left[0]) as f64 / 1e6;
                let reached = (n - 1) as f64 / took_s;
                assert!(reached <= per_s * 1.0 + 2.0 / took_s, "{rate}, {late_us} us late: {reached}/s");
                assert!(reached >= per_s * 0.995, "{rate}, {late_us} us late, seed {seed}: only {reached}/s");
            }
        }
    }

    #[test]
    fn a_rate_that_changes_all_the_time_gives_no_burst() {
        let start = volley_core::SystemClock.now();
        let mut limit = Limit::new("test".to_owned(), "10/s".parse().unwrap(), NonZeroU32::MIN, start);
        let mut left = Vec::new();
        for ms in 0..20_000_u64 {
            if ms % 200 == 0 {
                let per_sec = if ms % 400 == 0 { 10.0 } else { 40.0 };
                limit.set_rate(format!("{per_sec}/s"), per_sec, NonZeroU32::MIN);
            }
            let (taken, _) = limit.take(start + Duration::from_millis(ms), 100);
            left.extend(std::iter::repeat_n(ms * 1_000, taken as usize));
        }
        assert!((450..=502).contains(&left.len()), "25/s on average: {}", left.len());
        assert!(most_in(1_000_000, &left) <= 30, "{}", most_in(1_000_000, &left));
    }

    #[test]
    fn a_changed_rate_lets_no_burst_out_and_holds_from_then_on() {
        for (from, to) in [("1000/s", "100/s"), ("100/s", "1000/s"), ("1/min", "500/s"), ("200000/s", "10/s")] {
            let start = volley_core::SystemClock.now();
            let mut limit = Limit::new("test".to_owned(), from.parse().unwrap(), NonZeroU32::MIN, start);
            let _ = limit.take(start, 1_000);
            let rate: Rate = to.parse().unwrap();
            let changed_at = start + Duration::from_secs(10);
            limit.change("test".to_owned(), Some(rate), NonZeroU32::MIN, changed_at);
            let (mut now, mut left) = (changed_at, Vec::new());
            while left.len() < 500 {
                let (taken, next) = limit.take(now, 10_000);
                left.extend(std::iter::repeat_n(now.duration_since(changed_at).as_micros() as u64, taken as usize));
                now = next.unwrap_or(now).max(now) + Duration::from_micros(200);
            }
            let per_s = rate.as_per_sec();
            let first = left[0] as f64 / 1e6;
            assert!((0.8 / per_s..=1.2 / per_s + 0.001).contains(&first), "{from} to {to}: the first after {first} s");
            assert!(most_in(1_000_000, &left) as f64 <= per_s + 1.0, "{from} to {to}: {left:?}");
        }
        let mut limit = Limit::open(volley_core::SystemClock.now());
        assert_eq!(limit.take(limit.start, u32::MAX), (u32::MAX, None));
        limit.change("test".to_owned(), "1/s".parse().ok(), NonZeroU32::MIN, limit.start);
        assert_eq!(limit.take(limit.start, 10).0, 0);
        limit.change(String::new(), None, NonZeroU32::MIN, limit.start);
        assert_eq!(limit.take(limit.start, 10), (10, None));
    }

    #[test]
    fn a_hundred_a_second_are_evenly_spaced() {
        for seed in 0..20 {
            let left = departures("100/s", 2_000, 3_000, seed);
            assert!(most_in(100_000, &left) <= 11, "seed {seed}");
        }
    }
}
