//! The ledger on a thread of its own: folds what is durable, keeps the store, answers questions.
//! The engine's loop never waits for it, except when it falls a whole queue behind.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use tokio::sync::{mpsc, oneshot, watch};
use volley_core::{CampaignId, CarrierIndex, StateCounts, UnixMicros};
use volley_reconciler::{
    Checkpoint, DoubtfulSegment, Error, FoldingProposal, Inferences, Ledger, ReceiptCounters, Settled, Summary,
};
use volley_smpp::receipt::IdRules;

use crate::identify::Identifier;

/// Durable records that may wait to be folded.
const QUEUE_RECORDS: usize = 256;
/// Records between two looks at what is due for the store.
const RECORDS_PER_CHECKPOINT: u32 = 64;

/// What the loop asks of the ledger.
enum Request {
    Fold { sequence: u64, record: Vec<u8> },
    Overdue { now: UnixMicros, deadline: Duration, reply: oneshot::Sender<Vec<DoubtfulSegment>> },
    Look { carriers: Vec<(Settled, IdRules)>, reply: oneshot::Sender<Looked> },
}

/// What receipts that match no answer tell.
#[derive(Debug, Default)]
pub(crate) struct Looked {
    /// Doubts that they end.
    pub(crate) inferences: Inferences,
    /// Readings of ids by which they would match.
    pub(crate) proposals: Vec<FoldingProposal>,
}

/// The campaign's numbers after the last fold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LedgerView {
    /// The last record folded.
    pub(crate) applied: u64,
    pub(crate) states: StateCounts,
    /// Receipts that match no answer so far.
    pub(crate) n_parked: usize,
    /// Whether some messages' answers never came.
    pub(crate) has_suspects: bool,
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
    thread: thread::JoinHandle<Result<Ledger, Error>>,
}

impl LedgerTask {
    /// Moves the ledger to its thread. `campaign` is the one whose numbers the loop watches.
    pub(crate) fn start(
        ledger: Ledger,
        campaign: CampaignId,
        snapshot: SharedSnapshot,
        identifier: Identifier,
    ) -> Self {
        let (requests, queue) = mpsc::channel(QUEUE_RECORDS);
        let (spent_out, spent) = mpsc::channel(QUEUE_RECORDS);
        let (view_out, view) = watch::channel(view_of(&ledger, campaign));
        let owner = Owner {
            ledger,
            campaign,
            queue,
            spent: spent_out,
            view: view_out,
            snapshot,
            identifier,
            looked_at: BTreeMap::new(),
        };
        let thread = thread::spawn(move || owner.run());
        Self { requests, view, spent, thread }
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

    /// Looks at the receipts of these carriers that match no answer.
    pub(crate) async fn look(&self, carriers: Vec<(Settled, IdRules)>) -> Result<Looked, LedgerGone> {
        let (reply, answer) = oneshot::channel();
        self.requests.send(Request::Look { carriers, reply }).await.map_err(|_| LedgerGone)?;
        answer.await.map_err(|_| LedgerGone)
    }

    /// Folds what waits, writes everything to the store, and gives the ledger back.
    pub(crate) fn stop(self) -> Result<Ledger, Error> {
        drop(self.requests);
        drop(self.spent);
        match self.thread.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

/// The ledger's thread ended; joining it tells why.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LedgerGone;

struct Owner {
    ledger: Ledger,
    campaign: CampaignId,
    queue: mpsc::Receiver<Request>,
    spent: mpsc::Sender<Vec<u8>>,
    view: watch::Sender<LedgerView>,
    snapshot: SharedSnapshot,
    identifier: Identifier,
    /// How many unmatched receipts of a carrier there were when its ids were looked at last.
    looked_at: BTreeMap<CarrierIndex, usize>,
}

/// Unmatched receipts of a carrier from which on its ids are looked at (HANDBOOK C.5).
const LOOK_FROM: usize = 100;

impl Owner {
    fn run(mut self) -> Result<Ledger, Error> {
        let mut n_since_checkpoint = 0;
        self.publish_snapshot();
        while let Some(request) = self.queue.blocking_recv() {
            match request {
                Request::Fold { sequence, record } => {
                    self.ledger.fold(sequence, &record)?;
                    // A full return queue only costs a buffer.
                    let _ = self.spent.try_send(record);
                    n_since_checkpoint += 1;
                }
                Request::Overdue { now, deadline, reply } => {
                    let overdue = self.ledger.overdue(self.campaign, now, deadline)?;
                    let _ = reply.send(overdue);
                }
                Request::Look { carriers, reply } => {
                    let _ = reply.send(self.look(&carriers));
                }
            }
            if self.queue.is_empty() || n_since_checkpoint >= RECORDS_PER_CHECKPOINT {
                self.view.send_replace(view_of(&self.ledger, self.campaign));
                self.publish_snapshot();
            }
            if n_since_checkpoint >= RECORDS_PER_CHECKPOINT {
                n_since_checkpoint = 0;
                self.ledger.checkpoint(Checkpoint::Due)?;
            }
        }
        self.ledger.checkpoint(Checkpoint::All)?;
        self.ledger.sync()?;
        self.publish_snapshot();
        Ok(self.ledger)
    }

    fn look(&mut self, carriers: &[(Settled, IdRules)]) -> Looked {
        let settled: Vec<Settled> = carriers.iter().map(|(settled, _)| *settled).collect();
        let identifier = &mut self.identifier;
        let inferences = self.ledger.infer(&settled, |suspect| identifier.identify(suspect));
        let mut proposals = Vec::new();
        for (settled, ids) in carriers {
            let n_parked = self.ledger.n_parked(settled.carrier);
            let looked_at = self.looked_at.entry(settled.carrier).or_default();
            // A look costs as much as the chunks in memory are large: each at twice as many.
            if n_parked >= LOOK_FROM.max(*looked_at * 2) {
                *looked_at = n_parked;
                proposals.extend(self.ledger.propose_folding(settled.carrier, ids));
            }
        }
        Looked { inferences, proposals }
    }

    fn publish_snapshot(&self) {
        let fresh = snapshot_of(&self.ledger);
        *self.snapshot.lock().unwrap_or_else(PoisonError::into_inner) = fresh;
    }
}

/// Everything that `status` shows.
pub(crate) fn snapshot_of(ledger: &Ledger) -> Snapshot {
    let campaigns = ledger.campaigns().into_iter().map(|(id, summary)| (id.0, summary)).collect();
    Snapshot { campaigns, receipts: ledger.receipt_counters() }
}

fn view_of(ledger: &Ledger, campaign: CampaignId) -> LedgerView {
    let states = ledger.summary(campaign).map(|summary| summary.states).unwrap_or_default();
    let (_, n_parked) = ledger.n_awaiting();
    LedgerView { applied: ledger.applied(), states, n_parked, has_suspects: ledger.has_suspects() }
}
