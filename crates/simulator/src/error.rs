//! What can go wrong when a simulator starts.

use std::{io, net::SocketAddr, path::PathBuf};

/// An error of the simulator.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The options can't be read.
    #[error("{}:{line}:{column}: {message}", path.display())]
    Options {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// The address can't be listened on.
    #[error("can't listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// A file operation failed.
    #[error("{}: {action}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
}
