//! What a person may see of the lanes, renewed at each tick.

use std::time::Instant;

use volley_pipeline::CarrierStatus;

use super::{Lane, Reach, Runner};
use crate::{asker::Asker, board::LaneBoard};

impl Runner {
    /// Renews the board.
    pub(super) fn publish(&mut self, now: Instant) {
        let lanes = self.lanes.iter_mut().map(|lane| {
            let status = lane.carrier.status();
            let lost = lane.reach == Reach::Bound && !status.draining && !status.can_submit();
            let limit = if self.state.disk_full {
                Some("the disk is full".to_owned())
            } else if lost {
                None
            } else {
                lane.pacer.binding().map(|limit| limit.to_string())
            };
            LaneBoard {
                name: lane.name.clone(),
                outstanding: lane.limits.outstanding(),
                bound: lane.limits.bound(),
                waits_for: limit.or_else(|| lost.then(|| format!("carrier {} has no bind", lane.name))),
                reach: if lost { lost_in_words(&status) } else { in_words(&lane.reach) },
                paused: lane.paused.clone(),
                proposal: proposal(lane),
                rates: lane.rates.measure(now, &status),
                status,
            }
        });
        self.board.set_journal(self.state.commit_times.to_json(self.state.disk_full));
        self.board.set_lanes(lanes.collect(), self.state.throttled);
    }
}

/// What to change in the carrier's profile.
fn proposal(lane: &Lane) -> Option<String> {
    let given_up = lane.asker.as_ref().and_then(Asker::given_up).map(|why| why.in_words().to_owned());
    lane.reading.proposal.clone().or(given_up)
}

fn in_words(reach: &Reach) -> String {
    match reach {
        Reach::Trying { last_error } if last_error.is_empty() => "connecting".to_owned(),
        Reach::Trying { last_error } => format!("can't be reached: {last_error}"),
        Reach::Bound => "bound".to_owned(),
        Reach::Refused { status } => format!("refuses the bind: {status}"),
    }
}

/// It was bound once, and no bind is up now.
fn lost_in_words(status: &CarrierStatus) -> String {
    let last_error = status.binds.iter().find_map(|bind| bind.last_error.as_deref());
    format!("no bind is up: {}", last_error.unwrap_or("connecting"))
}
