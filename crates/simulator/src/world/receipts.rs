//! Receipts: owed, sent, acknowledged.

use std::time::Instant;

use volley_smpp::pdu::CommandStatus;

use super::{AccountState, Due, Owed, Slot, World, after};
use crate::{
    encode::{ReceiptFacts, put_receipt, put_reply},
    server::now,
};

/// Receipts on a session that are not acknowledged.
const RECEIPT_WINDOW: usize = 1_000;

impl World {
    pub(super) fn owe(&mut self, account: usize, owed: Owed, at: Instant) {
        if at > now() {
            self.put_due(at, Due::Receipt { account, owed });
        } else if let Some(state) = self.accounts.get_mut(account) {
            state.owe(owed);
        }
    }

    /// Sends what is owed, as far as sessions of the same account name take it, in turn.
    pub(super) fn send_receipts(&mut self, account: usize) {
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
                        taken_s: owed.taken_s,
                        source: &owed.source,
                    };
                    match &owed.reply {
                        None => {
                            put_receipt(options, &facts, slot.next_sequence, &mut slot.output);
                            self.witness.seen.receipts_sent += 1;
                        }
                        Some(part) => {
                            put_reply(&facts, part, slot.next_sequence, &mut slot.output);
                            self.witness.seen.replies_sent += 1;
                        }
                    }
                    slot.unacknowledged.insert(slot.next_sequence, owed);
                    slot.next_sequence = after(slot.next_sequence);
                }
                slot.wake.notify_one();
            }
        }
    }

    pub(super) fn on_acknowledgement(&mut self, account: usize, session: usize, sequence: u32, status: CommandStatus) {
        let Some(slot) = self.slot(account, session) else { return };
        let Some(owed) = slot.unacknowledged.remove(&sequence) else { return };
        if status == CommandStatus::ROK && owed.reply.is_some() {
            self.witness.seen.replies_acknowledged += 1;
        } else if status == CommandStatus::ROK {
            self.witness.seen.receipts_acknowledged += 1;
            if let Some(spool) = &mut self.spool {
                spool.acknowledged(account, owed.id);
            }
        } else if let Some(state) = self.accounts.get_mut(account) {
            state.owe(owed); // Refused for now: offered again.
        }
    }
}
