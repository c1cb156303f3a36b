//! Carriers that misbehave as the scenario says, and remember the truth.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use volley_core::{ReceiptState, RecipientCheck};
use volley_smpp::{
    pdu::{
        Address, BindResp, CommandId, CommandStatus, ESM_CLASS_UDHI, MAX_PDU_LEN, MessageResp, Pdu, ShortMessage, Tlvs,
        encode_header_only, put_tlv, split_frame, tag,
    },
    receipt::MessageState,
};

use crate::simulation::{
    fault::Fault,
    model::{Violation, broken},
    net::{ConnId, Due},
    scenario::Shares,
    world::{Sim, World},
};

/// Receipts and replies on one session that wait for their acknowledgement.
const UNACKNOWLEDGED_MAX: usize = 20;
/// How long a late answer takes: longer than we wait for it.
const LATE_US: u64 = 8_000_000;

/// One carrier account.
#[derive(Default)]
pub(crate) struct Smsc {
    next_id: u64,
    /// Who got which id.
    ids: BTreeMap<u64, BTreeSet<u32>>,
    last_ids: Vec<(u64, u32)>,
    owed: VecDeque<Owed>,
    n_acknowledged: HashMap<(Vec<u8>, u8, String), u32>,
    /// Who said STOP and was told that we know.
    stops_acknowledged: BTreeSet<String>,
    n_replies: u64,
    stopped: BTreeSet<u32>,
    pub(crate) written_at_us: Vec<u64>,
}

/// A receipt or a reply that a carrier has for us.
#[derive(Debug, Clone)]
pub(crate) struct Owed {
    /// The id, or the reply's number.
    pub(crate) number: u64,
    pub(crate) recipient: String,
    /// `None`: a reply.
    pub(crate) state: Option<MessageState>,
    /// When its message was taken, by the carrier's clock.
    pub(crate) taken_us: u64,
}

/// What a carrier does at its time.
pub(crate) enum Action {
    /// Answers a submit.
    Answer { conn: ConnId, pdu: Vec<u8>, row: u32 },
    /// Owes a receipt or reply from now on.
    Owe(Owed),
    /// Sends what it held back.
    Release(ConnId),
}

impl Action {
    pub(crate) const fn is_of_connection(&self) -> bool {
        match self {
            Self::Answer { .. } | Self::Release(_) => true,
            Self::Owe(_) => false,
        }
    }
}

/// Recipient and segment of a submit.
pub(crate) fn address_of(message: &ShortMessage<'_>) -> (String, u8) {
    let recipient = String::from_utf8_lossy(message.destination.addr).into_owned();
    let segment = match (message.esm_class & ESM_CLASS_UDHI != 0, message.text_octets()) {
        (true, [5, 0, 3, _, _, part, ..]) => part.saturating_sub(1),
        _ => 0,
    };
    (recipient, segment)
}

impl World {
    pub(crate) fn row_of(&self, recipient: &str) -> Option<u32> {
        let n: u32 = recipient.strip_prefix(crate::simulation::list::PREFIX)?.parse().ok()?;
        (n < self.scenario.n_rows).then_some(n)
    }

    pub(crate) fn shares(&self, smsc: usize) -> Shares {
        self.scenario.carriers.get(smsc).map(|plan| plan.shares).unwrap_or_default()
    }

    pub(crate) fn latency_us(&self, smsc: usize) -> u64 {
        self.scenario.carriers.get(smsc).map_or(0, |plan| plan.latency_ms * 1_000)
    }

    /// What was not acknowledged is delivered again.
    pub(crate) fn owe_again(&mut self, smsc: usize, owed: HashMap<u32, Owed>) {
        let mut owed: Vec<_> = owed.into_iter().collect();
        owed.sort_unstable_by_key(|(sequence, _)| *sequence);
        for (_, owed) in owed {
            self.strike(Fault::ReceiptAgain);
            if let Some(it) = self.smscs.get_mut(smsc) {
                it.owed.push_back(owed);
            }
        }
    }

    /// I8: that the journal holds what is acknowledged.
    pub(crate) fn check_acknowledged(&mut self, smsc: usize, owed: &Owed) -> Result<(), Violation> {
        let row = self.row_of(&owed.recipient).unwrap_or_default();
        let Some(it) = self.smscs.get_mut(smsc) else { return Ok(()) };
        let Some(state) = owed.state else {
            it.stops_acknowledged.insert(owed.recipient.clone());
            return self.check_stopped(&owed.recipient);
        };
        let key = owed.number.to_string().into_bytes();
        let n = it.n_acknowledged.entry((key.clone(), state as u8, owed.recipient.clone())).or_default();
        *n += 1;
        let check = RecipientCheck::of_address(owed.recipient.as_bytes()).unwrap_or_default();
        let n_durable = self.model.n_durable(smsc as u8, &key, state as u8, check);
        match *n > n_durable {
            true => Err(broken("I8", row, format!("receipt acknowledged {n} times, {n_durable} times in the journal"))),
            false => Ok(()),
        }
    }

    /// I8, I16: whoever's STOP was acknowledged is on the list, by the journal.
    fn check_stopped(&self, recipient: &str) -> Result<(), Violation> {
        let check = RecipientCheck::of_address(recipient.as_bytes()).unwrap_or_default();
        match self.model.is_suppressed(check) {
            true => Ok(()),
            false => {
                let row = self.row_of(recipient).unwrap_or_default();
                Err(broken("I8", row, "a STOP was acknowledged, and the journal does not hold it".to_owned()))
            }
        }
    }

    /// I8: that the journal still holds all that was acknowledged.
    pub(crate) fn check_kept(&self) -> Result<(), Violation> {
        let mut stopped = self.smscs.iter().flat_map(|it| &it.stops_acknowledged);
        stopped.try_for_each(|recipient| self.check_stopped(recipient))?;
        for (smsc, it) in self.smscs.iter().enumerate() {
            for ((key, state, recipient), n) in &it.n_acknowledged {
                let check = RecipientCheck::of_address(recipient.as_bytes()).unwrap_or_default();
                let n_durable = self.model.n_durable(smsc as u8, key, *state, check);
                if *n > n_durable {
                    let row = self.row_of(recipient).unwrap_or_default();
                    let what =
                        format!("receipt acknowledged {n} times, {n_durable} times in the journal after a crash");
                    return Err(broken("I8", row, what));
                }
            }
        }
        Ok(())
    }

    fn put_action(&mut self, delay_us: u64, smsc: usize, action: Action) {
        let at = self.now_us + delay_us;
        self.network.put(at, Due::Smsc(smsc, action));
    }
}

impl Sim {
    /// Octets arrive at a carrier.
    pub(crate) fn at_smsc(&self, world: &mut World, conn: ConnId, octets: &[u8]) {
        let Some(it) = world.network.conns.get_mut(conn) else { return };
        if it.closed_there || it.is_silent {
            return;
        }
        it.read_there.extend_from_slice(octets);
        while let Some(it) = world.network.conns.get_mut(conn).filter(|it| !it.closed_there && !it.is_silent) {
            let (smsc, input) = (it.smsc, std::mem::take(&mut it.read_there));
            let Ok(Some(raw)) = split_frame(&input, MAX_PDU_LEN) else {
                it.read_there = input;
                break;
            };
            let (id, sequence, status) = (raw.header.command_id, raw.header.sequence_number, raw.header.command_status);
            it.read_there = input.get(raw.n_octets()..).unwrap_or_default().to_vec();
            match raw.decode() {
                Ok(Pdu::Bind(_)) => world.on_bind(conn, id, sequence),
                Ok(Pdu::SubmitSm(message)) => self.on_submit(world, conn, sequence, &address_of(&message)),
                Ok(Pdu::EnquireLink) => {
                    world.reply_header(conn, CommandId::EnquireLinkResp, CommandStatus::ROK, sequence)
                }
                Ok(Pdu::Unbind) => {
                    world.reply_header(conn, CommandId::UnbindResp, CommandStatus::ROK, sequence);
                    world.close_conn(conn);
                }
                _ if id == CommandId::DeliverSmResp => {
                    let owed = world.network.conns.get_mut(conn).and_then(|it| it.unacknowledged.remove(&sequence));
                    if let (Some(owed), true) = (owed, status != CommandStatus::ROK)
                        && let Some(it) = world.smscs.get_mut(smsc)
                    {
                        it.owed.push_back(owed);
                    }
                }
                _ => {}
            }
            world.deliver(smsc);
        }
    }

    /// Does what a carrier had in mind for now.
    pub(crate) fn act(&self, world: &mut World, smsc: usize, action: Action) {
        match action {
            Action::Answer { conn, pdu, row } => world.answer(smsc, conn, pdu, row),
            Action::Release(conn) => {
                let held = world.network.conns.get_mut(conn).map(|it| std::mem::take(&mut it.held)).unwrap_or_default();
                world.send_to_engine(conn, held, 0);
            }
            Action::Owe(owed) => {
                if let Some(it) = world.smscs.get_mut(smsc) {
                    it.owed.push_back(owed);
                }
                world.deliver(smsc);
            }
        }
    }

    fn on_submit(&self, world: &mut World, conn: ConnId, sequence: u32, to: &(String, u8)) {
        let (recipient, segment) = to;
        let Some(row) = world.row_of(recipient) else { return };
        let Some(smsc) = world.network.conns.get(conn).map(|it| it.smsc) else { return };
        let shares = world.shares(smsc);
        if world.dice.chance(shares.silent) {
            world.strike(Fault::PeerSilent);
            if let Some(it) = world.network.conns.get_mut(conn) {
                it.is_silent = true;
            }
            return;
        }
        if let Some(status) = world.refusal(shares, row) {
            if let Some(it) = world.model.segment(row, *segment) {
                it.n_refused_truly += 1;
            }
            let mut pdu = Vec::new();
            encode_header_only(CommandId::SubmitSmResp, status, sequence, &mut pdu);
            return world.plan_answer(smsc, conn, pdu, row);
        }
        if world.dice.chance(shares.submit_lost) {
            return world.strike_row(Fault::SubmitLost, row);
        }
        world.note("taken", Some(row), [smsc as u64, u64::from(*segment)]);
        let checked = world.model.on_taken(row, *segment);
        self.judge(world, checked);
        let id = world.new_id(smsc, row);
        let is_early = world.dice.chance(shares.receipt_early);
        world.plan_receipts(smsc, id, recipient, row, is_early);
        if is_early {
            world.deliver(smsc);
        }
        let is_hex = world.scenario.carriers.get(smsc).is_some_and(|plan| plan.is_hex);
        let text = if is_hex { format!("{id:X}") } else { id.to_string() };
        let mut pdu = Vec::new();
        let answer = MessageResp { message_id: text.as_bytes(), ..MessageResp::default() };
        // An id of ours always fits.
        let _ = answer.encode(CommandId::SubmitSmResp, CommandStatus::ROK, sequence, &mut pdu);
        world.plan_answer(smsc, conn, pdu, row);
    }
}

impl World {
    fn reply_header(&mut self, conn: ConnId, id: CommandId, status: CommandStatus, sequence: u32) {
        let mut pdu = Vec::new();
        encode_header_only(id, status, sequence, &mut pdu);
        self.send_to_engine(conn, pdu, 500);
    }

    fn on_bind(&mut self, conn: ConnId, id: CommandId, sequence: u32) {
        let Some(smsc) = self.network.conns.get(conn).map(|it| it.smsc) else { return };
        let share = self.shares(smsc).bind_refused;
        if self.dice.chance(share) {
            self.strike(Fault::BindRefused);
            self.reply_header(conn, id.response(), CommandStatus::RSYSERR, sequence);
            return self.close_conn(conn);
        }
        let mut pdu = Vec::new();
        // A name of ours always fits.
        let _ = BindResp { system_id: b"proof", ..BindResp::default() }.encode(
            id.response(),
            CommandStatus::ROK,
            sequence,
            &mut pdu,
        );
        self.send_to_engine(conn, pdu, 500);
        if let Some(it) = self.network.conns.get_mut(conn) {
            it.is_bound = true;
        }
    }

    fn refusal(&mut self, shares: Shares, row: u32) -> Option<CommandStatus> {
        let kinds = [
            (shares.throttled, Fault::Throttled, CommandStatus::RTHROTTLED),
            (shares.queue_full, Fault::QueueFull, CommandStatus::RMSGQFUL),
            (shares.refused_for_now, Fault::RefusedForNow, CommandStatus(0x45)),
            (shares.refused_for_good, Fault::RefusedForGood, CommandStatus(0x0B)),
        ];
        for (share, fault, status) in kinds {
            if self.dice.chance(share) {
                self.strike_row(fault, row);
                return Some(status);
            }
        }
        None
    }

    /// An id for a message to `row`: as a rule a new one.
    fn new_id(&mut self, smsc: usize, row: u32) -> u64 {
        let share = self.shares(smsc).id_reused;
        let reuse = self.dice.chance(share);
        let Some(it) = self.smscs.get_mut(smsc) else { return 0 };
        let old =
            it.last_ids.iter().map(|(id, _)| *id).find(|id| it.ids.get(id).is_some_and(|rows| !rows.contains(&row)));
        let id = match old.filter(|_| reuse) {
            Some(id) => id,
            None => {
                it.next_id += 1;
                10_000 + it.next_id
            }
        };
        it.last_ids.push((id, row));
        let rows = it.ids.entry(id).or_default();
        rows.insert(row);
        if rows.len() > 1 {
            self.strike_row(Fault::IdReused, row);
        }
        id
    }

    fn plan_receipts(&mut self, smsc: usize, id: u64, recipient: &str, row: u32, is_early: bool) {
        let shares = self.shares(smsc);
        let receipt_us = self.scenario.carriers.get(smsc).map_or(1, |plan| plan.receipt_ms * 1_000);
        let is_hex = self.scenario.carriers.get(smsc).is_some_and(|plan| plan.is_hex);
        if self.dice.chance(shares.receipt_never) {
            return self.strike_row(Fault::ReceiptNever, row);
        }
        if is_hex {
            self.faults.count(Fault::IdReformatted);
        }
        let others = [MessageState::Undeliverable, MessageState::Expired, MessageState::Rejected];
        let is_undelivered = self.dice.chance(shares.undelivered);
        let state = self.dice.pick(&others).filter(|_| is_undelivered).unwrap_or(MessageState::Delivered);
        let mut delay = self.latency_us(smsc) + self.dice.between(1, receipt_us);
        if self.dice.chance(shares.receipt_late) {
            self.strike_row(Fault::ReceiptLate, row);
            delay += self.dice.between(5_000_000, 90_000_000);
        }
        if is_early {
            self.strike_row(Fault::ReceiptEarly, row);
            delay = 0;
        }
        let taken_us = self.now_us;
        let owed = |state| Owed { number: id, recipient: recipient.to_owned(), state: Some(state), taken_us };
        let owe = |world: &mut Self, delay: u64, owed: Owed| match delay {
            0 => world.smscs.get_mut(smsc).into_iter().for_each(|it| it.owed.push_back(owed.clone())),
            _ => world.put_action(delay, smsc, Action::Owe(owed)),
        };
        owe(self, delay, owed(state));
        let later = self.dice.between(0, 2_000_000);
        if self.dice.chance(shares.receipt_twice) {
            self.strike_row(Fault::ReceiptTwice, row);
            owe(self, delay + later, owed(state));
        }
        if self.dice.chance(shares.receipts_shuffled) {
            self.strike_row(Fault::ReceiptsShuffled, row);
            owe(self, delay + later, owed(MessageState::Enroute));
        }
        if self.dice.chance(shares.receipts_contradict) {
            self.strike_row(Fault::ReceiptsContradict, row);
            let other =
                if state == MessageState::Delivered { MessageState::Undeliverable } else { MessageState::Delivered };
            owe(self, delay + later, owed(other));
        }
        if self.dice.chance(shares.receipt_foreign) {
            self.strike(Fault::ReceiptForeign);
            let recipient = format!("{}{:05}", crate::simulation::list::FOREIGN, self.dice.below(100_000));
            // Now and then for an id that one of ours has.
            let number = if self.dice.chance(300) { id } else { 900_000 + id };
            owe(self, delay + later, Owed { number, recipient, state: Some(MessageState::Delivered), taken_us });
        }
        let is_new = self.smscs.get_mut(smsc).is_some_and(|it| it.stopped.insert(row));
        if self.dice.chance(shares.stop_reply) && is_new {
            self.strike_row(Fault::StopReply, row);
            let number = self
                .smscs
                .iter_mut()
                .map(|it| {
                    it.n_replies += 1;
                    it.n_replies
                })
                .max()
                .unwrap_or(0);
            self.put_action(
                delay,
                smsc,
                Action::Owe(Owed { number, recipient: recipient.to_owned(), state: None, taken_us }),
            );
        }
    }

    fn plan_answer(&mut self, smsc: usize, conn: ConnId, pdu: Vec<u8>, row: u32) {
        let shares = self.shares(smsc);
        if self.dice.chance(shares.answer_lost) {
            return self.strike_row(Fault::AnswerLost, row);
        }
        let latency_us = self.latency_us(smsc);
        let mut delay = self.dice.between(0, latency_us);
        if self.dice.chance(shares.answer_late) {
            self.strike_row(Fault::AnswerLate, row);
            delay += self.dice.between(LATE_US / 4, LATE_US);
        }
        self.put_action(delay, smsc, Action::Answer { conn, pdu, row });
    }

    /// Sends an answer, with all that can go wrong then.
    fn answer(&mut self, smsc: usize, conn: ConnId, pdu: Vec<u8>, row: u32) {
        let shares = self.shares(smsc);
        let latency_us = self.latency_us(smsc);
        if self.dice.chance(shares.cut) {
            let n = if self.dice.chance(500) { self.dice.between(1, pdu.len() as u64 - 1) as usize } else { 0 };
            self.strike_row(if n > 0 { Fault::CutInPdu } else { Fault::CutBetweenPdus }, row);
            self.send_to_engine(conn, pdu.get(..n).unwrap_or_default().to_vec(), 0);
            return self.close_conn(conn);
        }
        if self.dice.chance(shares.answers_swapped) {
            self.strike_row(Fault::AnswersSwapped, row);
            if let Some(it) = self.network.conns.get_mut(conn) {
                it.held.extend_from_slice(&pdu);
            }
            return self.put_action(latency_us + 50_000, smsc, Action::Release(conn));
        }
        let delay = self.dice.between(0, latency_us);
        if self.dice.chance(shares.answer_twice) {
            self.strike_row(Fault::AnswerTwice, row);
            self.send_to_engine(conn, pdu.clone(), delay);
        }
        if self.dice.chance(shares.answer_unknown) {
            self.strike(Fault::AnswerUnknown);
            let mut other = pdu.clone();
            volley_smpp::pdu::patch_sequence(&mut other, 0x00F0_0000 + row);
            self.send_to_engine(conn, other, delay);
        }
        self.send_to_engine(conn, pdu, delay);
    }

    /// Sends what is owed, over whichever sessions there are.
    fn deliver(&mut self, smsc: usize) {
        let bound: Vec<ConnId> = (0..self.network.conns.len())
            .filter(|conn| self.network.conns.get(*conn).is_some_and(|it| it.smsc == smsc && it.takes_deliveries()))
            .collect();
        let Some(conn) = self.dice.pick(&bound) else { return };
        let is_hex = self.scenario.carriers.get(smsc).is_some_and(|plan| plan.is_hex);
        let mut octets = Vec::new();
        while let Some(it) = self.network.conns.get_mut(conn).filter(|it| it.takes_deliveries()) {
            let Some(owed) = self.smscs.get_mut(smsc).and_then(|smsc| smsc.owed.pop_front()) else { break };
            let sequence = it.next_sequence;
            it.next_sequence += 1;
            put_delivery(&owed, is_hex, sequence, &mut octets);
            it.unacknowledged.insert(sequence, owed);
        }
        if !octets.is_empty() {
            self.send_to_engine(conn, octets, 0);
        }
    }
}

impl crate::simulation::net::Conn {
    fn takes_deliveries(&self) -> bool {
        self.is_bound && !self.is_silent && !self.closed_there && self.unacknowledged.len() < UNACKNOWLEDGED_MAX
    }
}

fn put_delivery(owed: &Owed, is_hex: bool, sequence: u32, out: &mut Vec<u8>) {
    let source = Address { ton: 1, npi: 1, addr: owed.recipient.as_bytes() };
    let destination = Address { ton: 5, npi: 0, addr: crate::simulation::list::SENDER.as_bytes() };
    let Some(state) = owed.state else {
        let message = ShortMessage { source, destination, short_message: b"STOP", ..ShortMessage::default() };
        // A word always fits.
        let _ = message.encode(CommandId::DeliverSm, sequence, out);
        return;
    };
    // Where answers hold the hexadecimal form, receipts hold the decimal one, padded.
    let id = if is_hex { format!("{:010}", owed.number) } else { owed.number.to_string() };
    let mut tlvs = Vec::new();
    let mut c_string = id.clone().into_bytes();
    c_string.push(0);
    put_tlv(&mut tlvs, tag::RECEIPTED_MESSAGE_ID, &c_string);
    put_tlv(&mut tlvs, tag::MESSAGE_STATE, &[state as u8]);
    // Every simulation begins with the year 2026.
    let minute = owed.taken_us / 60_000_000;
    let taken = format!("2601{:02}{:02}{:02}", 1 + minute / 1_440, minute / 60 % 24, minute % 60);
    let text =
        format!("id:{id} sub:001 dlvrd:001 submit date:{taken} done date:{taken} stat:{} err:000 text:", state.word());
    let message = ShortMessage {
        source,
        destination,
        esm_class: 0x04,
        short_message: text.as_bytes(),
        tlvs: Tlvs::new(&tlvs),
        ..ShortMessage::default()
    };
    // A receipt of ours always fits.
    let _ = message.encode(CommandId::DeliverSm, sequence, out);
    debug_assert!(ReceiptState::from_u8(state as u8).is_some(), "both number states alike");
}
