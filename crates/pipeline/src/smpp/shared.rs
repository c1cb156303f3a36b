//! What the tasks of one carrier and its handle share.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use tokio::sync::{Notify, mpsc};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use volley_core::{CarrierIndex, Clock};

use super::{
    SmppOptions, backoff::Jitter, bind_task::BindTask, carrier_task, gate::Gate, options::Account, options::BindPlan,
    questions::QuestionQueue, throttle::Throttle, tls::Tls,
};
use crate::{
    BindPhase, BindStatus, CarrierEvent, CarrierStatus, Error, EventKind, Pacer, ReceiptHandle, SubmitBatch,
    queue::Queue,
};

/// What the tasks of one carrier and its handle share.
pub(crate) struct Shared {
    pub(crate) index: CarrierIndex,
    pub(crate) name: String,
    pub(crate) options: SmppOptions,
    pub(crate) tls: Option<Tls>,
    pub(crate) queue: Queue,
    pub(crate) questions: QuestionQueue,
    pub(crate) binds: Vec<BindShared>,
    pub(crate) pacer: Arc<dyn Pacer>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) events: mpsc::Sender<CarrierEvent>,
    /// Binds that take submits.
    n_up: AtomicU32,
    /// Binds whose task has not ended.
    n_alive: AtomicU32,
    /// Cancelled: empty the windows, unbind, end.
    pub(crate) drain: CancellationToken,
    /// Cancelled when the handle is gone: end at once. Cancels `drain` too.
    pub(crate) dropped: CancellationToken,
    pub(crate) stopped: CancellationToken,
    /// No new submits until the owner says so.
    suspended: AtomicBool,
    throttle: Mutex<Throttle>,
    gate: Mutex<Gate>,
    /// For receivers with credentials of their own.
    receiver_gate: Mutex<Gate>,
    pub(crate) gate_changed: Notify,
    /// Wakes the carrier's task.
    pub(crate) bell: Notify,
}

/// One bind's part.
pub(crate) struct BindShared {
    pub(crate) plan: BindPlan,
    /// Wakes the session: work, acknowledgements, drain.
    pub(crate) bell: Notify,
    acknowledgements: Mutex<Vec<ReceiptHandle>>,
    status: Mutex<BindStatus>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts the tasks of a carrier.
pub(crate) fn start(
    index: CarrierIndex,
    name: &str,
    options: SmppOptions,
    pacer: Arc<dyn Pacer>,
    events: mpsc::Sender<CarrierEvent>,
    clock: Arc<dyn Clock>,
    tracker: &TaskTracker,
) -> Result<Arc<Shared>, Error> {
    let plans = options.plan(name)?;
    let n_binds = u16::try_from(plans.len()).map_err(|_| Error::OutOfRange {
        carrier: name.to_owned(),
        option: "hosts times binds",
        given: plans.len().to_string(),
        possible: "1 to 65,535",
    })?;
    let tls = set_up_tls(name, &options, &plans)?;
    let now = clock.wall();
    let window = u32::from(options.window);
    let binds = plans.into_iter().map(|plan| BindShared {
        status: Mutex::new(BindStatus::new(&plan.host, plan.kind, if plan.kind.submits() { window } else { 0 }, now)),
        plan,
        bell: Notify::new(),
        acknowledgements: Mutex::default(),
    });
    let seed = options.seed ^ u64::from(index.0) << 32;
    let dropped = CancellationToken::new();
    let shared = Arc::new(Shared {
        index,
        name: name.to_owned(),
        tls,
        queue: Queue::default(),
        questions: QuestionQueue::default(),
        binds: binds.collect(),
        pacer,
        events,
        n_up: AtomicU32::new(0),
        n_alive: AtomicU32::new(u32::from(n_binds)),
        drain: dropped.child_token(),
        dropped,
        stopped: CancellationToken::new(),
        suspended: AtomicBool::new(false),
        throttle: Mutex::new(Throttle::new(options.timers.throttle_pause, clock.now())),
        gate: Mutex::new(Gate::new(options.backoff, Jitter::new(seed))),
        receiver_gate: Mutex::new(Gate::new(options.backoff, Jitter::new(seed ^ 1))),
        gate_changed: Notify::new(),
        bell: Notify::new(),
        options,
        clock,
    });
    for bind in 0..n_binds {
        let jitter = Jitter::new(seed ^ u64::from(bind + 1) << 40);
        tracker.spawn(BindTask::new(Arc::clone(&shared), bind, jitter).run());
    }
    tracker.spawn(carrier_task::run(Arc::clone(&shared)));
    Ok(shared)
}

fn set_up_tls(name: &str, options: &SmppOptions, plans: &[BindPlan]) -> Result<Option<Tls>, Error> {
    let failed = |source| Error::Tls { carrier: name.to_owned(), source };
    let Some(tls) = &options.tls else { return Ok(None) };
    let tls = Tls::new(tls).map_err(failed)?;
    for plan in plans {
        tls.name(&plan.host).map_err(failed)?;
    }
    Ok(Some(tls))
}

impl Shared {
    /// The number that stands for the carrier as a whole in events.
    pub(crate) fn own_number(&self) -> u16 {
        self.binds.len() as u16
    }

    pub(crate) fn bind(&self, bind: u16) -> Option<&BindShared> {
        self.binds.get(usize::from(bind))
    }

    /// The way in for the credentials of this bind.
    pub(crate) fn gate(&self, bind: &BindShared) -> MutexGuard<'_, Gate> {
        match bind.plan.account {
            Account::Main => lock(&self.gate),
            Account::Receiver => lock(&self.receiver_gate),
        }
    }

    pub(crate) fn throttle(&self) -> MutexGuard<'_, Throttle> {
        lock(&self.throttle)
    }

    pub(crate) fn n_up(&self) -> u32 {
        self.n_up.load(Ordering::SeqCst)
    }

    pub(crate) fn n_alive(&self) -> u32 {
        self.n_alive.load(Ordering::SeqCst)
    }

    pub(crate) fn is_suspended(&self) -> bool {
        self.suspended.load(Ordering::SeqCst)
    }

    pub(crate) fn set_suspended(&self, suspended: bool) {
        self.suspended.store(suspended, Ordering::SeqCst);
        self.ring_binds();
        self.bell.notify_one();
    }

    /// A bind takes submits from now on.
    pub(crate) fn went_up(&self) {
        self.n_up.fetch_add(1, Ordering::SeqCst);
    }

    /// A bind takes no more submits; what it held is back in the queue.
    pub(crate) fn went_down(&self) {
        self.n_up.fetch_sub(1, Ordering::SeqCst);
        self.ring_binds();
        self.bell.notify_one();
    }

    /// A bind's task ended.
    pub(crate) fn ended(&self) {
        self.n_alive.fetch_sub(1, Ordering::SeqCst);
        self.bell.notify_one();
    }

    pub(crate) fn ring_binds(&self) {
        for bind in &self.binds {
            bind.bell.notify_one();
        }
    }

    /// Hands an event up, waiting for room. Once nobody can take it any more it is dropped.
    pub(crate) async fn send(&self, bind: u16, kind: EventKind) {
        let event = CarrierEvent { carrier: self.index, bind, kind };
        tokio::select! {
            biased;
            // An error means that the receiver is gone.
            sent = self.events.send(event) => drop(sent),
            () = self.dropped.cancelled() => {}
        }
    }

    pub(crate) fn submit(&self, batch: SubmitBatch, place: impl FnOnce(&Queue, SubmitBatch)) {
        place(&self.queue, batch);
        self.ring_binds();
        if self.n_up() == 0 || self.drain.is_cancelled() || self.is_suspended() {
            self.bell.notify_one();
        }
    }

    pub(crate) fn acknowledge(&self, receipts: &[ReceiptHandle]) {
        for run in receipts.chunk_by(|a, b| a.bind == b.bind) {
            let Some(bind) = run.first().and_then(|handle| self.bind(handle.bind)) else { continue };
            lock(&bind.acknowledgements).extend_from_slice(run);
            bind.bell.notify_one();
        }
    }

    pub(crate) fn status(&self) -> CarrierStatus {
        CarrierStatus {
            binds: self.binds.iter().map(|bind| lock(&bind.status).clone()).collect(),
            n_queued: self.queue.n_unwritten(),
            draining: self.drain.is_cancelled(),
            suspended: self.is_suspended(),
            learned_ceiling_per_sec: self.throttle().ceiling_per_sec(),
        }
    }
}

impl BindShared {
    /// Exchanges the acknowledgements that came for the empty `spent`.
    pub(crate) fn swap_acknowledgements(&self, spent: &mut Vec<ReceiptHandle>) {
        std::mem::swap(&mut *lock(&self.acknowledgements), spent);
    }

    pub(crate) fn with_status<T>(&self, change: impl FnOnce(&mut BindStatus) -> T) -> T {
        change(&mut lock(&self.status))
    }

    pub(crate) fn set_phase(&self, phase: BindPhase, clock: &dyn Clock) {
        self.with_status(|status| {
            if status.phase != phase {
                (status.phase, status.phase_since) = (phase, clock.wall());
            }
        });
    }
}
