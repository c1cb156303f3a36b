//! The world that all sessions share on the simulator's one thread: accounts, what is owed, what
//! was seen.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    rc::Rc,
    sync::{Arc, Mutex, PoisonError},
    time::{Instant, SystemTime},
};

use tokio::sync::Notify;
use volley_smpp::{
    pdu::{
        Bind, BindResp, CommandId, CommandStatus, MAX_PDU_LEN, MessageResp, Pdu, RawPdu, ShortMessage, Tlvs,
        encode_header_only, split_frame,
    },
    receipt::MessageState,
};

use crate::{
    Account, Seen, SimulatorOptions,
    decide::Dice,
    encode::{ReceiptFacts, digits, part_of, put_id, put_receipt},
    log::SubmitLog,
    server::now,
    spool::{Remembered, Spool, Taken},
    wheel::Wheel,
    witness::{SlidingSecond, Witness},
};

/// Receipts on a session that are not acknowledged.
const RECEIPT_WINDOW: usize = 1_000;

/// A receipt to be sent.
#[derive(Debug, Clone)]
struct Owed {
    id: u64,
    recipient: u64,
    state: MessageState,
    source: Rc<str>,
    /// The account name that the message was submitted under: its receipt goes to no other.
    esme: Rc<str>,
}

/// What is due later.
#[derive(Debug)]
enum Due {
    Answer { account: usize, session: usize, sequence: u32, status: CommandStatus, id: u64 },
    Receipt { account: usize, owed: Owed },
}

/// What goes wrong with an accepted submit, and when its answer and receipt are due.
struct OnTheWire {
    is_early: bool,
    is_cut: bool,
    is_unanswered: bool,
    is_double: bool,
    /// `None`: at once.
    answer_at: Option<Instant>,
    receipt_at: Instant,
}

/// All state of the simulator.
pub(crate) struct World {
    accounts: Vec<AccountState>,
    witness: Witness,
    wheel: Wheel<Due>,
    log: Option<SubmitLog>,
    spool: Option<Spool>,
    next_id: u64,
    pub(crate) timers_changed: Rc<Notify>,
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
    pub(crate) cut: bool,
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
            name: account.name,
            options: account.options,
            sessions: Vec::new(),
            n_bound: 0,
            owed: HashMap::new(),
            accepted_second: SlidingSecond::default(),
            sources: HashSet::new(),
            next_receiver: 0,
        });
        let mut world = Self {
            accounts: accounts.collect(),
            witness,
            wheel: Wheel::new(start),
            log,
            spool: None,
            next_id: 1_000_000_001,
            timers_changed: Rc::new(Notify::new()),
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
                account.owe(Owed { id: taken.id, recipient: taken.recipient, state, source, esme });
            }
        }
        self.witness.seen.receipts_acknowledged = acknowledged.len() as u64;
    }

    /// Does what is due; gives when something is due next.
    pub(crate) fn fire(&mut self, now: Instant) -> Option<Instant> {
        let mut due = Vec::new();
        self.wheel.take_due(now, |entry| due.push(entry));
        let mut touched = HashSet::new();
        for entry in due {
            match entry {
                Due::Answer { account, session, sequence, status, id } => {
                    touched.insert((account, session));
                    self.answer(account, session, sequence, status, id);
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

    fn wake(&mut self, account: usize, session: usize) {
        if let Some(slot) = self.slot(account, session) {
            slot.wake.notify_one();
        }
    }

    fn answer(&mut self, account: usize, session: usize, sequence: u32, status: CommandStatus, id: u64) {
        let Some(form) = self.accounts.get(account).map(|account| account.options.message_ids) else { return };
        let Some(slot) = self.slot(account, session) else { return };
        if status == CommandStatus::ROK {
            let mut text = [0; 40];
            let message_id = put_id(form, id, &mut text);
            let resp = MessageResp { message_id, ..MessageResp::default() };
            // Never too long: at most 36 octets.
            let _ = resp.encode(CommandId::SubmitSmResp, status, sequence, &mut slot.output);
        } else {
            encode_header_only(CommandId::SubmitSmResp, status, sequence, &mut slot.output);
        }
    }

    /// Sends what is owed, as far as sessions of the same account name take it, in turn.
    fn send_receipts(&mut self, account: usize) {
        let Some(state) = self.accounts.get_mut(account) else { return };
        let AccountState { sessions, owed, options, next_receiver, .. } = state;
        let n_sessions = sessions.len();
        for (esme, owed) in owed.iter_mut() {
            let mut n_full = 0;
            while !owed.is_empty() && n_full < n_sessions {
                *next_receiver = (*next_receiver + 1) % n_sessions;
                let next = sessions.get_mut(*next_receiver).and_then(Option::as_mut);
                let takes = |slot: &&mut Slot| {
                    slot.can_receive && slot.esme == *esme && slot.unacknowledged.len() < RECEIPT_WINDOW
                };
                let Some(slot) = next.filter(takes) else {
                    n_full += 1;
                    continue;
                };
                n_full = 0;
                // A batch to one session, so that its task wakes once.
                let room = (RECEIPT_WINDOW - slot.unacknowledged.len()).min(64);
                for owed in owed.drain(..room.min(owed.len())) {
                    let facts = ReceiptFacts {
                        id: owed.id,
                        recipient: owed.recipient,
                        state: owed.state,
                        source: &owed.source,
                    };
                    put_receipt(options, &facts, slot.next_sequence, &mut slot.output);
                    self.witness.seen.receipts_sent += 1;
                    slot.unacknowledged.insert(slot.next_sequence, owed);
                    slot.next_sequence = if slot.next_sequence >= 0x7FFF_FFFF { 1 } else { slot.next_sequence + 1 };
                }
                slot.wake.notify_one();
            }
        }
    }

    /// Reads what came on a session; gives the octets taken, or `None` to close it.
    pub(crate) fn read(&mut self, account: usize, session: usize, input: &[u8]) -> Option<usize> {
        let now = now();
        let mut n_read = 0;
        loop {
            match split_frame(input.get(n_read..)?, MAX_PDU_LEN) {
                Ok(Some(raw)) => {
                    n_read += raw.n_octets();
                    self.on_pdu(account, session, &raw, now)?;
                }
                Ok(None) => break,
                Err(_) => {
                    let slot = self.slot(account, session)?;
                    encode_header_only(CommandId::GenericNack, CommandStatus::RINVCMDLEN, 0, &mut slot.output);
                    slot.cut = true;
                    return Some(input.len());
                }
            }
        }
        self.send_receipts(account);
        if let Some(spool) = &mut self.spool {
            spool.flush();
        }
        Some(n_read)
    }

    fn on_pdu(&mut self, account: usize, session: usize, raw: &RawPdu<'_>, now: Instant) -> Option<()> {
        let (id, sequence) = (raw.header.command_id, raw.header.sequence_number);
        let Ok(pdu) = raw.decode() else {
            let slot = self.slot(account, session)?;
            encode_header_only(CommandId::GenericNack, CommandStatus::RINVCMDLEN, sequence, &mut slot.output);
            return Some(());
        };
        match pdu {
            Pdu::SubmitSm(message) => self.on_submit(account, session, sequence, &message, now),
            Pdu::DeliverSmResp(_) => self.on_acknowledgement(account, session, sequence, raw.header.command_status),
            Pdu::Bind(bind) => return self.on_bind(account, session, id, sequence, &bind),
            Pdu::EnquireLink => {
                let slot = self.slot(account, session)?;
                encode_header_only(CommandId::EnquireLinkResp, CommandStatus::ROK, sequence, &mut slot.output);
            }
            Pdu::Unbind => {
                let slot = self.slot(account, session)?;
                encode_header_only(CommandId::UnbindResp, CommandStatus::ROK, sequence, &mut slot.output);
                slot.can_receive = false;
                slot.cut = true;
            }
            Pdu::BindResp(_)
            | Pdu::SubmitSmResp(_)
            | Pdu::DeliverSm(_)
            | Pdu::DataSm(_)
            | Pdu::DataSmResp(_)
            | Pdu::Outbind(_)
            | Pdu::QuerySm(_)
            | Pdu::QuerySmResp(_)
            | Pdu::CancelSm(_)
            | Pdu::CancelSmResp
            | Pdu::ReplaceSm(_)
            | Pdu::ReplaceSmResp
            | Pdu::SubmitMulti(_)
            | Pdu::SubmitMultiResp(_)
            | Pdu::AlertNotification(_)
            | Pdu::EnquireLinkResp
            | Pdu::UnbindResp
            | Pdu::GenericNack
            | Pdu::Other(_) => {
                if !id.is_response() {
                    let slot = self.slot(account, session)?;
                    encode_header_only(CommandId::GenericNack, CommandStatus::RINVCMDID, sequence, &mut slot.output);
                }
            }
        }
        Some(())
    }

    fn on_bind(&mut self, account: usize, session: usize, id: CommandId, sequence: u32, bind: &Bind<'_>) -> Option<()> {
        let state = self.accounts.get_mut(account)?;
        let refused = state.options.refuse_binds.or_else(|| {
            let is_full = state.options.max_binds.is_some_and(|max| state.n_bound >= max);
            is_full.then_some(CommandStatus::RBINDFAIL)
        });
        let slot = state.sessions.get_mut(session)?.as_mut()?;
        if let Some(status) = refused {
            encode_header_only(id.response(), status, sequence, &mut slot.output);
            slot.cut = true;
            return Some(());
        }
        state.n_bound += 1;
        self.witness.seen.binds += 1;
        slot.is_bound = true;
        slot.esme = intern(&mut state.sources, &String::from_utf8_lossy(bind.system_id));
        slot.can_receive = id != CommandId::BindTransmitter;
        let resp = BindResp { system_id: b"SIMULATOR", tlvs: Tlvs::new(&[0x02, 0x10, 0x00, 0x01, 0x34]) };
        resp.encode(id.response(), CommandStatus::ROK, sequence, &mut slot.output).ok()
    }

    fn on_acknowledgement(&mut self, account: usize, session: usize, sequence: u32, status: CommandStatus) {
        let Some(slot) = self.slot(account, session) else { return };
        let Some(owed) = slot.unacknowledged.remove(&sequence) else { return };
        if status == CommandStatus::ROK {
            self.witness.seen.receipts_acknowledged += 1;
            if let Some(spool) = &mut self.spool {
                spool.acknowledged(account, owed.id);
            }
        } else if let Some(state) = self.accounts.get_mut(account) {
            state.owe(owed); // Refused for now: offered again.
        }
    }

    fn on_submit(&mut self, account: usize, session: usize, sequence: u32, message: &ShortMessage<'_>, now: Instant) {
        let recipient = digits(message.destination.addr);
        let part = part_of(message);
        self.witness.submit(account, recipient, part, now);
        let attempt = u32::from(self.witness.n_takes(recipient, part));
        let Some(state) = self.accounts.get_mut(account) else { return };
        let options = &state.options;
        let mut dice = Dice::new(options.seed, recipient, part, attempt.wrapping_add(sequence & 0x3F_0000));
        let is_throttled =
            options.throttle_above.is_some_and(|limit| state.accepted_second.within(now) >= u64::from(limit));
        let refusal = if is_throttled { Some(CommandStatus::RTHROTTLED) } else { dice.refusal(options) };
        let latency = options.answer_latency;
        let answer_at = (!latency.is_zero()).then(|| now + dice.delay(latency));
        if let Some(status) = refusal {
            if is_throttled {
                self.witness.throttle(account);
            }
            self.log_submit(account, session, recipient, part, status.to_string().as_bytes());
            return self.answer_at(answer_at, account, session, sequence, status, 0);
        }
        if options.throttle_above.is_some() {
            state.accepted_second.add(now);
        }
        let faults = options.faults;
        let wants_receipt = message.registered_delivery & 0x03 != 0 && !dice.hits(faults.lost_receipts);
        let final_state = dice.final_state(options);
        let receipt_delay = dice.delay(options.receipt_delay);
        let source = intern(&mut state.sources, &String::from_utf8_lossy(message.source.addr));
        let esme = state
            .sessions
            .get(session)
            .and_then(Option::as_ref)
            .map_or_else(|| Rc::from(""), |slot| Rc::clone(&slot.esme));
        let id = self.next_id;
        self.next_id += 1;
        self.witness.take(account, recipient, part);
        if let Some(spool) = &mut self.spool {
            let state = wants_receipt.then_some(final_state as u8);
            spool.taken(&Taken {
                account,
                recipient,
                part,
                id,
                state,
                source: source.to_string(),
                esme: esme.to_string(),
            });
        }
        if self.log.is_some() {
            let form = self.accounts.get(account).map(|account| account.options.message_ids).unwrap_or_default();
            let mut text = [0; 40];
            let text = put_id(form, id, &mut text).to_vec();
            self.log_submit(account, session, recipient, part, &text);
        }
        let wire = OnTheWire {
            is_early: dice.hits(faults.early_receipts),
            is_cut: dice.hits(faults.disconnects),
            is_unanswered: dice.hits(faults.lost_answers),
            is_double: dice.hits(faults.double_receipts),
            answer_at,
            receipt_at: answer_at.unwrap_or(now) + receipt_delay,
        };
        let owed = wants_receipt.then_some(Owed { id, recipient, state: final_state, source, esme });
        self.put_on_the_wire(account, session, sequence, id, owed, &wire, now);
    }

    /// Answer and receipt of an accepted submit, in the order that the faults say.
    #[expect(clippy::too_many_arguments, reason = "where it came from, what it is, and what goes wrong with it")]
    fn put_on_the_wire(
        &mut self,
        account: usize,
        session: usize,
        sequence: u32,
        id: u64,
        owed: Option<Owed>,
        wire: &OnTheWire,
        now: Instant,
    ) {
        if let Some(owed) = owed {
            if wire.is_double {
                self.owe(account, owed.clone(), wire.receipt_at);
            }
            self.owe(account, owed, if wire.is_early { now } else { wire.receipt_at });
            if wire.is_early {
                self.send_receipts(account);
            }
        }
        if wire.is_cut
            && let Some(slot) = self.slot(account, session)
        {
            slot.cut = true;
        } else if !wire.is_unanswered {
            self.answer_at(wire.answer_at, account, session, sequence, CommandStatus::ROK, id);
        }
    }

    fn answer_at(
        &mut self,
        at: Option<Instant>,
        account: usize,
        session: usize,
        sequence: u32,
        status: CommandStatus,
        id: u64,
    ) {
        match at {
            None => self.answer(account, session, sequence, status, id),
            Some(at) => {
                self.wheel.put(at, Due::Answer { account, session, sequence, status, id });
                self.timers_changed.notify_one();
            }
        }
    }

    fn owe(&mut self, account: usize, owed: Owed, at: Instant) {
        if at > now() {
            self.wheel.put(at, Due::Receipt { account, owed });
            self.timers_changed.notify_one();
        } else if let Some(state) = self.accounts.get_mut(account) {
            state.owe(owed);
        }
    }

    fn log_submit(&mut self, account: usize, session: usize, recipient: u64, part: u8, outcome: &[u8]) {
        if let (Some(log), Some(state)) = (&mut self.log, self.accounts.get(account)) {
            #[expect(clippy::disallowed_methods, reason = "the log is read beside other clocks' logs")]
            let at = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            let at_us = u64::try_from(at.as_micros()).unwrap_or(u64::MAX);
            let esme = state.sessions.get(session).and_then(Option::as_ref).map(|slot| &*slot.esme);
            let carrier = esme.filter(|esme| !esme.is_empty()).unwrap_or(&state.name);
            log.line(at_us, carrier, session, recipient, part, outcome);
        }
    }

    pub(crate) fn open_session(&mut self, account: usize, wake: Rc<Notify>) -> usize {
        let slot = Slot {
            esme: Rc::from(""),
            output: Vec::new(),
            wake,
            can_receive: false,
            unacknowledged: HashMap::new(),
            next_sequence: 1,
            is_bound: false,
            cut: false,
        };
        let Some(state) = self.accounts.get_mut(account) else { return 0 };
        state.sessions.push(Some(slot));
        state.sessions.len() - 1
    }

    pub(crate) fn close_session(&mut self, account: usize, session: usize) {
        let Some(state) = self.accounts.get_mut(account) else { return };
        if let Some(slot) = state.sessions.get_mut(session).and_then(Option::take) {
            state.n_bound -= u32::from(slot.is_bound);
            // What was not acknowledged is still owed.
            for owed in slot.unacknowledged.into_values() {
                state.owe(owed);
            }
        }
        self.send_receipts(account);
    }
}

fn intern(sources: &mut HashSet<Rc<str>>, source: &str) -> Rc<str> {
    if let Some(known) = sources.get(source) {
        return Rc::clone(known);
    }
    let fresh: Rc<str> = source.into();
    sources.insert(Rc::clone(&fresh));
    fresh
}
