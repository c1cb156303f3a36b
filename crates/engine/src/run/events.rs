//! What carriers report: recorded in the turn under way, and acted on when that is durable.

use std::collections::BTreeMap;

use volley_core::{
    CarrierIndex, MessageToken,
    planted::{Bug, is_planted},
};
use volley_pipeline::{Answer as WireAnswer, AnswerBatch, CarrierEvent, EventKind, LostCause, ReceiptBatch};
use volley_reconciler::{
    DoubtfulSegment,
    record::{Answer, AnswerEntry, DoubtCause, EventWriter, Head, Resolution},
};
use volley_smpp::pdu::CommandStatus;

use super::{EVENTS_PER_TURN, Reach, Runner, Stop, doubt, refusals::Judge};
use crate::{options::InDoubtPolicy, render::is_confirmation, retry::needs_a_person};

impl Runner {
    /// Takes what carriers have to say, as much as fits one turn.
    pub(super) fn on_carriers(&mut self, first: Option<CarrierEvent>) -> Result<(), Stop> {
        let mut next = first;
        for _ in 0..EVENTS_PER_TURN {
            let Some(event) = next else { break };
            self.on_carrier(event)?;
            next = self.carrier_events.try_recv().ok();
        }
        if let Some(event) = next {
            self.on_carrier(event)?;
        }
        Ok(())
    }

    fn on_carrier(&mut self, event: CarrierEvent) -> Result<(), Stop> {
        let Some(lane) = self.lanes.iter().position(|lane| lane.limits.carrier == event.carrier) else { return Ok(()) };
        match event.kind {
            EventKind::Answers(answers) => self.on_answers(lane, &answers),
            EventKind::Receipts(receipts) => self.on_receipts(lane, &receipts),
            EventKind::Told(answers) => self.on_told(lane, &answers),
            EventKind::Replies(replies) => self.on_replies(lane, event.carrier, &replies)?,
            EventKind::Lost { tokens, cause } => {
                let cause = match cause {
                    LostCause::ConnectionLost => DoubtCause::ConnectionLost,
                    LostCause::NoAnswer => DoubtCause::NoAnswer,
                };
                self.on_lost(lane, cause, &tokens);
            }
            EventKind::Returned { tokens } => self.on_returned(lane, &tokens),
            EventKind::Bound { .. } => self.set_reach(lane, Reach::Bound),
            EventKind::BindRefused { status, .. } => {
                self.board.note(format!("carrier {} refuses the bind: {status}", self.lane_name(lane)));
                if !self.was_bound(lane) {
                    self.set_reach(
                        lane,
                        match needs_a_person(status) {
                            true => Reach::Refused { status: status.to_string() },
                            false => Reach::Trying { last_error: format!("it refuses the bind with {status}") },
                        },
                    );
                }
            }
            EventKind::ConnectFailed { error, .. } => {
                self.board.note(format!("carrier {} can't be reached: {error}", self.lane_name(lane)));
                if !self.was_bound(lane) {
                    self.set_reach(lane, Reach::Trying { last_error: error });
                }
            }
            EventKind::BindLost { error, .. } => {
                self.board.note(format!("carrier {} lost a bind: {error}", self.lane_name(lane)));
            }
            EventKind::Stopped => {
                if let Some(lane) = self.lanes.get_mut(lane) {
                    lane.stopped = true;
                }
            }
        }
        Ok(())
    }

    pub(super) fn lane_name(&self, lane: usize) -> &str {
        self.lanes.get(lane).map_or("", |lane| lane.name.as_str())
    }

    fn was_bound(&self, lane: usize) -> bool {
        self.lanes.get(lane).is_some_and(|lane| lane.reach == Reach::Bound)
    }

    fn set_reach(&mut self, lane: usize, reach: Reach) {
        if let Some(lane) = self.lanes.get_mut(lane) {
            lane.reach = reach;
        }
    }

    pub(super) fn head(&self, lane: usize) -> Head {
        let carrier = self.lanes.get(lane).map_or(CarrierIndex::default(), |lane| lane.limits.carrier);
        Head { campaign: self.campaign, carrier, at: self.clock.wall() }
    }

    fn on_answers(&mut self, lane_index: usize, answers: &AnswerBatch) {
        let head = self.head(lane_index);
        let n_confirmations = match self.courtesies.is_empty() {
            false => answers.iter().filter(|(token, _)| is_confirmation(*token)).count(),
            true => 0,
        };
        let n_answers = (answers.len() - n_confirmations) as u32;
        let (now, commit) = (self.clock.now(), self.state.commit);
        let Some(lane) = self.lanes.get_mut(lane_index) else { return };
        let is_full = |answer| matches!(answer, WireAnswer::Refused { status: CommandStatus::RMSGQFUL });
        let n_full = match answers.n_refused() {
            0 => 0,
            _ => answers.iter().filter(|(_, answer)| is_full(*answer)).count() as u32,
        };
        let queue_full = lane.refusals.count(now, n_answers, n_full);
        let mut judge = Judge {
            refusals: &mut lane.refusals,
            source: &mut self.source,
            tries: &mut self.state.tries,
            validity: self.validity,
            at: head.at,
            queue_full,
            config: None,
        };
        let mut n_throttled = 0;
        let mut not_taken = Vec::new();
        let (mut watch, counts_cost) = (lane.watch.as_mut(), self.guards.budget.is_some());
        watch.iter_mut().for_each(|watch| watch.answers(now, n_answers));
        let of_rows = answers.iter().filter(|(token, _)| n_confirmations == 0 || !is_confirmation(*token));
        let entries = of_rows.map(|(token, answer)| {
            let answer = match answer {
                WireAnswer::Accepted { id, folded } => {
                    judge.accepted(token);
                    Answer::Accepted { id, folded, check: token.check() }
                }
                WireAnswer::Refused { status } => {
                    let answer = judge.refused(token, status);
                    n_throttled += u64::from(matches!(answer, Answer::Throttled { .. }));
                    let is_final = matches!(answer, Answer::Failed { .. });
                    watch.iter_mut().for_each(|watch| watch.refused(now, status, is_final));
                    not_taken.extend(Some(token).filter(|_| counts_cost));
                    answer
                }
            };
            AnswerEntry { token, answer }
        });
        self.state.turn.events.answers(head, entries);
        let config = judge.config;
        self.state.throttled += n_throttled;
        lane.limits.answered(now, n_answers, commit);
        self.settle(lane_index, n_answers);
        self.release(lane_index, &not_taken);
        if let Some(status) = config {
            self.pause_if_hopeless(lane_index, status);
        }
    }

    fn on_receipts(&mut self, lane: usize, receipts: &ReceiptBatch) {
        let head = self.head(lane);
        self.watch_receipts(lane, receipts);
        let Some(zone) = self.lanes.get(lane).map(|lane| &lane.reading.zone) else { return };
        let entries = receipts.iter().map(|receipt| doubt::entry(&receipt, zone, &self.suppressed));
        self.state.turn.events.receipts(head.carrier, head.at, entries);
        if let Some(turn) = self.state.turn.lanes.get_mut(lane) {
            turn.acknowledge.extend(receipts.iter().map(|receipt| receipt.handle));
        }
    }

    /// Written, never answered: in doubt, and what the campaign's policy says of that.
    fn on_lost(&mut self, lane: usize, cause: DoubtCause, tokens: &[MessageToken]) {
        let tokens = &of_rows(tokens);
        if tokens.is_empty() {
            return;
        }
        let head = self.head(lane);
        if cause == DoubtCause::NoAnswer && is_planted(Bug::TimeoutIsRefusal) {
            let answer = Answer::Failed { status: CommandStatus::RSYSERR.0 };
            self.state.turn.events.answers(head, tokens.iter().map(|token| AnswerEntry { token: *token, answer }));
            return self.settle(lane, tokens.len() as u32);
        }
        if cause == DoubtCause::NoAnswer && is_planted(Bug::SilentRequeue) {
            return self.on_returned(lane, tokens);
        }
        self.state.turn.events.in_doubt(head, cause, tokens.iter().copied());
        self.settle(lane, tokens.len() as u32);
        match self.in_doubt {
            InDoubtPolicy::Hold => {}
            // What is cancelled is not sent again: whether it was taken is left to receipts.
            InDoubtPolicy::Resend if self.orders.standing().cancelled.is_some() => {}
            InDoubtPolicy::Resend => {
                self.state.turn.events.resolved(head, Resolution::Resend, "policy", tokens.iter().copied());
                self.give_back(tokens);
            }
            InDoubtPolicy::Fail => {
                self.state.turn.events.resolved(head, Resolution::Failed, "policy", tokens.iter().copied());
            }
        }
    }

    /// Never written: back to the head of the list.
    pub(super) fn on_returned(&mut self, lane: usize, tokens: &[MessageToken]) {
        let tokens = &of_rows(tokens);
        if tokens.is_empty() {
            return;
        }
        let head = self.head(lane);
        self.state.turn.events.returned(head, tokens.iter().copied());
        self.settle(lane, tokens.len() as u32);
        self.release(lane, tokens);
        self.give_back(tokens);
    }

    fn give_back(&mut self, tokens: &[MessageToken]) {
        for token in tokens {
            let attempts = self.state.tries.get(*token).map_or(0, |tried| tried.attempts);
            self.source.give_back(self.renderer.as_next(*token, attempts));
        }
    }

    fn settle(&mut self, lane: usize, n_segments: u32) {
        if let Some(turn) = self.state.turn.lanes.get_mut(lane) {
            turn.n_settled += n_segments;
        }
    }

    /// Records something of segments of several carriers, one event for each carrier.
    pub(super) fn record_by_carrier(
        &mut self,
        segments: &[DoubtfulSegment],
        mut record: impl FnMut(&mut EventWriter, Head, Vec<MessageToken>),
    ) {
        let mut by_carrier: BTreeMap<CarrierIndex, Vec<MessageToken>> = BTreeMap::new();
        for segment in segments {
            by_carrier.entry(segment.carrier).or_default().push(segment.token);
        }
        let at = self.clock.wall();
        for (carrier, tokens) in by_carrier {
            record(&mut self.state.turn.events, Head { campaign: self.campaign, carrier, at }, tokens);
        }
    }
}

/// Without those that stand for no row.
fn of_rows(tokens: &[MessageToken]) -> Vec<MessageToken> {
    tokens.iter().copied().filter(|token| !is_confirmation(*token)).collect()
}
