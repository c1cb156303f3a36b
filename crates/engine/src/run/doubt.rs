//! Receipts that match no answer: they may tell of rows in doubt, or that ids are read wrongly.

use std::time::Duration;

use volley_core::{MessageState, UnixMicros};
use volley_pipeline::Receipt;
use volley_reconciler::{
    FoldingProposal, Settled,
    record::{Head, InferredEntry, ReceiptEntry, ReceiptFacts},
};
use volley_smpp::receipt::IdRules;

use super::{Lane, Runner, Stop};
use crate::{
    ledger_task::{LOOK_FROM, LedgerView},
    numbers::Suppressed,
    options::ReceiptZone,
};

/// What an answer takes beyond its time-out until it is folded, at most.
const FOLDED_WITHIN: Duration = Duration::from_secs(5);

/// How a carrier's receipts are read, and what they came to.
pub(crate) struct ReceiptReading {
    pub(crate) ids: IdRules,
    pub(crate) zone: ReceiptZone,
    /// How much its clock may be ahead of ours.
    pub(crate) skew: Duration,
    /// After this an answer will not come any more.
    pub(crate) answers_within: Duration,
    /// A receipt that arrived until then and matches no answer came before none.
    pub(crate) settled_until: UnixMicros,
    /// Another reading of ids by which its receipts would match, in words.
    pub(crate) proposal: Option<String>,
}

impl Lane {
    fn settled(&mut self, wall: UnixMicros) -> Settled {
        let reading = &mut self.reading;
        // Nothing is in flight; or what was, when the receipt came, has been given up since.
        let until = match self.limits.outstanding() {
            0 => wall,
            _ => wall.minus(reading.answers_within + FOLDED_WITHIN).max(reading.settled_until),
        };
        reading.settled_until = until;
        Settled { carrier: self.limits.carrier, until, skew: reading.skew }
    }
}

/// A receipt as it is recorded.
pub(crate) fn entry<'a>(receipt: &Receipt<'a>, zone: &ReceiptZone, numbers: &Suppressed) -> ReceiptEntry<'a> {
    let submitted = receipt.submitted.and_then(|date| zone.read(date));
    let facts = submitted.zip(receipt.recipient_tail).map(|(submitted, tail)| ReceiptFacts {
        submitted,
        recipient: numbers.short_hash(tail),
        sender: receipt.sender.0,
    });
    ReceiptEntry {
        id: receipt.id,
        state: receipt.state,
        err: receipt.err,
        check: receipt.check,
        raw: Some(receipt.raw_id).filter(|raw| *raw != receipt.id),
        facts,
    }
}

impl Runner {
    /// Whether rows in doubt are all that is left, and receipts may still tell of them.
    pub(super) fn waits_for_doubt(&mut self, view: &LedgerView) -> bool {
        if view.states.get(MessageState::InDoubt) == 0 || !view.has_suspects {
            self.state.only_doubt_since = None;
            return false;
        }
        let now = self.clock.now();
        let since = *self.state.only_doubt_since.get_or_insert(now);
        now.saturating_duration_since(since) < self.doubt_grace
    }

    /// Records what receipts that match no answer tell.
    pub(super) async fn look_at_receipts(&mut self) -> Result<(), Stop> {
        let wall = self.clock.wall();
        let carriers: Vec<_> =
            self.lanes.iter_mut().map(|lane| (lane.settled(wall), lane.reading.ids.clone())).collect();
        let view = *self.ledger.view.borrow();
        let is_worth_it = view.n_parked > 0 && view.has_suspects || view.n_parked >= LOOK_FROM;
        if !is_worth_it || view.applied < self.state.inferred_in {
            return Ok(());
        }
        let looked = self.ledger.look(carriers).await?;
        for proposal in looked.proposals {
            self.propose(&proposal);
        }
        let at = self.clock.wall();
        let events = &mut self.state.turn.events;
        let was_empty = looked.inferences.inferred.is_empty() && looked.inferences.ambiguous.is_empty();
        for it in &looked.inferences.inferred {
            let head = Head { campaign: it.campaign, carrier: it.carrier, at };
            let folded = Some(it.folded.as_slice()).filter(|folded| *folded != it.id);
            let entry = InferredEntry { token: it.token, id: &it.id, folded, check: it.check, attempt: it.attempt };
            events.inferred(head, [entry]);
        }
        for (carrier, id) in &looked.inferences.ambiguous {
            events.ambiguous(*carrier, id);
        }
        if !was_empty {
            self.state.inferred_in = self.last_durable.0 + self.state.in_flight.len() as u64 + 1;
        }
        Ok(())
    }

    /// Never switches by itself: a wrong reading would match the wrong messages.
    fn propose(&mut self, proposal: &FoldingProposal) {
        let Some(lane) = self.lanes.iter_mut().find(|lane| lane.limits.carrier == proposal.carrier) else { return };
        let words = format!(
            "its receipts match no answer, and {} would with `id-mode = \"{}\"` in [carriers.{}]: set it, stop and \
             `volley resume`",
            proposal.n_pairs,
            proposal.mode.name(),
            lane.name
        );
        self.board.note(format!("carrier {}: {words}", lane.name));
        lane.reading.proposal = Some(words);
    }
}
