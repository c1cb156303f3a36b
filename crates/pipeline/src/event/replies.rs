//! Messages to us that are no receipts, and what could not be read.

use std::{fmt, ops::Range};

use super::ReceiptHandle;

/// Messages of one turn, in the order in which they came, with their fields in one buffer.
#[derive(Clone, Default)]
pub struct ReplyBatch {
    /// One for each message.
    pub items: Vec<ReplyItem>,
    octets: Vec<u8>,
}

/// What lies behind a [`ReplyItem`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReplyKind {
    /// A message.
    Message,
    /// A PDU that could not be decoded; only `raw` is filled.
    Unreadable,
}

/// One message's fields as they stood in the PDU.
#[derive(Debug, Clone)]
pub struct ReplyItem {
    /// For [`Carrier::acknowledge`](crate::Carrier::acknowledge).
    pub handle: ReceiptHandle,
    /// Whether it could be read.
    pub kind: ReplyKind,
    /// Mode, type and features (SMPP 3.4, 5.2.12); 0x40: a user data header precedes the text.
    pub esm_class: u8,
    /// The text's alphabet (SMPP 3.4, 5.2.19).
    pub data_coding: u8,
    /// Type and plan of the sender's number.
    pub source_ton_npi: (u8, u8),
    /// Type and plan of our number.
    pub destination_ton_npi: (u8, u8),
    source: Range<u32>,
    destination: Range<u32>,
    text: Range<u32>,
    tlvs: Range<u32>,
    raw: Range<u32>,
}

/// One message. It has no `Debug`: numbers and texts stay out of logs.
#[derive(Clone, Copy)]
pub struct Reply<'a> {
    /// What is no text.
    pub item: &'a ReplyItem,
    /// Who sent it.
    pub source: &'a [u8],
    /// Which of our numbers it was sent to.
    pub destination: &'a [u8],
    /// The text's octets, in the alphabet that `data_coding` names, with its header if
    /// `esm_class` says so.
    pub text: &'a [u8],
    /// All TLVs as they came (`volley_smpp::pdu::Tlvs` reads them); sar_* may be among them.
    pub tlvs: &'a [u8],
    /// The PDU as it came, cut at 4,096 octets. Only for what could not be read.
    pub raw: &'a [u8],
}

impl ReplyBatch {
    /// Number of messages.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Each message, in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = Reply<'_>> {
        self.items.iter().map(|item| Reply {
            item,
            source: self.octets(&item.source),
            destination: self.octets(&item.destination),
            text: self.octets(&item.text),
            tlvs: self.octets(&item.tlvs),
            raw: self.octets(&item.raw),
        })
    }

    fn octets(&self, range: &Range<u32>) -> &[u8] {
        self.octets.get(range.start as usize..range.end as usize).unwrap_or_default()
    }

    pub(crate) fn push(&mut self, reply: NewReply<'_>) {
        let mut put = |octets: &[u8]| {
            let start = self.octets.len() as u32;
            self.octets.extend_from_slice(octets);
            start..self.octets.len() as u32
        };
        let NewReply { handle, kind, esm_class, data_coding, source_ton_npi, destination_ton_npi, .. } = reply;
        let [source, destination, text, tlvs, raw] =
            [reply.source, reply.destination, reply.text, reply.tlvs, reply.raw].map(&mut put);
        self.items.push(ReplyItem {
            handle,
            kind,
            esm_class,
            data_coding,
            source_ton_npi,
            destination_ton_npi,
            source,
            destination,
            text,
            tlvs,
            raw,
        });
    }
}

/// What a session puts into a [`ReplyBatch`].
pub(crate) struct NewReply<'a> {
    pub(crate) handle: ReceiptHandle,
    pub(crate) kind: ReplyKind,
    pub(crate) esm_class: u8,
    pub(crate) data_coding: u8,
    pub(crate) source_ton_npi: (u8, u8),
    pub(crate) destination_ton_npi: (u8, u8),
    pub(crate) source: &'a [u8],
    pub(crate) destination: &'a [u8],
    pub(crate) text: &'a [u8],
    pub(crate) tlvs: &'a [u8],
    pub(crate) raw: &'a [u8],
}

/// Numbers and texts stay out of logs.
impl fmt::Debug for ReplyBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplyBatch").field("n_items", &self.items.len()).finish()
    }
}
