//! `erasing.json`: what was begun, until it is done.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
};

use serde::{Deserialize, Serialize};
use volley_ingest::person;
use volley_journal::Journal;
use volley_reconciler::Ledger;

use super::Eraser;
use crate::{DataDir, Error};

/// An erasure that was begun. It has no `Debug`: numbers stay out of logs.
#[derive(Serialize, Deserialize)]
pub(super) struct Begun {
    /// Which erasure of this data directory it is: the journal holds it when the ledger has counted
    /// as many.
    pub(super) erasure: u64,
    pub(super) at_us: u64,
    pub(super) what: What,
}

/// Who or what goes.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum What {
    Person { number: u64, by: String, why: String },
    Retention { campaigns: Vec<u32> },
}

impl Begun {
    /// Durably, under its name.
    pub(super) fn write(&self, dir: &DataDir) -> Result<(), Error> {
        let path = dir.erasing();
        let new = person::beside(&path);
        let write = || {
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
            file.write_all(&serde_json::to_vec(self)?)?;
            file.sync_all()?;
            fs::rename(&new, &path)?;
            File::open(dir.root())?.sync_all()
        };
        write().map_err(|source| Error::Io { path: path.clone(), action: "can't begin to erase", source })
    }
}

/// It is done.
pub(super) fn remove(dir: &DataDir) -> Result<(), Error> {
    let path = dir.erasing();
    let removed = fs::remove_file(&path).and_then(|()| File::open(dir.root())?.sync_all());
    removed.map_err(|source| Error::Io { path, action: "can't say that erasing is done", source })
}

/// Finishes an erasure that was begun and not finished. Gives what a person should know of it.
pub(crate) fn finish_begun(dir: &DataDir, journal: &mut Journal, ledger: &mut Ledger) -> Result<Option<String>, Error> {
    let path = dir.erasing();
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(Error::Io { path, action: "can't read what was to be erased", source }),
    };
    let begun: Begun = serde_json::from_slice(&text).map_err(|error| Error::Io {
        path,
        action: "is no erasure of this version",
        source: error.into(),
    })?;
    Eraser { dir, journal, ledger }.finish(&begun)?;
    Ok(Some("an erasure that was begun and interrupted is finished now".to_owned()))
}
