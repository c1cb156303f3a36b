//! Submits: whether they are taken, what goes wrong with them, and when answer and receipt are
//! due.

use std::{
    rc::Rc,
    time::{Instant, SystemTime},
};

use volley_smpp::{
    pdu::{CommandStatus, ShortMessage},
    receipt::MessageState,
};

use super::{AccountState, Due, Owed, World, answer::AnswerDue, intern, replies::replies_to};
use crate::{
    decide::Dice,
    encode::{digits, part_of, put_id},
    fault::{Fault, Struck},
    log::Logged,
    options::When,
    spool::Taken,
    witness::Witness,
};

/// Added to an id, it gives one that is never given out.
const UNKNOWN_ID: u64 = 7_000_000_000_000;

/// A submit that came.
#[derive(Clone, Copy)]
pub(super) struct Submit {
    pub(super) account: usize,
    pub(super) session: usize,
    pub(super) sequence: u32,
    recipient: u64,
    part: u8,
}

/// What was decided on a submit that is taken.
struct Decided {
    id: u64,
    struck: Struck,
    /// `None`: no receipt.
    owed: Option<Owed>,
    replies: Vec<Owed>,
    /// `None`: at once.
    answer_at: Option<Instant>,
    receipt_at: Instant,
    reply_at: Instant,
}

impl AccountState {
    /// One more submit is taken: what goes wrong with it.
    fn strike(&mut self, dice: &mut Dice, witness: &mut Witness) -> Struck {
        let mut struck = Struck::default();
        self.n_taken += 1;
        for (fault, when) in &self.armed {
            let hits = match when {
                When::Never => false,
                When::Share(share) => dice.hits(*share),
                When::At(n) => *n == self.n_taken,
            };
            if hits {
                struck.insert(*fault);
                witness.fault(fault.key());
            }
        }
        struck
    }
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
        let (recipient, part) = (digits(message.destination.addr), part_of(message));
        let submit = Submit { account, session, sequence, recipient, part };
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
            let struck = Struck::default();
            self.log_submit(&submit, status.to_string().as_bytes(), struck);
            return self.answer_at(answer_at, AnswerDue { submit, status, id: 0, struck });
        }
        if options.throttle_above.is_some() {
            state.accepted_second.add(now);
        }
        let Some(decided) = self.decide(&submit, message, &mut dice, answer_at, now) else { return };
        self.remember_taken(&submit, &decided);
        self.put_on_the_wire(&submit, decided, now);
    }

    /// What becomes of a submit that is taken.
    fn decide(
        &mut self,
        submit: &Submit,
        message: &ShortMessage<'_>,
        dice: &mut Dice,
        answer_at: Option<Instant>,
        now: Instant,
    ) -> Option<Decided> {
        let taken_s = self.unix_s(now);
        let state = self.accounts.get_mut(submit.account)?;
        let struck = state.strike(dice, &mut self.witness);
        let final_state = dice.final_state(&state.options);
        let mut receipt_at = answer_at.unwrap_or(now) + dice.delay(state.options.receipt_delay);
        if struck.by(Fault::LateReceipt) {
            receipt_at += state.options.faults.late_receipts.lasts.unwrap_or_default();
        }
        let id = self.next_id;
        self.next_id += 1;
        let wants_receipt = message.registered_delivery & 0x03 != 0 && !struck.by(Fault::LostReceipt);
        let source = intern(&mut state.sources, &String::from_utf8_lossy(message.source.addr));
        state.know(id, final_state, receipt_at, &source);
        let slot = state.sessions.get(submit.session).and_then(Option::as_ref);
        let esme = slot.map_or_else(|| Rc::from(""), |slot| Rc::clone(&slot.esme));
        let owed = Owed { id, recipient: submit.recipient, state: final_state, taken_s, source, esme, reply: None };
        let options = &state.options.replies;
        let replies = if submit.part == 1 { replies_to(options, dice, &owed) } else { Vec::new() };
        let reply_at = answer_at.unwrap_or(now) + dice.delay(options.delay);
        let owed = wants_receipt.then_some(owed);
        Some(Decided { id, struck, owed, replies, answer_at, receipt_at, reply_at })
    }

    /// Counts, spools and logs a submit that is taken.
    fn remember_taken(&mut self, submit: &Submit, decided: &Decided) {
        let Submit { account, recipient, part, .. } = *submit;
        self.witness.take(account, recipient, part);
        if let Some(spool) = &mut self.spool {
            let owed = decided.owed.as_ref();
            spool.taken(&Taken {
                account,
                recipient,
                part,
                id: decided.id,
                state: owed.map(|owed| owed.state as u8),
                taken_s: owed.map_or(0, |owed| owed.taken_s),
                source: owed.map(|owed| owed.source.to_string()).unwrap_or_default(),
                esme: owed.map(|owed| owed.esme.to_string()).unwrap_or_default(),
            });
        }
        if self.log.is_some() {
            let form = self.accounts.get(account).map(|account| account.options.message_ids).unwrap_or_default();
            let mut text = [0; 40];
            let text = put_id(form, decided.id, &mut text).to_vec();
            self.log_submit(submit, &text, decided.struck);
        }
    }

    /// Answer and receipts of a submit that is taken, in the order that the faults say.
    fn put_on_the_wire(&mut self, submit: &Submit, decided: Decided, now: Instant) {
        let Decided { id, struck, owed, replies, answer_at, receipt_at, reply_at } = decided;
        for reply in replies {
            self.owe(submit.account, reply, reply_at);
        }
        if let Some(owed) = owed {
            let is_early = struck.by(Fault::EarlyReceipt);
            self.owe_receipts(submit.account, owed, struck, if is_early { now } else { receipt_at });
            if is_early {
                self.send_receipts(submit.account);
            }
        }
        let answer = AnswerDue { submit: *submit, status: CommandStatus::ROK, id, struck };
        if struck.is_empty() || self.break_session(&answer) {
            self.answer_at(answer_at, answer);
        }
    }

    fn owe_receipts(&mut self, account: usize, owed: Owed, struck: Struck, at: Instant) {
        let repeat = self.accounts.get(account).and_then(|account| account.options.faults.repeat_receipts);
        let n_more = repeat.map_or(0, |repeat| repeat.get() - 1) + u32::from(struck.by(Fault::DoubleReceipt));
        for _ in 0..n_more {
            self.owe(account, owed.clone(), at);
        }
        if struck.by(Fault::UnknownReceipt) {
            self.owe(account, Owed { id: owed.id + UNKNOWN_ID, ..owed.clone() }, at);
        }
        let enroute = struck.by(Fault::ReorderedReceipt).then(|| Owed { state: MessageState::Enroute, ..owed.clone() });
        self.owe(account, owed, at);
        if let Some(enroute) = enroute {
            self.owe(account, enroute, at);
        }
    }

    fn answer_at(&mut self, at: Option<Instant>, answer: AnswerDue) {
        match at {
            None => self.answer(answer),
            Some(at) => self.put_due(at, Due::Answer(answer)),
        }
    }

    fn log_submit(&mut self, submit: &Submit, outcome: &[u8], struck: Struck) {
        let Submit { account, session, recipient, part, .. } = *submit;
        if let (Some(log), Some(state)) = (&mut self.log, self.accounts.get(account)) {
            #[expect(clippy::disallowed_methods, reason = "the log is read beside other clocks' logs")]
            let at = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            let at_us = u64::try_from(at.as_micros()).unwrap_or(u64::MAX);
            let esme = state.sessions.get(session).and_then(Option::as_ref).map(|slot| &*slot.esme);
            let carrier = esme.filter(|esme| !esme.is_empty()).unwrap_or(&state.name);
            log.line(at_us, carrier, session, &Logged { recipient, part, outcome, struck });
        }
    }
}
