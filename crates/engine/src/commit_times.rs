//! How long records take until they are durable, for people.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Value, json};

/// Times from hand-over to durable, of one run.
#[derive(Debug, Clone)]
pub(crate) struct CommitTimes {
    /// Microseconds; `None` where it could not be made, which the constant bounds exclude.
    micros: Option<Histogram<u64>>,
}

impl CommitTimes {
    pub(crate) fn new() -> Self {
        // Up to ten minutes with two digits: some 25 KiB.
        Self { micros: Histogram::new_with_bounds(1, 600_000_000, 2).ok() }
    }

    pub(crate) fn record(&mut self, took: Duration) {
        if let Some(micros) = &mut self.micros {
            micros.saturating_record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        }
    }

    /// Percentiles in microseconds; null before the first record.
    pub(crate) fn to_json(&self, disk_full: bool) -> Value {
        let known = self.micros.as_ref().filter(|micros| !micros.is_empty());
        let at = |percentile| known.map(|micros| micros.value_at_percentile(percentile));
        json!({
            "disk_full": disk_full,
            "records": known.map_or(0, |micros| micros.len()),
            "commit_p50_us": at(50.0),
            "commit_p99_us": at(99.0),
            "commit_max_us": known.map(Histogram::max),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_what_was_recorded() {
        let mut times = CommitTimes::new();
        assert_eq!(times.to_json(true)["commit_p50_us"], Value::Null);
        for millis in [1, 1, 1, 4] {
            times.record(Duration::from_millis(millis));
        }
        let json = times.to_json(false);
        assert_eq!((&json["disk_full"], &json["records"]), (&false.into(), &4.into()));
        let near = |key: &str, micros: u64| json[key].as_u64().unwrap().abs_diff(micros) <= micros / 50;
        assert!(near("commit_p50_us", 1_000) && near("commit_max_us", 4_000), "{json}");
    }
}
