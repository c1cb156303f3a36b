//! PDUs straight into a write buffer.

use super::cursor::{Cursor, Outline, append, c_string_len};
use super::{
    Address, Bind, BindResp, CommandId, CommandStatus, DataSm, HEADER_LEN, Header, MAX_PDU_LEN, MessageResp, Pdu,
    ReplaceSm, ShortMessage, SubmitMulti, Tlvs,
};

/// A field that doesn't fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field} has {n_octets} octets: {max} fit")]
pub struct EncodeError {
    /// The field's name in the standard.
    pub field: &'static str,
    /// Octets that it has.
    pub n_octets: usize,
    /// Octets that fit, without the NUL.
    pub max: usize,
}

/// Appends a PDU without a body: enquire_link, unbind, their responses, generic_nack.
pub fn encode_header_only(id: CommandId, status: CommandStatus, sequence_number: u32, out: &mut Vec<u8>) {
    put_header(out, HEADER_LEN as u32, id, status, sequence_number);
}

/// Gives an encoded PDU its sequence number.
pub fn patch_sequence(pdu: &mut [u8], sequence_number: u32) {
    if let Some(place) = pdu.get_mut(12..HEADER_LEN) {
        place.copy_from_slice(&sequence_number.to_be_bytes());
    }
}

#[inline]
fn put_header(out: &mut Vec<u8>, length: u32, id: CommandId, status: CommandStatus, sequence_number: u32) {
    let mut header = [0_u8; HEADER_LEN];
    for (place, word) in header.chunks_exact_mut(4).zip([length, id.to_u32(), status.0, sequence_number]) {
        place.copy_from_slice(&word.to_be_bytes());
    }
    out.extend_from_slice(&header);
}

/// Writes header and body, then the length; takes everything back when a field doesn't fit.
fn framed(
    out: &mut Vec<u8>,
    id: CommandId,
    status: CommandStatus,
    sequence_number: u32,
    body: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    let start = out.len();
    put_header(out, 0, id, status, sequence_number);
    let written = body(out);
    let n_octets = out.len() - start;
    let max = MAX_PDU_LEN as usize;
    let fits = if n_octets > max { Err(EncodeError { field: "the PDU", n_octets, max }) } else { Ok(()) };
    if let Err(error) = written.and(fits) {
        out.truncate(start);
        return Err(error);
    }
    let length = n_octets as u32;
    if let Some(place) = out.get_mut(start..start + 4) {
        place.copy_from_slice(&length.to_be_bytes());
    }
    Ok(())
}

fn c_string(out: &mut Vec<u8>, field: &'static str, value: &[u8], max: usize) -> Result<(), EncodeError> {
    c_string_len(field, value, max)?;
    out.extend(value.iter().map(|octet| if *octet == 0 { b'?' } else { *octet }));
    out.push(0);
    Ok(())
}

#[inline]
fn address(out: &mut Vec<u8>, field: &'static str, address: &Address<'_>) -> Result<(), EncodeError> {
    out.extend_from_slice(&[address.ton, address.npi]);
    c_string(out, field, address.addr, 20)
}

fn long_address(out: &mut Vec<u8>, field: &'static str, address: &Address<'_>) -> Result<(), EncodeError> {
    out.extend_from_slice(&[address.ton, address.npi]);
    c_string(out, field, address.addr, 64)
}

#[inline]
fn tlvs(out: &mut Vec<u8>, tlvs: Tlvs<'_>) {
    out.extend_from_slice(tlvs.octets());
}

#[inline]
fn sm_length(short_message: &[u8]) -> Result<u8, EncodeError> {
    let n_octets = short_message.len();
    let fits = u8::try_from(n_octets).ok().filter(|n| *n <= 254);
    fits.ok_or(EncodeError { field: "short_message", n_octets, max: 254 })
}

impl Bind<'_> {
    /// Appends a bind of the kind that `id` says. The password may be longer than the
    /// standard's 8 characters: carriers issue such (HANDBOOK A.2).
    ///
    /// # Errors
    /// When a field doesn't fit.
    pub fn encode(&self, id: CommandId, sequence_number: u32, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        framed(out, id, CommandStatus::ROK, sequence_number, |out| {
            c_string(out, "system_id", self.system_id, 15)?;
            c_string(out, "password", self.password, 64)?;
            c_string(out, "system_type", self.system_type, 12)?;
            out.extend([self.interface_version, self.addr_ton, self.addr_npi]);
            c_string(out, "address_range", self.address_range, 40)
        })
    }
}

impl BindResp<'_> {
    /// Appends the response of the kind that `id` says.
    ///
    /// # Errors
    /// When a field doesn't fit.
    pub fn encode(
        &self,
        id: CommandId,
        status: CommandStatus,
        sequence_number: u32,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        framed(out, id, status, sequence_number, |out| {
            c_string(out, "system_id", self.system_id, 15)?;
            tlvs(out, self.tlvs);
            Ok(())
        })
    }
}

impl MessageResp<'_> {
    /// Appends the response of the kind that `id` says.
    ///
    /// # Errors
    /// When a field doesn't fit.
    #[inline]
    pub fn encode(
        &self,
        id: CommandId,
        status: CommandStatus,
        sequence_number: u32,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        let n_head = c_string_len("message_id", self.message_id, 64)?;
        let outline = Outline { id, status, sequence_number, n_head };
        append(out, outline, |cursor| cursor.c_string(self.message_id), [&[], self.tlvs.octets()])
    }
}

impl ShortMessage<'_> {
    /// Appends a submit_sm or deliver_sm, as `id` says.
    ///
    /// # Errors
    /// When a field doesn't fit.
    pub fn encode(&self, id: CommandId, sequence_number: u32, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        sm_length(self.short_message)?;
        // Each address has two numbers; three more stand before the times, and five behind them.
        let n_head = 12
            + c_string_len("service_type", self.service_type, 5)?
            + c_string_len("source_addr", self.source.addr, 20)?
            + c_string_len("destination_addr", self.destination.addr, 20)?
            + c_string_len("schedule_delivery_time", self.schedule_delivery_time, 16)?
            + c_string_len("validity_period", self.validity_period, 16)?;
        let outline = Outline { id, status: CommandStatus::ROK, sequence_number, n_head };
        let head = |cursor: &mut Cursor<'_>| {
            cursor.c_string(self.service_type);
            cursor.put([self.source.ton, self.source.npi]);
            cursor.c_string(self.source.addr);
            cursor.put([self.destination.ton, self.destination.npi]);
            cursor.c_string(self.destination.addr);
            cursor.put([self.esm_class, self.protocol_id, self.priority_flag]);
            cursor.c_string(self.schedule_delivery_time);
            cursor.c_string(self.validity_period);
            cursor.put(self.numbers_before_text());
        };
        append(out, outline, head, [self.short_message, self.tlvs.octets()])
    }

    /// The five numbers between the times and the text.
    const fn numbers_before_text(&self) -> [u8; 5] {
        [
            self.registered_delivery,
            self.replace_if_present_flag,
            self.data_coding,
            self.sm_default_msg_id,
            self.short_message.len() as u8,
        ]
    }
}

impl SubmitMulti<'_> {
    fn put(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let message = &self.message;
        c_string(out, "service_type", message.service_type, 5)?;
        address(out, "source_addr", &message.source)?;
        out.push(self.destinations.n);
        out.extend_from_slice(self.destinations.octets);
        out.extend([message.esm_class, message.protocol_id, message.priority_flag]);
        c_string(out, "schedule_delivery_time", message.schedule_delivery_time, 16)?;
        c_string(out, "validity_period", message.validity_period, 16)?;
        sm_length(message.short_message)?;
        out.extend(message.numbers_before_text());
        out.extend_from_slice(message.short_message);
        tlvs(out, message.tlvs);
        Ok(())
    }
}

impl DataSm<'_> {
    /// Appends a data_sm.
    ///
    /// # Errors
    /// When a field doesn't fit.
    pub fn encode(&self, sequence_number: u32, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        framed(out, CommandId::DataSm, CommandStatus::ROK, sequence_number, |out| {
            c_string(out, "service_type", self.service_type, 5)?;
            // SMPP 3.4, 4.7.1: addresses of data_sm may have 64 characters.
            long_address(out, "source_addr", &self.source)?;
            long_address(out, "destination_addr", &self.destination)?;
            out.extend([self.esm_class, self.registered_delivery, self.data_coding]);
            tlvs(out, self.tlvs);
            Ok(())
        })
    }
}

impl Pdu<'_> {
    /// Appends a PDU of any kind. `header`: what can't be seen from the body, that is, which of
    /// the binds, the status and the sequence number; its `command_length` is not used.
    ///
    /// # Errors
    /// When a field doesn't fit.
    pub fn encode(&self, header: &Header, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let Header { command_id: id, command_status: status, sequence_number: sequence, command_length: _ } = *header;
        match self {
            Self::Bind(bind) => bind.encode(id, sequence, out),
            Self::BindResp(resp) => resp.encode(id, status, sequence, out),
            Self::SubmitSm(message) | Self::DeliverSm(message) => message.encode(id, sequence, out),
            Self::SubmitSmResp(resp) | Self::DeliverSmResp(resp) | Self::DataSmResp(resp) => {
                resp.encode(id, status, sequence, out)
            }
            Self::DataSm(message) => message.encode(sequence, out),
            Self::Outbind(_)
            | Self::QuerySm(_)
            | Self::QuerySmResp(_)
            | Self::CancelSm(_)
            | Self::ReplaceSm(_)
            | Self::SubmitMulti(_)
            | Self::SubmitMultiResp(_)
            | Self::AlertNotification(_)
            | Self::Other(_) => framed(out, id, status, sequence, |out| self.put_rare_body(out)),
            Self::CancelSmResp
            | Self::ReplaceSmResp
            | Self::EnquireLink
            | Self::EnquireLinkResp
            | Self::Unbind
            | Self::UnbindResp
            | Self::GenericNack => {
                encode_header_only(id, status, sequence, out);
                Ok(())
            }
        }
    }

    /// The bodies of commands that no campaign needs at speed.
    fn put_rare_body(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        match self {
            Self::Outbind(outbind) => {
                c_string(out, "system_id", outbind.system_id, 15)?;
                c_string(out, "password", outbind.password, 64)?;
            }
            Self::QuerySm(query) => {
                c_string(out, "message_id", query.message_id, 64)?;
                address(out, "source_addr", &query.source)?;
            }
            Self::QuerySmResp(resp) => {
                c_string(out, "message_id", resp.message_id, 64)?;
                c_string(out, "final_date", resp.final_date, 16)?;
                out.extend([resp.message_state, resp.error_code]);
                tlvs(out, resp.tlvs);
            }
            Self::CancelSm(cancel) => {
                c_string(out, "service_type", cancel.service_type, 5)?;
                c_string(out, "message_id", cancel.message_id, 64)?;
                address(out, "source_addr", &cancel.source)?;
                address(out, "destination_addr", &cancel.destination)?;
            }
            Self::ReplaceSm(replace) => replace.put(out)?,
            Self::SubmitMulti(multi) => multi.put(out)?,
            Self::SubmitMultiResp(resp) => {
                c_string(out, "message_id", resp.message_id, 64)?;
                out.push(resp.unsuccessful.n);
                out.extend_from_slice(resp.unsuccessful.octets);
                tlvs(out, resp.tlvs);
            }
            Self::AlertNotification(alert) => {
                long_address(out, "source_addr", &alert.source)?;
                long_address(out, "esme_addr", &alert.esme)?;
                tlvs(out, alert.tlvs);
            }
            Self::Other(body) => out.extend_from_slice(body),
            Self::Bind(_)
            | Self::BindResp(_)
            | Self::SubmitSm(_)
            | Self::SubmitSmResp(_)
            | Self::DeliverSm(_)
            | Self::DeliverSmResp(_)
            | Self::DataSm(_)
            | Self::DataSmResp(_)
            | Self::CancelSmResp
            | Self::ReplaceSmResp
            | Self::EnquireLink
            | Self::EnquireLinkResp
            | Self::Unbind
            | Self::UnbindResp
            | Self::GenericNack => {}
        }
        Ok(())
    }
}

impl ReplaceSm<'_> {
    fn put(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        c_string(out, "message_id", self.message_id, 64)?;
        address(out, "source_addr", &self.source)?;
        c_string(out, "schedule_delivery_time", self.schedule_delivery_time, 16)?;
        c_string(out, "validity_period", self.validity_period, 16)?;
        let sm_length = sm_length(self.short_message)?;
        out.extend([self.registered_delivery, self.sm_default_msg_id, sm_length]);
        out.extend_from_slice(self.short_message);
        tlvs(out, self.tlvs);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pdu::{Address, Pdu, Tlvs, put_tlv, split_frame, tag};

    fn hex(text: &str) -> Vec<u8> {
        text.as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    #[test]
    fn bind_transceiver_is_what_the_standard_says() {
        let bind = Bind { system_id: b"esme01", password: b"secret08", interface_version: 0x34, ..Bind::default() };
        let mut out = Vec::new();
        bind.encode(CommandId::BindTransceiver, 1, &mut out).unwrap();
        assert_eq!(out, hex("0000002500000009000000000000000165736d653031007365637265743038000034000000"));
        assert_eq!(split_frame(&out, MAX_PDU_LEN).unwrap().unwrap().decode(), Ok(Pdu::Bind(bind)));
    }

    #[test]
    fn bind_response_with_and_without_body() {
        let octets = hex("0000001a800000090000000000000001534d5343000210000134");
        let Ok(Pdu::BindResp(resp)) = split_frame(&octets, MAX_PDU_LEN).unwrap().unwrap().decode() else { panic!() };
        assert_eq!((resp.system_id, resp.tlvs.find(0x0210)), (&b"SMSC"[..], Some(&[0x34][..])));
        let mut bare = Vec::new();
        encode_header_only(CommandId::BindTransceiverResp, CommandStatus::RINVPASWD, 1, &mut bare);
        assert_eq!(split_frame(&bare, MAX_PDU_LEN).unwrap().unwrap().decode(), Ok(Pdu::BindResp(BindResp::default())));
    }

    #[test]
    fn submit_sm_comes_back_field_by_field_and_takes_its_sequence_later() {
        let message = ShortMessage {
            source: Address { ton: 5, npi: 0, addr: b"MYBRAND" },
            destination: Address { ton: 1, npi: 1, addr: b"447700900123" },
            registered_delivery: 1,
            short_message: b"Hello",
            tlvs: Tlvs::new(&[0x14, 0x00, 0x00, 0x01, 0x07]),
            ..ShortMessage::default()
        };
        let mut out = vec![0xAA];
        message.encode(CommandId::SubmitSm, 0, &mut out).unwrap();
        assert_eq!(out.len(), 1 + 57 + 5, "57 octets by HANDBOOK A.1, and the TLV");
        patch_sequence(&mut out[1..], 0x0102_0304);
        let raw = split_frame(&out[1..], MAX_PDU_LEN).unwrap().unwrap();
        assert_eq!((raw.header.sequence_number, raw.decode()), (0x0102_0304, Ok(Pdu::SubmitSm(message))));
    }

    #[test]
    fn a_field_that_does_not_fit_leaves_nothing_behind() {
        let long = [b'1'; 21];
        let message = ShortMessage { source: Address { ton: 1, npi: 1, addr: &long }, ..ShortMessage::default() };
        let mut out = vec![1, 2, 3];
        let error = message.encode(CommandId::SubmitSm, 1, &mut out).unwrap_err();
        assert_eq!((error.to_string().as_str(), out.as_slice()), ("source_addr has 21 octets: 20 fit", &[1, 2, 3][..]));
    }

    #[test]
    fn a_pdu_that_no_smsc_would_take_is_not_written() {
        let mut tlvs = Vec::new();
        put_tlv(&mut tlvs, tag::MESSAGE_PAYLOAD, &[b'x'; 65_535]);
        let mut out = Vec::new();
        let message = ShortMessage { tlvs: Tlvs::new(&tlvs), ..ShortMessage::default() };
        let error = message.encode(CommandId::SubmitSm, 1, &mut out).unwrap_err();
        assert_eq!((error.to_string().as_str(), out.len()), ("the PDU has 65572 octets: 65536 fit", 0));
    }

    #[test]
    fn every_cut_body_is_an_error_that_names_the_field() {
        let mut out = Vec::new();
        ShortMessage { short_message: b"Hello", ..ShortMessage::default() }
            .encode(CommandId::DeliverSm, 1, &mut out)
            .unwrap();
        for len in 16..out.len() {
            let mut cut = out[..len].to_vec();
            cut[..4].copy_from_slice(&(len as u32).to_be_bytes());
            let error = split_frame(&cut, MAX_PDU_LEN).unwrap().unwrap().decode().unwrap_err();
            assert!(error.offset <= len && !error.field.is_empty());
        }
    }
}
