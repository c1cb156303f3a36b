//! How long answers take, for people and for the adaptive window.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

/// How often the percentiles are renewed.
const PUBLISH: Duration = Duration::from_secs(1);
/// How long a measurement counts, at most.
const FORGET: Duration = Duration::from_secs(10);

/// Times from write to answer of the last ten seconds or less.
#[derive(Debug)]
pub(crate) struct AnswerTimes {
    /// Microseconds; `None` where it could not be made, which the constant bounds exclude.
    recent: Option<Histogram<u32>>,
    since: Instant,
    published: Instant,
}

impl AnswerTimes {
    pub(super) fn new(now: Instant) -> Self {
        // Up to an hour with two digits: 27 KiB.
        Self { recent: Histogram::new_with_bounds(1, 3_600_000_000, 2).ok(), since: now, published: now }
    }

    pub(super) fn record(&mut self, micros: u32) {
        if let Some(recent) = &mut self.recent {
            recent.saturating_record(u64::from(micros));
        }
    }

    /// Median and 99th percentile, when it is time to renew them.
    pub(crate) fn publish(&mut self, now: Instant) -> Option<(Option<u32>, Option<u32>)> {
        if now < self.published + PUBLISH {
            return None;
        }
        self.published = now;
        let recent = self.recent.as_mut()?;
        let value = |percentile| (!recent.is_empty()).then(|| recent.value_at_percentile(percentile) as u32);
        let percentiles = (value(50.0), value(99.0));
        if now >= self.since + FORGET {
            self.since = now;
            recent.reset();
        }
        Some(percentiles)
    }
}
