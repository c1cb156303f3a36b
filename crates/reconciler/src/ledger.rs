//! The ledger: the fold of all events of the journal, and what can be asked of it.

mod ahead;
mod archive;
mod base;
mod doubt;
mod fold;
mod folding;
mod open;
mod orders;
mod query;
mod questions;
mod receipts;
mod recount;
mod taken;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use volley_core::{CHUNK_ROWS, CampaignId, CarrierIndex, RowIndex, UnixMicros};

use crate::{
    Error,
    campaign::{Campaign, StoredChunk, Sums},
    chunk::{Chunk, OpenChunks},
    index::{Parked, ParkedReceipts, ReceiptIndex, SettledIds},
    record::{Archive, Control, Ordered, Planned},
    segment::{Flags, Segment},
    store::{Batch, Store, StoredSums},
    suppress::SuppressLists,
    suspects::{StoredSuspect, Suspects},
};

pub use doubt::Doubt;
pub use folding::FoldingProposal;
pub use open::{Opened, SetAside};
pub use orders::{OrderedBy, Standing};
pub use query::{DoubtfulSegment, ReportRow, RowToSend};
pub use questions::{Question, Questions};
pub use recount::Recount;

/// Format of the global record and of everything beside it in the store: 2 may hold archived
/// campaigns, which a reader of 1 would take for campaigns of which nothing was sent; 3 may hold
/// orders, such as a pause, which a reader of 2 would pass over.
const FORMAT: u32 = 3;
/// The format where nothing was ever ordered.
const WITHOUT_ORDERS: u32 = 2;
/// Formats that are read as they are.
const READABLE: std::ops::RangeInclusive<u32> = 1..=FORMAT;
/// A changed chunk is written to the store when its first unwritten record lies so many records
/// back: it bounds how much of the journal a start must read again.
const MAX_RECORDS_BEHIND: u64 = 4_096;
/// Chunks kept in memory at most; the least recently changed go to the store. 512 chunks of
/// short ids take about 110 MB.
const MAX_OPEN_CHUNKS: usize = 512;

/// Counts of receipts that were out of the ordinary (CONTRACT I20).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ReceiptCounters {
    /// All that came.
    pub received: u64,
    /// Came before the answer that names their id, and were matched with it.
    pub early: u64,
    /// Match no id so far: their answer may be under way.
    #[serde(default)]
    pub waiting: u64,
    /// Said again what was known.
    pub duplicates: u64,
    /// Said another final state than an earlier one.
    pub conflicts: u64,
    /// Turned a final state into delivered.
    pub corrections: u64,
    /// Final, and after the receipt deadline or after a person's decision: they corrected it.
    #[serde(default)]
    pub late: u64,
    /// Segments whose answer is missing and of which a receipt told.
    #[serde(default)]
    pub inferred: u64,
    /// Fit more than one message whose answer is missing: nothing follows from them.
    #[serde(default)]
    pub ambiguous: u64,
    /// Matched after the reading of ids was corrected.
    #[serde(default)]
    pub rematched: u64,
    /// Questions for messages whose receipt didn't come.
    #[serde(default)]
    pub queried: u64,
    /// Of these, questions that the carrier refused.
    #[serde(default)]
    pub queries_refused: u64,
    /// Of these, questions that it didn't answer.
    #[serde(default)]
    pub queries_unanswered: u64,
    /// For an id that we don't know, or with another recipient than the id's.
    pub orphans: u64,
    /// Messages to us that are no receipts.
    pub replies: u64,
}

/// The same for one campaign, as far as receipts could be matched to its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CampaignReceipts {
    /// Said again what was known.
    pub duplicates: u64,
    /// Said another final state than an earlier one.
    pub conflicts: u64,
    /// Turned a final state into delivered.
    pub corrections: u64,
    /// Final, and after the receipt deadline.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub late: u64,
}

impl CampaignReceipts {
    fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// The fold of the journal.
#[derive(Debug)]
pub struct Ledger {
    store: Store,
    campaigns: BTreeMap<CampaignId, Campaign>,
    carriers: Vec<String>,
    index: ReceiptIndex,
    parked: ParkedReceipts,
    settled: SettledIds,
    suspects: Suspects,
    /// How each carrier's ids are read, as the journal knows it: mode and what is taken out.
    foldings: BTreeMap<u8, (String, String)>,
    receipts: ReceiptCounters,
    suppress: SuppressLists,
    /// How often personal data was erased.
    erasures: u64,
    /// Everything that was ever ordered, and what of it the store does not hold yet.
    n_orders: u64,
    fresh_orders: Vec<Ordered>,
    /// The last record folded in.
    applied: u64,
    /// The first record that the journal still has: the store must never need an earlier one.
    journal_first: u64,
    /// The record that the store's global record is of: what it covers is not counted again.
    global_as_of: u64,
}

/// What the store keeps besides chunks.
#[derive(Debug, Serialize, Deserialize)]
struct GlobalRecord {
    format: u32,
    as_of: u64,
    /// Everything before this record is covered by the store.
    replay_from: u64,
    carriers: Vec<String>,
    campaigns: Vec<CampaignRecord>,
    parked: Vec<Parked>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    suspects: Vec<StoredSuspect>,
    #[serde(default, skip_serializing_if = "is_zero")]
    n_unwatched: u64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    foldings: BTreeMap<u8, (String, String)>,
    #[serde(serialize_with = "without_zeros")]
    receipts: ReceiptCounters,
    /// The last reply whose effect is in the suppression list.
    #[serde(default)]
    last_reply: u64,
    /// Names of the suppression lists, in the order of their numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    lists: Vec<String>,
    #[serde(default, skip_serializing_if = "is_zero")]
    erasures: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    n_orders: u64,
}

/// Counters that came after format 2 are left out while they are zero: what was never counted is
/// stored as it was.
fn without_zeros<S: serde::Serializer>(counters: &ReceiptCounters, serializer: S) -> Result<S::Ok, S::Error> {
    const LATER: [&str; 8] =
        ["waiting", "late", "inferred", "ambiguous", "rematched", "queried", "queries_refused", "queries_unanswered"];
    let mut value = serde_json::to_value(counters).map_err(serde::ser::Error::custom)?;
    if let Some(map) = value.as_object_mut() {
        map.retain(|key, n| !LATER.contains(&key.as_str()) || n.as_u64() != Some(0));
    }
    value.serialize(serializer)
}

#[derive(Debug, Serialize, Deserialize)]
struct CampaignRecord {
    id: u32,
    plan: Planned,
    planned_at: u64,
    control: Option<Control>,
    control_why: String,
    elapsed_us: u64,
    running_since: Option<u64>,
    last_event_at: u64,
    first_submit_at: Option<u64>,
    last_submit_at: Option<u64>,
    bounds: Vec<(u8, u32)>,
    reasons: Vec<String>,
    /// `None` also when it is the last event of a finished campaign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    finished_at: Option<u64>,
    #[serde(default, skip_serializing_if = "is_false")]
    is_erased: bool,
    #[serde(default, skip_serializing_if = "CampaignReceipts::is_none")]
    receipts: CampaignReceipts,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    archived: Option<ArchivedRecord>,
    #[serde(default, skip_serializing_if = "Standing::is_none")]
    standing: Standing,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
const fn is_false(value: &bool) -> bool {
    !*value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
const fn is_zero(value: &u64) -> bool {
    *value == 0
}

/// Of an archived campaign, in place of its chunks.
#[derive(Debug, Serialize, Deserialize)]
struct ArchivedRecord {
    archive: Archive,
    /// Encoded as a chunk's sums are.
    sums: Vec<u8>,
}

/// Which chunks a checkpoint writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checkpoint {
    /// Those whose rows are all final, those that lag behind, and what exceeds the memory bound.
    Due,
    /// Every chunk that changed: before a clean exit.
    All,
}

impl Ledger {
    /// The last record folded in; 0 when there is none.
    #[must_use]
    pub const fn applied(&self) -> u64 {
        self.applied
    }

    /// Writes what is due to the store, as one batch, and lets go of chunks that are done.
    /// Gives the number of chunks written.
    ///
    /// # Errors
    /// When the store fails.
    pub fn checkpoint(&mut self, which: Checkpoint) -> Result<usize, Error> {
        let mut batch = Batch::default();
        let mut n_chunks = 0;
        let mut replay_from = self.applied + 1;
        let mut to_drop = Vec::new();
        for campaign in self.campaigns.values_mut() {
            let too_many = campaign.open.len().saturating_sub(MAX_OPEN_CHUNKS);
            let cold = coldest(&campaign.open, too_many);
            for (number, chunk) in campaign.open.iter_mut() {
                let is_cold = cold.contains(&number);
                let behind = chunk
                    .dirty_since
                    .is_some_and(|since| self.applied - since >= MAX_RECORDS_BEHIND || since < self.journal_first);
                let due = which == Checkpoint::All || chunk.n_open == 0 || behind || is_cold;
                if chunk.dirty_since.is_some() && due {
                    let sums = sums_of(chunk);
                    batch.chunk(campaign.id, number, chunk.pack(self.applied), &sums);
                    (chunk.as_of, chunk.dirty_since) = (self.applied, None);
                    let stored = StoredChunk { all_final: chunk.n_open == 0, awaits: sums.sums.awaiting > 0 };
                    campaign.stored.insert(number, stored);
                    n_chunks += 1;
                }
                match chunk.dirty_since {
                    Some(since) => replay_from = replay_from.min(since),
                    None if chunk.n_open == 0 || is_cold => to_drop.push((campaign.id, number)),
                    None => {}
                }
            }
        }
        if n_chunks > 0 || which == Checkpoint::All {
            let (parts, single) = self.suppress.take_dirty();
            for (list, part, octets) in parts {
                batch.suppressions(list, part, octets);
            }
            single.iter().for_each(|number| batch.remove_single(number));
            for campaign in self.campaigns.values_mut() {
                for number in campaign.to_remove.drain(..) {
                    batch.remove_chunk(campaign.id, number);
                }
            }
            let n_stored = self.n_orders - self.fresh_orders.len() as u64;
            for (number, ordered) in (n_stored..).zip(&self.fresh_orders) {
                batch.order(number, ordered);
            }
            batch.global(self.global_record(replay_from)?);
            self.store.write(batch)?;
            self.fresh_orders.clear();
        }
        for (id, number) in to_drop {
            if let Some(campaign) = self.campaigns.get_mut(&id) {
                campaign.open.remove(number);
            }
        }
        Ok(n_chunks)
    }

    /// Returns when all checkpoints would survive a power cut.
    ///
    /// # Errors
    /// When the store fails.
    pub fn sync(&self) -> Result<(), Error> {
        self.store.sync()
    }

    fn n_open_chunks(&self) -> usize {
        self.campaigns.values().map(|campaign| campaign.open.len()).sum()
    }

    fn global_record(&self, replay_from: u64) -> Result<Vec<u8>, Error> {
        let record = GlobalRecord {
            format: if self.n_orders > 0 { FORMAT } else { WITHOUT_ORDERS },
            as_of: self.applied,
            replay_from,
            carriers: self.carriers.clone(),
            campaigns: self.campaigns.values().map(CampaignRecord::of).collect(),
            parked: self.parked.iter().cloned().collect(),
            suspects: self.suspects.stored(),
            n_unwatched: self.suspects.n_unwatched(),
            foldings: self.foldings.clone(),
            receipts: self.receipts,
            last_reply: self.suppress.last_reply,
            lists: self.suppress.to_names(),
            erasures: self.erasures,
            n_orders: self.n_orders,
        };
        serde_json::to_vec(&record).map_err(|source| Error::Io {
            path: self.store.path().to_owned(),
            action: "can't write the global record",
            source: source.into(),
        })
    }

    /// Numbers that get nothing any more, by list.
    #[must_use]
    pub const fn suppressed(&self) -> &SuppressLists {
        &self.suppress
    }

    /// How often personal data was erased.
    #[must_use]
    pub const fn n_erasures(&self) -> u64 {
        self.erasures
    }

    /// When the campaign was finished last, if it is; and whether its time was over and its personal
    /// data are gone.
    #[must_use]
    pub fn finished_at(&self, id: CampaignId) -> Option<(UnixMicros, bool)> {
        let campaign = self.campaigns.get(&id)?;
        campaign.finished_at.map(|at| (at, campaign.is_erased))
    }

    /// The number of the carrier with this name, if it has one.
    #[must_use]
    pub fn carrier(&self, name: &str) -> Option<CarrierIndex> {
        let at = self.carriers.iter().position(|known| known == name)?;
        u8::try_from(at).ok().map(CarrierIndex)
    }

    /// The number that the next new carrier gets; `None` when all 256 are taken.
    #[must_use]
    pub fn next_carrier(&self) -> Option<CarrierIndex> {
        u8::try_from(self.carriers.len()).ok().map(CarrierIndex)
    }

    /// The number that the next campaign gets.
    #[must_use]
    pub fn next_campaign(&self) -> CampaignId {
        CampaignId(self.campaigns.last_key_value().map_or(0, |(last, _)| last.0) + 1)
    }
}

impl CampaignRecord {
    fn of(campaign: &Campaign) -> Self {
        Self {
            id: campaign.id.0,
            plan: campaign.plan.clone(),
            planned_at: campaign.planned_at.0,
            control: campaign.control,
            control_why: campaign.control_why.clone(),
            elapsed_us: u64::try_from(campaign.elapsed.as_micros()).unwrap_or(u64::MAX),
            running_since: campaign.running_since.map(|at| at.0),
            last_event_at: campaign.last_event_at.0,
            first_submit_at: campaign.first_submit_at.map(|at| at.0),
            last_submit_at: campaign.last_submit_at.map(|at| at.0),
            bounds: campaign.bounds.iter().map(|(carrier, bound)| (carrier.0, *bound)).collect(),
            reasons: campaign.reasons.texts().to_vec(),
            finished_at: campaign.finished_at.filter(|at| *at != campaign.last_event_at).map(|at| at.0),
            is_erased: campaign.is_erased,
            receipts: campaign.receipts,
            standing: campaign.standing.clone(),
            archived: campaign.archived.clone().map(|archive| ArchivedRecord {
                archive,
                sums: StoredSums { sums: campaign.sums, reasons: campaign.reasons.counts().collect() }.encode(),
            }),
        }
    }

    /// `None` when its sums make no sense.
    fn restore(self) -> Option<Campaign> {
        let mut campaign = Campaign::new(CampaignId(self.id), UnixMicros(self.planned_at), self.plan);
        campaign.control = self.control;
        campaign.control_why = self.control_why;
        campaign.elapsed = std::time::Duration::from_micros(self.elapsed_us);
        campaign.running_since = self.running_since.map(UnixMicros);
        campaign.last_event_at = UnixMicros(self.last_event_at);
        campaign.first_submit_at = self.first_submit_at.map(UnixMicros);
        campaign.last_submit_at = self.last_submit_at.map(UnixMicros);
        campaign.bounds = self.bounds.into_iter().map(|(carrier, bound)| (CarrierIndex(carrier), bound)).collect();
        let is_finished = campaign.control == Some(Control::Finished);
        campaign.finished_at = is_finished.then(|| self.finished_at.map_or(campaign.last_event_at, UnixMicros));
        campaign.is_erased = self.is_erased;
        campaign.reasons = crate::campaign::Reasons::restore(self.reasons);
        campaign.receipts = self.receipts;
        campaign.standing = self.standing;
        if let Some(ArchivedRecord { archive, sums }) = self.archived {
            let stored = StoredSums::decode(&sums)?;
            campaign.sums = stored.sums;
            stored.reasons.into_iter().for_each(|(reason, n_rows)| campaign.reasons.add(reason, n_rows));
            campaign.archived = Some(archive);
        }
        Some(campaign)
    }
}

/// The `n` chunks that changed longest ago.
fn coldest(open: &OpenChunks, n: usize) -> Vec<u32> {
    if n == 0 {
        return Vec::new();
    }
    let mut by_age: Vec<_> = open.iter().map(|(number, chunk)| (chunk.dirty_since.unwrap_or(0), number)).collect();
    by_age.sort_unstable();
    by_age.into_iter().take(n).map(|(_, number)| number).collect()
}

/// A chunk's own sums: added up from its rows, so that they can't drift from them.
fn sums_of(chunk: &Chunk) -> StoredSums {
    let mut sums = Sums::default();
    let mut reasons: BTreeMap<u16, u64> = BTreeMap::new();
    for (offset, row) in (0_u16..).zip(chunk.rows()) {
        sums.states.add(row.state, 1);
        sums.submitted += u64::from(row.submits);
        let has = |flag| u64::from(row.flags.has(flag));
        sums.possible_duplicates += has(Flags::POSSIBLE_DUPLICATE);
        sums.inferred += has(Flags::INFERRED);
        sums.taken_twice += has(Flags::TAKEN_TWICE);
        if row.reason != 0 {
            *reasons.entry(row.reason).or_default() += 1;
        }
        for (_, slot) in chunk.slots(offset) {
            let segment = slot.segment();
            sums.accepted += u64::from(matches!(segment, Segment::Accepted(_)));
            sums.delivered += u64::from(segment.is_delivered());
            sums.awaiting += u64::from(segment.awaits_receipt());
        }
    }
    StoredSums { sums, reasons: reasons.into_iter().collect() }
}

/// A row in a chunk, loaded from the store or begun when it is not in memory.
fn open_chunk<'a>(store: &Store, campaign: &'a mut Campaign, number: u32) -> Result<Option<&'a mut Chunk>, Error> {
    let n_rows = campaign.chunk_len(number);
    if n_rows == 0 {
        return Ok(None);
    }
    if !campaign.open.contains(number) {
        let chunk = if campaign.stored.contains_key(&number) {
            let packed = store.chunk(campaign.id, number)?;
            let chunk = packed.as_deref().and_then(Chunk::unpack).filter(|chunk| chunk.rows().len() == n_rows as usize);
            chunk.ok_or_else(|| store.damaged_chunk(campaign.id, number))?
        } else {
            Chunk::untouched(n_rows)
        };
        campaign.open.insert(number, chunk);
    }
    Ok(campaign.open.get_mut(number))
}

/// The chunk of `row` and its place in it.
const fn place(row: RowIndex) -> (u32, u16) {
    (row.0 / CHUNK_ROWS, (row.0 % CHUNK_ROWS) as u16)
}
