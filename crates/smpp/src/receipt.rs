//! Delivery receipts: recognising them, reading their text, folding ids (HANDBOOK C).

mod fold;
mod parse;

pub use fold::{IdMode, Side, fold_id};
pub use parse::{ReceiptText, parse_text};

use crate::pdu::{ShortMessage, tag};

/// message_state (SMPP 3.4, 5.2.28; HANDBOOK C.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the standard's own")]
#[repr(u8)]
pub enum MessageState {
    Scheduled = 0,
    Enroute = 1,
    Delivered = 2,
    Expired = 3,
    Deleted = 4,
    Undeliverable = 5,
    Accepted = 6,
    Unknown = 7,
    Rejected = 8,
    Skipped = 9,
}

impl MessageState {
    /// From the TLV's value.
    #[must_use]
    pub const fn from_tlv(value: u8) -> Option<Self> {
        Some(match value {
            0 => Self::Scheduled,
            1 => Self::Enroute,
            2 => Self::Delivered,
            3 => Self::Expired,
            4 => Self::Deleted,
            5 => Self::Undeliverable,
            6 => Self::Accepted,
            7 => Self::Unknown,
            8 => Self::Rejected,
            9 => Self::Skipped,
            _ => return None,
        })
    }

    /// From the word in a receipt's text, in any case.
    #[must_use]
    pub fn from_word(word: &[u8]) -> Option<Self> {
        let is = |candidates: &[&str]| candidates.iter().any(|c| word.eq_ignore_ascii_case(c.as_bytes()));
        Some(if is(&["DELIVRD", "DELIVERED"]) {
            Self::Delivered
        } else if is(&["UNDELIV", "UNDELIVERABLE", "FAILED"]) {
            Self::Undeliverable
        } else if is(&["EXPIRED"]) {
            Self::Expired
        } else if is(&["REJECTD", "REJECTED", "BLIST", "NOROUTE"]) {
            Self::Rejected
        } else if is(&["ENROUTE", "BUFFRED", "BUFFERD", "BUFFERED"]) {
            Self::Enroute
        } else if is(&["ACCEPTD", "ACCEPTED", "ACKED", "SUBMITD"]) {
            Self::Accepted
        } else if is(&["UNKNOWN"]) {
            Self::Unknown
        } else if is(&["DELETED"]) {
            Self::Deleted
        } else if is(&["SCHEDLD", "SCHEDULED"]) {
            Self::Scheduled
        } else if is(&["SKIPPED"]) {
            Self::Skipped
        } else {
            return None;
        })
    }

    /// The word that stands in a receipt's text.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Scheduled => "SCHEDLD",
            Self::Enroute => "ENROUTE",
            Self::Delivered => "DELIVRD",
            Self::Expired => "EXPIRED",
            Self::Deleted => "DELETED",
            Self::Undeliverable => "UNDELIV",
            Self::Accepted => "ACCEPTD",
            Self::Unknown => "UNKNOWN",
            Self::Rejected => "REJECTD",
            Self::Skipped => "SKIPPED",
        }
    }
}

/// What a receipt says, borrowed from its PDU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt<'a> {
    /// The carrier's id of the message, as written; empty when there is none.
    pub id: &'a [u8],
    /// Its state; `None` when the word is not known.
    pub state: Option<MessageState>,
    /// The carrier's error code as text; empty when there is none.
    pub err: &'a [u8],
}

/// `esm_class` bits that say what kind of message a deliver_sm is.
const TYPE_BITS: u8 = 0x3C;

/// Reads a deliver_sm as a receipt; `None` when it is none, that is, a message to us. TLVs go
/// before the text (HANDBOOK C.2).
#[must_use]
pub fn from_deliver_sm<'a>(message: &ShortMessage<'a>) -> Option<Receipt<'a>> {
    let id_tlv = message.tlvs.find(tag::RECEIPTED_MESSAGE_ID).map(trim);
    let state_tlv = message.tlvs.find(tag::MESSAGE_STATE).and_then(|value| value.first().copied());
    let by_class = message.esm_class & TYPE_BITS & (0x04 | 0x08 | 0x20) != 0;
    let by_tlvs = id_tlv.is_some() && state_tlv.is_some();
    let text = parse_text(message.text_octets());
    let by_text = text.id.is_some() && text.stat.is_some();
    if !(by_class || by_tlvs || by_text) {
        return None;
    }
    let state = match state_tlv.and_then(MessageState::from_tlv) {
        Some(state) => Some(state),
        None => text.stat.and_then(MessageState::from_word),
    };
    let id = id_tlv.filter(|id| !id.is_empty()).or(text.id).unwrap_or_default();
    Some(Receipt { id, state, err: text.err.unwrap_or_default() })
}

/// Without NULs and blanks at both ends.
fn trim(octets: &[u8]) -> &[u8] {
    let is_blank = |octet: &u8| *octet == 0 || octet.is_ascii_whitespace();
    let start = octets.iter().position(|octet| !is_blank(octet)).unwrap_or(octets.len());
    let end = octets.iter().rposition(|octet| !is_blank(octet)).map_or(start, |last| last + 1);
    octets.get(start..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pdu::{Tlvs, put_tlv};

    #[test]
    fn tlvs_go_before_the_text() {
        let mut tlvs = Vec::new();
        put_tlv(&mut tlvs, tag::RECEIPTED_MESSAGE_ID, b"5960A2C5\0");
        put_tlv(&mut tlvs, tag::MESSAGE_STATE, &[2]);
        let message = ShortMessage {
            esm_class: 0x04,
            short_message: b"id:1499505349 sub:001 dlvrd:001 stat:UNDELIV err:007 text:x",
            tlvs: Tlvs::new(&tlvs),
            ..ShortMessage::default()
        };
        let receipt = from_deliver_sm(&message).unwrap();
        assert_eq!(receipt, Receipt { id: b"5960A2C5", state: Some(MessageState::Delivered), err: b"007" });
    }

    #[test]
    fn a_reply_is_no_receipt() {
        let reply = |short_message| ShortMessage { short_message, ..ShortMessage::default() };
        assert_eq!(from_deliver_sm(&reply(b"STOP")), None);
        assert_eq!(from_deliver_sm(&reply(b"my id: 5 please")), None);
        assert!(from_deliver_sm(&reply(b"id:5 stat:DELIVRD")).is_some());
    }
}
