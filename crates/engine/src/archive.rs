//! Archives: a finished campaign in one file, and nowhere else.
//!
//! The file is durable before anything is removed, and what is removed goes in this order: the rows
//! in ledger and store (by a record of the journal), the records of the journal (by compaction), the
//! campaign's folder. Whoever dies in between goes on when asked again.

mod pack;
mod read;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Serialize;
use volley_core::{CampaignId, Clock as _, MessageState, SystemClock, UnixMicros};
use volley_ingest::source_hash_of;
use volley_journal::{Journal, JournalOptions};
use volley_reconciler::{CampaignStatus, Checkpoint, Ledger, Summary, record::Archive};

use crate::{DataDir, Error, compact::compact, data_dir::DataLock, engine::record};

pub use read::ArchiveFile;

/// Which campaigns to archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToArchive {
    /// The one with this name or number.
    Named(String),
    /// All that are finished, and to which nothing has happened for so long.
    Finished {
        /// How long.
        older_than: Duration,
    },
}

/// How to archive.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ArchiveOptions {
    /// The archive file of a named campaign; in the data directory when there is none.
    pub to: Option<PathBuf>,
    /// Also with rows in doubt: they stay so for ever.
    pub even_in_doubt: bool,
}

/// A campaign that is archived.
#[derive(Debug, Clone, Serialize)]
pub struct Archived {
    /// Its number.
    pub id: u32,
    /// Its name.
    pub campaign: String,
    /// The archive file.
    pub file: String,
    /// SHA-256 of that file, in hex.
    pub sha256: String,
    /// Rows of its list.
    pub rows: u64,
    /// Whether it had been archived before.
    pub already: bool,
}

/// What was done.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ArchiveOutcome {
    /// Campaigns that are archived now.
    pub archived: Vec<Archived>,
    /// Finished campaigns that were left alone, with the reason.
    pub skipped: Vec<(String, String)>,
    /// Octets of the journal that were let go of.
    pub journal_bytes_removed: u64,
}

/// Archives campaigns of a data directory on which nothing runs. `progress` is told what begins.
///
/// # Errors
/// When there is no such campaign, it is not finished or has rows in doubt, its files are not what
/// was approved, or a file can't be written. What was archived before the error stays so.
pub fn archive(
    dir: &DataDir,
    which: &ToArchive,
    options: &ArchiveOptions,
    progress: &mut dyn FnMut(&str),
) -> Result<ArchiveOutcome, Error> {
    if !dir.exists() {
        return Err(Error::NoData { root: dir.root().to_owned() });
    }
    let mut archivist = Archivist::open(dir)?;
    let mut outcome = ArchiveOutcome::default();
    for id in archivist.chosen(which, options, &mut outcome)? {
        let done = archivist.archive(id, options, progress)?;
        outcome.archived.push(done);
    }
    // Of one that was archived before, the folder tells that something was left to do.
    if outcome.archived.iter().any(|it| !it.already || dir.campaign(CampaignId(it.id)).exists()) {
        progress("compacting the journal");
        let trimmed = compact(dir, &mut archivist.journal, &mut archivist.ledger)?;
        outcome.journal_bytes_removed = trimmed.n_octets;
    }
    for archived in &outcome.archived {
        archivist.remove_folder(CampaignId(archived.id))?;
    }
    Ok(outcome)
}

struct Archivist {
    dir: DataDir,
    journal: Journal,
    ledger: Ledger,
    _lock: DataLock,
}

impl Archivist {
    fn open(dir: &DataDir) -> Result<Self, Error> {
        let lock = dir.lock()?;
        let (journal, _) = Journal::open(&dir.journal(), JournalOptions::default())?;
        let ledger = Ledger::open(&dir.store(), &journal)?.ledger;
        Ok(Self { dir: dir.clone(), journal, ledger, _lock: lock })
    }

    /// The campaigns to archive, in order; those that were archived already among them.
    fn chosen(
        &self,
        which: &ToArchive,
        options: &ArchiveOptions,
        outcome: &mut ArchiveOutcome,
    ) -> Result<Vec<CampaignId>, Error> {
        let older_than = match which {
            ToArchive::Named(name) => {
                let no_campaign = || Error::NoCampaign { name: name.clone(), root: self.dir.root().to_owned() };
                let id = self.ledger.find(name).ok_or_else(no_campaign)?;
                let summary = self.ledger.summary(id).ok_or_else(no_campaign)?;
                return ready(&summary, options.even_in_doubt).map(|()| vec![id]);
            }
            ToArchive::Finished { older_than } => *older_than,
        };
        let now = SystemClock.wall();
        let mut chosen = Vec::new();
        for (id, summary) in self.ledger.campaigns() {
            let idle = self.ledger.last_event_at(id).map_or(Duration::ZERO, |at| now.since(at));
            match ready(&summary, options.even_in_doubt) {
                Ok(()) if summary.status == CampaignStatus::Archived && !self.dir.campaign(id).exists() => {}
                Ok(()) if idle >= older_than => chosen.push(id),
                Ok(()) | Err(Error::NotFinished { .. }) => {}
                Err(other) => outcome.skipped.push((summary.campaign, other.to_string())),
            }
        }
        Ok(chosen)
    }

    fn archive(
        &mut self,
        id: CampaignId,
        options: &ArchiveOptions,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Archived, Error> {
        let no_campaign = || Error::NoCampaign { name: id.to_string(), root: self.dir.root().to_owned() };
        let summary = self.ledger.summary(id).ok_or_else(no_campaign)?;
        let done = |archive: &Archive, already| Archived {
            id: id.0,
            campaign: summary.campaign.clone(),
            file: archive.file.clone(),
            sha256: archive.hash.clone(),
            rows: summary.rows,
            already,
        };
        if let Some(archive) = self.ledger.archive(id) {
            return Ok(done(archive, true));
        }
        progress(&format!("archiving {} ({} rows)", summary.campaign, summary.rows));
        let at = SystemClock.wall();
        let file = self.file_for(id, &summary, options)?;
        pack::pack(&self.dir, &self.ledger, id, at, &file)?;
        let archive = Archive { at_us: at.0, file: file.display().to_string(), hash: source_hash_of(&file)? };
        record(&mut self.journal, &mut self.ledger, |events| events.archived(id, &archive))?;
        self.ledger.checkpoint(Checkpoint::All)?;
        self.ledger.sync()?;
        Ok(done(&archive, false))
    }

    /// Where the archive goes. A file that is there is replaced only if it is of this campaign: a
    /// process that was killed left it.
    fn file_for(&self, id: CampaignId, summary: &Summary, options: &ArchiveOptions) -> Result<PathBuf, Error> {
        let failed = |path: &Path, action| {
            let path = path.to_owned();
            move |source| Error::Io { path, action, source }
        };
        let Some(to) = &options.to else {
            let folder = self.dir.archives();
            fs::create_dir_all(&folder).map_err(failed(&folder, "can't create the folder for archives"))?;
            let folder = folder.canonicalize().map_err(failed(&folder, "can't find"))?;
            let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            let name: String = summary.campaign.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
            return Ok(folder.join(format!("{id}-{name}.tar.zst")));
        };
        let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        let folder = folder.canonicalize().map_err(failed(folder, "can't find the folder for the archive"))?;
        let path = folder.join(to.file_name().unwrap_or_default());
        let is_ours = |path: &Path| {
            let of = ArchiveFile::open(path).ok().map(|file| (file.campaign().to_owned(), file.list_hash().to_owned()));
            of == self.ledger.plan(id).map(|plan| (plan.name.clone(), plan.list_hash.clone()))
        };
        match path.exists() && !is_ours(&path) {
            true => Err(failed(&path, "can't write the archive")(std::io::ErrorKind::AlreadyExists.into())),
            false => Ok(path),
        }
    }

    /// The campaign's own files go last.
    fn remove_folder(&self, id: CampaignId) -> Result<(), Error> {
        let folder = self.dir.campaign(id);
        if !folder.exists() {
            return Ok(());
        }
        let removed = fs::remove_dir_all(&folder);
        removed.map_err(|source| Error::Io { path: folder, action: "can't remove the archived campaign", source })
    }
}

/// Nothing unfinished is ever archived, and nothing in doubt unless asked for.
fn ready(summary: &Summary, even_in_doubt: bool) -> Result<(), Error> {
    let n_in_doubt = summary.states.get(MessageState::InDoubt);
    match summary.status {
        CampaignStatus::Archived => Ok(()),
        CampaignStatus::Finished if n_in_doubt == 0 || even_in_doubt => Ok(()),
        CampaignStatus::Finished => Err(Error::StillInDoubt { name: summary.campaign.clone(), n_rows: n_in_doubt }),
        CampaignStatus::Planned
        | CampaignStatus::Running
        | CampaignStatus::Paused
        | CampaignStatus::Interrupted
        | CampaignStatus::Stopped => {
            Err(Error::NotFinished { name: summary.campaign.clone(), status: summary.status.name() })
        }
    }
}

/// An error when a campaign's rows are in an archive, and not here.
pub(crate) fn check_not_archived(ledger: &Ledger, id: CampaignId) -> Result<(), Error> {
    match ledger.archive(id) {
        None => Ok(()),
        Some(archive) => Err(Error::IsArchived {
            name: ledger.plan(id).map_or_else(String::new, |plan| plan.name.clone()),
            file: archive.file.clone(),
        }),
    }
}

fn time(at: UnixMicros) -> String {
    let at = i64::try_from(at.0).ok().and_then(|us| jiff::Timestamp::from_microsecond(us).ok());
    at.map_or_else(String::new, |at| format!("{at:.3}"))
}
