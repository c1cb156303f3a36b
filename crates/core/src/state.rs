//! The state of one message, and how many rows are in each.

use std::fmt;

/// Where a row of the list stands (DESIGN section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum MessageState {
    /// Not sendable: refused when the list was read, with a reason.
    Rejected = 0,
    /// Not to be sent: on a suppression list.
    Suppressed = 1,
    /// Its turn has not come.
    Pending = 2,
    /// Will be tried again at a later time.
    Deferred = 3,
    /// Intent durable; written or about to be, not answered.
    InFlight = 4,
    /// Intent durable, answer never seen: it may or may not have been taken.
    InDoubt = 5,
    /// Taken by the carrier; no final receipt yet.
    Accepted = 6,
    /// Reached the handset.
    Delivered = 7,
    /// The carrier gave up on it.
    Undelivered = 8,
    /// Its validity passed first.
    Expired = 9,
    /// Taken, but no final receipt came in time.
    Unknown = 10,
    /// Refused by the carrier for good.
    Failed = 11,
    /// Stopped by the operator.
    Cancelled = 12,
}

impl MessageState {
    /// All states, in the order of their numbers.
    pub const ALL: [Self; 13] = [
        Self::Rejected,
        Self::Suppressed,
        Self::Pending,
        Self::Deferred,
        Self::InFlight,
        Self::InDoubt,
        Self::Accepted,
        Self::Delivered,
        Self::Undelivered,
        Self::Expired,
        Self::Unknown,
        Self::Failed,
        Self::Cancelled,
    ];

    /// From its number in our records.
    #[must_use]
    pub fn from_u8(value: u8) -> Option<Self> {
        Self::ALL.get(usize::from(value)).copied()
    }

    /// The key in reports and JSON; a promise.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::Suppressed => "suppressed",
            Self::Pending => "pending",
            Self::Deferred => "deferred",
            Self::InFlight => "in_flight",
            Self::InDoubt => "in_doubt",
            Self::Accepted => "accepted",
            Self::Delivered => "delivered",
            Self::Undelivered => "undelivered",
            Self::Expired => "expired",
            Self::Unknown => "unknown",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing more is expected of the row (a late receipt may still correct it).
    #[must_use]
    pub const fn is_final(self) -> bool {
        match self {
            Self::Pending | Self::Deferred | Self::InFlight | Self::InDoubt | Self::Accepted => false,
            Self::Rejected
            | Self::Suppressed
            | Self::Delivered
            | Self::Undelivered
            | Self::Expired
            | Self::Unknown
            | Self::Failed
            | Self::Cancelled => true,
        }
    }
}

impl fmt::Display for MessageState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How many rows are in each state. The sum is the number of rows, always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StateCounts([u64; MessageState::ALL.len()]);

impl StateCounts {
    /// Rows in `state`.
    #[must_use]
    #[expect(clippy::indexing_slicing, reason = "one counter for each state")]
    pub const fn get(&self, state: MessageState) -> u64 {
        self.0[state as usize]
    }

    /// `n_rows` more in `state`.
    #[expect(clippy::indexing_slicing, reason = "one counter for each state")]
    pub const fn add(&mut self, state: MessageState, n_rows: u64) {
        self.0[state as usize] += n_rows;
    }

    /// `n_rows` fewer in `state`.
    ///
    /// # Panics
    /// When `state` holds fewer: that would be our own miscount.
    #[expect(clippy::indexing_slicing, reason = "one counter for each state")]
    pub fn remove(&mut self, state: MessageState, n_rows: u64) {
        let left = self.0[state as usize].checked_sub(n_rows);
        assert!(left.is_some(), "{n_rows} rows leave {state}, which holds {}", self.get(state));
        self.0[state as usize] = left.unwrap_or_default();
    }

    /// One row goes from one state to another.
    pub fn shift(&mut self, from: MessageState, to: MessageState) {
        if from != to {
            self.remove(from, 1);
            self.add(to, 1);
        }
    }

    /// Rows in all states together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Adds every counter of `other`.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine += theirs;
        }
    }

    /// Each state with its count.
    pub fn iter(&self) -> impl Iterator<Item = (MessageState, u64)> {
        MessageState::ALL.into_iter().zip(self.0)
    }

    /// Whether every row is in a final state.
    #[must_use]
    pub fn all_final(&self) -> bool {
        self.iter().all(|(state, n_rows)| n_rows == 0 || state.is_final())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shifting_keeps_the_sum() {
        let mut counts = StateCounts::default();
        counts.add(MessageState::Pending, 3);
        counts.shift(MessageState::Pending, MessageState::InFlight);
        counts.shift(MessageState::InFlight, MessageState::InFlight);
        assert_eq!((counts.total(), counts.get(MessageState::Pending), counts.get(MessageState::InFlight)), (3, 2, 1));
    }

    #[test]
    fn numbers_and_states_agree() {
        for (n, state) in MessageState::ALL.into_iter().enumerate() {
            assert_eq!(state as usize, n);
            assert_eq!(MessageState::from_u8(n as u8), Some(state));
        }
        assert_eq!(MessageState::from_u8(13), None);
    }
}
