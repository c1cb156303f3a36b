//! The way from the rows of a list to those that are ready to be sent.

use std::collections::BTreeMap;

use volley_ingest::Frozen;
use volley_reconciler::SuppressCause;

use super::tally::Tally;

/// The code of rows whose number stands in another row.
const DUPLICATE: &str = "duplicate";
/// The code of rows whose number is of a kind that the campaign doesn't send to.
const WRONG_TYPE: &str = "not-a-mobile";

/// Where the rows of a list end up. Every row is counted once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Funnel {
    /// Rows read.
    pub rows: u64,
    /// Rejected rows by code, but for those below.
    pub rejected: BTreeMap<String, u64>,
    /// Rows whose number stands in another row that wins.
    pub duplicates: u64,
    /// Rows whose number is a landline or of another kind that the campaign doesn't send to.
    pub wrong_type: u64,
    /// Rows that get nothing, by why: on a suppression list, or held out.
    pub suppressed: BTreeMap<SuppressCause, u64>,
    /// Rows that no window lets out before the campaign must end.
    pub outside_windows: u64,
    /// Rows that no route takes. Routes take every row so far.
    pub unroutable: u64,
    /// Rows that are ready to be sent.
    pub ready: u64,
}

impl Funnel {
    pub(super) fn new(frozen: &Frozen, tally: &Tally) -> Self {
        let mut rejected = frozen.rejected.clone();
        let duplicates = rejected.remove(DUPLICATE).unwrap_or(0);
        let wrong_type = rejected.remove(WRONG_TYPE).unwrap_or(0);
        let suppressed = tally.suppressed.clone();
        let (rows, outside_windows, ready) = (frozen.n_rows, tally.outside_windows, tally.ready().rows);
        Self { rows, rejected, duplicates, wrong_type, suppressed, outside_windows, unroutable: 0, ready }
    }

    /// Rows that reports call rejected.
    #[must_use]
    pub fn n_rejected(&self) -> u64 {
        self.rejected.values().sum::<u64>() + self.duplicates + self.wrong_type
    }

    /// All rows that are counted anywhere.
    #[must_use]
    pub fn sum(&self) -> u64 {
        let suppressed: u64 = self.suppressed.values().sum();
        self.n_rejected() + suppressed + self.outside_windows + self.unroutable + self.ready
    }
}
