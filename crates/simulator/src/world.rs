//! The world that all sessions share on the simulator's one thread: accounts, what is owed, what
//! was seen.

mod answer;
mod queries;
mod receipts;
mod replies;
mod session;
mod submit;

use std::{
    collections::{HashMap, HashSet, VecDeque},
    rc::Rc,
    sync::{Arc, Mutex, PoisonError},
    time::{Instant, SystemTime},
};

use tokio::sync::Notify;
use volley_smpp::receipt::MessageState;

pub(crate) use self::replies::ReplyPart;
use self::{answer::AnswerDue, queries::Known};
use crate::{
    Account, Seen, SimulatorOptions,
    fault::Fault,
    log::SubmitLog,
    options::{SlowReading, When},
    spool::{Remembered, Spool, Taken},
    wheel::Wheel,
    witness::{SlidingSecond, Witness},
};

/// A receipt to be sent, or a reply.
#[derive(Debug, Clone)]
struct Owed {
    id: u64,
    recipient: u64,
    state: MessageState,
    /// When the message was taken, in seconds since 1970.
    taken_s: u64,
    source: Rc<str>,
    /// The account name that the message was submitted under: its receipt goes to no other.
    esme: Rc<str>,
    /// A message of the recipient's own in place of the receipt.
    reply: Option<Rc<ReplyPart>>,
}

/// What is due later.
enum Due {
    Answer(AnswerDue),
    Receipt {
        account: usize,
        owed: Owed,
    },
    /// Answers that were held back go out.
    Held {
        account: usize,
        session: usize,
    },
    /// A stall is over.
    Speak {
        account: usize,
        session: usize,
    },
}

/// How the SMSC ends a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Deals with what has come, writes, and closes.
    Closed,
    /// Writes what there is, and closes; what else has come is not looked at.
    Cut,
    /// RST.
    Reset,
    /// Forgets the session and leaves the connection open.
    HalfOpen,
}

/// All state of the simulator.
pub(crate) struct World {
    accounts: Vec<AccountState>,
    witness: Witness,
    wheel: Wheel<Due>,
    log: Option<SubmitLog>,
    spool: Option<Spool>,
    next_id: u64,
    /// The same moment on both clocks.
    epoch: (Instant, SystemTime),
    pub(crate) timers_changed: Arc<Notify>,
}

struct AccountState {
    name: String,
    options: SimulatorOptions,
    /// Sessions by number; `None` when gone.
    sessions: Vec<Option<Slot>>,
    n_bound: u32,
    /// By the account name that they go to.
    owed: HashMap<Rc<str>, VecDeque<Owed>>,
    accepted_second: SlidingSecond,
    sources: HashSet<Rc<str>>,
    next_receiver: usize,
    /// Faults that can strike submits; empty in the usual case, which costs nothing then.
    armed: Vec<(Fault, When)>,
    /// By the id as answers have it; empty where nobody may ask.
    known: HashMap<Vec<u8>, Known>,
    /// Submits taken.
    n_taken: u64,
    n_refused_binds: u32,
    /// Whether a session that can receive was ever there.
    was_bound: bool,
}

impl AccountState {
    fn owe(&mut self, owed: Owed) {
        self.owed.entry(Rc::clone(&owed.esme)).or_default().push_back(owed);
    }
}

/// One session as the others see it.
pub(crate) struct Slot {
    /// Who bound it.
    esme: Rc<str>,
    pub(crate) output: Vec<u8>,
    wake: Rc<Notify>,
    can_receive: bool,
    unacknowledged: HashMap<u32, Owed>,
    next_sequence: u32,
    is_bound: bool,
    /// Answers that wait for others to overtake them.
    held: Vec<u8>,
    /// A stall: nothing is written.
    pub(crate) is_silent: bool,
    pub(crate) end: Option<End>,
}

impl World {
    pub(crate) fn new(
        accounts: Vec<Account>,
        log: Option<SubmitLog>,
        spool: Option<(Spool, Remembered)>,
        start: Instant,
    ) -> Self {
        let witness = Witness::new(accounts.iter().map(|account| account.name.clone()));
        let accounts = accounts.into_iter().map(|account| AccountState {
            armed: account.options.faults.armed(),
            known: HashMap::new(),
            n_taken: 0,
            n_refused_binds: 0,
            was_bound: false,
            name: account.name,
            options: account.options,
            sessions: Vec::new(),
            n_bound: 0,
            owed: HashMap::new(),
            accepted_second: SlidingSecond::default(),
            sources: HashSet::new(),
            next_receiver: 0,
        });
        #[expect(clippy::disallowed_methods, reason = "an SMSC has a clock of its own")]
        let epoch = (start, SystemTime::now());
        let mut world = Self {
            epoch,
            accounts: accounts.collect(),
            witness,
            wheel: Wheel::new(start),
            log,
            spool: None,
            next_id: 1_000_000_001,
            timers_changed: Arc::new(Notify::new()),
        };
        if let Some((spool, remembered)) = spool {
            world.remember(remembered);
            world.spool = Some(spool);
        }
        world
    }

    /// What the spool knows: whom messages were taken for, and which receipts are owed.
    fn remember(&mut self, Remembered { taken, acknowledged }: Remembered) {
        for taken in taken {
            self.next_id = self.next_id.max(taken.id + 1);
            self.witness.seen.submits += 1;
            self.witness.take(taken.account, taken.recipient, taken.part);
            let is_done = acknowledged.contains(&(taken.account, taken.id));
            let Some(account) = self.accounts.get_mut(taken.account) else { continue };
            if let Some(state) = taken.state.and_then(MessageState::from_tlv).filter(|_| !is_done) {
                let source = intern(&mut account.sources, &taken.source);
                let esme = intern(&mut account.sources, &taken.esme);
                let Taken { id, recipient, taken_s, .. } = taken;
                account.owe(Owed { id, recipient, state, taken_s, source, esme, reply: None });
            }
        }
        self.witness.seen.receipts_acknowledged = acknowledged.len() as u64;
    }

    /// Seconds since 1970 at `now`.
    fn unix_s(&self, now: Instant) -> u64 {
        let (start, wall) = self.epoch;
        let wall = wall + now.saturating_duration_since(start);
        wall.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
    }

    /// Does what is due; gives when something is due next.
    pub(crate) fn fire(&mut self, now: Instant) -> Option<Instant> {
        let mut due = Vec::new();
        self.wheel.take_due(now, |entry| due.push(entry));
        let mut touched = HashSet::new();
        for entry in due {
            match entry {
                Due::Answer(answer) => {
                    touched.insert((answer.submit.account, answer.submit.session));
                    self.answer(answer);
                }
                Due::Held { account, session } => {
                    if let Some(slot) = self.slot(account, session) {
                        slot.release_held();
                        touched.insert((account, session));
                    }
                }
                Due::Speak { account, session } => {
                    if let Some(slot) = self.slot(account, session) {
                        slot.is_silent = false;
                        touched.insert((account, session));
                    }
                }
                Due::Receipt { account, owed } => {
                    if let Some(state) = self.accounts.get_mut(account) {
                        state.owe(owed);
                        touched.insert((account, usize::MAX));
                    }
                }
            }
        }
        for (account, session) in touched {
            match session {
                usize::MAX => self.send_receipts(account),
                _ => self.wake(account, session),
            }
        }
        self.wheel.next_due()
    }

    pub(crate) fn publish(&mut self, seen: &Arc<Mutex<Seen>>) {
        *seen.lock().unwrap_or_else(PoisonError::into_inner) = self.witness.seen.clone();
        if let Some(log) = &mut self.log {
            log.flush();
        }
    }

    pub(crate) fn slot(&mut self, account: usize, session: usize) -> Option<&mut Slot> {
        self.accounts.get_mut(account)?.sessions.get_mut(session)?.as_mut()
    }

    /// How the account's sessions are read, if slowly.
    pub(crate) fn slow_reading(&self, account: usize) -> Option<SlowReading> {
        self.accounts.get(account)?.options.faults.slow_reading
    }

    /// A session was kept waiting.
    pub(crate) fn read_slowly(&mut self) {
        self.witness.fault("slow-reading");
    }

    fn put_due(&mut self, at: Instant, due: Due) {
        self.wheel.put(at, due);
        self.timers_changed.notify_one();
    }

    fn wake(&mut self, account: usize, session: usize) {
        if let Some(slot) = self.slot(account, session) {
            slot.wake.notify_one();
        }
    }
}

/// The sequence number that follows.
const fn after(sequence: u32) -> u32 {
    if sequence >= 0x7FFF_FFFF { 1 } else { sequence + 1 }
}

fn intern(sources: &mut HashSet<Rc<str>>, source: &str) -> Rc<str> {
    if let Some(known) = sources.get(source) {
        return Rc::clone(known);
    }
    let fresh: Rc<str> = source.into();
    sources.insert(Rc::clone(&fresh));
    fresh
}
