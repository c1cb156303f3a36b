//! What the journal's thread does, in the caller's own time.

use std::collections::VecDeque;

use super::{Event, Log, check, commit, fill_group};
use crate::{Closed, JournalOptions};

/// Appends records without a thread: each [`InlineWriter::commit`] writes and syncs one group.
#[derive(Debug)]
pub struct InlineWriter {
    log: Log,
    options: JournalOptions,
    queue: VecDeque<Vec<u8>>,
    failed: bool,
}

impl InlineWriter {
    pub(crate) const fn new(log: Log, options: JournalOptions) -> Self {
        Self { log, options, queue: VecDeque::new(), failed: false }
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
