//! The data directory: where everything lies, and who owns it.
//!
//! ```text
//! lock            held by the one process that writes
//! journal/        the truth
//! store/          sled: the fold of the journal
//! replies.jsonl   messages to us; can be rewritten
//! number.key      what numbers are hashed with where they may not stand
//! keywords.toml   words in replies, where the built-in ones don't do
//! campaigns/N/    the frozen list, what was rejected, and the campaign as it was approved
//! simulated/      what simulated carriers remember
//! control.sock    where a running engine answers `status`
//! ```

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
};

use volley_core::CampaignId;

use crate::Error;

/// A campaign as it was approved, in its folder.
pub(crate) const APPROVED: &str = "approved.json";

/// A data directory, not necessarily owned.
#[derive(Debug, Clone)]
pub struct DataDir {
    root: PathBuf,
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

    pub(crate) fn number_key(&self) -> PathBuf {
        self.root.join("number.key")
    }

    pub(crate) fn keywords(&self) -> PathBuf {
        self.root.join("keywords.toml")
    }

    pub(crate) fn spool(&self) -> PathBuf {
        self.root.join("simulated").join("spool")
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
