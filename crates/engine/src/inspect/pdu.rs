//! PDUs: every field and TLV by name, or what is wrong and at which octet.

use serde_json::{Map, Value, json};
use volley_smpp::{
    pdu::{
        Address, Bind, CommandId, CommandStatus, DecodeError, Destination, FrameError, MAX_PDU_LEN, Pdu, RawPdu,
        ReplaceSm, ShortMessage, SubmitMulti, SubmitMultiResp, TagName, Tlv, TlvValue, Tlvs, split_frame, tag,
    },
    receipt::{MessageState, ReceiptRules, from_deliver_sm, parse_text},
    text::{DefaultAlphabet, UserDataHeader, data_coding_name, decode_text},
};

use super::{hex, put, words};

/// A text that is no hexadecimal number of octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HexError {
    /// Something else than a digit.
    #[error("character {position}, `{found}`, is no hexadecimal digit")]
    NoDigit {
        /// Counted from 1.
        position: usize,
        /// What stands there.
        found: char,
    },
    /// Half an octet at the end.
    #[error("{0} hexadecimal digits: the last octet has only one")]
    Odd(usize),
}

/// Octets from hexadecimal digits; blanks, line feeds and colons between them don't count.
///
/// # Errors
/// When something else stands there.
pub fn read_hex(text: &str) -> Result<Vec<u8>, HexError> {
    let text = text.trim();
    let text = text.strip_prefix("0x").unwrap_or(text);
    let mut digits = Vec::with_capacity(text.len());
    for (c, position) in text.chars().zip(1..).filter(|(c, _)| !c.is_whitespace() && *c != ':') {
        digits.push(c.to_digit(16).ok_or(HexError::NoDigit { position, found: c })? as u8);
    }
    if !digits.len().is_multiple_of(2) {
        return Err(HexError::Odd(digits.len()));
    }
    Ok(digits.chunks(2).map(|pair| pair.iter().fold(0, |octet, digit| octet << 4 | digit)).collect())
}

/// Cuts octets into PDUs by their lengths; what can't be cut is the last piece.
#[must_use]
pub fn split_pdus(octets: &[u8]) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    let mut rest = octets;
    while let Ok(Some(raw)) = split_frame(rest, MAX_PDU_LEN) {
        let (piece, after) = rest.split_at(raw.n_octets().min(rest.len()));
        pieces.push(piece);
        rest = after;
    }
    if !rest.is_empty() || pieces.is_empty() {
        pieces.push(rest);
    }
    pieces
}

/// Looks at one PDU. `action` says what a session does with it: accept, nack (answer, and go on),
/// ignore, or fatal (answer, and close).
#[must_use]
pub fn pdu(octets: &[u8]) -> Value {
    let mut map = Map::new();
    match split_frame(octets, MAX_PDU_LEN) {
        Err(error) => put_fatal(error, &mut map),
        Ok(None) => put_cut(octets, &mut map),
        Ok(Some(raw)) => put_raw(&raw, octets.len(), &mut map),
    }
    Value::Object(map)
}

fn put_fatal(error: FrameError, map: &mut Map<String, Value>) {
    let is_short = error.command_length < 16;
    let reason = if is_short { "command_length < 16" } else { "command_length above the configured maximum" };
    put(map, "action", "fatal");
    put(map, "reason", reason);
    put(map, "message", error.to_string());
    put(map, "octet", 0);
    put(map, "reply", reply(CommandId::GenericNack, CommandStatus::RINVCMDLEN, 0));
}

fn put_cut(octets: &[u8], map: &mut Map<String, Value>) {
    let announced = octets.first_chunk::<4>().map(|length| u32::from_be_bytes(*length));
    let message = match announced {
        Some(announced) => format!("the PDU announces {announced} octets, and {} are there", octets.len()),
        None => format!("{} octets are no PDU: its length alone has 4", octets.len()),
    };
    put(map, "action", "wait");
    put(map, "reason", "incomplete");
    put(map, "message", message);
    put(map, "octet", octets.len());
}

fn put_raw(raw: &RawPdu<'_>, n_octets: usize, map: &mut Map<String, Value>) {
    let header = raw.header;
    let name = if let CommandId::Unknown(id) = header.command_id {
        format!("{id:#010x}")
    } else {
        header.command_id.name().to_owned()
    };
    put(map, "command_id", name);
    put(map, "command_length", header.command_length);
    put(map, "command_status", header.command_status.0);
    if header.command_status != CommandStatus::ROK {
        put(map, "command_status_name", header.command_status.to_string());
        put(map, "command_status_class", header.command_status.class_name());
    }
    put(map, "sequence_number", header.sequence_number);
    match raw.decode() {
        Ok(decoded) => {
            put_pdu(&decoded, map);
            put_action(raw, map);
        }
        Err(error) => put_unreadable(raw, error, map),
    }
    if n_octets > raw.n_octets() {
        put(map, "octets_behind", n_octets - raw.n_octets());
    }
}

fn put_unreadable(raw: &RawPdu<'_>, error: DecodeError, map: &mut Map<String, Value>) {
    let header = raw.header;
    put(map, "reason", error.field);
    put(map, "message", error.to_string());
    put(map, "octet", error.offset);
    if header.command_id.is_response() {
        put(map, "action", "ignore");
    } else {
        put(map, "action", "nack");
        put(map, "reply", reply(CommandId::GenericNack, CommandStatus::RINVCMDLEN, header.sequence_number));
    }
}

/// What a session that is bound does with a PDU that it can read.
fn put_action(raw: &RawPdu<'_>, map: &mut Map<String, Value>) {
    let (id, sequence) = (raw.header.command_id, raw.header.sequence_number);
    let is_unknown = matches!(id, CommandId::Unknown(_));
    put(
        map,
        "action",
        if !is_unknown {
            "accept"
        } else if id.is_response() {
            "ignore"
        } else {
            "nack"
        },
    );
    if is_unknown && !id.is_response() {
        put(map, "reply", reply(CommandId::GenericNack, CommandStatus::RINVCMDID, sequence));
    }
    if matches!(id, CommandId::EnquireLink | CommandId::Unbind | CommandId::DeliverSm | CommandId::DataSm) {
        put(map, "reply", reply(id.response(), CommandStatus::ROK, sequence));
    }
}

fn reply(id: CommandId, status: CommandStatus, sequence_number: u32) -> Value {
    json!({ "command_id": id.name(), "command_status": status.0, "sequence_number": sequence_number })
}

fn put_pdu(decoded: &Pdu<'_>, map: &mut Map<String, Value>) {
    match decoded {
        Pdu::Bind(bind) => put_bind(bind, map),
        Pdu::BindResp(resp) => {
            put(map, "system_id", words(resp.system_id));
            put_tlvs(resp.tlvs, map);
        }
        Pdu::Outbind(outbind) => {
            put(map, "system_id", words(outbind.system_id));
            put(map, "password", words(outbind.password));
        }
        Pdu::SubmitSm(message) => put_message(message, Direction::Mt, map),
        Pdu::DeliverSm(message) => put_message(message, Direction::Mo, map),
        Pdu::DataSm(message) => put_message(&message.as_short_message(), Direction::Either, map),
        Pdu::SubmitSmResp(resp) | Pdu::DeliverSmResp(resp) | Pdu::DataSmResp(resp) => {
            put(map, "message_id", (!resp.message_id.is_empty()).then(|| words(resp.message_id)));
            put_tlvs(resp.tlvs, map);
        }
        Pdu::QuerySm(query) => {
            put(map, "message_id", words(query.message_id));
            put_address(map, "source_addr", "source_addr", &query.source);
        }
        Pdu::QuerySmResp(resp) => {
            put(map, "message_id", words(resp.message_id));
            put(map, "final_date", words(resp.final_date));
            put(map, "message_state", resp.message_state);
            put(map, "state", MessageState::from_tlv(resp.message_state).map(MessageState::name));
            put(map, "error_code", resp.error_code);
            put_tlvs(resp.tlvs, map);
        }
        Pdu::CancelSm(cancel) => {
            put(map, "service_type", words(cancel.service_type));
            put(map, "message_id", words(cancel.message_id));
            put_address(map, "source_addr", "source_addr", &cancel.source);
            put_address(map, "dest_addr", "destination_addr", &cancel.destination);
        }
        Pdu::ReplaceSm(replace) => put_replace(replace, map),
        Pdu::SubmitMulti(multi) => put_multi(multi, map),
        Pdu::SubmitMultiResp(resp) => put_multi_resp(resp, map),
        Pdu::AlertNotification(alert) => {
            put_address(map, "source_addr", "source_addr", &alert.source);
            put_address(map, "esme_addr", "esme_addr", &alert.esme);
            put_tlvs(alert.tlvs, map);
        }
        Pdu::Other(body) => put(map, "body_hex", hex(body)),
        Pdu::CancelSmResp
        | Pdu::ReplaceSmResp
        | Pdu::EnquireLink
        | Pdu::EnquireLinkResp
        | Pdu::Unbind
        | Pdu::UnbindResp
        | Pdu::GenericNack => {}
    }
}

fn put_bind(bind: &Bind<'_>, map: &mut Map<String, Value>) {
    put(map, "system_id", words(bind.system_id));
    put(map, "password", words(bind.password));
    put(map, "system_type", words(bind.system_type));
    put(map, "interface_version", bind.interface_version);
    put(map, "addr_ton", bind.addr_ton);
    put(map, "addr_npi", bind.addr_npi);
    put(map, "address_range", words(bind.address_range));
}

fn put_address(map: &mut Map<String, Value>, kind: &str, key: &str, address: &Address<'_>) {
    put(map, &format!("{kind}_ton"), address.ton);
    put(map, &format!("{kind}_npi"), address.npi);
    put(map, key, words(address.addr));
}

/// Whether a message may be a receipt.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Mt,
    Mo,
    /// data_sm goes both ways.
    Either,
}

fn put_message(message: &ShortMessage<'_>, direction: Direction, map: &mut Map<String, Value>) {
    put(map, "service_type", words(message.service_type));
    put_address(map, "source_addr", "source_addr", &message.source);
    put_address(map, "dest_addr", "destination_addr", &message.destination);
    put(map, "esm_class", message.esm_class);
    if direction != Direction::Either {
        put(map, "protocol_id", message.protocol_id);
        put(map, "priority_flag", message.priority_flag);
        put(map, "schedule_delivery_time", words(message.schedule_delivery_time));
        put(map, "validity_period", words(message.validity_period));
    }
    put(map, "registered_delivery", message.registered_delivery);
    if direction != Direction::Either {
        put(map, "replace_if_present_flag", message.replace_if_present_flag);
    }
    put(map, "data_coding", message.data_coding);
    put(map, "data_coding_name", data_coding_name(message.data_coding));
    if direction != Direction::Either {
        put(map, "sm_default_msg_id", message.sm_default_msg_id);
        put(map, "sm_length", message.short_message.len());
        put(map, "short_message_hex", hex(message.short_message));
    }
    put_user_data(message, map);
    put_tlvs(message.tlvs, map);
    if direction != Direction::Mt {
        put_receipt(message, map);
    }
}

/// Header and text, wherever they stand.
fn put_user_data(message: &ShortMessage<'_>, map: &mut Map<String, Value>) {
    let (header, octets) = message.header_and_text();
    let mut shifts = UserDataHeader::default().shifts;
    if !header.is_empty() {
        let read = UserDataHeader::read(header);
        shifts = read.shifts;
        put(map, "udh_hex", hex(header));
        if let Some(part) = read.part {
            put(map, "part", json!({ "reference": part.reference, "total": part.total, "number": part.number }));
        }
        if let Some((destination, source)) = read.ports {
            put(map, "ports", json!({ "destination": destination, "source": source }));
        }
    }
    put(map, "user_data_octets", octets.len());
    put(map, "text", decode_text(message.data_coding, DefaultAlphabet::Gsm, shifts, octets));
}

fn put_receipt(message: &ShortMessage<'_>, map: &mut Map<String, Value>) {
    let receipt = from_deliver_sm(message, &ReceiptRules::default());
    put(map, "is_receipt", receipt.is_some());
    let Some(receipt) = receipt else { return };
    put(map, "intermediate", receipt.is_intermediate);
    put(map, "id", words(receipt.id));
    put(map, "state", receipt.state.map_or("unrecognised", MessageState::name));
    put(map, "err", words(receipt.err.as_text(&mut [0; 5])));
    let (_, octets) = message.header_and_text();
    put(map, "receipt_text_id", parse_text(octets).id.map(words));
    if let Some([state, ..]) = message.tlvs.find(tag::MESSAGE_STATE) {
        put(map, "message_state", *state);
    }
}

fn put_replace(replace: &ReplaceSm<'_>, map: &mut Map<String, Value>) {
    put(map, "message_id", words(replace.message_id));
    put_address(map, "source_addr", "source_addr", &replace.source);
    put(map, "schedule_delivery_time", words(replace.schedule_delivery_time));
    put(map, "validity_period", words(replace.validity_period));
    put(map, "registered_delivery", replace.registered_delivery);
    put(map, "sm_default_msg_id", replace.sm_default_msg_id);
    put(map, "sm_length", replace.short_message.len());
    put(map, "short_message_hex", hex(replace.short_message));
    put_tlvs(replace.tlvs, map);
}

fn put_multi(multi: &SubmitMulti<'_>, map: &mut Map<String, Value>) {
    let destinations = multi.destinations.iter().map(|destination| match destination {
        Destination::Sme(address) => {
            json!({ "dest_addr_ton": address.ton, "dest_addr_npi": address.npi, "destination_addr": words(address.addr) })
        }
        Destination::List(name) => json!({ "dl_name": words(name) }),
    });
    put(map, "number_of_dests", multi.destinations.len());
    put(map, "destinations", destinations.collect::<Vec<_>>());
    put_message(&multi.message, Direction::Mt, map);
    for unused in ["dest_addr_ton", "dest_addr_npi", "destination_addr"] {
        map.shift_remove(unused);
    }
}

fn put_multi_resp(resp: &SubmitMultiResp<'_>, map: &mut Map<String, Value>) {
    let refused = resp.unsuccessful.iter().map(|(address, status)| {
        json!({
            "dest_addr_ton": address.ton,
            "dest_addr_npi": address.npi,
            "destination_addr": words(address.addr),
            "error_status_code": status.0,
        })
    });
    put(map, "message_id", words(resp.message_id));
    put(map, "no_unsuccess", resp.unsuccessful.len());
    put(map, "unsuccess_sme", refused.collect::<Vec<_>>());
    put_tlvs(resp.tlvs, map);
}

/// By name with the value read, the first of each; and all of them as they came.
fn put_tlvs(tlvs: Tlvs<'_>, map: &mut Map<String, Value>) {
    let mut by_name = Map::new();
    let mut all = Vec::new();
    for tlv in tlvs.iter() {
        let (name, value) = (TagName(tlv.tag).to_string(), tlv_value(&tlv));
        all.push(json!({
            "tag": format!("{:#06x}", tlv.tag),
            "name": tag::name(tlv.tag),
            "octets": tlv.value.len(),
            "hex": hex(tlv.value),
            "truncated": tlv.truncated,
        }));
        by_name.entry(name).or_insert(value);
    }
    if !all.is_empty() {
        put(map, "tlvs", by_name);
        put(map, "tlv_list", all);
    }
    let n_rest = tlvs.octets().len() - tlvs.iter().map(|tlv| 4 + tlv.value.len()).sum::<usize>();
    if n_rest > 0 {
        put(map, "octets_behind_tlvs", n_rest);
    }
}

/// Numbers as numbers, text as text, other octets in hexadecimal.
fn tlv_value(tlv: &Tlv<'_>) -> Value {
    match tlv.read_as(tag::kind(tlv.tag)) {
        TlvValue::Int(number) => number.into(),
        TlvValue::Text(text) => words(text),
        TlvValue::NetworkError { network_type, code } => json!({ "type": network_type, "code": code }),
        TlvValue::Octets(octets) => match std::str::from_utf8(octets) {
            Ok(text) if !text.is_empty() && text.chars().all(|c| c == ' ' || c.is_ascii_graphic()) => text.into(),
            _ => hex(octets).into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_digits_become_octets() {
        assert_eq!(read_hex(" 0x00 0f:AB\n10"), Ok(vec![0, 0x0F, 0xAB, 0x10]));
        assert_eq!(read_hex("00z"), Err(HexError::NoDigit { position: 3, found: 'z' }));
        assert_eq!(read_hex("000"), Err(HexError::Odd(3)));
    }

    #[test]
    fn several_pdus_are_cut_apart() {
        let one = read_hex("00000010000000150000000000000001").unwrap();
        let both = [one.as_slice(), one.as_slice(), &[0, 0]].concat();
        assert_eq!(split_pdus(&both), [one.as_slice(), one.as_slice(), &[0, 0]]);
        assert_eq!(split_pdus(&[]), [&[] as &[u8]]);
    }

    #[test]
    fn a_cut_body_is_named_with_its_octet() {
        let value = pdu(&read_hex("00000012000000040000000000000001 0005").unwrap());
        assert_eq!(
            (&value["action"], &value["reason"], &value["octet"]),
            (&json!("nack"), &json!("source_addr_ton"), &json!(17))
        );
        let value = pdu(&read_hex("0000001000000001").unwrap());
        assert_eq!(value["message"], json!("the PDU announces 16 octets, and 8 are there"));
    }
}
