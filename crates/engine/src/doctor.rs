//! `volley doctor`: adds every campaign up in three ways, checks every record, and mends what can
//! be mended without losing anything.
//!
//! The live counters and the rows of the store are read from a copy of the store, the third sum
//! from the journal alone; so nothing is changed unless a repair is asked for.

mod files;

use std::{fs, path::Path};

use serde::{Serialize, Serializer, ser::SerializeMap};
use volley_core::CampaignId;
use volley_journal::{Journal, JournalOptions, View};
use volley_reconciler::{Checkpoint, Ledger, Recount};

use crate::{DataDir, Error, erase, scratch::Scratch};

/// What a look at a data directory found.
#[derive(Debug, Clone, Serialize)]
pub struct Diagnosis {
    /// The journal's records: first, last, and how many octets they take.
    pub journal: JournalFacts,
    /// Each campaign, added up.
    pub campaigns: Vec<CampaignSums>,
    /// What is wrong, in words; empty when nothing is.
    pub findings: Vec<Finding>,
}

/// The journal in numbers.
#[derive(Debug, Clone, Default, Serialize)]
pub struct JournalFacts {
    /// Segment files.
    pub segments: usize,
    /// Octets of all of them.
    pub bytes: u64,
    /// The first record; 0 when the journal can't be read.
    pub first: u64,
    /// The last record; 0 when there is none.
    pub last: u64,
    /// The record up to which a base stands for the records; 0 when there is none.
    pub base: u64,
}

/// Something that is wrong.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// What part of the data.
    pub part: Part,
    /// In words, with file and place.
    pub what: String,
    /// What `--repair` does about it; `None` when only a backup helps.
    pub repair: Option<&'static str>,
}

/// Parts of a data directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The truth.
    Journal,
    /// sled.
    Store,
    /// What was approved: frozen lists and rejected rows.
    Campaign,
    /// The three sums of a campaign.
    Sums,
}

/// One campaign, added up three times.
#[derive(Debug, Clone, Serialize)]
pub struct CampaignSums {
    /// Its number.
    pub id: u32,
    /// Its name.
    pub campaign: String,
    /// Rows of its list.
    pub rows: u64,
    /// As the counters have it.
    pub counters: Option<Sums>,
    /// From the rows in the store.
    pub store: Option<Sums>,
    /// From the journal alone.
    pub journal: Option<Sums>,
    /// Whether all three could be made, are the same, and make up the rows.
    pub agree: bool,
}

/// One way of adding up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sums(pub Recount);

impl Serialize for Sums {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (state, n_rows) in self.0.states.iter() {
            map.serialize_entry(state.name(), &n_rows)?;
        }
        map.serialize_entry("segments_submitted", &self.0.submitted)?;
        map.serialize_entry("segments_accepted", &self.0.accepted)?;
        map.serialize_entry("segments_delivered", &self.0.delivered)?;
        map.serialize_entry("possible_duplicates", &self.0.possible_duplicates)?;
        map.end()
    }
}

/// Looks at a data directory on which nothing runs, changing nothing.
///
/// # Errors
/// When nothing was ever run there, another process owns it, or there is no room for a copy of
/// the store.
pub fn diagnose(dir: &DataDir) -> Result<Diagnosis, Error> {
    if !dir.exists() {
        return Err(Error::NoData { root: dir.root().to_owned() });
    }
    let _lock = dir.lock()?;
    let scratch = Scratch::new(dir.root(), "doctor-scratch")?;
    let mut diagnosis = Diagnosis { journal: JournalFacts::default(), campaigns: Vec::new(), findings: Vec::new() };
    if dir.erasing().exists() {
        let what = format!("{}: an erasure was begun and is not finished", dir.erasing().display());
        diagnosis.find(Part::Campaign, what, Some("finishes it"));
    }
    if let Some(view) = diagnosis.look_at_journal(dir) {
        diagnosis.add_up(dir, &view, &scratch)?;
    }
    Ok(diagnosis)
}

/// Cuts a torn tail off the journal, and sets a store aside that is damaged or adds up to
/// something else than the journal, and rebuilds it. Gives what was done, in words; what can't be
/// mended is left alone.
///
/// # Errors
/// When another process owns the directory, or a file can't be written.
pub fn repair(dir: &DataDir, diagnosis: &Diagnosis) -> Result<Vec<String>, Error> {
    let mut done = Vec::new();
    let is_mendable = |part| diagnosis.findings.iter().any(|finding| finding.part == part && finding.repair.is_some());
    let is_lost = diagnosis.findings.iter().any(|finding| finding.part == Part::Journal && finding.repair.is_none());
    if is_lost {
        return Ok(done);
    }
    let _lock = dir.lock()?;
    let (mut journal, recovery) = Journal::open(&dir.journal(), JournalOptions::default())?;
    if let Some(cut) = recovery.cut {
        done.push(format!("{}: cut {} octets at byte {} ({})", cut.path.display(), cut.n_octets, cut.offset, cut.what));
    }
    if is_mendable(Part::Store) || is_mendable(Part::Sums) {
        let aside = Ledger::set_store_aside(&dir.store())?;
        let mut opened = Ledger::open(&dir.store(), &journal)?;
        opened.ledger.checkpoint(Checkpoint::All)?;
        opened.ledger.sync()?;
        let kept = aside.map_or_else(String::new, |aside| format!("; the old one is {}", aside.display()));
        done.push(format!("store rebuilt from {} records of the journal{kept}", opened.n_replayed));
    }
    if is_mendable(Part::Campaign) {
        let mut ledger = Ledger::open(&dir.store(), &journal)?.ledger;
        done.extend(erase::finish_begun(dir, &mut journal, &mut ledger)?);
    }
    Ok(done)
}

impl Diagnosis {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    fn find(&mut self, part: Part, what: String, repair: Option<&'static str>) {
        self.findings.push(Finding { part, what, repair });
    }

    fn look_at_journal(&mut self, dir: &DataDir) -> Option<View> {
        let view = match View::look(&dir.journal(), JournalOptions::default()) {
            Ok(view) => view,
            Err(error) => {
                self.find(Part::Journal, error.to_string(), None);
                return None;
            }
        };
        let segments = view.segments().unwrap_or_default();
        let bytes = segments.iter().map(|(_, len)| len).sum();
        let base = view.base().map_or(0, |base| base.sequence().0);
        self.journal =
            JournalFacts { segments: segments.len(), bytes, first: view.first().0, last: view.last().0, base };
        if let Some(torn) = view.torn() {
            let what = format!(
                "{}, byte {}: {} octets behind the last whole record ({})",
                torn.path.display(),
                torn.offset,
                torn.n_octets,
                torn.what
            );
            self.find(Part::Journal, what, Some("cuts them off: they were never reported as durable"));
        }
        Some(view)
    }

    fn add_up(&mut self, dir: &DataDir, view: &View, scratch: &Scratch) -> Result<(), Error> {
        let copy = scratch.path.join("store");
        copy_folder(&dir.store(), &copy)?;
        let by_store = match Ledger::open_at(&copy, view) {
            Ok(opened) => {
                if let Some(aside) = opened.set_aside {
                    let what = format!("{}: {}", dir.store().display(), aside.why.replace("doctor-scratch/", ""));
                    self.find(Part::Store, what, Some("sets it aside and rebuilds it from the journal"));
                }
                Some(opened.ledger)
            }
            Err(error @ volley_reconciler::Error::JournalBehind { .. }) => {
                self.find(Part::Journal, error.to_string(), None);
                None
            }
            Err(error) => {
                self.find(Part::Store, error.to_string(), None);
                None
            }
        };
        let by_journal = match Ledger::open_at(&scratch.path.join("journal-alone"), view) {
            Ok(opened) => Some(opened.ledger),
            Err(error) => {
                self.find(Part::Journal, error.to_string(), None);
                None
            }
        };
        let named = by_store.as_ref().or(by_journal.as_ref()).map(Ledger::campaigns).unwrap_or_default();
        for (id, summary) in named {
            let recount = |ledger: &Option<Ledger>| ledger.as_ref().map(|ledger| ledger.recount(id)).transpose();
            let store = match recount(&by_store) {
                Ok(store) => store.flatten(),
                Err(error) => {
                    self.find(Part::Store, error.to_string(), Some("sets it aside and rebuilds it from the journal"));
                    None
                }
            };
            let counters = by_store.as_ref().and_then(|ledger| ledger.summary(id));
            let counters = counters.map(|summary| Recount::of_counters(&summary));
            let journal = recount(&by_journal)?.flatten();
            if let Some(ledger) = by_store.as_ref().or(by_journal.as_ref()) {
                files::check(dir, ledger, id, self);
            }
            self.compare(id, summary.campaign, summary.rows, [counters, store, journal]);
        }
        Ok(())
    }

    fn compare(&mut self, id: CampaignId, campaign: String, rows: u64, sums: [Option<Recount>; 3]) {
        let [counters, store, journal] = sums;
        let adds_up = sums.iter().flatten().all(|sums| sums.states.total() == rows);
        let agree = adds_up && counters.is_some() && counters == store && store == journal;
        if !agree && sums.iter().all(Option::is_some) {
            let what = format!("campaign {id} ({campaign}): counters, store and journal add up differently");
            let can_mend = journal.filter(|journal| journal.states.total() == rows);
            self.find(Part::Sums, what, can_mend.map(|_| "sets the store aside and rebuilds it from the journal"));
        }
        let [counters, store, journal] = sums.map(|sums| sums.map(Sums));
        self.campaigns.push(CampaignSums { id: id.0, campaign, rows, counters, store, journal, agree });
    }
}

fn copy_folder(from: &Path, to: &Path) -> Result<(), Error> {
    let copy = |from: &Path, to: &Path| -> std::io::Result<()> {
        fs::create_dir(to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            let to = to.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                fs::create_dir(&to)?;
                for entry in fs::read_dir(entry.path())? {
                    let entry = entry?;
                    fs::copy(entry.path(), to.join(entry.file_name()))?;
                }
            } else {
                fs::copy(entry.path(), to)?;
            }
        }
        Ok(())
    };
    if !from.is_dir() {
        return Ok(());
    }
    copy(from, to).map_err(|source| Error::Io { path: from.to_owned(), action: "can't copy the store", source })
}
