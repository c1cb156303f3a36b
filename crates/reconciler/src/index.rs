//! From a carrier's id to the segment that it belongs to, for every segment that awaits a receipt;
//! and the receipts that came before their answer.

use std::{
    collections::{HashMap, VecDeque},
    hash::BuildHasher,
    time::Duration,
};

use hashbrown::{HashTable, hash_table::Entry};
use serde::{Deserialize, Serialize};
use volley_core::{
    CampaignId, CarrierIndex, MessageToken, ReceiptState, RecipientCheck, UnixMicros,
    planted::{Bug, is_planted},
};

use crate::record::ReceiptFacts;

/// Which segment an id belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) campaign: CampaignId,
    pub(crate) token: MessageToken,
    pub(crate) check: RecipientCheck,
}

/// Ids that await a receipt. Keyed by a 64-bit hash of carrier and id, not by the id itself:
/// 24 octets a segment whatever the carrier's ids look like. Two open ids that share a hash
/// (one chance in a hundred million at a million open) would cost one receipt, which the
/// recipient check turns into a visible orphan.
#[derive(Debug, Default)]
pub(crate) struct ReceiptIndex {
    table: HashTable<(u64, Target)>,
    hasher: foldhash::quality::RandomState,
}

impl ReceiptIndex {
    pub(crate) fn key(&self, carrier: CarrierIndex, folded_id: &[u8]) -> u64 {
        let carrier = if is_planted(Bug::MatchedByIdAlone) { CarrierIndex(0) } else { carrier };
        self.hasher.hash_one((carrier.0, folded_id))
    }

    /// Gives back the segment to the same recipient that had the id before. Carriers reuse ids: several
    /// recipients may have the same one.
    pub(crate) fn insert(&mut self, key: u64, target: Target) -> Option<Target> {
        let is_it = |(known, of): &(u64, Target)| *known == key && of.check == target.check;
        match self.table.entry(key, is_it, |(known, _)| *known) {
            Entry::Occupied(mut entry) => Some(std::mem::replace(&mut entry.get_mut().1, target)),
            Entry::Vacant(entry) => {
                entry.insert((key, target));
                None
            }
        }
    }

    /// The segment with the id, by preference that of the recipient: the caller compares.
    pub(crate) fn get(&self, key: u64, check: Option<RecipientCheck>) -> Option<Target> {
        let check = check.filter(|_| !is_planted(Bug::MatchedByIdAlone));
        let is_it = |(known, of): &(u64, Target)| *known == key && check.is_none_or(|check| check == of.check);
        let found = self.table.find(key, is_it).or_else(|| self.table.find(key, |(known, _)| *known == key));
        found.map(|(_, target)| *target)
    }

    /// The segment with the id, if no other one has it: what says no recipient could mean either.
    pub(crate) fn sole(&self, key: u64) -> Option<Target> {
        let mut all = self.table.iter_hash(key).filter(|(known, _)| *known == key);
        let (_, target) = all.next()?;
        all.next().is_none().then_some(*target)
    }

    /// Forgets the id if it still belongs to `token`.
    pub(crate) fn remove(&mut self, key: u64, token: MessageToken) {
        if let Ok(entry) = self.table.find_entry(key, |(known, target)| *known == key && target.token == token) {
            entry.remove();
        }
    }

    /// Forgets every id of a campaign.
    pub(crate) fn forget(&mut self, campaign: CampaignId) {
        self.table.retain(|(_, target)| target.campaign != campaign);
    }

    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }
}

/// Ids whose message was delivered lately: what comes for them says nothing new. Two halves of
/// which the older is dropped when the newer is full, so that memory stays bounded.
#[derive(Debug, Default)]
pub(crate) struct SettledIds {
    newer: HashTable<(u64, u16)>,
    older: HashTable<(u64, u16)>,
}

/// Ids in each half: 16 octets each, 8 MB together.
const SETTLED_HALF: usize = 1 << 18;

impl SettledIds {
    pub(crate) fn insert(&mut self, key: u64, check: RecipientCheck) {
        if self.newer.len() >= SETTLED_HALF {
            self.older = std::mem::take(&mut self.newer);
        }
        self.newer.insert_unique(key, (key, check.0), |(known, _)| *known);
    }

    /// Whether a message to this recipient was delivered under the id.
    pub(crate) fn has(&self, key: u64, check: Option<RecipientCheck>) -> bool {
        let is_it = |(known, of_row): &(u64, u16)| *known == key && check.is_none_or(|check| check.0 == *of_row);
        self.newer.find(key, is_it).is_some() || self.older.find(key, is_it).is_some()
    }

    /// Room for ids of before a restart, which count as older.
    pub(crate) fn restore(&mut self, key: u64, check: RecipientCheck) {
        if self.older.len() < SETTLED_HALF {
            self.older.insert_unique(key, (key, check.0), |(known, _)| *known);
        }
    }

    pub(crate) fn is_restorable(&self) -> bool {
        self.older.len() < SETTLED_HALF
    }
}

/// A receipt that came before the answer that names its id (HANDBOOK C.7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Parked {
    carrier: u8,
    id: Vec<u8>,
    state: u8,
    err: Vec<u8>,
    check: Option<u16>,
    /// The id as it came; empty when it is the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    raw: Vec<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    facts: Option<ReceiptFacts>,
    /// It fits more than one message in doubt, which was counted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) ambiguous: bool,
    /// Its id is another recipient's so far: it was counted as an orphan.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_orphan: bool,
    at: u64,
    /// The record that holds it.
    pub(crate) sequence: u64,
}

impl Parked {
    pub(crate) fn new(
        carrier: CarrierIndex,
        at: UnixMicros,
        sequence: u64,
        entry: &crate::record::ReceiptEntry<'_>,
    ) -> Self {
        Self {
            carrier: carrier.0,
            id: entry.id.to_vec(),
            state: entry.state as u8,
            err: entry.err.to_vec(),
            check: entry.check.map(|check| check.0),
            raw: entry.raw.unwrap_or_default().to_vec(),
            facts: entry.facts,
            ambiguous: false,
            is_orphan: false,
            at: at.0,
            sequence,
        }
    }

    pub(crate) const fn carrier(&self) -> CarrierIndex {
        CarrierIndex(self.carrier)
    }

    /// Folded.
    pub(crate) fn id(&self) -> &[u8] {
        &self.id
    }

    /// As it came.
    pub(crate) fn raw_id(&self) -> &[u8] {
        if self.raw.is_empty() { &self.id } else { &self.raw }
    }

    pub(crate) const fn facts(&self) -> Option<ReceiptFacts> {
        self.facts
    }

    pub(crate) fn check(&self) -> Option<RecipientCheck> {
        self.check.map(RecipientCheck)
    }

    /// The same receipt with its id read by another rule.
    pub(crate) fn refolded(mut self, id: Vec<u8>) -> Self {
        if self.raw.is_empty() {
            self.raw = std::mem::take(&mut self.id);
        }
        self.id = id;
        self
    }

    pub(crate) fn state(&self) -> ReceiptState {
        ReceiptState::from_u8(self.state).unwrap_or(ReceiptState::Unknown)
    }

    pub(crate) fn err(&self) -> &[u8] {
        &self.err
    }

    pub(crate) fn at(&self) -> UnixMicros {
        UnixMicros(self.at)
    }

    /// Whether it can belong to the recipient with this check.
    pub(crate) fn fits(&self, check: RecipientCheck) -> bool {
        self.check.is_none_or(|of_receipt| of_receipt == check.0) || is_planted(Bug::MatchedByIdAlone)
    }
}

/// Early receipts wait this long for their answer; then they are orphans.
const PARKED_FOR: Duration = Duration::from_secs(600);
/// At most so many wait; beyond it the oldest become orphans.
const PARKED_MAX: usize = 100_000;

/// Early receipts, oldest first.
#[derive(Debug, Default)]
pub(crate) struct ParkedReceipts {
    by_key: HashMap<u64, Vec<Parked>>,
    /// In order of arrival; a key whose receipts were taken is passed over.
    order: VecDeque<(u64, u64)>,
    n_parked: usize,
}

impl ParkedReceipts {
    /// Parks a receipt, and gives the number of older ones that became orphans by it.
    pub(crate) fn park(&mut self, key: u64, receipt: Parked) -> u64 {
        let now = receipt.at();
        self.order.push_back((key, receipt.sequence));
        self.by_key.entry(key).or_default().push(receipt);
        self.n_parked += 1;
        self.expire(now)
    }

    /// Whether it is parked already: a replay meets again what a checkpoint kept.
    pub(crate) fn has(&self, key: u64, receipt: &Parked) -> bool {
        let of = |p: &Parked| (p.sequence, p.state, p.check);
        self.by_key.get(&key).is_some_and(|parked| parked.iter().any(|p| of(p) == of(receipt) && p.err == receipt.err))
    }

    /// Takes the receipts under a key that `is_meant`, except those that came after record `up_to`: a
    /// replay meets them again in their turn.
    pub(crate) fn take(&mut self, key: u64, up_to: u64, is_meant: impl Fn(&Parked) -> bool) -> Vec<Parked> {
        if self.n_parked == 0 {
            return Vec::new();
        }
        let all = self.by_key.remove(&key).unwrap_or_default();
        let (taken, left): (Vec<_>, Vec<_>) = all.into_iter().partition(|p| p.sequence <= up_to && is_meant(p));
        if !left.is_empty() {
            self.by_key.insert(key, left);
        }
        self.n_parked -= taken.len();
        taken
    }

    /// Marks those under a key that came until record `up_to` as another recipient's; gives how many
    /// were not so before.
    pub(crate) fn mark_orphans(&mut self, key: u64, up_to: u64) -> u64 {
        let parked = self.by_key.get_mut(&key).into_iter().flatten().filter(|p| p.sequence <= up_to);
        parked.map(|p| u64::from(!std::mem::replace(&mut p.is_orphan, true))).sum()
    }

    pub(crate) const fn len(&self) -> usize {
        self.n_parked
    }

    /// Takes all receipts of one carrier up to a record.
    pub(crate) fn take_carrier(&mut self, carrier: CarrierIndex, up_to: u64) -> Vec<Parked> {
        let keys = self.by_key.iter().filter(|(_, parked)| parked.iter().any(|p| p.carrier() == carrier));
        let keys: Vec<u64> = keys.map(|(key, _)| *key).collect();
        let mut taken: Vec<Parked> =
            keys.into_iter().flat_map(|key| self.take(key, up_to, |p| p.carrier() == carrier)).collect();
        taken.sort_by_key(|parked| parked.sequence);
        taken
    }

    /// Marks those under a key as fitting more than one message; gives how many were not so before.
    pub(crate) fn mark_ambiguous(&mut self, key: u64) -> u64 {
        let parked = self.by_key.get_mut(&key).into_iter().flatten();
        parked.map(|parked| u64::from(!std::mem::replace(&mut parked.ambiguous, true))).sum::<u64>().min(1)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Parked> {
        self.by_key.values().flatten()
    }

    /// Parks what a checkpoint kept.
    pub(crate) fn restore(&mut self, parked: Vec<Parked>, key: impl Fn(CarrierIndex, &[u8]) -> u64) {
        for receipt in parked {
            let key = key(CarrierIndex(receipt.carrier), &receipt.id);
            self.park(key, receipt);
        }
    }

    fn expire(&mut self, now: UnixMicros) -> u64 {
        let mut n_orphans = 0;
        while let Some((key, sequence)) = self.order.front().copied() {
            let oldest = self.by_key.get(&key).and_then(|parked| parked.iter().find(|p| p.sequence == sequence));
            let stays = oldest.is_some_and(|p| now.since(p.at()) < PARKED_FOR) && self.n_parked <= PARKED_MAX;
            if stays {
                break;
            }
            self.order.pop_front();
            if let Some(parked) = self.by_key.get_mut(&key) {
                let before = parked.len();
                n_orphans += parked.iter().filter(|p| p.sequence == sequence && !p.is_orphan).count() as u64;
                parked.retain(|p| p.sequence != sequence);
                self.n_parked -= before - parked.len();
                if parked.is_empty() {
                    self.by_key.remove(&key);
                }
            }
        }
        n_orphans
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::ReceiptEntry;
    use volley_core::RowIndex;

    fn receipt(at_s: u64, sequence: u64) -> Parked {
        let entry =
            ReceiptEntry { id: b"1", state: ReceiptState::Delivered, err: b"", check: None, raw: None, facts: None };
        Parked::new(CarrierIndex(0), UnixMicros(at_s * 1_000_000), sequence, &entry)
    }

    #[test]
    fn an_id_belongs_to_its_last_segment() {
        let mut index = ReceiptIndex::default();
        let target = |row| Target {
            campaign: CampaignId(1),
            token: MessageToken::new(RowIndex(row), 0),
            check: RecipientCheck(9),
        };
        let key = index.key(CarrierIndex(1), b"77");
        assert_ne!(key, index.key(CarrierIndex(2), b"77"));
        assert_eq!(index.insert(key, target(1)), None);
        assert_eq!(index.insert(key, target(2)), Some(target(1)));
        index.remove(key, target(1).token);
        let other = Target { check: RecipientCheck(8), ..target(3) };
        assert_eq!(index.insert(key, other), None);
        assert_eq!(index.get(key, Some(RecipientCheck(9))), Some(target(2)));
        assert_eq!(index.get(key, Some(RecipientCheck(8))), Some(other));
        index.remove(key, target(2).token);
        assert_eq!(index.get(key, Some(RecipientCheck(9))), Some(other), "the caller compares");
        index.remove(key, other.token);
        assert_eq!((index.get(key, None), index.len()), (None, 0));
    }

    #[test]
    fn parked_receipts_become_orphans_after_their_time() {
        let mut parked = ParkedReceipts::default();
        assert_eq!(parked.park(1, receipt(0, 1)), 0);
        assert_eq!(parked.park(1, receipt(10, 2)), 0);
        assert_eq!(parked.park(2, receipt(601, 3)), 1);
        assert_eq!((parked.take(1, 1, |_| true).len(), parked.take(1, 2, |_| true).len()), (0, 1));
        assert_eq!(parked.len(), 1);
    }
}
