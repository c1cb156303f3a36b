//! Taking receipts and replies while no campaign runs, until somebody says stop.
//!
//! One record at a time: what came is kept, the record is durable, and only then it is acknowledged.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde::Serialize;
use tokio::sync::mpsc;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use volley_core::{CarrierIndex, UnixMicros};
use volley_journal::Sequence;
use volley_pipeline::{Carrier, CarrierEvent, EventKind, ReceiptHandle, Unpaced};
use volley_reconciler::{
    Checkpoint, SuppressCause,
    record::{EventWriter, SuppressChange},
};

use crate::{
    Engine, Error, account,
    board::Board,
    control,
    ledger_task::{SharedSnapshot, snapshot_of},
    numbers::Suppressed,
    options::{self, CarrierKind, Carriers, ReceiptZone},
    replies::{DeskSetup, Effect, ReplyDesk},
    run::receipt_entry,
};

/// Batches of carrier events that may wait; beyond it sessions stop reading.
const EVENTS: usize = 256;
/// Batches that go into one record at most.
const EVENTS_PER_RECORD: usize = 64;
/// How often parts of replies are looked at that waited too long.
const TICK: Duration = Duration::from_secs(1);
/// Records between two looks at what is due for the store.
const RECORDS_PER_CHECKPOINT: u64 = 64;

/// What was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Listened {
    /// Receipts.
    pub receipts: u64,
    /// Messages to us that came for the first time.
    pub replies: u64,
    /// Numbers that went on the suppression list.
    pub opt_outs: u64,
    /// Numbers that came off it.
    pub opt_ins: u64,
}

/// A data directory that listens.
pub struct Listener {
    engine: Engine,
    accounts: Vec<Account>,
    events: mpsc::Receiver<CarrierEvent>,
    desk: ReplyDesk,
    suppressed: Suppressed,
    board: Arc<Board>,
    snapshot: SharedSnapshot,
    listened: Listened,
    n_records: u64,
}

struct Account {
    index: CarrierIndex,
    name: String,
    carrier: Carrier,
    zone: ReceiptZone,
    is_stopped: bool,
}

/// What one record will hold, and who waits for it.
#[derive(Default)]
struct Turn {
    events: EventWriter,
    fresh: Vec<(usize, ReceiptHandle)>,
}

impl Engine {
    /// Binds these carriers of a carriers file, or all real ones where none is named, as their
    /// profile says, and takes what they deliver until `shutdown`. `note` hears of binds.
    ///
    /// # Errors
    /// When a carrier is not there or can't work, or what came can't be kept.
    pub async fn listen(
        self,
        carriers_file: &Path,
        names: &[String],
        shutdown: CancellationToken,
        note: &mut dyn FnMut(String),
    ) -> Result<Listened, Error> {
        let tracker = TaskTracker::new();
        let listener = Listener::start(self, carriers_file, names)?;
        let server = tracker.spawn(control::serve(listener.engine.dir.clone(), Arc::clone(&listener.board), None));
        let socket = listener.engine.dir.control_socket();
        let result = listener.run(shutdown, note).await;
        server.abort();
        let _ = std::fs::remove_file(socket);
        result
    }
}

impl Listener {
    fn start(mut engine: Engine, carriers_file: &Path, names: &[String]) -> Result<Self, Error> {
        let carriers = Carriers::load(carriers_file)?;
        let is_real = |kind: CarrierKind| kind != CarrierKind::Simulated;
        let all = carriers.iter().filter(|(_, options)| is_real(options.kind)).map(|(name, _)| name.to_owned());
        let names: Vec<String> = if names.is_empty() { all.collect() } else { names.to_vec() };
        let (events_out, events) = mpsc::channel(EVENTS);
        let mut accounts = Vec::new();
        let mut alphabets = Vec::new();
        for name in names {
            let options = carriers.get(&name)?;
            let smpp = account::smpp_options(&name, options, &carriers, None)?;
            let index = engine.carrier_index(&name)?;
            let zone = options.receipts.time_zone.clone();
            let (pacer, clock) = (Arc::new(Unpaced), Arc::clone(&engine.ground.clock));
            let carrier = Carrier::start(index, &name, smpp, pacer, events_out.clone(), clock)?;
            alphabets.push((name.clone(), options.default_alphabet.0));
            accounts.push(Account { index, name, carrier, zone, is_stopped: false });
        }
        if accounts.is_empty() {
            return Err(Error::NoCarrier { details: format!("{} has no real one", carriers_file.display()) });
        }
        let keywords = Some(engine.dir.keywords()).filter(|path| path.exists());
        let keywords =
            keywords.map_or_else(|| Ok(options::built_in_keywords()), |path| options::load_keywords(&path))?;
        let last_reply = engine.ledger.suppressed().last_reply();
        let setup = DeskSetup { keywords, country: None, accounts: alphabets, last_reply };
        let (desk, missed) = ReplyDesk::open(engine.dir.root(), setup, engine.ground.clock.wall())?;
        let suppressed = engine.suppressed(&[])?;
        let snapshot = SharedSnapshot::new(Mutex::new(snapshot_of(&engine.ledger)));
        let board = Arc::new(Board::new(engine.dir.root().to_owned(), Arc::clone(&snapshot)));
        let listened = Listened::default();
        let mut listener = Self { engine, accounts, events, desk, suppressed, board, snapshot, listened, n_records: 0 };
        let mut turn = Turn::default();
        listener.take_effect(&mut turn, &missed);
        listener.commit(turn)?;
        Ok(listener)
    }

    async fn run(mut self, shutdown: CancellationToken, note: &mut dyn FnMut(String)) -> Result<Listened, Error> {
        let mut is_draining = false;
        while !self.accounts.iter().all(|account| account.is_stopped) {
            let mut turn = Turn::default();
            tokio::select! {
                biased;
                () = shutdown.cancelled(), if !is_draining => {
                    is_draining = true;
                    self.accounts.iter().for_each(|account| account.carrier.drain());
                }
                event = self.events.recv() => {
                    let Some(event) = event else { break };
                    self.take(&mut turn, event, note)?;
                    for _ in 1..EVENTS_PER_RECORD {
                        let Ok(event) = self.events.try_recv() else { break };
                        self.take(&mut turn, event, note)?;
                    }
                }
                () = tokio::time::sleep(TICK) => {
                    let effects = self.desk.expire(self.wall())?;
                    self.take_effect(&mut turn, &effects);
                }
            }
            self.commit(turn)?;
        }
        self.engine.ledger.checkpoint(Checkpoint::All)?;
        self.engine.ledger.sync()?;
        Ok(self.listened)
    }

    fn take(&mut self, turn: &mut Turn, event: CarrierEvent, note: &mut dyn FnMut(String)) -> Result<(), Error> {
        let Some(at) = self.accounts.iter().position(|account| account.index == event.carrier) else { return Ok(()) };
        let wall = self.wall();
        let Some(account) = self.accounts.get_mut(at) else { return Ok(()) };
        match event.kind {
            EventKind::Receipts(receipts) => {
                let (zone, numbers) = (&account.zone, &self.suppressed);
                let entries = receipts.iter().map(|receipt| receipt_entry(&receipt, zone, numbers));
                turn.events.receipts(event.carrier, wall, entries);
                let before = turn.fresh.len();
                turn.fresh.extend(receipts.iter().map(|receipt| (at, receipt.handle)));
                self.listened.receipts += (turn.fresh.len() - before) as u64;
            }
            EventKind::Replies(replies) => {
                let name = account.name.clone();
                let taken = self.desk.take(&name, &replies, wall)?;
                let mut effects = taken.effects;
                for (handle, opts_out) in taken.repeats {
                    // Somebody may have come back and gone again.
                    if let Some(number) = opts_out.filter(|number| self.suppressed.cause(*number, wall).is_none()) {
                        effects.push(Effect { reply: 0, number, change: SuppressChange::Add });
                    }
                    turn.fresh.push((at, handle));
                }
                for handle in taken.fresh {
                    turn.events.reply(event.carrier, wall);
                    turn.fresh.push((at, handle));
                    self.listened.replies += 1;
                }
                self.take_effect(turn, &effects);
            }
            EventKind::Bound { .. } => note(format!("{}: bound, listening", account.name)),
            EventKind::BindRefused { status, .. } => note(format!("{} refuses the bind: {status}", account.name)),
            EventKind::ConnectFailed { error, .. } => note(format!("{} can't be reached: {error}", account.name)),
            EventKind::BindLost { error, .. } => note(format!("{} lost a bind: {error}", account.name)),
            EventKind::Stopped => account.is_stopped = true,
            // Nothing is sent.
            EventKind::Answers(_) | EventKind::Told(_) | EventKind::Lost { .. } | EventKind::Returned { .. } => {}
        }
        Ok(())
    }

    fn wall(&self) -> UnixMicros {
        self.engine.ground.clock.wall()
    }

    fn take_effect(&mut self, turn: &mut Turn, effects: &[Effect]) {
        let at = self.wall();
        for Effect { reply, number, change } in effects.iter().copied() {
            let was_on = self.suppressed.cause(number, at).is_some();
            turn.events.suppress(&self.suppressed.change(number, change, SuppressCause::Reply, at, reply));
            match (was_on, self.suppressed.cause(number, at).is_some()) {
                (false, true) => self.listened.opt_outs += 1,
                (true, false) => self.listened.opt_ins += 1,
                (true, true) | (false, false) => {}
            }
        }
    }

    /// What came is durable when this returns, and acknowledged.
    fn commit(&mut self, mut turn: Turn) -> Result<(), Error> {
        if !turn.events.is_empty() {
            let record = turn.events.take(Vec::new());
            let Sequence(sequence) = self.engine.journal.append(record.clone())?;
            self.engine.ledger.fold(sequence, &record)?;
            self.n_records += 1;
            if self.n_records.is_multiple_of(RECORDS_PER_CHECKPOINT) {
                self.engine.ledger.checkpoint(Checkpoint::Due)?;
            }
            *self.snapshot.lock().unwrap_or_else(PoisonError::into_inner) = snapshot_of(&self.engine.ledger);
        }
        for (at, handle) in turn.fresh {
            if let Some(account) = self.accounts.get(at) {
                account.carrier.acknowledge(&[handle]);
            }
        }
        Ok(())
    }
}
