//! The thread that writes: group commit.

use std::{
    fs::{File, OpenOptions},
    io::{Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    thread::{self, JoinHandle},
};

use crossbeam::channel::{self, Receiver, Sender};

use crate::{
    Closed, Error, JournalOptions, MAX_RECORD_BYTES, Sequence,
    frame::{self, Chain},
    recover::Tail,
    segment::{self, HEAD, Head},
};

/// Octets that one group writes at most, so that a sync never takes long.
const GROUP_OCTETS: usize = 8 << 20;

/// What the writer reports.
#[derive(Debug)]
pub enum Event {
    /// A record survives a power cut now. Comes once for each record, in order. The payload
    /// comes back, so that its owner can use it and its memory.
    Durable {
        /// The record's number.
        sequence: Sequence,
        /// What was appended.
        payload: Vec<u8>,
    },
    /// A write or sync failed. Nothing more is taken, and nothing that was not reported may be
    /// relied upon (CONTRACT W5).
    Failed(Error),
}

/// Appends records through a thread of its own.
#[derive(Debug)]
pub struct Writer {
    queue: Sender<Vec<u8>>,
    thread: JoinHandle<()>,
}

impl Writer {
    pub(crate) fn start(
        dir: &Path,
        options: JournalOptions,
        tail: Tail,
        on_event: Box<dyn FnMut(Event) + Send>,
    ) -> Result<Self, Error> {
        let (queue, incoming) = channel::bounded(options.queue_records);
        let log = Log::open(dir, options, &tail)?;
        let spawned = thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || run(log, &incoming, options.group_records, on_event));
        let thread = spawned.map_err(Error::io(dir, "can't start the journal's thread"))?;
        Ok(Self { queue, thread })
    }

    /// Queues a record; waits while the queue is full.
    ///
    /// # Errors
    /// When the writer has stopped, which its last event explains.
    ///
    /// # Panics
    /// When the payload is empty or longer than [`MAX_RECORD_BYTES`]: our own bug.
    pub fn append(&self, payload: Vec<u8>) -> Result<(), Closed> {
        assert!(!payload.is_empty() && payload.len() <= MAX_RECORD_BYTES as usize, "a record of {}", payload.len());
        self.queue.send(payload).map_err(|_| Closed)
    }

    /// Writes what is queued, reports it, and ends the thread.
    pub fn close(self) {
        drop(self.queue);
        if let Err(panic) = self.thread.join() {
            std::panic::resume_unwind(panic);
        }
    }
}

fn run(mut log: Log, incoming: &Receiver<Vec<u8>>, group_records: usize, mut on_event: Box<dyn FnMut(Event) + Send>) {
    let mut group = Vec::new();
    while let Ok(first) = incoming.recv() {
        let mut n_octets = first.len();
        group.push(first);
        while n_octets < GROUP_OCTETS
            && group.len() < group_records
            && let Ok(more) = incoming.try_recv()
        {
            n_octets += more.len();
            group.push(more);
        }
        match log.commit(&group) {
            Ok(first) => {
                for (payload, n) in group.drain(..).zip(0..) {
                    on_event(Event::Durable { sequence: Sequence(first.0 + n), payload });
                }
            }
            Err(error) => return on_event(Event::Failed(error)),
        }
    }
}

/// The segment being written.
pub(crate) struct Log {
    dir: PathBuf,
    path: PathBuf,
    file: File,
    offset: u64,
    segment_bytes: u64,
    next: Sequence,
    epoch: u32,
    chain: Chain,
    octets: Vec<u8>,
}

impl Log {
    pub(crate) fn open(dir: &Path, options: JournalOptions, tail: &Tail) -> Result<Self, Error> {
        let mut file =
            OpenOptions::new().write(true).open(&tail.path).map_err(Error::io(&tail.path, "can't open for writing"))?;
        file.seek(SeekFrom::Start(tail.offset)).map_err(Error::io(&tail.path, "can't seek"))?;
        Ok(Self {
            dir: dir.to_owned(),
            path: tail.path.clone(),
            file,
            offset: tail.offset,
            segment_bytes: options.segment_bytes,
            next: tail.next,
            epoch: tail.epoch,
            chain: tail.chain,
            octets: Vec::new(),
        })
    }

    /// Where writing goes on after this log.
    pub(crate) fn tail(self, first: Sequence) -> Tail {
        let Self { next, epoch, chain, path, offset, .. } = self;
        Tail { first, next, epoch, chain, path, offset }
    }

    /// Makes a group durable and gives the number of its first record.
    pub(crate) fn commit(&mut self, group: &[Vec<u8>]) -> Result<Sequence, Error> {
        if self.offset >= self.segment_bytes {
            self.begin_segment()?;
        }
        let first = self.next;
        self.octets.clear();
        for payload in group {
            self.chain = frame::put(&mut self.octets, self.chain, self.epoch, self.next, payload);
            self.next.0 += 1;
        }
        self.file.write_all(&self.octets).map_err(Error::io(&self.path, "can't write the journal"))?;
        self.file.sync_data().map_err(Error::io(&self.path, "can't sync the journal"))?;
        self.offset += self.octets.len() as u64;
        Ok(first)
    }

    fn begin_segment(&mut self) -> Result<(), Error> {
        let (path, file) = segment::create(&self.dir, Head { first: self.next, chain: self.chain })?;
        (self.path, self.file, self.offset) = (path, file, HEAD as u64);
        Ok(())
    }
}
