//! Folding: how each event changes rows and counters. Live and replayed records take the same
//! path; a chunk skips what its copy in the store already covers.

use std::time::Duration;

use volley_core::{CampaignId, MessageState, MessageToken, RowIndex, UnixMicros};

use super::{Ledger, open_chunk, place};
use crate::{
    Error,
    campaign::{Campaign, Reasons, Sums},
    chunk::Chunk,
    record::{
        Answer, AnswerEntry, DoubtCause, Erased, ErasedCause, Event, Events, Head, IntentEntry, Planned, Resolution,
    },
    segment::{Flags, Segment},
    suspects::{Fate, Suspect, Suspects},
};

impl Ledger {
    /// Folds one durable record of the journal. Records come in order, each once; those that
    /// the store covers may come again.
    ///
    /// # Errors
    /// When the record can't be read or names what was never planned, or the store fails. The
    /// ledger must not be used further then: it would no longer agree with the journal.
    pub fn fold(&mut self, sequence: u64, record: &[u8]) -> Result<(), Error> {
        for event in Events::new(record) {
            let event = event.map_err(|source| Error::Record { sequence, source })?;
            self.fold_event(sequence, event)?;
        }
        self.applied = self.applied.max(sequence);
        Ok(())
    }

    /// Whether the global record of the store does not cover this record yet.
    pub(super) const fn is_news(&self, sequence: u64) -> bool {
        sequence > self.global_as_of
    }

    fn fold_event(&mut self, sequence: u64, event: Event<'_>) -> Result<(), Error> {
        let is_news = self.is_news(sequence);
        match event {
            Event::Carrier { carrier, name } => {
                if carrier.as_usize() == self.carriers.len() {
                    self.carriers.push(name.to_owned());
                }
            }
            Event::Planned { campaign, at, plan } => self.on_planned(campaign, at, plan),
            Event::Bound { campaign, carrier, bound } => {
                if is_news {
                    self.campaign_mut(sequence, campaign)?.bounds.insert(carrier, bound);
                }
            }
            Event::Intent { head, leg: _, entries } => {
                let mut rows = self.rows(sequence, head)?;
                rows.campaign.submits_at(head.at);
                entries.into_iter().try_for_each(|entry| rows.on_intent(entry))?;
            }
            Event::Answers { head, entries } => {
                let mut rows = self.rows(sequence, head)?;
                entries.into_iter().try_for_each(|entry| rows.on_answer(&entry))?;
            }
            Event::InDoubt { head, cause, mut tokens } => {
                let mut rows = self.rows(sequence, head)?;
                tokens.try_for_each(|token| rows.on_in_doubt(token, cause))?;
            }
            Event::Returned { head, mut tokens } => {
                let mut rows = self.rows(sequence, head)?;
                tokens.try_for_each(|token| rows.on_returned(token))?;
            }
            Event::Resolved { head, as_, by: _, mut tokens } => {
                let mut rows = self.rows(sequence, head)?;
                tokens.try_for_each(|token| rows.on_resolved(token, as_))?;
            }
            Event::Receipts { carrier, at, entries } => self.on_receipts(sequence, carrier, at, entries)?,
            Event::Rematched { carrier, at, mut entries } => {
                entries.try_for_each(|entry| self.on_rematched(sequence, carrier, at, &entry))?;
            }
            Event::Inferred { head, mut entries } => {
                let mut rows = self.rows(sequence, head)?;
                entries.try_for_each(|entry| rows.on_inferred(&entry))?;
            }
            Event::Ambiguous { carrier, id } => self.on_ambiguous(sequence, carrier, id),
            Event::Folding { carrier, mode, strip, step } => self.on_folding(sequence, carrier, (mode, strip), step)?,
            Event::Queried { head, entries } => self.on_queried(sequence, head, entries)?,
            Event::Erased(erased) => self.on_erased(sequence, &erased)?,
            Event::SuppressList { list, name } => self.suppress.name(list, name),
            Event::SuppressBatch(batch) if is_news => self.suppress.apply_batch(&batch),
            Event::NoReceipt { head, mut tokens } => {
                let mut rows = self.rows(sequence, head)?;
                tokens.try_for_each(|token| rows.on_no_receipt(token))?;
            }
            Event::Reply { .. } => self.receipts.replies += u64::from(is_news),
            Event::Suppress(entry) if is_news => self.suppress.apply(&entry),
            Event::Suppress(_) | Event::SuppressBatch(_) => {}
            Event::Suppressed { head, cause, tokens } => {
                self.on_unsent(sequence, head, tokens, (Segment::Suppressed, cause.reason()))?;
            }
            Event::Missed { head, tokens } => self.on_unsent(sequence, head, tokens, (Segment::Missed, MISSED))?,
            Event::Ordered(ordered) => self.on_ordered(sequence, *ordered)?,
            Event::Cancelled { campaign, at, rows } => self.on_cancelled(sequence, campaign, at, &rows)?,
            Event::Archived { campaign, archive } => self.on_archived(sequence, campaign, archive)?,
            Event::Control { campaign, at, control, why } => {
                if is_news {
                    self.campaign_mut(sequence, campaign)?.control(at, control, why);
                }
            }
        }
        Ok(())
    }

    /// Rows that are final without having been sent.
    fn on_unsent(
        &mut self,
        sequence: u64,
        head: Head,
        mut tokens: impl Iterator<Item = MessageToken>,
        (segment, reason): (Segment, &str),
    ) -> Result<(), Error> {
        let mut rows = self.rows(sequence, head)?;
        tokens.try_for_each(|token| rows.on_unsent(token, segment, reason))
    }

    fn on_planned(&mut self, id: CampaignId, at: UnixMicros, plan: Planned) {
        self.campaigns.entry(id).or_insert_with(|| Campaign::new(id, at, plan));
    }

    /// Its files are what they are now; rows and sums stay as they were.
    fn on_erased(&mut self, sequence: u64, erased: &Erased) -> Result<(), Error> {
        if !self.is_news(sequence) {
            return Ok(());
        }
        self.erasures += 1;
        for changed in &erased.campaigns {
            let campaign = self.campaign_mut(sequence, CampaignId(changed.campaign))?;
            campaign.plan.files.extend(changed.files.clone());
            campaign.is_erased |= erased.cause == ErasedCause::Retention;
        }
        Ok(())
    }

    pub(super) fn campaign_mut(&mut self, sequence: u64, id: CampaignId) -> Result<&mut Campaign, Error> {
        let never_planned = || Error::NeverPlanned { sequence, what: format!("campaign {id}") };
        self.campaigns.get_mut(&id).ok_or_else(never_planned)
    }

    pub(super) fn rows(&mut self, sequence: u64, head: Head) -> Result<RowsOf<'_>, Error> {
        let is_news = self.is_news(sequence);
        let never_planned = || Error::NeverPlanned { sequence, what: format!("campaign {}", head.campaign) };
        let campaign = self.campaigns.get_mut(&head.campaign).ok_or_else(never_planned)?;
        let last_event_before = campaign.last_event_at;
        if is_news {
            campaign.last_event_at = campaign.last_event_at.max(head.at);
        }
        Ok(RowsOf {
            store: &self.store,
            index: &mut self.index,
            parked: &mut self.parked,
            settled: &mut self.settled,
            suspects: &mut self.suspects,
            last_event_before,
            counters: &mut self.receipts,
            at_ms: campaign.ms(head.at),
            campaign,
            head,
            sequence,
            is_news,
        })
    }
}

/// The rows that one event speaks of, with all that changes along with them.
pub(super) struct RowsOf<'a> {
    pub(super) store: &'a crate::store::Store,
    pub(super) index: &'a mut crate::index::ReceiptIndex,
    pub(super) parked: &'a mut crate::index::ParkedReceipts,
    pub(super) settled: &'a mut crate::index::SettledIds,
    pub(super) suspects: &'a mut Suspects,
    /// The campaign's last event before this one.
    last_event_before: UnixMicros,
    pub(super) counters: &'a mut super::ReceiptCounters,
    pub(super) campaign: &'a mut Campaign,
    pub(super) head: Head,
    pub(super) at_ms: u32,
    pub(super) sequence: u64,
    pub(super) is_news: bool,
}

/// One row being changed: its chunk and the sums that must follow.
pub(super) struct RowOf<'a> {
    pub(super) chunk: &'a mut Chunk,
    pub(super) sums: &'a mut Sums,
    pub(super) reasons: &'a mut Reasons,
    pub(super) offset: u16,
}

impl RowsOf<'_> {
    /// The row, unless the store's copy of its chunk already knows of this record.
    pub(super) fn row(&mut self, row: RowIndex) -> Result<Option<RowOf<'_>>, Error> {
        let (number, offset) = place(row);
        let campaign = &mut *self.campaign;
        if campaign.archived.is_some() {
            return Ok(None); // The store knows its sums, and nothing more happens to it.
        }
        if !campaign.open.contains(number) {
            open_chunk(self.store, campaign, number)?;
        }
        let Some(chunk) = campaign.open.get_mut(number).filter(|chunk| chunk.row(offset).is_some()) else {
            let what = format!("row {row} of campaign {}", self.head.campaign);
            return Err(Error::NeverPlanned { sequence: self.sequence, what });
        };
        if self.sequence <= chunk.as_of {
            return Ok(None);
        }
        chunk.dirty_since.get_or_insert(self.sequence);
        Ok(Some(RowOf { chunk, sums: &mut campaign.sums, reasons: &mut campaign.reasons, offset }))
    }

    fn on_intent(&mut self, entry: IntentEntry) -> Result<(), Error> {
        let (at_ms, carrier) = (self.at_ms, self.head.carrier.0);
        let Some(mut row) = self.row(entry.row)? else { return Ok(()) };
        if row.chunk.row(row.offset).is_some_and(|row| row.n_segments == 0) {
            row.chunk.set_n_segments(row.offset, entry.n_segments);
        }
        let segments = entry.only.map_or(0..entry.n_segments, |only| only..only + 1);
        let mut n_written = 0;
        for segment in segments {
            if let Some(slot) = row.chunk.slot_mut(row.offset, segment)
                && slot.segment() == Segment::Waiting
            {
                slot.set(Segment::InFlight);
                slot.carrier = carrier;
                n_written += 1;
            }
        }
        row.sums.submitted += u64::from(n_written);
        row.settle(None, |row| {
            row.submits = row.submits.saturating_add(n_written);
            row.attempts = row.attempts.saturating_add(1);
            row.flags.clear(Flags::DEFERRED);
            (row.carrier, row.submitted_ms) = (carrier, at_ms);
        });
        Ok(())
    }

    fn on_answer(&mut self, entry: &AnswerEntry<'_>) -> Result<(), Error> {
        let at_ms = self.at_ms;
        let planned_at = self.campaign.planned_at;
        let token = entry.token;
        let Some(mut row) = self.row(token.row())? else { return Ok(()) };
        let Some(slot) = row.chunk.slot_mut(row.offset, token.segment()) else { return Ok(()) };
        if !matches!(slot.segment(), Segment::InFlight | Segment::Doubt) {
            return Ok(()); // Decided in the meantime; the first word stands.
        }
        let was_in_doubt = slot.segment() == Segment::Doubt;
        match entry.answer {
            Answer::Accepted { id, folded, check } => {
                slot.set(Segment::Accepted(None));
                row.chunk.set_id(row.offset, token.segment(), id, folded, check);
                row.sums.accepted += 1;
                row.settle(Some(0), |row| row.answered_ms = at_ms);
                self.on_id(token, folded.unwrap_or(id), check)?;
            }
            Answer::Failed { status } => {
                slot.set(Segment::Failed);
                let reason = row.reasons.index(&refusal(status));
                row.settle(Some(reason), |row| (row.answered_ms, row.settled_ms) = (at_ms, at_ms));
            }
            Answer::Deferred { status, until } => {
                slot.set(Segment::Waiting);
                let reason = row.reasons.index(&refusal(status));
                let due_ms = u32::try_from(until.since(planned_at).as_millis()).unwrap_or(u32::MAX);
                row.settle(Some(reason), |row| {
                    row.flags.set(Flags::DEFERRED);
                    (row.answered_ms, row.settled_ms) = (at_ms, due_ms);
                });
            }
            Answer::Throttled { .. } => {
                slot.set(Segment::Waiting);
                row.settle(None, |row| {
                    row.attempts = row.attempts.saturating_sub(1);
                    row.answered_ms = at_ms;
                });
            }
        }
        if was_in_doubt && self.is_news {
            self.suspects.clear(self.head.campaign, token, false);
        }
        self.cancel_if_ordered(token.row())
    }

    fn on_in_doubt(&mut self, token: MessageToken, cause: DoubtCause) -> Result<(), Error> {
        let (at_ms, planned_at) = (self.at_ms, self.campaign.planned_at);
        let Some(mut row) = self.row(token.row())? else { return Ok(()) };
        let submitted_ms = row.chunk.row(row.offset).map_or(0, |row| row.submitted_ms);
        let Some(slot) = row.chunk.slot_mut(row.offset, token.segment()) else { return Ok(()) };
        if slot.segment() == Segment::InFlight {
            slot.set(Segment::Doubt);
            let reason = row.reasons.index(cause.name());
            row.settle(Some(reason), |row| {
                // The due time of another segment stands there.
                if !row.flags.has(Flags::DEFERRED) {
                    row.settled_ms = at_ms;
                }
            });
            self.suspect(token, cause, planned_at.plus(Duration::from_millis(submitted_ms.into())));
        }
        Ok(())
    }

    /// From here on a receipt may tell what became of the segment.
    fn suspect(&mut self, token: MessageToken, cause: DoubtCause, intent_at: UnixMicros) {
        if !self.is_news {
            return;
        }
        let lost_at = match cause {
            DoubtCause::Crash => Suspects::death(self.head.at, self.last_event_before),
            DoubtCause::ConnectionLost | DoubtCause::NoAnswer => self.head.at,
        };
        let Head { campaign, carrier, at } = self.head;
        let token = MessageToken::new(token.row(), token.segment());
        self.suspects.add(Suspect { campaign, token, carrier, intent_at, lost_at, fate: Fate::Held }, at);
    }

    fn on_returned(&mut self, token: MessageToken) -> Result<(), Error> {
        let Some(mut row) = self.row(token.row())? else { return Ok(()) };
        let Some(slot) = row.chunk.slot_mut(row.offset, token.segment()) else { return Ok(()) };
        if slot.segment() == Segment::InFlight {
            slot.set(Segment::Waiting);
            row.sums.submitted -= 1;
            row.settle(None, |row| {
                row.submits = row.submits.saturating_sub(1);
                row.attempts = row.attempts.saturating_sub(1);
            });
        }
        self.cancel_if_ordered(token.row())
    }

    fn on_resolved(&mut self, token: MessageToken, as_: Resolution) -> Result<(), Error> {
        let at_ms = self.at_ms;
        let Some(mut row) = self.row(token.row())? else { return Ok(()) };
        let Some(slot) = row.chunk.slot_mut(row.offset, token.segment()) else { return Ok(()) };
        if slot.segment() != Segment::Doubt {
            return Ok(());
        }
        match as_ {
            Resolution::Resend => {
                slot.set(Segment::Waiting);
                let known = row.chunk.row(row.offset).is_some_and(|row| row.flags.has(Flags::POSSIBLE_DUPLICATE));
                row.sums.possible_duplicates += u64::from(!known);
                row.settle(Some(0), |row| row.flags.set(Flags::POSSIBLE_DUPLICATE));
            }
            Resolution::Failed => {
                slot.set(Segment::GivenUp);
                let reason = row.reasons.index("in doubt, taken for failed");
                row.settle(Some(reason), |row| row.settled_ms = at_ms);
            }
            Resolution::Sent => {
                slot.set(Segment::Accepted(None));
                row.sums.accepted += 1;
                let reason = row.reasons.index("in doubt, taken for sent");
                row.settle(Some(reason), |row| row.settled_ms = at_ms);
            }
        }
        if self.is_news {
            let fate = match as_ {
                Resolution::Resend => Fate::Resent,
                Resolution::Failed => Fate::GivenUp,
                Resolution::Sent => Fate::Sent,
            };
            let token = MessageToken::new(token.row(), token.segment());
            self.suspects.decide(self.head.campaign, token, fate);
        }
        self.cancel_if_ordered(token.row())
    }

    /// All segments of the row that wait: what was sent or may have been stays what it is.
    fn on_unsent(&mut self, token: MessageToken, as_: Segment, why: &str) -> Result<(), Error> {
        let at_ms = self.at_ms;
        let Some(mut row) = self.row(token.row())? else { return Ok(()) };
        for segment in 0..row.chunk.row(row.offset).map_or(1, |row| row.n_segments.max(1)) {
            if let Some(slot) = row.chunk.slot_mut(row.offset, segment)
                && slot.segment() == Segment::Waiting
            {
                slot.set(as_);
            }
        }
        let reason = row.reasons.index(why);
        row.settle(Some(reason), |row| {
            row.flags.clear(Flags::DEFERRED);
            row.settled_ms = at_ms;
        });
        Ok(())
    }

    fn on_no_receipt(&mut self, token: MessageToken) -> Result<(), Error> {
        let at_ms = self.at_ms;
        let Some(mut row) = self.row(token.row())? else { return Ok(()) };
        if row.chunk.row(row.offset).is_some_and(|row| row.state == MessageState::Accepted) {
            let reason = row.reasons.index("no receipt before the deadline");
            row.settle(Some(reason), |row| {
                row.flags.set(Flags::TIMED_OUT);
                row.settled_ms = at_ms;
            });
        }
        Ok(())
    }
}

impl RowOf<'_> {
    /// After a change to a segment: changes the row as told, derives its state, and lets every
    /// sum follow. `reason`: `None` keeps the one that stands, 0 takes it away.
    pub(super) fn settle(&mut self, reason: Option<u16>, change: impl FnOnce(&mut crate::chunk::Row)) {
        let Some(row) = self.chunk.row_mut(self.offset) else { return };
        change(row);
        let (before, reason_before) = (row.state, row.reason);
        let after = self.chunk.derive_state(self.offset).unwrap_or(before);
        let Some(row) = self.chunk.row_mut(self.offset) else { return };
        row.state = after;
        row.reason = match after {
            MessageState::Delivered | MessageState::InFlight | MessageState::Pending => 0,
            // One segment's reason stays when another one's success is the last to be heard of.
            MessageState::Rejected
            | MessageState::Suppressed
            | MessageState::Undelivered
            | MessageState::Expired
            | MessageState::Failed
            | MessageState::Cancelled => reason.filter(|new| *new != 0).unwrap_or(reason_before),
            MessageState::Deferred | MessageState::InDoubt | MessageState::Accepted | MessageState::Unknown => {
                reason.filter(|new| *new != 0 || before != after).unwrap_or(reason_before)
            }
        };
        self.reasons.shift(reason_before, row.reason);
        self.sums.states.shift(before, after);
        match (before.is_final(), after.is_final()) {
            (false, true) => self.chunk.n_open -= 1,
            (true, false) => self.chunk.n_open += 1,
            (true, true) | (false, false) => {}
        }
    }
}

impl super::CampaignReceipts {
    /// What one receipt changed for all campaigns, it changed for its own.
    pub(super) const fn follow(&mut self, before: &super::ReceiptCounters, after: &super::ReceiptCounters) {
        self.duplicates += after.duplicates - before.duplicates;
        self.conflicts += after.conflicts - before.conflicts;
        self.corrections += after.corrections - before.corrections;
        self.late += after.late - before.late;
    }
}

/// The reason of rows that were not begun in time.
const MISSED: &str = "not begun by the deadline";

/// The reason of a refusal, for reports.
fn refusal(status: u32) -> String {
    format!("refused: {}", volley_smpp::pdu::CommandStatus(status))
}
