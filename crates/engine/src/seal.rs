//! The files of a campaign that have no checksum of their own are held to what the journal says
//! of them: what runs and what is reported is what was approved, to the octet.

use std::{collections::BTreeMap, path::Path};

use sha2::{Digest as _, Sha256};
use volley_core::CampaignId;
use volley_reconciler::{Ledger, record::Planned};

use crate::{DataDir, Error};

/// The campaign as it was approved, beside its frozen list.
pub(crate) const APPROVED: &str = "approved.json";
/// Where the rows of the frozen list lie, and its numbers.
pub(crate) const PLAN: &str = "plan.json";
/// What was rejected.
pub(crate) const REJECTS: &str = "rejects.csv";
/// How many segments each row was approved with, where they differ.
pub(crate) const SEGMENTS: &str = "segments.bin";
/// The plan that was approved, by whose hash it is.
pub(crate) const TERMS: &str = "terms.json";
/// All of them.
pub(crate) const ALL: [&str; 5] = [APPROVED, PLAN, REJECTS, SEGMENTS, TERMS];

/// SHA-256, in hex.
pub(crate) fn hash_of(octets: &[u8]) -> String {
    Sha256::digest(octets).iter().map(|octet| format!("{octet:02x}")).collect()
}

/// SHA-256 of each file, when a campaign is approved.
pub(crate) fn of(folder: &Path) -> Result<BTreeMap<String, String>, Error> {
    let mut sums = BTreeMap::new();
    for name in ALL {
        let path = folder.join(name);
        if path.is_file() {
            sums.insert(name.to_owned(), volley_ingest::source_hash_of(&path)?);
        }
    }
    Ok(sums)
}

/// Refuses files that are not what was approved.
pub(crate) fn check(dir: &DataDir, ledger: &Ledger, id: CampaignId, names: &[&str]) -> Result<(), Error> {
    let Some(plan) = ledger.plan(id) else { return Ok(()) };
    names.iter().try_for_each(|name| check_file(&dir.campaign(id), plan, name))
}

pub(crate) fn check_file(folder: &Path, plan: &Planned, name: &str) -> Result<(), Error> {
    let Some(approved) = plan.files.get(name) else { return Ok(()) };
    let path = folder.join(name);
    match volley_ingest::source_hash_of(&path)? == *approved {
        true => Ok(()),
        false => Err(Error::Changed { path }),
    }
}
