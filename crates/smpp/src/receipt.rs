//! Delivery receipts: recognising them, reading their text, folding ids (HANDBOOK C).

mod date;
mod fold;
mod parse;
mod parts;

pub use date::ReceiptDate;
pub use fold::{IdMode, IdRules, Side, fold_id};
pub use parse::{ReceiptText, parse_text};
pub use parts::{MessageFate, PartState, PartsPolicy, fold_parts};
/// For [`ReceiptPatterns`] and [`IdRules`].
pub use regex::bytes::Regex;

use crate::pdu::{ShortMessage, Tlv, TlvKind, TlvValue, tag};

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
    /// All, in the order of their numbers.
    pub const ALL: [Self; 10] = [
        Self::Scheduled,
        Self::Enroute,
        Self::Delivered,
        Self::Expired,
        Self::Deleted,
        Self::Undeliverable,
        Self::Accepted,
        Self::Unknown,
        Self::Rejected,
        Self::Skipped,
    ];

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

    /// Whether the carrier will not change it any more (HANDBOOK C.6). Accepted and unknown are
    /// not final: the receipt deadline ends them.
    #[must_use]
    pub const fn is_final(self) -> bool {
        match self {
            Self::Delivered | Self::Expired | Self::Deleted | Self::Undeliverable | Self::Rejected | Self::Skipped => {
                true
            }
            Self::Scheduled | Self::Enroute | Self::Accepted | Self::Unknown => false,
        }
    }

    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Enroute => "enroute",
            Self::Delivered => "delivered",
            Self::Expired => "expired",
            Self::Deleted => "deleted",
            Self::Undeliverable => "undeliverable",
            Self::Accepted => "accepted",
            Self::Unknown => "unknown",
            Self::Rejected => "rejected",
            Self::Skipped => "skipped",
        }
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
    /// The carrier's error code.
    pub err: ErrorCode<'a>,
    /// Whether it only says that the message is on its way (esm_class 0x20).
    pub is_intermediate: bool,
    /// When the carrier took the message, in its own local time.
    pub submitted: Option<ReceiptDate>,
}

/// A carrier's error code. There is no common table (HANDBOOK C.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorCode<'a> {
    /// As the text says it; empty when it says none.
    Text(&'a [u8]),
    /// As network_error_code says it (SMPP 3.4, 5.3.2.31).
    Network {
        /// Which network's codes: 1 ANSI-136, 2 IS-95, 3 GSM.
        network_type: u8,
        /// The code.
        code: u16,
    },
}

impl<'a> ErrorCode<'a> {
    /// The code as text; a number is written into `scratch`.
    #[must_use]
    pub fn as_text<'s>(&self, scratch: &'s mut [u8; 5]) -> &'s [u8]
    where
        'a: 's,
    {
        match self {
            Self::Text(text) => text,
            Self::Network { code, .. } => {
                let mut rest = *code;
                let mut n_digits = 0;
                for place in scratch.iter_mut().rev() {
                    *place = b'0' + (rest % 10) as u8;
                    rest /= 10;
                    n_digits += 1;
                    if rest == 0 {
                        break;
                    }
                }
                scratch.get(5 - n_digits..).unwrap_or_default()
            }
        }
    }
}

/// What a carrier's profile says of its receipts (HANDBOOK C.4). The default is the handbook's
/// tolerant reading.
#[derive(Debug, Clone, Default)]
pub struct ReceiptRules {
    /// Patterns for the text, instead of looking for labels.
    pub patterns: Option<ReceiptPatterns>,
    /// Words of `stat:`, in capitals, that mean something else here than in HANDBOOK C.6.
    pub states: Vec<(String, MessageState)>,
    /// "Accepted" is all that this carrier will ever say: it counts as delivered.
    pub accepted_is_delivered: bool,
}

/// Patterns for a carrier's own form of receipts; the first group of each is the value. They must
/// carry context, such as `\bid:(\S+)`, or a message's text can forge a field.
#[derive(Debug, Clone)]
pub struct ReceiptPatterns {
    /// Finds the id.
    pub id: Option<Regex>,
    /// Finds the state's word.
    pub stat: Option<Regex>,
    /// Finds the error code.
    pub err: Option<Regex>,
}

impl ReceiptPatterns {
    fn read<'a>(&self, text: &'a [u8]) -> ReceiptText<'a> {
        let find = |pattern: &Option<Regex>| {
            let captures = pattern.as_ref()?.captures(text)?;
            captures.get(1).map(|group| trim(group.as_bytes()))
        };
        ReceiptText { id: find(&self.id), stat: find(&self.stat), err: find(&self.err), ..ReceiptText::default() }
    }
}

impl ReceiptRules {
    fn read_text<'a>(&self, text: &'a [u8]) -> ReceiptText<'a> {
        self.patterns.as_ref().map_or_else(|| parse_text(text), |patterns| patterns.read(text))
    }

    /// The state that a word of `stat:` means.
    #[must_use]
    pub fn state_of_word(&self, word: &[u8]) -> Option<MessageState> {
        let own = self.states.iter().find(|(known, _)| word.eq_ignore_ascii_case(known.as_bytes()));
        own.map(|(_, state)| *state).or_else(|| MessageState::from_word(word))
    }
}

/// `esm_class` bits that say what kind of message a deliver_sm is (SMPP 3.4, 5.2.12).
const TYPE_BITS: u8 = 0x3C;
const RECEIPT: u8 = 0x04;
const DELIVERY_ACKNOWLEDGEMENT: u8 = 0x08;
const INTERMEDIATE: u8 = 0x20;

/// Reads a deliver_sm as a receipt; `None` when it is none, that is, a message to us. TLVs go
/// before the text (HANDBOOK C.2).
#[must_use]
pub fn from_deliver_sm<'a>(message: &ShortMessage<'a>, rules: &ReceiptRules) -> Option<Receipt<'a>> {
    let id_tlv = message.tlvs.find(tag::RECEIPTED_MESSAGE_ID).map(trim);
    let state_tlv = message.tlvs.find(tag::MESSAGE_STATE).and_then(|value| value.first().copied());
    let by_class = message.esm_class & TYPE_BITS & (RECEIPT | DELIVERY_ACKNOWLEDGEMENT | INTERMEDIATE) != 0;
    let by_tlvs = id_tlv.is_some() && state_tlv.is_some();
    let (_, octets) = message.header_and_text();
    let text = rules.read_text(octets);
    let has = |value: Option<&[u8]>| value.is_some_and(|value| !value.is_empty());
    if !(by_class || by_tlvs || has(text.id) && has(text.stat)) {
        return None;
    }
    let state = match state_tlv.and_then(MessageState::from_tlv) {
        Some(state) => Some(state),
        None => text.stat.and_then(|word| rules.state_of_word(word)),
    };
    let state = match state {
        Some(MessageState::Accepted) if rules.accepted_is_delivered => Some(MessageState::Delivered),
        other => other,
    };
    Some(Receipt {
        id: id_tlv.filter(|id| !id.is_empty()).or(text.id).unwrap_or_default(),
        state,
        err: network_error(message).unwrap_or(ErrorCode::Text(text.err.unwrap_or_default())),
        is_intermediate: message.esm_class & INTERMEDIATE != 0,
        submitted: text.submit_date.and_then(ReceiptDate::read),
    })
}

fn network_error<'a>(message: &ShortMessage<'a>) -> Option<ErrorCode<'a>> {
    let value = message.tlvs.find(tag::NETWORK_ERROR_CODE)?;
    let tlv = Tlv { tag: tag::NETWORK_ERROR_CODE, value, truncated: false };
    match tlv.read_as(TlvKind::NetworkError) {
        TlvValue::NetworkError { network_type, code } => Some(ErrorCode::Network { network_type, code }),
        TlvValue::Int(_) | TlvValue::Text(_) | TlvValue::Octets(_) => None,
    }
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

    fn read<'a>(message: &ShortMessage<'a>) -> Option<Receipt<'a>> {
        from_deliver_sm(message, &ReceiptRules::default())
    }

    #[test]
    fn tlvs_go_before_the_text() {
        let mut tlvs = Vec::new();
        put_tlv(&mut tlvs, tag::RECEIPTED_MESSAGE_ID, b"5960A2C5\0");
        put_tlv(&mut tlvs, tag::MESSAGE_STATE, &[2]);
        let text = b"id:1499505349 sub:001 dlvrd:001 stat:UNDELIV err:007 text:x";
        let plain = ShortMessage { esm_class: 0x04, short_message: text, ..ShortMessage::default() };
        let (state, err) = (Some(MessageState::Delivered), ErrorCode::Text(b"007"));
        let expected = Receipt { id: b"5960A2C5", state, err, is_intermediate: false, submitted: None };
        assert_eq!(read(&ShortMessage { tlvs: Tlvs::new(&tlvs), ..plain }), Some(expected));
        put_tlv(&mut tlvs, tag::NETWORK_ERROR_CODE, &[3, 0, 27]);
        let err = ErrorCode::Network { network_type: 3, code: 27 };
        assert_eq!(read(&ShortMessage { tlvs: Tlvs::new(&tlvs), ..plain }), Some(Receipt { err, ..expected }));
        assert_eq!(err.as_text(&mut [0; 5]), b"27");
        assert_eq!(ErrorCode::Network { network_type: 3, code: 0xFFFF }.as_text(&mut [0; 5]), b"65535");
    }

    #[test]
    fn a_reply_is_no_receipt() {
        let reply = |short_message| ShortMessage { short_message, ..ShortMessage::default() };
        assert_eq!(read(&reply(b"STOP")), None);
        assert_eq!(read(&reply(b"my id: 5 please")), None);
        assert_eq!(read(&reply(b"id: stat: hm")), None);
        assert!(read(&reply(b"id:5 stat:DELIVRD")).is_some());
    }

    #[test]
    fn a_header_before_the_text_is_passed_over() {
        let text = b"\x05\x00\x03\x07\x01\x01id:5 stat:EXPIRED";
        let message = ShortMessage { esm_class: 0x64, short_message: text, ..ShortMessage::default() };
        let receipt = read(&message).unwrap();
        assert_eq!(
            (receipt.id, receipt.state, receipt.is_intermediate),
            (&b"5"[..], Some(MessageState::Expired), true)
        );
    }

    #[test]
    fn a_carrier_s_own_form_is_read_by_its_rules() {
        let pattern = |pattern| Regex::new(pattern).ok();
        let rules = ReceiptRules {
            patterns: Some(ReceiptPatterns {
                id: pattern(r"^MSG=(\w+);"),
                stat: pattern(r";ST=(\w+)"),
                err: pattern(r";E=(\w*)"),
            }),
            states: vec![("OK".to_owned(), MessageState::Accepted)],
            accepted_is_delivered: true,
        };
        let text = b"MSG=77;ST=ok;E=12;T=id:999 stat:UNDELIV";
        let message = ShortMessage { esm_class: 4, short_message: text, ..ShortMessage::default() };
        let (state, err) = (Some(MessageState::Delivered), ErrorCode::Text(b"12"));
        let expected = Receipt { id: b"77", state, err, is_intermediate: false, submitted: None };
        assert_eq!(from_deliver_sm(&message, &rules), Some(expected));
    }

    #[test]
    fn states_are_final_or_not() {
        let open: Vec<_> = (0..=9).filter_map(MessageState::from_tlv).filter(|state| !state.is_final()).collect();
        let expected = [MessageState::Scheduled, MessageState::Enroute, MessageState::Accepted, MessageState::Unknown];
        assert_eq!(open, expected);
        for state in (0..=9).filter_map(MessageState::from_tlv) {
            assert_eq!(MessageState::from_word(state.word().to_lowercase().as_bytes()), Some(state));
        }
    }
}
