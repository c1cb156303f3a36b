//! The ledger on a thread of its own (in a simulation, a task): folds what is durable, keeps the store, answers questions.
//! The engine's loop never waits for it, except when it falls a whole queue behind.

use std::{
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot, watch},
    task,
};
use tokio_util::task::TaskTracker;
use volley_core::{CampaignId, StateCounts, UnixMicros};
use volley_reconciler::{Checkpoint, DoubtfulSegment, Error, Ledger, ReceiptCounters, Summary};

use crate::ground::{Tasks, Waits};

/// Durable records that may wait to be folded.
const QUEUE_RECORDS: usize = 256;
/// Records between two looks at what is due for the store.
const RECORDS_PER_CHECKPOINT: u32 = 64;

/// What the loop asks of the ledger.
enum Request {
    Fold { sequence: u64, record: Vec<u8> },
    Overdue { now: UnixMicros, deadline: Duration, reply: oneshot::Sender<Vec<DoubtfulSegment>> },
}

/// The campaign's numbers after the last fold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LedgerView {
    /// The last record folded.
    pub(crate) applied: u64,
    pub(crate) states: StateCounts,
}

/// Everything that `status` shows, kept current while the engine runs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Snapshot {
    /// All campaigns.
    pub(crate) campaigns: Vec<(u32, Summary)>,
    /// Receipts out of the ordinary.
    pub(crate) receipts: ReceiptCounters,
}

/// The snapshot that the ledger's thread renews.
pub(crate) type SharedSnapshot = Arc<Mutex<Snapshot>>;

/// The loop's side of the ledger's thread.
pub(crate) struct LedgerTask {
    requests: mpsc::Sender<Request>,
    pub(crate) view: watch::Receiver<LedgerView>,
    /// Records come back here, to be filled again.
    pub(crate) spent: mpsc::Receiver<Vec<u8>>,
    running: Running,
}

enum Running {
    Thread(thread::JoinHandle<Result<Ledger, Error>>),
    Task(task::JoinHandle<Result<Ledger, Error>>),
}

impl LedgerTask {
    /// Moves the ledger to its thread. `campaign` is the one whose numbers the loop watches.
    pub(crate) fn start(ledger: Ledger, campaign: CampaignId, snapshot: SharedSnapshot, tasks: &Tasks) -> Self {
        let (requests, queue) = mpsc::channel(QUEUE_RECORDS);
        let (spent_out, spent) = mpsc::channel(QUEUE_RECORDS);
        let (view_out, view) = watch::channel(view_of(&ledger, campaign));
        let outlets = Outlets { spent: spent_out, view: view_out, snapshot };
        let owner = Owner { ledger, campaign, outlets, n_since_checkpoint: 0, per_checkpoint: RECORDS_PER_CHECKPOINT };
        let running = match tasks {
            Tasks::Threads => Running::Thread(thread::spawn(move || owner.run(queue))),
            Tasks::Inline(waits) => Running::Task(TaskTracker::new().spawn(owner.run_inline(queue, Arc::clone(waits)))),
        };
        Self { requests, view, spent, running }
    }

    /// Hands over a durable record. `Err` when the thread ended, which [`LedgerTask::stop`]
    /// explains.
    pub(crate) async fn fold(&self, sequence: u64, record: Vec<u8>) -> Result<(), LedgerGone> {
        self.requests.send(Request::Fold { sequence, record }).await.map_err(|_| LedgerGone)
    }

    /// Accepted rows whose receipt is overdue at `now`.
    pub(crate) async fn overdue(
        &self,
        now: UnixMicros,
        deadline: Duration,
    ) -> Result<Vec<DoubtfulSegment>, LedgerGone> {
        let (reply, answer) = oneshot::channel();
        self.requests.send(Request::Overdue { now, deadline, reply }).await.map_err(|_| LedgerGone)?;
        answer.await.map_err(|_| LedgerGone)
    }

    /// Folds what waits, writes everything to the store, and gives the ledger back.
    pub(crate) async fn stop(self) -> Result<Ledger, Error> {
        drop(self.requests);
        drop(self.spent);
        let ended = match self.running {
            Running::Thread(thread) => thread.join(),
            // Nobody cancels the task, so an error is its panic.
            Running::Task(task) => task.await.map_err(task::JoinError::into_panic),
        };
        ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

/// The ledger's thread ended; joining it tells why.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LedgerGone;

struct Owner {
    ledger: Ledger,
    campaign: CampaignId,
    outlets: Outlets,
    n_since_checkpoint: u32,
    /// Records between two looks at what is due for the store.
    per_checkpoint: u32,
}

/// What the ledger's owner feeds.
struct Outlets {
    spent: mpsc::Sender<Vec<u8>>,
    view: watch::Sender<LedgerView>,
    snapshot: SharedSnapshot,
}

impl Owner {
    fn run(mut self, mut queue: mpsc::Receiver<Request>) -> Result<Ledger, Error> {
        self.publish_snapshot();
        while let Some(request) = queue.blocking_recv() {
            self.answer(request, queue.is_empty())?;
        }
        self.close()
    }

    async fn run_inline(mut self, mut queue: mpsc::Receiver<Request>, waits: Arc<dyn Waits>) -> Result<Ledger, Error> {
        self.per_checkpoint = waits.records_per_checkpoint();
        self.publish_snapshot();
        while let Some(request) = queue.recv().await {
            tokio::time::sleep(waits.fold()).await;
            self.answer(request, queue.is_empty())?;
        }
        self.close()
    }

    /// `is_last`: nothing else waits.
    fn answer(&mut self, request: Request, is_last: bool) -> Result<(), Error> {
        match request {
            Request::Fold { sequence, record } => {
                self.ledger.fold(sequence, &record)?;
                // A full return queue only costs a buffer.
                let _ = self.outlets.spent.try_send(record);
                self.n_since_checkpoint += 1;
            }
            Request::Overdue { now, deadline, reply } => {
                let overdue = self.ledger.overdue(self.campaign, now, deadline)?;
                let _ = reply.send(overdue);
            }
        }
        let is_due = self.n_since_checkpoint >= self.per_checkpoint;
        if is_last || is_due {
            self.outlets.view.send_replace(view_of(&self.ledger, self.campaign));
            self.publish_snapshot();
        }
        if is_due {
            self.n_since_checkpoint = 0;
            self.ledger.checkpoint(Checkpoint::Due)?;
        }
        Ok(())
    }

    fn close(mut self) -> Result<Ledger, Error> {
        self.ledger.checkpoint(Checkpoint::All)?;
        self.ledger.sync()?;
        self.publish_snapshot();
        Ok(self.ledger)
    }

    fn publish_snapshot(&self) {
        let fresh = snapshot_of(&self.ledger);
        *self.outlets.snapshot.lock().unwrap_or_else(PoisonError::into_inner) = fresh;
    }
}

/// Everything that `status` shows.
pub(crate) fn snapshot_of(ledger: &Ledger) -> Snapshot {
    let campaigns = ledger.campaigns().into_iter().map(|(id, summary)| (id.0, summary)).collect();
    Snapshot { campaigns, receipts: ledger.receipt_counters() }
}

fn view_of(ledger: &Ledger, campaign: CampaignId) -> LedgerView {
    let states = ledger.summary(campaign).map(|summary| summary.states).unwrap_or_default();
    LedgerView { applied: ledger.applied(), states }
}
