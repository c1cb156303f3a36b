//! The suppression list: keyed hashes of numbers that get nothing any more. The numbers stand in
//! files that can be rewritten; from here none can be read.

use std::collections::{BTreeSet, HashMap, hash_map};

use volley_core::{RecipientCheck, UnixMicros};

use crate::{
    record::{SuppressChange, SuppressEntry},
    varint::{Cursor, put_u64},
};

/// A number's hash under the data directory's own key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NumberHash(pub [u8; 16]);

/// How a number came on the suppression list; the later ones weigh more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum SuppressCause {
    /// It replied with a word that opts out.
    Reply = 0,
    /// A person put it there.
    Person = 1,
}

impl SuppressCause {
    pub(crate) const ALL: [Self; 2] = [Self::Reply, Self::Person];

    /// Of a row that is not sent, for reports.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Reply => "suppressed: replied to opt out",
            Self::Person => "suppressed: put on the list by a person",
        }
    }

    /// The word in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reply => "reply",
            Self::Person => "person",
        }
    }
}

/// One number on the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suppression {
    /// Since when.
    pub since: UnixMicros,
    /// How it came there.
    pub cause: SuppressCause,
    /// The number's check.
    pub check: RecipientCheck,
}

/// The numbers that get nothing.
#[derive(Debug, Clone, Default)]
pub struct SuppressList {
    numbers: HashMap<NumberHash, Suppression>,
    /// How many numbers on the list have each check; most rows need no hash to be told apart.
    by_check: HashMap<RecipientCheck, u32, foldhash::fast::FixedState>,
    /// Changed since the store was written.
    dirty: BTreeSet<NumberHash>,
    /// The last reply whose effect is here.
    pub(crate) last_reply: u64,
}

impl SuppressList {
    /// Whether nobody is on it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// How many are on it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// The number with this check, if it is on the list. `hash` is asked only when another number
    /// with the same check is there.
    #[must_use]
    pub fn get(&self, check: RecipientCheck, hash: impl FnOnce() -> NumberHash) -> Option<&Suppression> {
        if !self.by_check.contains_key(&check) {
            return None;
        }
        self.numbers.get(&hash())
    }

    /// All of it, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&NumberHash, &Suppression)> {
        self.numbers.iter()
    }

    /// The number of the last reply that changed it; 0 when none did.
    #[must_use]
    pub const fn last_reply(&self) -> u64 {
        self.last_reply
    }

    /// Changes it. What a person put there a reply doesn't take off: whoever opts in takes back
    /// an opt-out of their own, no decision of others.
    pub fn apply(&mut self, entry: &SuppressEntry) {
        self.last_reply = self.last_reply.max(entry.reply);
        self.dirty.insert(entry.number);
        match entry.change {
            SuppressChange::Add => {
                self.insert(entry.number, Suppression { since: entry.at, cause: entry.cause, check: entry.check });
            }
            SuppressChange::Lift => {
                let is_theirs = self.numbers.get(&entry.number).is_some_and(|known| known.cause <= entry.cause);
                if is_theirs
                    && let Some(lifted) = self.numbers.remove(&entry.number)
                    && let hash_map::Entry::Occupied(mut n) = self.by_check.entry(lifted.check)
                {
                    *n.get_mut() -= 1;
                    if *n.get() == 0 {
                        n.remove();
                    }
                }
            }
        }
    }

    fn insert(&mut self, number: NumberHash, suppression: Suppression) {
        match self.numbers.entry(number) {
            hash_map::Entry::Vacant(free) => {
                free.insert(suppression);
                *self.by_check.entry(suppression.check).or_default() += 1;
            }
            hash_map::Entry::Occupied(mut known) => {
                let known = known.get_mut();
                known.cause = known.cause.max(suppression.cause);
            }
        }
    }

    /// What the store must learn: each number with its value, or with none when it is off the list.
    pub(crate) fn take_dirty(&mut self) -> Vec<(NumberHash, Option<Vec<u8>>)> {
        let dirty = std::mem::take(&mut self.dirty);
        dirty.into_iter().map(|number| (number, self.numbers.get(&number).map(encode))).collect()
    }

    /// One number as the store knows it; `None` when it isn't one.
    pub(crate) fn restore(&mut self, number: &[u8], value: &[u8]) -> Option<()> {
        let number = NumberHash(number.try_into().ok()?);
        let cursor = &mut Cursor::new(value);
        let since = UnixMicros(cursor.u64()?);
        let cause = SuppressCause::ALL.get(usize::from(cursor.u8()?)).copied()?;
        self.insert(number, Suppression { since, cause, check: RecipientCheck(cursor.u16()?) });
        cursor.is_empty().then_some(())
    }
}

fn encode(suppression: &Suppression) -> Vec<u8> {
    let mut out = Vec::new();
    put_u64(&mut out, suppression.since.0);
    out.push(suppression.cause as u8);
    out.extend(suppression.check.0.to_le_bytes());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(n: u8, change: SuppressChange) -> SuppressEntry {
        let cause = SuppressCause::Reply;
        let number = NumberHash([n; 16]);
        SuppressEntry { at: UnixMicros(7), number, check: RecipientCheck(9), change, cause, reply: n.into() }
    }

    #[test]
    fn numbers_with_one_check_are_told_apart_by_their_hash() {
        let mut list = SuppressList::default();
        list.apply(&entry(1, SuppressChange::Add));
        list.apply(&entry(1, SuppressChange::Add));
        list.apply(&entry(2, SuppressChange::Add));
        let is_on = |list: &SuppressList, n| list.get(RecipientCheck(9), || NumberHash([n; 16])).is_some();
        assert!(is_on(&list, 1) && is_on(&list, 2) && !is_on(&list, 3));
        assert!(list.get(RecipientCheck(8), || panic!("no hash is needed")).is_none());
        list.apply(&entry(1, SuppressChange::Lift));
        assert!(!is_on(&list, 1) && is_on(&list, 2));
        list.apply(&entry(2, SuppressChange::Lift));
        assert!(list.get(RecipientCheck(9), || panic!("no hash is needed")).is_none() && list.is_empty());
    }

    #[test]
    fn a_reply_lifts_an_opt_out_and_no_decision_of_a_person() {
        let by = |cause, change| SuppressEntry { cause, ..entry(1, change) };
        let (reply, person) = (SuppressCause::Reply, SuppressCause::Person);
        let mut list = SuppressList::default();
        list.apply(&by(reply, SuppressChange::Add));
        list.apply(&by(person, SuppressChange::Add));
        list.apply(&by(reply, SuppressChange::Lift));
        assert_eq!(list.len(), 1);
        list.apply(&by(person, SuppressChange::Lift));
        assert!(list.is_empty());
        list.apply(&by(reply, SuppressChange::Add));
        list.apply(&by(person, SuppressChange::Lift));
        assert!(list.is_empty());
    }

    #[test]
    fn the_store_gives_back_what_it_was_told() {
        let mut list = SuppressList::default();
        list.apply(&entry(1, SuppressChange::Add));
        list.apply(&entry(2, SuppressChange::Add));
        list.apply(&entry(2, SuppressChange::Lift));
        let mut restored = SuppressList::default();
        let dirty = list.take_dirty();
        assert_eq!(dirty.iter().map(|(_, value)| value.is_some()).collect::<Vec<_>>(), [true, false]);
        for (number, value) in dirty {
            if let Some(value) = value {
                restored.restore(&number.0, &value).unwrap();
            }
        }
        assert_eq!(restored.numbers, list.numbers);
        assert!(list.take_dirty().is_empty() && restored.restore(b"short", &[]).is_none());
    }
}
