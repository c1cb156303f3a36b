//! Small numbers with a meaning of their own.

use std::fmt;

use crate::RecipientCheck;

/// A campaign's number within one data directory, from 1 up. Its name is for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CampaignId(pub u32);

impl fmt::Display for CampaignId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Rows in one chunk of a frozen plan and of the ledger; the last chunk may be shorter.
pub const CHUNK_ROWS: u32 = 4096;

/// A valid row of a frozen plan, numbered from 0 without gaps. Rejected rows have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct RowIndex(pub u32);

impl RowIndex {
    /// The row at `offset` of chunk `chunk`.
    #[must_use]
    pub const fn in_chunk(chunk: u32, offset: u16) -> Self {
        Self(chunk * CHUNK_ROWS + offset as u32)
    }

    /// The chunk that holds the row.
    #[must_use]
    pub const fn chunk(self) -> u32 {
        self.0 / CHUNK_ROWS
    }

    /// The row's place within its chunk.
    #[must_use]
    pub const fn offset(self) -> u16 {
        (self.0 % CHUNK_ROWS) as u16
    }
}

impl fmt::Display for RowIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A carrier account's number within one data directory: receipts are matched by account,
/// whichever campaign is running. Its name is for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct CarrierIndex(pub u8);

impl CarrierIndex {
    /// The number as an index into a list of carriers.
    #[must_use]
    pub const fn as_usize(self) -> usize {
        self.0 as usize
    }
}

/// One segment of one row, as it travels through a pipeline and back: the pipeline never
/// looks inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct MessageToken(pub u64);

impl MessageToken {
    /// The token of segment `segment` (from 0) of `row`.
    #[must_use]
    pub const fn new(row: RowIndex, segment: u8) -> Self {
        Self((row.0 as u64) << 8 | segment as u64)
    }

    /// The same token, carrying the recipient's check to where the answer is recorded.
    #[must_use]
    pub const fn with_check(self, check: RecipientCheck) -> Self {
        Self(self.0 & Self::ROW_AND_SEGMENT | (check.0 as u64) << 40)
    }

    /// The check that the token carries; zero when it carries none.
    #[must_use]
    pub const fn check(self) -> RecipientCheck {
        RecipientCheck((self.0 >> 40) as u16)
    }

    const ROW_AND_SEGMENT: u64 = (1 << 40) - 1;

    /// The row that the segment belongs to.
    #[must_use]
    pub const fn row(self) -> RowIndex {
        RowIndex((self.0 >> 8) as u32)
    }

    /// The segment's number, from 0.
    #[must_use]
    pub const fn segment(self) -> u8 {
        (self.0 & 0xFF) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_gives_back_row_and_segment() {
        let token = MessageToken::new(RowIndex(u32::MAX), 254);
        assert_eq!((token.row(), token.segment()), (RowIndex(u32::MAX), 254));
        let checked = token.with_check(RecipientCheck(0xBEEF));
        assert_eq!((checked.row(), checked.segment()), (RowIndex(u32::MAX), 254));
        assert_eq!((checked.check(), token.check()), (RecipientCheck(0xBEEF), RecipientCheck(0)));
    }
}
