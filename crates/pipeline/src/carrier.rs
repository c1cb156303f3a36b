//! One carrier account: its binds, and the queue in front of them.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::{Notify, mpsc};
use tokio_util::task::TaskTracker;
use volley_core::CarrierIndex;

use crate::{
    Pacer, SmppOptions, SubmitBatch,
    bind_task::BindTask,
    event::{CarrierEvent, EventKind, ReceiptHandle},
    queue::LaneQueue,
};

/// When no bind is up for so long, what waits goes back, so that other carriers can have it.
const GIVE_BACK_AFTER: Duration = Duration::from_secs(1);

/// Where a bind stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BindPhase {
    /// TCP is being connected.
    Connecting,
    /// The bind is not answered yet.
    Binding,
    /// Messages can be submitted.
    Bound,
    /// Waits before connecting again.
    Waiting,
    /// Gone for good.
    Stopped,
}

/// One bind, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindStatus {
    /// Its number, from 0.
    pub index: u16,
    /// Where it stands.
    pub phase: BindPhase,
    /// Why it last failed; empty when it never did.
    pub last_error: String,
    /// Submits not answered.
    pub n_pending: usize,
    /// Submits written so far.
    pub n_submitted: u64,
    /// Submits answered so far.
    pub n_answered: u64,
}

/// What an account's binds share.
pub(crate) struct Shared {
    pub(crate) index: CarrierIndex,
    pub(crate) name: String,
    pub(crate) options: SmppOptions,
    pub(crate) queue: LaneQueue,
    pub(crate) pacer: Arc<dyn Pacer>,
    draining: AtomicBool,
    drain_wake: Notify,
    n_bound: AtomicU32,
}

impl Shared {
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }

    pub(crate) fn one_more_bound(&self) {
        self.n_bound.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn one_less_bound(&self) {
        self.n_bound.fetch_sub(1, Ordering::SeqCst);
    }

    /// How often a session looks at its timers.
    pub(crate) fn tick(&self) -> Duration {
        let timers = &self.options.timers;
        let shortest = timers.enquire_interval.min(timers.enquire_timeout).min(timers.response);
        if self.is_draining() {
            Duration::from_millis(5)
        } else {
            (shortest / 4).clamp(Duration::from_millis(10), Duration::from_secs(1))
        }
    }
}

/// What one bind's task and the handle share.
pub(crate) struct BindShared {
    pub(crate) index: u16,
    pub(crate) wake: Notify,
    acknowledgements: Mutex<Vec<ReceiptHandle>>,
    phase: Mutex<(BindPhase, String)>,
    n_pending: AtomicUsize,
    n_submitted: AtomicU64,
    n_answered: AtomicU64,
}

impl BindShared {
    fn new(index: u16) -> Self {
        Self {
            index,
            wake: Notify::new(),
            acknowledgements: Mutex::default(),
            phase: Mutex::new((BindPhase::Connecting, String::new())),
            n_pending: AtomicUsize::new(0),
            n_submitted: AtomicU64::new(0),
            n_answered: AtomicU64::new(0),
        }
    }

    /// An empty `error` keeps the last one.
    pub(crate) fn set_phase(&self, phase: BindPhase, error: &str) {
        let mut current = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        current.0 = phase;
        if !error.is_empty() {
            error.clone_into(&mut current.1);
        }
    }

    pub(crate) fn set_counters(&self, n_pending: usize) {
        self.n_pending.store(n_pending, Ordering::Relaxed);
    }

    pub(crate) fn add_submitted(&self, n: u64) {
        self.n_submitted.fetch_add(n, Ordering::Relaxed);
    }

    pub(crate) fn add_answered(&self, n: u64) {
        self.n_answered.fetch_add(n, Ordering::Relaxed);
    }

    pub(crate) fn take_acknowledgements(&self) -> Vec<ReceiptHandle> {
        std::mem::take(&mut *self.acknowledgements.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn status(&self) -> BindStatus {
        let (phase, last_error) = self.phase.lock().unwrap_or_else(PoisonError::into_inner).clone();
        BindStatus {
            index: self.index,
            phase,
            last_error,
            n_pending: self.n_pending.load(Ordering::Relaxed),
            n_submitted: self.n_submitted.load(Ordering::Relaxed),
            n_answered: self.n_answered.load(Ordering::Relaxed),
        }
    }
}

/// A running carrier account.
pub struct Carrier {
    shared: Arc<Shared>,
    binds: Vec<Arc<BindShared>>,
}

impl Carrier {
    /// Starts the account's binds on the current tokio runtime. Its events carry `index`.
    #[must_use]
    pub fn start(
        index: CarrierIndex,
        name: &str,
        options: SmppOptions,
        pacer: Arc<dyn Pacer>,
        events: mpsc::Sender<CarrierEvent>,
    ) -> Self {
        let hosts = options.hosts.clone();
        let binds_per_host = options.binds_per_host;
        let shared = Arc::new(Shared {
            index,
            name: name.to_owned(),
            options,
            queue: LaneQueue::default(),
            pacer,
            draining: AtomicBool::new(false),
            drain_wake: Notify::new(),
            n_bound: AtomicU32::new(0),
        });
        let tracker = TaskTracker::new();
        let of_binds = hosts.iter().flat_map(|host| std::iter::repeat_n(host, usize::from(binds_per_host)));
        let mut binds = Vec::new();
        for (index, host) in (0..).zip(of_binds) {
            let bind = Arc::new(BindShared::new(index));
            let task = BindTask {
                shared: Arc::clone(&shared),
                bind: Arc::clone(&bind),
                host: host.clone(),
                events: events.clone(),
            };
            tracker.spawn(task.run());
            binds.push(bind);
        }
        tracker.close();
        let supervisor = Supervisor { shared: Arc::clone(&shared), events, binds: tracker.clone() };
        // Tracked by nobody: it ends when the binds have ended, and reports that.
        TaskTracker::new().spawn(supervisor.run());
        Self { shared, binds }
    }

    /// Queues messages whose intents are durable. The caller bounds how many wait.
    pub fn submit(&self, batch: SubmitBatch) {
        self.shared.queue.push(batch);
        for bind in &self.binds {
            bind.wake.notify_one();
        }
    }

    /// Messages that wait to be written.
    #[must_use]
    pub fn n_queued(&self) -> u32 {
        self.shared.queue.n_queued()
    }

    /// Whether a bind is up and nobody asked to stop.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.shared.n_bound.load(Ordering::SeqCst) > 0 && !self.shared.is_draining()
    }

    /// These are durable now: answers them to the carrier.
    pub fn acknowledge(&self, receipts: &[ReceiptHandle]) {
        for (n, bind) in (0..).zip(&self.binds) {
            let of_bind = receipts.iter().filter(|handle| handle.bind == n).copied();
            let mut waiting = bind.acknowledgements.lock().unwrap_or_else(PoisonError::into_inner);
            let before = waiting.len();
            waiting.extend(of_bind);
            if waiting.len() > before {
                bind.wake.notify_one();
            }
        }
    }

    /// Stops: what was not written comes back, windows are drained to a deadline, binds end.
    /// [`EventKind::Stopped`] is the last event.
    pub fn drain(&self) {
        self.shared.draining.store(true, Ordering::SeqCst);
        self.shared.drain_wake.notify_one();
        for bind in &self.binds {
            bind.wake.notify_one();
        }
    }

    /// The binds as they stand.
    #[must_use]
    pub fn status(&self) -> Vec<BindStatus> {
        self.binds.iter().map(|bind| bind.status()).collect()
    }
}

/// Gives back what can't leave, and tells when all is over.
struct Supervisor {
    shared: Arc<Shared>,
    events: mpsc::Sender<CarrierEvent>,
    binds: TaskTracker,
}

impl Supervisor {
    async fn run(self) {
        let mut down_for = Duration::ZERO;
        let look_every = GIVE_BACK_AFTER / 4;
        while !self.shared.is_draining() && !self.events.is_closed() {
            tokio::select! {
                () = self.shared.drain_wake.notified() => {}
                () = tokio::time::sleep(look_every) => {
                    let is_down = self.shared.n_bound.load(Ordering::SeqCst) == 0;
                    down_for = if is_down { down_for + look_every } else { Duration::ZERO };
                    if down_for >= GIVE_BACK_AFTER {
                        self.give_back().await;
                    }
                }
            }
        }
        self.shared.draining.store(true, Ordering::SeqCst);
        self.binds.wait().await;
        // The engine may have handed over a last batch while the binds were ending.
        self.give_back().await;
        self.report(EventKind::Stopped).await;
    }

    async fn give_back(&self) {
        let tokens = self.shared.queue.clear();
        if !tokens.is_empty() {
            self.report(EventKind::Returned { tokens }).await;
        }
    }

    async fn report(&self, kind: EventKind) {
        let event = CarrierEvent { carrier: self.shared.index, bind: 0, kind };
        let _ = self.events.send(event).await;
    }
}
