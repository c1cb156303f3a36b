//! A campaign's times as people read them.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};
use volley_core::UnixMicros;
use volley_scheduler::Verdict;

use super::{Gate, Timing};

impl Timing {
    /// What of the rows waits for which opening.
    fn held_in_words(&mut self, now: UnixMicros) -> BTreeMap<(UnixMicros, String), u64> {
        let mut words = BTreeMap::new();
        let Some(hours) = self.hours.as_mut() else { return words };
        for (index, n_rows) in self.held.iter().filter(|(_, n_rows)| **n_rows > 0) {
            // What is open already is about to be begun.
            if let Verdict::Closed(closed) = hours.verdict(*index, now) {
                *words.entry((closed.until, closed.reason.clone())).or_default() += n_rows;
            }
        }
        words
    }

    pub(super) fn json(&mut self, now: UnixMicros) -> Value {
        let held = self.held_in_words(now);
        let held: Vec<_> = held
            .into_iter()
            .map(|((until, reason), n_rows)| json!({ "reason": reason, "until": in_utc(until), "rows": n_rows }))
            .collect();
        let deadline = self.outlook.map(|outlook| {
            let needed = outlook.needed_per_sec.is_finite().then_some(outlook.needed_per_sec);
            json!({
                "feasible": outlook.is_feasible(),
                "needed_per_s": needed,
                "possible_per_s": outlook.possible_per_sec,
                "short_by_segments": outlook.n_short,
                "late_by_s": (outlook.late_by != Duration::MAX).then_some(outlook.late_by.as_secs()),
            })
        });
        json!({
            "start": self.start.map(in_utc),
            "finish_by": self.finish_by.map(in_utc),
            "deadline": deadline,
            "waiting": held,
        })
    }

    /// What a person must know first; `None` when nothing waits for a time.
    pub(in crate::run) fn in_words(&mut self, now: UnixMicros) -> Option<String> {
        match self.gate(now) {
            Gate::NotYet => return self.start.map(|start| format!("start at {}", in_utc(start))),
            Gate::Over => return Some("the deadline has passed".to_owned()),
            Gate::Open => {}
        }
        self.held_in_words(now).into_keys().next().map(|(_, reason)| reason)
    }

    /// Whether the deadline can't be kept, in words.
    pub(super) fn alarm(&self) -> Option<String> {
        let outlook = self.outlook.filter(|outlook| !outlook.is_feasible())?;
        let finish = self.finish_by.map(in_utc)?;
        let possible = outlook.possible_per_sec.map_or(String::new(), |rate| format!(", and {rate:.1}/s are possible"));
        let needed = match outlook.needed_per_sec.is_finite() {
            true => format!("it takes {:.1}/s{possible}", outlook.needed_per_sec),
            false => "no time is left".to_owned(),
        };
        Some(format!("`finish-by` {finish} can't be kept: {needed}; {} segments are too many", outlook.n_short))
    }
}

/// "2026-11-30T08:00:00Z".
fn in_utc(at: UnixMicros) -> String {
    let at = i64::try_from(at.0 / 1_000_000).ok().and_then(|at| jiff::Timestamp::from_second(at).ok());
    at.map(|at| at.to_string()).unwrap_or_default()
}
