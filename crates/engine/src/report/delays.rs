//! How long answers and receipts took, and what happened when.

use hdrhistogram::Histogram;
use serde_json::{Value, json};

/// Longest delay kept apart, in ms: rows hold 32 bits of it.
const MAX_MS: u64 = u32::MAX as u64;
/// Digits that percentiles are exact to.
const DIGITS: u8 = 3;
/// Buckets of a chart at most.
const MAX_BUCKETS: usize = 240;

/// The percentiles that a report shows.
pub(super) const PERCENTILES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1.0)];

/// Answer and receipt delays, in ms.
#[derive(Default)]
pub(super) struct Delays {
    answer: Option<Histogram<u64>>,
    receipt: Option<Histogram<u64>>,
}

/// Percentiles of one kind of delay, in ms; `None` when there was none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Percentiles {
    pub(super) count: u64,
    pub(super) ms: Option<[u64; PERCENTILES.len()]>,
}

impl Delays {
    /// From the last intent of a row to its last answer.
    pub(super) fn answers(&mut self, ms: &[u32]) {
        record(&mut self.answer, ms);
    }

    /// From the last intent of a row to its final receipt.
    pub(super) fn receipts(&mut self, ms: &[u32]) {
        record(&mut self.receipt, ms);
    }

    pub(super) fn answer(&self) -> Percentiles {
        percentiles(self.answer.as_ref())
    }

    pub(super) fn receipt(&self) -> Percentiles {
        percentiles(self.receipt.as_ref())
    }
}

fn record(histogram: &mut Option<Histogram<u64>>, ms: &[u32]) {
    if histogram.is_none() && !ms.is_empty() {
        *histogram = Histogram::new_with_max(MAX_MS, DIGITS).ok();
    }
    if let Some(histogram) = histogram {
        ms.iter().for_each(|ms| histogram.saturating_record((*ms).into()));
    }
}

fn percentiles(histogram: Option<&Histogram<u64>>) -> Percentiles {
    let Some(histogram) = histogram.filter(|histogram| !histogram.is_empty()) else { return Percentiles::default() };
    let ms = PERCENTILES.map(|(_, quantile)| histogram.value_at_quantile(quantile).min(histogram.max()));
    Percentiles { count: histogram.len(), ms: Some(ms) }
}

impl Percentiles {
    /// `{"count", "p50", "p90", "p99", "max"}`, null where there was none.
    pub(super) fn json(&self) -> Value {
        let mut value = json!({ "count": self.count });
        if let Some(map) = value.as_object_mut() {
            for (at, (name, _)) in PERCENTILES.iter().enumerate() {
                map.insert((*name).to_owned(), json!(self.ms.and_then(|ms| ms.get(at).copied())));
            }
        }
        value
    }
}

/// Segments over time, in buckets that double their width when there are too many: the same
/// buckets whatever the order of the events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Series {
    /// Seconds of a bucket.
    pub(super) width: u32,
    pub(super) buckets: Vec<u64>,
}

impl Default for Series {
    fn default() -> Self {
        Self { width: 1, buckets: Vec::new() }
    }
}

impl Series {
    /// `n` more in second `second` since the beginning.
    pub(super) fn add(&mut self, second: u32, n: u64) {
        while (second / self.width) as usize >= MAX_BUCKETS {
            self.widen();
        }
        let at = (second / self.width) as usize;
        if at >= self.buckets.len() {
            self.buckets.resize(at + 1, 0);
        }
        if let Some(bucket) = self.buckets.get_mut(at) {
            *bucket += n;
        }
    }

    fn widen(&mut self) {
        self.buckets = self.buckets.chunks(2).map(|pair| pair.iter().sum()).collect();
        self.width *= 2;
    }

    /// Brings two series to the same width and length.
    pub(super) fn align(&mut self, other: &mut Self) {
        while self.width < other.width {
            self.widen();
        }
        while other.width < self.width {
            other.widen();
        }
        let n = self.buckets.len().max(other.buckets.len());
        self.buckets.resize(n, 0);
        other.buckets.resize(n, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_the_same_in_any_order() {
        let seconds: Vec<u32> = (0..2_000).map(|n| n * n % 7_919).collect();
        let of = |seconds: &mut dyn Iterator<Item = u32>| {
            let mut series = Series::default();
            seconds.for_each(|second| series.add(second, 1));
            series
        };
        let (there, back) = (of(&mut seconds.iter().copied()), of(&mut seconds.iter().rev().copied()));
        assert_eq!(there, back);
        assert!(there.buckets.len() <= MAX_BUCKETS && there.buckets.iter().sum::<u64>() == 2_000);
    }

    #[test]
    fn percentiles_keep_three_digits() {
        let mut delays = Delays::default();
        assert_eq!(delays.answer(), Percentiles::default());
        delays.answers(&(1..=1_000).collect::<Vec<_>>());
        assert_eq!(delays.answer().ms, Some([500, 900, 990, 1_000]));
        assert_eq!(delays.answer().json()["p99"], 990);
    }
}
