//! What carriers took, or may have taken.

use volley_core::{CampaignId, CarrierIndex, RowIndex};

use super::Ledger;
use crate::{
    Error,
    segment::{Flags, Segment},
};

impl Ledger {
    /// Gives `each` every segment of the campaign that a carrier took, or may have taken: row,
    /// carrier, and how often. What was sent again after an attempt of unknown fate counts twice.
    ///
    /// # Errors
    /// When the store fails, or `each` does.
    pub fn taken<E: From<Error>>(
        &self,
        id: CampaignId,
        mut each: impl FnMut(RowIndex, CarrierIndex, u32) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(campaign) = self.campaigns.get(&id) else { return Ok(()) };
        for number in (0..campaign.n_chunks()).filter(|number| !self.is_untouched(id, *number)) {
            let loaded;
            let chunk = match campaign.open.get(number) {
                Some(chunk) => chunk,
                None => {
                    loaded = self.stored_or_untouched(campaign, number)?;
                    &loaded
                }
            };
            for (offset, row) in (0_u16..).zip(chunk.rows()) {
                let before = u32::from(row.flags.has(Flags::POSSIBLE_DUPLICATE));
                for (_, slot) in chunk.slots(offset).take(usize::from(row.n_segments)) {
                    let now = match slot.segment() {
                        Segment::InFlight | Segment::Doubt | Segment::GivenUp | Segment::Accepted(_) => 1,
                        Segment::Waiting
                        | Segment::Failed
                        | Segment::Suppressed
                        | Segment::Cancelled
                        | Segment::Missed => 0,
                    };
                    if before + now > 0 {
                        each(RowIndex::in_chunk(number, offset), CarrierIndex(slot.carrier), before + now)?;
                    }
                }
            }
        }
        Ok(())
    }
}
