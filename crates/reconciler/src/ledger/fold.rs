//! Folding: how each event changes rows and counters. Live and replayed records take the same
//! path; a chunk skips what its copy in the store already covers.

use std::collections::hash_map;

use volley_core::{
    CampaignId, CarrierIndex, MessageState, MessageToken, ReceiptState, RowIndex, UnixMicros,
    planted::{Bug, is_planted},
};

use super::{Ledger, open_chunk, place};
use crate::{
    Error,
    campaign::{Campaign, Reasons, Sums},
    chunk::Chunk,
    index::{Parked, Target},
    record::{Answer, AnswerEntry, DoubtCause, Event, Events, Head, IntentEntry, Planned, ReceiptEntry, Resolution},
    segment::{Flags, Segment},
    suppress::SuppressCause,
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
        match event {
            Event::Carrier { carrier, name } => {
                if carrier.as_usize() == self.carriers.len() {
                    self.carriers.push(name.to_owned());
                }
                Ok(())
            }
            Event::Planned { campaign, at, plan } => {
                self.on_planned(campaign, at, plan);
                Ok(())
            }
            Event::Bound { campaign, carrier, bound } => {
                if self.is_news(sequence) {
                    self.campaign_mut(sequence, campaign)?.bounds.insert(carrier, bound);
                }
                Ok(())
            }
            Event::Intent { head, leg: _, entries } => {
                let mut rows = self.rows(sequence, head)?;
                rows.campaign.last_submit_at = rows.campaign.last_submit_at.max(Some(head.at));
                rows.campaign.first_submit_at.get_or_insert(head.at);
                entries.into_iter().try_for_each(|entry| rows.on_intent(entry))
            }
            Event::Answers { head, entries } => {
                let mut rows = self.rows(sequence, head)?;
                entries.into_iter().try_for_each(|entry| rows.on_answer(&entry))
            }
            Event::InDoubt { head, cause, tokens } => {
                let mut rows = self.rows(sequence, head)?;
                tokens.into_iter().try_for_each(|token| rows.on_in_doubt(token, cause))
            }
            Event::Returned { head, tokens } => {
                let mut rows = self.rows(sequence, head)?;
                tokens.into_iter().try_for_each(|token| rows.on_returned(token))
            }
            Event::Resolved { head, as_, by: _, tokens } => {
                let mut rows = self.rows(sequence, head)?;
                tokens.into_iter().try_for_each(|token| rows.on_resolved(token, as_))
            }
            Event::Receipts { carrier, at, entries } => {
                entries.into_iter().try_for_each(|entry| self.on_receipt(sequence, carrier, at, &entry))
            }
            Event::NoReceipt { head, tokens } => {
                let mut rows = self.rows(sequence, head)?;
                tokens.into_iter().try_for_each(|token| rows.on_no_receipt(token))
            }
            Event::Reply { .. } => {
                self.receipts.replies += u64::from(self.is_news(sequence));
                Ok(())
            }
            Event::Suppress(entry) => {
                if self.is_news(sequence) {
                    self.suppress.apply(&entry);
                }
                Ok(())
            }
            Event::Suppressed { head, cause, tokens } => {
                let mut rows = self.rows(sequence, head)?;
                tokens.into_iter().try_for_each(|token| rows.on_suppressed(token, cause))
            }
            Event::Archived { campaign, archive } => self.on_archived(sequence, campaign, archive),
            Event::Control { campaign, at, control, why } => {
                if self.is_news(sequence) {
                    self.campaign_mut(sequence, campaign)?.control(at, control, why);
                }
                Ok(())
            }
        }
    }

    fn on_planned(&mut self, id: CampaignId, at: UnixMicros, plan: Planned) {
        self.campaigns.entry(id).or_insert_with(|| Campaign::new(id, at, plan));
    }

    pub(super) fn campaign_mut(&mut self, sequence: u64, id: CampaignId) -> Result<&mut Campaign, Error> {
        let never_planned = || Error::NeverPlanned { sequence, what: format!("campaign {id}") };
        self.campaigns.get_mut(&id).ok_or_else(never_planned)
    }

    fn rows(&mut self, sequence: u64, head: Head) -> Result<RowsOf<'_>, Error> {
        let is_news = self.is_news(sequence);
        let never_planned = || Error::NeverPlanned { sequence, what: format!("campaign {}", head.campaign) };
        let campaign = self.campaigns.get_mut(&head.campaign).ok_or_else(never_planned)?;
        if is_news {
            campaign.last_event_at = campaign.last_event_at.max(head.at);
        }
        Ok(RowsOf {
            store: &self.store,
            index: &mut self.index,
            parked: &mut self.parked,
            counters: &mut self.receipts,
            at_ms: campaign.ms(head.at),
            campaign,
            head,
            sequence,
            is_news,
        })
    }

    fn on_receipt(
        &mut self,
        sequence: u64,
        carrier: CarrierIndex,
        at: UnixMicros,
        entry: &ReceiptEntry<'_>,
    ) -> Result<(), Error> {
        let is_news = self.is_news(sequence);
        self.receipts.received += u64::from(is_news);
        let key = self.index.key(carrier, entry.id);
        let Some(target) = self.index.get(key) else {
            if is_planted(Bug::EarlyReceiptDropped) {
                return Ok(());
            }
            // Perhaps its answer is on the way: parked, and on disk by being in the journal.
            self.receipts.early += u64::from(is_news);
            let n_orphans = self.parked.park(key, Parked::new(carrier, at, sequence, entry));
            self.receipts.orphans += if is_news { n_orphans } else { 0 };
            return Ok(());
        };
        if entry.check.is_some_and(|check| check != target.check) && !is_planted(Bug::MatchedByIdAlone) {
            self.receipts.orphans += u64::from(is_news);
            return Ok(());
        }
        let head = Head { campaign: target.campaign, carrier, at };
        self.rows(sequence, head)?.on_receipt(target.token, key, entry.state, entry.err, sequence)
    }
}

/// The rows that one event speaks of, with all that changes along with them.
struct RowsOf<'a> {
    store: &'a crate::store::Store,
    index: &'a mut crate::index::ReceiptIndex,
    parked: &'a mut crate::index::ParkedReceipts,
    counters: &'a mut super::ReceiptCounters,
    campaign: &'a mut Campaign,
    head: Head,
    at_ms: u32,
    sequence: u64,
    is_news: bool,
}

/// One row being changed: its chunk and the sums that must follow.
struct RowOf<'a> {
    chunk: &'a mut Chunk,
    sums: &'a mut Sums,
    reasons: &'a mut Reasons,
    offset: u16,
}

impl RowsOf<'_> {
    /// The row, unless the store's copy of its chunk already knows of this record.
    fn row(&mut self, row: RowIndex) -> Result<Option<RowOf<'_>>, Error> {
        let (number, offset) = place(row);
        let campaign = &mut *self.campaign;
        if campaign.archived.is_some() {
            return Ok(None); // The store knows its sums, and nothing more happens to it.
        }
        // Nearly always the chunk is in memory; only then is the second look-up left out.
        if let hash_map::Entry::Vacant(_) = campaign.open.entry(number) {
            let opened = open_chunk(self.store, campaign, number)?;
            if opened.is_none() {
                let what = format!("row {row} of campaign {}", self.head.campaign);
                return Err(Error::NeverPlanned { sequence: self.sequence, what });
            }
        }
        let Some(chunk) = campaign.open.get_mut(&number) else { return Ok(None) };
        if chunk.row(offset).is_none() {
            let what = format!("row {row} of campaign {}", self.head.campaign);
            return Err(Error::NeverPlanned { sequence: self.sequence, what });
        }
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
        Ok(())
    }

    /// A segment has an id now: receipts for it can be matched, and some may have come already.
    fn on_id(&mut self, token: MessageToken, id: &[u8], check: volley_core::RecipientCheck) -> Result<(), Error> {
        let key = self.index.key(self.head.carrier, id);
        self.index.insert(key, Target { campaign: self.head.campaign, token, check });
        for parked in self.parked.take(key) {
            if parked.fits(check) {
                self.on_receipt(token, key, parked.state(), parked.err(), parked.sequence)?;
            } else {
                self.counters.orphans += u64::from(self.is_news);
            }
        }
        Ok(())
    }

    fn on_in_doubt(&mut self, token: MessageToken, cause: DoubtCause) -> Result<(), Error> {
        let at_ms = self.at_ms;
        let Some(mut row) = self.row(token.row())? else { return Ok(()) };
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
        }
        Ok(())
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
        Ok(())
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
        Ok(())
    }

    /// `since` is the record that holds the receipt: an early one lies before its answer, and
    /// a start must read the journal from there.
    fn on_receipt(
        &mut self,
        token: MessageToken,
        key: u64,
        state: ReceiptState,
        err: &[u8],
        since: u64,
    ) -> Result<(), Error> {
        let at_ms = self.at_ms;
        let is_news = self.is_news;
        let Some(mut row) = self.row(token.row())? else { return Ok(()) };
        row.chunk.dirty_since = row.chunk.dirty_since.map(|dirty| dirty.min(since));
        let Some(slot) = row.chunk.slot_mut(row.offset, token.segment()) else { return Ok(()) };
        let Segment::Accepted(known) = slot.segment() else { return Ok(()) };
        let joined = match known {
            Some(known) if !is_planted(Bug::LastReceiptWins) => known.join(state),
            _ => state,
        };
        slot.set(Segment::Accepted(Some(joined)));
        let was_final = known.is_some_and(ReceiptState::is_final);
        let changed = known != Some(joined);
        if changed {
            row.sums.delivered += u64::from(joined == ReceiptState::Delivered);
            let is_delivered = joined == ReceiptState::Delivered;
            let reason = if is_delivered { 0 } else { row.reasons.index(&receipt_reason(joined, err)) };
            row.settle(Some(reason), |row| row.settled_ms = at_ms);
        }
        if is_news {
            self.counters.duplicates += u64::from(was_final && known == Some(state));
            self.counters.conflicts += u64::from(was_final && state.is_final() && known != Some(state));
            self.counters.corrections += u64::from(was_final && changed && joined == ReceiptState::Delivered);
        }
        if joined == ReceiptState::Delivered {
            self.index.remove(key, token);
        }
        Ok(())
    }

    /// All segments of the row that wait: what was sent or may have been stays what it is.
    fn on_suppressed(&mut self, token: MessageToken, cause: SuppressCause) -> Result<(), Error> {
        let at_ms = self.at_ms;
        let Some(mut row) = self.row(token.row())? else { return Ok(()) };
        for segment in 0..row.chunk.row(row.offset).map_or(1, |row| row.n_segments.max(1)) {
            if let Some(slot) = row.chunk.slot_mut(row.offset, segment)
                && slot.segment() == Segment::Waiting
            {
                slot.set(Segment::Suppressed);
            }
        }
        let reason = row.reasons.index(cause.reason());
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
    fn settle(&mut self, reason: Option<u16>, change: impl FnOnce(&mut crate::chunk::Row)) {
        let Some(row) = self.chunk.row_mut(self.offset) else { return };
        change(row);
        let (before, reason_before) = (row.state, row.reason);
        let after = self.chunk.derive_state(self.offset).unwrap_or(before);
        let Some(row) = self.chunk.row_mut(self.offset) else { return };
        row.state = after;
        row.reason = match after {
            MessageState::Delivered | MessageState::InFlight | MessageState::Pending => 0,
            MessageState::Rejected
            | MessageState::Suppressed
            | MessageState::Deferred
            | MessageState::InDoubt
            | MessageState::Accepted
            | MessageState::Undelivered
            | MessageState::Expired
            | MessageState::Unknown
            | MessageState::Failed
            | MessageState::Cancelled => reason.filter(|new| *new != 0 || before != after).unwrap_or(reason_before),
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

/// The reason of a refusal, for reports.
fn refusal(status: u32) -> String {
    format!("refused: {}", volley_smpp::pdu::CommandStatus(status))
}

fn receipt_reason(state: ReceiptState, err: &[u8]) -> String {
    // The carrier's own words, kept short and free of control characters.
    let err: String = String::from_utf8_lossy(err).chars().filter(|c| !c.is_control()).take(16).collect();
    let name = state.name();
    if err.is_empty() { format!("receipt: {name}") } else { format!("receipt: {name}, err {err}") }
}
