//! The thread that writes: group commit.

mod inline;
mod log;

use std::{
    sync::Arc,
    thread::{self, JoinHandle},
};

use crossbeam::channel::{self, Receiver, Sender};

use crate::{
    Closed, Error, JournalOptions, MAX_RECORD_BYTES, Sequence,
    reserve::{Keeper, Reserve, Room},
};

pub use inline::InlineWriter;
pub(crate) use log::Log;

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
    reserve: Arc<Reserve>,
    keeper: Keeper,
}

impl Writer {
    pub(crate) fn start(
        mut log: Log,
        options: JournalOptions,
        on_event: Box<dyn FnMut(Event) + Send>,
    ) -> Result<Self, Error> {
        let reserve = log.take_room(options)?;
        log.be_patient();
        let keeper = Keeper::start(Arc::clone(&reserve))?;
        let (queue, incoming) = channel::bounded(options.queue_records);
        let failed = Error::io(log.dir(), "can't start the journal's thread");
        let held = Arc::clone(&reserve);
        let spawned = thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || run(log, &held, &incoming, options.group_records, on_event));
        Ok(Self { queue, thread: spawned.map_err(failed)?, reserve, keeper })
    }

    /// Queues a record; waits while the queue is full.
    ///
    /// # Errors
    /// When the writer has stopped, which its last event explains.
    ///
    /// # Panics
    /// When the payload is empty or longer than [`MAX_RECORD_BYTES`]: our own bug.
    pub fn append(&self, payload: Vec<u8>) -> Result<(), Closed> {
        check(&payload);
        self.queue.send(payload).map_err(|_| Closed)
    }

    /// Whether the disk is full, or so nearly that only what can't wait should be written: what
    /// carriers say, not what we begin. Ends by itself when there is room again.
    #[must_use]
    pub fn is_tight(&self) -> bool {
        self.reserve.is_tight()
    }

    /// The same, to be asked elsewhere.
    #[must_use]
    pub fn room(&self) -> Room {
        Room(Arc::clone(&self.reserve))
    }

    /// Writes what is queued, reports it, gives back the room taken ahead, and ends the threads.
    pub fn close(self) {
        drop(self.keeper);
        self.reserve.let_go();
        drop(self.queue);
        if let Err(panic) = self.thread.join() {
            std::panic::resume_unwind(panic);
        }
    }
}

fn check(payload: &[u8]) {
    assert!(!payload.is_empty() && payload.len() <= MAX_RECORD_BYTES as usize, "a record of {}", payload.len());
}

fn run(
    mut log: Log,
    reserve: &Reserve,
    incoming: &Receiver<Vec<u8>>,
    group_records: usize,
    mut on_event: Box<dyn FnMut(Event) + Send>,
) {
    let mut group = Vec::new();
    while let Ok(first) = incoming.recv() {
        fill_group(&mut group, first, group_records, || incoming.try_recv().ok());
        if commit(&mut log, &mut group, &mut on_event).is_err() {
            return;
        }
    }
    // Only while it is known that nobody has opened the journal anew.
    if reserve.is_let_go() {
        log.give_room_back();
    }
}

/// Adds what waits, as far as one group may hold it.
fn fill_group(
    group: &mut Vec<Vec<u8>>,
    first: Vec<u8>,
    group_records: usize,
    mut next: impl FnMut() -> Option<Vec<u8>>,
) {
    let mut n_octets = first.len();
    group.push(first);
    while n_octets < GROUP_OCTETS
        && group.len() < group_records
        && let Some(more) = next()
    {
        n_octets += more.len();
        group.push(more);
    }
}

/// Makes a group durable and reports it.
fn commit(log: &mut Log, group: &mut Vec<Vec<u8>>, on_event: &mut dyn FnMut(Event)) -> Result<(), Closed> {
    match log.commit(group) {
        Ok(first) => {
            for (payload, n) in group.drain(..).zip(0..) {
                on_event(Event::Durable { sequence: Sequence(first.0 + n), payload });
            }
            Ok(())
        }
        Err(error) => {
            on_event(Event::Failed(error));
            Err(Closed)
        }
    }
}
