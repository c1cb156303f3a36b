//! Four eyes without a server: one person checks and saves a plan, another runs it by its hash.
//!
//! `plans/HASH/terms.json` holds what was saved ([`Terms`]) and `saved.json` who saved it and what
//! became of it. No number of the list stands in either: a run reads the list again, and what it
//! finds must come to the same hash. A campaign keeps its own `terms.json`, whose hash the journal
//! holds ([`crate::seal`]), so that a plan that ran once is known to have run.

mod changes;
mod terms;
#[cfg(test)]
mod tests;

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use volley_core::{CampaignId, UnixMicros};

pub use self::{
    changes::{Change, FileNames},
    terms::{ListTerms, Terms},
};
use crate::{
    DataDir, Engine, Error, Preflight,
    erase::in_words,
    seal::{self, TERMS},
};

/// Who saved a plan, and the campaign that it became.
const SAVED: &str = "saved.json";
/// Hexadecimal digits of a whole hash.
const HASH_DIGITS: usize = 64;
/// Fewest of them by which a plan can be named.
const MIN_DIGITS: usize = 8;

/// A plan in the data directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedPlan {
    /// What it is approved by, 64 hexadecimal digits.
    pub hash: String,
    /// What was checked.
    pub terms: Terms,
    /// When it was saved, RFC 3339.
    pub saved_at: String,
    /// Who saved it.
    pub saved_by: String,
    /// The campaign that it became; `None` while it waits.
    pub campaign: Option<u32>,
}

#[derive(Serialize, Deserialize)]
struct Saved {
    at_us: u64,
    by: String,
    #[serde(default)]
    campaign: Option<u32>,
}

impl SavedPlan {
    /// `waiting`, or `approved` when it was run.
    #[must_use]
    pub const fn status(&self) -> &'static str {
        match self.campaign {
            None => "waiting",
            Some(_) => "approved",
        }
    }
}

/// The plans that were saved, those that wait first, each group by when.
///
/// # Errors
/// When they can't be read. One that is not what was saved is left out.
pub fn saved_plans(dir: &DataDir) -> Result<Vec<SavedPlan>, Error> {
    let mut plans = Vec::new();
    for hash in hashes(dir)? {
        match read(dir, &hash) {
            Ok(plan) => plans.push(plan),
            Err(Error::PlanDamaged { path }) => tracing::warn!(path = %path.display(), "a saved plan was changed"),
            Err(error) => return Err(error),
        }
    }
    plans.sort_by(|a, b| (a.campaign.is_some(), &a.saved_at).cmp(&(b.campaign.is_some(), &b.saved_at)));
    Ok(plans)
}

/// The saved plan whose hash begins with `prefix`, of 8 digits at least.
///
/// # Errors
/// When there is none or several, or it is not what was saved.
pub fn saved_plan(dir: &DataDir, prefix: &str) -> Result<SavedPlan, Error> {
    read(dir, &find(dir, prefix)?)
}

/// Removes a saved plan. A campaign that it became stays.
///
/// # Errors
/// As [`saved_plan`], and when its files can't be removed.
pub fn remove_plan(dir: &DataDir, prefix: &str) -> Result<String, Error> {
    let hash = find(dir, prefix)?;
    let folder = dir.plans().join(&hash);
    let removed = fs::remove_dir_all(&folder).and_then(|()| File::open(dir.plans())?.sync_all());
    removed.map_err(|source| Error::Io { path: folder, action: "can't remove the plan", source })?;
    Ok(hash)
}

impl Engine {
    /// Keeps what was checked as a plan that can be run by its hash. The same saved again stays as
    /// it is.
    ///
    /// # Errors
    /// When it may not run, or can't be written.
    pub fn save_plan(&self, preflight: &Preflight, by: &str) -> Result<SavedPlan, Error> {
        preflight.allow()?;
        let (dir, terms) = (&self.dir, &preflight.terms);
        let hash = terms.hash();
        let folder = dir.plans().join(&hash);
        match read(dir, &hash) {
            Ok(known) => return Ok(known),
            Err(Error::NoPlan { .. }) => {}
            // It is here in full to be saved.
            Err(Error::PlanDamaged { .. }) => {
                fs::remove_dir_all(&folder).map_err(|source| failed(&folder, source))?;
            }
            Err(error) => return Err(error),
        }
        let saved =
            Saved { at_us: self.ground.clock.wall().0, by: by.to_owned(), campaign: self.ran_as(&hash).map(|id| id.0) };
        let unfinished = dir.plans().join(format!("{hash}.new"));
        let write = || {
            fs::create_dir_all(&unfinished)?;
            write_synced(&unfinished.join(TERMS), &terms.to_octets())?;
            write_synced(&unfinished.join(SAVED), &serde_json::to_vec_pretty(&saved)?)?;
            File::open(&unfinished)?.sync_all()?;
            fs::rename(&unfinished, &folder)?;
            File::open(dir.plans())?.sync_all()
        };
        write().map_err(|source| failed(&folder, source))?;
        read(dir, &hash)
    }

    /// That what was checked now is the plan whose hash begins with `prefix`, and that it did not
    /// run before, unless it may `again`. A whole hash needs no saved plan: it says all by itself.
    ///
    /// # Errors
    /// [`Error::PlanChanged`] with what differs; [`Error::PlanUsed`]; when there is no such plan.
    pub fn check_approved(&self, preflight: &Preflight, prefix: &str, again: bool) -> Result<(), Error> {
        let now = preflight.terms.hash();
        let approved = match find(&self.dir, prefix) {
            Ok(hash) => hash,
            Err(Error::NoPlan { .. }) if prefix.eq_ignore_ascii_case(&now) => now.clone(),
            Err(error) => return Err(error),
        };
        if approved != now {
            let changes = read(&self.dir, &approved)?.terms.changes(&preflight.terms, &preflight.file_names());
            let changes = changes.iter().map(ToString::to_string).collect();
            return Err(Error::PlanChanged { hash: approved, changes });
        }
        match self.ran_as(&now).filter(|_| !again) {
            Some(id) => Err(Error::PlanUsed { hash: now, campaign: id.0 }),
            None => Ok(()),
        }
    }

    /// The last plan of a campaign's name that waits or ran, and what differs from it now; `None`
    /// where none is known. Nothing differs: it is the same.
    ///
    /// # Errors
    /// When saved plans can't be read.
    pub fn changed_since(&self, preflight: &Preflight) -> Result<Option<(SavedPlan, Vec<Change>)>, Error> {
        let name = &preflight.terms.name;
        let plans = saved_plans(&self.dir)?.into_iter().filter(|plan| plan.terms.name == *name);
        let latest = plans.max_by(|a, b| (a.campaign.is_none(), &a.saved_at).cmp(&(b.campaign.is_none(), &b.saved_at)));
        Ok(latest.map(|plan| {
            let changes = plan.terms.changes(&preflight.terms, &preflight.file_names());
            (plan, changes)
        }))
    }

    /// What differs from a campaign as it was approved; empty where that is not known.
    #[must_use]
    pub fn changed_since_campaign(&self, preflight: &Preflight, id: CampaignId) -> Vec<Change> {
        let Ok(octets) = fs::read(self.dir.campaign(id).join(TERMS)) else { return Vec::new() };
        let approved: Option<Terms> = serde_json::from_slice(&octets).ok();
        approved.map(|terms| terms.changes(&preflight.terms, &preflight.file_names())).unwrap_or_default()
    }

    /// The campaign that a plan became last, as the journal knows it.
    fn ran_as(&self, hash: &str) -> Option<CampaignId> {
        let campaigns = self.ledger.campaigns().into_iter().rev().map(|(id, _)| id);
        campaigns.into_iter().find(|id| {
            let files = self.ledger.plan(*id).map(|plan| &plan.files);
            files.and_then(|files| files.get(TERMS)).is_some_and(|ran| ran == hash)
        })
    }

    /// A plan became a campaign: it waits no longer. The journal has that already.
    pub(crate) fn mark_approved(&self, hash: &str, id: CampaignId) -> Result<(), Error> {
        let path = self.dir.plans().join(hash).join(SAVED);
        if !path.exists() {
            return Ok(());
        }
        let mark = || {
            let mut saved: Saved = serde_json::from_slice(&fs::read(&path)?)?;
            saved.campaign = Some(id.0);
            let fresh = path.with_extension("new");
            write_synced(&fresh, &serde_json::to_vec_pretty(&saved)?)?;
            fs::rename(&fresh, &path)
        };
        mark().map_err(|source| failed(&path, source))
    }
}

impl Preflight {
    /// What the files are called, where changes are told.
    fn file_names(&self) -> FileNames {
        let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        FileNames { campaign: name(&self.approved.campaign_file), carriers: name(&self.approved.carriers_file) }
    }
}

/// Writes a campaign's own terms into its folder.
pub(crate) fn write_terms(folder: &Path, terms: &Terms) -> Result<(), Error> {
    let path = folder.join(TERMS);
    write_synced(&path, &terms.to_octets()).map_err(|source| failed(&path, source))
}

fn read(dir: &DataDir, hash: &str) -> Result<SavedPlan, Error> {
    let folder = dir.plans().join(hash);
    let path = folder.join(TERMS);
    let octets = match fs::read(&path) {
        Ok(octets) => octets,
        Err(error) if error.kind() == io::ErrorKind::NotFound && !folder.exists() => {
            return Err(Error::NoPlan { prefix: hash.to_owned(), root: dir.root().to_owned() });
        }
        Err(source) => return Err(Error::Io { path, action: "can't read the plan", source }),
    };
    let damaged = |path: PathBuf| Error::PlanDamaged { path };
    if seal::hash_of(&octets) != hash {
        return Err(damaged(path));
    }
    let terms: Terms = serde_json::from_slice(&octets).map_err(|_| damaged(path))?;
    let path = folder.join(SAVED);
    let saved = fs::read(&path).ok().and_then(|octets| serde_json::from_slice::<Saved>(&octets).ok());
    let Saved { at_us, by, campaign } = saved.ok_or_else(|| damaged(path))?;
    Ok(SavedPlan { hash: hash.to_owned(), terms, saved_at: in_words(UnixMicros(at_us)), saved_by: by, campaign })
}

/// The whole hash of the one plan that begins so.
fn find(dir: &DataDir, prefix: &str) -> Result<String, Error> {
    let prefix = prefix.to_ascii_lowercase();
    if !(MIN_DIGITS..=HASH_DIGITS).contains(&prefix.len()) || !prefix.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(Error::NoHash { text: prefix });
    }
    let mut found: Vec<_> = hashes(dir)?.into_iter().filter(|hash| hash.starts_with(&prefix)).collect();
    match (found.pop(), found.is_empty()) {
        (Some(hash), true) => Ok(hash),
        (None, _) => Err(Error::NoPlan { prefix, root: dir.root().to_owned() }),
        (Some(_), false) => Err(Error::SeveralPlans { prefix, n: found.len() + 1 }),
    }
}

/// Names of the folders of saved plans.
fn hashes(dir: &DataDir) -> Result<Vec<String>, Error> {
    let folder = dir.plans();
    let failed = |source| Error::Io { path: folder.clone(), action: "can't list the saved plans", source };
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut hashes = Vec::new();
    for entry in entries {
        let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
        let is_hash = name.len() == HASH_DIGITS && name.bytes().all(|digit| digit.is_ascii_hexdigit());
        hashes.extend(is_hash.then_some(name));
    }
    hashes.sort();
    Ok(hashes)
}

fn write_synced(path: &Path, octets: &[u8]) -> io::Result<()> {
    fs::write(path, octets)?;
    File::open(path)?.sync_all()
}

fn failed(path: &Path, source: io::Error) -> Error {
    Error::Io { path: path.to_owned(), action: "can't keep the plan", source }
}
