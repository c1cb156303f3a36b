//! What can go wrong with a journal.

use std::{io, path::PathBuf};

/// An error of the journal.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file operation failed.
    #[error("{}: {action}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A record or segment that is not the last is damaged.
    #[error("{}, byte {offset}: the journal is damaged here ({what}); restore this file from a backup, nothing was changed", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the damaged record begins.
        offset: u64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Written by a version of volley whose format this one doesn't know.
    #[error("{}, byte {offset}: format version {found} is unknown to this version of volley", path.display())]
    UnknownVersion {
        /// The file.
        path: PathBuf,
        /// Where it stands.
        offset: u64,
        /// The version.
        found: u8,
    },
    /// The writer has stopped.
    #[error(transparent)]
    Closed(#[from] Closed),
}

/// The writer takes nothing any more: it was closed, or a write failed and its event said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the journal takes no more records")]
pub struct Closed;

impl Error {
    pub(crate) fn io(path: &std::path::Path, action: &'static str) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { path, action, source }
    }
}
