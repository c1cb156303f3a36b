//! Opening: the store's copy, then the journal behind it; and the store anew when it is lost.

use std::path::{Path, PathBuf};

use volley_core::{CampaignId, CarrierIndex, MessageState, MessageToken, RowIndex};
use volley_journal::{Journal, Sequence, View};

use super::{Checkpoint, GlobalRecord, Ledger, MAX_OPEN_CHUNKS, READABLE, ReceiptCounters, open_chunk};
use crate::{
    Error,
    campaign::StoredChunk,
    index::{ParkedReceipts, ReceiptIndex, SettledIds, Target},
    store::Store,
    suppress::SuppressLists,
    suspects::Suspects,
};

/// Records replayed between two looks at the memory that they take.
const RECORDS_PER_CHECKPOINT: u64 = 64;

/// A ledger just opened, and what a person should know of it.
#[derive(Debug)]
pub struct Opened {
    /// The ledger, in the state of the journal's last record.
    pub ledger: Ledger,
    /// A damaged store that was put aside, if there was one.
    pub set_aside: Option<SetAside>,
    /// Records read again from the journal.
    pub n_replayed: u64,
}

/// A store that could not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// Where it was put.
    pub path: PathBuf,
    /// What is wrong with it.
    pub why: String,
}

impl Ledger {
    /// Opens the store in `dir` and brings it up to the journal's last record. A store that is
    /// damaged or missing is set aside and rebuilt.
    ///
    /// # Errors
    /// When the journal can't be read or folded, has lost records that the store knows of, or no
    /// longer reaches back far enough to rebuild a lost store.
    pub fn open(dir: &Path, journal: &Journal) -> Result<Opened, Error> {
        Self::open_at(dir, &journal.view())
    }

    /// As [`Ledger::open`], of a journal that is only looked at.
    ///
    /// # Errors
    /// As there.
    pub fn open_at(dir: &Path, journal: &View) -> Result<Opened, Error> {
        let (store, aside) = Store::open(dir)?;
        let mut set_aside = aside.map(|path| SetAside { path, why: "sled can't open it".to_owned() });
        let (mut ledger, mut replay_from) = match Self::load(store, journal) {
            Ok(loaded) => loaded,
            // Rebuilding would only hide what the journal lost.
            Err((_, lost @ (Error::JournalBehind { .. } | Error::Journal(_) | Error::OtherBaseFormat { .. }))) => {
                return Err(lost);
            }
            Err((store, why)) => {
                let (store, path) = store.start_over()?;
                set_aside = Some(SetAside { path, why: why.to_string() });
                Self::load(store, journal).map_err(|(_, why)| why)?
            }
        };
        let n_replayed = match ledger.replay(journal, replay_from) {
            // A chunk of the store was damaged, found while folding: once more without the store.
            Err(why @ Error::DamagedValue { .. }) if set_aside.is_none() => {
                let (store, path) = ledger.store.start_over()?;
                set_aside = Some(SetAside { path, why: why.to_string() });
                (ledger, replay_from) = Self::load(store, journal).map_err(|(_, why)| why)?;
                ledger.replay(journal, replay_from)?
            }
            other => other?,
        };
        Ok(Opened { ledger, set_aside, n_replayed })
    }

    /// Moves a store aside, so that the next opening rebuilds it from the journal. Gives its new
    /// place; `None` when there is none.
    ///
    /// # Errors
    /// When it can't be moved.
    pub fn set_store_aside(dir: &Path) -> Result<Option<PathBuf>, Error> {
        crate::store::set_aside(dir)
    }

    fn empty(store: Store) -> Self {
        Self {
            store,
            campaigns: std::collections::BTreeMap::new(),
            carriers: Vec::new(),
            index: ReceiptIndex::default(),
            parked: ParkedReceipts::default(),
            settled: SettledIds::default(),
            suspects: Suspects::default(),
            foldings: std::collections::BTreeMap::new(),
            receipts: ReceiptCounters::default(),
            suppress: SuppressLists::default(),
            erasures: 0,
            n_orders: 0,
            fresh_orders: Vec::new(),
            applied: 0,
            journal_first: 1,
            global_as_of: 0,
        }
    }

    /// What the store holds, and from which record on the journal must be read. An error gives
    /// the store back: it can't be trusted.
    #[expect(clippy::result_large_err, reason = "the store comes back to be set aside; once per start")]
    fn load(store: Store, journal: &View) -> Result<(Self, u64), (Store, Error)> {
        let mut ledger = Self::empty(store);
        ledger.journal_first = journal.first().0;
        match ledger.load_records(journal) {
            Ok(replay_from) => Ok((ledger, replay_from)),
            Err(why) => Err((ledger.store, why)),
        }
    }

    fn load_records(&mut self, journal: &View) -> Result<u64, Error> {
        let octets = match self.store.global()? {
            Some(octets) => octets,
            None if !super::base::restore(&self.store, journal)? => return Ok(1),
            None => self.store.global()?.unwrap_or_default(),
        };
        let path = self.store.path().to_owned();
        let damaged = || Error::DamagedValue { path: path.clone(), key: "67".to_owned() };
        let record: GlobalRecord = serde_json::from_slice(&octets).map_err(|_| damaged())?;
        // Only what is durable in the journal is folded, so the store never knows more.
        if record.as_of > journal.last().0 {
            return Err(Error::JournalBehind {
                path: self.store.path().to_owned(),
                store_knows: record.as_of,
                journal_ends: journal.last().0,
            });
        }
        if !READABLE.contains(&record.format) {
            return Err(Error::OtherFormat { path: self.store.path().to_owned(), found: record.format });
        }
        if record.replay_from < self.journal_first && journal.base().is_some() {
            return Err(Error::StoreBehind {
                path: self.store.path().to_owned(),
                replay_from: record.replay_from,
                journal_begins: self.journal_first,
            });
        }
        self.carriers = record.carriers;
        self.receipts = record.receipts;
        self.suspects = Suspects::restore(record.suspects, record.n_unwatched);
        self.foldings = record.foldings;
        self.suppress.last_reply = record.last_reply;
        self.erasures = record.erasures;
        self.n_orders = record.n_orders;
        self.suppress.restore_names(record.lists);
        self.load_suppressions(damaged)?;
        (self.applied, self.global_as_of) = (record.as_of, record.as_of);
        for campaign in record.campaigns {
            let campaign = campaign.restore().ok_or_else(damaged)?;
            self.campaigns.insert(campaign.id, campaign);
        }
        let index = &self.index;
        self.parked.restore(record.parked, |carrier, id| index.key(carrier, id));
        self.load_sums()?;
        Ok(record.replay_from)
    }

    /// The sums of all chunks, and the ids of those that receipts may still name.
    fn load_sums(&mut self) -> Result<(), Error> {
        let mut awaiting = Vec::new();
        for entry in self.store.sums() {
            let (id, number, stored) = entry?;
            let Some(campaign) = self.campaigns.get_mut(&id).filter(|campaign| campaign.archived.is_none()) else {
                continue;
            };
            let n_rows = stored.sums.states.total();
            campaign.sums.states.remove(MessageState::Pending, n_rows);
            campaign.sums.merge(&stored.sums);
            for (reason, n_rows) in stored.reasons {
                campaign.reasons.add(reason, n_rows);
            }
            campaign.stored.insert(
                number,
                StoredChunk { all_final: stored.sums.states.all_final(), awaits: stored.sums.awaiting > 0 },
            );
            if stored.sums.awaiting > 0 || stored.sums.delivered > 0 {
                awaiting.push((id, number, stored.sums.awaiting > 0));
            }
        }
        // The last first: of what was delivered only the latest is remembered.
        for (id, number, awaits) in awaiting.into_iter().rev() {
            if awaits || self.settled.is_restorable() {
                self.load_ids(id, number)?;
            }
        }
        Ok(())
    }

    fn load_suppressions(&mut self, damaged: impl Fn() -> Error) -> Result<(), Error> {
        for entry in self.store.suppressions() {
            let (list, octets) = entry?;
            self.suppress.restore(list, &octets).ok_or_else(&damaged)?;
        }
        for entry in self.store.single_suppressions() {
            let (number, value) = entry?;
            self.suppress.restore_single(&number, &value).ok_or_else(&damaged)?;
        }
        Ok(())
    }

    /// Puts the ids of a chunk into the index where they await a receipt, and among the settled
    /// where they were delivered, without keeping the chunk.
    fn load_ids(&mut self, id: CampaignId, number: u32) -> Result<(), Error> {
        let Some(campaign) = self.campaigns.get_mut(&id) else { return Ok(()) };
        let Some(chunk) = open_chunk(&self.store, campaign, number)? else { return Ok(()) };
        for (offset, _) in (0_u16..).zip(chunk.rows()) {
            for (segment, slot) in chunk.slots(offset) {
                if chunk.folded_id(slot).is_empty() {
                    continue;
                }
                let key = self.index.key(CarrierIndex(slot.carrier), chunk.folded_id(slot));
                if slot.segment().is_delivered() {
                    self.settled.restore(key, slot.check);
                } else if slot.segment().awaits_receipt() {
                    let token = MessageToken::new(RowIndex::in_chunk(number, offset), segment);
                    self.index.insert(key, Target { campaign: id, token, check: slot.check });
                }
            }
        }
        if chunk.n_open == 0 {
            campaign.open.remove(number);
        }
        Ok(())
    }

    fn replay(&mut self, journal: &View, from: u64) -> Result<u64, Error> {
        let first = journal.first().0;
        if from < first {
            return Err(Error::NotRebuildable { path: self.store.path().to_owned(), journal_begins: first });
        }
        let mut reader = journal.read_from(Sequence(from));
        let mut n_replayed = 0;
        while let Some(record) = reader.next()?.filter(|record| record.sequence <= journal.last()) {
            self.fold(record.sequence.0, record.payload)?;
            n_replayed += 1;
            if n_replayed % RECORDS_PER_CHECKPOINT == 0 && self.n_open_chunks() > MAX_OPEN_CHUNKS {
                self.checkpoint(Checkpoint::Due)?;
            }
        }
        Ok(n_replayed)
    }
}
