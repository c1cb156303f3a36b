//! Submits read and receipts written: addresses, parts, ids.

use volley_smpp::{
    pdu::{Address, CommandId, ESM_CLASS_UDHI, ShortMessage, Tlvs, put_tlv, tag},
    receipt::MessageState,
    time::absolute_utc,
};

use crate::{IdForm, ReceiptForm, SimulatorOptions, world::ReplyPart};

/// The digits of an address as a number; addresses beyond 16 digits collide, which no MSISDN is.
pub(crate) fn digits(address: &[u8]) -> u64 {
    let digits = address.iter().filter(|octet| octet.is_ascii_digit());
    digits.fold(0_u64, |sum, digit| sum.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'))) & ((1 << 56) - 1)
}

/// Which part of its message a submit is: by user data header or sar_* TLVs; 1 when alone.
pub(crate) fn part_of(message: &ShortMessage<'_>) -> u8 {
    if message.esm_class & ESM_CLASS_UDHI != 0 {
        return match message.text_octets() {
            [5, 0, 3, _, _, part, ..] | [6, 8, 4, _, _, _, part, ..] => *part,
            _ => 1,
        };
    }
    message.tlvs.find(tag::SAR_SEGMENT_SEQNUM).and_then(|value| value.first().copied()).unwrap_or(1)
}

pub(crate) fn put_id(form: IdForm, id: u64, out: &mut [u8; 40]) -> &[u8] {
    use std::io::Write as _;
    let mut rest = out.as_mut_slice();
    let _ = match form {
        IdForm::Decimal => write!(rest, "{id}"),
        IdForm::Hex => write!(rest, "{id:X}"),
        IdForm::Padded => write!(rest, "{id:012}"),
        IdForm::Uuid => write!(rest, "{:08x}-0000-4000-8000-{:012x}", id >> 16 & 0xFFFF_FFFF, id & 0xFFFF_FFFF_FFFF),
    };
    let n_left = rest.len();
    out.get(..40 - n_left).unwrap_or_default()
}

/// What a receipt says.
pub(crate) struct ReceiptFacts<'a> {
    pub(crate) id: u64,
    pub(crate) recipient: u64,
    pub(crate) state: MessageState,
    /// When the message was taken, in seconds since 1970.
    pub(crate) taken_s: u64,
    /// The sender of the message, to whom the receipt goes.
    pub(crate) source: &'a str,
}

/// Appends a receipt as the options want it.
pub(crate) fn put_receipt(options: &SimulatorOptions, facts: &ReceiptFacts<'_>, sequence: u32, out: &mut Vec<u8>) {
    let form = options.receipt_ids.unwrap_or(options.message_ids);
    let mut id = [0; 40];
    let id = put_id(form, facts.id, &mut id);
    let word = facts.state.word();
    let is_delivered = facts.state == MessageState::Delivered;
    let (dlvrd, err) = if is_delivered { ("001", "000") } else { ("000", "001") };
    let id_text = std::str::from_utf8(id).unwrap_or_default();
    let text = match options.receipt_form {
        ReceiptForm::Tlv => String::new(),
        ReceiptForm::Both | ReceiptForm::Text => {
            let local_s = facts.taken_s.saturating_add_signed(i64::from(options.receipt_utc_offset_min) * 60);
            let date = absolute_utc(local_s);
            let date = std::str::from_utf8(date.get(..12).unwrap_or_default()).unwrap_or_default();
            format!(
                "id:{id_text} sub:001 dlvrd:{dlvrd} submit date:{date} done date:{date} stat:{word} err:{err} text:"
            )
        }
    };
    let mut tlvs = Vec::new();
    if options.receipt_form != ReceiptForm::Text {
        let mut c_string = id.to_vec();
        c_string.push(0);
        put_tlv(&mut tlvs, tag::RECEIPTED_MESSAGE_ID, &c_string);
        put_tlv(&mut tlvs, tag::MESSAGE_STATE, &[facts.state as u8]);
    }
    let recipient = facts.recipient.to_string();
    let to = options.receipt_sender.as_deref().unwrap_or(facts.source);
    let message = ShortMessage {
        source: Address { ton: 1, npi: 1, addr: recipient.as_bytes() },
        destination: Address { ton: 5, npi: 0, addr: to.as_bytes() },
        esm_class: 0x04,
        short_message: text.as_bytes(),
        tlvs: Tlvs::new(&tlvs),
        ..ShortMessage::default()
    };
    // Never too long: all of it is ours, and the source came in a submit.
    let _ = message.encode(CommandId::DeliverSm, sequence, out);
}

/// Appends a part of a message from the recipient to the sender.
pub(crate) fn put_reply(facts: &ReceiptFacts<'_>, part: &ReplyPart, sequence: u32, out: &mut Vec<u8>) {
    let recipient = facts.recipient.to_string();
    let message = ShortMessage {
        source: Address { ton: 1, npi: 1, addr: recipient.as_bytes() },
        destination: Address { ton: 5, npi: 0, addr: facts.source.as_bytes() },
        esm_class: part.esm_class,
        data_coding: part.data_coding,
        short_message: &part.octets,
        ..ShortMessage::default()
    };
    // Never too long: the text was cut, and the source came in a submit.
    let _ = message.encode(CommandId::DeliverSm, sequence, out);
}
