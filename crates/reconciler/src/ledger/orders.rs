//! What was ordered of a campaign, and what of it stands.

use std::{collections::BTreeMap, ops::Range};

use serde::{Deserialize, Serialize};
use volley_core::{CHUNK_ROWS, CampaignId, CarrierIndex, Rate, RowIndex, UnixMicros};

use super::{
    Ledger,
    fold::{RowOf, RowsOf},
    open_chunk,
};
use crate::{
    Error,
    record::{Head, Order, Ordered},
    segment::{Flags, Segment},
};

/// Why rows of a cancelled campaign are not sent, in reports.
const REASON: &str = "cancelled";

/// What holds of a campaign until something else is ordered.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Standing {
    /// Nothing of it is begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused: Option<OrderedBy>,
    /// Nothing of it is begun through these carriers, by their numbers.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub paused_carriers: BTreeMap<u8, OrderedBy>,
    /// Segments, over all carriers, in place of what the campaign file says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// Segments, by carrier, in place of what the carriers file says.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub carrier_rates: BTreeMap<u8, Rate>,
    /// The canary arrived, or a person decided to go on without.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub canary_passed: bool,
    /// What was not begun never will be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancelled: Option<OrderedBy>,
}

/// Who ordered something, when and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderedBy {
    /// Who.
    pub by: String,
    /// When, in microseconds since 1970-01-01T00:00:00Z.
    pub at_us: u64,
    /// Why, in words; may be empty.
    pub why: String,
    /// The record that says so.
    #[serde(default)]
    pub(crate) sequence: u64,
}

impl OrderedBy {
    /// "anna@host: too early".
    #[must_use]
    pub fn words(&self) -> String {
        match self.why.as_str() {
            "" => self.by.clone(),
            why => format!("{}: {why}", self.by),
        }
    }
}

impl Standing {
    /// After `ordered`, which record `sequence` holds.
    pub fn apply(&mut self, ordered: &Ordered, sequence: u64) {
        let by = || OrderedBy { by: ordered.by.clone(), at_us: ordered.at_us, why: ordered.why.clone(), sequence };
        match ordered.order {
            Order::Pause { carrier: None } => self.paused = Some(by()),
            Order::Pause { carrier: Some(carrier) } => drop(self.paused_carriers.insert(carrier, by())),
            Order::Resume { carrier: None } => self.paused = None,
            Order::Resume { carrier: Some(carrier) } => drop(self.paused_carriers.remove(&carrier)),
            Order::Pace { carrier: None, rate } => self.rate = rate,
            Order::Pace { carrier: Some(carrier), rate: Some(rate) } => drop(self.carrier_rates.insert(carrier, rate)),
            Order::Pace { carrier: Some(carrier), rate: None } => drop(self.carrier_rates.remove(&carrier)),
            Order::Cancel => drop(self.cancelled.get_or_insert_with(by)),
            Order::Pass => self.canary_passed = true,
        }
    }

    /// Whether nothing was ordered that differs from what the files say.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the campaign was cancelled with record `sequence` or before.
    fn is_cancelled_at(&self, sequence: u64) -> bool {
        self.cancelled.as_ref().is_some_and(|cancelled| cancelled.sequence <= sequence)
    }
}

impl Ledger {
    /// What holds of a campaign until something else is ordered.
    #[must_use]
    pub fn standing(&self, id: CampaignId) -> Option<&Standing> {
        self.campaigns.get(&id).map(|campaign| &campaign.standing)
    }

    /// Everything that was ever ordered, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn audit(&self) -> Result<Vec<Ordered>, Error> {
        let stored = self.store.orders().collect::<Result<Vec<_>, _>>()?;
        // What the store holds beyond its own global record came again from the journal.
        let n_stored = usize::try_from(self.n_orders).unwrap_or(usize::MAX).saturating_sub(self.fresh_orders.len());
        Ok(stored.into_iter().take(n_stored).chain(self.fresh_orders.iter().cloned()).collect())
    }

    pub(super) fn on_ordered(&mut self, sequence: u64, ordered: Ordered) -> Result<(), Error> {
        if !self.is_news(sequence) {
            return Ok(());
        }
        let campaign = self.campaign_mut(sequence, CampaignId(ordered.campaign))?;
        campaign.standing.apply(&ordered, sequence);
        campaign.last_event_at = campaign.last_event_at.max(UnixMicros(ordered.at_us));
        self.n_orders += 1;
        self.fresh_orders.push(ordered);
        Ok(())
    }

    /// Every row in the range that waits.
    pub(super) fn on_cancelled(
        &mut self,
        sequence: u64,
        campaign: CampaignId,
        at: UnixMicros,
        range: &Range<u32>,
    ) -> Result<(), Error> {
        let mut rows = self.rows(sequence, Head { campaign, carrier: CarrierIndex::default(), at })?;
        let first = range.start / CHUNK_ROWS;
        (first..range.end.div_ceil(CHUNK_ROWS)).try_for_each(|number| rows.cancel_in_chunk(number, range))
    }

    /// Whether so many chunks are in memory that a checkpoint should not wait.
    #[must_use]
    pub fn is_crowded(&self) -> bool {
        self.n_open_chunks() > super::MAX_OPEN_CHUNKS
    }
}

impl RowsOf<'_> {
    fn cancel_in_chunk(&mut self, number: u32, range: &Range<u32>) -> Result<(), Error> {
        let campaign = &mut *self.campaign;
        let is_stored_final = campaign.stored.get(&number).is_some_and(|stored| stored.all_final);
        if campaign.archived.is_some() || (is_stored_final && !campaign.open.contains(number)) {
            return Ok(());
        }
        let reason = campaign.reasons.index(REASON);
        let (sequence, at_ms) = (self.sequence, self.at_ms);
        let Some(chunk) = open_chunk(self.store, campaign, number)? else { return Ok(()) };
        if sequence <= chunk.as_of || chunk.n_open == 0 {
            return Ok(());
        }
        chunk.dirty_since.get_or_insert(sequence);
        let rows = number * CHUNK_ROWS..number * CHUNK_ROWS + chunk.rows().len() as u32;
        let Some(chunk) = campaign.open.get_mut(number) else { return Ok(()) };
        for row in range.start.max(rows.start)..range.end.min(rows.end) {
            let (sums, reasons) = (&mut campaign.sums, &mut campaign.reasons);
            RowOf { chunk, sums, reasons, offset: RowIndex(row).offset() }.cancel(reason, at_ms);
        }
        Ok(())
    }

    /// In a cancelled campaign what comes back is not sent again.
    pub(super) fn cancel_if_ordered(&mut self, row: RowIndex) -> Result<(), Error> {
        if !self.campaign.standing.is_cancelled_at(self.sequence) {
            return Ok(());
        }
        let at_ms = self.at_ms;
        let reason = self.campaign.reasons.index(REASON);
        if let Some(mut row) = self.row(row)? {
            row.cancel(reason, at_ms);
        }
        Ok(())
    }
}

impl RowOf<'_> {
    /// All segments that wait: what was sent or may have been stays what it is.
    fn cancel(&mut self, reason: u16, at_ms: u32) {
        let n_segments = self.chunk.row(self.offset).map_or(1, |row| row.n_segments.max(1));
        let mut n_cancelled = 0;
        for segment in 0..n_segments {
            if let Some(slot) = self.chunk.slot_mut(self.offset, segment)
                && slot.segment() == Segment::Waiting
            {
                slot.set(Segment::Cancelled);
                n_cancelled += 1;
            }
        }
        if n_cancelled > 0 {
            self.settle(Some(reason), |row| {
                row.flags.clear(Flags::DEFERRED);
                row.settled_ms = at_ms;
            });
        }
    }
}
