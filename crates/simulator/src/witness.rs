//! What the simulator saw: counted here and nowhere else, so that a second party can say what
//! really went over the wire.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Instant,
};

use hashbrown::{HashMap, HashSet};
use serde::Serialize;

/// What was seen, over all accounts; the keys of its JSON are a promise (DESIGN section 7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Default)]
pub struct Seen {
    /// submit_sm received.
    pub submits: u64,
    /// Distinct recipients of all submits.
    pub unique_recipients: u64,
    /// Accepted submits of a recipient and part that was accepted before.
    pub copies_beyond_first: u64,
    /// Receipts written, repeated ones counted.
    pub receipts_sent: u64,
    /// Receipts acknowledged with status 0.
    pub receipts_acknowledged: u64,
    /// Messages to the ESME that are no receipts.
    pub replies_sent: u64,
    /// Of those, acknowledged with status 0.
    pub replies_acknowledged: u64,
    /// query_sm received.
    pub queries: u64,
    /// Submits answered with 0x58.
    pub throttled: u64,
    /// Binds accepted.
    pub binds: u64,
    /// Most submits within any sliding second.
    pub max_submits_in_any_second: u64,
    /// Submits accepted.
    pub accepted: u64,
    /// How often each fault struck, by its key in `simulator.toml`; only those that did.
    pub faults: BTreeMap<&'static str, u64>,
    /// Each account alone.
    pub accounts: Vec<AccountSeen>,
}

/// One account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Default)]
pub struct AccountSeen {
    /// Its name.
    pub name: String,
    /// submit_sm received.
    pub submits: u64,
    /// Submits accepted.
    pub accepted: u64,
    /// Submits answered with 0x58.
    pub throttled: u64,
    /// Most submits within any sliding second.
    pub max_submits_in_any_second: u64,
}

/// Counts submits within the last second.
#[derive(Debug, Default)]
pub(crate) struct SlidingSecond {
    turns: VecDeque<(Instant, u64)>,
    within: u64,
    most: u64,
}

impl SlidingSecond {
    /// One more at `now`; gives how many lie within the second that ends now, this one included.
    pub(crate) fn add(&mut self, now: Instant) -> u64 {
        self.forget(now);
        match self.turns.back_mut() {
            Some((at, n)) if *at == now => *n += 1,
            _ => self.turns.push_back((now, 1)),
        }
        self.within += 1;
        self.most = self.most.max(self.within);
        self.within
    }

    /// How many lie within the second that ends now.
    pub(crate) fn within(&mut self, now: Instant) -> u64 {
        self.forget(now);
        self.within
    }

    fn forget(&mut self, now: Instant) {
        while let Some((at, n)) = self.turns.front().copied()
            && now.saturating_duration_since(at).as_micros() >= 1_000_000
        {
            self.within -= n;
            self.turns.pop_front();
        }
    }
}

/// Counters of all accounts.
#[derive(Debug)]
pub(crate) struct Witness {
    pub(crate) seen: Seen,
    second: SlidingSecond,
    account_seconds: Vec<SlidingSecond>,
    /// For each recipient and part seen: how often it was accepted.
    takes: HashMap<u64, u8, foldhash::fast::FixedState>,
    /// Recipients of whom a later part came before the first.
    recipients: HashSet<u64, foldhash::fast::FixedState>,
}

impl Witness {
    pub(crate) fn new(names: impl Iterator<Item = String>) -> Self {
        let accounts: Vec<_> = names.map(|name| AccountSeen { name, ..AccountSeen::default() }).collect();
        Self {
            account_seconds: accounts.iter().map(|_| SlidingSecond::default()).collect(),
            seen: Seen { accounts, ..Seen::default() },
            second: SlidingSecond::default(),
            takes: HashMap::default(),
            recipients: HashSet::default(),
        }
    }

    /// A submit arrived.
    pub(crate) fn submit(&mut self, account: usize, recipient: u64, part: u8, now: Instant) {
        self.seen.submits += 1;
        self.see(recipient, part);
        self.second.add(now);
        self.seen.max_submits_in_any_second = self.second.most;
        if let Some(seen) = self.seen.accounts.get_mut(account) {
            seen.submits += 1;
            if let Some(second) = self.account_seconds.get_mut(account) {
                second.add(now);
                seen.max_submits_in_any_second = second.most;
            }
        }
    }

    pub(crate) fn throttle(&mut self, account: usize) {
        self.seen.throttled += 1;
        if let Some(seen) = self.seen.accounts.get_mut(account) {
            seen.throttled += 1;
        }
    }

    /// The fault with this key in `simulator.toml` struck.
    pub(crate) fn fault(&mut self, key: &'static str) {
        *self.seen.faults.entry(key).or_default() += 1;
    }

    /// A submit is accepted; gives how often its recipient and part were accepted before.
    pub(crate) fn take(&mut self, account: usize, recipient: u64, part: u8) -> u8 {
        self.seen.accepted += 1;
        if let Some(seen) = self.seen.accounts.get_mut(account) {
            seen.accepted += 1;
        }
        self.see(recipient, part);
        let Some(takes) = self.takes.get_mut(&key(recipient, part)) else { return 0 };
        let before = *takes;
        *takes = takes.saturating_add(1);
        self.seen.copies_beyond_first += u64::from(before > 0);
        before
    }

    /// Counts a recipient who was not seen before.
    fn see(&mut self, recipient: u64, part: u8) {
        let is_new_part = self.takes.try_insert(key(recipient, part), 0).is_ok();
        // Part 1 stands for its recipient; the set of its own is only for messages whose first
        // part did not come first.
        let is_new = match part {
            _ if !is_new_part => false,
            1 => !self.recipients.contains(&recipient),
            _ => !self.takes.contains_key(&key(recipient, 1)) && self.recipients.insert(recipient),
        };
        self.seen.unique_recipients += u64::from(is_new);
    }

    /// How often a recipient and part were accepted.
    pub(crate) fn n_takes(&self, recipient: u64, part: u8) -> u8 {
        self.takes.get(&key(recipient, part)).copied().unwrap_or(0)
    }
}

/// Recipient and part as one number: the part in the top octet, which no address reaches.
const fn key(recipient: u64, part: u8) -> u64 {
    recipient | (part as u64) << 56
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_sliding_second_is_exact() {
        let start = tokio::time::Instant::now().into_std();
        let mut second = SlidingSecond::default();
        for ms in [0, 0, 500, 999] {
            second.add(start + Duration::from_millis(ms));
        }
        assert_eq!((second.most, second.add(start + Duration::from_millis(1000))), (4, 3));
    }

    #[test]
    fn copies_are_counted_by_recipient_and_part() {
        let mut witness = Witness::new(["a".to_owned()].into_iter());
        for (recipient, part) in [(1, 1), (1, 2), (2, 1), (1, 1), (3, 2), (3, 1)] {
            witness.take(0, recipient, part);
        }
        assert_eq!((witness.seen.unique_recipients, witness.seen.copies_beyond_first), (3, 1));
    }
}
