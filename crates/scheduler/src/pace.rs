//! How fast a campaign may be over time, and whether it can be done in time.

use std::time::Duration;

/// What changes a campaign's rate while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Pace {
    /// Segments per second at most; `None` for no limit of the campaign's own.
    pub full_per_sec: Option<f64>,
    /// Begins slower.
    pub ramp: Option<Ramp>,
    /// Whether what is left is spread evenly over the time that is left.
    pub spread: bool,
}

/// A rate that grows evenly to the full one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ramp {
    /// Segments per second at the beginning.
    pub from_per_sec: f64,
    /// How far until it is full.
    pub over: Over,
}

/// What a ramp counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// Time since the campaign began.
    Time(Duration),
    /// Messages delivered.
    Delivered(u64),
}

/// What is left to do, and in which time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    /// Segments that were not begun.
    pub n_left: u64,
    /// Time until the deadline in which sending is allowed.
    pub open_left: Duration,
}

/// Whether a deadline can be kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outlook {
    /// Segments per second that it takes; infinite when something is left and no time.
    pub needed_per_sec: f64,
    /// Segments per second that are possible at most, where that is known.
    pub possible_per_sec: Option<f64>,
    /// Segments that will not have been begun in time.
    pub n_short: u64,
    /// How much more open time it takes.
    pub late_by: Duration,
}

impl Pace {
    /// The slowest rate that is ever set: a campaign never stands still because of its pace.
    const SLOWEST_PER_SEC: f64 = 1.0 / 3_600.0;

    /// Whether the rate is the same all the time.
    #[must_use]
    pub const fn is_constant(&self) -> bool {
        self.ramp.is_none() && !self.spread
    }

    /// Segments per second allowed now; `None` for no limit. `since_start`: since the campaign
    /// began; `deadline`: what `spread` divides.
    #[must_use]
    pub fn rate(&self, since_start: Duration, n_delivered: u64, deadline: Option<Deadline>) -> Option<f64> {
        let ramped = match (self.ramp, self.full_per_sec) {
            (Some(ramp), Some(full)) => Some(ramp.rate(full, since_start, n_delivered)),
            (Some(_) | None, full) => full,
        };
        let spread = deadline.filter(|_| self.spread).map(|deadline| deadline.needed_per_sec());
        let slower = match (ramped, spread) {
            (Some(ramped), Some(spread)) => Some(ramped.min(spread)),
            (ramped, spread) => ramped.or(spread),
        };
        slower.filter(|rate| rate.is_finite()).map(|rate| rate.max(Self::SLOWEST_PER_SEC))
    }
}

impl Ramp {
    fn rate(self, full: f64, since_start: Duration, n_delivered: u64) -> f64 {
        let share = match self.over {
            Over::Time(over) if over.is_zero() => 1.0,
            Over::Time(over) => since_start.as_secs_f64() / over.as_secs_f64(),
            Over::Delivered(0) => 1.0,
            Over::Delivered(over) => n_delivered as f64 / over as f64,
        };
        self.from_per_sec + (full - self.from_per_sec) * share.clamp(0.0, 1.0)
    }
}

impl Deadline {
    /// Segments per second that it takes from now on.
    #[must_use]
    pub fn needed_per_sec(self) -> f64 {
        if self.n_left == 0 {
            return 0.0;
        }
        self.n_left as f64 / self.open_left.as_secs_f64()
    }

    /// Whether it can be kept at `possible_per_sec`.
    #[must_use]
    pub fn outlook(self, possible_per_sec: Option<f64>) -> Outlook {
        let needed_per_sec = self.needed_per_sec();
        let possible = possible_per_sec.unwrap_or(if self.open_left.is_zero() { 0.0 } else { f64::INFINITY });
        let done = (possible * self.open_left.as_secs_f64()).min(self.n_left as f64);
        let n_short = self.n_left.saturating_sub(done.floor() as u64);
        let late_by = match n_short {
            0 => Duration::ZERO,
            _ => Duration::try_from_secs_f64(n_short as f64 / possible).unwrap_or(Duration::MAX),
        };
        Outlook { needed_per_sec, possible_per_sec, n_short, late_by }
    }
}

impl Outlook {
    /// Whether it can be kept.
    #[must_use]
    pub const fn is_feasible(&self) -> bool {
        self.n_short == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn pace(ramp: Option<Over>, spread: bool) -> Pace {
        let ramp = ramp.map(|over| Ramp { from_per_sec: 10.0, over });
        Pace { full_per_sec: Some(110.0), ramp, spread }
    }

    #[test]
    fn a_ramp_grows_evenly_by_time_or_by_what_was_delivered() {
        let by_time = pace(Some(Over::Time(HOUR)), false);
        let at = |part: u32| by_time.rate(HOUR * part / 4, 0, None).unwrap();
        assert_eq!([at(0), at(1), at(2), at(4), at(9)], [10.0, 35.0, 60.0, 110.0, 110.0]);
        let by_delivered = pace(Some(Over::Delivered(1_000)), false);
        let at = |n| by_delivered.rate(HOUR * 9, n, None).unwrap();
        assert_eq!([at(0), at(500), at(5_000)], [10.0, 60.0, 110.0]);
        assert!(pace(None, false).is_constant() && !by_time.is_constant());
    }

    #[test]
    fn what_is_left_is_spread_over_the_open_time_that_is_left() {
        let spread = pace(None, true);
        let rate = |n_left, open_left| spread.rate(HOUR, 0, Some(Deadline { n_left, open_left })).unwrap();
        assert_eq!(rate(36_000, HOUR), 10.0);
        assert_eq!(rate(36_000, HOUR / 2), 20.0);
        assert_eq!(rate(36_000, Duration::ZERO), 110.0, "the full rate is the most");
        assert!(rate(0, HOUR) > 0.0);
    }

    #[test]
    fn an_outlook_says_by_how_much() {
        let deadline = Deadline { n_left: 7_200, open_left: HOUR };
        assert!(deadline.outlook(Some(2.0)).is_feasible() && deadline.outlook(None).is_feasible());
        let outlook = deadline.outlook(Some(1.5));
        assert_eq!((outlook.needed_per_sec, outlook.n_short, outlook.late_by), (2.0, 1_800, HOUR / 3));
        let over = Deadline { n_left: 5, open_left: Duration::ZERO }.outlook(Some(1.0));
        assert_eq!((over.n_short, over.late_by, over.is_feasible()), (5, Duration::from_secs(5), false));
    }
}
