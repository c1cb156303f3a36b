//! PDUs: framing, decoding from a read buffer, encoding into a write buffer.
//!
//! Framing comes first ([`split_frame`]): a PDU is cut out by its length before anything in it is
//! read, so that no content can make us lose our place in the stream.

mod body;
mod command;
mod cursor;
mod decode;
mod encode;
mod status;
mod tlv;

pub use body::{
    Address, AlertNotification, Bind, BindResp, CancelSm, DataSm, Destination, Destinations, ESM_CLASS_UDHI,
    MessageResp, Outbind, QuerySm, QuerySmResp, ReplaceSm, ShortMessage, SubmitMulti, SubmitMultiResp, Unsuccessful,
};
pub use command::CommandId;
pub use decode::{DecodeError, Pdu};
pub use encode::{EncodeError, encode_header_only, patch_sequence};
pub use status::{CommandStatus, StatusClass};
pub use tlv::{TagName, Tlv, TlvKind, TlvRule, TlvValue, TlvValueError, Tlvs, put_tlv, tag};

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
#[inline]
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

#[inline]
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
    #[inline]
    pub fn decode(&self) -> Result<Pdu<'a>, DecodeError> {
        decode::decode(self)
    }
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
