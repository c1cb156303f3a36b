//! Messages to us, and what they change.

use volley_core::{CarrierIndex, MessageToken, Msisdn, RecipientCheck};
use volley_pipeline::{ReceiptHandle, ReplyBatch};
use volley_reconciler::{SuppressCause, record::SuppressChange};

use super::{Runner, Stop, TURNS_IN_FLIGHT};
use crate::{
    options::ReplyOptions,
    render::is_confirmation,
    replies::{Ask, Effect},
};

/// A number that opted out while PDUs to it may be on their way to a carrier's queue.
pub(super) struct FreshStop {
    check: RecipientCheck,
    /// Turns that may still hold one.
    turns: usize,
}

/// What people are told, each at most once a day; nothing where no text is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Courtesies {
    opt_out: Option<String>,
    opt_in: Option<String>,
    help: Option<String>,
}

impl Courtesies {
    pub(crate) fn new(options: &ReplyOptions) -> Self {
        let ReplyOptions { keywords: _, confirmation, welcome, help } = options.clone();
        Self { opt_out: confirmation, opt_in: welcome, help }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.opt_out.is_none() && self.opt_in.is_none() && self.help.is_none()
    }

    fn text(&self, ask: Ask) -> Option<&String> {
        match ask {
            Ask::OptOut => self.opt_out.as_ref(),
            Ask::OptIn => self.opt_in.as_ref(),
            Ask::Help => self.help.as_ref(),
        }
    }
}

impl Runner {
    /// Keeps what came, durably, and does what it asks for. It is acknowledged when the journal
    /// holds the effects.
    pub(super) fn on_replies(&mut self, lane: usize, carrier: CarrierIndex, replies: &ReplyBatch) -> Result<(), Stop> {
        let at = self.clock.wall();
        let name = self.lane_name(lane).to_owned();
        let taken = self.replies.take(&name, replies, at).map_err(Stop::Error)?;
        let mut fresh = taken.fresh;
        let mut effects = taken.effects;
        let mut known = Vec::new();
        for (handle, opts_out) in taken.repeats {
            match opts_out.filter(|number| self.suppressed.cause(*number, at).is_none()) {
                Some(number) => {
                    effects.push(Effect { reply: 0, number, change: SuppressChange::Add });
                    fresh.push(handle);
                }
                None => known.push(handle),
            }
        }
        for handle in fresh {
            self.state.turn.events.reply(carrier, at);
            if let Some(turn) = self.state.turn.lanes.get_mut(lane) {
                turn.acknowledge.push(handle);
            }
        }
        // What changes nothing needs no confirmation; a question is one whoever asks it.
        let was = |number| self.suppressed.cause(number, at).is_some();
        let mut asks = taken.asks;
        asks.retain(|(number, ask)| match ask {
            Ask::OptOut => !was(*number),
            Ask::OptIn => was(*number),
            Ask::Help => true,
        });
        self.take_effect(&effects);
        self.acknowledge_behind(lane, &known);
        asks.iter().for_each(|(number, ask)| self.answer(lane, *number, *ask));
        Ok(())
    }

    /// What came before is acknowledged when all that is on its way to the journal is durable: its
    /// effect may be among it.
    fn acknowledge_behind(&mut self, lane: usize, known: &[ReceiptHandle]) {
        let state = &mut self.state;
        let last = if state.turn.events.is_empty() { state.in_flight.back_mut() } else { Some(&mut state.turn) };
        match last.and_then(|turn| turn.lanes.get_mut(lane)) {
            Some(turn) => turn.acknowledge.extend_from_slice(known),
            None => self.lanes.get(lane).into_iter().for_each(|lane| lane.carrier.acknowledge(known)),
        }
    }

    /// Gives out parts that waited too long.
    pub(super) fn expire_replies(&mut self) -> Result<(), Stop> {
        let effects = self.replies.expire(self.clock.wall()).map_err(Stop::Error)?;
        self.take_effect(&effects);
        Ok(())
    }

    fn take_effect(&mut self, effects: &[Effect]) {
        let at = self.clock.wall();
        let n = effects.iter().filter(|effect| effect.change == SuppressChange::Add).count();
        self.guards.opted_out(self.clock.now(), n as u64);
        for Effect { reply, number, change } in effects.iter().copied() {
            let entry = self.suppressed.change(number, change, SuppressCause::Reply, at, reply);
            self.state.turn.events.suppress(&entry);
            if change == SuppressChange::Add {
                self.withdraw(number.check());
                self.state.fresh_stops.push(FreshStop { check: number.check(), turns: TURNS_IN_FLIGHT + 1 });
            }
        }
    }

    /// One message to a number that just opted out or in, or asked. It goes out with the turn that
    /// holds what came and is nowhere else: a crash may lose it, and nothing sends it twice.
    fn answer(&mut self, lane: usize, number: Msisdn, ask: Ask) {
        let Some(text) = self.courtesies.text(ask) else { return };
        if let Some(turn) = self.state.turn.lanes.get_mut(lane).filter(|_| self.state.ending.is_none()) {
            self.renderer.confirm(lane, number, text, &mut turn.batch);
        }
    }

    /// PDUs that were handed over with the turn that just became durable come back, too.
    pub(super) fn withdraw_fresh_stops(&mut self) {
        if self.state.fresh_stops.is_empty() {
            return;
        }
        let mut stops = std::mem::take(&mut self.state.fresh_stops);
        for stop in &mut stops {
            self.withdraw(stop.check);
            stop.turns -= 1;
        }
        stops.retain(|stop| stop.turns > 0);
        self.state.fresh_stops = stops;
    }

    /// Takes back what waits for numbers with this check. Whoever else has it goes out again.
    fn withdraw(&mut self, check: RecipientCheck) {
        let is_meant = |token: MessageToken| token.check() == check && !is_confirmation(token);
        for lane in 0..self.lanes.len() {
            let tokens = self.lanes.get(lane).map(|lane| lane.carrier.withdraw(is_meant)).unwrap_or_default();
            self.on_returned(lane, &tokens);
        }
    }
}
