//! A campaign added up again, row by row: what its counters must agree with.

use volley_core::{CampaignId, MessageState, StateCounts};

use super::{Ledger, sums_of};
use crate::{Error, campaign::Sums, summary::Summary};

/// What can be added up in several ways, and must come out the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recount {
    /// Rows in each state.
    pub states: StateCounts,
    /// Segments written to a carrier.
    pub submitted: u64,
    /// Segments taken by a carrier.
    pub accepted: u64,
    /// Segments reported as delivered.
    pub delivered: u64,
    /// Rows sent again after an attempt of unknown fate.
    pub possible_duplicates: u64,
}

impl Recount {
    /// As the counters have it.
    #[must_use]
    pub const fn of_counters(summary: &Summary) -> Self {
        Self {
            states: summary.states,
            submitted: summary.segments.submitted,
            accepted: summary.segments.accepted,
            delivered: summary.segments.delivered,
            possible_duplicates: summary.possible_duplicates,
        }
    }
}

impl Ledger {
    /// Adds a campaign up from its rows alone, not from any counter.
    ///
    /// # Errors
    /// When the store fails or holds a damaged chunk.
    pub fn recount(&self, id: CampaignId) -> Result<Option<Recount>, Error> {
        let Some(campaign) = self.campaigns.get(&id) else { return Ok(None) };
        let mut sums = Sums::default();
        if campaign.archived.is_some() {
            // Its rows lie in the archive, which holds its own sums.
            sums.merge(&campaign.sums);
        }
        sums.states.add(MessageState::Rejected, campaign.plan.rejected.values().sum());
        let n_chunks = if campaign.archived.is_some() { 0 } else { campaign.n_chunks() };
        for number in 0..n_chunks {
            match campaign.open.get(number) {
                Some(chunk) => sums.merge(&sums_of(chunk).sums),
                None => sums.merge(&sums_of(&self.stored_or_untouched(campaign, number)?).sums),
            }
        }
        let Sums {
            states,
            submitted,
            accepted,
            delivered,
            possible_duplicates,
            inferred: _,
            taken_twice: _,
            awaiting: _,
        } = sums;
        Ok(Some(Recount { states, submitted, accepted, delivered, possible_duplicates }))
    }
}
