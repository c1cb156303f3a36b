//! The ledger on a thread of its own (in a simulation, a task): folds what is durable, keeps the store, answers questions.
//! The engine's loop never waits for it, except when it falls a whole queue behind.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot, watch},
    task,
};
use tokio_util::task::TaskTracker;
use volley_core::{CampaignId, CarrierIndex, RowIndex, StateCounts, UnixMicros};
use volley_journal::{Room, Sequence, View};
use volley_reconciler::{
    Checkpoint, Doubt, DoubtfulSegment, Error, FoldingProposal, Inferences, Ledger, Questions, ReceiptCounters,
    Settled, Summary,
};
use volley_smpp::receipt::IdRules;

use crate::{
    asker::Schedule,
    ground::{Tasks, Waits},
    identify::Identifier,
    orders::{AuditLine, Reply, audit_of},
};

/// Durable records that may wait to be folded.
const QUEUE_RECORDS: usize = 256;
/// Records between two looks at what is due for the store.
const RECORDS_PER_CHECKPOINT: u32 = 64;

/// What the loop asks of the ledger.
enum Request {
    Fold {
        sequence: u64,
        record: Vec<u8>,
    },
    Overdue {
        now: UnixMicros,
        deadline: Duration,
        reply: oneshot::Sender<Vec<DoubtfulSegment>>,
    },
    Questions {
        of: (CampaignId, CarrierIndex),
        from: RowIndex,
        limit: usize,
        now: UnixMicros,
        schedule: Schedule,
        reply: oneshot::Sender<Questions>,
    },
    Doubts {
        name: String,
        reply: oneshot::Sender<Option<Doubts>>,
    },
    Summary {
        campaign: CampaignId,
        reply: Reply,
    },
    /// Whatever it asks of the ledger, it tells itself.
    Ask(Ask),
    Look {
        carriers: Vec<(Settled, IdRules)>,
        reply: oneshot::Sender<Looked>,
    },
}

/// A question with its own answer.
type Ask = Box<dyn FnOnce(&Ledger) + Send>;

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
    running: Running,
}

enum Running {
    Thread(thread::JoinHandle<Result<Ledger, Error>>),
    Task(task::JoinHandle<Result<Ledger, Error>>),
}

/// Where the ledger's store lies, and from what it can be brought up to date again.
pub(crate) struct Home {
    pub(crate) store: PathBuf,
    pub(crate) journal: View,
    /// The store waits while there is none.
    pub(crate) room: Room,
}

impl LedgerTask {
    /// Moves the ledger to its thread. `campaign` is the one whose numbers the loop watches.
    pub(crate) fn start(
        ledger: Ledger,
        home: Home,
        campaign: CampaignId,
        snapshot: SharedSnapshot,
        identifier: Identifier,
        tasks: &Tasks,
    ) -> Self {
        let (requests, queue) = mpsc::channel(QUEUE_RECORDS);
        let (spent_out, spent) = mpsc::channel(QUEUE_RECORDS);
        let (view_out, view) = watch::channel(view_of(&ledger, campaign));
        let outlets = Outlets { spent: spent_out, view: view_out, snapshot };
        let (n_since_checkpoint, per_checkpoint) = (0, RECORDS_PER_CHECKPOINT);
        let lookout = Lookout { identifier, looked_at: BTreeMap::new() };
        let owner = Owner { home, store_failed: false, campaign, outlets, lookout, n_since_checkpoint, per_checkpoint };
        let running = match tasks {
            Tasks::Threads => Running::Thread(thread::spawn(move || owner.run(ledger, queue))),
            Tasks::Inline(waits) => {
                Running::Task(TaskTracker::new().spawn(owner.run_inline(ledger, queue, Arc::clone(waits))))
            }
        };
        Self { requests, view, spent, running }
    }

    /// For who only looks.
    pub(crate) fn door(&self) -> LedgerDoor {
        LedgerDoor(self.requests.downgrade())
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

    /// Segments that a carrier can be asked for at `now`, from row `from` on.
    pub(crate) async fn questions(
        &self,
        of: (CampaignId, CarrierIndex),
        from: RowIndex,
        limit: usize,
        now: UnixMicros,
        schedule: Schedule,
    ) -> Result<Questions, LedgerGone> {
        let (reply, answer) = oneshot::channel();
        let request = Request::Questions { of, from, limit, now, schedule, reply };
        self.requests.send(request).await.map_err(|_| LedgerGone)?;
        answer.await.map_err(|_| LedgerGone)
    }

    /// Tells `reply` the campaign's numbers, as they are after all that was handed over so far.
    pub(crate) async fn tell(&self, campaign: CampaignId, reply: Reply) -> Result<(), LedgerGone> {
        self.requests.send(Request::Summary { campaign, reply }).await.map_err(|_| LedgerGone)
    }

    /// Looks at the receipts of these carriers that match no answer.
    pub(crate) async fn look(&self, carriers: Vec<(Settled, IdRules)>) -> Result<Looked, LedgerGone> {
        let (reply, answer) = oneshot::channel();
        self.requests.send(Request::Look { carriers, reply }).await.map_err(|_| LedgerGone)?;
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

/// A way to the ledger for who only looks: it does not keep the thread alive.
#[derive(Clone)]
pub(crate) struct LedgerDoor(mpsc::WeakSender<Request>);

impl LedgerDoor {
    /// What is in doubt of the campaign with this name or number; `Ok(None)` when there is none
    /// such.
    pub(crate) async fn doubts(&self, name: String) -> Result<Option<Doubts>, LedgerGone> {
        let (reply, answer) = oneshot::channel();
        let requests = self.0.upgrade().ok_or(LedgerGone)?;
        requests.send(Request::Doubts { name, reply }).await.map_err(|_| LedgerGone)?;
        drop(requests);
        answer.await.map_err(|_| LedgerGone)
    }
}

impl LedgerDoor {
    /// Looks at the ledger between two records.
    pub(crate) async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Ledger) -> T + Send + 'static,
    ) -> Result<T, LedgerGone> {
        let (reply, answer) = oneshot::channel();
        let requests = self.0.upgrade().ok_or(LedgerGone)?;
        // Whoever asked may be gone.
        let ask: Ask = Box::new(move |ledger| drop(reply.send(look(ledger))));
        requests.send(Request::Ask(ask)).await.map_err(|_| LedgerGone)?;
        drop(requests);
        answer.await.map_err(|_| LedgerGone)
    }

    /// What was ordered of the campaign with this name or number, or of all; `Ok(None)` when there
    /// is none such.
    pub(crate) async fn audit(&self, campaign: Option<String>) -> Result<Option<Vec<AuditLine>>, LedgerGone> {
        let lines = self.look(move |ledger| audit_of(ledger, campaign.as_deref())).await?;
        lines.map_err(|_| LedgerGone)
    }
}

/// What is in doubt of a campaign.
#[derive(Debug)]
pub(crate) struct Doubts {
    pub(crate) campaign: CampaignId,
    pub(crate) name: String,
    /// With their carriers' names.
    pub(crate) doubts: Vec<(String, Doubt)>,
}

fn doubts(ledger: &mut Ledger, name: &str) -> Result<Option<Doubts>, Error> {
    let Some(campaign) = ledger.find(name) else { return Ok(None) };
    let doubts = ledger.doubts(campaign)?;
    let doubts = doubts.into_iter().map(|doubt| (ledger.carrier_name(doubt.carrier).to_owned(), doubt)).collect();
    let name = ledger.plan(campaign).map_or_else(String::new, |plan| plan.name.clone());
    Ok(Some(Doubts { campaign, name, doubts }))
}

/// The ledger's thread ended; joining it tells why.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LedgerGone;

struct Owner {
    home: Home,
    /// A write found no room: sled takes no more until it is opened anew.
    store_failed: bool,
    campaign: CampaignId,
    outlets: Outlets,
    lookout: Lookout,
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

/// What looks at receipts that match no answer.
struct Lookout {
    identifier: Identifier,
    /// How many there were of a carrier when its ids were looked at last.
    looked_at: BTreeMap<CarrierIndex, usize>,
}

/// Unmatched receipts of a carrier from which on its ids are looked at (HANDBOOK C.5).
pub(crate) const LOOK_FROM: usize = 100;

impl Lookout {
    fn look(&mut self, ledger: &Ledger, carriers: &[(Settled, IdRules)]) -> Looked {
        let settled: Vec<Settled> = carriers.iter().map(|(settled, _)| *settled).collect();
        let identifier = &mut self.identifier;
        let inferences = ledger.infer(&settled, |suspect| identifier.identify(suspect));
        let mut proposals = Vec::new();
        for (settled, ids) in carriers {
            let n_parked = ledger.n_parked(settled.carrier);
            let looked_at = self.looked_at.entry(settled.carrier).or_default();
            // A look costs as much as the chunks in memory are large: each at twice as many.
            if n_parked >= LOOK_FROM.max(*looked_at * 2) {
                *looked_at = n_parked;
                proposals.extend(ledger.propose_folding(settled.carrier, ids));
            }
        }
        Looked { inferences, proposals }
    }
}

impl Owner {
    fn run(mut self, mut ledger: Ledger, mut queue: mpsc::Receiver<Request>) -> Result<Ledger, Error> {
        self.publish_snapshot(&ledger);
        while let Some(request) = queue.blocking_recv() {
            ledger = self.answer(ledger, request, queue.is_empty())?;
        }
        self.close(ledger)
    }

    async fn run_inline(
        mut self,
        mut ledger: Ledger,
        mut queue: mpsc::Receiver<Request>,
        waits: Arc<dyn Waits>,
    ) -> Result<Ledger, Error> {
        self.per_checkpoint = waits.records_per_checkpoint();
        self.publish_snapshot(&ledger);
        while let Some(request) = queue.recv().await {
            tokio::time::sleep(waits.fold()).await;
            ledger = self.answer(ledger, request, queue.is_empty())?;
        }
        self.close(ledger)
    }

    /// `is_last`: nothing else waits.
    fn answer(&mut self, mut ledger: Ledger, request: Request, is_last: bool) -> Result<Ledger, Error> {
        match request {
            Request::Fold { sequence, record } => {
                // What was read from the journal when the store was opened anew comes twice.
                if sequence > ledger.applied() {
                    ledger.fold(sequence, &record)?;
                }
                // A full return queue only costs a buffer.
                let _ = self.outlets.spent.try_send(record);
                self.n_since_checkpoint += 1;
            }
            Request::Overdue { now, deadline, reply } => {
                let overdue = ledger.overdue(self.campaign, now, deadline)?;
                let _ = reply.send(overdue);
            }
            Request::Questions { of, from, limit, now, schedule, reply } => {
                let is_due = |n_asked, age| schedule.is_due(n_asked, age);
                let _ = reply.send(ledger.questions(of, from, limit, now, is_due)?);
            }
            Request::Doubts { name, reply } => {
                let _ = reply.send(doubts(&mut ledger, &name)?);
            }
            Request::Ask(ask) => ask(&ledger),
            Request::Summary { campaign, reply } => {
                // Whoever asked may be gone.
                if let Some(summary) = ledger.summary(campaign) {
                    let _ = reply.send(Ok(summary));
                }
            }
            Request::Look { carriers, reply } => {
                let _ = reply.send(self.lookout.look(&ledger, &carriers));
            }
        }
        let is_due = self.n_since_checkpoint >= self.per_checkpoint;
        if is_last || is_due {
            self.outlets.view.send_replace(view_of(&ledger, self.campaign));
            self.publish_snapshot(&ledger);
        }
        if is_due {
            self.n_since_checkpoint = 0;
            ledger = self.checkpoint(ledger, Checkpoint::Due)?;
        }
        Ok(ledger)
    }

    fn close(mut self, ledger: Ledger) -> Result<Ledger, Error> {
        let ledger = self.checkpoint(ledger, Checkpoint::All)?;
        self.publish_snapshot(&ledger);
        Ok(ledger)
    }

    /// Writes to the store what is due. While the disk is full the store waits: the journal holds
    /// everything, and the next opening reads it there.
    fn checkpoint(&mut self, mut ledger: Ledger, which: Checkpoint) -> Result<Ledger, Error> {
        if self.home.room.is_tight() {
            return Ok(ledger);
        }
        if self.store_failed {
            let journal = self.home.journal.up_to(Sequence(ledger.applied()));
            drop(ledger);
            ledger = Ledger::open_at(&self.home.store, &journal)?.ledger;
            self.store_failed = false;
        }
        let written = ledger.checkpoint(which).and_then(|_| match which {
            Checkpoint::All => ledger.sync(),
            Checkpoint::Due => Ok(()),
        });
        match written {
            Err(error) if error.is_disk_full() => self.store_failed = true,
            written => written?,
        }
        Ok(ledger)
    }

    fn publish_snapshot(&self, ledger: &Ledger) {
        let fresh = snapshot_of(ledger);
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
    let (_, n_parked) = ledger.n_awaiting();
    LedgerView { applied: ledger.applied(), states, n_parked, has_suspects: ledger.has_suspects() }
}
