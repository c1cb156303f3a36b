//! One segment of a composed text as a submit.

use volley_core::{MessageToken, Msisdn};
use volley_pipeline::SubmitBatch;
use volley_smpp::{
    pdu::{Address, CommandId, ESM_CLASS_UDHI, ShortMessage, Tlvs, put_tlv, tag},
    text::{Concat, Segments, put_sar},
};

use super::LaneFormat;

/// Buffers that are used again.
#[derive(Debug, Default)]
pub(crate) struct Encoder {
    octets: Vec<u8>,
    tlvs: Vec<u8>,
}

/// What a message's segments share.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Envelope<'a> {
    pub(crate) sender: &'a str,
    pub(crate) recipient: Msisdn,
    /// Ties the segments together on the handset.
    pub(crate) reference: u16,
    pub(crate) concat: Concat,
    /// Empty for the carrier's own default.
    pub(crate) validity_period: &'a [u8],
    /// The carrier's own fields, encoded.
    pub(crate) tlvs: &'a [u8],
}

impl Encoder {
    /// Appends the segment that `token` names to `batch`.
    pub(crate) fn encode(
        &mut self,
        lane: &LaneFormat,
        envelope: &Envelope<'_>,
        segments: &Segments,
        token: MessageToken,
        batch: &mut SubmitBatch,
    ) {
        let (index, reference) = (usize::from(token.segment()), envelope.reference);
        self.octets.clear();
        segments.put_header(index, reference, &mut self.octets);
        let has_header = !self.octets.is_empty();
        self.tlvs.clear();
        self.tlvs.extend_from_slice(envelope.tlvs);
        put_sar(envelope.concat, segments.part(index, reference), &mut self.tlvs);
        let text = segments.octets(index);
        if envelope.concat == Concat::Payload && text.len() > 140 {
            put_tlv(&mut self.tlvs, tag::MESSAGE_PAYLOAD, text);
        } else {
            self.octets.extend_from_slice(text);
        }
        let sender = envelope.sender;
        let mut digits = DigitBuffer::default();
        let message = ShortMessage {
            source: Address {
                ton: lane.source.ton,
                npi: lane.source.npi,
                addr: sender.strip_prefix('+').unwrap_or(sender).as_bytes(),
            },
            destination: Address {
                ton: lane.destination.ton,
                npi: lane.destination.npi,
                addr: digits.write(lane.destination_prefix, envelope.recipient.as_u64()),
            },
            service_type: lane.service_type.as_bytes(),
            esm_class: lane.esm_class | if has_header { ESM_CLASS_UDHI } else { 0 },
            protocol_id: lane.protocol_id,
            priority_flag: lane.priority,
            validity_period: envelope.validity_period,
            registered_delivery: lane.registered_delivery,
            data_coding: segments.encoding().data_coding(),
            short_message: &self.octets,
            tlvs: Tlvs::new(&self.tlvs),
            ..ShortMessage::default()
        };
        // Sender and sizes were checked with the campaign file; nothing else can be too long.
        if message.encode(CommandId::SubmitSm, 0, &mut batch.pdus).is_ok() {
            batch.finish_item(token.with_check(envelope.recipient.check()));
        }
    }
}

/// A number's digits, and what stands before them, without an allocation.
#[derive(Default)]
struct DigitBuffer([u8; 20]);

impl DigitBuffer {
    fn write(&mut self, prefix: &str, mut value: u64) -> &[u8] {
        let mut n = 0;
        for place in self.0.iter_mut().rev() {
            *place = b'0' + (value % 10) as u8;
            value /= 10;
            n += 1;
            if value == 0 {
                break;
            }
        }
        // A number has 15 digits at most: the prefix fits before it.
        for (place, octet) in self.0.iter_mut().rev().skip(n).zip(prefix.bytes().rev()) {
            *place = octet;
        }
        self.0.get(20 - (n + prefix.len()).min(20)..).unwrap_or_default()
    }
}
