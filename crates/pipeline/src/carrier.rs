//! The handle of a running carrier.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;
use volley_core::{CarrierIndex, Clock, MessageToken};

use crate::{
    CarrierEvent, CarrierStatus, Error, Pacer, Question, ReceiptHandle, SmppOptions, SubmitBatch,
    queue::Queue,
    smpp::{self, Shared},
};

/// A running carrier account. When it is dropped, its connections are closed at once: call
/// [`Carrier::drain`] and wait for [`Carrier::stopped`] before, or open submits end in doubt.
pub struct Carrier {
    shared: Arc<Shared>,
    tracker: TaskTracker,
}

impl Carrier {
    /// Starts connecting. The carrier's tasks run on the present runtime.
    ///
    /// `events` is shared by all carriers; its capacity bounds what nobody has taken yet.
    ///
    /// # Errors
    /// When the options can't work.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn start(
        index: CarrierIndex,
        name: &str,
        options: SmppOptions,
        pacer: Arc<dyn Pacer>,
        events: mpsc::Sender<CarrierEvent>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        let tracker = TaskTracker::new();
        let shared = smpp::start(index, name, options, pacer, events, clock, &tracker)?;
        tracker.close();
        Ok(Self { shared, tracker })
    }

    /// Queues submits for whichever bind is free first. Never blocks; the caller bounds what is
    /// outstanding. While no bind is up they are given back after a second.
    pub fn submit(&self, batch: SubmitBatch) {
        self.shared.submit(batch, Queue::push_back);
    }

    /// Like [`Carrier::submit`], ahead of all others.
    pub fn submit_front(&self, batch: SubmitBatch) {
        self.shared.submit(batch, Queue::push_front);
    }

    /// Takes what `is_meant` back out of the queue: it is never written, and nothing else is
    /// reported of it. What a session holds already can't be taken back.
    #[must_use]
    pub fn withdraw(&self, is_meant: impl Fn(MessageToken) -> bool) -> Vec<MessageToken> {
        self.shared.queue.withdraw(is_meant)
    }

    /// Tells the SMSC that these are taken: they are durable now. What came on a session that
    /// has ended is passed over; the SMSC delivers it again.
    pub fn acknowledge(&self, receipts: &[ReceiptHandle]) {
        self.shared.acknowledge(receipts);
    }

    /// Queues questions (query_sm) for whichever bind has room first; each takes a place in its
    /// window and a turn of the pacer, as a submit does. Each that is written comes back in one
    /// [`EventKind::Told`](crate::EventKind::Told); what is not written when the carrier is
    /// drained never does.
    pub fn query(&self, questions: impl IntoIterator<Item = Question>) {
        self.shared.questions.push(questions);
        self.shared.ring_binds();
    }

    /// Looks whether there is permission to write again: the pacer would grant more than it
    /// said, or earlier.
    pub fn nudge(&self) {
        self.shared.ring_binds();
    }

    /// No new submits; what is not written comes back as [`crate::EventKind::Returned`], windows
    /// are emptied up to a deadline, then the binds end. Receipts are forwarded and acknowledged
    /// to the end.
    pub fn drain(&self) {
        self.shared.drain.cancel();
        self.shared.ring_binds();
    }

    /// No new submits from now on, until [`Carrier::resume`]; what is not written comes back as
    /// [`crate::EventKind::Returned`]. Binds stay up: answers and receipts are taken as before.
    pub fn suspend(&self) {
        self.shared.set_suspended(true);
    }

    /// Ends a suspension.
    pub fn resume(&self) {
        self.shared.set_suspended(false);
    }

    /// Whether submits can be written now: at least one bind is up, and neither a drain nor a
    /// suspension has begun.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.shared.n_up() > 0 && !self.shared.drain.is_cancelled() && !self.shared.is_suspended()
    }

    /// Submits that wait to be written.
    #[must_use]
    pub fn n_queued(&self) -> u32 {
        self.shared.queue.n_unwritten()
    }

    /// What every bind is doing.
    #[must_use]
    pub fn status(&self) -> CarrierStatus {
        self.shared.status()
    }

    /// Waits until a drain is complete. The last event is
    /// [`EventKind::Stopped`](crate::EventKind::Stopped), so someone must take the events.
    pub async fn stopped(&self) {
        self.shared.stopped.cancelled().await;
    }

    /// Closes everything at once and waits for the tasks to end.
    pub async fn close(self) {
        let tracker = self.tracker.clone();
        drop(self);
        tracker.wait().await;
    }
}

impl Drop for Carrier {
    fn drop(&mut self) {
        self.shared.dropped.cancel();
        self.shared.ring_binds();
    }
}
