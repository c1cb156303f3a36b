//! Receipts: matched with the segment that they tell of, and what follows for its row.

use volley_core::{
    CampaignId, CarrierIndex, MessageToken, ReceiptState, RecipientCheck, RowIndex, UnixMicros,
    planted::{Bug, is_planted},
};

use super::{Ledger, fold::RowsOf, place};
use crate::{
    Error, Identity, Inferences, Settled, Suspect,
    chunk::Chunk,
    index::{Parked, Target},
    inference,
    record::{Attempt, Head, InferredEntry, ReceiptEntry},
    segment::{Flags, Segment},
};

impl Ledger {
    /// `key` is the index's for carrier and id.
    pub(super) fn on_receipt(
        &mut self,
        sequence: u64,
        carrier: CarrierIndex,
        at: UnixMicros,
        key: u64,
        entry: &ReceiptEntry<'_>,
    ) -> Result<(), Error> {
        let is_news = self.is_news(sequence);
        self.receipts.received += u64::from(is_news);
        let target = self.index.get(key, entry.check);
        let is_of = |target: &Target| entry.check.is_none_or(|check| check == target.check);
        let target = match target {
            Some(target) if is_of(&target) || is_planted(Bug::MatchedByIdAlone) => target,
            _ if self.settled.has(key, entry.check) => {
                self.receipts.duplicates += u64::from(is_news && entry.state == ReceiptState::Delivered);
                let contradicts = entry.state.is_final() && entry.state != ReceiptState::Delivered;
                self.receipts.conflicts += u64::from(is_news && contradicts);
                return Ok(());
            }
            _ if is_planted(Bug::EarlyReceiptDropped) => return Ok(()),
            other => {
                // Perhaps its answer is on the way, be it under an id that another recipient has, too:
                // parked, and on disk by being in the journal.
                let is_orphan = is_news && other.is_some();
                let mut parked = Parked::new(carrier, at, sequence, entry);
                parked.is_orphan = is_orphan;
                if !is_news && self.parked.has(key, &parked) {
                    return Ok(());
                }
                let n_orphans = self.parked.park(key, parked) + u64::from(is_orphan);
                self.receipts.orphans += if is_news { n_orphans } else { 0 };
                return Ok(());
            }
        };
        let head = Head { campaign: target.campaign, carrier, at };
        self.rows(sequence, head)?.on_receipt(target.token, key, entry.state, entry.err, sequence)
    }

    pub(super) fn on_ambiguous(&mut self, sequence: u64, carrier: CarrierIndex, id: &[u8]) {
        let n_marked = self.parked.mark_ambiguous(self.index.key(carrier, id));
        self.receipts.ambiguous += if self.is_news(sequence) { n_marked } else { 0 };
    }

    /// Looks which receipts that fit no answer end a doubt. `identify` tells who a message goes
    /// to; what it doesn't know stays in doubt.
    pub fn infer(&self, settled: &[Settled], mut identify: impl FnMut(&Suspect) -> Option<Identity>) -> Inferences {
        let mut found = Inferences::default();
        if self.parked.len() == 0 || self.suspects.is_empty() || !self.suspects.is_complete() {
            return found;
        }
        for settled in settled {
            let of_carrier = self.suspects.iter().filter(|suspect| suspect.carrier == settled.carrier);
            let known: Vec<_> = of_carrier.filter_map(|suspect| Some((*suspect, identify(suspect)?))).collect();
            let receipts = self.parked.iter().filter(|parked| parked.carrier() == settled.carrier);
            inference::infer(&known, receipts, settled, &mut found);
        }
        // Said again for a segment that has the id, a receipt tells nothing of its neighbour.
        found.inferred.retain(|it| !self.has_id(it.campaign, it.token.row(), &it.folded));
        found
    }

    /// Whether a segment of the row goes by this id, or whether that can't be told.
    fn has_id(&self, id: CampaignId, row: RowIndex, folded: &[u8]) -> bool {
        let Some(campaign) = self.campaigns.get(&id) else { return true };
        let (number, offset) = place(row);
        let has = |chunk: &Chunk| chunk.slots(offset).any(|(_, slot)| chunk.folded_id(slot) == folded);
        match campaign.open.get(number) {
            Some(chunk) => has(chunk),
            None => self.stored_or_untouched(campaign, number).map_or(true, |chunk| has(&chunk)),
        }
    }

    /// Whether a receipt may still tell of segments whose answer never came.
    #[must_use]
    pub fn has_suspects(&self) -> bool {
        !self.suspects.is_empty()
    }
}

impl RowsOf<'_> {
    /// A segment has an id now: receipts for it can be matched, and some may have come already.
    pub(super) fn on_id(&mut self, token: MessageToken, id: &[u8], check: RecipientCheck) -> Result<(), Error> {
        let key = self.index.key(self.head.carrier, id);
        self.index.insert(key, Target { campaign: self.head.campaign, token, check });
        for parked in self.parked.take(key, self.sequence, |parked| parked.fits(check)) {
            self.counters.early += u64::from(self.is_news);
            self.counters.orphans -= u64::from(self.is_news && parked.is_orphan).min(self.counters.orphans);
            self.on_receipt(token, key, parked.state(), parked.err(), parked.sequence)?;
        }
        // Their own answer may still come.
        let n_orphans = self.parked.mark_orphans(key, self.sequence);
        self.counters.orphans += if self.is_news { n_orphans } else { 0 };
        Ok(())
    }

    /// `since` is the record that holds the receipt: an early one lies before its answer, and
    /// a start must read the journal from there.
    pub(super) fn on_receipt(
        &mut self,
        token: MessageToken,
        key: u64,
        state: ReceiptState,
        err: &[u8],
        since: u64,
    ) -> Result<(), Error> {
        let at_ms = self.at_ms;
        let is_news = self.is_news;
        let before = *self.counters;
        let Some(mut row) = self.row(token.row())? else { return Ok(()) };
        row.chunk.dirty_since = row.chunk.dirty_since.map(|dirty| dirty.min(since));
        let was_timed_out = row.chunk.row(row.offset).is_some_and(|row| row.flags.has(Flags::TIMED_OUT));
        let Some(slot) = row.chunk.slot_mut(row.offset, token.segment()) else { return Ok(()) };
        let Segment::Accepted(known) = slot.segment() else { return Ok(()) };
        let check = slot.check;
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
            self.counters.late += u64::from(was_timed_out && !was_final && joined.is_final());
            self.campaign.receipts.follow(&before, self.counters);
        }
        if joined == ReceiptState::Delivered {
            self.index.remove(key, token);
            self.settled.insert(key, check);
        }
        Ok(())
    }

    /// A receipt told that the segment was taken.
    pub(super) fn on_inferred(&mut self, entry: &InferredEntry<'_>) -> Result<(), Error> {
        let token = entry.token;
        if self.is_news {
            self.suspects.clear(self.head.campaign, token, entry.attempt == Attempt::Earlier);
        }
        let folded = entry.folded.unwrap_or(entry.id);
        match entry.attempt {
            Attempt::Present => {
                if self.accept_inferred(entry)? {
                    self.on_id(token, folded, entry.check)?;
                }
                Ok(())
            }
            Attempt::Earlier => self.on_taken_twice(token, folded, entry.check),
        }
    }

    /// Whether the segment had no answer and no id until now.
    fn accept_inferred(&mut self, entry: &InferredEntry<'_>) -> Result<bool, Error> {
        let (at_ms, token) = (self.at_ms, entry.token);
        let Some(mut row) = self.row(token.row())? else { return Ok(false) };
        let Some(slot) = row.chunk.slot_mut(row.offset, token.segment()) else { return Ok(false) };
        let was = slot.segment();
        let is_open = match was {
            Segment::Doubt | Segment::GivenUp => true,
            // A person took it for sent.
            Segment::Accepted(None) => !slot.has_id(),
            Segment::Accepted(Some(_))
            | Segment::Waiting
            | Segment::InFlight
            | Segment::Failed
            | Segment::Suppressed
            | Segment::Missed
            | Segment::Cancelled => false,
        };
        if !is_open {
            return Ok(false);
        }
        slot.set(Segment::Accepted(None));
        row.chunk.set_id(row.offset, token.segment(), entry.id, entry.folded, entry.check);
        row.sums.accepted += u64::from(was != Segment::Accepted(None));
        let was_known = row.chunk.row(row.offset).is_some_and(|row| row.flags.has(Flags::INFERRED));
        row.sums.inferred += u64::from(!was_known);
        let reason = row.reasons.index("in doubt, then a receipt came");
        row.settle(Some(reason), |row| {
            row.flags.set(Flags::INFERRED);
            row.settled_ms = at_ms;
        });
        if self.is_news {
            self.counters.inferred += 1;
            self.counters.late += u64::from(was == Segment::GivenUp);
        }
        Ok(true)
    }

    /// The attempt before a resend was taken: its receipts are not those of the resend.
    fn on_taken_twice(&mut self, token: MessageToken, folded: &[u8], check: RecipientCheck) -> Result<(), Error> {
        let key = self.index.key(self.head.carrier, folded);
        drop(self.parked.take(key, self.sequence, |parked| parked.fits(check)));
        let Some(mut row) = self.row(token.row())? else { return Ok(()) };
        let was_known = row.chunk.row(row.offset).is_some_and(|row| row.flags.has(Flags::TAKEN_TWICE));
        row.sums.taken_twice += u64::from(!was_known);
        row.settle(None, |row| row.flags.set(Flags::TAKEN_TWICE));
        self.counters.inferred += u64::from(self.is_news);
        Ok(())
    }
}

fn receipt_reason(state: ReceiptState, err: &[u8]) -> String {
    // The carrier's own words, kept short and free of control characters.
    let err: String = String::from_utf8_lossy(err).chars().filter(|c| !c.is_control()).take(16).collect();
    let name = state.name();
    if err.is_empty() { format!("receipt: {name}") } else { format!("receipt: {name}, err {err}") }
}
