//! What the engine stands on: clock, network, the journal's disk, and threads. The product's are the system's; a
//! simulation brings its own and runs everything on one thread in virtual time.

use std::{sync::Arc, time::Duration};

use volley_core::{Clock, SystemClock};
use volley_journal::{Disk, JournalOptions, RealDisk};
use volley_pipeline::Dialler;

/// What the engine stands on.
#[derive(Clone)]
pub struct Ground {
    /// The one place where time comes from.
    pub clock: Arc<dyn Clock>,
    /// How carriers are reached.
    pub dialler: Dialler,
    /// Where the journal lies.
    pub disk: Arc<dyn Disk>,
    /// How the journal is kept.
    pub journal: JournalOptions,
    /// Where journal and ledger do their work.
    pub tasks: Tasks,
}

/// Where journal and ledger do their work.
#[derive(Clone)]
pub enum Tasks {
    /// On a thread each.
    Threads,
    /// On the caller's runtime, with waits that the simulation decides on.
    Inline(Arc<dyn Waits>),
}

/// How long the disk and the ledger take in a simulation.
pub trait Waits: Send + Sync {
    /// Until a group of records is written and synced.
    fn commit(&self) -> Duration;
    /// Until the ledger folds the next record.
    fn fold(&self) -> Duration;
    /// Records between two looks at what is due for the store.
    fn records_per_checkpoint(&self) -> u32;
}

impl Default for Ground {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            dialler: Dialler::Tcp,
            disk: Arc::new(RealDisk),
            journal: JournalOptions::default(),
            tasks: Tasks::Threads,
        }
    }
}
