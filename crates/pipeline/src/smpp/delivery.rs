//! deliver_sm and data_sm: receipts, replies, and what can't be read.

use volley_core::{ReceiptState, RecipientCheck, SenderCheck, tail_of_address};
use volley_smpp::{
    pdu::{Address, CommandId, Pdu, RawPdu, ShortMessage},
    receipt::{IdRules, MessageState, ReceiptRules, Side, from_deliver_sm},
};

use crate::{
    Receipt, ReceiptBatch, ReceiptHandle, ReplyBatch, ReplyKind,
    event::{Delivery, NewReply},
};

/// Octets kept of a PDU that can't be read.
const RAW_MAX: usize = 4_096;

/// Deliveries of one turn.
#[derive(Debug, Default)]
pub(crate) struct Deliveries {
    pub(crate) receipts: ReceiptBatch,
    pub(crate) replies: ReplyBatch,
    pub(crate) n_unreadable: u64,
    /// Receipts with a state that nobody knows.
    pub(crate) n_unknown_states: u64,
}

/// Names the session that deliveries come on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin {
    pub(crate) bind: u16,
    pub(crate) generation: u32,
}

impl Deliveries {
    /// Reads one delivery. Whatever it is, it ends up in one of the batches: it can be lost
    /// nowhere, and it is acknowledged when its batch is durable.
    pub(crate) fn read(&mut self, pdu: &RawPdu<'_>, origin: Origin, ids: &IdRules, rules: &ReceiptRules) {
        let handle = |request| ReceiptHandle {
            bind: origin.bind,
            request,
            generation: origin.generation,
            sequence_number: pdu.header.sequence_number,
        };
        match pdu.decode() {
            Ok(Pdu::DeliverSm(message)) => self.read_message(handle(Delivery::DeliverSm), &message, ids, rules),
            Ok(Pdu::DataSm(message)) => {
                self.read_message(handle(Delivery::DataSm), &message.as_short_message(), ids, rules);
            }
            Ok(_) | Err(_) => {
                let is_data_sm = pdu.header.command_id == CommandId::DataSm;
                let request = if is_data_sm { Delivery::DataSm } else { Delivery::DeliverSm };
                self.push_unreadable(handle(request), pdu);
            }
        }
    }

    fn read_message(&mut self, handle: ReceiptHandle, message: &ShortMessage<'_>, ids: &IdRules, rules: &ReceiptRules) {
        let Some(receipt) = from_deliver_sm(message, rules) else {
            return self.push_reply(handle, message);
        };
        let state = receipt.state.map_or(ReceiptState::Unknown, state);
        self.n_unknown_states += u64::from(receipt.state.is_none());
        let destination_check = RecipientCheck::of_address(message.destination.addr);
        let check = RecipientCheck::of_address(message.source.addr).or(destination_check);
        let mut digits = [0; 5];
        let (id, err) = (receipt.id, receipt.err.as_text(&mut digits));
        let receipt = Receipt {
            handle,
            id,
            state,
            err,
            check,
            destination_check,
            raw_id: id,
            recipient_tail: tail_of_address(message.source.addr),
            sender: SenderCheck::of(message.destination.addr),
            submitted: receipt.submitted,
        };
        self.receipts.push(receipt, |out| ids.fold(Side::Receipt, id, out));
    }

    fn push_reply(&mut self, handle: ReceiptHandle, message: &ShortMessage<'_>) {
        self.replies.push(NewReply {
            handle,
            kind: ReplyKind::Message,
            esm_class: message.esm_class,
            data_coding: message.data_coding,
            source_ton_npi: ton_npi(&message.source),
            destination_ton_npi: ton_npi(&message.destination),
            source: message.source.addr,
            destination: message.destination.addr,
            text: message.text_octets(),
            tlvs: message.tlvs.octets(),
            raw: &[],
        });
    }

    fn push_unreadable(&mut self, handle: ReceiptHandle, pdu: &RawPdu<'_>) {
        self.n_unreadable += 1;
        self.replies.push(NewReply {
            handle,
            kind: ReplyKind::Unreadable,
            esm_class: 0,
            data_coding: 0,
            source_ton_npi: (0, 0),
            destination_ton_npi: (0, 0),
            source: &[],
            destination: &[],
            text: &[],
            tlvs: &[],
            raw: pdu.body.get(..RAW_MAX).unwrap_or(pdu.body),
        });
    }
}

const fn ton_npi(address: &Address<'_>) -> (u8, u8) {
    (address.ton, address.npi)
}

pub(super) const fn state(state: MessageState) -> ReceiptState {
    match state {
        MessageState::Scheduled => ReceiptState::Scheduled,
        MessageState::Enroute => ReceiptState::Enroute,
        MessageState::Delivered => ReceiptState::Delivered,
        MessageState::Expired => ReceiptState::Expired,
        MessageState::Deleted => ReceiptState::Deleted,
        MessageState::Undeliverable => ReceiptState::Undeliverable,
        MessageState::Accepted => ReceiptState::Accepted,
        MessageState::Unknown => ReceiptState::Unknown,
        MessageState::Rejected => ReceiptState::Rejected,
        MessageState::Skipped => ReceiptState::Skipped,
    }
}

#[cfg(test)]
mod tests {
    use volley_smpp::{
        pdu::{MAX_PDU_LEN, split_frame},
        receipt::{IdMode, ReceiptDate, ReceiptPatterns, Regex},
    };

    use super::*;

    const ORIGIN: Origin = Origin { bind: 3, generation: 9 };

    fn read(octets: &[u8], mode: IdMode) -> Deliveries {
        let mut deliveries = Deliveries::default();
        let ids = IdRules { mode, strip: None };
        deliveries.read(&split_frame(octets, MAX_PDU_LEN).unwrap().unwrap(), ORIGIN, &ids, &ReceiptRules::default());
        deliveries
    }

    fn deliver_sm(source: &[u8], esm_class: u8, text: &[u8]) -> Vec<u8> {
        let message = ShortMessage {
            source: Address { ton: 1, npi: 1, addr: source },
            destination: Address { ton: 5, npi: 0, addr: b"ACME" },
            esm_class,
            short_message: text,
            ..ShortMessage::default()
        };
        let mut out = Vec::new();
        message.encode(CommandId::DeliverSm, 77, &mut out).unwrap();
        out
    }

    #[test]
    fn receipts_are_folded_and_checked() {
        let octets = deliver_sm(b"4915112345678", 4, b"id:00AB submit date:2611241830 stat:UNDELIV err:027 text:");
        let deliveries = read(&octets, IdMode::BothHex);
        let receipts: Vec<_> = deliveries.receipts.iter().collect();
        let handle = ReceiptHandle { bind: 3, request: Delivery::DeliverSm, generation: 9, sequence_number: 77 };
        let check = RecipientCheck::of_address(b"15112345678");
        let state = ReceiptState::Undeliverable;
        let expected = Receipt {
            handle,
            id: b"171",
            state,
            err: b"027",
            check,
            destination_check: None,
            raw_id: b"00AB",
            recipient_tail: Some(112_345_678),
            sender: SenderCheck::of(b"acme"),
            submitted: ReceiptDate::read(b"2611241830"),
        };
        assert_eq!(receipts, [expected]);
    }

    #[test]
    fn a_carrier_s_own_rules_are_kept_to() {
        let octets = deliver_sm(b"4915112345678", 4, b"MSG=X-0077;ST=GONE;E=9");
        let pattern = |pattern| Regex::new(pattern).ok();
        let patterns =
            ReceiptPatterns { id: pattern("MSG=([^;]+)"), stat: pattern("ST=(\\w+)"), err: pattern("E=(\\w+)") };
        let states = vec![("GONE".to_owned(), MessageState::Expired)];
        let rules = ReceiptRules { patterns: Some(patterns), states, accepted_is_delivered: false };
        let ids = IdRules { mode: IdMode::BothDec, strip: pattern("^X-") };
        let mut deliveries = Deliveries::default();
        deliveries.read(&split_frame(&octets, MAX_PDU_LEN).unwrap().unwrap(), ORIGIN, &ids, &rules);
        let receipts: Vec<_> =
            deliveries.receipts.iter().map(|receipt| (receipt.id, receipt.state, receipt.err)).collect();
        assert_eq!(receipts, [(&b"77"[..], ReceiptState::Expired, &b"9"[..])]);
    }

    #[test]
    fn an_unknown_state_is_not_final_and_counted() {
        let deliveries = read(&deliver_sm(b"4915112345678", 4, b"id:1 stat:WHATEVR err:0"), IdMode::AsIs);
        assert_eq!(deliveries.n_unknown_states, 1);
        assert_eq!(
            deliveries.receipts.iter().map(|receipt| receipt.state).collect::<Vec<_>>(),
            [ReceiptState::Unknown]
        );
    }

    #[test]
    fn what_is_no_receipt_is_a_reply() {
        let deliveries = read(&deliver_sm(b"4915112345678", 0, b"STOP"), IdMode::AsIs);
        let reply = deliveries.replies.iter().next().unwrap();
        assert_eq!((reply.source, reply.destination, reply.text), (&b"4915112345678"[..], &b"ACME"[..], &b"STOP"[..]));
        assert_eq!((reply.item.kind, reply.item.source_ton_npi), (ReplyKind::Message, (1, 1)));
        assert!(deliveries.receipts.is_empty());
    }

    #[test]
    fn what_cannot_be_read_is_kept_as_it_came() {
        let mut octets = deliver_sm(b"4915112345678", 0, b"STOP");
        octets.truncate(30);
        octets[3] = 30;
        let deliveries = read(&octets, IdMode::AsIs);
        let reply = deliveries.replies.iter().next().unwrap();
        assert_eq!((reply.item.kind, reply.raw, deliveries.n_unreadable), (ReplyKind::Unreadable, &octets[16..], 1));
    }
}
