//! The data directory: where everything lies, and who owns it.
//!
//! ```text
//! lock            held by the one process that writes
//! journal/        the truth
//! store/          sled: the fold of the journal
//! replies.jsonl   messages to us; can be rewritten
//! number.key      what numbers are hashed with where they may not stand
//! keywords.toml   words in replies, where the built-in ones don't do
//! plans/HASH/     plans that were checked and saved, to be run by their hash
//! archives/       finished campaigns in one file each
//! campaigns/N/    the frozen list, what was rejected, and the campaign as it was approved
//! suppress/       numbers on suppression lists, where they are known; can be rewritten
//! erasing.json    an erasure that was begun and is not finished
//! simulated/      what simulated carriers remember
//! control.sock    where a running engine answers `status`
//! ```

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
};

use volley_core::CampaignId;

use crate::{Error, seal::TERMS};

/// A campaign as it was approved, in its folder.
pub(crate) const APPROVED: &str = "approved.json";

/// A data directory, not necessarily owned.
#[derive(Debug, Clone)]
pub struct DataDir {
    root: PathBuf,
}

/// What a file is, where people are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A frozen list lies in its folder.
    Plan,
    /// Nobody stands in it, or it is looked through with what it belongs to.
    Ours,
    /// Anybody may stand in it.
    Personal,
}

/// Holds the data directory until dropped.
#[derive(Debug)]
pub struct DataLock {
    _file: File,
}

impl DataDir {
    /// The directory at `root`, which need not exist yet.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// Its path.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.root.join("journal")
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.root.join("store")
    }

    /// Where a campaign's frozen list lies.
    #[must_use]
    pub fn campaign(&self, id: CampaignId) -> PathBuf {
        self.campaigns().join(id.to_string())
    }

    pub(crate) fn campaigns(&self) -> PathBuf {
        self.root.join("campaigns")
    }

    /// The campaign as it was approved, beside its frozen list.
    pub(crate) fn approved(&self, id: CampaignId) -> PathBuf {
        self.campaign(id).join(APPROVED)
    }

    /// Where plans lie that were saved.
    pub(crate) fn plans(&self) -> PathBuf {
        self.root.join("plans")
    }

    /// Where archives go that are given no other place.
    pub(crate) fn archives(&self) -> PathBuf {
        self.root.join("archives")
    }

    pub(crate) fn number_key(&self) -> PathBuf {
        self.root.join("number.key")
    }

    pub(crate) fn keywords(&self) -> PathBuf {
        self.root.join("keywords.toml")
    }

    /// Numbers of the suppression list with this name.
    pub(crate) fn suppress_file(&self, list: &str) -> PathBuf {
        self.root.join("suppress").join(format!("{list}.tsv"))
    }

    /// An erasure that was begun and is not finished.
    pub(crate) fn erasing(&self) -> PathBuf {
        self.root.join("erasing.json")
    }

    /// What a campaign's simulated carriers remember.
    pub(crate) fn campaign_spool(&self, id: CampaignId) -> PathBuf {
        self.root.join("simulated").join(format!("campaign-{id}.spool"))
    }

    /// What a file under the root is, where people are looked for.
    pub(crate) fn kind(&self, path: &Path) -> Kind {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let is_in_root = path.parent() == Some(&self.root);
        let is_beside_plan = || path.with_file_name("plan.json").exists();
        match name {
            "lock" | "number.key" | "keywords.toml" | "replies.jsonl" | "erasing.json" if is_in_root => Kind::Ours,
            "plan.json" => Kind::Plan,
            "list.bin" | "rejects.csv" | APPROVED | TERMS if is_beside_plan() => Kind::Ours,
            name if name.ends_with(".erasing") => Kind::Ours,
            _ => Kind::Personal,
        }
    }

    /// Whether a folder is that of a campaign that the ledger knows.
    pub(crate) fn is_approved(&self, ledger: &volley_reconciler::Ledger, folder: &Path) -> bool {
        let name = folder.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
        let id = name.map(CampaignId).filter(|id| folder == self.campaign(*id));
        id.is_some_and(|id| ledger.plan(id).is_some())
    }

    pub(crate) fn control_socket(&self) -> PathBuf {
        self.root.join("control.sock")
    }

    /// Whether anything was ever written here.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.journal().is_dir()
    }

    /// Takes the directory for this process, creating it when needed.
    ///
    /// # Errors
    /// [`Error::InUse`] when another process holds it; [`Error::Io`] when it can't be written.
    pub fn lock(&self) -> Result<DataLock, Error> {
        let path = self.root.join("lock");
        let failed = |action: &'static str| {
            let path = path.clone();
            move |source: io::Error| Error::Io { path, action, source }
        };
        fs::create_dir_all(&self.root).map_err(failed("can't create the data directory"))?;
        let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = open.map_err(failed("can't open the lock file"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut owner = String::new();
                let _ = file.read_to_string(&mut owner);
                return Err(Error::InUse { root: self.root.clone(), owner: owner.trim().parse().ok() });
            }
            Err(TryLockError::Error(source)) => return Err(failed("can't lock")(source)),
        }
        // The number is for the other process's error message alone; the lock is the kernel's.
        let written =
            file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "{}", std::process::id()));
        match written {
            // Whoever only wants to look can do so on a full disk, too.
            Err(error) if error.kind() == io::ErrorKind::StorageFull => {}
            written => written.map_err(failed("can't write the lock file"))?,
        }
        Ok(DataLock { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_owner_is_refused_by_the_number_of_the_first() {
        let root = tempfile::tempdir().unwrap();
        let dir = DataDir::new(&root.path().join("data"));
        let lock = dir.lock().unwrap();
        let Err(Error::InUse { owner, .. }) = dir.lock() else { panic!("locked twice") };
        assert_eq!(owner, Some(std::process::id()));
        drop(lock);
        dir.lock().unwrap();
    }
}
