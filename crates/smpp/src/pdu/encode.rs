//! PDUs straight into a write buffer.

use super::{Bind, BindResp, CommandId, CommandStatus, HEADER_LEN, MessageResp, ShortMessage};

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
    if let Err(error) = body(out) {
        out.truncate(start);
        return Err(error);
    }
    let length = (out.len() - start) as u32;
    if let Some(place) = out.get_mut(start..start + 4) {
        place.copy_from_slice(&length.to_be_bytes());
    }
    Ok(())
}

fn c_string(out: &mut Vec<u8>, field: &'static str, value: &[u8], max: usize) -> Result<(), EncodeError> {
    if value.len() > max {
        return Err(EncodeError { field, n_octets: value.len(), max });
    }
    // A NUL within would end the field early and shift all that follow.
    out.extend(value.iter().map(|octet| if *octet == 0 { b'?' } else { *octet }));
    out.push(0);
    Ok(())
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
            out.extend_from_slice(self.tlvs.octets());
            Ok(())
        })
    }
}

impl MessageResp<'_> {
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
            c_string(out, "message_id", self.message_id, 64)?;
            out.extend_from_slice(self.tlvs.octets());
            Ok(())
        })
    }
}

impl ShortMessage<'_> {
    /// Appends a submit_sm or deliver_sm, as `id` says.
    ///
    /// # Errors
    /// When a field doesn't fit.
    pub fn encode(&self, id: CommandId, sequence_number: u32, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        framed(out, id, CommandStatus::ROK, sequence_number, |out| {
            c_string(out, "service_type", self.service_type, 5)?;
            out.extend([self.source.ton, self.source.npi]);
            c_string(out, "source_addr", self.source.addr, 20)?;
            out.extend([self.destination.ton, self.destination.npi]);
            c_string(out, "destination_addr", self.destination.addr, 20)?;
            out.extend([self.esm_class, self.protocol_id, self.priority_flag]);
            c_string(out, "schedule_delivery_time", self.schedule_delivery_time, 16)?;
            c_string(out, "validity_period", self.validity_period, 16)?;
            let n_octets = self.short_message.len();
            let sm_length = u8::try_from(n_octets).ok().filter(|n| *n <= 254);
            let sm_length = sm_length.ok_or(EncodeError { field: "short_message", n_octets, max: 254 })?;
            out.extend([
                self.registered_delivery,
                self.replace_if_present_flag,
                self.data_coding,
                self.sm_default_msg_id,
                sm_length,
            ]);
            out.extend_from_slice(self.short_message);
            out.extend_from_slice(self.tlvs.octets());
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pdu::{Address, MAX_PDU_LEN, Pdu, Tlvs, split_frame};

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
