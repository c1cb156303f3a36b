//! The engine's loop: pull rows as lanes have room, record intents, hand over what is durable,
//! record answers and receipts, acknowledge what is durable, until nothing is open.
//!
//! One task owns all of it. It meets the disk only through the journal's queue, the ledger only
//! through its thread's queue, and the sockets only through the carriers' queues; it waits on
//! none of them with something half done.

mod admit;
mod doubt;
mod events;
mod guards;
mod orders;
mod publish;
mod query;
mod refusals;
mod replies;
mod timing;

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use volley_core::{
    CampaignId, Clock, MessageState,
    planted::{Bug, is_planted},
};
use volley_journal::{Event as JournalEvent, Sequence};
use volley_pipeline::{Carrier, CarrierEvent};
use volley_reconciler::record::{Control, EventWriter};
use volley_scheduler::Lanes;

use crate::{
    Error,
    account::Tunable,
    asker::Asker,
    board::Board,
    carrier_status::BindRates,
    commit_times::CommitTimes,
    guards::LaneWatch,
    lane::LaneLimits,
    ledger_task::{LedgerGone, LedgerTask},
    log::Log,
    numbers::Suppressed,
    options::InDoubtPolicy,
    pace::LanePacer,
    render::Renderer,
    replies::ReplyDesk,
    source::RowSource,
    turn::{LaneTurn, Turn},
};

/// Records on their way to the disk at once: one being synced, one waiting for it. The journal
/// relies on it (`JournalOptions::group_records`).
const TURNS_IN_FLIGHT: usize = 2;
/// A turn is handed over at this size at the latest.
const TURN_OCTETS: usize = 1 << 20;
/// Events taken from the carriers in one turn at most.
const EVENTS_PER_TURN: usize = 64;
/// How often the loop looks at overdue receipts and renews the board.
const TICK: Duration = Duration::from_millis(200);
/// When no carrier could be bound for so long, the run stops.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why a run ended, apart from errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Nothing is open, except perhaps rows in doubt.
    Finished,
    /// A person stopped it; everything in the windows was answered or is in doubt.
    Interrupted,
    /// No carrier lets us in.
    NoCarrier,
    /// Every carrier that lets us in was paused: it refuses all that is sent.
    Guarded,
}

pub(crate) use doubt::{ReceiptReading, entry as receipt_entry};
pub(crate) use guards::Guards;
pub(crate) use orders::Orders;
pub(crate) use refusals::{Refusals, Tried, Tries};
pub(crate) use replies::Courtesies;
pub(crate) use timing::{Timing, TimingSetup};

/// A lane with its carrier.
pub(crate) struct Lane {
    pub(crate) name: String,
    pub(crate) limits: LaneLimits,
    pub(crate) carrier: Carrier,
    pub(crate) pacer: Arc<LanePacer>,
    pub(crate) reach: Reach,
    pub(crate) rates: BindRates,
    /// The account's own rate.
    pub(crate) rate: Tunable,
    /// Its outcomes, where the campaign's guards want to know.
    pub(crate) watch: Option<LaneWatch>,
    pub(crate) refusals: Refusals,
    /// Why nothing more is sent through it.
    pub(crate) paused: Option<String>,
    pub(crate) stopped: bool,
    pub(crate) reading: ReceiptReading,
    /// Asks for messages whose receipt doesn't come, where the carrier's profile says so.
    pub(crate) asker: Option<Asker>,
}

/// Whether a carrier can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Never bound so far.
    Trying { last_error: String },
    /// Bound at least once.
    Bound,
    /// Refused our credentials.
    Refused { status: String },
}

/// What the loop works with.
pub(crate) struct Runner {
    pub(crate) campaign: CampaignId,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) in_doubt: InDoubtPolicy,
    pub(crate) receipt_deadline: Duration,
    /// How long to wait for receipts that tell of rows in doubt, when nothing else is to be done.
    pub(crate) doubt_grace: Duration,
    /// How long a message is worth sending, if that has an end.
    pub(crate) validity: Option<Duration>,
    pub(crate) lanes: Vec<Lane>,
    pub(crate) shares: Lanes,
    pub(crate) source: RowSource,
    pub(crate) timing: Timing,
    pub(crate) renderer: Renderer,
    pub(crate) journal: Log,
    pub(crate) journal_events: mpsc::Receiver<JournalEvent>,
    pub(crate) carrier_events: mpsc::Receiver<CarrierEvent>,
    pub(crate) ledger: LedgerTask,
    /// A session is about to write: there may be room for more.
    pub(crate) hungry: Arc<Notify>,
    pub(crate) replies: ReplyDesk,
    /// Numbers that get nothing: asked for each row right before its intent.
    pub(crate) suppressed: Suppressed,
    /// What people are told who opt out or in, or ask for help.
    pub(crate) courtesies: Courtesies,
    pub(crate) orders: Orders,
    pub(crate) guards: Guards,
    pub(crate) board: Arc<Board>,
    /// The last record that the ledger folded before the loop began.
    pub(crate) last_durable: Sequence,
    pub(crate) state: LoopState,
}

/// What the loop remembers between turns.
pub(crate) struct LoopState {
    turn: Turn,
    in_flight: VecDeque<Turn>,
    tries: Tries,
    /// How long a record takes from hand-over to durable, lately.
    commit: Duration,
    commit_times: CommitTimes,
    ending: Option<Ended>,
    last_tick: Instant,
    last_sweep: Instant,
    /// Since when nothing is to be done but to wait for receipts of rows in doubt.
    only_doubt_since: Option<Instant>,
    /// What was inferred is durable with this record: until then nothing new can be.
    inferred_in: u64,
    /// The last answer to a question is durable with this record.
    told_in: u64,
    started: Instant,
    throttled: u64,
    /// No room on the disk: nothing is sent.
    disk_full: bool,
    /// That the deadline can't be kept was said.
    deadline_told: bool,
    fresh_stops: Vec<replies::FreshStop>,
    room: Vec<u32>,
    grants: Vec<(usize, u32)>,
}

impl LoopState {
    /// `tries`: of rows that were refused for now before a restart.
    pub(crate) fn new(n_lanes: usize, tries: Tries, now: Instant) -> Self {
        Self {
            turn: Turn::new(n_lanes, Vec::new()),
            in_flight: VecDeque::new(),
            tries,
            commit: Duration::from_millis(1),
            commit_times: CommitTimes::new(),
            ending: None,
            last_tick: now,
            last_sweep: now,
            only_doubt_since: None,
            inferred_in: 0,
            told_in: 0,
            started: now,
            throttled: 0,
            disk_full: false,
            deadline_told: false,
            fresh_stops: Vec::new(),
            room: Vec::new(),
            grants: Vec::new(),
        }
    }
}

impl LoopState {
    /// The events of the turn under way.
    pub(crate) const fn events(&mut self) -> &mut EventWriter {
        &mut self.turn.events
    }
}

impl Runner {
    /// Runs to the end, or until `shutdown` and the windows are drained. Gives back the ledger's
    /// task and the journal, which the caller closes, and why no carrier could be used.
    pub(crate) async fn run(
        mut self,
        shutdown: CancellationToken,
    ) -> Result<(Ended, LedgerTask, Log, Option<String>), Error> {
        let ended = self.turns(&shutdown).await;
        match ended {
            Ok(ended) => {
                let no_carrier = matches!(ended, Ended::NoCarrier | Ended::Guarded).then(|| self.reach_in_words());
                Ok((ended, self.ledger, self.journal, no_carrier))
            }
            Err(Stop::Error(error)) => Err(error),
            Err(Stop::Ledger) => Err(match self.ledger.stop().await {
                Err(error) => error.into(),
                Ok(_) => Error::DoesNotReconcile {
                    what: "the ledger's thread ended by itself".to_owned(),
                    root: self.board.root.clone(),
                },
            }),
        }
    }

    async fn turns(&mut self, shutdown: &CancellationToken) -> Result<Ended, Stop> {
        loop {
            if self.state.ending.is_none() {
                self.cancel_some();
                self.admit();
                self.state.ending = self.is_at_end();
                if let Some(ended) = self.state.ending {
                    self.begin_drain(ended);
                }
            }
            if let Some(error) = self.renderer.take_failure() {
                return Err(Stop::Error(error.into()));
            }
            self.hand_over()?;
            if let Some(ended) = self.state.ending
                && self.is_drained()
            {
                return self.close(ended).await;
            }
            let wake = tokio::time::sleep_until(self.next_wake().into());
            tokio::select! {
                biased;
                () = shutdown.cancelled(), if self.state.ending.is_none() => self.begin_drain(Ended::Interrupted),
                Some(request) = self.orders.requests.recv() => self.on_order(request),
                event = self.journal_events.recv() => self.on_journal(event).await?,
                event = self.carrier_events.recv() => self.on_carriers(event)?,
                () = self.hungry.notified(), if self.state.ending.is_none() => {}
                changed = self.ledger.view.changed() => changed.map_err(|_| Stop::Ledger)?,
                () = wake => {}
            }
            self.tick().await?;
        }
    }

    /// Gives the turn to the journal, if it holds anything and the disk can take one more.
    fn hand_over(&mut self) -> Result<(), Stop> {
        if self.state.turn.events.is_empty() || self.state.in_flight.len() >= TURNS_IN_FLIGHT {
            return Ok(());
        }
        let buffer = self.ledger.spent.try_recv().unwrap_or_default();
        let mut turn = std::mem::replace(&mut self.state.turn, Turn::new(self.lanes.len(), buffer));
        turn.handed_over = Some(self.clock.now());
        self.set_free_too_early(&mut turn);
        let record = turn.events.take(Vec::new());
        self.state.in_flight.push_back(turn);
        self.journal.append(record).map_err(|closed| Stop::Error(Error::Journal(closed.into())))
    }

    /// Two of the planted bugs; without them, nothing.
    fn set_free_too_early(&self, turn: &mut Turn) {
        for (lane, turn) in self.lanes.iter().zip(&mut turn.lanes) {
            if is_planted(Bug::SendBeforeSync) {
                lane.carrier.submit(std::mem::take(&mut turn.batch));
            }
            if is_planted(Bug::AcknowledgedBeforeSync) {
                lane.carrier.acknowledge(&std::mem::take(&mut turn.acknowledge));
            }
        }
    }

    /// A record is durable: what waited for it may happen now.
    async fn on_journal(&mut self, event: Option<JournalEvent>) -> Result<(), Stop> {
        let (sequence, record) = match event {
            Some(JournalEvent::Durable { sequence, payload }) => (sequence, payload),
            Some(JournalEvent::Failed(error)) => return Err(Stop::Error(Error::Journal(error))),
            None => return Err(Stop::Error(Error::Journal(volley_journal::Closed.into()))),
        };
        let now = self.clock.now();
        let mut told = Vec::new();
        if let Some(turn) = self.state.in_flight.pop_front() {
            let took = turn.handed_over.map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
            self.state.commit = (self.state.commit * 7 + took) / 8;
            self.state.commit_times.record(took);
            told = turn.told;
            self.set_free(turn.lanes);
        }
        self.withdraw_fresh_stops();
        self.last_durable = sequence;
        self.ledger.fold(sequence.0, record).await?;
        for reply in told {
            self.ledger.tell(self.campaign, reply).await?;
        }
        Ok(())
    }

    /// What waited for a record that is durable now.
    fn set_free(&mut self, turns: Vec<LaneTurn>) {
        for (n, turn) in turns.into_iter().enumerate() {
            let Some(lane) = self.lanes.get_mut(n) else { continue };
            lane.limits.intents_durable(turn.n_intents);
            lane.limits.settled(turn.n_settled);
            if !turn.acknowledge.is_empty() {
                lane.carrier.acknowledge(&turn.acknowledge);
            }
            if turn.batch.items.is_empty() {
                continue;
            }
            if self.orders.holds(lane.limits.carrier.0) {
                let tokens: Vec<_> = turn.batch.items.iter().map(|item| item.token).collect();
                self.on_returned(n, &tokens);
            } else {
                lane.carrier.submit(turn.batch);
            }
        }
    }

    /// Whether nothing more is to be done, or nothing can be done.
    fn is_at_end(&mut self) -> Option<Ended> {
        if let Some(ended) = self.no_carrier_left() {
            return Some(ended);
        }
        let idle = self.state.turn.events.is_empty()
            && self.state.in_flight.is_empty()
            && self.source.is_empty()
            && self.lanes.iter().all(|lane| lane.limits.outstanding() == 0);
        let view = *self.ledger.view.borrow();
        let done = |state: MessageState| state.is_final() || state == MessageState::InDoubt;
        let all_done = view.states.iter().all(|(state, n_rows)| n_rows == 0 || done(state));
        let is_done = idle && view.applied >= self.last_durable.0 && all_done;
        (is_done && !self.waits_for_doubt(&view)).then_some(Ended::Finished)
    }

    /// Rows wait, and every carrier refused us, was paused, or was never bound for too long.
    fn no_carrier_left(&self) -> Option<Ended> {
        let waited = self.clock.now().saturating_duration_since(self.state.started) >= PATIENCE;
        let is_lost = |lane: &Lane| match &lane.reach {
            Reach::Refused { .. } => true,
            Reach::Trying { .. } => waited,
            Reach::Bound => false,
        };
        let is_paused = |lane: &Lane| lane.paused.is_some() || self.orders.is_guarded(lane.limits.carrier.0);
        if self.lanes.iter().all(is_lost) {
            return Some(Ended::NoCarrier);
        }
        let waits = !self.source.is_empty();
        (waits && self.lanes.iter().all(|lane| is_lost(lane) || is_paused(lane))).then_some(Ended::Guarded)
    }

    fn begin_drain(&mut self, ended: Ended) {
        self.state.ending = Some(ended);
        self.board.set_draining();
        for lane in &self.lanes {
            lane.carrier.drain();
        }
    }

    fn is_drained(&self) -> bool {
        self.state.turn.events.is_empty()
            && self.state.in_flight.is_empty()
            && self.lanes.iter().all(|lane| lane.stopped && lane.limits.outstanding() == 0)
    }

    /// The last record: how it ended.
    async fn close(&mut self, ended: Ended) -> Result<Ended, Stop> {
        let (control, why) = match ended {
            Ended::Finished => (Control::Finished, self.paused_in_words()),
            Ended::Interrupted => {
                let paused = self.paused_in_words();
                let separator = if paused.is_empty() { "" } else { "; " };
                (Control::Interrupted, format!("stopped by a person{separator}{paused}"))
            }
            Ended::Guarded => (Control::Stopped, self.reach_in_words()),
            Ended::NoCarrier => (Control::Stopped, format!("no carrier can be used: {}", self.reach_in_words())),
        };
        // Nothing is in flight any more: what fits no answer now never will.
        self.look_at_receipts().await?;
        self.state.turn.events.control(self.campaign, self.clock.wall(), control, &why);
        self.hand_over()?;
        while !self.state.in_flight.is_empty() {
            let event = self.journal_events.recv().await;
            self.on_journal(event).await?;
        }
        Ok(ended)
    }

    /// Why the run can't go on, in words.
    pub(crate) fn reach_in_words(&self) -> String {
        if let Some(why) = self.guards.stopped() {
            return why;
        }
        let guarded = |lane: &Lane| {
            self.orders.why(lane.limits.carrier.0).filter(|_| self.orders.is_guarded(lane.limits.carrier.0))
        };
        let words = self.lanes.iter().map(|lane| match (&lane.paused.clone().or_else(|| guarded(lane)), &lane.reach) {
            (Some(why), _) => format!("{} was paused: {why}", lane.name),
            (None, reach) => match reach {
                Reach::Trying { last_error } => format!("{} can't be reached ({last_error})", lane.name),
                Reach::Bound => format!("{} was bound", lane.name),
                Reach::Refused { status } => format!("{} refuses the bind with {status}", lane.name),
            },
        });
        words.collect::<Vec<_>>().join("; ")
    }

    fn next_wake(&self) -> Instant {
        let tick = self.state.last_tick + TICK;
        let wall = self.clock.wall();
        // What is due already waits for room, and room wakes us.
        let changes = [self.source.next_due(), self.timing.next_change(wall)];
        let due = changes.into_iter().flatten().filter(|due| self.state.ending.is_none() && *due > wall).min();
        let due = due.map(|due| self.clock.now() + due.since(wall));
        due.map_or(tick, |due| due.min(tick))
    }

    async fn tick(&mut self) -> Result<(), Stop> {
        let now = self.clock.now();
        if now < self.state.last_tick + TICK {
            return Ok(());
        }
        self.state.last_tick = now;
        self.keep_time();
        self.publish(now);
        self.ask_guards(now);
        self.expire_replies()?;
        self.look_at_receipts().await?;
        self.ask(now).await?;
        self.sweep(now).await
    }

    /// Ends the waiting for receipts that are overdue.
    async fn sweep(&mut self, now: Instant) -> Result<(), Stop> {
        let every = (self.receipt_deadline / 20).clamp(Duration::from_millis(500), Duration::from_secs(60));
        if now < self.state.last_sweep + every || self.state.ending.is_some() {
            return Ok(());
        }
        self.state.last_sweep = now;
        let overdue = self.ledger.overdue(self.clock.wall(), self.receipt_deadline).await?;
        self.record_by_carrier(&overdue, |events, head, tokens| events.no_receipt(head, tokens));
        Ok(())
    }
}

/// Why the loop stops at once.
pub(crate) enum Stop {
    Error(Error),
    /// The ledger's thread ended; it knows why.
    Ledger,
}

impl From<LedgerGone> for Stop {
    fn from(_: LedgerGone) -> Self {
        Self::Ledger
    }
}
