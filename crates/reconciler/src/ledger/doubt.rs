//! Rows in doubt, as a person decides on them.

use std::time::Duration;

use volley_core::{CampaignId, CarrierIndex, MessageToken, UnixMicros};

use super::Ledger;
use crate::{
    Error,
    segment::{Flags, Segment},
};

/// A segment in doubt, with what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// Row and segment.
    pub token: MessageToken,
    /// The carrier that it went to.
    pub carrier: CarrierIndex,
    /// Why its answer is missing.
    pub cause: String,
    /// When its row's last intent was recorded.
    pub submitted_at: UnixMicros,
    /// When its answer was given up: the connection was lost, or a resume found it missing.
    pub since: UnixMicros,
    /// Whether an earlier attempt is of unknown fate, too.
    pub possible_duplicate: bool,
}

impl Ledger {
    /// Segments in doubt, in the order of their rows.
    ///
    /// # Errors
    /// When the store fails.
    pub fn doubts(&mut self, id: CampaignId) -> Result<Vec<Doubt>, Error> {
        let mut found = Vec::new();
        self.each_open_row(id, |planned_at, row_index, chunk, row| {
            let at = |ms: u32| planned_at.plus(Duration::from_millis(ms.into()));
            let in_doubt = chunk.slots(row_index.offset()).filter(|(_, slot)| slot.segment() == Segment::Doubt);
            found.extend(in_doubt.map(|(segment, slot)| {
                let doubt = Doubt {
                    token: MessageToken::new(row_index, segment),
                    carrier: CarrierIndex(slot.carrier),
                    cause: String::new(),
                    submitted_at: at(row.submitted_ms),
                    since: at(row.settled_ms.max(row.submitted_ms)),
                    possible_duplicate: row.flags.has(Flags::POSSIBLE_DUPLICATE),
                };
                (doubt, row.reason)
            }));
        })?;
        let Some(campaign) = self.campaigns.get(&id) else { return Ok(Vec::new()) };
        let named = found.into_iter().map(|(doubt, reason)| Doubt {
            cause: campaign.reasons.text(reason).trim_start_matches("in doubt: ").to_owned(),
            ..doubt
        });
        Ok(named.collect())
    }

    /// The name of a carrier; empty for a number that was never given.
    #[must_use]
    pub fn carrier_name(&self, carrier: CarrierIndex) -> &str {
        self.carriers.get(carrier.as_usize()).map_or("", String::as_str)
    }
}
