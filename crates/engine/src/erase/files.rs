//! Every file of the data directory in which somebody may be named.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
};

use volley_core::{CampaignId, UnixMicros};
use volley_ingest::{Plan, Whose, erase_plan, erase_rejects, erase_table, person};
use volley_reconciler::{Ledger, record::ErasedCampaign};

use super::{Erasure, in_words};
use crate::{DataDir, Error, data_dir::Kind, seal};

/// The largest file that is read as a whole: an export in a form that we don't know.
const MAX_READ: u64 = 256 << 20;
/// Files that hold other files, or can't be read as text.
const PACKED: [&str; 8] = ["gz", "zst", "zip", "bz2", "xz", "tar", "xlsx", "ods"];

/// What was written beside the old files.
#[derive(Default)]
pub(super) struct Changes {
    pub(super) campaigns: Vec<ErasedCampaign>,
    pub(super) replies: u64,
    pub(super) files: u64,
    unread: Vec<PathBuf>,
    /// The lists that the campaigns were frozen from.
    sources: BTreeSet<PathBuf>,
}

impl Changes {
    pub(super) fn is_empty(&self) -> bool {
        self.campaigns.is_empty() && self.replies == 0 && self.files == 0
    }

    /// For people.
    pub(super) fn told(&self, ledger: &Ledger, at: UnixMicros) -> Erasure {
        let name = |changed: &ErasedCampaign| {
            let id = CampaignId(changed.campaign);
            ledger.plan(id).map_or_else(|| id.to_string(), |plan| plan.name.clone())
        };
        let sum = |of: fn(&ErasedCampaign) -> u64| self.campaigns.iter().map(of).sum();
        Erasure {
            at: in_words(at),
            campaigns: self.campaigns.iter().map(name).collect(),
            rows: sum(|changed| changed.rows),
            rejected: sum(|changed| changed.rejected),
            mentions: sum(|changed| changed.mentions),
            replies: self.replies,
            files: self.files,
            unread: self.unread.iter().map(|path| path.display().to_string()).collect(),
            own_lists: self.sources.iter().map(|path| path.display().to_string()).collect(),
            was_erased_before: false,
        }
    }
}

/// Looks through all files but the journal, the store (no number stands there by design) and the
/// replies.
pub(super) fn look_through(
    dir: &DataDir,
    ledger: &Ledger,
    whose: &Whose<'_>,
    changes: &mut Changes,
) -> Result<(), Error> {
    for (id, _) in ledger.campaigns() {
        campaign(dir, ledger, id, whose, changes)?;
    }
    for path in files_of(dir.root())? {
        match dir.kind(&path) {
            Kind::Personal => {}
            Kind::Ours => continue,
            Kind::Plan => {
                // Of a list that was frozen and never approved; those that were are done by now.
                let folder = path.parent().unwrap_or(dir.root());
                if !dir.is_approved(ledger, folder) {
                    changes.files += u64::from(folder_of_list(folder, whose)?.0 > 0);
                }
                continue;
            }
        }
        other(&path, whose, changes)?;
    }
    Ok(())
}

/// A campaign's frozen list and rejected rows, and what its simulated carriers remember.
pub(super) fn campaign(
    dir: &DataDir,
    ledger: &Ledger,
    id: CampaignId,
    whose: &Whose<'_>,
    changes: &mut Changes,
) -> Result<(), Error> {
    let folder = dir.campaign(id);
    if matches!(whose, Whose::Everyone) {
        changes.files += spool(&dir.campaign_spool(id), whose)?;
    }
    if !folder.join(seal::PLAN).exists() {
        return Ok(());
    }
    // What was damaged must not be taken for what an erasure made of it.
    seal::check(dir, ledger, id, &[seal::PLAN, seal::REJECTS])?;
    let (n, plan, rejected) = folder_of_list(&folder, whose)?;
    if n == 0 && !person::beside(&folder.join(seal::PLAN)).exists() && !matches!(whose, Whose::Everyone) {
        return Ok(());
    }
    changes.sources.insert(Plan::open(&folder)?.frozen().options.list.clone());
    let mut files = BTreeMap::new();
    for name in [seal::PLAN, seal::REJECTS] {
        let new = person::beside(&folder.join(name));
        if new.exists() {
            files.insert(name.to_owned(), volley_ingest::source_hash_of(&new)?);
        }
    }
    changes.campaigns.push(ErasedCampaign {
        campaign: id.0,
        rows: plan.n_rows,
        rejected,
        mentions: plan.n_mentions,
        files,
    });
    Ok(())
}

/// Any folder with a frozen list: an archive is one, too. Gives how much was found in all, in the
/// list, and among the rejected rows.
pub(crate) fn folder_of_list(folder: &Path, whose: &Whose<'_>) -> Result<(u64, volley_ingest::ErasedPlan, u64), Error> {
    let country = Plan::open(folder)?.frozen().options.default_country.clone();
    let plan = erase_plan(folder, whose)?;
    let rejected = match folder.join(seal::REJECTS).exists() {
        true => erase_rejects(folder, country.as_deref(), whose)?,
        false => 0,
    };
    Ok((plan.n_rows + plan.n_mentions + rejected, plan, rejected))
}

/// A suppression list with numbers, a spool, an export: by what its name says.
fn other(path: &Path, whose: &Whose<'_>, changes: &mut Changes) -> Result<(), Error> {
    let extension = path.extension().and_then(OsStr::to_str).unwrap_or_default().to_ascii_lowercase();
    let changed = match extension.as_str() {
        "spool" => spool(path, whose)?,
        "csv" => erase_table(path, whose).or_else(|_| text(path, whose, changes))?,
        packed if PACKED.contains(&packed) => {
            changes.unread.push(path.to_owned());
            0
        }
        _ => text(path, whose, changes)?,
    };
    changes.files += u64::from(changed > 0);
    Ok(())
}

fn spool(path: &Path, whose: &Whose<'_>) -> Result<u64, Error> {
    let recipient = match whose {
        Whose::Person(person) => Some(person.number().as_u64()),
        Whose::Everyone => None,
    };
    if !path.exists() {
        return Ok(0);
    }
    let changed = volley_simulator::erase_spool(path, recipient);
    changed.map_err(|source| Error::Io { path: path.to_owned(), action: "can't erase from the spool", source })
}

/// Lines that name somebody go as a whole.
fn text(path: &Path, whose: &Whose<'_>, changes: &mut Changes) -> Result<u64, Error> {
    let failed = |source| Error::Io { path: path.to_owned(), action: "can't erase from the file", source };
    if fs::metadata(path).map_err(failed)?.len() > MAX_READ {
        changes.unread.push(path.to_owned());
        return Ok(0);
    }
    let octets = fs::read(path).map_err(failed)?;
    let whose = whose.reading(None);
    let mut n_lines = 0;
    let mut out = Vec::with_capacity(octets.len());
    for line in octets.split_inclusive(|octet| *octet == b'\n') {
        if whose.is_named_in(&String::from_utf8_lossy(line)) {
            n_lines += 1;
            out.extend_from_slice(person::GONE.as_bytes());
            out.extend(line.ends_with(b"\n").then_some(b'\n'));
        } else {
            out.extend_from_slice(line);
        }
    }
    if n_lines > 0 {
        let mut file = File::create(person::beside(path)).map_err(failed)?;
        let restricted = fs::metadata(path).and_then(|old| file.set_permissions(old.permissions()));
        restricted.and_then(|()| file.write_all(&out)).and_then(|()| file.sync_all()).map_err(failed)?;
    }
    Ok(n_lines)
}

/// The new files take the places of the old ones, durably.
pub(super) fn put_in_place(dir: &DataDir) -> Result<(), Error> {
    each_new(dir, |new, old| fs::rename(new, old))
}

/// Files of an erasure that the journal doesn't hold: they are made again.
pub(super) fn throw_away(dir: &DataDir) -> Result<(), Error> {
    each_new(dir, |new, _| fs::remove_file(new))
}

fn each_new(dir: &DataDir, each: impl Fn(&Path, &Path) -> std::io::Result<()>) -> Result<(), Error> {
    for new in files_of(dir.root())?.into_iter().filter(|path| path.extension() == Some(OsStr::new("erasing"))) {
        let old = new.with_extension("");
        let done = each(&new, &old).and_then(|()| File::open(new.parent().unwrap_or(dir.root()))?.sync_all());
        done.map_err(|source| Error::Io { path: new.clone(), action: "can't put the new file in its place", source })?;
    }
    Ok(())
}

/// All files under `root` outside of journal and store, in the order of their names.
fn files_of(root: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let failed = |source| Error::Io { path: folder.clone(), action: "can't list the files", source };
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let kind = entry.file_type().map_err(failed)?;
            let name = entry.file_name();
            let is_journal_or_store =
                folder == root && (name == "journal" || name.to_string_lossy().starts_with("store"));
            if kind.is_dir() && !is_journal_or_store {
                folders.push(entry.path());
            } else if kind.is_file() {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}
