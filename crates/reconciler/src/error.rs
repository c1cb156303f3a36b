//! What can go wrong with the ledger.

use std::{io, path::PathBuf};

/// An error of the reconciler.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A record of the journal can't be folded.
    #[error("journal record {sequence}: {source}")]
    Record {
        /// The record's sequence number.
        sequence: u64,
        /// What is wrong with it.
        source: crate::record::EventError,
    },
    /// A record names a campaign or row that was never planned.
    #[error("journal record {sequence} names {what}, which was never planned")]
    NeverPlanned {
        /// The record's sequence number.
        sequence: u64,
        /// What it names.
        what: String,
    },
    /// The journal can't be read.
    #[error("can't read the journal")]
    Journal(#[from] volley_journal::Error),
    /// sled failed while running.
    #[error("the store in {} failed: it can be rebuilt from the journal by moving that folder away", path.display())]
    Store {
        /// The store's folder.
        path: PathBuf,
        /// sled's own words.
        source: sled::Error,
    },
    /// A value of the store makes no sense although sled gave it out as whole.
    #[error("the store in {} holds a damaged value at key {key}: it can be rebuilt from the journal by moving that folder away", path.display())]
    DamagedValue {
        /// The store's folder.
        path: PathBuf,
        /// The key, in hex.
        key: String,
    },
    /// The store is gone or damaged, and the journal no longer reaches back to the beginning.
    #[error("the store in {} is lost and the journal begins at record {journal_begins}: restore one of them from a backup", path.display())]
    NotRebuildable {
        /// The store's folder.
        path: PathBuf,
        /// The first record that the journal still has.
        journal_begins: u64,
    },
    /// The store was written by a version of volley with another format: it is rebuilt.
    #[error("the store in {} has format {found}, which this version of volley doesn't use", path.display())]
    OtherFormat {
        /// The store's folder.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    /// The store is older than what the journal still has records of: it is rebuilt from the base.
    #[error("the store in {} must read the journal from record {replay_from} on, which begins at {journal_begins}", path.display())]
    StoreBehind {
        /// The store's folder.
        path: PathBuf,
        /// The first record that the store lacks.
        replay_from: u64,
        /// The first record that the journal still has.
        journal_begins: u64,
    },
    /// The base of the journal was written by a version of volley with another format.
    #[error("{}: the base has format {found}, which this version of volley doesn't know; use the version that wrote it", path.display())]
    OtherBaseFormat {
        /// The base file.
        path: PathBuf,
        /// Its format.
        found: u8,
    },
    /// The store covers records that the journal no longer holds.
    #[error("the store in {} knows of record {store_knows}, and the journal ends at {journal_ends}: the journal lost what was durable; restore it from a backup", path.display())]
    JournalBehind {
        /// The store's folder.
        path: PathBuf,
        /// The last record that the store covers.
        store_knows: u64,
        /// The last record of the journal.
        journal_ends: u64,
    },
    /// A file operation failed.
    #[error("{}: {action}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl Error {
    /// Whether there was no room on the disk.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        let kind = match self {
            Self::Store { source: sled::Error::Io(source), .. } | Self::Io { source, .. } => source.kind(),
            Self::Store { .. }
            | Self::Record { .. }
            | Self::NeverPlanned { .. }
            | Self::Journal(_)
            | Self::DamagedValue { .. }
            | Self::NotRebuildable { .. }
            | Self::OtherFormat { .. }
            | Self::StoreBehind { .. }
            | Self::OtherBaseFormat { .. }
            | Self::JournalBehind { .. } => return false,
        };
        matches!(kind, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
    }
}
