//! How fast a run is, and how long it still takes.

use std::{collections::VecDeque, time::Duration};

use volley_engine::{MessageState, Summary};

use crate::output::grouped;

/// Over how long "now" is measured.
const NOW: Duration = Duration::from_secs(3);

/// What was submitted when, lately.
#[derive(Debug, Default)]
pub(crate) struct Speed {
    seen: VecDeque<(Duration, u64)>,
}

impl Speed {
    /// `n_submitted` segments at `at`, since any fixed instant.
    pub(crate) fn see(&mut self, at: Duration, n_submitted: u64) {
        self.seen.push_back((at, n_submitted));
        while self.seen.len() > 2 && self.seen.get(1).is_some_and(|(then, _)| at.saturating_sub(*then) >= NOW) {
            self.seen.pop_front();
        }
    }

    /// Segments per second lately; `None` before there are two looks.
    fn now_per_s(&self) -> Option<f64> {
        let ((from, before), (to, after)) = (self.seen.front()?, self.seen.back()?);
        let elapsed = to.saturating_sub(*from).as_secs_f64();
        (elapsed > 0.0).then(|| after.saturating_sub(*before) as f64 / elapsed)
    }

    /// Rates, what is left, and the limit that binds.
    pub(crate) fn line(&self, summary: &Summary, limit: Option<&str>) -> String {
        let now = self.now_per_s().unwrap_or(0.0);
        let average = summary.submitted_per_s;
        let mut line =
            format!("{}/s now, {}/s on average", grouped(now.round() as u64), grouped(average.round() as u64));
        if let Some(left) = left(summary, now, average) {
            line.push_str(&format!(" · {left}"));
        }
        if let Some(limit) = limit {
            line.push_str(&format!(" · limit: {limit}"));
        }
        line
    }
}

/// The time until everything is sent, between the faster and the slower of both rates.
fn left(summary: &Summary, now: f64, average: f64) -> Option<String> {
    let n_in = |state| summary.states.get(state);
    let n_left = n_in(MessageState::Pending) + n_in(MessageState::Deferred);
    let n_sendable = summary.rows.saturating_sub(n_in(MessageState::Rejected) + n_in(MessageState::Suppressed));
    if n_left == 0 {
        let n_awaited = n_in(MessageState::Accepted);
        return (n_awaited > 0).then(|| format!("all sent, {} receipts awaited", grouped(n_awaited)));
    }
    let segments = n_left as f64 * summary.segments.planned as f64 / n_sendable.max(1) as f64;
    let (fast, slow) = (now.max(average), if now > 0.0 { now.min(average) } else { average });
    if slow < 0.01 {
        return None;
    }
    let (least, most) = (words(segments / fast), words(segments / slow));
    Some(if least == most { format!("about {least} left") } else { format!("{least} to {most} left") })
}

fn words(seconds: f64) -> String {
    let s = seconds.ceil() as u64;
    match s {
        0..120 => format!("{s} s"),
        120..7_200 => format!("{} min", s.div_ceil(60)),
        7_200..172_800 => format!("{} h {} min", s / 3_600, s % 3_600 / 60),
        _ => format!("{} days", s.div_ceil(86_400)),
    }
}
