//! Bodies, borrowed from the read buffer.

use super::{Address, Bind, BindResp, CommandId, DataSm, HEADER_LEN, MessageResp, RawPdu, ShortMessage, Tlvs};

/// A decoded PDU. What has no body, or one that nobody here needs, keeps only its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pdu<'a> {
    /// bind_transmitter, bind_receiver or bind_transceiver: the header says which.
    Bind(Bind<'a>),
    /// Their responses.
    BindResp(BindResp<'a>),
    /// submit_sm.
    SubmitSm(ShortMessage<'a>),
    /// submit_sm_resp.
    SubmitSmResp(MessageResp<'a>),
    /// deliver_sm.
    DeliverSm(ShortMessage<'a>),
    /// deliver_sm_resp.
    DeliverSmResp(MessageResp<'a>),
    /// data_sm.
    DataSm(DataSm<'a>),
    /// data_sm_resp.
    DataSmResp(MessageResp<'a>),
    /// enquire_link.
    EnquireLink,
    /// enquire_link_resp.
    EnquireLinkResp,
    /// unbind.
    Unbind,
    /// unbind_resp.
    UnbindResp,
    /// generic_nack.
    GenericNack,
    /// Anything else; the body as it came.
    Other(&'a [u8]),
}

/// A mandatory field that is missing or cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field} at octet {offset} of the PDU is missing or cut short")]
pub struct DecodeError {
    /// The field's name in the standard.
    pub field: &'static str,
    /// Where it should begin, counted from the PDU's first octet.
    pub offset: usize,
}

struct Fields<'a> {
    body: &'a [u8],
    rest: &'a [u8],
}

type Field<T> = Result<T, DecodeError>;

impl<'a> Fields<'a> {
    const fn new(body: &'a [u8]) -> Self {
        Self { body, rest: body }
    }

    const fn missing(&self, field: &'static str) -> DecodeError {
        DecodeError { field, offset: HEADER_LEN + self.body.len() - self.rest.len() }
    }

    fn u8(&mut self, field: &'static str) -> Field<u8> {
        let (first, rest) = self.rest.split_first().ok_or_else(|| self.missing(field))?;
        self.rest = rest;
        Ok(*first)
    }

    /// A C-string without its NUL. Lengths beyond the standard's are taken: carriers exceed them.
    fn c_string(&mut self, field: &'static str) -> Field<&'a [u8]> {
        let end = self.rest.iter().position(|octet| *octet == 0).ok_or_else(|| self.missing(field))?;
        let (value, rest) = self.rest.split_at(end);
        self.rest = rest.get(1..).unwrap_or_default();
        Ok(value)
    }

    /// The last C-string of a response: its NUL may be missing where the PDU ends.
    fn last_c_string(&mut self) -> &'a [u8] {
        self.c_string("").unwrap_or_else(|_| std::mem::take(&mut self.rest))
    }

    fn octets(&mut self, n: usize, field: &'static str) -> Field<&'a [u8]> {
        let (value, rest) = self.rest.split_at_checked(n).ok_or_else(|| self.missing(field))?;
        self.rest = rest;
        Ok(value)
    }

    fn address(&mut self, ton: &'static str, npi: &'static str, addr: &'static str) -> Field<Address<'a>> {
        Ok(Address { ton: self.u8(ton)?, npi: self.u8(npi)?, addr: self.c_string(addr)? })
    }

    fn source(&mut self) -> Field<Address<'a>> {
        self.address("source_addr_ton", "source_addr_npi", "source_addr")
    }

    fn destination(&mut self) -> Field<Address<'a>> {
        self.address("dest_addr_ton", "dest_addr_npi", "destination_addr")
    }

    const fn tlvs(self) -> Tlvs<'a> {
        Tlvs::new(self.rest)
    }
}

pub(super) fn decode<'a>(raw: &RawPdu<'a>) -> Field<Pdu<'a>> {
    let fields = Fields::new(raw.body);
    match raw.header.command_id {
        CommandId::SubmitSmResp => Ok(Pdu::SubmitSmResp(message_resp(fields))),
        CommandId::DeliverSm => short_message(fields).map(Pdu::DeliverSm),
        CommandId::SubmitSm => short_message(fields).map(Pdu::SubmitSm),
        CommandId::DeliverSmResp => Ok(Pdu::DeliverSmResp(message_resp(fields))),
        CommandId::EnquireLink => Ok(Pdu::EnquireLink),
        CommandId::EnquireLinkResp => Ok(Pdu::EnquireLinkResp),
        CommandId::BindReceiver | CommandId::BindTransmitter | CommandId::BindTransceiver => {
            bind(fields).map(Pdu::Bind)
        }
        CommandId::BindReceiverResp | CommandId::BindTransmitterResp | CommandId::BindTransceiverResp => {
            let MessageResp { message_id, tlvs } = message_resp(fields);
            Ok(Pdu::BindResp(BindResp { system_id: message_id, tlvs }))
        }
        CommandId::Unbind => Ok(Pdu::Unbind),
        CommandId::UnbindResp => Ok(Pdu::UnbindResp),
        CommandId::GenericNack => Ok(Pdu::GenericNack),
        CommandId::DataSm => data_sm(fields).map(Pdu::DataSm),
        CommandId::DataSmResp => Ok(Pdu::DataSmResp(message_resp(fields))),
        CommandId::QuerySm
        | CommandId::QuerySmResp
        | CommandId::ReplaceSm
        | CommandId::ReplaceSmResp
        | CommandId::CancelSm
        | CommandId::CancelSmResp
        | CommandId::Outbind
        | CommandId::SubmitMulti
        | CommandId::SubmitMultiResp
        | CommandId::AlertNotification
        | CommandId::Unknown(_) => Ok(Pdu::Other(raw.body)),
    }
}

/// A response may have no body, an empty string, or all of it (HANDBOOK A.1).
fn message_resp(mut fields: Fields<'_>) -> MessageResp<'_> {
    MessageResp { message_id: fields.last_c_string(), tlvs: fields.tlvs() }
}

fn bind(mut fields: Fields<'_>) -> Field<Bind<'_>> {
    Ok(Bind {
        system_id: fields.c_string("system_id")?,
        password: fields.c_string("password")?,
        system_type: fields.c_string("system_type")?,
        interface_version: fields.u8("interface_version")?,
        addr_ton: fields.u8("addr_ton")?,
        addr_npi: fields.u8("addr_npi")?,
        address_range: fields.c_string("address_range")?,
    })
}

fn short_message(mut fields: Fields<'_>) -> Field<ShortMessage<'_>> {
    let service_type = fields.c_string("service_type")?;
    let source = fields.source()?;
    let destination = fields.destination()?;
    let esm_class = fields.u8("esm_class")?;
    let protocol_id = fields.u8("protocol_id")?;
    let priority_flag = fields.u8("priority_flag")?;
    let schedule_delivery_time = fields.c_string("schedule_delivery_time")?;
    let validity_period = fields.c_string("validity_period")?;
    let registered_delivery = fields.u8("registered_delivery")?;
    let replace_if_present_flag = fields.u8("replace_if_present_flag")?;
    let data_coding = fields.u8("data_coding")?;
    let sm_default_msg_id = fields.u8("sm_default_msg_id")?;
    let sm_length = fields.u8("sm_length")?;
    let short_message = fields.octets(usize::from(sm_length), "short_message")?;
    Ok(ShortMessage {
        service_type,
        source,
        destination,
        esm_class,
        protocol_id,
        priority_flag,
        schedule_delivery_time,
        validity_period,
        registered_delivery,
        replace_if_present_flag,
        data_coding,
        sm_default_msg_id,
        short_message,
        tlvs: fields.tlvs(),
    })
}

fn data_sm(mut fields: Fields<'_>) -> Field<DataSm<'_>> {
    Ok(DataSm {
        service_type: fields.c_string("service_type")?,
        source: fields.source()?,
        destination: fields.destination()?,
        esm_class: fields.u8("esm_class")?,
        registered_delivery: fields.u8("registered_delivery")?,
        data_coding: fields.u8("data_coding")?,
        tlvs: fields.tlvs(),
    })
}
