//! A folder for copies in the data directory, gone when dropped.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::Error;

pub(crate) struct Scratch {
    pub(crate) path: PathBuf,
}

impl Scratch {
    /// `root/name`, empty: what a process left that was killed is removed.
    pub(crate) fn new(root: &Path, name: &str) -> Result<Self, Error> {
        let path = root.join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).map_err(|source| Error::Io {
            path: path.clone(),
            action: "can't create a folder for copies",
            source,
        })?;
        Ok(Self { path })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}
