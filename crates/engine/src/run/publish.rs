//! What a person may see of the lanes, renewed at each tick.

use std::time::Instant;

use volley_pipeline::CarrierStatus;

use super::{Lane, Reach, Runner};
use crate::{asker::Asker, board::LaneBoard, orders::moment};

impl Runner {
    /// Renews the board.
    pub(super) fn publish(&mut self, now: Instant) {
        let waits = self.timing.in_words(self.clock.wall());
        self.board.set_holds(self.holds());
        let lanes = self.lanes.iter_mut().map(|lane| {
            let status = lane.carrier.status();
            let lost = lane.reach == Reach::Bound && !status.draining && !status.can_submit();
            let held = self.orders.why(lane.limits.carrier.0);
            let limit = if held.is_some() {
                held.clone()
            } else if self.state.disk_full {
                Some("the disk is full".to_owned())
            } else if lost {
                None
            } else if let Some(waits) = waits.as_ref().filter(|_| lane.limits.outstanding() == 0) {
                Some(waits.clone())
            } else {
                lane.pacer.binding().map(|limit| limit.to_string())
            };
            LaneBoard {
                name: lane.name.clone(),
                outstanding: lane.limits.outstanding(),
                bound: lane.limits.bound(),
                waits_for: limit.or_else(|| lost.then(|| format!("carrier {} has no bind", lane.name))),
                reach: if lost { lost_in_words(&status) } else { in_words(&lane.reach) },
                paused: lane.paused.clone().or(held),
                proposal: proposal(lane),
                rates: lane.rates.measure(now, &status),
                status,
            }
        });
        self.board.set_journal(self.state.commit_times.to_json(self.state.disk_full));
        self.board.set_lanes(lanes.collect(), self.state.throttled);
    }
}

impl Runner {
    /// Why nothing of the campaign is begun now, whatever its carriers could take; `None` when they
    /// alone decide.
    fn holds(&self) -> Option<String> {
        let wall = self.clock.wall();
        if self.orders.holds_all() {
            return self.lanes.first().and_then(|lane| self.orders.why(lane.limits.carrier.0));
        }
        if self.state.disk_full {
            return Some("the disk is full".to_owned());
        }
        if let Some(why) = self.guards.used_up() {
            return Some(format!("the budget is used up: {why}"));
        }
        if self.source.has_now(wall) {
            return None;
        }
        let due = self.source.next_due().map(|due| format!("; the next that was deferred is due at {}", moment(due)));
        let due = due.unwrap_or_default();
        match self.guards.fence() {
            Some(n) => Some(format!("canary: the first {n} rows went ahead, and their receipts are waited for{due}")),
            None if due.is_empty() => Some("nothing is left to be sent: answers and receipts are awaited".to_owned()),
            None => Some(format!("nothing else is left to be sent now{due}")),
        }
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
