//! What lies beside journal and store: each campaign as it was approved.

use std::{fs, path::Path};

use volley_core::CampaignId;
use volley_ingest::{Plan, PlanChunk, Rejects};
use volley_reconciler::Ledger;

use super::{Diagnosis, Part};
use crate::{DataDir, preflight::Approved, seal};

/// Reads a campaign's files from end to end.
pub(super) fn check(dir: &DataDir, ledger: &Ledger, id: CampaignId, diagnosis: &mut Diagnosis) {
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
