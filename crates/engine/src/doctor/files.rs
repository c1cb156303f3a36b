//! What lies beside journal and store: each campaign as it was approved.

use std::{fs, path::Path};

use volley_core::CampaignId;
use volley_ingest::{Plan, PlanChunk, Rejects};
use volley_reconciler::{Ledger, record::Archive};

use super::{Diagnosis, Part};
use crate::{DataDir, preflight::Approved, seal};

/// Reads a campaign's files from end to end.
pub(super) fn check(dir: &DataDir, ledger: &Ledger, id: CampaignId, diagnosis: &mut Diagnosis) {
    if let Some(archive) = ledger.archive(id) {
        if let Err(wrong) = archived(dir, archive) {
            diagnosis.find(Part::Campaign, format!("campaign {id}: {wrong}"), None);
        }
        return;
    }
    let folder = dir.campaign(id);
    if dir.erasing().exists() {
        return;
    }
    let sealed = seal::ALL.map(|name| seal::check(dir, ledger, id, &[name]).map_err(|error| error.to_string()));
    let checks = sealed.into_iter().chain([approved(&folder), list(&folder)]);
    // A file that is not what was approved is found once, not twice.
    if let Some(wrong) = checks.filter_map(Result::err).next() {
        diagnosis.find(Part::Campaign, format!("campaign {id}: {wrong}"), None);
    }
}

/// An archive that was put elsewhere may have been moved since; one of ours is there and whole.
fn archived(dir: &DataDir, archive: &Archive) -> Result<(), String> {
    let path = Path::new(&archive.file);
    let ours = dir.archives().canonicalize().is_ok_and(|folder| path.starts_with(folder));
    if !ours && !path.exists() {
        return Ok(());
    }
    match volley_ingest::source_hash_of(path).map_err(|error| error.to_string())? == archive.hash {
        true => Ok(()),
        false => Err(format!("{} is not what was archived: it was damaged or changed", path.display())),
    }
}

fn approved(folder: &Path) -> Result<(), String> {
    let path = folder.join(seal::APPROVED);
    let text = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let approved: Result<Approved, _> = serde_json::from_slice(&text);
    approved.map(drop).map_err(|error| format!("{}: {error}", path.display()))
}

fn list(folder: &Path) -> Result<(), String> {
    let plan = Plan::open(folder).map_err(|error| error.to_string())?;
    let mut chunk = PlanChunk::default();
    for number in 0..plan.n_chunks() {
        plan.read_chunk(number, &mut chunk).map_err(|error| error.to_string())?;
    }
    let mut rejects = Rejects::open(folder, &plan.frozen().options.to).map_err(|error| error.to_string())?;
    rejects.try_for_each(|row| row.map(drop).map_err(|error| error.to_string()))
}
