//! Answers, and what goes wrong with them or with the session that they go out on.

use std::time::Duration;

use volley_smpp::pdu::{CommandId, CommandStatus, MessageResp, encode_header_only};

use super::{Due, End, Slot, World, submit::Submit};
use crate::{
    encode::put_id,
    fault::{Fault, Struck},
    options::IdForm,
    server::now,
};

/// An answer that is held back goes out so much later, if no other takes it along.
const HELD_FOR: Duration = Duration::from_millis(50);
/// Turns a sequence number into one that nobody uses within 2^30 submits.
const UNKNOWN_SEQUENCE: u32 = 0x4000_0000;
/// What a load balancer in front of the SMSC may say: its first octets are no length of a PDU.
const GARBAGE: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";

/// An answer to be given.
#[derive(Clone, Copy)]
pub(super) struct AnswerDue {
    pub(super) submit: Submit,
    pub(super) status: CommandStatus,
    pub(super) id: u64,
    pub(super) struck: Struck,
}

impl AnswerDue {
    fn encode(&self, form: IdForm, sequence: u32, out: &mut Vec<u8>) {
        if self.status == CommandStatus::ROK {
            let mut text = [0; 40];
            let message_id = put_id(form, self.id, &mut text);
            let resp = MessageResp { message_id, ..MessageResp::default() };
            // Never too long: at most 36 octets.
            let _ = resp.encode(CommandId::SubmitSmResp, self.status, sequence, out);
        } else {
            encode_header_only(CommandId::SubmitSmResp, self.status, sequence, out);
        }
    }
}

impl World {
    pub(super) fn answer(&mut self, due: AnswerDue) {
        let Submit { account, session, sequence, .. } = due.submit;
        let Some(form) = self.accounts.get(account).map(|account| account.options.message_ids) else { return };
        let Some(slot) = self.slot(account, session) else { return };
        if due.struck.is_empty() && slot.held.is_empty() {
            return due.encode(form, sequence, &mut slot.output);
        }
        if due.struck.by(Fault::ReorderedAnswer) {
            let is_first = slot.held.is_empty();
            due.encode(form, sequence, &mut slot.held);
            if is_first {
                self.put_due(now() + HELD_FOR, Due::Held { account, session });
            }
            return;
        }
        if due.struck.by(Fault::UnknownAnswer) {
            due.encode(form, sequence ^ UNKNOWN_SEQUENCE, &mut slot.output);
        }
        due.encode(form, sequence, &mut slot.output);
        if due.struck.by(Fault::DoubleAnswer) {
            due.encode(form, sequence, &mut slot.output);
        }
        slot.release_held();
    }

    /// Faults of the session that strike with this answer; says whether it is given all the same.
    pub(super) fn break_session(&mut self, due: &AnswerDue) -> bool {
        let Submit { account, session, sequence, .. } = due.submit;
        let Some(state) = self.accounts.get_mut(account) else { return false };
        let Some(slot) = state.sessions.get_mut(session).and_then(Option::as_mut) else { return false };
        let struck = due.struck;
        let ends = [
            (Fault::Reset, End::Reset),
            (Fault::HalfOpen, End::HalfOpen),
            (Fault::CutPdu, End::Cut),
            (Fault::Disconnect, End::Closed),
        ];
        if let Some((fault, end)) = ends.into_iter().find(|(fault, _)| struck.by(*fault)) {
            if fault == Fault::CutPdu {
                let start = slot.output.len();
                due.encode(state.options.message_ids, sequence, &mut slot.output);
                slot.output.truncate(start.midpoint(slot.output.len()));
            }
            slot.end = Some(end);
            return false;
        }
        if struck.by(Fault::Garbage) {
            slot.output.extend_from_slice(GARBAGE);
            return false;
        }
        if struck.by(Fault::Unbind) {
            slot.can_receive = false;
            encode_header_only(CommandId::Unbind, CommandStatus::ROK, slot.next_sequence, &mut slot.output);
            slot.next_sequence = super::after(slot.next_sequence);
        }
        if struck.by(Fault::Stall) {
            slot.is_silent = true;
            if let Some(lasts) = state.options.faults.stalls.lasts {
                self.put_due(now() + lasts, Due::Speak { account, session });
            }
        }
        !struck.by(Fault::LostAnswer)
    }
}

impl Slot {
    /// Answers that were held back go out.
    pub(super) fn release_held(&mut self) {
        self.output.append(&mut self.held);
    }
}
