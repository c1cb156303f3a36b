//! Orders while no process runs the campaign.

use volley_core::CampaignId;
use volley_reconciler::{
    CampaignStatus, Checkpoint, Standing,
    record::{Control, Order, Ordered},
};

use super::{CANCELLED_PER_RECORD, GUARD, Instructed, Instruction, Owned, Refusal, check, open_or_ask, refused, since};
use crate::{DataDir, Engine, Error, doubt, guards::CANARY, status::running};

impl Engine {
    /// [`Engine::open`], which waits a moment for a process that only looks.
    ///
    /// # Errors
    /// As there.
    pub fn open_soon(dir: &DataDir) -> Result<Self, Error> {
        match open_or_ask(dir, || running(dir))? {
            Owned::Ours(engine) => Ok(*engine),
            Owned::Theirs(_) => Self::open(dir),
        }
    }

    /// Records an order while no process runs the campaign; the next run begins with it.
    pub(super) fn instruct(mut self, instruction: &Instruction) -> Result<Instructed, Error> {
        let dir = self.dir.clone();
        let refused = |refusal| refused(&dir, refusal, instruction);
        let id = self.ledger.find(&instruction.campaign).ok_or_else(|| refused(Refusal::NoCampaign))?;
        let summary = self.ledger.summary(id);
        if summary.is_some_and(|it| it.n_open() == 0) {
            return Err(refused(Refusal::Finished));
        }
        let carrier = match &instruction.carrier {
            None => None,
            Some(name) => Some(self.carrier_of(id, name)?.ok_or_else(|| {
                let routes = self.approved(id).map(|approved| approved.options.routes).unwrap_or_default();
                refused(Refusal::NoCarrier(routes.into_iter().map(|route| route.carrier).collect()))
            })?),
        };
        self.order(id, instruction.verb.order(carrier), &instruction.by, &instruction.why)
            .and_then(|given| given.map_err(refused))?;
        self.ledger.checkpoint(Checkpoint::All)?;
        self.ledger.sync()?;
        let summary = self.ledger.summary(id).ok_or_else(|| refused(Refusal::NoCampaign))?;
        Ok(Instructed { id: id.0, summary, is_running: false })
    }

    /// The number of a carrier that the campaign has a route through.
    fn carrier_of(&mut self, id: CampaignId, name: &str) -> Result<Option<u8>, Error> {
        let is_route = self.approved(id)?.options.routes.iter().any(|route| route.carrier == name);
        if !is_route {
            return Ok(None);
        }
        Ok(Some(self.carrier_index(name)?.0))
    }

    /// Records an order, and carries out what needs no run.
    pub(crate) fn order(
        &mut self,
        id: CampaignId,
        order: Order,
        by: &str,
        why: &str,
    ) -> Result<Result<(), Refusal>, Error> {
        let standing = self.ledger.standing(id).cloned().unwrap_or_default();
        if let Err(refusal) = check(order, &standing) {
            return Ok(Err(refusal));
        }
        if order == Order::Cancel {
            let at = self.ground.clock.wall();
            doubt::note_crash(&mut self.journal, &mut self.ledger, id, self.dir.root(), at)?;
        }
        let at_us = self.ground.clock.wall().0;
        let ordered = Ordered { campaign: id.0, at_us, by: by.to_owned(), why: why.to_owned(), order };
        let was_canary = standing.paused.is_some_and(|by| by.by == CANARY);
        let pass = Ordered { order: Order::Pass, ..ordered.clone() };
        self.record(|events| {
            events.ordered(&ordered);
            if was_canary && order == (Order::Resume { carrier: None }) {
                events.ordered(&pass);
            }
        })?;
        if order == Order::Cancel {
            self.cancel_what_waits(id)?;
        }
        Ok(Ok(()))
    }

    /// Finishes a cancellation: once more is the same as once.
    fn cancel_what_waits(&mut self, id: CampaignId) -> Result<(), Error> {
        let n_rows = self.ledger.plan(id).map_or(0, |plan| plan.n_valid);
        let mut from = 0;
        while from < n_rows {
            let rows = from..from.saturating_add(CANCELLED_PER_RECORD).min(n_rows);
            let at = self.ground.clock.wall();
            self.record(|events| events.cancelled(id, at, &rows))?;
            if self.ledger.is_crowded() {
                self.ledger.checkpoint(Checkpoint::Due)?;
            }
            from = rows.end;
        }
        let is_over = self.ledger.summary(id).is_some_and(|summary| summary.n_open() == 0);
        if is_over {
            let at = self.ground.clock.wall();
            self.record(|events| events.control(id, at, Control::Finished, ""))?;
        }
        Ok(())
    }

    /// Lifts every pause of a campaign, also of single carriers; gives them in words.
    ///
    /// # Errors
    /// When it can't be recorded.
    pub fn lift(&mut self, id: CampaignId, by: &str, why: &str) -> Result<Vec<String>, Error> {
        let Standing { paused, paused_carriers, .. } = self.ledger.standing(id).cloned().unwrap_or_default();
        let of_carriers = paused_carriers.into_iter().map(|(carrier, by)| (Some(carrier), by));
        let mut lifted = Vec::new();
        for (carrier, paused) in paused.map(|by| (None, by)).into_iter().chain(of_carriers) {
            if self.order(id, Order::Resume { carrier }, by, why)?.is_ok() {
                lifted.push(since(&paused));
            }
        }
        Ok(lifted)
    }

    /// Who paused the campaign, in words, if it is paused.
    #[must_use]
    pub fn paused(&self, id: CampaignId) -> Option<String> {
        self.ledger.standing(id)?.paused.as_ref().map(since)
    }

    /// Whether a guard stopped the last run of the campaign: whoever resumes it decides to go on.
    #[must_use]
    pub fn was_stopped_by_guard(&self, id: CampaignId) -> bool {
        let is_stopped = self.ledger.summary(id).is_some_and(|summary| summary.status == CampaignStatus::Stopped);
        let standing = self.ledger.standing(id);
        let mut pauses = standing.into_iter().flat_map(|it| it.paused.iter().chain(it.paused_carriers.values()));
        is_stopped && pauses.any(|by| by.by.starts_with(GUARD))
    }
}
