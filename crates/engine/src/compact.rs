//! Compaction: a base of the journal takes the place of the records before it.
//!
//! The base is made from the journal alone (the base before and the records behind it), never from
//! the live store, and only if it adds up to what the live counters say. It happens when a campaign
//! is archived, and at the end of a run that leaves a journal of more than [`MAX_SEGMENTS`] files.

use volley_journal::{Journal, Trimmed};
use volley_reconciler::{Checkpoint, Ledger, Recount};

use crate::{DataDir, Error, scratch::Scratch};

/// 256 MiB of records: some ten million messages.
pub(crate) const MAX_SEGMENTS: usize = 16;

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
pub(crate) fn compact_if_long(dir: &DataDir, ledger: &mut Ledger, max_segments: usize) -> Result<Trimmed, Error> {
    let (mut journal, _) = match n_segments(dir) {
        n if n > max_segments => Journal::open(&dir.journal(), volley_journal::JournalOptions::default())?,
        _ => return Ok(Trimmed::default()),
    };
    compact(dir, &mut journal, ledger)
}

fn n_segments(dir: &DataDir) -> usize {
    let names = std::fs::read_dir(dir.journal()).into_iter().flatten().flatten().map(|entry| entry.file_name());
    names.filter(|name| name.to_string_lossy().ends_with(".journal")).count()
}
