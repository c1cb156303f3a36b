//! The run's guards: what they are told, and what they order.

use std::{sync::Arc, time::Instant};

use volley_core::{MessageState, MessageToken, ReceiptState};
use volley_pipeline::ReceiptBatch;
use volley_reconciler::{Standing, record::Order};

use super::{Ended, Runner};
use crate::{
    guards::{self, Budget, Canary, CanaryFacts, ReplyWatch, Verdict},
    options::{GuardOptions, PauseOptions},
};

/// The guards of a run that concern all carriers.
pub(crate) struct Guards {
    /// Until it is decided.
    canary: Option<Canary>,
    pause: Arc<PauseOptions>,
    replies: Option<ReplyWatch>,
    pub(super) budget: Option<Budget>,
    n_valid: u32,
    /// Which of them ended the run, and why.
    stopped: Option<String>,
}

impl Guards {
    pub(crate) fn new(options: &GuardOptions, n_valid: u32, standing: &Standing, budget: Option<Budget>) -> Self {
        let canary = options.canary.as_ref().filter(|_| !standing.canary_passed);
        let pause = Arc::new(options.pause.clone());
        Self {
            canary: canary.and_then(|canary| Canary::new(canary, n_valid)),
            replies: ReplyWatch::new(&pause),
            pause,
            budget,
            n_valid,
            stopped: None,
        }
    }

    /// What pauses carriers.
    pub(crate) const fn pause(&self) -> &Arc<PauseOptions> {
        &self.pause
    }

    /// Rows from this one on wait for the canary.
    pub(crate) fn fence(&self) -> Option<u32> {
        self.canary.as_ref().map(Canary::n_rows)
    }

    /// Whether nothing more can be paid.
    pub(super) fn is_used_up(&self) -> bool {
        self.budget.as_ref().is_some_and(Budget::is_used_up)
    }

    /// The same in words.
    pub(super) fn used_up(&self) -> Option<String> {
        self.budget.as_ref().filter(|budget| budget.is_used_up()).map(Budget::in_words)
    }

    /// Which of them ended the run, and why.
    pub(super) fn stopped(&self) -> Option<String> {
        self.stopped.clone()
    }

    pub(super) fn opted_out(&mut self, now: Instant, n: u64) {
        self.replies.iter_mut().for_each(|watch| watch.opted_out(now, n));
    }

    /// A person decided to go on.
    pub(super) fn pass_canary(&mut self) {
        self.canary = None;
    }
}

impl Runner {
    pub(super) fn watch_receipts(&mut self, lane: usize, receipts: &ReceiptBatch) {
        let now = self.clock.now();
        if let Some(watch) = self.lanes.get_mut(lane).and_then(|lane| lane.watch.as_mut()) {
            receipts.iter().for_each(|receipt| watch.receipt(now, receipt.state));
        }
        if let Some(watch) = &mut self.guards.replies {
            let n = receipts.iter().filter(|receipt| receipt.state == ReceiptState::Delivered).count();
            watch.reached(now, n as u64);
        }
    }

    /// What these would have cost can be spent on others: the carrier did not take them.
    pub(super) fn release(&mut self, lane: usize, tokens: &[MessageToken]) {
        let Some(budget) = &mut self.guards.budget else { return };
        for token in tokens {
            let country = self.renderer.country(self.renderer.as_next(*token, 1));
            budget.release(budget.cost(lane, country, 1));
        }
    }

    /// Pauses what a guard says must be paused.
    pub(super) fn ask_guards(&mut self, now: Instant) {
        if self.state.ending.is_some() || self.orders.holds_all() {
            return;
        }
        for lane in 0..self.lanes.len() {
            let Some(watched) = self.lanes.get_mut(lane) else { continue };
            let carrier = watched.limits.carrier.0;
            let why = watched.watch.as_mut().and_then(|watch| watch.verdict(now));
            if let Some(why) = why.filter(|_| !self.orders.holds(carrier)) {
                let why = format!("carrier {}: {why}", self.lane_name(lane));
                tracing::warn!(carrier = self.lane_name(lane), error = why, "a guard paused the carrier");
                self.give_order(Order::Pause { carrier: Some(carrier) }, guards::PAUSE, &why);
            }
        }
        if let Some(why) = self.guards.replies.as_mut().and_then(|watch| watch.verdict(now)) {
            return self.stop_by_guard(guards::PAUSE, &why);
        }
        self.ask_canary(now);
        let is_idle = self.state.turn.events.is_empty()
            && self.state.in_flight.is_empty()
            && self.lanes.iter().all(|lane| lane.limits.outstanding() == 0);
        if let Some(budget) = self.guards.budget.as_ref().filter(|budget| budget.is_used_up() && is_idle) {
            let why = budget.in_words();
            self.stop_by_guard(guards::BUDGET, &why);
        }
    }

    fn ask_canary(&mut self, now: Instant) {
        let Some(canary) = &mut self.guards.canary else { return };
        let states = self.ledger.view.borrow().states;
        let n = |state| states.get(state);
        let behind = u64::from(self.guards.n_valid - canary.n_rows());
        let facts = CanaryFacts {
            n_suppressed: n(MessageState::Suppressed),
            n_delivered: n(MessageState::Delivered),
            n_failed: n(MessageState::Undelivered)
                + n(MessageState::Expired)
                + n(MessageState::Unknown)
                + n(MessageState::Failed),
            n_to_leave: n(MessageState::Pending).saturating_sub(behind)
                + n(MessageState::Deferred)
                + n(MessageState::InFlight),
        };
        match canary.look(facts, now) {
            Verdict::Wait => {}
            Verdict::Pass(why) => self.give_order(Order::Pass, guards::CANARY, &why),
            Verdict::Fail(why) => self.stop_by_guard(guards::CANARY, &why),
        }
    }

    /// Pauses the campaign and ends the run: whoever resumes it decides to go on.
    fn stop_by_guard(&mut self, by: &str, why: &str) {
        tracing::warn!(campaign_id = self.campaign.0, error = why, "a guard stopped the campaign");
        self.give_order(Order::Pause { carrier: None }, by, why);
        self.guards.stopped = Some(format!("{by}: {why}"));
        self.begin_drain(Ended::Guarded);
    }
}
