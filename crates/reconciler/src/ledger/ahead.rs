//! Receipts come in any order, a million rows apart: their memory is fetched before their turn.

use std::hint::black_box;

use volley_core::{CarrierIndex, RecipientCheck, UnixMicros};

use super::{Ledger, place};
use crate::{Error, record::ReceiptEntries};

/// Receipts whose memory is fetched together: enough to wait for many misses of the cache at once,
/// few enough that what was fetched is still near when its turn comes.
const AHEAD: usize = 64;

impl Ledger {
    /// Folds the receipts in their order. Each needs two places in memory that no other receipt
    /// brought near: its id's in the index, and its row's. Waiting for them one after the other
    /// would be most of the work, so those of [`AHEAD`] receipts are touched first, where the
    /// processor waits for many at once.
    pub(super) fn on_receipts(
        &mut self,
        sequence: u64,
        carrier: CarrierIndex,
        at: UnixMicros,
        mut entries: ReceiptEntries<'_>,
    ) -> Result<(), Error> {
        let mut keys = [(0, None); AHEAD];
        loop {
            let some = entries.clone().take(AHEAD);
            let mut n_entries = 0;
            for (key, entry) in keys.iter_mut().zip(some) {
                *key = (self.index.key(carrier, entry.id), entry.check);
                n_entries += 1;
            }
            if n_entries == 0 {
                return Ok(());
            }
            let keys = keys.get(..n_entries).unwrap_or_default();
            self.touch(keys);
            for ((key, _), entry) in keys.iter().zip(entries.by_ref()) {
                self.on_receipt(sequence, carrier, at, *key, &entry)?;
            }
        }
    }

    /// Brings what receipts with these keys will change near to the processor; changes nothing.
    fn touch(&self, keys: &[(u64, Option<RecipientCheck>)]) {
        let mut targets = [None; AHEAD];
        for (target, (key, check)) in targets.iter_mut().zip(keys) {
            *target = self.index.get(*key, *check);
        }
        // First where the rows lie, then all of them: the less stands between two of them, the more
        // are waited for at once.
        let mut rows = [None; AHEAD];
        let mut of = None;
        for (row, target) in rows.iter_mut().zip(targets.into_iter().flatten()) {
            let campaign = match of {
                Some((id, campaign)) if id == target.campaign => campaign,
                _ => self.campaigns.get(&target.campaign),
            };
            of = Some((target.campaign, campaign));
            let (number, offset) = place(target.token.row());
            *row = campaign.and_then(|campaign| campaign.open.get(number)?.row(offset));
        }
        black_box(rows.iter().flatten().fold(0_u32, |sum, row| sum.wrapping_add(row.settled_ms)));
    }
}
