//! Small numbers with a meaning of their own.

use std::fmt;

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

impl fmt::Display for RowIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A carrier account of one campaign: its position in the campaign's list of routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct CarrierIndex(pub u8);

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
    }
}
