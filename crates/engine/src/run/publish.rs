//! What a person may see of the lanes, renewed at each tick.

use std::time::Instant;

use super::{Reach, Runner};
use crate::board::LaneBoard;

impl Runner {
    /// Renews the board.
    pub(super) fn publish(&mut self, now: Instant) {
        let lanes = self.lanes.iter_mut().map(|lane| {
            let status = lane.carrier.status();
            LaneBoard {
                name: lane.name.clone(),
                outstanding: lane.limits.outstanding(),
                bound: lane.limits.bound(),
                waits_for: lane.pacer.binding().map(|limit| limit.to_string()),
                reach: in_words(&lane.reach),
                paused: lane.paused.clone(),
                rates: lane.rates.measure(now, &status),
                status,
            }
        });
        self.board.set_lanes(lanes.collect(), self.state.throttled);
    }
}

fn in_words(reach: &Reach) -> String {
    match reach {
        Reach::Trying { last_error } if last_error.is_empty() => "connecting".to_owned(),
        Reach::Trying { last_error } => format!("can't be reached: {last_error}"),
        Reach::Bound => "bound".to_owned(),
        Reach::Refused { status } => format!("refuses the bind: {status}"),
    }
}
