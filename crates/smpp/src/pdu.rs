//! PDUs: framing, decoding from a read buffer, encoding into a write buffer.
//!
//! Framing comes first ([`split_frame`]): a PDU is cut out by its length before anything in it is
//! read, so that no content can make us lose our place in the stream.

mod command;
mod decode;
mod encode;
mod status;
mod tlv;

pub use command::CommandId;
pub use decode::{DecodeError, Pdu};
pub use encode::{EncodeError, encode_header_only, patch_sequence};
pub use status::{CommandStatus, StatusClass};
pub use tlv::{Tlv, Tlvs, put_tlv, tag};

/// Octets of a PDU's header (SMPP 3.4, 3.2).
pub const HEADER_LEN: usize = 16;
/// The longest PDU taken: a full message_payload fits (HANDBOOK A.1).
pub const MAX_PDU_LEN: u32 = 64 << 10;
/// The highest sequence number; the next is 1 (SMPP 3.4, 3.2).
pub const MAX_SEQUENCE: u32 = 0x7FFF_FFFF;

/// A PDU's header (SMPP 3.4, 3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Octets of the whole PDU, header included.
    pub command_length: u32,
    /// What it is.
    pub command_id: CommandId,
    /// Zero in requests.
    pub command_status: CommandStatus,
    /// Pairs requests and responses.
    pub sequence_number: u32,
}

/// One PDU cut out of the stream, its body not yet read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawPdu<'a> {
    /// The header.
    pub header: Header,
    /// Everything behind the header.
    pub body: &'a [u8],
}

/// A length that can't be: the place in the stream is lost. Answer generic_nack
/// [`CommandStatus::RINVCMDLEN`] and close.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a PDU announces {command_length} octets: 16 to {max_len} are possible")]
pub struct FrameError {
    /// What it announces.
    pub command_length: u32,
    /// The most that is taken.
    pub max_len: u32,
}

/// Cuts the first PDU off `buffer`; `None` when more octets are needed.
///
/// # Errors
/// When the announced length is below 16 or above `max_len`.
pub fn split_frame(buffer: &[u8], max_len: u32) -> Result<Option<RawPdu<'_>>, FrameError> {
    let Some((header, rest)) = buffer.split_first_chunk::<HEADER_LEN>() else {
        // A wrong length is told as soon as it is seen, not when a header is complete.
        return match buffer.first_chunk::<4>().map(|octets| u32::from_be_bytes(*octets)) {
            Some(command_length) if !(HEADER_LEN as u32..=max_len).contains(&command_length) => {
                Err(FrameError { command_length, max_len })
            }
            _ => Ok(None),
        };
    };
    let [length, id, status, sequence] = words(header);
    if !(HEADER_LEN as u32..=max_len).contains(&length) {
        return Err(FrameError { command_length: length, max_len });
    }
    let header = Header {
        command_length: length,
        command_id: CommandId::from_u32(id),
        command_status: CommandStatus(status),
        sequence_number: sequence,
    };
    Ok(rest.get(..length as usize - HEADER_LEN).map(|body| RawPdu { header, body }))
}

fn words(header: &[u8; HEADER_LEN]) -> [u32; 4] {
    let [a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3, d0, d1, d2, d3] = *header;
    [[a0, a1, a2, a3], [b0, b1, b2, b3], [c0, c1, c2, c3], [d0, d1, d2, d3]].map(u32::from_be_bytes)
}

impl<'a> RawPdu<'a> {
    /// Octets of the whole PDU: how far to advance in the stream, whatever the content.
    #[must_use]
    pub const fn n_octets(&self) -> usize {
        HEADER_LEN + self.body.len()
    }

    /// Reads the body.
    ///
    /// # Errors
    /// When a mandatory field is missing or cut; the error says which and where.
    pub fn decode(&self) -> Result<Pdu<'a>, DecodeError> {
        decode::decode(self)
    }
}

/// bind_transmitter, bind_receiver and bind_transceiver (SMPP 3.4, 4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bind<'a> {
    /// Account name.
    pub system_id: &'a [u8],
    /// Its password.
    pub password: &'a [u8],
    /// Usually empty.
    pub system_type: &'a [u8],
    /// 0x34 for SMPP 3.4.
    pub interface_version: u8,
    /// TON of `address_range`.
    pub addr_ton: u8,
    /// NPI of `address_range`.
    pub addr_npi: u8,
    /// Which addresses are ours; usually empty.
    pub address_range: &'a [u8],
}

/// A response to a bind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BindResp<'a> {
    /// The SMSC's name.
    pub system_id: &'a [u8],
    /// TLVs, such as sc_interface_version.
    pub tlvs: Tlvs<'a>,
}

/// An address with its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Address<'a> {
    /// Type of number (SMPP 3.4, 5.2.5).
    pub ton: u8,
    /// Numbering plan (SMPP 3.4, 5.2.6).
    pub npi: u8,
    /// The digits or letters.
    pub addr: &'a [u8],
}

/// submit_sm and deliver_sm, which have the same fields (SMPP 3.4, 4.4.1 and 4.6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ShortMessage<'a> {
    /// Usually empty.
    pub service_type: &'a [u8],
    /// Who sends.
    pub source: Address<'a>,
    /// Who receives.
    pub destination: Address<'a>,
    /// Mode, type and features (SMPP 3.4, 5.2.12).
    pub esm_class: u8,
    /// GSM protocol id.
    pub protocol_id: u8,
    /// 0 to 3.
    pub priority_flag: u8,
    /// When to send; empty is at once.
    pub schedule_delivery_time: &'a [u8],
    /// How long to try; empty is the SMSC's default.
    pub validity_period: &'a [u8],
    /// Which receipts are asked for (SMPP 3.4, 5.2.17).
    pub registered_delivery: u8,
    /// 0.
    pub replace_if_present_flag: u8,
    /// The text's alphabet (SMPP 3.4, 5.2.19).
    pub data_coding: u8,
    /// 0.
    pub sm_default_msg_id: u8,
    /// The text, with its header if `esm_class` says so; at most 254 octets.
    pub short_message: &'a [u8],
    /// TLVs.
    pub tlvs: Tlvs<'a>,
}

/// `esm_class`: a user data header stands before the text (SMPP 3.4, 5.2.12).
pub const ESM_CLASS_UDHI: u8 = 0x40;

impl<'a> ShortMessage<'a> {
    /// The text's octets, wherever they stand: short_message or message_payload.
    #[must_use]
    pub fn text_octets(&self) -> &'a [u8] {
        match self.tlvs.find(tag::MESSAGE_PAYLOAD) {
            Some(payload) if self.short_message.is_empty() => payload,
            _ => self.short_message,
        }
    }
}

/// data_sm (SMPP 3.4, 4.7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DataSm<'a> {
    /// Usually empty.
    pub service_type: &'a [u8],
    /// Who sends.
    pub source: Address<'a>,
    /// Who receives.
    pub destination: Address<'a>,
    /// Mode, type and features.
    pub esm_class: u8,
    /// Which receipts are asked for.
    pub registered_delivery: u8,
    /// The text's alphabet.
    pub data_coding: u8,
    /// TLVs; the text is in message_payload.
    pub tlvs: Tlvs<'a>,
}

/// A response that names a message: to submit_sm, deliver_sm or data_sm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MessageResp<'a> {
    /// The id; empty in deliver_sm_resp, and where the response has no body.
    pub message_id: &'a [u8],
    /// TLVs.
    pub tlvs: Tlvs<'a>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_cut_by_its_length_alone() {
        let mut stream = Vec::new();
        encode_header_only(CommandId::EnquireLink, CommandStatus::ROK, 7, &mut stream);
        encode_header_only(CommandId::Unbind, CommandStatus::ROK, 8, &mut stream);
        for n in 0..16 {
            assert_eq!(split_frame(&stream[..n], MAX_PDU_LEN), Ok(None), "{n} octets");
        }
        let first = split_frame(&stream, MAX_PDU_LEN).unwrap().unwrap();
        assert_eq!(
            (first.header.command_id, first.header.sequence_number, first.n_octets()),
            (CommandId::EnquireLink, 7, 16)
        );
        let second = split_frame(&stream[first.n_octets()..], MAX_PDU_LEN).unwrap().unwrap();
        assert_eq!(second.header.command_id, CommandId::Unbind);
    }

    #[test]
    fn impossible_lengths_are_told_at_once() {
        for (octets, length) in
            [(vec![0, 0, 0, 15], 15), (vec![0xF0, 0, 0, 0x11, 0, 0], 0xF000_0011), (vec![0, 1, 0, 1], 65_537)]
        {
            let error = split_frame(&octets, MAX_PDU_LEN).unwrap_err();
            assert_eq!(error.command_length, length);
        }
        assert_eq!(split_frame(&[0, 1, 0, 0], MAX_PDU_LEN), Ok(None));
    }
}
