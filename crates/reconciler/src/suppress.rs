//! The suppression lists: keyed hashes of numbers that get nothing any more. The numbers stand in
//! files that can be rewritten; from here none can be read.

mod list;

use std::collections::BTreeSet;

use volley_core::{RecipientCheck, UnixMicros};

pub use list::{SuppressCause, SuppressList, Suppression};

use crate::record::{SuppressBatch, SuppressChange, SuppressEntry};

/// A number's hash under the data directory's own key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NumberHash(pub [u8; 16]);

impl NumberHash {
    /// The part of a list that it lies in: the store keeps lists in parts.
    fn part(self) -> u16 {
        let [first, second, ..] = self.0;
        u16::from_be_bytes([first, second]) >> 4
    }
}

/// A list's number in its data directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListIndex(pub u16);

impl ListIndex {
    /// The list that every campaign keeps to.
    pub const GLOBAL: Self = Self(0);
}

/// The name of the list that every campaign keeps to.
pub const GLOBAL: &str = "global";

/// A part of a list with the octets that the store keeps of it; none when it is empty.
pub(crate) type Part = (ListIndex, u16, Vec<u8>);

/// All lists: the global one, and those of brands or campaigns.
#[derive(Debug, Clone)]
pub struct SuppressLists {
    names: Vec<String>,
    lists: Vec<SuppressList>,
    /// Parts that changed since the store was written.
    dirty: BTreeSet<(ListIndex, u16)>,
    /// Numbers that the store has under keys of their own, as older versions wrote them.
    single: Vec<NumberHash>,
    /// The last reply whose effect is here.
    pub(crate) last_reply: u64,
}

impl Default for SuppressLists {
    fn default() -> Self {
        Self {
            names: vec![GLOBAL.to_owned()],
            lists: vec![SuppressList::default()],
            dirty: BTreeSet::new(),
            single: Vec::new(),
            last_reply: 0,
        }
    }
}

impl SuppressLists {
    /// Whether nobody is on any of them.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lists.iter().all(SuppressList::is_empty)
    }

    /// Their names with their numbers, the global one first.
    pub fn names(&self) -> impl Iterator<Item = (ListIndex, &str)> {
        (0..).map(ListIndex).zip(self.names.iter().map(String::as_str))
    }

    /// The number of the list with this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<ListIndex> {
        self.names().find(|(_, known)| *known == name).map(|(list, _)| list)
    }

    /// The number that the next new list gets; `None` when all 65,536 are taken.
    #[must_use]
    pub fn next_list(&self) -> Option<ListIndex> {
        u16::try_from(self.names.len()).ok().map(ListIndex)
    }

    /// One of them.
    #[must_use]
    pub fn list(&self, list: ListIndex) -> Option<&SuppressList> {
        self.lists.get(usize::from(list.0))
    }

    /// The weightiest entry that holds at `now` for the number with this check, on any of `lists`.
    /// `hash` is asked at most once, and only when some number with the same check is there.
    #[must_use]
    pub fn get(
        &self,
        lists: &[ListIndex],
        check: RecipientCheck,
        now: UnixMicros,
        hash: impl FnOnce() -> NumberHash,
    ) -> Option<Suppression> {
        let mut may_be_on = lists.iter().filter_map(|list| self.list(*list)).filter(|list| list.may_hold(check));
        let first = may_be_on.next()?;
        let hash = hash();
        let on = std::iter::once(first).chain(may_be_on).filter_map(|list| list.get(&hash, now));
        on.max_by_key(|found| found.cause)
    }

    /// Only these lists, for whoever asks no others.
    #[must_use]
    pub fn only(&self, lists: &[ListIndex]) -> Self {
        let kept = self.names().zip(&self.lists).map(|((list, _), known)| match lists.contains(&list) {
            true => known.clone(),
            false => SuppressList::default(),
        });
        Self { names: self.names.clone(), lists: kept.collect(), last_reply: self.last_reply, ..Self::default() }
    }

    /// The number of the last reply that changed the global list; 0 when none did.
    #[must_use]
    pub const fn last_reply(&self) -> u64 {
        self.last_reply
    }

    /// A list gets its number.
    pub(crate) fn name(&mut self, list: ListIndex, name: &str) {
        if usize::from(list.0) == self.names.len() {
            self.names.push(name.to_owned());
            self.lists.push(SuppressList::default());
        }
    }

    pub(crate) fn restore_names(&mut self, names: Vec<String>) {
        for (list, name) in (0..).map(ListIndex).zip(names) {
            self.name(list, &name);
        }
    }

    /// As [`SuppressLists::restore_names`] takes them; none where the global list is the only one.
    pub(crate) fn to_names(&self) -> Vec<String> {
        if self.names.len() > 1 { self.names.clone() } else { Vec::new() }
    }

    /// Changes the global list.
    pub fn apply(&mut self, entry: &SuppressEntry) {
        self.last_reply = self.last_reply.max(entry.reply);
        let SuppressEntry { at, number, check, change, cause, reply: _ } = *entry;
        self.change(ListIndex::GLOBAL, change, number, Suppression { since: at, expires: None, cause, check });
    }

    /// Changes any list, by many numbers.
    pub fn apply_batch(&mut self, batch: &SuppressBatch<'_>) {
        for entry in batch.entries.clone() {
            let suppression =
                Suppression { since: batch.at, expires: entry.expires, cause: batch.cause, check: entry.check };
            self.change(batch.list, batch.change, entry.number, suppression);
        }
    }

    fn change(&mut self, list: ListIndex, change: SuppressChange, number: NumberHash, with: Suppression) {
        let Some(known) = self.lists.get_mut(usize::from(list.0)) else { return };
        self.dirty.insert((list, number.part()));
        match change {
            SuppressChange::Add => known.insert(number, with),
            SuppressChange::Lift => known.lift(&number, with.cause),
        }
    }

    /// What the store must learn: each part that changed; and numbers whose own keys must go.
    pub(crate) fn take_dirty(&mut self) -> (Vec<Part>, Vec<NumberHash>) {
        let dirty = std::mem::take(&mut self.dirty);
        let mut parts = std::collections::BTreeMap::<_, Vec<u8>>::new();
        for (list, part) in &dirty {
            parts.entry((*list, *part)).or_default();
        }
        let lists: BTreeSet<ListIndex> = dirty.iter().map(|(list, _)| *list).collect();
        for list in lists {
            let Some(known) = self.list(list) else { continue };
            for (number, suppression) in known.iter() {
                if let Some(octets) = parts.get_mut(&(list, number.part())) {
                    list::put(octets, number, suppression);
                }
            }
        }
        let parts = parts.into_iter().map(|((list, part), octets)| (list, part, octets));
        (parts.collect(), std::mem::take(&mut self.single))
    }

    /// A part of a list as the store knows it; `None` when it isn't one.
    pub(crate) fn restore(&mut self, list: ListIndex, octets: &[u8]) -> Option<()> {
        let known = self.lists.get_mut(usize::from(list.0))?;
        list::each(octets, |number, suppression| known.insert(number, suppression))
    }

    /// A number under a key of its own, as older versions wrote them; goes into its part with the
    /// next checkpoint.
    pub(crate) fn restore_single(&mut self, number: &[u8], value: &[u8]) -> Option<()> {
        let number = NumberHash(number.try_into().ok()?);
        let suppression = list::single(value)?;
        self.single.push(number);
        self.change(ListIndex::GLOBAL, SuppressChange::Add, number, suppression);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMicros = UnixMicros(5_000_000);
    const GLOBAL_ALONE: [ListIndex; 1] = [ListIndex::GLOBAL];

    fn entry(n: u8, change: SuppressChange) -> SuppressEntry {
        let cause = SuppressCause::Reply;
        let number = NumberHash([n; 16]);
        SuppressEntry { at: UnixMicros(3_000_000), number, check: RecipientCheck(9), change, cause, reply: n.into() }
    }

    fn is_on(lists: &SuppressLists, n: u8) -> bool {
        lists.get(&GLOBAL_ALONE, RecipientCheck(9), NOW, || NumberHash([n; 16])).is_some()
    }

    #[test]
    fn numbers_with_one_check_are_told_apart_by_their_hash() {
        let mut lists = SuppressLists::default();
        lists.apply(&entry(1, SuppressChange::Add));
        lists.apply(&entry(1, SuppressChange::Add));
        lists.apply(&entry(2, SuppressChange::Add));
        assert!(is_on(&lists, 1) && is_on(&lists, 2) && !is_on(&lists, 3));
        assert!(lists.get(&GLOBAL_ALONE, RecipientCheck(8), NOW, || panic!("no hash is needed")).is_none());
        lists.apply(&entry(1, SuppressChange::Lift));
        assert!(!is_on(&lists, 1) && is_on(&lists, 2));
        lists.apply(&entry(2, SuppressChange::Lift));
        assert!(lists.get(&GLOBAL_ALONE, RecipientCheck(9), NOW, || panic!("no hash is needed")).is_none());
        assert!(lists.is_empty());
    }

    #[test]
    fn a_reply_lifts_an_opt_out_and_no_decision_of_a_person_and_nobody_lifts_an_erasure() {
        let by = |cause, change| SuppressEntry { cause, ..entry(1, change) };
        let (reply, person, erased) = (SuppressCause::Reply, SuppressCause::Person, SuppressCause::Erased);
        let mut lists = SuppressLists::default();
        lists.apply(&by(reply, SuppressChange::Add));
        lists.apply(&by(person, SuppressChange::Add));
        lists.apply(&by(reply, SuppressChange::Lift));
        assert!(is_on(&lists, 1));
        lists.apply(&by(person, SuppressChange::Lift));
        assert!(lists.is_empty());
        lists.apply(&by(erased, SuppressChange::Add));
        lists.apply(&by(person, SuppressChange::Lift));
        assert!(is_on(&lists, 1));
    }

    #[test]
    fn lists_are_asked_by_name_and_entries_end_when_they_expire() {
        let mut lists = SuppressLists::default();
        let brand = lists.next_list().unwrap();
        lists.name(brand, "brand-x");
        assert_eq!(
            (lists.find("brand-x"), lists.find(GLOBAL), lists.find("?")),
            (Some(brand), Some(ListIndex(0)), None)
        );
        let until = |expires| Suppression {
            since: UnixMicros(1_000_000),
            expires,
            cause: SuppressCause::Person,
            check: RecipientCheck(9),
        };
        let end = Some(UnixMicros(9_000_000));
        lists.change(brand, SuppressChange::Add, NumberHash([1; 16]), until(end));
        let at = |lists: &SuppressLists, which: &[ListIndex], now| {
            lists.get(which, RecipientCheck(9), UnixMicros(now), || NumberHash([1; 16])).is_some()
        };
        assert!(at(&lists, &[ListIndex::GLOBAL, brand], 8_999_999) && !at(&lists, &GLOBAL_ALONE, 8_999_999));
        assert!(!at(&lists, &[brand], 9_000_000));
        assert!(lists.only(&[brand]).get(&[brand], RecipientCheck(9), NOW, || NumberHash([1; 16])).is_some());
        assert!(lists.only(&GLOBAL_ALONE).is_empty());
        // Who is on it for good stays so.
        lists.change(brand, SuppressChange::Add, NumberHash([1; 16]), until(None));
        lists.change(brand, SuppressChange::Add, NumberHash([1; 16]), until(end));
        assert!(at(&lists, &[brand], 99_000_000));
    }

    #[test]
    fn the_store_gives_back_what_it_was_told() {
        let mut lists = SuppressLists::default();
        lists.apply(&entry(1, SuppressChange::Add));
        lists.apply(&entry(2, SuppressChange::Add));
        lists.apply(&entry(2, SuppressChange::Lift));
        let (parts, single) = lists.take_dirty();
        assert_eq!(
            (parts.iter().map(|(_, _, octets)| octets.len()).collect::<Vec<_>>(), single),
            (vec![27, 0], vec![])
        );
        let mut restored = SuppressLists::default();
        for (list, _, octets) in &parts {
            restored.restore(*list, octets).unwrap();
        }
        assert!(is_on(&restored, 1) && !is_on(&restored, 2));
        assert!(lists.take_dirty().0.is_empty() && restored.restore(ListIndex::GLOBAL, b"short").is_none());
        // As version 1 of the store had it: time in microseconds, cause, check.
        let value = [&[0xc0, 0x8d, 0xb7, 0x01][..], &[1], &9_u16.to_le_bytes()].concat();
        restored.restore_single(&[3; 16], &value).unwrap();
        let (parts, single) = restored.take_dirty();
        assert!(is_on(&restored, 3) && parts.len() == 1 && single == [NumberHash([3; 16])]);
        assert!(restored.restore_single(b"short", &[]).is_none());
    }
}
