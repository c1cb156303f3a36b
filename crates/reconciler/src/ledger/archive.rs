//! Campaigns whose rows lie in an archive file.

use volley_core::CampaignId;

use super::Ledger;
use crate::{Error, record::Archive};

impl Ledger {
    /// Where a campaign's rows lie, when they are no longer in the ledger.
    #[must_use]
    pub fn archive(&self, id: CampaignId) -> Option<&Archive> {
        self.campaigns.get(&id)?.archived.as_ref()
    }

    /// When something last happened to a campaign.
    #[must_use]
    pub fn last_event_at(&self, id: CampaignId) -> Option<volley_core::UnixMicros> {
        self.campaigns.get(&id).map(|campaign| campaign.last_event_at)
    }

    /// Gives every chunk of a campaign that was ever touched to `each`, packed as the store holds
    /// it, in order.
    ///
    /// # Errors
    /// When the store fails, or `each` does.
    pub fn packed_chunks<E: From<Error>>(
        &self,
        id: CampaignId,
        mut each: impl FnMut(u32, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(campaign) = self.campaigns.get(&id) else { return Ok(()) };
        for number in 0..campaign.n_chunks() {
            if let Some(chunk) = campaign.open.get(number) {
                each(number, &chunk.pack(self.applied))?;
            } else if campaign.stored.contains_key(&number) {
                let chunk = self.stored_or_untouched(campaign, number)?;
                each(number, &chunk.pack(chunk.as_of))?;
            }
        }
        Ok(())
    }

    /// The rows go, the sums stay as they are.
    pub(super) fn on_archived(&mut self, sequence: u64, id: CampaignId, archive: Archive) -> Result<(), Error> {
        if !self.is_news(sequence) {
            return Ok(());
        }
        let campaign = self.campaign_mut(sequence, id)?;
        campaign.open.clear();
        campaign.to_remove = campaign.stored.drain().map(|(number, _)| number).collect();
        campaign.archived = Some(archive);
        self.index.forget(id);
        self.suspects.forget(id);
        Ok(())
    }
}
