//! Campaigns whose time is over.

use std::fs;

use volley_core::{CampaignId, UnixMicros};
use volley_reconciler::Ledger;

use crate::{DataDir, Error, preflight::Approved, seal};

/// Those that were finished longer ago than their `retention` says, and not erased yet.
pub(super) fn campaigns(dir: &DataDir, ledger: &Ledger, now: UnixMicros) -> Result<Vec<CampaignId>, Error> {
    let mut expired = Vec::new();
    for (id, _) in ledger.campaigns() {
        let Some((finished_at, false)) = ledger.finished_at(id) else { continue };
        let path = dir.approved(id);
        // Whatever is wrong with a campaign's files is found where they are used, and by `doctor`.
        if seal::check(dir, ledger, id, &[seal::APPROVED]).is_err() {
            continue;
        }
        let Some(approved) = fs::read(&path).ok().and_then(|text| serde_json::from_slice::<Approved>(&text).ok())
        else {
            continue;
        };
        let retention = approved.options.privacy.retention;
        if retention.is_some_and(|retention| finished_at.plus(retention.0) <= now) {
            expired.push(id);
        }
    }
    Ok(expired)
}
