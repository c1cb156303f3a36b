//! Compaction: a base of the journal takes the place of the records before it.
//!
//! The base is made from the journal alone (the base before and the records behind it), never from
//! the live store, and only if it adds up to what the live counters say. It happens when a campaign
//! is archived, and at the end of a run that leaves a journal of more than [`MAX_BYTES`].

use std::sync::Arc;

use volley_journal::{Journal, Trimmed};
use volley_reconciler::{Checkpoint, Ledger, Recount};

use crate::{DataDir, Error, Ground, scratch::Scratch};

/// Records of some ten million messages.
pub(crate) const MAX_BYTES: u64 = 256 << 20;

/// Puts everything so far into a base and lets go of the records before it. A crash at any point
/// leaves a journal that gives the same ledger.
pub(crate) fn compact(dir: &DataDir, journal: &mut Journal, ledger: &mut Ledger) -> Result<Trimmed, Error> {
    // What the live store still needs of the journal is about to go.
    ledger.checkpoint(Checkpoint::All)?;
    ledger.sync()?;
    let scratch = Scratch::new(dir.root(), "compact-scratch")?;
    let mut alone = Ledger::open_at(&scratch.path.join("store"), &journal.view())?.ledger;
    for (id, summary) in ledger.campaigns() {
        if alone.recount(id)? != Some(Recount::of_counters(&summary)) {
            return Err(Error::DoesNotReconcile {
                what: format!(
                    "campaign {id}: the journal adds up to something else than the counters; nothing was let go of"
                ),
                root: dir.root().to_owned(),
            });
        }
    }
    alone.write_base(journal.begin_base()?)?;
    drop(alone);
    let trimmed = journal.trim()?;
    ledger.journal_begins_at(journal.first());
    Ok(trimmed)
}

/// The same at the end of a run, if the journal is long enough to be worth it.
pub(crate) fn compact_if_long(
    dir: &DataDir,
    ground: &Ground,
    ledger: &mut Ledger,
    max_bytes: u64,
) -> Result<Trimmed, Error> {
    let names = ground.disk.list(&dir.journal()).unwrap_or_default();
    let n_segments = names.iter().filter(|name| name.to_string_lossy().ends_with(".journal")).count() as u64;
    if n_segments * ground.journal.segment_bytes <= max_bytes {
        return Ok(Trimmed::default());
    }
    let (mut journal, _) = Journal::open_on(Arc::clone(&ground.disk), &dir.journal(), ground.journal)?;
    compact(dir, &mut journal, ledger)
}

#[cfg(test)]
mod tests {
    use volley_core::{CampaignId, UnixMicros};
    use volley_journal::JournalOptions;
    use volley_reconciler::record::{Control, EventWriter, Planned};

    use super::*;
    use crate::engine::record;

    fn planned(events: &mut EventWriter) {
        let plan = Planned {
            name: "long".to_owned(),
            list_hash: String::new(),
            n_rows: 10_000,
            n_valid: 10_000,
            n_segments: 10_000,
            rejected: std::collections::BTreeMap::new(),
            files: std::collections::BTreeMap::new(),
        };
        events.planned(CampaignId(1), UnixMicros(1), &plan);
    }

    #[test]
    fn a_long_journal_is_compacted_and_a_short_one_left_alone() {
        let root = tempfile::tempdir().unwrap();
        let dir = DataDir::new(root.path());
        let journal = JournalOptions { segment_bytes: 1_000, ..JournalOptions::default() };
        let ground = Ground { journal, ..Ground::default() };
        let open = || Journal::open_on(Arc::clone(&ground.disk), &dir.journal(), ground.journal).unwrap().0;
        let mut journal = open();
        let mut ledger = Ledger::open(&dir.store(), &journal).unwrap().ledger;
        record(&mut journal, &mut ledger, planned).unwrap();
        for n in 0..100 {
            let why = format!("for the {n}th time");
            let started = |events: &mut EventWriter| {
                events.control(CampaignId(1), UnixMicros(n), Control::Started, &why);
            };
            record(&mut journal, &mut ledger, started).unwrap();
        }
        drop(journal);
        let before = ledger.summary(CampaignId(1));
        assert_eq!(compact_if_long(&dir, &ground, &mut ledger, 1_000_000).unwrap(), Trimmed::default());
        let trimmed = compact_if_long(&dir, &ground, &mut ledger, 4_000).unwrap();
        assert!(trimmed.n_segments > 5 && trimmed.n_octets > 5_000, "{trimmed:?}");
        assert_eq!(compact_if_long(&dir, &ground, &mut ledger, 4_000).unwrap(), Trimmed::default());
        drop(ledger);
        std::fs::remove_dir_all(dir.store()).unwrap();
        let rebuilt = Ledger::open(&dir.store(), &open()).unwrap().ledger;
        assert_eq!(rebuilt.summary(CampaignId(1)), before);
    }
}
