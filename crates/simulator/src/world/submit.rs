//! Submits: what becomes of them, and when.

use std::{
    rc::Rc,
    time::{Instant, SystemTime},
};

use volley_smpp::pdu::{CommandId, CommandStatus, MessageResp, ShortMessage, encode_header_only};

use super::{Due, Owed, World, intern};
use crate::{
    decide::Dice,
    encode::{digits, part_of, put_id},
    spool::Taken,
};

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

impl World {
    pub(super) fn on_submit(
        &mut self,
        account: usize,
        session: usize,
        sequence: u32,
        message: &ShortMessage<'_>,
        now: Instant,
    ) {
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

    pub(super) fn answer(&mut self, account: usize, session: usize, sequence: u32, status: CommandStatus, id: u64) {
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
}
