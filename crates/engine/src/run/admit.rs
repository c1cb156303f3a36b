//! Admission: which rows get an intent in this turn, and through which lane.

use volley_core::{
    MessageToken, RowIndex,
    planted::{Bug, is_planted},
};
use volley_reconciler::{
    SuppressCause,
    record::{Head, IntentEntry},
};

use super::{Lane, Runner, TURN_OCTETS, timing::Gate};
use crate::{
    guards::Budget,
    lane::LaneLimits,
    render::{Addressee, Closing},
    source::NextRow,
};

/// Segments that one lane gets in one turn at most.
const SEGMENTS_PER_TURN: u32 = 4_096;
/// Rows that one lane finds suppressed in one turn at most.
const STOPPED_PER_TURN: usize = 4_096;

impl Runner {
    /// Fills the turn with intents for as many rows as the lanes have room for.
    pub(super) fn admit(&mut self) {
        let wall = self.clock.wall();
        if self.is_disk_full() || self.orders.holds_all() || self.guards.is_used_up() {
            return;
        }
        if self.state.turn.events.len() >= TURN_OCTETS {
            return;
        }
        match self.timing.gate(wall) {
            Gate::NotYet => return,
            Gate::Over => return self.miss(),
            Gate::Open => self.timing.begin_turn(),
        }
        if !self.source.has_now(wall) {
            return;
        }
        self.state.room.clear();
        let holds = |lane: &Lane| self.orders.holds(lane.limits.carrier.0);
        self.state.room.extend(self.lanes.iter().map(|lane| match lane.carrier.is_usable() && !holds(lane) {
            true => lane.limits.room(lane.carrier.n_queued()).min(SEGMENTS_PER_TURN),
            false => 0,
        }));
        self.shares.share(&self.state.room, u32::MAX, &mut self.state.grants);
        let grants = std::mem::take(&mut self.state.grants);
        for (lane, n_segments) in &grants {
            if self.source.has_now(wall) {
                self.admit_lane(*lane, *n_segments);
            }
        }
        self.state.grants = grants;
        if self.timing.has_held_enough() {
            // There is more to look at, and nothing else may wake us.
            self.hungry.notify_one();
        }
    }

    /// Nothing is begun while the disk is full: the room that is left is for what carriers say.
    fn is_disk_full(&mut self) -> bool {
        let is_full = self.journal.is_tight();
        if is_full != self.state.disk_full {
            self.state.disk_full = is_full;
            self.board.note(match is_full {
                true => format!(
                    "the disk that holds {} is full: nothing more is sent until there is room; answers and receipts \
                     are taken",
                    self.board.root.display()
                ),
                false => "there is room on the disk again: going on".to_owned(),
            });
        }
        is_full
    }

    /// One lane's share: renders its rows and records their intents and, before them, a bound
    /// that the journal does not know yet.
    fn admit_lane(&mut self, lane_index: usize, n_segments: u32) {
        let Some(lane) = self.lanes.get_mut(lane_index) else { return };
        let Some(turn) = self.state.turn.lanes.get_mut(lane_index) else { return };
        let wall = self.clock.wall();
        let head = Head { campaign: self.campaign, carrier: lane.limits.carrier, at: wall };
        record_bound(&mut self.state.turn.events, head, &mut lane.limits);
        let (source, renderer, timing) = (&mut self.source, &mut self.renderer, &mut self.timing);
        let min_validity = renderer.min_validity(lane_index);
        let lead = timing.lead(lane.limits.ahead_of(lane.carrier.n_queued()) + n_segments, lane.limits.rate());
        let mut budget = self.guards.budget.as_mut();
        let suppressed = Some(&self.suppressed).filter(|list| !list.is_empty() || renderer.has_unsent());
        let mut stopped: Vec<(RowIndex, SuppressCause)> = Vec::new();
        let mut left = n_segments;
        let mut n_intents = 0;
        let entries = std::iter::from_fn(|| {
            let (next, closes): (NextRow, Option<Closing>) = loop {
                if left == 0 || stopped.len() >= STOPPED_PER_TURN || timing.has_held_enough() {
                    return None;
                }
                let next = source.next(wall)?;
                let cause = suppressed.and_then(|list| match renderer.addressee(next)? {
                    Addressee::Number(number) => list.cause(number, wall),
                    Addressee::HeldOut(number) => list.cause(number, wall).or(Some(SuppressCause::HoldOut)),
                    Addressee::Erased => Some(SuppressCause::Erased),
                });
                if let Some(cause) = cause {
                    stopped.push((next.row, cause));
                    continue;
                }
                if let Some(closes) = timing.admit(next, wall, min_validity, (source, renderer)) {
                    break (next, closes.map(|at| Closing { at, lead }));
                }
            };
            let (n_octets, n_items) = (turn.batch.pdus.len(), turn.batch.items.len());
            let Some(rendered) = renderer.render(lane_index, next, (wall, closes), &mut turn.batch) else {
                source.give_back(next);
                left = 0;
                return None;
            };
            let mut fits = |budget: &mut Budget| {
                let cost = budget.cost(lane_index, renderer.country(next), rendered.n_now);
                budget.reserve(cost)
            };
            if budget.as_mut().is_some_and(|budget| !fits(budget)) {
                turn.batch.pdus.truncate(n_octets);
                turn.batch.items.truncate(n_items);
                source.give_back(next);
                left = 0;
                return None;
            }
            left = left.saturating_sub(rendered.n_now);
            n_intents += rendered.n_now;
            Some(IntentEntry { row: next.row, n_segments: rendered.n_segments, only: next.only })
        });
        self.state.turn.events.intent(head, 0, entries);
        for (row, cause) in stopped {
            self.state.turn.events.suppressed(head, cause, [MessageToken::new(row, 0)]);
        }
        turn.n_intents += n_intents;
        if is_planted(Bug::SendBeforeLogging) {
            lane.carrier.submit(std::mem::take(&mut turn.batch));
        }
        lane.limits.intent(n_intents);
    }
}

fn record_bound(events: &mut volley_reconciler::record::EventWriter, head: Head, limits: &mut LaneLimits) {
    if let Some(bound) = limits.bound_to_record() {
        events.bound(head.campaign, head.carrier, bound);
    }
}
