//! What can be asked of the ledger.

use std::time::Duration;

use volley_core::{CampaignId, CarrierIndex, MessageState, MessageToken, RowIndex, UnixMicros};

use super::{CampaignReceipts, Ledger, ReceiptCounters, open_chunk};
use crate::{
    Error,
    campaign::Campaign,
    chunk::{Chunk, Row},
    record::Planned,
    segment::{Flags, Segment},
    summary::Summary,
};

/// A row that waits to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowToSend {
    /// The row.
    pub row: RowIndex,
    /// The one segment that waits while others of the row don't, or `None` for the whole message.
    pub only: Option<u8>,
    /// Attempts made so far.
    pub attempts: u8,
    /// When it is due, for a deferred row.
    pub due: Option<UnixMicros>,
}

/// A segment whose answer never came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DoubtfulSegment {
    /// Row and segment.
    pub token: MessageToken,
    /// The carrier that it went to.
    pub carrier: CarrierIndex,
}

/// One row as the per-recipient report shows it.
#[derive(Debug)]
pub struct ReportRow<'a> {
    /// The row.
    pub row: RowIndex,
    /// Where it stands.
    pub state: MessageState,
    /// Why, or empty.
    pub reason: &'a str,
    /// The carrier that it went to last, if it went anywhere.
    pub carrier: Option<&'a str>,
    /// The carrier's id of the first segment, or empty.
    pub id: &'a [u8],
    /// The same carrier's number.
    pub carrier_index: Option<CarrierIndex>,
    /// The reason's number among the campaign's ([`Ledger::reason`]); 0 for none.
    pub reason_index: u16,
    /// Segments of the message; 0 until its first attempt.
    pub n_segments: u8,
    /// Segments written, each attempt counted.
    pub n_submitted: u16,
    /// Segments taken by a carrier.
    pub n_accepted: u8,
    /// Segments delivered.
    pub n_delivered: u8,
    /// Attempts that count.
    pub attempts: u8,
    /// Sent again after an attempt of unknown fate.
    pub possible_duplicate: bool,
    /// A receipt told of it where an answer is missing.
    pub inferred: bool,
    /// When its last intent was recorded.
    pub submitted_at: Option<UnixMicros>,
    /// When its last answer came.
    pub answered_at: Option<UnixMicros>,
    /// When a receipt or decision last changed it.
    pub settled_at: Option<UnixMicros>,
}

impl Ledger {
    /// All campaigns, oldest first.
    #[must_use]
    pub fn campaigns(&self) -> Vec<(CampaignId, Summary)> {
        self.campaigns.iter().map(|(id, campaign)| (*id, campaign.summary())).collect()
    }

    /// The last campaign with this name, or with this number.
    #[must_use]
    pub fn find(&self, name_or_number: &str) -> Option<CampaignId> {
        let named = self.campaigns.values().rev().find(|campaign| campaign.plan.name == name_or_number);
        named.map(|campaign| campaign.id).or_else(|| {
            let id = CampaignId(name_or_number.parse().ok()?);
            self.campaigns.contains_key(&id).then_some(id)
        })
    }

    /// The numbers of one campaign.
    #[must_use]
    pub fn summary(&self, id: CampaignId) -> Option<Summary> {
        self.campaigns.get(&id).map(crate::campaign::Campaign::summary)
    }

    /// What was approved for a campaign.
    #[must_use]
    pub fn plan(&self, id: CampaignId) -> Option<&Planned> {
        self.campaigns.get(&id).map(|campaign| &campaign.plan)
    }

    /// Why the campaign stopped last, in words; empty when nothing is known.
    #[must_use]
    pub fn control_why(&self, id: CampaignId) -> &str {
        self.campaigns.get(&id).map_or("", |campaign| &campaign.control_why)
    }

    /// Counts of receipts that were out of the ordinary, over all campaigns.
    #[must_use]
    pub const fn receipt_counters(&self) -> ReceiptCounters {
        ReceiptCounters { waiting: self.parked.len() as u64, ..self.receipts }
    }

    /// Ids that await a receipt, and receipts that await their answer.
    #[must_use]
    pub fn n_awaiting(&self) -> (usize, usize) {
        (self.index.len(), self.parked.len())
    }

    /// Memory held by open chunks, in octets, roughly.
    #[must_use]
    pub fn n_octets_open(&self) -> usize {
        self.campaigns.values().flat_map(|campaign| campaign.open.iter()).map(|(_, chunk)| chunk.n_octets()).sum()
    }

    /// Chunks of a campaign.
    #[must_use]
    pub fn n_chunks(&self, id: CampaignId) -> u32 {
        self.campaigns.get(&id).map_or(0, crate::campaign::Campaign::n_chunks)
    }

    /// Whether a chunk was never touched: all its rows are pending.
    #[must_use]
    pub fn is_untouched(&self, id: CampaignId, chunk: u32) -> bool {
        let campaign = self.campaigns.get(&id);
        campaign.is_some_and(|campaign| !campaign.open.contains(chunk) && !campaign.stored.contains_key(&chunk))
    }

    /// The touched rows of a campaign that wait to be sent, pending or deferred, in order.
    ///
    /// # Errors
    /// When the store fails.
    pub fn touched_rows_to_send(&mut self, id: CampaignId) -> Result<Vec<RowToSend>, Error> {
        let mut waiting = Vec::new();
        self.each_open_row(id, |planned_at, row_index, chunk, row| {
            if !matches!(row.state, MessageState::Pending | MessageState::Deferred) {
                return;
            }
            let deferred = row.flags.has(Flags::DEFERRED);
            let due = deferred.then(|| planned_at.plus(Duration::from_millis(row.settled_ms.into())));
            let base = RowToSend { row: row_index, only: None, attempts: row.attempts, due };
            let segments = || chunk.slots(row_index.offset());
            if segments().all(|(_, slot)| slot.segment() == Segment::Waiting) {
                waiting.push(base);
            } else {
                let those = segments().filter(|(_, slot)| slot.segment() == Segment::Waiting);
                waiting.extend(those.map(|(segment, _)| RowToSend { only: Some(segment), ..base }));
            }
        })?;
        Ok(waiting)
    }

    /// Segments with a durable intent and no answer. While a campaign runs they are in flight;
    /// after a crash their fate is unknown.
    ///
    /// # Errors
    /// When the store fails.
    pub fn unanswered(&mut self, id: CampaignId) -> Result<Vec<DoubtfulSegment>, Error> {
        self.segments(id, |segment| segment == Segment::InFlight)
    }

    /// Segments in doubt.
    ///
    /// # Errors
    /// When the store fails.
    pub fn in_doubt(&mut self, id: CampaignId) -> Result<Vec<DoubtfulSegment>, Error> {
        self.segments(id, |segment| segment == Segment::Doubt)
    }

    /// Rows that were taken by a carrier `deadline` or longer before `now` and have no final
    /// receipt.
    ///
    /// # Errors
    /// When the store fails.
    pub fn overdue(
        &mut self,
        id: CampaignId,
        now: UnixMicros,
        deadline: Duration,
    ) -> Result<Vec<DoubtfulSegment>, Error> {
        let mut overdue = Vec::new();
        self.each_open_row(id, |planned_at, row_index, _, row| {
            let submitted_at = planned_at.plus(Duration::from_millis(row.submitted_ms.into()));
            if row.state == MessageState::Accepted && now.since(submitted_at) >= deadline {
                let token = MessageToken::new(row_index, 0);
                overdue.push(DoubtfulSegment { token, carrier: CarrierIndex(row.carrier) });
            }
        })?;
        Ok(overdue)
    }

    /// Gives every row of the campaign that can be sent to `each`, in order.
    ///
    /// # Errors
    /// When the store fails, or `each` does.
    pub fn report<E: From<Error>>(
        &self,
        id: CampaignId,
        mut each: impl FnMut(&ReportRow<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        (0..self.n_chunks(id)).try_for_each(|number| self.report_chunk(id, number, &mut each))
    }

    /// The rows of one chunk, in order. Several threads may ask at once.
    ///
    /// # Errors
    /// When the store fails, or `each` does.
    pub fn report_chunk<E: From<Error>>(
        &self,
        id: CampaignId,
        number: u32,
        mut each: impl FnMut(&ReportRow<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(campaign) = self.campaigns.get(&id) else { return Ok(()) };
        let loaded;
        let chunk = match campaign.open.get(number) {
            Some(chunk) => chunk,
            None => {
                loaded = Box::new(self.stored_or_untouched(campaign, number)?);
                &loaded
            }
        };
        let rows = (0_u16..).zip(chunk.rows());
        rows.map(|(offset, row)| self.report_row(campaign, number, chunk, offset, row)).try_for_each(|row| each(&row))
    }

    fn report_row<'a>(
        &'a self,
        campaign: &'a Campaign,
        number: u32,
        chunk: &'a Chunk,
        offset: u16,
        row: &Row,
    ) -> ReportRow<'a> {
        let at = |ms: u32| (ms > 0).then(|| campaign.planned_at.plus(Duration::from_millis(ms.into())));
        let tried = row.submits > 0;
        let (mut n_accepted, mut n_delivered) = (0, 0);
        let mut count = |segment: Segment| {
            n_accepted += u8::from(matches!(segment, Segment::Accepted(_)));
            n_delivered += u8::from(segment.is_delivered());
        };
        match row.n_segments {
            0 | 1 => count(row.first.segment()),
            2..=u8::MAX => chunk.slots(offset).for_each(|(_, slot)| count(slot.segment())),
        }
        ReportRow {
            row: RowIndex::in_chunk(number, offset),
            state: row.state,
            reason: campaign.reasons.text(row.reason),
            carrier: self.carriers.get(usize::from(row.carrier)).filter(|_| tried).map(String::as_str),
            id: chunk.id(&row.first),
            carrier_index: tried.then_some(CarrierIndex(row.carrier)),
            reason_index: row.reason,
            n_segments: row.n_segments,
            n_submitted: row.submits,
            n_accepted,
            n_delivered,
            attempts: row.attempts,
            possible_duplicate: row.flags.has(Flags::POSSIBLE_DUPLICATE),
            inferred: row.flags.has(Flags::INFERRED),
            submitted_at: at(row.submitted_ms).filter(|_| tried),
            answered_at: at(row.answered_ms),
            settled_at: at(row.settled_ms),
        }
    }

    /// The text of a reason's number; empty for 0 and for unknown ones.
    #[must_use]
    pub fn reason(&self, id: CampaignId, index: u16) -> &str {
        self.campaigns.get(&id).map_or("", |campaign| campaign.reasons.text(index))
    }

    /// When the campaign was approved, and when the last event of it happened that was folded.
    #[must_use]
    pub fn times(&self, id: CampaignId) -> Option<(UnixMicros, UnixMicros)> {
        self.campaigns.get(&id).map(|campaign| (campaign.planned_at, campaign.last_event_at))
    }

    /// Counts of the campaign's receipts that were out of the ordinary.
    #[must_use]
    pub fn campaign_receipts(&self, id: CampaignId) -> CampaignReceipts {
        self.campaigns.get(&id).map(|campaign| campaign.receipts).unwrap_or_default()
    }

    pub(super) fn stored_or_untouched(
        &self,
        campaign: &crate::campaign::Campaign,
        number: u32,
    ) -> Result<Chunk, Error> {
        if !campaign.stored.contains_key(&number) {
            return Ok(Chunk::untouched(campaign.chunk_len(number)));
        }
        let packed = self.store.chunk(campaign.id, number)?;
        packed.as_deref().and_then(Chunk::unpack).ok_or_else(|| self.store.damaged_chunk(campaign.id, number))
    }

    fn segments(&mut self, id: CampaignId, which: impl Fn(Segment) -> bool) -> Result<Vec<DoubtfulSegment>, Error> {
        let mut found = Vec::new();
        self.each_open_row(id, |_, row_index, chunk, _| {
            let those = chunk.slots(row_index.offset()).filter(|(_, slot)| which(slot.segment()));
            found.extend(those.map(|(segment, slot)| DoubtfulSegment {
                token: MessageToken::new(row_index, segment),
                carrier: CarrierIndex(slot.carrier),
            }));
        })?;
        Ok(found)
    }

    /// Visits the rows of all touched chunks that are not final as a whole, in order.
    pub(super) fn each_open_row(
        &mut self,
        id: CampaignId,
        mut visit: impl FnMut(UnixMicros, RowIndex, &Chunk, &Row),
    ) -> Result<(), Error> {
        let Some(campaign) = self.campaigns.get_mut(&id) else { return Ok(()) };
        let planned_at = campaign.planned_at;
        for number in campaign.open_numbers() {
            let was_open = campaign.open.contains(number);
            let Some(chunk) = open_chunk(&self.store, campaign, number)? else { continue };
            for (offset, row) in (0_u16..).zip(chunk.rows()) {
                visit(planned_at, RowIndex::in_chunk(number, offset), chunk, row);
            }
            if !was_open {
                campaign.open.remove(number);
            }
        }
        Ok(())
    }
}
