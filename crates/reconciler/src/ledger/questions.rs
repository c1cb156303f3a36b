//! Messages that were taken and whose receipt doesn't come: which to ask for, and what follows
//! from the answers.

use std::time::Duration;

use volley_core::{CampaignId, CarrierIndex, MessageState, MessageToken, RowIndex, UnixMicros};

use super::{Ledger, fold::RowsOf, open_chunk};
use crate::{
    Error,
    index::Target,
    record::{Head, QueriedEntries, QueriedEntry, Told},
};

/// A segment that its carrier can be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Row and segment.
    pub token: MessageToken,
    /// The carrier's id of it, as it came.
    pub id: Vec<u8>,
    /// How often its message was asked for.
    pub n_asked: u8,
}

/// A part of the list, gone through.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Questions {
    /// In the order of the list.
    pub found: Vec<Question>,
    /// Where to go on; `None` at the end of the list.
    pub next: Option<RowIndex>,
}

impl Ledger {
    /// The segments, from row `from` on, that `carrier` took under an id that no later message has,
    /// and that no final receipt told of. `is_due`: by how often the message was asked for, and how
    /// long ago it was submitted. Stops with the message that makes it `limit` or more.
    ///
    /// # Errors
    /// When the store fails.
    pub fn questions(
        &mut self,
        (id, carrier): (CampaignId, CarrierIndex),
        from: RowIndex,
        limit: usize,
        now: UnixMicros,
        is_due: impl Fn(u8, Duration) -> bool,
    ) -> Result<Questions, Error> {
        let mut questions = Questions::default();
        let Some(campaign) = self.campaigns.get_mut(&id) else { return Ok(questions) };
        let planned_at = campaign.planned_at;
        for number in campaign.open_numbers().into_iter().filter(|number| *number >= from.chunk()) {
            let was_open = campaign.open.contains(number);
            let Some(chunk) = open_chunk(&self.store, campaign, number)? else { continue };
            for (offset, row) in (0_u16..).zip(chunk.rows()) {
                let row_index = RowIndex::in_chunk(number, offset);
                let submitted_at = planned_at.plus(Duration::from_millis(row.submitted_ms.into()));
                let is_meant = row.state == MessageState::Accepted && row.carrier == carrier.0 && row_index >= from;
                if !is_meant || !is_due(row.flags.n_asked(), now.since(submitted_at)) {
                    continue;
                }
                if questions.found.len() >= limit {
                    questions.next = Some(row_index);
                    break;
                }
                for (segment, slot) in chunk.slots(offset).filter(|(_, slot)| slot.has_id()) {
                    let token = MessageToken::new(row_index, segment);
                    let key = self.index.key(carrier, chunk.folded_id(slot));
                    let target = self.index.sole(key).filter(|_| !self.settled.has(key, None));
                    if slot.segment().is_unsettled() && target.is_some_and(|target| target.is(id, token)) {
                        let n_asked = row.flags.n_asked();
                        questions.found.push(Question { token, id: chunk.id(slot).to_vec(), n_asked });
                    }
                }
            }
            if !was_open {
                campaign.open.remove(number);
            }
            if questions.next.is_some() {
                break;
            }
        }
        Ok(questions)
    }

    pub(super) fn on_queried(
        &mut self,
        sequence: u64,
        head: Head,
        mut entries: QueriedEntries<'_>,
    ) -> Result<(), Error> {
        let mut rows = self.rows(sequence, head)?;
        entries.try_for_each(|entry| rows.on_queried(&entry))
    }
}

impl Target {
    fn is(&self, campaign: CampaignId, token: MessageToken) -> bool {
        self.campaign == campaign && (self.token.row(), self.token.segment()) == (token.row(), token.segment())
    }
}

impl RowsOf<'_> {
    /// The carrier was asked for a segment: an answer counts as a receipt for it does.
    fn on_queried(&mut self, entry: &QueriedEntry<'_>) -> Result<(), Error> {
        if self.is_news {
            self.counters.queried += 1;
            match entry.told {
                Told::State { .. } => {}
                Told::Refused { .. } => self.counters.queries_refused += 1,
                Told::Nothing => self.counters.queries_unanswered += 1,
            }
        }
        let token = entry.token;
        let Some(row) = self.row(token.row())? else { return Ok(()) };
        let slot = row.chunk.slots(row.offset).find(|(segment, _)| *segment == token.segment());
        let folded = slot.map(|(_, slot)| row.chunk.folded_id(slot).to_vec()).unwrap_or_default();
        if let Some(row) = row.chunk.row_mut(row.offset) {
            row.flags.set_asked(entry.n_asked.max(row.flags.n_asked()));
        }
        let Told::State { state, err } = entry.told else { return Ok(()) };
        let key = self.index.key(self.head.carrier, &folded);
        // The id may have been given to another message meanwhile: then the answer is of that.
        let target = self.index.sole(key).filter(|target| target.is(self.head.campaign, token));
        target.map_or(Ok(()), |target| self.on_receipt(target.token, key, state, err, self.sequence))
    }
}
