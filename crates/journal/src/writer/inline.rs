//! What the journal's thread does, in the caller's own time.

use std::{collections::VecDeque, sync::Arc};

use super::{Event, Log, check, commit, fill_group};
use crate::{
    Closed, Error, JournalOptions,
    reserve::{Reserve, Room},
};

/// Appends records without a thread: each [`InlineWriter::commit`] writes and syncs one group.
#[derive(Debug)]
pub struct InlineWriter {
    log: Log,
    options: JournalOptions,
    queue: VecDeque<Vec<u8>>,
    failed: bool,
    reserve: Arc<Reserve>,
}

impl InlineWriter {
    pub(crate) fn new(mut log: Log, options: JournalOptions) -> Result<Self, Error> {
        let reserve = log.take_room(options)?;
        Ok(Self { log, options, queue: VecDeque::new(), failed: false, reserve })
    }

    /// As [`crate::Writer::is_tight`].
    #[must_use]
    pub fn is_tight(&self) -> bool {
        self.reserve.is_tight()
    }

    /// As [`crate::Writer::room`].
    #[must_use]
    pub fn room(&self) -> Room {
        Room(Arc::clone(&self.reserve))
    }

    /// Looks for room, as a thread does for a [`crate::Writer`].
    pub fn tend(&self) {
        self.reserve.tend();
    }

    /// Gives back the room taken ahead. What is queued and not committed is lost.
    pub fn close(self) {
        if !self.failed {
            self.log.give_room_back();
        }
    }

    /// Queues a record. The caller keeps the queue bounded.
    ///
    /// # Errors
    /// When the writer has failed.
    ///
    /// # Panics
    /// When the payload is empty or longer than [`crate::MAX_RECORD_BYTES`]: our own bug.
    pub fn append(&mut self, payload: Vec<u8>) -> Result<(), Closed> {
        check(&payload);
        if self.failed {
            return Err(Closed);
        }
        self.queue.push_back(payload);
        Ok(())
    }

    /// Records that wait to be written.
    #[must_use]
    pub fn n_queued(&self) -> usize {
        self.queue.len()
    }

    /// Writes one group of what is queued, syncs it, and reports what became of it.
    pub fn commit(&mut self, mut on_event: impl FnMut(Event)) {
        let Some(first) = self.queue.pop_front().filter(|_| !self.failed) else { return };
        let mut group = Vec::new();
        fill_group(&mut group, first, self.options.group_records, || self.queue.pop_front());
        self.failed = commit(&mut self.log, &mut group, &mut on_event).is_err();
    }
}
