//! What a receipt says of a message.

/// The state in a delivery receipt (SMPP 3.4, 5.2.28; HANDBOOK C.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ReceiptState {
    /// Not yet tried.
    Scheduled = 0,
    /// On its way.
    Enroute = 1,
    /// Reached the handset.
    Delivered = 2,
    /// Its validity passed first.
    Expired = 3,
    /// Removed before delivery.
    Deleted = 4,
    /// Can't be delivered.
    Undeliverable = 5,
    /// Taken over by the network.
    Accepted = 6,
    /// The carrier doesn't know.
    Unknown = 7,
    /// Refused after acceptance.
    Rejected = 8,
    /// Skipped (SMPP 5.0).
    Skipped = 9,
}

impl ReceiptState {
    /// All states, in the order of their numbers.
    pub const ALL: [Self; 10] = [
        Self::Scheduled,
        Self::Enroute,
        Self::Delivered,
        Self::Expired,
        Self::Deleted,
        Self::Undeliverable,
        Self::Accepted,
        Self::Unknown,
        Self::Rejected,
        Self::Skipped,
    ];

    /// From its number in SMPP and in our records.
    #[must_use]
    pub fn from_u8(value: u8) -> Option<Self> {
        Self::ALL.get(usize::from(value)).copied()
    }

    /// A receipt's weight among all receipts of one segment: the highest ever seen stands,
    /// whatever their order (CONTRACT section 3).
    #[must_use]
    pub const fn rank(self) -> u8 {
        match self {
            Self::Scheduled | Self::Enroute | Self::Accepted => 1,
            Self::Unknown => 2,
            Self::Expired | Self::Deleted | Self::Undeliverable | Self::Rejected | Self::Skipped => 3,
            Self::Delivered => 4,
        }
    }

    /// What both receipts together say of one segment: the higher rank, and among equals a
    /// fixed order, so that any permutation of the same receipts gives the same state.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        let weight = |state: Self| (state.rank(), state as u8);
        if weight(other) > weight(self) { other } else { self }
    }

    /// Whether the carrier will not change its mind by itself.
    #[must_use]
    pub const fn is_final(self) -> bool {
        self.rank() >= 3
    }

    /// The word for reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Enroute => "enroute",
            Self::Delivered => "delivered",
            Self::Expired => "expired",
            Self::Deleted => "deleted",
            Self::Undeliverable => "undeliverable",
            Self::Accepted => "accepted",
            Self::Unknown => "unknown",
            Self::Rejected => "rejected",
            Self::Skipped => "skipped",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn join_is_associative_commutative_and_idempotent() {
        for a in ReceiptState::ALL {
            assert_eq!(a.join(a), a);
            for b in ReceiptState::ALL {
                assert_eq!(a.join(b), b.join(a));
                assert!(a.join(b).rank() == a.rank().max(b.rank()));
                for c in ReceiptState::ALL {
                    assert_eq!(a.join(b).join(c), a.join(b.join(c)));
                }
            }
        }
    }
}
