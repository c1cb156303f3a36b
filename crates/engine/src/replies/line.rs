//! What stands in `replies.jsonl`: a line for each message as it came, and one for what was made
//! of it.

use serde::{Deserialize, Serialize};
use volley_core::{Msisdn, UnixMicros};
use volley_pipeline::Reply;
use volley_smpp::{
    pdu::Tlvs,
    reply::{Decision, MoMessage, MoPart, Reading},
};

use crate::inspect::{hex, read_hex};

/// One line.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(super) enum Line {
    /// One deliver_sm.
    Part(PartLine),
    /// What one or more of them say.
    Message(MessageLine),
    /// A PDU that nobody could read.
    Unreadable {
        /// When it came, in microseconds since 1970.
        at_us: u64,
        carrier: String,
        octets: String,
    },
}

/// One deliver_sm, octets in hex.
#[derive(Serialize, Deserialize)]
pub(super) struct PartLine {
    /// Its number among all parts and messages of this data directory, from 1.
    pub(super) n: u64,
    pub(super) at_us: u64,
    pub(super) carrier: String,
    pub(super) from: String,
    pub(super) from_ton: u8,
    pub(super) to: String,
    pub(super) esm_class: u8,
    pub(super) data_coding: u8,
    pub(super) octets: String,
    pub(super) tlvs: String,
}

impl PartLine {
    pub(super) fn new(n: u64, at: UnixMicros, carrier: &str, reply: &Reply<'_>) -> Self {
        Self {
            n,
            at_us: at.0,
            carrier: carrier.to_owned(),
            from: String::from_utf8_lossy(reply.source).into_owned(),
            from_ton: reply.item.source_ton_npi.0,
            to: String::from_utf8_lossy(reply.destination).into_owned(),
            esm_class: reply.item.esm_class,
            data_coding: reply.item.data_coding,
            octets: hex(reply.text),
            tlvs: hex(reply.tlvs),
        }
    }

    /// Shows it as a part: live and read again, it is the same one.
    pub(super) fn with_part<T>(&self, account: u32, look: impl FnOnce(&MoPart<'_>) -> T) -> T {
        let octets = read_hex(&self.octets).unwrap_or_default();
        let tlvs = read_hex(&self.tlvs).unwrap_or_default();
        look(&MoPart {
            account,
            from: self.from.as_bytes(),
            from_ton: self.from_ton,
            to: self.to.as_bytes(),
            esm_class: self.esm_class,
            data_coding: self.data_coding,
            octets: &octets,
            tlvs: Tlvs::new(&tlvs),
            tag: self.n,
        })
    }
}

/// A message, joined and read.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct MessageLine {
    /// As of parts: both are counted together.
    pub(super) n: u64,
    /// When its first part came.
    pub(super) at_us: u64,
    pub(super) carrier: String,
    /// As it stood in the PDU.
    pub(super) from: String,
    /// The same as E.164 digits, where it is a number.
    pub(super) number: Option<u64>,
    pub(super) to: String,
    /// `None` for binary.
    pub(super) text: Option<String>,
    pub(super) decision: String,
    pub(super) word: Option<String>,
    pub(super) scope: Option<String>,
    pub(super) incomplete: bool,
    /// The parts that it was made of.
    pub(super) parts: Vec<u64>,
}

impl MessageLine {
    pub(super) fn new(
        n: u64,
        carrier: &str,
        message: &MoMessage,
        number: Option<Msisdn>,
        text: Option<String>,
        reading: Reading,
    ) -> Self {
        Self {
            n,
            at_us: message.at_us,
            carrier: carrier.to_owned(),
            from: String::from_utf8_lossy(&message.from).into_owned(),
            number: number.map(Msisdn::as_u64),
            to: String::from_utf8_lossy(&message.to).into_owned(),
            text,
            decision: reading.decision.name().to_owned(),
            word: reading.word,
            scope: reading.scope,
            incomplete: message.is_incomplete(),
            parts: message.tags.clone(),
        }
    }

    pub(super) fn decision(&self) -> Decision {
        Decision::from_name(&self.decision).unwrap_or_default()
    }

    pub(super) fn number(&self) -> Option<Msisdn> {
        self.number.and_then(Msisdn::from_u64)
    }
}
