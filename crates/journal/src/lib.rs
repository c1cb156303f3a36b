//! The append-only log of events: group commit, recovery. It is the truth of the whole product,
//! and knows nothing of what the events mean.
//!
//! Records are appended by a thread of its own ([`Writer`]): it takes whatever waits, writes it
//! with one write, makes it durable with one `fdatasync`, and reports it ([`Event::Durable`]).
//! The next group begins when the last sync returns, so that a record waits for one sync at most
//! before its own.
//!
//! On disk: segment files, each named after its first record. A record has its length, format
//! version, CRC32C, epoch, sequence, and a hash chained to the record before it (CONTRACT W4).
//! While a writer runs, room is taken ahead: for the segment being written and for a few more, so
//! that what carriers say can be recorded when the disk is full ([`Writer::is_tight`]). Zeros
//! behind the last record of a segment are such room, and no record.
//!
//! What follows from records can be kept in a [`Base`] beside the segments; then [`Journal::trim`]
//! lets go of the segments that hold nothing else.
//!
//! What was torn off at the very end by a crash is cut when the journal is opened; damage
//! anywhere else is refused with file and offset, never skipped. As a crash tears one group at
//! most, a whole record further behind a broken one makes it damage, also in the last segment.

mod base;
mod disk;
mod error;
mod frame;
mod reader;
mod recover;
mod reserve;
mod segment;
mod trim;
mod view;
mod writer;

pub use base::{Base, BaseReader, BaseWriter};
pub use disk::{Access, Disk, DiskFile, RealDisk, keep_room};
pub use error::{Closed, Error};
pub use reader::{Reader, Record};
pub use recover::{Cut, Recovery};
pub use reserve::Room;
pub use trim::Trimmed;
pub use view::View;
pub use writer::{Event, InlineWriter, Writer};

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// A record's number: the first is 1, without gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Sequence(pub u64);

/// How a journal is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JournalOptions {
    /// Longest segment file, in octets; one record that is longer gets a segment of its own.
    /// Default 16 MiB.
    pub segment_bytes: u64,
    /// Records that may wait for the writer. Default 64.
    pub queue_records: usize,
    /// Records written with one sync at most, so that a crash can tear no more. A whole record
    /// further behind a broken one proves damage. Default 2: the engine's records are groups.
    pub group_records: usize,
    /// Segments whose room is taken ahead while a [`Writer`] runs, beside the rest of the one being
    /// written (CONTRACT W7). Default 2: with 16 MiB each, room for a million receipts. With 0
    /// nothing is taken ahead, and the writer never says that the disk is full.
    pub reserve_segments: usize,
    /// With less room than this left on the disk it counts as full. Default 4 MiB.
    pub min_free_bytes: u64,
}

impl Default for JournalOptions {
    fn default() -> Self {
        Self {
            segment_bytes: 16 << 20,
            queue_records: 64,
            group_records: 2,
            reserve_segments: 2,
            min_free_bytes: 4 << 20,
        }
    }
}

/// Longest record: 64 MiB. A length beyond it is damage, and nothing is allocated by it.
pub const MAX_RECORD_BYTES: u32 = 64 << 20;

/// A journal that was opened and recovered, not yet being written.
#[derive(Debug)]
pub struct Journal {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    options: JournalOptions,
    tail: recover::Tail,
    base: Option<Base>,
}

impl Journal {
    /// Opens the journal in `dir`, creating it when needed, and begins a new epoch. The caller
    /// sees to it that no other process writes there.
    ///
    /// # Errors
    /// When files can't be read or written, or are damaged anywhere but at the very end.
    pub fn open(dir: &Path, options: JournalOptions) -> Result<(Self, Recovery), Error> {
        Self::open_on(Arc::new(RealDisk), dir, options)
    }

    /// As [`Journal::open`], on another disk than the system's own.
    ///
    /// # Errors
    /// As there.
    pub fn open_on(disk: Arc<dyn Disk>, dir: &Path, options: JournalOptions) -> Result<(Self, Recovery), Error> {
        let (tail, recovery) = recover::recover(&disk, dir, options.group_records)?;
        let base = base::newest(&*disk, dir)?;
        Ok((Self { disk, dir: dir.to_owned(), options, tail, base }, recovery))
    }

    /// The first record that the journal still holds, or the one that comes next if it is empty.
    #[must_use]
    pub const fn first(&self) -> Sequence {
        self.tail.first
    }

    /// The last record; 0 when there was none yet.
    #[must_use]
    pub const fn last(&self) -> Sequence {
        Sequence(self.tail.next.0 - 1)
    }

    /// This opening's epoch: one higher than that of any record so far.
    #[must_use]
    pub const fn epoch(&self) -> u32 {
        self.tail.epoch
    }

    /// What it holds now.
    #[must_use]
    pub fn view(&self) -> View {
        View::new(Arc::clone(&self.disk), self.dir.clone(), self.first(), self.last(), self.base.clone())
    }

    /// Appends one record and returns its number when it is durable: for what happens before or
    /// after the thread writes.
    ///
    /// # Errors
    /// When it can't be written or synced; the journal must be opened anew then.
    pub fn append(&mut self, payload: Vec<u8>) -> Result<Sequence, Error> {
        let mut log = self.log()?;
        let sequence = log.commit(std::slice::from_ref(&payload))?;
        self.tail = log.tail(self.tail.first);
        Ok(sequence)
    }

    /// Starts the thread that writes. `on_event` runs on that thread: it should only pass things
    /// on.
    ///
    /// # Errors
    /// When the last segment can't be opened for writing.
    pub fn start(self, on_event: impl FnMut(Event) + Send + 'static) -> Result<Writer, Error> {
        Writer::start(self.log()?, self.options, Box::new(on_event))
    }

    /// Writes without a thread: for a simulation, where everything happens in one order.
    ///
    /// # Errors
    /// When the last segment can't be opened for writing.
    pub fn start_inline(self) -> Result<InlineWriter, Error> {
        InlineWriter::new(self.log()?, self.options)
    }

    fn log(&self) -> Result<writer::Log, Error> {
        writer::Log::open(Arc::clone(&self.disk), &self.dir, self.options, &self.tail)
    }
}
