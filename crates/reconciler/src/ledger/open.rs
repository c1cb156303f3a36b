//! Opening: the store's copy, then the journal behind it; and the store anew when it is lost.

use std::path::{Path, PathBuf};

use volley_core::{CampaignId, CarrierIndex, MessageState, MessageToken, RowIndex};
use volley_journal::{Journal, Sequence};

use super::{FORMAT, GlobalRecord, Ledger, ReceiptCounters, open_chunk};
use crate::{
    Error,
    campaign::StoredChunk,
    index::{ParkedReceipts, ReceiptIndex, Target},
    store::Store,
    suppress::SuppressList,
};

/// A ledger just opened, and what a person should know of it.
#[derive(Debug)]
pub struct Opened {
    /// The ledger, in the state of the journal's last record.
    pub ledger: Ledger,
    /// Where a damaged store was put, if there was one.
    pub set_aside: Option<PathBuf>,
    /// Records read again from the journal.
    pub n_replayed: u64,
}

impl Ledger {
    /// Opens the store in `dir` and brings it up to the journal's last record. A store that is
    /// damaged, missing or of another journal is set aside and rebuilt.
    ///
    /// # Errors
    /// When the journal can't be read or folded, or no longer reaches back far enough to rebuild
    /// a lost store.
    pub fn open(dir: &Path, journal: &Journal) -> Result<Opened, Error> {
        let (store, mut set_aside) = Store::open(dir)?;
        let (mut ledger, mut replay_from) = match Self::load(store, journal) {
            Ok(loaded) => loaded,
            Err((store, _why)) => {
                let (store, aside) = store.start_over()?;
                set_aside = Some(aside);
                (Self::empty(store), 1)
            }
        };
        let n_replayed = match ledger.replay(journal, replay_from) {
            // A chunk of the store was damaged, found while folding: once more without the store.
            Err(Error::DamagedValue { .. }) if set_aside.is_none() => {
                let (store, aside) = ledger.store.start_over()?;
                set_aside = Some(aside);
                (ledger, replay_from) = (Self::empty(store), 1);
                ledger.replay(journal, replay_from)?
            }
            other => other?,
        };
        Ok(Opened { ledger, set_aside, n_replayed })
    }

    fn empty(store: Store) -> Self {
        Self {
            store,
            campaigns: std::collections::BTreeMap::new(),
            carriers: Vec::new(),
            index: ReceiptIndex::default(),
            parked: ParkedReceipts::default(),
            receipts: ReceiptCounters::default(),
            suppress: SuppressList::default(),
            applied: 0,
            global_as_of: 0,
        }
    }

    /// What the store holds, and from which record on the journal must be read. An error gives
    /// the store back: it can't be trusted.
    #[expect(clippy::result_large_err, reason = "the store comes back to be set aside; once per start")]
    fn load(store: Store, journal: &Journal) -> Result<(Self, u64), (Store, Error)> {
        let mut ledger = Self::empty(store);
        match ledger.load_records(journal) {
            Ok(replay_from) => Ok((ledger, replay_from)),
            Err(why) => Err((ledger.store, why)),
        }
    }

    fn load_records(&mut self, journal: &Journal) -> Result<u64, Error> {
        let Some(octets) = self.store.global()? else { return Ok(1) };
        let damaged = || Error::DamagedValue { path: self.store.path().to_owned(), key: "67".to_owned() };
        let record: GlobalRecord = serde_json::from_slice(&octets).map_err(|_| damaged())?;
        // The store may not know more than the journal: then it belongs to another one.
        if record.format != FORMAT || record.as_of > journal.last().0 {
            return Err(damaged());
        }
        self.carriers = record.carriers;
        self.receipts = record.receipts;
        self.suppress.last_reply = record.last_reply;
        for entry in self.store.suppressions() {
            let (number, value) = entry?;
            self.suppress.restore(&number, &value).ok_or_else(damaged)?;
        }
        (self.applied, self.global_as_of) = (record.as_of, record.as_of);
        for campaign in record.campaigns {
            let campaign = campaign.restore();
            self.campaigns.insert(campaign.id, campaign);
        }
        let index = &self.index;
        self.parked.restore(record.parked, |carrier, id| index.key(carrier, id));
        let mut awaiting = Vec::new();
        for entry in self.store.sums() {
            let (id, number, stored) = entry?;
            let Some(campaign) = self.campaigns.get_mut(&id) else { continue };
            let n_rows = stored.sums.states.total();
            campaign.sums.states.remove(MessageState::Pending, n_rows);
            campaign.sums.merge(&stored.sums);
            for (reason, n_rows) in stored.reasons {
                campaign.reasons.add(reason, n_rows);
            }
            campaign.stored.insert(number, StoredChunk { all_final: stored.sums.states.all_final() });
            if stored.sums.awaiting > 0 {
                awaiting.push((id, number));
            }
        }
        for (id, number) in awaiting {
            self.load_ids(id, number)?;
        }
        Ok(record.replay_from)
    }

    /// Puts the ids of a chunk that await a receipt into the index, without keeping the chunk.
    fn load_ids(&mut self, id: CampaignId, number: u32) -> Result<(), Error> {
        let Some(campaign) = self.campaigns.get_mut(&id) else { return Ok(()) };
        let Some(chunk) = open_chunk(&self.store, campaign, number)? else { return Ok(()) };
        for (offset, row) in (0_u16..).zip(chunk.rows()) {
            for (segment, slot) in chunk.slots(offset) {
                if slot.segment().awaits_receipt() && !chunk.folded_id(slot).is_empty() {
                    let key = self.index.key(CarrierIndex(row.carrier), chunk.folded_id(slot));
                    let token = MessageToken::new(RowIndex::in_chunk(number, offset), segment);
                    self.index.insert(key, Target { campaign: id, token, check: slot.check });
                }
            }
        }
        if chunk.n_open == 0 {
            campaign.open.remove(&number);
        }
        Ok(())
    }

    fn replay(&mut self, journal: &Journal, from: u64) -> Result<u64, Error> {
        let first = journal.first().0;
        if from < first {
            return Err(Error::NotRebuildable { path: self.store.path().to_owned(), journal_begins: first });
        }
        let mut reader = journal.read_from(Sequence(from));
        let mut n_replayed = 0;
        while let Some(record) = reader.next()? {
            self.fold(record.sequence.0, record.payload)?;
            n_replayed += 1;
        }
        Ok(n_replayed)
    }
}
