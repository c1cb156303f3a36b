//! Orders of people and guards, carried out while the campaign runs.

use tokio::sync::mpsc;
use volley_core::MessageToken;
use volley_reconciler::{
    Standing,
    record::{Order, Ordered},
};

use super::{Runner, TURNS_IN_FLIGHT};
use crate::{
    account::Tunable,
    guards::CANARY,
    orders::{self, CANCELLED_PER_RECORD, GUARD, Instruction, OrderRequest, Refusal, Reply},
    render::is_confirmation,
};

/// What was ordered, and what of it is not done yet.
pub(crate) struct Orders {
    pub(crate) requests: mpsc::Receiver<OrderRequest>,
    /// The campaign's name.
    name: String,
    standing: Standing,
    /// The campaign's own rate.
    rate: Tunable,
    /// The next row to be cancelled, while a cancellation is under way.
    cancel_from: Option<u32>,
    n_rows: u32,
    /// Who ordered the cancellation under way.
    cancelled_for: Vec<Reply>,
}

impl Orders {
    /// `n_rows`: that can be sent.
    pub(crate) fn new(
        requests: mpsc::Receiver<OrderRequest>,
        name: String,
        standing: Standing,
        rate: Tunable,
        n_rows: u32,
    ) -> Self {
        // A cancellation that a crash cut short is done once more, from the beginning.
        let cancel_from = standing.cancelled.is_some().then_some(0);
        Self { requests, name, standing, rate, cancel_from, n_rows, cancelled_for: Vec::new() }
    }

    /// What holds.
    pub(crate) const fn standing(&self) -> &Standing {
        &self.standing
    }

    /// The campaign's own rate.
    pub(crate) const fn rate(&self) -> &Tunable {
        &self.rate
    }

    /// Whether nothing of the campaign is begun.
    pub(super) const fn holds_all(&self) -> bool {
        self.standing.paused.is_some() || self.standing.cancelled.is_some()
    }

    /// Whether nothing is begun through the carrier with this number.
    pub(super) fn holds(&self, carrier: u8) -> bool {
        self.holds_all() || self.standing.paused_carriers.contains_key(&carrier)
    }

    /// Whether a guard paused this carrier, or everything.
    pub(super) fn is_guarded(&self, carrier: u8) -> bool {
        let paused = self.standing.paused.as_ref().or_else(|| self.standing.paused_carriers.get(&carrier));
        paused.is_some_and(|by| by.by.starts_with(GUARD))
    }

    /// Why nothing is begun through a carrier, in words.
    pub(super) fn why(&self, carrier: u8) -> Option<String> {
        let Standing { paused, paused_carriers, cancelled, .. } = &self.standing;
        let cancelled = cancelled.as_ref().map(|by| format!("cancelled by {}", orders::since(by)));
        let paused = paused.as_ref().or_else(|| paused_carriers.get(&carrier));
        cancelled.or_else(|| paused.map(|by| format!("paused by {}", orders::since(by))))
    }
}

impl Runner {
    /// Does what a person wants, or says why not.
    pub(super) fn on_order(&mut self, request: OrderRequest) {
        let OrderRequest { instruction, reply } = request;
        let order = match self.order_of(&instruction) {
            Ok(order) => order,
            Err(refusal) => return drop(reply.send(Err(refusal))),
        };
        self.give_order(order, &instruction.by, &instruction.why);
        match order {
            Order::Cancel => self.orders.cancelled_for.push(reply),
            Order::Pause { .. } | Order::Resume { .. } | Order::Pace { .. } | Order::Pass => {
                self.state.turn.told.push(reply);
            }
        }
    }

    fn order_of(&self, instruction: &Instruction) -> Result<Order, Refusal> {
        if self.state.ending.is_some() {
            return Err(Refusal::Ending);
        }
        let is_ours = instruction.campaign == self.orders.name || instruction.campaign == self.campaign.to_string();
        if !is_ours {
            let known = self.board.snapshot().campaigns;
            let is_known = known.iter().any(|(id, summary)| {
                summary.campaign == instruction.campaign || id.to_string() == instruction.campaign
            });
            return Err(match is_known {
                true => Refusal::RunsAnother(self.orders.name.clone()),
                false => Refusal::NoCampaign,
            });
        }
        let carrier = match &instruction.carrier {
            None => None,
            Some(name) => {
                let lane = self.lanes.iter().find(|lane| lane.name == *name);
                let names = || self.lanes.iter().map(|lane| lane.name.clone()).collect();
                Some(lane.ok_or_else(|| Refusal::NoCarrier(names()))?.limits.carrier.0)
            }
        };
        let order = instruction.verb.order(carrier);
        orders::check(order, &self.orders.standing)?;
        Ok(order)
    }

    /// Records an order, and lets it take effect.
    pub(super) fn give_order(&mut self, order: Order, by: &str, why: &str) {
        let (campaign, at_us) = (self.campaign.0, self.clock.wall().0);
        let ordered = Ordered { campaign, at_us, by: by.to_owned(), why: why.to_owned(), order };
        let was_canary = self.orders.standing.paused.as_ref().is_some_and(|by| by.by == CANARY);
        self.state.turn.events.ordered(&ordered);
        self.orders.standing.apply(&ordered, 0);
        let now = self.clock.now();
        match order {
            Order::Pause { carrier } => self.take_back(carrier),
            Order::Resume { carrier: None } if was_canary => self.give_order(Order::Pass, by, why),
            Order::Resume { .. } => {}
            Order::Pass => {
                self.guards.pass_canary();
                self.source.set_fence(None);
            }
            Order::Pace { carrier: None, rate } => self.orders.rate.tune(rate, now),
            Order::Pace { carrier: Some(carrier), rate } => {
                for lane in self.lanes.iter_mut().filter(|lane| lane.limits.carrier.0 == carrier) {
                    lane.rate.tune(rate, now);
                    lane.limits.set_rate(rate.or(lane.rate.own()));
                }
            }
            Order::Cancel => {
                self.source.close();
                self.orders.cancel_from = Some(0);
                self.take_back(None);
            }
        }
        self.lanes.iter().for_each(|lane| lane.carrier.nudge());
        tracing::info!(campaign_id = campaign, "a person or a guard ordered something");
        self.board.note(format!("{}: {}", said(order), if why.is_empty() { by } else { why }));
    }

    /// What a carrier has not begun to write goes back to the list: a hold is no attempt.
    fn take_back(&mut self, carrier: Option<u8>) {
        for lane in 0..self.lanes.len() {
            let meant = self.lanes.get(lane).filter(|lane| carrier.is_none_or(|it| it == lane.limits.carrier.0));
            let Some(lane_of) = meant else { continue };
            let tokens = lane_of.carrier.withdraw(|token: MessageToken| !is_confirmation(token));
            self.on_returned(lane, &tokens);
        }
    }

    /// The next rows of a cancellation under way, a range for each record.
    pub(super) fn cancel_some(&mut self) {
        let Some(from) = self.orders.cancel_from else { return };
        if self.state.in_flight.len() >= TURNS_IN_FLIGHT || self.journal.is_tight() {
            return;
        }
        let rows = from..from.saturating_add(CANCELLED_PER_RECORD).min(self.orders.n_rows);
        self.state.turn.events.cancelled(self.campaign, self.clock.wall(), &rows);
        self.orders.cancel_from = (rows.end < self.orders.n_rows).then_some(rows.end);
        if self.orders.cancel_from.is_none() {
            self.state.turn.told.append(&mut self.orders.cancelled_for);
        }
    }
}

const fn said(order: Order) -> &'static str {
    match order {
        Order::Pause { carrier: None } => "the campaign is paused",
        Order::Pause { carrier: Some(_) } => "a carrier is paused",
        Order::Resume { carrier: None } => "the campaign goes on",
        Order::Resume { carrier: Some(_) } => "a carrier goes on",
        Order::Pace { .. } => "another pace",
        Order::Cancel => "the campaign is cancelled",
        Order::Pass => "a guard let it go on",
    }
}
